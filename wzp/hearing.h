/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "packet.h"
#include "time.h"

/* Is nothing heard of those who talk? Whatever the way: a packet of audio says that another one follows, and none comes from
 * anybody. Who said that silence follows, who is held or muted, and who left, is missed by nobody; nor is one of whom other
 * signs of life came long after his last word: he stopped without saying so. */

#define WZP_HEARING_PATIENCE (2 * WZP_SECOND)
#define WZP_HEARING_TALK_OVER WZP_SECOND /* a sign of life so long after the last word */

typedef struct {
  bool talks[WZP_SLOT_MAX + 1]; /* his last packet said that another one follows */
  unsigned n_talk;
  WzpTime media;  /* the last packet of anybody */
  bool unheard;   /* nothing is heard now */
  unsigned times; /* that it began */
} WzpHearing;     /* zeroed: nobody spoke yet */

/* A packet opened. more: it is audio, so another one follows. */
void wzp_hearing_opened(WzpHearing *hearing, WzpTime now, uint8_t slot, bool more);
/* He is not there any more, or is not to be heard. */
void wzp_hearing_forget(WzpHearing *hearing, uint8_t slot);
void wzp_hearing_forget_all(WzpHearing *hearing);
/* Is it time to judge? */
bool wzp_hearing_is_due(const WzpHearing *hearing, WzpTime now);
/* sign: the last one of life but for media, -1 where there are none. */
void wzp_hearing_judge(WzpHearing *hearing, WzpTime now, WzpTime sign);
WzpTime wzp_hearing_next_timeout(const WzpHearing *hearing);
