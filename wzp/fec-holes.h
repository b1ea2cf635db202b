/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "fec-receiver.h"

/* Which of the frames that did not come will never come, as soon as that is certain: playout need not wait for them.
 * Beside a WzpFecReceiver, whose frames it is shown. Frames so far behind the newest one that no repair names them
 * are not told any more. */

typedef struct WzpFecHoles WzpFecHoles;
WzpFecHoles *wzp_fec_holes_new(void);
void wzp_fec_holes_free(WzpFecHoles *holes);
/* Behind a reset of the receiver; the one that a push found out by itself is noticed. */
void wzp_fec_holes_reset(WzpFecHoles *holes);
/* Once after wzp_fec_receiver_push(), before its frames are shown. */
void wzp_fec_holes_pushed(WzpFecHoles *holes, const WzpFecReceiver *receiver);
/* Each frame that the receiver gives. */
void wzp_fec_holes_came(WzpFecHoles *holes, uint64_t number);
/* When all of them were shown. */
void wzp_fec_holes_find(WzpFecHoles *holes, const WzpFecReceiver *receiver);
/* The next one without hope; each is told once. */
bool wzp_fec_holes_next(WzpFecHoles *holes, uint64_t *number);
