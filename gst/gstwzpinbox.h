/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <gst/gst.h>

G_BEGIN_DECLS

/* The bounded queue between the session's thread, which receives, and the streaming thread of one
 * wzpsrc. Reference counted, because both ends may let go first. */

#define GST_WZP_INBOX_MAX 256

typedef struct _GstWzpInbox GstWzpInbox;

/* owner is a name only: never used as an object. */
GstWzpInbox *gst_wzp_inbox_new(gconstpointer owner);
gconstpointer gst_wzp_inbox_owner(const GstWzpInbox *inbox);
GstWzpInbox *gst_wzp_inbox_ref(GstWzpInbox *inbox);
void gst_wzp_inbox_unref(GstWzpInbox *inbox);

/* From now on packets are stamped by clock. NULL: the source does not play; packets are refused, except
 * before it played at all: then they wait, stamped 0. */
void gst_wzp_inbox_set_clock(GstWzpInbox *inbox, GstClock *clock, GstClockTime base_time);
/* While flushing, pop() returns at once; starting to flush does not empty the queue. */
void gst_wzp_inbox_set_flushing(GstWzpInbox *inbox, gboolean flushing);
/* Forgets packets and events, that the stream ended, and that it played. */
void gst_wzp_inbox_clear(GstWzpInbox *inbox);

/* Receive side. age: how long ago the packet came in. FALSE: paused or ended, the packet is not taken.
 * When the queue is full the oldest packet goes and *dropped is TRUE. */
gboolean gst_wzp_inbox_push_packet(GstWzpInbox *inbox, gconstpointer data, gsize length,
                                   GstClockTime age, guint8 slot, gboolean *dropped);
/* Takes event; it keeps its place among the packets and is never dropped. */
void gst_wzp_inbox_push_event(GstWzpInbox *inbox, GstEvent *event);
/* Behind what is queued the stream ends: pop() returns NULL and *ended. */
void gst_wzp_inbox_end(GstWzpInbox *inbox);

/* Streaming side: waits. A GstBuffer or a GstEvent, or NULL when flushing or (*ended) at the end. */
GstMiniObject *gst_wzp_inbox_pop(GstWzpInbox *inbox, gboolean *ended);

G_END_DECLS
