/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <gst/gst.h>

/* What is to be spoken waits here until somebody is there to hear it. Live sound does not wait: it is
 * dropped. Everything else is held at its first buffer and then paced by the clock, counted from there. */

G_BEGIN_DECLS

typedef struct _GstWzpGate GstWzpGate;

GstWzpGate *gst_wzp_gate_new(void);
void gst_wzp_gate_free(GstWzpGate *gate);
/* The gate stands on the sink pad inner, whose peer knows what kind of input this is, and closed; pace is the clocksync behind it. NULL takes it away. */
void gst_wzp_gate_place(GstWzpGate *gate, GstPad *inner, GstElement *pace);
/* A call begins; alone: with nobody to hear it. */
void gst_wzp_gate_begin(GstWzpGate *gate, gboolean alone);
/* Any thread. */
void gst_wzp_gate_peer_came(GstWzpGate *gate);
/* The clock counts only in PLAYING: what passed before would be paced wrongly. */
void gst_wzp_gate_set_playing(GstWzpGate *gate, gboolean playing);
/* The stream is to end: nothing waits any more, and upstream gets EOS for an answer. */
void gst_wzp_gate_end(GstWzpGate *gate);

G_END_DECLS
