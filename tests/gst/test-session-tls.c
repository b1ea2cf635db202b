/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A client's session whose UDP goes nowhere: by TLS to the real relay, also after that broke. */
#include "call-rig.h"
#include <gio/gio.h>

#define TALK                                                                                       \
  "wzpsrc name=in uri=wzp://127.0.0.1:%u/room?tls-port=%u KNOWN ! wzpcrypt ! "                     \
  "fakesink name=heard signal-handoffs=true async=false " RIG_BUNDLES                              \
  " ! wzpcrypt ! identity name=said ! wzpsink"

static RigRelay *relay;

/* UDP goes nowhere: a call by TLS. And a relay there whose key is another. */
static void
test_call(void)
{
  unsigned nobody = rig_free_port();
  unsigned tls = rig_relay_tls_port(relay);
  GstElement *speaker = rig_play(
      RIG_BUNDLES " ! wzpcrypt ! wzpsink name=out uri=wzp://127.0.0.1:%u/room?tls-port=%u KNOWN",
      nobody, tls);
  GstElement *listener = rig_play("wzpsrc name=in uri=wzp://127.0.0.1:%u/room?tls-port=%u KNOWN ! "
                                  "wzpcrypt ! fakesink name=heard "
                                  "signal-handoffs=true",
                                  nobody, tls);
  GstElement *wrong = rig_play(
      "wzpsrc uri=wzp://127.0.0.1:%u/room?relay=00000000000000000000000000000000&tls-port=%u "
      "KNOWN ! fakesink",
      nobody, tls);
  g_autoptr(GstMessage) message = rig_wait(listener, GST_MESSAGE_ELEMENT, "wzp-transport", NULL);
  g_assert_cmpstr(gst_structure_get_string(gst_message_get_structure(message), "transport"), ==,
                  "tls");
  /* no more than what is known: UDP may only be later */
  g_assert_cmpstr(gst_structure_get_string(gst_message_get_structure(message), "text"), ==,
                  "no answer by UDP yet; going on by TLS");
  rig_wait_buffers(listener, "heard", 50);
  g_autoptr(GstElement) in = gst_bin_get_by_name(GST_BIN(listener), "in");
  GstStructure *stats = NULL;
  g_object_get(in, "stats", &stats, NULL);
  g_assert_cmpstr(gst_structure_get_string(stats, "transport"), ==, "tls");
  g_assert_cmpstr(gst_structure_get_string(stats, "path"), ==, "relay");
  gst_structure_free(stats);
  g_assert_cmpuint(rig_counter(listener, "in", "bytes-received"), >, 50 * 60);
  g_assert_cmpuint(rig_counter(speaker, "out", "transport-changes"), ==, 1);
  g_assert_cmpuint(rig_counter(speaker, "out", "bytes-sent"), >, 50 * 60);
  g_autofree char *expected = g_strdup_printf("by TLS with another key: expected 0000:0000:0000:"
                                              "0000:0000:0000:0000:0000, seen %s",
                                              rig_relay_fingerprint(relay));
  rig_wait_warning(wrong, expected);
  rig_stop(wrong);
  rig_stop(listener);
  rig_stop(speaker);
}

/* --- a router in between --- */

typedef struct {
  GSocketListener *listener;
  GCancellable *stop;
  GThread *thread;
  guint16 port;
  unsigned to;
  GAsyncQueue *said; /* a token for each packet that the client has for it */
  GMutex lock;
  GSocket *ends[2]; /* of the connection that there is; NULL: none */
} Forwarder;

static void
set_ends(Forwarder *forwarder, GSocket *client, GSocket *server)
{
  g_mutex_lock(&forwarder->lock);
  g_set_object(&forwarder->ends[0], client);
  g_set_object(&forwarder->ends[1], server);
  g_mutex_unlock(&forwarder->lock);
}

/* FALSE: one of the two is through. */
static gboolean
pass(GSocket *from, GSocket *to)
{
  char bytes[4096];
  gssize got = g_socket_receive(from, bytes, sizeof bytes, NULL, NULL), sent = 0, n;
  while (sent < got && (n = g_socket_send(to, bytes + sent, (gsize)(got - sent), NULL, NULL)) > 0)
    sent += n;
  return got > 0 && sent == got;
}

/* As on a long way, packets wait for the handshake of TLS. */
static void
wait_for_packets(Forwarder *forwarder, unsigned n)
{
  while (g_async_queue_try_pop(forwarder->said) != NULL)
    ;
  while (n-- > 0)
    g_async_queue_timeout_pop(forwarder->said, RIG_PATIENCE / GST_USECOND);
}

