/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bench-stock.h"
#include <gst/check/gstharness.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE 48000
#define RED_PAYLOAD 100
#define SRTP_TAG 10
#define LATENCY_MS 200
#define SETTLE_US 200
#define QUIET_ROUNDS 100 /* then everything was heard */
#define SOUND "audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved"

void
bench_stock_init(void)
{
  static const char *const elements[] = {"opusenc",   "rtpopuspay",      "rtpredenc",
                                         "rtpreddec", "rtpjitterbuffer", "rtpopusdepay",
                                         "opusdec"};
  gst_init(NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS(elements); i++) {
    g_autoptr(GstElementFactory) factory = gst_element_factory_find(elements[i]);
    if (factory == NULL) {
      fprintf(stderr, "bench: there is no %s (gstreamer1.0-plugins-base, -good)\n", elements[i]);
      exit(1);
    }
  }
}

/* What is sent, in its order. */
static GPtrArray *
encode(const BenchStockConfig *config, const gint16 *said, gsize n)
{
  GPtrArray *packets = g_ptr_array_new_with_free_func((GDestroyNotify)gst_buffer_unref);
  g_autofree char *text = g_strdup_printf(
      "opusenc bitrate=%u frame-size=%u audio-type=voice bandwidth=auto inband-fec=true "
      "packet-loss-percentage=%u ! rtpopuspay pt=96%s",
      config->bitrate, config->frame_ms, (guint)lround(config->link->loss * 100),
      config->red ? " ! rtpredenc pt=100 distance=1 allow-no-red-blocks=false" : "");
  GstHarness *harness = gst_harness_new_parse(text);
  gst_harness_set_src_caps_str(harness, SOUND);
  gsize chunk = config->frame_ms * RATE / 1000;
  for (gsize at = 0; at + chunk <= n; at += chunk) {
    GstBuffer *buffer = gst_buffer_new_memdup(said + at, chunk * sizeof *said);
    GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(at, GST_SECOND, RATE);
    GST_BUFFER_DURATION(buffer) = config->frame_ms * GST_MSECOND;
    gst_harness_push(harness, buffer);
  }
  gst_harness_push_event(harness, gst_event_new_eos());
  GstBuffer *packet;
  while ((packet = gst_harness_try_pull(harness)) != NULL)
    g_ptr_array_add(packets, packet);
  gst_harness_teardown(harness);
  return packets;
}

/* Sound goes where its timestamp says, as a sink that syncs would play it. */
static gboolean
take_sound(GstHarness *harness, BenchStockResult *result)
{
  GstBuffer *buffer;
  gboolean any = FALSE;
  while ((buffer = gst_harness_try_pull(harness)) != NULL) {
    GstMapInfo map;
    gst_buffer_map(buffer, &map, GST_MAP_READ);
    gsize at = gst_util_uint64_scale_round(GST_BUFFER_PTS(buffer), RATE, GST_SECOND);
    gsize samples = map.size / sizeof(gint16);
    if (at < result->n_heard)
      memcpy(result->heard + at, map.data, MIN(samples, result->n_heard - at) * sizeof(gint16));
    gst_buffer_unmap(buffer, &map);
    gst_buffer_unref(buffer);
    any = TRUE;
  }
  return any;
}

static void
let_pass(GstHarness *harness, GstClockTime now)
{
  GstTestClock *clock = gst_harness_get_testclock(harness);
  GstClockID id = NULL;
  gst_harness_set_time(harness, now);
  while (gst_test_clock_peek_next_pending_id(clock, &id)) {
    gboolean due = gst_clock_id_get_time(id) <= now;
    gst_clock_id_unref(id);
    if (!due)
      break;
    gst_harness_crank_single_clock_wait(harness);
  }
  gst_object_unref(clock);
}

void
bench_stock_run(const BenchStockConfig *config, const gint16 *said, gsize n,
                BenchStockResult *result)
{
  g_autoptr(GPtrArray) packets = encode(config, said, n);
  g_autofree char *text = g_strdup_printf(
      "%srtpjitterbuffer latency=%u do-lost=true ! rtpopusdepay ! opusdec use-inband-fec=true "
      "plc=true",
      config->red ? "rtpreddec pt=100 ! " : "", LATENCY_MS);
  GstHarness *harness = gst_harness_new_parse(text);
  SimLink *link = sim_link_new(config->link, config->seed);
  *result = (BenchStockResult){.heard = g_new0(gint16, n), .n_heard = n};
  gst_harness_use_testclock(harness);
  gst_harness_set_sink_caps_str(harness, SOUND);
  gst_harness_set_src_caps_str(harness, "application/x-rtp,media=audio,clock-rate=48000,"
                                        "encoding-name=OPUS,payload=96");
  guint64 bytes = 0;
  for (guint i = 0; i < packets->len; i++) {
    GstBuffer *packet = g_ptr_array_index(packets, i);
    GstClockTime sent = i * config->frame_ms * GST_MSECOND;
    WzpTime arrival[2];
    bytes += gst_buffer_get_size(packet) + SIM_IP_UDP_BYTES + SRTP_TAG;
    guint copies =
        sim_link_push(link, (WzpTime)(sent / 1000), gst_buffer_get_size(packet), arrival);
    let_pass(harness, sent);
    if (copies > 0) {
      GstBuffer *came = gst_buffer_copy(packet);
      GST_BUFFER_DTS(came) = GST_BUFFER_PTS(came) = sent;
      gst_harness_push(harness, came);
    }
    g_usleep(SETTLE_US); /* for the thread of the jitter buffer: it needs no more than its turn */
    take_sound(harness, result);
  }
  for (guint i = 0, quiet = 0; quiet < QUIET_ROUNDS; i++, quiet++) {
    let_pass(harness, (packets->len + i) * config->frame_ms * GST_MSECOND);
    g_usleep(20 * SETTLE_US);
    if (take_sound(harness, result))
      quiet = 0;
  }
  result->latency_ms = (double)gst_harness_query_latency(harness) / GST_MSECOND;
  result->kbps = (double)bytes * 8 / ((double)packets->len * config->frame_ms);
  gst_harness_teardown(harness);
  sim_link_free(link);
}

void
bench_stock_write_wav(const char *path, const gint16 *pcm, gsize n)
{
  guint32 size = (guint32)(n * sizeof *pcm), riff = size + 36, rate = RATE, second = RATE * 2,
          sixteen = 16;
  guint16 one = 1, two = 2, bits = 16;
  FILE *file = fopen(path, "wb");
  if (file == NULL) {
    perror(path);
    exit(1);
  }
  fwrite("RIFF", 4, 1, file);
  fwrite(&riff, 4, 1, file);
  fwrite("WAVEfmt ", 8, 1, file);
  fwrite(&sixteen, 4, 1, file);
  fwrite(&one, 2, 1, file);
  fwrite(&one, 2, 1, file);
  fwrite(&rate, 4, 1, file);
  fwrite(&second, 4, 1, file);
  fwrite(&two, 2, 1, file);
  fwrite(&bits, 2, 1, file);
  fwrite("data", 4, 1, file);
  fwrite(&size, 4, 1, file);
  fwrite(pcm, sizeof *pcm, n, file);
  fclose(file);
}
