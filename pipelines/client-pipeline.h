/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "client-options.h"
#include <gst/gst.h>

/* The pipeline of wzp-client: what is sent ! wzpcall ! where it is heard. */

#define CLIENT_LEVEL_SENT "level-sent"
#define CLIENT_LEVEL_HEARD "level-heard"
#define CLIENT_RECORDING_SINK "recording"

/* When things happened the first time, monotonic us; 0: not yet. Written by streaming threads. */
typedef struct {
  gint64 first_sent, first_heard;
} ClientMoments;

typedef struct {
  GstElement *pipeline;
  GstElement *call;      /* the wzpcall in it */
  ClientMoments moments; /* read with client_moment() */
} ClientPipeline;

/* Makes sure that the plugin wzp is known: the one that was built next to this program, else the
 * installed one. */
gboolean client_pipeline_find_plugin(GError **error);
/* seed_file: of the identity, or NULL. recording: file to append to, or NULL. */
gboolean client_pipeline_build(ClientPipeline *self, const ClientOptions *options,
                               const char *seed_file, const char *recording, GError **error);
void client_pipeline_clear(ClientPipeline *self);

gint64 client_moment(const gint64 *moment);
