/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The client session and its elements: sharing, calls through a real relay, and what people are told. */
#include "call-rig.h"
#include "gst/gstwzpmeta.h"
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#define URI "uri=wzp://127.0.0.1:%u/room KNOWN"
#define SPEAK RIG_BUNDLES " ! wzpcrypt name=seal ! wzpsink name=out "
#define LISTEN                                                                                     \
  "wzpsrc name=in " URI " ! wzpcrypt name=open ! fakesink name=heard signal-handoffs=true "

static RigRelay *relay;

typedef struct {
  const char *name;
  void (*run)(void);
  gboolean needs_relay;
} Case;

static void
run_case(gconstpointer data)
{
  const Case *test = data;
  rig_set_up();
  if (test->needs_relay)
    relay = rig_relay_start("relay", 0);
  test->run();
  if (relay != NULL)
    rig_relay_kill(relay);
  relay = NULL;
  rig_tear_down();
}

static unsigned
port(void)
{
  return rig_relay_port(relay);
}

/* --- one call --- */

static GstPadProbeReturn
look(GstPad *pad, GstPadProbeInfo *info, gpointer metas)
{
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
    const GstMetaInfo *known = gst_meta_get_info("GstWzpMeta");
    g_assert_nonnull(gst_buffer_get_meta(buffer, known->api));
    g_assert_true(GST_BUFFER_PTS_IS_VALID(buffer));
    g_assert_cmpuint(gst_buffer_get_size(buffer), ==, 60);
    g_atomic_int_inc((gint *)metas);
    return GST_PAD_PROBE_OK;
  }
  const GstStructure *structure = gst_event_get_structure(GST_PAD_PROBE_INFO_EVENT(info));
  guint slot;
  if (structure != NULL && gst_structure_has_name(structure, "wzp-member-left")) {
    g_autoptr(GstElement) element = gst_pad_get_parent_element(pad);
    g_assert_true(gst_structure_get_uint(structure, "slot", &slot));
    gst_element_post_message(
        element, gst_message_new_application(GST_OBJECT(element), gst_structure_copy(structure)));
  }
  return GST_PAD_PROBE_OK;
}

static void
watch(GstElement *pipeline, const char *element, gint *metas)
{
  g_autoptr(GstElement) watched = gst_bin_get_by_name(GST_BIN(pipeline), element);
  g_autoptr(GstPad) pad = gst_element_get_static_pad(watched, "src");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, look,
                    metas, NULL);
}

static GstMessage *
wait_peer(GstElement *pipeline, gboolean present)
{
  for (;;) {
    GstMessage *message = rig_wait(pipeline, GST_MESSAGE_ELEMENT, "wzp-peer", NULL);
    gboolean there, verified = TRUE;
    gst_structure_get(gst_message_get_structure(message), "present", G_TYPE_BOOLEAN, &there,
                      "verified", G_TYPE_BOOLEAN, &verified, NULL);
    g_assert_false(verified);
    if (there == present)
      return message;
    gst_message_unref(message);
  }
}

static void
test_call(void)
{
  gint metas = 0;
  GstElement *listener = rig_parse(LISTEN, port());
  watch(listener, "open", &metas);
  gst_element_set_state(listener, GST_STATE_PLAYING);
  rig_wait_state(listener, "in", "waiting");
  GstElement *speaker = rig_play(SPEAK URI, port());
  rig_wait_state(speaker, "out", "active");
  g_autoptr(GstMessage) came = wait_peer(listener, TRUE);
  rig_wait_state(listener, "in", "active");
  rig_wait_buffers(listener, "heard", 20);

  g_autofree char *ours = rig_string(speaker, "out", "fingerprint");
  guint slot = 99;
  gst_structure_get_uint(gst_message_get_structure(came), "slot", &slot);
  g_assert_cmpstr(gst_structure_get_string(gst_message_get_structure(came), "fingerprint"), ==,
                  ours);
  g_assert_cmpuint(rig_counter(listener, "in", "packets-opened"), >=, 20);
  g_assert_cmpuint(rig_counter(listener, "in", "bytes-received"), >=, 20 * (28 + 4 + 60 + 16));
  g_assert_cmpuint(rig_counter(speaker, "out", "packets-sent"), >=, 20);
  g_assert_cmpuint(rig_counter(speaker, "seal", "packets-sealed"), >=, 20);
  g_autofree char *state = rig_string(listener, "in", "state");
  g_assert_cmpstr(state, ==, "active");

  rig_stop(speaker);
  g_autoptr(GstMessage) left = wait_peer(listener, FALSE);
  /* and downstream of wzpsrc, behind that member's last packet */
  g_autoptr(GstMessage) passed =
      rig_wait(listener, GST_MESSAGE_APPLICATION, "wzp-member-left", "open");
  guint left_slot = 99;
  gst_structure_get_uint(gst_message_get_structure(passed), "slot", &left_slot);
  g_assert_cmpuint(left_slot, ==, slot);
  rig_stop(listener);
  g_assert_cmpint(metas, >=, 20);
}

