/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <fcntl.h>
#include <gio/gio.h>
#include <gst/gst.h>
#include <stdlib.h>
#include <unistd.h>

/* What benchmarks of whole pipelines share: sound of 48 kHz mono, given out in time by the pipeline's clock. */

#define BENCH_RATE 48000
#define BENCH_CHUNK (BENCH_RATE / 100)
/* 64 hex digits for `key-file`; for SRTP the first 60 of them */
#define BENCH_KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d"
#define BENCH_SOURCE(name)                                                                         \
  "appsrc name=" name " format=time max-bytes=0 caps=audio/x-raw,format=S16LE,rate=48000,"         \
  "channels=1,layout=interleaved ! "

/* The plugin of this build, besides those that are installed. */
static inline void
bench_gst_init(void)
{
  const char *others = g_getenv("GST_PLUGIN_PATH_1_0");
  g_autofree char *path = g_strconcat(WZP_PLUGIN_FOLDER, others != NULL ? ":" : NULL, others, NULL);
  g_setenv("GST_PLUGIN_PATH_1_0", path, TRUE);
  g_setenv("GST_REGISTRY_1_0", WZP_PLUGIN_FOLDER "/bench.registry", TRUE);
  gst_init(NULL, NULL);
}

static inline guint16
bench_gst_free_port(void)
{
  g_autoptr(GSocket) socket =
      g_socket_new(G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, NULL);
  g_autoptr(GInetAddress) loopback = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
  g_autoptr(GSocketAddress) any = g_inet_socket_address_new(loopback, 0);
  g_socket_bind(socket, any, FALSE, NULL);
  g_autoptr(GSocketAddress) bound = g_socket_get_local_address(socket, NULL);
  return g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound));
}

/* All of it at once; a clocksync behind the source gives it out in time. */
static inline void
bench_gst_feed(GstElement *pipeline, const char *name, const gint16 *pcm, gsize n)
{
  g_autoptr(GstElement) source = gst_bin_get_by_name(GST_BIN(pipeline), name);
  GstFlowReturn flow;
  for (gsize at = 0; at + BENCH_CHUNK <= n; at += BENCH_CHUNK) {
    GstBuffer *buffer = gst_buffer_new_memdup(pcm + at, BENCH_CHUNK * sizeof *pcm);
    GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(at, GST_SECOND, BENCH_RATE);
    GST_BUFFER_DURATION(buffer) = GST_SECOND / 100;
    g_signal_emit_by_name(source, "push-buffer", buffer, &flow);
    gst_buffer_unref(buffer);
  }
}

/* A file with the key for a call without a relay; the caller removes and frees it. */
static inline char *
bench_gst_key_file(void)
{
  char *path = g_build_filename(g_get_tmp_dir(), "bench-XXXXXX", NULL);
  int file = g_mkstemp_full(path, O_RDWR, 0600);
  if (file < 0 || write(file, BENCH_KEY "1e1f\n", 65) != 65) {
    g_printerr("bench: no temporary file\n");
    exit(1);
  }
  close(file);
  return path;
}
