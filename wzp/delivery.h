/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "report.h"

/* What one listener's reports say of the way to him: what is lost and what stays lost, how long a queue stands in
 * front of the slowest link, how fast that link is, how long the round trip. The clocks of the two sides are not the
 * same: the least transit of the last minute counts as an empty way, and steady drift is taken out. What became longer at one
 * instant, for all packets behind it, is another way (transit.h), unless we sent so much at once ourselves. */

#define WZP_DELIVERY_LOG 256 /* packets that a sender remembers */
#define WZP_DELIVERY_BUCKETS 12
#define WZP_DELIVERY_MARKS 4

/* The packets that went out, so that a report's `heard` can be found. Zeroed: none. */
typedef struct {
  struct {
    uint16_t media_ms;
    WzpTime at;
    uint64_t bytes; /* sent so far, this packet included */
    unsigned size;
    uint64_t way;
  } entries[WZP_DELIVERY_LOG];
  uint64_t n, bytes;
  uint64_t
      way; /* another number when packets go another way from now on: how long that takes is learnt anew */
} WzpDeliveryLog;
/* bytes: all-in, with IP and UDP. audio: it has frames. */
void wzp_delivery_log_packet(WzpDeliveryLog *log, WzpTime now, uint64_t media_ms, bool audio,
                             unsigned bytes);
/* The newest entry of a packet of this media time; -1: it is no longer there. */
int64_t wzp_delivery_log_find(const WzpDeliveryLog *log, uint16_t media_ms);
/* How many were added after it. */
int64_t wzp_delivery_log_age(const WzpDeliveryLog *log, int64_t entry);
/* How many that were added before it are still there. */
int64_t wzp_delivery_log_older(const WzpDeliveryLog *log, int64_t entry);
/* How long one of so many packets, of which this is the last, waited at most behind what we sent ourselves, if the way
 * passed no more than we send in the mean; ms. A longer packet waits for itself, too. */
double wzp_delivery_log_queue(const WzpDeliveryLog *log, int64_t entry, int64_t packets);

/* Zeroed, but for the slot: nothing is known. */
typedef struct {
  uint8_t slot;
  unsigned n; /* reports, from which on the rest is known: 2 */
  WzpTime at;
  WzpReport last;
  /* of the packets and frames since the report before, at least WZP_DELIVERY_FEW packets: 0..1 */
  unsigned judged;
  double loss, residual;  /* without what an outage lost, */
  double missed;          /* and with it: of the frames, what stays lost */
  double mean_loss;       /* of the last reports */
  uint16_t counted_heard; /* of the last report that was */
  WzpTime interval;       /* see wzp_delivery_expect() */
  double again;
  bool outage; /* it told of one */
  WzpTime outage_at;
  bool unsettled;   /* it tells of one that is not judged yet */
  unsigned excused; /* frames that it may still be said to have cost */

  bool timed;       /* the following is known */
  uint64_t way;     /* of which way */
  int64_t transit;  /* ms */
  uint16_t stepped; /* as the last report said that told of the transit */
  double queue;     /* ms above the empty way */
  double before;    /* the queue of the report before */
  WzpTime heard;    /* when the packet was sent that saw it */
  double backlog;   /* ms that what is sent now would wait: the queue, and what was sent since */
  double
      behind; /* ms that the report waited on its way, as far as that is more than the one before did */
  double
      contrast; /* bits that the packets heard are longer, at least, than those of the least transit */
  double jitter; /* ms */
  double drift;  /* ms a second that the empty way changes; 0: less than is seen */
  struct {
    WzpTime since;
    int64_t least;
    double bits, most_bits;        /* of the packet of that report, and of those about it */
    WzpTime trip;                  /* the least round trip; WZP_NEVER: unknown */
  } buckets[WZP_DELIVERY_BUCKETS]; /* oldest first */
  unsigned n_buckets;

  struct {
    WzpTime sent;
    uint64_t bytes;
    int64_t transit;
  } marks[WZP_DELIVERY_MARKS]; /* what reports said was heard; the newest first */
  unsigned n_marks;
  double least_bits, most_bits; /* of the packets that the transit may be of */
  double bits;                  /* of the packet that was heard, all-in, */
  double
      bottleneck;   /* which takes so long to pass this, bit/s; 0: unknown; whoever knows sets it */
  double delivered; /* bit/s that came out at the other end lately; 0: unknown */
  WzpTime round_trip; /* smoothed; -1: unknown */
  double reverse;     /* ms: what of the last round trip is neither the shortest nor the queue */
} WzpDelivery;

#define WZP_DELIVERY_FEW 5

void wzp_delivery_init(WzpDelivery *path, uint8_t slot);
/* Of the packets of late: one each so long, and how probable it is that one is lost behind a lost one, 0..1. */
void wzp_delivery_expect(WzpDelivery *path, WzpTime interval, double again);
/* frames: in a packet of late. False: too little came since the last one to judge by, or it is an old one. */
bool wzp_delivery_report(WzpDelivery *path, WzpTime now, const WzpReport *report, unsigned frames,
                         const WzpDeliveryLog *log);
/* The way is another one: what was learnt of its delay says nothing any more. */
void wzp_delivery_forget_delay(WzpDelivery *path);
/* The listener's clock against ours in parts per million, above 0 it is fast; 0: less than is seen. */
double wzp_delivery_drift_ppm(const WzpDelivery *path);
