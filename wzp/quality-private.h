/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "capacity.h"
#include "downlink.h"
#include "quality.h"
#include <glib.h>

/* quality.c: what happens, and what becomes other by it. quality-listeners.c: who hears us, and whom we follow.
 * quality-tier.c: which tier, and what the sender may spend in it. quality-verdict.c: what can be said of it;
 * quality-words.c: in words. */

#define WZP_QUALITY_LISTENERS 64
#define WZP_QUALITY_UNHEARD (5 * WZP_SECOND)
#define WZP_QUALITY_SETTLES                                                                        \
  (3 * WZP_SECOND) /* from the first packet on: much is said beside what is spoken */
#define WZP_QUALITY_GOOD_REPORTS 10
#define WZP_QUALITY_TAKEN_BACK (60 * WZP_SECOND)
#define WZP_QUALITY_LOSES 0.02 /* from which share on something is called lost */

struct WzpQuality {
  WzpQualityMode mode;
  const WzpProfile *profile; /* the user's; NULL: whatever the frames are */
  WzpTier ceiling, given;    /* given: N_TIERS: none */
  WzpTier tier;
  WzpReason reason;
  WzpNetwork network;
  WzpTime boost_until;

  WzpDeliveryLog log;
  WzpTime rate_at;
  uint64_t rate_bytes;
  double rate; /* bit/s that go out; 0: not known yet */
  WzpDelivery paths[WZP_QUALITY_LISTENERS];
  unsigned n;
  int followed;        /* slot; -1 */
  WzpTime alone_since; /* since the last listener left; WZP_NEVER: there is one, or was none yet */
  double residual;
  bool lossy;
  WzpCapacity capacity;
  unsigned told; /* the limit, as the caller knows it */
  bool probing;

  unsigned bad, good, good_needed;
  WzpTime stepped_up;
  WzpTime sent_first, spoken_last;
  WzpTime unreported; /* so much was spoken since the last report, or a pause of seconds */
  WzpDownlink downlink;
  double down_loss;    /* when the tier last went down, */
  unsigned down_limit; /* and the limit */
  uint64_t steps_down, steps_up;
};

/* NULL: he has not reported lately. */
WzpDelivery *wzp_quality_find(WzpQuality *quality, uint8_t slot);
/* Forgets who has not reported for long. NULL: there are too many. */
WzpDelivery *wzp_quality_find_or_add(WzpQuality *quality, WzpTime now, uint8_t slot);
/* The weakest listener, the outliers of many aside; there is one. Who is followed is left for one that is clearly worse, or
 * because he became an outlier. */
const WzpDelivery *wzp_quality_follow(WzpQuality *quality);

WzpTier wzp_quality_tier(const WzpQuality *quality); /* as it is, or was given */
void wzp_quality_step(WzpQuality *quality, WzpTime now, WzpTier tier, WzpReason reason);
/* A report that counted came, by path. True: the tier is another. */
bool wzp_quality_judge(WzpQuality *quality, WzpTime now, const WzpDelivery *path,
                       const WzpFecLimits *users, const WzpFecPlan *plan,
                       const WzpChannelState *channel);
