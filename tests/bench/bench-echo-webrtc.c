/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bench-echo-webrtc.h"
#include <gst/check/gstharness.h>
#include <string.h>

#define FRAME 480
#define CAPS                                                                                       \
  "audio/x-raw, format=(string)S16LE, layout=(string)interleaved, rate=(int)48000, "               \
  "channels=(int)1"

struct BenchWebrtc {
  GstHarness *near, *far;
  guint64 frames;
};

BenchWebrtc *
bench_webrtc_new(void)
{
  GstElement *probe = gst_element_factory_make("webrtcechoprobe", "bench-probe");
  GstElement *dsp = gst_element_factory_make("webrtcdsp", NULL);
  if (probe == NULL || dsp == NULL)
    return NULL;
  BenchWebrtc *webrtc = g_new0(BenchWebrtc, 1);
  g_object_set(dsp, "probe", "bench-probe", "noise-suppression", FALSE, "gain-control", FALSE,
               "delay-agnostic", TRUE, NULL);
  webrtc->far = gst_harness_new_with_element(probe, "sink", "src");
  webrtc->near = gst_harness_new_with_element(dsp, "sink", "src");
  gst_harness_set_src_caps_str(webrtc->far, CAPS);
  gst_harness_set_src_caps_str(webrtc->near, CAPS);
  gst_harness_set_upstream_latency(webrtc->far, 0);
  gst_harness_push_upstream_event(webrtc->far, gst_event_new_latency(0));
  gst_object_unref(probe);
  gst_object_unref(dsp);
  return webrtc;
}

void
bench_webrtc_free(BenchWebrtc *webrtc)
{
  gst_harness_teardown(webrtc->near);
  gst_harness_teardown(webrtc->far);
  g_free(webrtc);
}

static GstBuffer *
buffer_of(BenchWebrtc *webrtc, const gint16 pcm[FRAME])
{
  GstBuffer *buffer = gst_buffer_new_memdup(pcm, FRAME * sizeof *pcm);
  GST_BUFFER_PTS(buffer) = webrtc->frames * 10 * GST_MSECOND;
  GST_BUFFER_DURATION(buffer) = 10 * GST_MSECOND;
  return buffer;
}

void
bench_webrtc_frame(BenchWebrtc *webrtc, const gint16 far[FRAME], const gint16 near[FRAME],
                   gint16 out[FRAME])
{
  gst_harness_push(webrtc->far, buffer_of(webrtc, far));
  gst_buffer_unref(gst_harness_pull(webrtc->far));
  gst_harness_push(webrtc->near, buffer_of(webrtc, near));
  GstBuffer *buffer = gst_harness_pull(webrtc->near);
  gst_buffer_extract(buffer, 0, out, FRAME * sizeof *out);
  gst_buffer_unref(buffer);
  webrtc->frames++;
}
