/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/address.h"
#include "wzp/time.h"

/* A network that loses, delays, doubles and reorders, the same way for the same seed. Time is an argument:
 * the simulator passes virtual time, the program lossy-hop the real one. */

/* One direction of a path. All zero: a perfect wire. */
typedef struct {
  double loss;      /* 0..1, each datagram on its own */
  double duplicate; /* 0..1, chance of a second copy, which has its own jitter */
  WzpTime delay;    /* of every datagram */
  WzpTime jitter;   /* uniform 0..jitter on top */
  bool reorder;     /* false: jitter never lets a datagram overtake an earlier one */
} SimLinkConfig;

typedef struct {
  uint64_t sent, bytes, lost, duplicated, reordered; /* reordered: due before one sent earlier */
} SimLinkStats;

typedef struct SimLink SimLink;
SimLink *sim_link_new(const SimLinkConfig *config, uint64_t seed);
void sim_link_free(SimLink *link);
/* From now on; the random numbers go on where they were. */
void sim_link_set_config(SimLink *link, const SimLinkConfig *config);
const SimLinkConfig *sim_link_config(const SimLink *link);
/* A cut wire: everything is lost until it is whole again. */
void sim_link_set_down(SimLink *link, bool down);
/* A datagram of this length enters now. Returns how many copies come out (0: lost, 1, 2) and when. Every
 * call takes the same number of random numbers, so that one setting never shifts the luck of another. */
unsigned sim_link_push(SimLink *link, WzpTime now, size_t length, WzpTime at[2]);
SimLinkStats sim_link_stats(const SimLink *link);

/* Datagrams on their way, in the order in which they come out. */
typedef struct {
  WzpAddress from, to;
  size_t length;
  uint8_t data[WZP_DATAGRAM_MAX];
} SimDatagram;

typedef struct SimNetwork SimNetwork;
SimNetwork *sim_network_new(void);
void sim_network_free(SimNetwork *network);
/* link NULL: arrives at once. */
void sim_network_send(SimNetwork *network, SimLink *link, WzpTime now, const WzpAddress *from,
                      const WzpAddress *to, const uint8_t *data, size_t length);
/* When the next datagram comes out, or WZP_NEVER. */
WzpTime sim_network_next(const SimNetwork *network);
/* The next one that is out by now. */
bool sim_network_receive(SimNetwork *network, WzpTime now, SimDatagram *datagram);