/* Who is not in PLAYING yet misses nothing of what the other, faster one says. */
static void
test_early_packets(void)
{
  GstElement *listener = rig_parse(LISTEN, port());
  gst_element_set_state(listener, GST_STATE_PAUSED);
  rig_wait_state(listener, "in", "waiting");
  GstElement *speaker = rig_play(SPEAK URI, port());
  rig_wait_state(listener, "in", "active");
  while (rig_counter(listener, "in", "packets-received") < 5)
    g_thread_yield();
  gst_element_set_state(listener, GST_STATE_PLAYING);
  rig_wait_buffers(listener, "heard", 10);
  g_assert_cmpuint(rig_counter(listener, "in", "packets-unread"), ==, 0);
  g_assert_cmpuint(rig_counter(listener, "open", "drops-no-key"), ==, 0);
  rig_stop(speaker);
  rig_stop(listener);
}

/* wzpsrc and wzpsink of one pipeline are one member, whichever is there first. */
static void
duplex(const char *first, const char *second)
{
  g_autofree char *line = g_strconcat(first, " ", second, NULL);
  GstElement *both = rig_play("%s", line);
  GstElement *other = rig_play(SPEAK " " LISTEN, port());
  rig_wait_state(both, NULL, "active");
  rig_wait_state(other, NULL, "active");
  rig_wait_buffers(both, "heard", 5);
  rig_wait_buffers(other, "heard", 5);
  g_autofree char *in = rig_string(both, "in", "fingerprint");
  g_autofree char *out = rig_string(both, "out", "fingerprint");
  g_assert_cmpstr(in, ==, out);
  rig_stop(both);
  rig_stop(other);
}

static void
test_orders(void)
{
  g_autofree char *listen = g_strdup_printf(LISTEN, port());
  g_autofree char *silent =
      g_strdup_printf("wzpsrc name=in ! wzpcrypt ! fakesink name=heard signal-handoffs=true");
  g_autofree char *speak = g_strdup_printf(SPEAK URI, port());
  duplex(listen, SPEAK);
  duplex(SPEAK, listen);
  duplex(silent, speak);
  duplex(speak, silent);
}

/* Two parties in one pipeline. */
static void
test_named(void)
{
  GstElement *pipeline =
      rig_play(RIG_BUNDLES " ! wzpcrypt session=a ! wzpsink name=out session=a " URI
                           " wzpsrc name=in session=b " URI
                           " ! wzpcrypt session=b ! fakesink name=heard signal-handoffs=true",
               port(), port());
  rig_wait_state(pipeline, "out", "active");
  rig_wait_buffers(pipeline, "heard", 5);
  g_autofree char *a = rig_string(pipeline, "out", "fingerprint");
  g_autofree char *b = rig_string(pipeline, "in", "fingerprint");
  g_assert_cmpstr(a, !=, b);
  rig_stop(pipeline);
}

/* A session that the application made, for elements of two pipelines. */
static void
test_application(void)
{
  GstElement *listener = rig_parse(
      "wzpsrc name=in " URI " ! wzpcrypt ! fakesink name=heard signal-handoffs=true", port());
  GstElement *speaker = rig_parse(SPEAK);
  GstElement *other = rig_play(SPEAK " " LISTEN, port());
  GType type = g_type_from_name("WzpSession");
  g_autoptr(GObject) session = g_object_new(type, NULL);
  GstContext *context = gst_context_new("wzp.session", TRUE);
  gst_structure_set(gst_context_writable_structure(context), "session", type, session, NULL);
  gst_element_set_context(listener, context);
  gst_element_set_context(speaker, context);
  gst_context_unref(context);
  gst_element_set_state(listener, GST_STATE_PLAYING);
  gst_element_set_state(speaker, GST_STATE_PLAYING);
  rig_wait_state(other, NULL, "active");
  rig_wait_buffers(other, "heard", 5);
  rig_wait_buffers(listener, "heard", 5);
  g_autofree char *in = rig_string(listener, "in", "fingerprint");
  g_autofree char *out = rig_string(speaker, "out", "fingerprint");
  g_assert_cmpstr(in, ==, out);
  rig_stop(speaker);
  rig_stop(listener);
  rig_stop(other);
}

