/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>
#include "wzp/report.h"
#include "wzp/time.h"

/* Where the two directions of a session leave reports for each other. Receiving makes reports about the streams
 * of others, which sending carries; and it hears what others report about our stream, which sending plans by.
 * One report a stream, and one a listener: a newer one replaces the one before, because reports count from the
 * beginning. Any thread. */

G_BEGIN_DECLS

typedef struct WzpBoard WzpBoard;
WzpBoard *wzp_board_new(void);
void wzp_board_free(WzpBoard *board);

/* Our report about the stream of slot report->slot waits to be carried. */
void wzp_board_post(WzpBoard *board, WzpTime now, const WzpReport *report);
/* The one that waits longest, if it was posted before `until`; it says how long it waited (wzp_report_age()). */
gboolean wzp_board_take(WzpBoard *board, WzpTime now, WzpTime until, WzpReport *report);
/* When the one that waits longest was posted; WZP_NEVER: none waits. */
WzpTime wzp_board_oldest(WzpBoard *board);

/* What the member of slot listener says of our stream. */
void wzp_board_hear(WzpBoard *board, guint8 listener, const WzpReport *report);
gboolean wzp_board_take_heard(WzpBoard *board, guint8 *listener, WzpReport *report);

/* The member left, and with it its stream and its word. */
void wzp_board_forget(WzpBoard *board, guint8 slot);
void wzp_board_forget_heard(WzpBoard *board); /* our own stream began anew */
void wzp_board_clear(WzpBoard *board);

G_END_DECLS
