/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <gst/gst.h>

G_BEGIN_DECLS

/* Waits for a stream to fall silent, on a clock: when no buffer passed a pad for `patience`, the element
 * that makes the stream gets an EOS event, at most a quarter of `patience` later. Time in which this machine
 * slept, or was too busy to run, is not silence. Reference counted inside: it may be stopped at any time. */

typedef struct _GstWzpQuiet GstWzpQuiet;

/* Begins to watch the source pad `src` of `source`. Counts from now. */
GstWzpQuiet *gst_wzp_quiet_start(GstElement *source, GstClock *clock, GstClockTime patience);
/* No EOS is sent after this returned, except one that is on its way. NULL is fine. */
void gst_wzp_quiet_stop(GstWzpQuiet *quiet);

G_END_DECLS