static void
test_keyed_room(void)
{
  GstElement *outsider = rig_play("wzpsrc name=in uri=wzp://127.0.0.1:%u/room#%s KNOWN ! fakesink",
                                  port(), "ffffffffffffffffffffffffffffffff");
  rig_wait_state(outsider, "in", "waiting");
  g_autofree char *line =
      g_strdup_printf("wzpsrc name=in uri=wzp://127.0.0.1:%u/room#000102030405060708090a0b0c0d0e0f "
                      "KNOWN ! wzpcrypt "
                      "! fakesink name=heard signal-handoffs=true " SPEAK,
                      port());
  GstElement *a = rig_play("%s", line);
  GstElement *b = rig_play("%s", line);
  rig_wait_buffers(a, "heard", 5);
  rig_wait_buffers(b, "heard", 5);
  g_autofree char *uri = rig_string(a, "in", "uri");
  g_assert_null(strchr(uri, '#'));
  g_assert_cmpuint(rig_counter(outsider, "in", "packets-received"), ==, 0);
  rig_stop(a);
  rig_stop(b);
  rig_stop(outsider);
}

/* --- the relay's key --- */

static void
test_first_use(void)
{
  g_autofree char *path = rig_path("known-relays");
  g_autofree char *text = NULL;
  struct stat status;
  GstElement *first = rig_play("wzpsrc " URI " ! fakesink", port());
  g_autoptr(GstMessage) message = rig_wait(first, GST_MESSAGE_ELEMENT, "wzp-relay-key", NULL);
  const GstStructure *structure = gst_message_get_structure(message);
  gboolean first_use = FALSE, remembered = FALSE;
  gst_structure_get_boolean(structure, "first-use", &first_use);
  gst_structure_get_boolean(structure, "remembered", &remembered);
  g_assert_true(first_use && remembered);
  g_assert_cmpstr(gst_structure_get_string(structure, "fingerprint"), ==,
                  rig_relay_fingerprint(relay));
  rig_wait_state(first, NULL, "waiting");
  rig_stop(first);
  g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
  g_autofree char *place = g_strdup_printf("127.0.0.1:%u ", port());
  g_assert_true(g_str_has_prefix(text, place));
  g_assert_cmpint(stat(path, &status), ==, 0);
  g_assert_cmpuint(status.st_mode & 07777, ==, 0600);
}

/* No place for it: that is told, and not that it is remembered. */
static void
test_not_remembered(void)
{
  gboolean remembered = TRUE;
  GstElement *first = rig_play(
      "wzpsrc uri=wzp://127.0.0.1:%u/room known-relays=/proc/wzp/known ! fakesink", port());
  rig_wait_warning(first, "cannot be remembered");
  g_autoptr(GstMessage) message = rig_wait(first, GST_MESSAGE_ELEMENT, "wzp-relay-key", NULL);
  gst_structure_get_boolean(gst_message_get_structure(message), "remembered", &remembered);
  g_assert_false(remembered);
  rig_stop(first);
}

static void
test_changed_key(void)
{
  unsigned old_port = port();
  GstElement *first = rig_play("wzpsrc " URI " ! fakesink", old_port);
  rig_wait_state(first, NULL, "waiting");
  rig_stop(first);
  g_autofree char *pinned = g_strdup(rig_relay_fingerprint(relay));
  rig_relay_kill(relay);
  relay = rig_relay_start("another", old_port);

  GstElement *second = rig_play("wzpsrc name=in " URI " ! fakesink", old_port);
  g_autofree char *expected =
      g_strdup_printf("relay 127.0.0.1:%u has changed: pinned %s, seen %s. Nothing was sent.",
                      old_port, pinned, rig_relay_fingerprint(relay));
  rig_wait_error(second, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED, expected);
  rig_stop(second);

  GstElement *third = rig_play("wzpsrc " URI " accept-new-relay-key=true ! fakesink", old_port);
  rig_wait_state(third, NULL, "waiting");
  rig_stop(third);
  GstElement *fourth = rig_play("wzpsrc " URI " ! fakesink", old_port);
  rig_wait_state(fourth, NULL, "waiting");
  rig_stop(fourth);
}

static void
test_named_relay(void)
{
  GstElement *good = rig_play("wzpsrc uri=wzp://127.0.0.1:%u/room?relay=%s KNOWN ! fakesink",
                              port(), rig_relay_fingerprint(relay));
  rig_wait_state(good, NULL, "waiting");
  rig_stop(good);
  /* the URI's word needs no file */
  g_autofree char *path = rig_path("known-relays");
  g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));

  GstElement *bad = rig_play(
      "wzpsrc uri=wzp://127.0.0.1:%u/room?relay=00000000000000000000000000000000 KNOWN ! fakesink",
      port());
  rig_wait_error(bad, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED,
                 "expected 0000:0000:0000:0000:0000:0000:0000:0000");
  rig_stop(bad);
}

