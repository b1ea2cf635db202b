/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpuri.h"
#include "wzp/random.h"
#include <sodium.h>
#include <string.h>

#define FAIL(error, ...) g_set_error(error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI, __VA_ARGS__)

static gboolean
parse_host(GstWzpUri *uri, GUri *parts, GError **error)
{
  const gchar *host = g_uri_get_host(parts);
  if (g_uri_get_userinfo(parts) != NULL) {
    FAIL(error, "a wzp URI has no user or password before its host; an identity comes from the "
                "property 'identity'");
    return FALSE;
  }
  uri->host = g_ascii_strdown(host != NULL ? host : "", -1);
  for (const gchar *c = uri->host; *c != '\0'; c++) {
    if (!g_ascii_isalnum(*c) && strchr(".-_:%", *c) == NULL) {
      FAIL(error, "the host '%s' has a character that no host name or address has", uri->host);
      return FALSE;
    }
  }
  gint port = g_uri_get_port(parts);
  if (port == 0) {
    FAIL(error, "port 0 is no port to send to; leave it out for %d", GST_WZP_DEFAULT_PORT);
    return FALSE;
  }
  uri->port = port < 0 ? GST_WZP_DEFAULT_PORT : (guint16)port;
  return TRUE;
}

static gboolean
parse_callee(GstWzpUri *uri, const gchar *text, GError **error)
{
  uri->calls = TRUE;
  if (*text == '\0')
    return TRUE;
  uri->callee = strchr(text, '/') == NULL ? g_uri_unescape_string(text, NULL) : NULL;
  if (uri->callee != NULL && g_utf8_validate(uri->callee, -1, NULL))
    return TRUE;
  FAIL(error, "'%s' is not whom to call: a fingerprint or a contact's name, percent-encoded", text);
  return FALSE;
}

static gboolean
parse_room(GstWzpUri *uri, const gchar *path, GError **error)
{
  if (*path == '/')
    path++;
  if (*path == '\0')
    return TRUE;
  if (*path == '@')
    return parse_callee(uri, path + 1, error);
  if (strchr(path, '/') != NULL) {
    FAIL(error, "the room '%s' has a '/'; a room is one word, a '/' in it is written %%2F", path);
    return FALSE;
  }
  uri->room = g_uri_unescape_string(path, NULL);
  if (uri->room == NULL || !g_utf8_validate(uri->room, -1, NULL)) {
    FAIL(error, "the room '%s' is not percent-encoded UTF-8", path);
    return FALSE;
  }
  if (strlen(uri->room) > GST_WZP_ROOM_MAX) {
    FAIL(error, "the room's name has %zu bytes; at most %d are allowed", strlen(uri->room),
         GST_WZP_ROOM_MAX);
    return FALSE;
  }
  return TRUE;
}

static gboolean
parse_link_key(GstWzpUri *uri, const gchar *fragment, GError **error)
{
  size_t length = 0;
  const char *end = NULL;
  uri->wants_passphrase = strcmp(fragment, GST_WZP_URI_PASSPHRASE) == 0;
  if (uri->wants_passphrase)
    return TRUE;
  /* the secret itself never stands in a message */
  if (strlen(fragment) != 2 * GST_WZP_LINK_KEY_SIZE ||
      sodium_hex2bin(uri->link_key, sizeof uri->link_key, fragment, strlen(fragment), NULL, &length,
                     &end) != 0 ||
      length != sizeof uri->link_key || *end != '\0') {
    FAIL(error,
         "the room secret behind '#' must be exactly %d hex digits, or the word "
         "'" GST_WZP_URI_PASSPHRASE "' where a passphrase closes the room",
         2 * GST_WZP_LINK_KEY_SIZE);
    return FALSE;
  }
  uri->has_link_key = TRUE;
  return TRUE;
}

static gboolean
parse_query(GstWzpUri *uri, const gchar *query, GError **error)
{
  g_auto(GStrv) pairs = g_strsplit(query, "&", -1);
  g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);
  g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
  for (gchar **pair = pairs; *pair != NULL; pair++) {
    if (**pair == '\0')
      continue;
    gchar *equals = strchr(*pair, '=');
    gchar *name = equals == NULL ? NULL : g_uri_unescape_segment(*pair, equals, NULL);
    gchar *value = equals == NULL ? NULL : g_uri_unescape_string(equals + 1, NULL);
    if (name != NULL)
      g_ptr_array_add(list, name);
    if (value != NULL)
      g_ptr_array_add(list, value);
    if (name == NULL || value == NULL || *name == '\0') {
      FAIL(error, "'%s' in the query is not of the form property=value", *pair);
      return FALSE;
    }
    if (!g_hash_table_add(seen, name)) {
      FAIL(error, "the query sets '%s' twice", name);
      return FALSE;
    }
  }
  g_ptr_array_add(list, NULL);
  uri->query = (gchar **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
  return TRUE;
}

