/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "relay-core.h"

/* Which TCP connections of clients without UDP the relay bears: how many, from whom, how fast, and for how long
 * without a reason. Without I/O. A connection is known by its number, never 0, which its datagrams carry in the
 * address that they come from. It stays for as long as a session speaks through it. */

#define RELAY_STREAMS_MAX 4096
/* TLS handshakes at once. When there is no more place for one, here or at all, the oldest handshake gives way of the net (IPv4
 * /24, IPv6 /48) that has the most connections without a session, that of the newcomer being one of it. When no handshake is
 * left and all places are taken, one that is up without a session gives way like that, but only to a net that has fewer. */
#define RELAY_STREAM_HANDSHAKES_MAX 64
#define RELAY_STREAM_HANDSHAKE_TIME (5 * WZP_SECOND)
#define RELAY_STREAM_SESSION_TIME (10 * WZP_SECOND) /* from there to the hop handshake's end */
/* What a connection may bring: twice what media and control of a leg may be, and a burst of what was stuck. */
#define RELAY_STREAM_BYTES_PER_SECOND 98304
#define RELAY_STREAM_BURST (4 * RELAY_STREAM_BYTES_PER_SECOND)

typedef struct RelayStreams RelayStreams;
RelayStreams *relay_streams_new(const RelayLimits *limits, const WzpRandom *random, WzpTime now);
void relay_streams_free(RelayStreams *streams);

/* A connection came. Its number; 0 when there is no place for it, and *refused says why. *evicted: the number of
 * another one that gives way, or 0; it is removed. */
uint32_t relay_streams_add(RelayStreams *streams, WzpTime now, const WzpAddress *from,
                           RelayStreamEnd *refused, uint32_t *evicted);
void relay_streams_remove(RelayStreams *streams, uint32_t number);
/* Its TLS handshake is through. */
void relay_streams_up(RelayStreams *streams, WzpTime now, uint32_t number);
/* The relay answered a session there. */
void relay_streams_proven(RelayStreams *streams, WzpTime now, uint32_t number);
/* So many bytes came; false: too many. */
bool relay_streams_take(RelayStreams *streams, WzpTime now, uint32_t number, size_t bytes);
/* A connection whose time is over, and why; it is removed. 0: none. */
uint32_t relay_streams_expire(RelayStreams *streams, WzpTime now, RelayStreamEnd *end);
WzpTime relay_streams_next_timeout(const RelayStreams *streams);
unsigned relay_streams_count(const RelayStreams *streams);
/* The place of a number in a table of RELAY_STREAMS_MAX. */
unsigned relay_stream_index(uint32_t number);