/* --- trouble --- */

static void
test_relay_down(void)
{
  unsigned nobody = rig_free_port();
  GstElement *pipeline = rig_play("wzpsrc " URI " connect-timeout=5500 ! fakesink", nobody);
  g_autofree char *place = g_strdup_printf("127.0.0.1:%u does not answer, nor does it by TLS on "
                                           "port 443",
                                           nobody);
  rig_wait_warning(pipeline, place);
  rig_wait_error(pipeline, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "gave up after 5.5 s");
  rig_stop(pipeline);
}

static void
test_relay_late(void)
{
  unsigned soon = rig_free_port();
  GstElement *pipeline = rig_play("wzpsrc name=in " URI " connect-timeout=0 ! fakesink", soon);
  GstElement *watcher = rig_play("wzpsrc " URI " connect-timeout=200 ! fakesink", soon);
  rig_wait_error(watcher, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "does not answer");
  rig_stop(watcher);
  RigRelay *late = rig_relay_start("relay", soon);
  rig_wait_state(pipeline, "in", "waiting");
  rig_stop(pipeline);
  rig_relay_kill(late);
}

static void
test_unknown_host(void)
{
  GstElement *pipeline =
      rig_play("wzpsrc uri=wzp://no-such-host.invalid/room KNOWN connect-timeout=700 ! fakesink");
  rig_wait_error(pipeline, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
                 "'no-such-host.invalid' cannot be resolved");
  rig_stop(pipeline);
}

/* A name with several addresses: all are tried, the first good answer wins. */
static void
test_host_name(void)
{
  GstElement *pipeline =
      rig_play("wzpsrc name=in uri=wzp://localhost:%u/room KNOWN ! fakesink", port());
  rig_wait_state(pipeline, "in", "waiting");
  g_autoptr(GstElement) source = gst_bin_get_by_name(GST_BIN(pipeline), "in");
  g_autoptr(GstStructure) stats = NULL;
  g_autofree char *remote = g_strdup_printf("127.0.0.1:%u", port());
  g_object_get(source, "stats", &stats, NULL);
  g_assert_cmpstr(gst_structure_get_string(stats, "remote"), ==, remote);
  g_assert_cmpstr(gst_structure_get_string(stats, "path"), ==, "relay");
  rig_stop(pipeline);
}

static void
test_relay_restarted(void)
{
  unsigned same = port();
  GstElement *a = rig_play(SPEAK " " LISTEN, same);
  GstElement *b = rig_play(SPEAK " " LISTEN, same);
  rig_wait_buffers(a, "heard", 5);
  rig_wait_buffers(b, "heard", 5);
  rig_relay_kill(relay);
  rig_wait_state(a, NULL, "reconnecting");
  rig_wait_state(b, NULL, "reconnecting");
  relay = rig_relay_start("relay", same);
  rig_wait_state(a, NULL, "active");
  rig_wait_state(b, NULL, "active");
  rig_wait_buffers(a, "heard", 5);
  rig_wait_buffers(b, "heard", 5);
  g_assert_cmpuint(rig_counter(a, "in", "handshakes-completed"), ==, 2);
  rig_stop(a);
  rig_stop(b);
}

static void
test_room_full(void)
{
  GstElement *members[2];
  g_autofree char *config = rig_path("relay.conf");
  g_assert_true(g_file_set_contents(config, "[relay]\nmax-members=2\n", -1, NULL));
  relay = rig_relay_start("relay", 0);
  for (guint n = 0; n < 2; n++) {
    members[n] = rig_play("wzpsrc name=in " URI " ! fakesink", port());
    rig_wait_state(members[n], "in", n == 0 ? "waiting" : "active");
  }
  GstElement *third = rig_play("wzpsrc name=in " URI " ! fakesink", port());
  rig_wait_error(third, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_BUSY, "ROOM_FULL");
  rig_stop(third);
  for (guint n = 0; n < 2; n++)
    rig_stop(members[n]);
}

/* --- mistakes --- */

static void
expect_mistake(GQuark domain, int code, const char *word, const char *line)
{
  g_test_message("%s", line);
  GstElement *pipeline = rig_play("%s", line);
  rig_wait_error(pipeline, domain, code, word);
  rig_stop(pipeline);
}

