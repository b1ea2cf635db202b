/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/address.h"
#include "wzp/time.h"

/* A network that loses, delays, doubles and reorders, the same way for the same seed. Time is an argument:
 * the simulator passes virtual time, the program lossy-hop the real one. */

/* Bursts and traces go by slots of sending time: what is sent within one slot shares its fate. */
#define SIM_SLOT_TIME (20 * WZP_MSEC)
#define SIM_IP_UDP_BYTES 28 /* IPv4 and UDP, of every datagram on a wire */

/* A recorded network, a line a slot (sim-trace.h); after the last slot comes the first again. */
typedef struct {
  bool lost;
  WzpTime delay; /* of a lost slot: that of the last one before it that was not */
} SimTraceSlot;
typedef struct {
  unsigned n_slots; /* at least 1 */
  SimTraceSlot *slots;
} SimTrace;

/* One direction of a path. All zero: a perfect wire. */
typedef struct {
  double loss;  /* 0..1, each datagram on its own; with burst, slots */
  double burst; /* mean number of slots that are lost in a row (Gilbert-Elliott); 0: no bursts */
  double duplicate;      /* 0..1, chance of a second copy, which has its own jitter */
  WzpTime delay;         /* of every datagram */
  WzpTime jitter;        /* uniform 0..jitter on top */
  bool reorder;          /* false: jitter never lets a datagram overtake an earlier one */
  const SimTrace *trace; /* borrowed; its delays and losses come on top, and may reorder */
  unsigned trace_from;   /* the slot of the trace with which slot 0 begins */
  unsigned rate;         /* bit/s of a bottleneck that counts SIM_IP_UDP_BYTES too; 0: none */
  WzpTime queue_time;    /* what would wait there for longer is dropped; 0: no such bound */
  size_t queue_bytes;    /* what finds more than this waiting is dropped; 0: no such bound */
  WzpTime blackout_from, blackout_to; /* after the origin; nothing passes in between */
} SimLinkConfig;

#define SIM_WAITS 400
#define SIM_WAIT_STEP (5 * WZP_MSEC)

/* lost: for whatever reason. reordered: due before one sent earlier. */
typedef struct {
  uint64_t sent, bytes, lost, queue_dropped, duplicated, reordered;
  uint32_t waits
      [SIM_WAITS]; /* how many waited so long at the bottleneck, in SIM_WAIT_STEP; the last: longer */
  WzpTime wait_max;
} SimLinkStats;
/* What so many percent of the datagrams waited at most, between two looks at the stats (before may be NULL). */
WzpTime sim_link_wait(const SimLinkStats *before, const SimLinkStats *after, double percent);

typedef struct SimLink SimLink;
SimLink *sim_link_new(const SimLinkConfig *config, uint64_t seed);
void sim_link_free(SimLink *link);
/* From now on; the random numbers go on where they were. */
void sim_link_set_config(SimLink *link, const SimLinkConfig *config);
const SimLinkConfig *sim_link_config(const SimLink *link);
/* When slot 0 begins (time 0 if never said); the row of bursts begins again with it. */
void sim_link_set_origin(SimLink *link, WzpTime origin);
/* A cut wire: everything is lost until it is whole again. */
void sim_link_set_down(SimLink *link, bool down);
/* A datagram of this length enters now. Returns how many copies come out (0: lost, 1, 2) and when; of a lost
 * one at[0] is when it would have. Every call takes the same number of random numbers, and the fate of slots has
 * numbers of its own, so that one setting never shifts the luck of another. */
unsigned sim_link_push(SimLink *link, WzpTime now, size_t length, WzpTime at[2]);
SimLinkStats sim_link_stats(const SimLink *link);
/* The most that can be lost in bursts of this mean length: there is at least one good slot between two. */
double sim_burst_loss_max(double burst);

/* Datagrams on their way, in the order in which they come out. */
typedef struct {
  WzpAddress from, to;
  size_t length;
  uint8_t data[WZP_DATAGRAM_MAX];
} SimDatagram;

typedef struct SimNetwork SimNetwork;
SimNetwork *sim_network_new(void);
void sim_network_free(SimNetwork *network);
/* link NULL: arrives at once. Returns when it comes out, or would have if it was not lost. */
WzpTime sim_network_send(SimNetwork *network, SimLink *link, WzpTime now, const WzpAddress *from,
                         const WzpAddress *to, const uint8_t *data, size_t length);
/* When the next datagram comes out, or WZP_NEVER. */
WzpTime sim_network_next(const SimNetwork *network);
/* The next one that is out by now. */
bool sim_network_receive(SimNetwork *network, WzpTime now, SimDatagram *datagram);