static gboolean
check_secret(const GstWzpUri *uri, GError **error)
{
  if (!uri->calls || !(uri->has_link_key || uri->wants_passphrase))
    return TRUE;
  FAIL(error, "a room secret ('#') belongs to a room; a call to somebody has its own keys");
  return FALSE;
}

static gboolean
uri_fill(GstWzpUri *uri, GUri *parts, GError **error)
{
  const gchar *fragment = g_uri_get_fragment(parts), *query = g_uri_get_query(parts);
  return parse_host(uri, parts, error) && parse_room(uri, g_uri_get_path(parts), error) &&
         parse_query(uri, query != NULL ? query : "", error) &&
         (fragment == NULL || parse_link_key(uri, fragment, error)) && check_secret(uri, error);
}

GstWzpUri *
gst_wzp_uri_parse(const gchar *text, GError **error)
{
  wzp_init();
  g_return_val_if_fail(text != NULL, NULL);
  if (g_ascii_strncasecmp(text, "wzp://", 6) != 0) {
    FAIL(error, "a wzp URI looks like wzp://host:%d/room; this one does not start with 'wzp://'",
         GST_WZP_DEFAULT_PORT);
    return NULL;
  }
  g_autoptr(GError) reason = NULL;
  g_autoptr(GUri) parts = g_uri_parse(text,
                                      G_URI_FLAGS_ENCODED_PATH | G_URI_FLAGS_ENCODED_QUERY |
                                          G_URI_FLAGS_ENCODED_FRAGMENT | G_URI_FLAGS_NON_DNS,
                                      &reason);
  if (parts == NULL) {
    /* GLib's own sentence quotes the URI with its secret */
    FAIL(error,
         "the host, the port or an escape of the URI is malformed; it should look like "
         "wzp://host:%d/room, an IPv6 address stands in brackets",
         GST_WZP_DEFAULT_PORT);
    return NULL;
  }
  GstWzpUri *uri = g_new0(GstWzpUri, 1);
  const gchar *hash = strchr(text, '#');
  uri->text = hash != NULL ? g_strndup(text, hash - text) : g_strdup(text);
  if (!uri_fill(uri, parts, error)) {
    gst_wzp_uri_free(uri);
    return NULL;
  }
  return uri;
}

void
gst_wzp_uri_free(GstWzpUri *uri)
{
  if (uri == NULL)
    return;
  g_free(uri->host);
  g_free(uri->room);
  g_free(uri->callee);
  g_free(uri->text);
  g_strfreev(uri->query);
  sodium_memzero(uri, sizeof *uri);
  g_free(uri);
}

static gboolean
apply_one(GObject *object, const gchar *name, const gchar *text, GError **error)
{
  static const gchar *const never[] = {"uri", "name", "parent", NULL};
  /* a link comes from others: the person alone replaces a pinned key, says who sees a token, and which file of
   * his is made a key that a relay can test */
  static const gchar *const by_hand[] = {"accept-new-relay-key",
                                         "token-file",
                                         "token-at-first-use",
                                         "contacts",
                                         "accept-mode",
                                         "peer-name",
                                         "list",
                                         "list-owner",
                                         "known-lists",
                                         "room-passphrase",
                                         "room-passphrase-file",
                                         NULL};
  if (g_strv_contains(by_hand, name)) {
    FAIL(error, "the URI's query must not set '%s': only you can, with the property", name);
    return FALSE;
  }
  GParamSpec *pspec = g_object_class_find_property(G_OBJECT_GET_CLASS(object), name);
  if (pspec == NULL || !(pspec->flags & G_PARAM_WRITABLE) || g_strv_contains(never, pspec->name)) {
    FAIL(error, "the URI's query sets '%s', which is not a property of %s that can be set", name,
         G_OBJECT_TYPE_NAME(object));
    return FALSE;
  }
  g_auto(GValue) value = G_VALUE_INIT;
  g_value_init(&value, pspec->value_type);
  gboolean fits = TRUE;
  if (pspec->value_type == G_TYPE_STRING)
    g_value_set_string(&value, text);
  else
    fits = gst_value_deserialize(&value, text) && !g_param_value_validate(pspec, &value);
  if (!fits) {
    FAIL(error, "the URI's query sets '%s' to '%s', which is not in its range or not a %s", name,
         text, g_type_name(pspec->value_type));
    return FALSE;
  }
  g_object_set_property(object, pspec->name, &value);
  return TRUE;
}

gboolean
gst_wzp_uri_apply_query(const GstWzpUri *uri, GObject *object, GError **error)
{
  for (gchar **pair = uri->query; *pair != NULL; pair += 2)
    if (!apply_one(object, pair[0], pair[1], error))
      return FALSE;
  return TRUE;
}

gchar *
gst_wzp_host_port(const gchar *host, guint port)
{
  return g_strdup_printf(strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, port);
}