static void
said(GstElement *identity, GstBuffer *buffer, gpointer forwarder)
{
  (void)identity, (void)buffer;
  g_async_queue_push(((Forwarder *)forwarder)->said, forwarder);
}

/* One connection after the other. */
static gpointer
forward(gpointer data)
{
  Forwarder *forwarder = data;
  for (unsigned n = 0;; n++) {
    g_autoptr(GSocketClient) client = g_socket_client_new();
    g_autoptr(GSocketConnection) here =
        g_socket_listener_accept(forwarder->listener, NULL, forwarder->stop, NULL);
    if (here != NULL && n > 0) /* there are none before */
      wait_for_packets(forwarder, 5);
    g_autoptr(GSocketConnection) there =
        here != NULL ? g_socket_client_connect_to_host(client, "127.0.0.1", (guint16)forwarder->to,
                                                       forwarder->stop, NULL)
                     : NULL;
    if (there == NULL)
      return NULL;
    GSocket *ends[] = {g_socket_connection_get_socket(here), g_socket_connection_get_socket(there)};
    GPollFD waits[] = {{g_socket_get_fd(ends[0]), G_IO_IN, 0},
                       {g_socket_get_fd(ends[1]), G_IO_IN, 0}};
    gboolean open = TRUE;
    set_ends(forwarder, ends[0], ends[1]);
    while (open && g_poll(waits, 2, -1) > 0)
      for (unsigned i = 0; i < 2 && open; i++)
        open = waits[i].revents == 0 || pass(ends[i], ends[1 - i]);
    set_ends(forwarder, NULL, NULL);
  }
}

static void
forwarder_start(Forwarder *forwarder, unsigned to)
{
  *forwarder = (Forwarder){.listener = g_socket_listener_new(),
                           .stop = g_cancellable_new(),
                           .said = g_async_queue_new(),
                           .to = to};
  g_mutex_init(&forwarder->lock);
  forwarder->port = g_socket_listener_add_any_inet_port(forwarder->listener, NULL, NULL);
  forwarder->thread = g_thread_new("forwarder", forward, forwarder);
}

/* The connection that there is breaks, for both ends. */
static void
forwarder_cut(Forwarder *forwarder)
{
  g_mutex_lock(&forwarder->lock);
  for (unsigned i = 0; i < 2 && forwarder->ends[i] != NULL; i++)
    g_socket_shutdown(forwarder->ends[i], TRUE, TRUE, NULL);
  g_mutex_unlock(&forwarder->lock);
}

static void
forwarder_stop(Forwarder *forwarder)
{
  g_cancellable_cancel(forwarder->stop);
  forwarder_cut(forwarder);
  g_thread_join(forwarder->thread);
  g_object_unref(forwarder->listener);
  g_object_unref(forwarder->stop);
  g_async_queue_unref(forwarder->said);
  g_mutex_clear(&forwarder->lock);
}

/* TLS breaks in the middle of a call, and the relay still has the session that went by it: both hear each other again. What
 * that session still had to say went by the new connection once, and the relay sent to the old one for ever. */
static void
test_breaks(void)
{
  Forwarder forwarder;
  unsigned nobody = rig_free_port(), tls = rig_relay_tls_port(relay);
  forwarder_start(&forwarder, tls);
  GstElement *far = rig_play(TALK, nobody, tls), *near = rig_parse(TALK, nobody, forwarder.port);
  g_autoptr(GstElement) identity = gst_bin_get_by_name(GST_BIN(near), "said");
  g_signal_connect(identity, "handoff", G_CALLBACK(said), &forwarder);
  gst_element_set_state(near, GST_STATE_PLAYING);
  rig_wait_buffers(near, "heard", 20);
  rig_wait_buffers(far, "heard", 20);
  for (unsigned i = 0; i < 2; i++) {
    forwarder_cut(&forwarder);
    rig_wait_buffers(near, "heard", 50);
    rig_wait_buffers(far, "heard", 50);
  }
  rig_stop(near);
  rig_stop(far);
  forwarder_stop(&forwarder);
}

static const RigCase cases[] = {{"call", test_call}, {"breaks", test_breaks}};

int
main(int argc, char **argv)
{
  rig_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  return rig_run_cases("/session-tls/", cases, G_N_ELEMENTS(cases), &relay,
                       "[relay]\ntls-listen=127.0.0.1:0\n");
}
