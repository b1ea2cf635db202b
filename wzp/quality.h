/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "channel.h"
#include "fec-plan.h"
#include "delivery.h"

/* How well we may speak: from what listeners report of our stream, to the codec, the repair and the bytes that the
 * sender may spend. Sans-I/O; one for each stream that is sent.
 *
 * Two things are decided, at two speeds. The *limit*, bit/s all-in, moves with every report: a queue that grows in
 * front of a slow link cuts it below what came out at the other end, at once; while the way is empty it is raised
 * step by step until it limits nothing. Within it the plan (fec-plan.h) chooses packing, repair and a lower bitrate of
 * the tier. A call begins with a small limit, which the first good reports lift. The *tier* moves slowly: one step down
 * after 3 bad reports in a row (more than 3 % stays lost after repair, or the limit, or the user's budget, does not hold the
 * tier's codec with repair), one step up after 10 good ones. A step up that had to be taken back within a minute costs twice as many
 * good reports the next time. The round trip alone changes nothing.
 *
 * Where several listen, the weakest is followed; of four and more the weakest quarter is left out. */

typedef enum {
  WZP_TIER_STUDIO_64K,
  WZP_TIER_STUDIO_48K,
  WZP_TIER_STUDIO_32K,
  WZP_TIER_GOOD,
  WZP_TIER_DEGRADED,
  WZP_TIER_CATASTROPHIC,
  WZP_N_TIERS
} WzpTier;

typedef enum {
  WZP_QUALITY_AUTO,       /* as above */
  WZP_QUALITY_COMPATIBLE, /* by loss and round trip before repair: the thresholds of earlier versions */
  WZP_QUALITY_FIXED       /* what the caller's limits say; verdicts only */
} WzpQualityMode;

/* Why the tier or the limit is what it is. */
typedef enum {
  WZP_REASON_START,    /* nothing is known yet */
  WZP_REASON_CLEAR,    /* the way is good */
  WZP_REASON_LOSS,     /* too much stays lost */
  WZP_REASON_CAPACITY, /* codec and repair do not fit the way */
  WZP_REASON_QUEUE,    /* a queue grows */
  WZP_REASON_PROBE,    /* upward, step by step */
  WZP_REASON_NETWORK,  /* the application said that the network is another one */
  WZP_REASON_MANUAL,
  WZP_N_REASONS
} WzpReason;

/* What is wrong, in the order in which it is said. */
typedef enum {
  WZP_VERDICT_UNKNOWN, /* no reports yet */
  WZP_VERDICT_GOOD,
  WZP_VERDICT_UNHEARD,        /* we speak, and nobody reports any more */
  WZP_VERDICT_CONGESTED,      /* a queue stands on the way */
  WZP_VERDICT_UPLINK_LOSES,   /* what we send is lost, for all who listen */
  WZP_VERDICT_LISTENER_LOSES, /* for some of several only */
  WZP_VERDICT_DOWNLINK_LOSES, /* what we hear is lost */
  WZP_VERDICT_SLOW,           /* the way carries less than we would like to send */
  WZP_VERDICT_PEER_DRIFTS,    /* the listener's clock runs at another speed */
  WZP_N_VERDICTS
} WzpVerdict;

typedef enum {
  WZP_NETWORK_UNKNOWN,
  WZP_NETWORK_WIRED,
  WZP_NETWORK_WIFI,
  WZP_NETWORK_CELLULAR,
  WZP_N_NETWORKS
} WzpNetwork;

/* The names are what people type and what stats say; NULL outside. */
const char *wzp_tier_name(WzpTier tier); /* "good" */
bool wzp_tier_by_name(const char *name, WzpTier *tier);
const char *wzp_reason_name(WzpReason reason);
const char *wzp_verdict_name(WzpVerdict verdict);
const char *wzp_network_name(WzpNetwork network);
bool wzp_network_by_name(const char *name, WzpNetwork *network);
/* The best tier that speaks no better than this profile; NULL: good. */
WzpTier wzp_tier_of_profile(const WzpProfile *profile);

