/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>
#include "wzp/report-pace.h"

/* Where the two directions of a session leave reports for each other. Receiving makes reports about the streams
 * of others, which sending carries; and it hears what others report about our stream, which sending plans by.
 * One report a stream, and one a listener: a newer one replaces the one before, because reports count from the
 * beginning. In a room ours wait for our turn (report-pace.h), and then go together: one in each packet that is sent
 * anyway, or, when nothing was sent for 100 ms, all in one of their own. Any thread. */

G_BEGIN_DECLS

typedef struct WzpBoard WzpBoard;
/* phase: see wzp_report_pace_new(). */
WzpBoard *wzp_board_new(gdouble phase);
void wzp_board_free(WzpBoard *board);

/* Our report about the stream of slot report->slot waits to be carried. */
void wzp_board_post(WzpBoard *board, WzpTime now, const WzpReport *report);
/* For a packet of our stream: the one that waits longest, if it is our turn. It says how long it waited (wzp_report_age()). */
gboolean wzp_board_take(WzpBoard *board, WzpTime now, WzpReport *report);
/* For a packet of their own: those that no packet took. Returns how many. */
guint wzp_board_take_alone(WzpBoard *board, WzpTime now, WzpReport reports[WZP_REPORTS_MAX]);
/* When there will be something to take alone, or our turn comes; WZP_NEVER: none waits. */
WzpTime wzp_board_deadline(WzpBoard *board);

/* What the member of slot listener says of our stream. */
void wzp_board_hear(WzpBoard *board, guint8 listener, const WzpReport *report);
gboolean wzp_board_take_heard(WzpBoard *board, guint8 *listener, WzpReport *report);

/* What our turns depend on: what is said of others' streams, how much is said, and to how many, ourselves included. */
void wzp_board_overhear(WzpBoard *board, WzpTime now, guint8 listener, const WzpReport *report);
void wzp_board_media(WzpBoard *board, WzpTime now, gsize length);
void wzp_board_set_members(WzpBoard *board, guint members);

/* The member left, and with it its stream and its word; whoever plans by that is told by the other. */
void wzp_board_forget(WzpBoard *board, guint8 slot);
gboolean wzp_board_take_left(WzpBoard *board, guint8 *slot);
void wzp_board_forget_heard(WzpBoard *board); /* our own stream began anew */
void wzp_board_clear(WzpBoard *board);

G_END_DECLS
