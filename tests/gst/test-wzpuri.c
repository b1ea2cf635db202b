/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The wzp URI: what it says, and the sentence for what it cannot say. */
#include "call-rig.h"
#include "gst/gstwzpuri.h"
#include <string.h>

typedef struct {
  const char *text, *host;
  guint port;
  const char *room, *shown;
} Good;

static const Good good[] = {
    {"wzp://relay.example/room", "relay.example", 4433, "room", "wzp://relay.example/room"},
    {"wzp://relay.example:9/room", "relay.example", 9, "room", "wzp://relay.example:9/room"},
    {"wzp://Relay.Example/Room", "relay.example", 4433, "Room", "wzp://Relay.Example/Room"},
    {"WZP://192.0.2.1:65535/r", "192.0.2.1", 65535, "r", "WZP://192.0.2.1:65535/r"},
    {"wzp://[2001:db8::1]:1234/r", "2001:db8::1", 1234, "r", "wzp://[2001:db8::1]:1234/r"},
    {"wzp://[::1]/r", "::1", 4433, "r", "wzp://[::1]/r"},
    {"wzp://h/a%20b%2Fc", "h", 4433, "a b/c", "wzp://h/a%20b%2Fc"},
    {"wzp://h/%D0%B4%D0%B0", "h", 4433, "\xd0\xb4\xd0\xb0", "wzp://h/%D0%B4%D0%B0"},
    {"wzp://h/r#000102030405060708090a0b0c0d0e0f", "h", 4433, "r", "wzp://h/r"},
    {"wzp://h/r#passphrase", "h", 4433, "r", "wzp://h/r"},
    {"wzp://h:1?key-file=/k", "h", 1, NULL, "wzp://h:1?key-file=/k"},
    {"wzp://h:1/?key-file=/k", "h", 1, NULL, "wzp://h:1/?key-file=/k"},
    {"wzp://:7000?key-file=/k", "", 7000, NULL, "wzp://:7000?key-file=/k"},
    {"wzp://h", "h", 4433, NULL, "wzp://h"},
    {"wzp://h/@", "h", 4433, NULL, "wzp://h/@"},
    {"wzp://h/@27ba36eb371eea99e7d0ee5731653e50", "h", 4433, NULL,
     "wzp://h/@27ba36eb371eea99e7d0ee5731653e50"},
};

static void
test_good(void)
{
  for (guint n = 0; n < G_N_ELEMENTS(good); n++) {
    g_autoptr(GError) error = NULL;
    GstWzpUri *uri = gst_wzp_uri_parse(good[n].text, &error);
    g_assert_no_error(error);
    g_assert_nonnull(uri);
    g_assert_cmpstr(uri->host, ==, good[n].host);
    g_assert_cmpuint(uri->port, ==, good[n].port);
    g_assert_cmpstr(uri->room, ==, good[n].room);
    g_assert_cmpstr(uri->text, ==, good[n].shown);
    gst_wzp_uri_free(uri);
  }
}

/* What is wrong, and a word that its sentence must have. */
static const char *const bad[][2] = {
    {"", "wzp://host"},
    {"http://relay.example/room", "wzp://host"},
    {"wzp:relay.example/room", "wzp://host"},
    {"wzp://relay.example:0/room", "port 0"},
    {"wzp://relay.example:65536/room", "port"},
    {"wzp://relay.example:port/room", "port"},
    {"wzp://[::1/room", "brackets"},
    {"wzp://user@relay.example/room", "identity"},
    {"wzp://a;b/room", "'a;b'"},
    {"wzp://h/a/b", "'/'"},
    {"wzp://h/a/", "'/'"},
    {"wzp://h/%FF", "UTF-8"},
    {"wzp://h/%00", "UTF-8"},
    {"wzp://h/@a/b", "whom to call"},
    {"wzp://h/@%FF", "whom to call"},
    {"wzp://h/@#000102030405060708090a0b0c0d0e0f", "a room secret"},
    {"wzp://h/r#", "32 hex digits"},
    {"wzp://h/@#passphrase", "a room secret"},
    {"wzp://h/r#Passphrase", "'passphrase'"},
    {"wzp://h/r#00", "32 hex digits"},
    {"wzp://h/r#000102030405060708090a0b0c0d0e0g", "32 hex digits"},
    {"wzp://h/r#000102030405060708090a0b0c0d0e0f00", "32 hex digits"},
    {"wzp://h/r?relay", "'relay'"},
    {"wzp://h/r?=x", "'=x'"},
    {"wzp://h/r?a=1&a=2", "twice"},
};

static void
test_bad(void)
{
  for (guint n = 0; n < G_N_ELEMENTS(bad); n++) {
    g_autoptr(GError) error = NULL;
    g_assert_null(gst_wzp_uri_parse(bad[n][0], &error));
    g_assert_error(error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI);
    if (strstr(error->message, bad[n][1]) == NULL)
      g_error("%s: \"%s\" lacks \"%s\"", bad[n][0], error->message, bad[n][1]);
  }
}