typedef struct WzpQuality WzpQuality;
WzpQuality *wzp_quality_new(void); /* AUTO, no profile of its own: opus-24k, so tier good */
void wzp_quality_free(WzpQuality *quality);
/* The stream begins anew: listeners and the way, not the settings. */
void wzp_quality_reset(WzpQuality *quality);

void wzp_quality_set_mode(WzpQuality *quality, WzpQualityMode mode);
/* What the user wants at best; never exceeded. NULL: opus-24k. Who wants more again is at GOOD at once, if it was only that
 * which held the tier down. */
void wzp_quality_set_profile(WzpQuality *quality, const WzpProfile *profile);
/* AUTO: this tier and no other, WZP_N_TIERS: as the way is. */
void wzp_quality_set_tier(WzpQuality *quality, WzpTier tier);
/* The application knows: from Wi-Fi or wire to cellular the tier goes one step down at once. With every change there is
 * more repair for 10 s, and what was learnt of the way is forgotten. */
void wzp_quality_set_network(WzpQuality *quality, WzpTime now, WzpNetwork network);

/* A packet of ours goes out. bytes: all-in, with IP and UDP. */
void wzp_quality_sent(WzpQuality *quality, WzpTime now, uint64_t media_ms, bool audio,
                      unsigned bytes);
/* So many bytes, all-in, went beside our packets: control records, say. */
void wzp_quality_sent_beside(WzpQuality *quality, uint64_t bytes);
/* How much of the way may go to what the session says beside media, bit/s; 0: nothing limits it. */
unsigned wzp_quality_session_rate(const WzpQuality *quality, WzpTime now);
/* A report about our stream came. users: as for wzp_quality_limits(). plan, channel: the sender's now. True: the limits are
 * others. */
bool wzp_quality_report(WzpQuality *quality, WzpTime now, uint8_t listener, const WzpReport *report,
                        const WzpFecLimits *users, const WzpFecPlan *plan,
                        const WzpChannelState *channel);
/* The listener left: the weakest of the others is followed at once; if he was the last, who comes later than in a few seconds
 * is another call, which begins as the first one did. True: the limits are others. */
bool wzp_quality_left(WzpQuality *quality, WzpTime now, uint8_t listener);
/* A report of ours, about what we hear. */
void wzp_quality_own_report(WzpQuality *quality, WzpTime now, const WzpReport *report);
/* Packets go by this way from now on, any number (see WzpDeliveryLog). */
void wzp_quality_set_way(WzpQuality *quality, uint64_t way);
/* Time goes on; with every packet is enough. True: the limits are others. */
bool wzp_quality_tick(WzpQuality *quality, WzpTime now);
/* A queue is so long that what is said now would come too late: it is not sent, as if it were silence. */
bool wzp_quality_is_paused(const WzpQuality *quality, WzpTime now);
/* What the sender is to plan with: the user's limits, and what was decided. FIXED: the user's. */
WzpFecLimits wzp_quality_limits(const WzpQuality *quality, const WzpFecLimits *users);

typedef struct {
  WzpTier tier;
  WzpReason reason;
  WzpVerdict verdict;
  WzpNetwork network;
  unsigned limit;       /* bit/s all-in; 0: none */
  double loss;          /* of the followed listener's packets, 0..1 */
  double residual;      /* of its frames after repair, of late */
  double downlink_loss; /* of what we hear, the worst stream */
  double queue, jitter; /* ms */
  double drift_ppm;
  WzpTime round_trip; /* -1: unknown */
  unsigned listeners;
  uint64_t steps_down, steps_up; /* of the tier */
  uint64_t cuts, probes, pauses; /* of the limit */
} WzpQualityState;
void wzp_quality_get_state(const WzpQuality *quality, WzpTime now, WzpQualityState *state);
/* "what you send is lost: 12 %": a sentence for people. Free with g_free(). */
char *wzp_quality_text(const WzpQualityState *state);