static void
test_mistakes(void)
{
  GQuark resource = GST_RESOURCE_ERROR;
  int settings = GST_RESOURCE_ERROR_SETTINGS;
  expect_mistake(GST_STREAM_ERROR, GST_STREAM_ERROR_DECRYPT_NOKEY, "wzpcrypt found no session",
                 RIG_BUNDLES " ! wzpcrypt ! fakesink");
  expect_mistake(GST_STREAM_ERROR, GST_STREAM_ERROR_DECRYPT_NOKEY, "'session' property",
                 RIG_BUNDLES " ! wzpcrypt session=x ! "
                             "wzpsink uri=wzp://127.0.0.1:9/r KNOWN connect-timeout=0");
  expect_mistake(resource, settings, "set 'uri'", RIG_BUNDLES " ! wzpcrypt ! wzpsink");
  expect_mistake(resource, settings, "set 'uri'", "wzpsrc ! fakesink");
  expect_mistake(resource, settings, "names no room", "wzpsrc uri=wzp://127.0.0.1 ! fakesink");
  expect_mistake(resource, settings, "names no host", "wzpsrc uri=wzp://:1/room ! fakesink");
  expect_mistake(resource, settings, "'wzp://'", "wzpsrc uri=http://127.0.0.1/room ! fakesink");
  expect_mistake(resource, settings, "'lacency'",
                 "wzpsrc uri=wzp://127.0.0.1/room?lacency=1 ! fakesink");
  expect_mistake(resource, settings, "not 32 hex digits",
                 "wzpsrc uri=wzp://127.0.0.1/room?relay=12 KNOWN ! fakesink");
  expect_mistake(resource, settings, "contradict each other in the URI",
                 "wzpsrc uri=wzp://127.0.0.1:9/a KNOWN ! fakesink " SPEAK
                 " uri=wzp://127.0.0.1:9/b KNOWN");
  expect_mistake(
      resource, settings, "room secret",
      "wzpsrc uri=wzp://127.0.0.1:9/a#00000000000000000000000000000000 KNOWN ! fakesink " SPEAK
      " uri=wzp://127.0.0.1:9/a KNOWN");
}

static void
test_bad_files(void)
{
  g_autofree char *identity = rig_key_file("identity", 'a'), *known = rig_path("known-relays");
  g_chmod(identity, 0640);
  GstElement *bad = rig_play("wzpsrc " URI " identity=%s ! fakesink", 9, identity);
  rig_wait_error(bad, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED, identity);
  rig_stop(bad);
  g_assert_true(g_file_set_contents(known, "nonsense\n", -1, NULL));
  g_chmod(known, 0600);
  bad = rig_play("wzpsrc " URI " ! fakesink", 9);
  rig_wait_error(bad, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_AUTHORIZED, "line 1");
  rig_stop(bad);
}

static void
test_identity_file(void)
{
  g_autofree char *identity = rig_path("identity"), *first = NULL;
  for (guint n = 0; n < 2; n++) {
    GstElement *pipeline =
        rig_play("wzpsrc name=in " URI " identity=%s ! fakesink", port(), identity);
    rig_wait_state(pipeline, "in", "waiting");
    g_autofree char *fingerprint = rig_string(pipeline, "in", "fingerprint");
    if (n == 1)
      g_assert_cmpstr(fingerprint, ==, first);
    else
      first = g_strdup(fingerprint);
    rig_stop(pipeline);
  }
}

static const Case cases[] = {
    {"call", test_call, TRUE},
    {"early-packets", test_early_packets, TRUE},
    {"orders", test_orders, TRUE},
    {"named", test_named, TRUE},
    {"application", test_application, TRUE},
    {"keyed-room", test_keyed_room, TRUE},
    {"first-use", test_first_use, TRUE},
    {"not-remembered", test_not_remembered, TRUE},
    {"changed-key", test_changed_key, TRUE},
    {"named-relay", test_named_relay, TRUE},
    {"relay-down", test_relay_down, FALSE},
    {"relay-late", test_relay_late, FALSE},
    {"unknown-host", test_unknown_host, FALSE},
    {"host-name", test_host_name, TRUE},
    {"relay-restarted", test_relay_restarted, TRUE},
    {"room-full", test_room_full, FALSE},
    {"mistakes", test_mistakes, FALSE},
    {"bad-files", test_bad_files, FALSE},
    {"identity-file", test_identity_file, TRUE},
};

int
main(int argc, char **argv)
{
  rig_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  for (guint n = 0; n < G_N_ELEMENTS(cases); n++) {
    g_autofree char *path = g_strconcat("/session/", cases[n].name, NULL);
    g_test_add_data_func(path, &cases[n], run_case);
  }
  return g_test_run();
}
