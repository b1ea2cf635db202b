/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "tests/sim/sim-network.h"
#include <glib.h>

/* The stock pipeline for lossy networks, by its elements, in the time of a test clock. */

typedef struct {
  const SimLinkConfig *link;
  guint64 seed;
  guint bitrate, frame_ms;
  gboolean red; /* the frame before again in each packet */
} BenchStockConfig;

typedef struct {
  gint16 *heard; /* from the beginning of the call; g_free() */
  gsize n_heard;
  double kbps;       /* with IP, UDP and a tag of 10 bytes */
  double latency_ms; /* by its LATENCY query */
} BenchStockResult;

/* GStreamer; stops the program when an element is missing. */
void bench_stock_init(void);
void bench_stock_run(const BenchStockConfig *config, const gint16 *said, gsize n,
                     BenchStockResult *result);
/* 48 kHz mono. */
void bench_stock_write_wav(const char *path, const gint16 *pcm, gsize n);
