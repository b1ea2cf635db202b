/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "address.h"
#include "result.h"

/* Where a client may be reached without the relay: addresses of its own interfaces, and what the relay sees of the
 * socket (RFC 8445 calls these host and server reflexive candidates). Which of them are worth a try, and their bytes. */

#define WZP_CANDIDATES_MAX 12

typedef enum { WZP_CANDIDATE_HOST = 1, WZP_CANDIDATE_REFLEXIVE = 2 } WzpCandidateKind;

typedef struct {
  WzpCandidateKind kind;
  uint32_t priority; /* RFC 8445 section 5.1.2; never 0 */
  WzpAddress address;
} WzpCandidate;

/* Can another client ever reach this? Not: loopback, link-local, unspecified, multicast, broadcast, reserved. The port is
 * not looked at. */
bool wzp_address_is_reachable(const WzpAddress *address);

typedef struct {
  unsigned interface;
  bool outgoing; /* this is the interface by which datagrams leave for the internet */
  WzpAddress address;
} WzpInterfaceAddress;
/* The addresses of one's own at which sockets shall wait, at most one of IPv4, two global ones and a unique local one of
 * IPv6 an interface, WZP_CANDIDATES_MAX / 2 in all; those of outgoing interfaces first, before containers and tunnels use
 * that up. all: of interfaces that are up. Returns how many. */
unsigned wzp_candidates_choose(WzpAddress chosen[WZP_CANDIDATES_MAX],
                               const WzpInterfaceAddress *all, unsigned n);

/* kind(1) | priority(4) | address */
#define WZP_CANDIDATE_SIZE_MAX 24
void wzp_candidate_write(const WzpCandidate *candidate, WzpWriter *writer);
/* WZP_MALFORMED: a kind that is not known, priority or port 0, or an address that nobody may be made to send to. */
WzpResult wzp_candidate_read(WzpCandidate *candidate, WzpReader *reader);