static void
test_callee(void)
{
  static const char *const callees[][2] = {
      {"wzp://h/@", NULL},
      {"wzp://h/@27ba:36eb:371e:ea99:e7d0:ee57:3165:e50e",
       "27ba:36eb:371e:ea99:e7d0:ee57:3165:e50e"},
      {"wzp://h/@J%C3%BCrgen%20W", "J\xc3\xbcrgen W"},
  };
  for (guint n = 0; n < G_N_ELEMENTS(callees); n++) {
    GstWzpUri *uri = gst_wzp_uri_parse(callees[n][0], NULL);
    g_assert_true(uri->calls);
    g_assert_cmpstr(uri->callee, ==, callees[n][1]);
    gst_wzp_uri_free(uri);
  }
}

static void
test_room_length(void)
{
  for (guint length = GST_WZP_ROOM_MAX; length <= GST_WZP_ROOM_MAX + 1; length++) {
    g_autofree char *room = g_strnfill(length, 'r');
    g_autofree char *text = g_strconcat("wzp://h/", room, NULL);
    g_autoptr(GError) error = NULL;
    GstWzpUri *uri = gst_wzp_uri_parse(text, &error);
    g_assert_true((uri != NULL) == (length == GST_WZP_ROOM_MAX));
    gst_wzp_uri_free(uri);
  }
}

static void
test_secret(void)
{
  const char *secrets[] = {"000102030405060708090a0b0c0d0e0f", "000102030405060708090A0B0C0D0E0F"};
  for (guint n = 0; n < G_N_ELEMENTS(secrets); n++) {
    g_autofree char *text = g_strconcat("wzp://h/r?session=x#", secrets[n], NULL);
    GstWzpUri *uri = gst_wzp_uri_parse(text, NULL);
    g_assert_true(uri->has_link_key);
    for (guint i = 0; i < sizeof uri->link_key; i++)
      g_assert_cmpuint(uri->link_key[i], ==, i);
    g_assert_null(strchr(uri->text, '#'));
    gst_wzp_uri_free(uri);
  }
  /* nor does a refusal repeat it */
  g_autoptr(GError) error = NULL;
  g_assert_null(gst_wzp_uri_parse("wzp://h/r#5ec2e7", &error));
  g_assert_null(strstr(error->message, "5ec2e7"));
}

static void
test_query(void)
{
  GstWzpUri *uri = gst_wzp_uri_parse("wzp://h/r?relay=aa%3Abb&identity=%2Fa%26b&&x=", NULL);
  static const char *const expected[] = {"relay", "aa:bb", "identity", "/a&b", "x", "", NULL};
  g_assert_true(g_strv_equal((const gchar *const *)uri->query, expected));
  gst_wzp_uri_free(uri);
}

static void
apply(const char *query, gboolean fits, const char *word)
{
  GstElement *element = gst_element_factory_make("fakesrc", NULL);
  g_autofree char *text = g_strconcat("wzp://h/r?", query, NULL);
  g_autoptr(GError) error = NULL;
  GstWzpUri *uri = gst_wzp_uri_parse(text, &error);
  g_assert_no_error(error);
  g_assert_true(gst_wzp_uri_apply_query(uri, G_OBJECT(element), &error) == fits);
  if (!fits) {
    g_assert_error(error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI);
    g_assert_nonnull(strstr(error->message, word));
  } else {
    gint buffers;
    gboolean live;
    g_object_get(element, "num-buffers", &buffers, "is-live", &live, NULL);
    g_assert_cmpint(buffers, ==, 7);
    g_assert_true(live);
  }
  gst_wzp_uri_free(uri);
  gst_object_unref(element);
}

static void
test_apply(void)
{
  apply("num-buffers=7&is-live=true", TRUE, NULL);
  apply("num-bufers=7", FALSE, "'num-bufers'");
  apply("num-buffers=seven", FALSE, "'num-buffers'");
  apply("num-buffers=-2", FALSE, "'num-buffers'");
  apply("last-message=x", FALSE, "'last-message'"); /* read only */
  apply("name=x", FALSE, "'name'");
  apply("accept-new-relay-key=true", FALSE, "only you can");
  apply("token-file=/etc/hostname", FALSE, "only you can");
  apply("token-at-first-use=true", FALSE, "only you can");
}

static void
test_host_port(void)
{
  g_autofree char *name = gst_wzp_host_port("relay.example", 4433);
  g_autofree char *address = gst_wzp_host_port("2001:db8::1", 1);
  g_assert_cmpstr(name, ==, "relay.example:4433");
  g_assert_cmpstr(address, ==, "[2001:db8::1]:1");
}

int
main(int argc, char **argv)
{
  rig_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/uri/good", test_good);
  g_test_add_func("/uri/bad", test_bad);
  g_test_add_func("/uri/room-length", test_room_length);
  g_test_add_func("/uri/callee", test_callee);
  g_test_add_func("/uri/secret", test_secret);
  g_test_add_func("/uri/query", test_query);
  g_test_add_func("/uri/apply", test_apply);
  g_test_add_func("/uri/host-port", test_host_port);
  return g_test_run();
}
