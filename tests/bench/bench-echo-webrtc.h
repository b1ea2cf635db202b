/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>

/* The echo canceller of gst-plugins-bad, a frame of 10 ms at 48 kHz after the other. */

typedef struct BenchWebrtc BenchWebrtc;
/* NULL: it is not installed. */
BenchWebrtc *bench_webrtc_new(void);
void bench_webrtc_free(BenchWebrtc *webrtc);
void bench_webrtc_frame(BenchWebrtc *webrtc, const gint16 far[480], const gint16 near[480],
                        gint16 out[480]);
