/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "key-reporter.h"
#include "tests/gst/call-rig.h"
#include "wzp/dial.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A program with calls: leaving-client OUT IN. All secrets of its calls go to the descriptor OUT, and words: "talking"
 * when a call is on, "gone" when it is over and all of it is freed; after each it waits for a byte from IN. The calls
 * are those of an application: pipelines with our elements. */

#define SPEAK RIG_BUNDLES " ! wzpcrypt ! wzpsink "
#define HEAR " ! wzpcrypt ! fakesink name=heard signal-handoffs=true "

static int in;

static void
say_and_wait(const char *word)
{
  char byte;
  key_reporter_say('M', word, strlen(word));
  if (read(in, &byte, 1) != 1)
    exit(1);
}

static void
talk(const char *line_a, const char *line_b)
{
  GstElement *a = rig_play("%s", line_a), *b = rig_play("%s", line_b);
  rig_wait_state(a, NULL, "active");
  rig_wait_state(b, NULL, "active");
  rig_wait_buffers(a, "heard", 20);
  rig_wait_buffers(b, "heard", 20);
  say_and_wait("talking");
  rig_stop(a);
  rig_stop(b);
  say_and_wait("gone");
}

/* These bytes must be nowhere else. */
static char *
random_hex(unsigned n_bytes)
{
  GString *text = g_string_new(NULL);
  for (unsigned i = 0; i < n_bytes; i++)
    g_string_append_printf(text, "%02x", (unsigned)g_random_int_range(0, 256));
  return g_string_free(text, FALSE);
}

static void
keyed_room(void)
{
  RigRelay *relay = rig_relay_start("relay", 0);
  g_autofree char *identity = rig_path("identity");
  g_autofree char *secret = random_hex(16);
  g_autofree char *line =
      g_strdup_printf("wzpsrc name=in uri=wzp://127.0.0.1:%u/room#%s KNOWN" HEAR SPEAK,
                      rig_relay_port(relay), secret);
  g_autofree char *with_identity =
      g_strdup_printf("wzpsrc name=in identity=%s uri=wzp://127.0.0.1:%u/room#%s KNOWN" HEAR SPEAK,
                      identity, rig_relay_port(relay), secret);
  talk(line, with_identity);
  rig_relay_kill(relay);
}

static void
udp(void)
{
  const unsigned port = rig_free_port();
  g_autofree char *path = rig_path("key");
  g_autofree char *secret = random_hex(32);
  g_autofree char *text = g_strdup_printf("%s\n", secret);
  g_assert_true(g_file_set_contents(path, text, -1, NULL));
  g_assert_cmpint(chmod(path, 0600), ==, 0);
  g_autofree char *waiting =
      g_strdup_printf("wzpsrc name=in key-file=%s local-port=%u" HEAR SPEAK, path, port);
  g_autofree char *calling =
      g_strdup_printf("wzpsrc name=in uri=wzp://127.0.0.1:%u?key-file=%s" HEAR SPEAK, port, path);
  talk(waiting, calling);
}

static void
on_incoming(GstElement *call, const char *fingerprint, const char *name, const char *id,
            gpointer data)
{
  gboolean good = FALSE;
  (void)fingerprint;
  (void)name;
  (void)data;
  g_signal_emit_by_name(call, "accept", id, (gint)WZP_ACCEPT_TRUSTED, &good);
  g_assert_true(good);
}

static GstElement *
person(const RigRelay *relay, const char *who, const char *callee)
{
  g_autofree char *identity = rig_path(who);
  g_autofree char *contacts = g_strdup_printf("%s-contacts", identity);
  return rig_play("audiotestsrc is-live=true samplesperbuffer=480 ! wzpcall name=call "
                  "uri=wzp://127.0.0.1:%u/@%s KNOWN identity=%s contacts=%s accept-mode=trusted ! "
                  "fakesink name=heard signal-handoffs=true",
                  rig_relay_port(relay), callee, identity, contacts);
}

static void
dialled(void)
{
  RigRelay *relay = rig_relay_start("relay", 0);
  GstElement *bob = person(relay, "bob", "");
  g_autoptr(GstElement) call = gst_bin_get_by_name(GST_BIN(bob), "call");
  g_signal_connect(call, "incoming-call", G_CALLBACK(on_incoming), NULL);
  rig_wait_state(bob, "call", "waiting");
  g_autofree char *fingerprint = rig_string(bob, "call", "fingerprint");
  GstElement *alice = person(relay, "alice", fingerprint);
  rig_wait_state(alice, "call", "active");
  rig_wait_buffers(alice, "heard", 20);
  rig_wait_buffers(bob, "heard", 20);
  say_and_wait("talking");
  rig_stop(alice);
  rig_stop(bob);
  g_clear_object(&call);
  say_and_wait("gone");
  rig_relay_kill(relay);
}

int
main(int argc, char **argv)
{
  if (argc != 3)
    return 2;
  in = atoi(argv[2]);
  rig_init(&argc, &argv);
  rig_set_up();
  key_reporter_start(atoi(argv[1]));
  keyed_room();
  udp();
  dialled();
  key_reporter_start(-1);
  rig_tear_down();
  return 0;
}
