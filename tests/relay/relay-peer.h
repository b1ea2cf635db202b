/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/call.h"
#include "wzp/report.h"
#include "wzp/tls.h"

/* A real client, WzpCall, on a real socket and the real clock. A relay's address with a stream in it: by TLS over
 * TCP, to there, and without UDP. */

typedef struct {
  WzpCall *call;
  WzpIdentity *identity;
  int socket;
  WzpTls *tls;      /* NULL: UDP */
  WzpAddress relay; /* as it was named */
  uint32_t timestamp;
  unsigned sent, opened;
  unsigned report_packets, reports; /* packets that only bring reports, and those in them */
  bool closed, failed;
  bool cut; /* the relay closed the connection */
  WzpCloseReason close_reason;
  WzpErrorCode error;
  char error_text[256];
  void (*heard)(void *user, const WzpOpened *opened); /* NULL; of each packet that opened */
  void *user;
} RelayPeer;

/* source: "127.0.0.1" or "::1". */
RelayPeer *relay_peer_new(const char *source, const WzpAddress *relay, const char *room);
/* With an identity of its own (taken), a token (borrowed, may be NULL), and the relay's fingerprint that it
 * expects; NULL: it takes whatever key the relay shows, and token_anyway says whether the token too. */
RelayPeer *relay_peer_new_with_token(const char *source, const WzpAddress *relay, const char *room,
                                     WzpIdentity *identity, const char *token, const char *key,
                                     bool token_anyway);
/* By TLS, and its kernel takes next to nothing that it does not read. */
RelayPeer *relay_peer_new_slow(const char *source, const WzpAddress *relay, const char *room);
/* In no room: there for calls, which it takes; callee, if not NULL: it calls that one. */
RelayPeer *relay_peer_new_for_calls(const char *source, const WzpAddress *relay,
                                    const RelayPeer *callee);
void relay_peer_free(RelayPeer *peer);
/* Seals a bundle as a packet of Opus, 20 ms, one frame, and sends it. */
WzpResult relay_peer_say(RelayPeer *peer, const void *bundle, size_t length);
/* The same with something of voice's size. */
WzpResult relay_peer_talk(RelayPeer *peer);
/* Reports, in a packet of its own. */
WzpResult relay_peer_report(RelayPeer *peer, const WzpReport *report);
/* What waits in the sockets and timers, without waiting. */
void relay_peers_step(RelayPeer **peers, unsigned n);
/* Runs both until done() says so; the test fails when that takes longer than timeout. */
typedef bool (*RelayPeersDone)(RelayPeer **peers, unsigned n);
void relay_peers_run(RelayPeer **peers, unsigned n, RelayPeersDone done, WzpTime timeout);
/* Runs them for this long. */
void relay_peers_run_for(RelayPeer **peers, unsigned n, WzpTime duration);
bool relay_peers_active(RelayPeer **peers, unsigned n);
bool relay_peers_closed(RelayPeer **peers, unsigned n);
/* Everything that all others sent was opened by each (two peers). */
bool relay_peers_heard_all(RelayPeer **peers, unsigned n);
/* Two say so many packets each, and hear them all. */
void relay_peers_talk(RelayPeer *peers[2], unsigned packets, WzpTime timeout);
/* Two talk until each has heard the other anew; both have to by the deadline. */
void relay_peers_hear_again(RelayPeer *peers[2], WzpTime deadline);
