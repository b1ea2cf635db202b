/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/dial-message.h"
#include "wzp/group.h"

/* The relay without sockets, clock or threads: the control plane (handshakes, control channels, rooms)
 * and one media plane (trailer check, duplicate window, fan-out) wired together in one thread, as the
 * simulator and the fuzz targets run it. wzp-relay runs the same two parts in their own threads. */

typedef struct {
  unsigned max_sessions;              /* 10000 */
  unsigned max_sessions_per_ip;       /* 64; /32 and /64 */
  unsigned max_sessions_per_identity; /* 4 */
  unsigned max_rooms;                 /* 10000 */
  unsigned max_rooms_per_identity;    /* 8 */
  unsigned max_ringing_per_identity;  /* 3: dialled calls, out and in */
  unsigned call_attempts_per_minute;  /* 10, from one identity to one other */
  unsigned max_members;               /* members per room */
  unsigned media_packets_per_second;  /* per leg, 400, burst 1 s */
  unsigned media_bytes_per_second;    /* per leg, 32000 (256 kbit/s), burst 1 s */
  unsigned control_bytes_per_second;  /* per leg, 16384, burst 65536 */
  unsigned handshakes_per_second;     /* per IP, 20, burst 40 */
  unsigned cookie_threshold; /* HS1 per second that need work, from which cookies are asked: 100 */
  unsigned idle_timeout_ms;  /* 30000: a leg that was silent so long is gone */
  unsigned max_token_checks, max_token_checks_per_ip; /* that run at once: 32, 2 */
  unsigned unauthorised_timeout_ms; /* 10000: a session without a good token after that is gone */
  /* What all media together may send; 0: whatever comes. From 90 % on nobody new may join. */
  unsigned max_egress_bytes_per_second;
  unsigned max_tls_connections, max_tls_connections_per_ip; /* 1024, 16 */
} RelayLimits;
void relay_limits_default(RelayLimits *limits);

/* What became of a client's wish to be let in. */
typedef enum {
  RELAY_AUTH_OK,
  RELAY_AUTH_REMEMBERED,     /* good, by an answer of less than a minute ago */
  RELAY_AUTH_REFUSED,        /* the server says no */
  RELAY_AUTH_WRONG_IDENTITY, /* the token is another's */
  RELAY_AUTH_MALFORMED,      /* no token at all */
  RELAY_AUTH_UNAVAILABLE,    /* no answer, or none that can be understood */
  RELAY_AUTH_BUSY,           /* too many wait */
  RELAY_AUTH_MISSING,        /* no token was sent in time */
  RELAY_N_AUTH_RESULTS
} RelayAuthResult;
extern const char *const relay_auth_result_names[RELAY_N_AUTH_RESULTS];

/* Why a TCP connection of a client ended, or never began. */
typedef enum {
  RELAY_STREAM_LEFT,         /* the client closed it, or the network did */
  RELAY_STREAM_BROKEN,       /* not TLS 1.3, or not datagrams in it */
  RELAY_STREAM_TOO_MANY,     /* no place, in all or for this IP */
  RELAY_STREAM_GAVE_WAY,     /* without a session yet, to another one */
  RELAY_STREAM_TOO_FAST,     /* connections from this IP, or bytes on this one */
  RELAY_STREAM_NO_HANDSHAKE, /* TLS was not through in time */
  RELAY_STREAM_NO_SESSION,   /* nor was the hop handshake */
  RELAY_STREAM_SILENT,       /* no session speaks there any more */
  RELAY_N_STREAM_ENDS
} RelayStreamEnd;
extern const char *const relay_stream_end_names[RELAY_N_STREAM_ENDS];

typedef struct {
  uint64_t sessions, rooms, calls; /* now */
  uint64_t unauthorised;           /* of the sessions: no good token yet */
  uint64_t handshakes_completed, cookies_sent, stun_answered;
  uint64_t legs_moved, moves_refused;        /* to another address; refused: the old one answered */
  uint64_t packets_received, bytes_received; /* media datagrams that passed all checks */
  uint64_t packets_forwarded, bytes_forwarded; /* copies sent */
  uint64_t datagrams_received;
  uint64_t control_drops[WZP_N_RESULTS], media_drops[WZP_N_RESULTS];
  uint64_t socket_drops; /* the kernel's: its queue for the relay was full */
  /* handshake_duration_seconds: HS1 to HS3, buckets of relay_handshake_bounds[] then +Inf */
  uint64_t handshake_buckets[12];
  double handshake_seconds_sum;
  uint64_t calls_started, calls_refused[WZP_N_CALL_STATUS];
  uint64_t auth_results[RELAY_N_AUTH_RESULTS];
  bool tls;                 /* is listened for; only then the next ones mean something */
  uint64_t tls_connections; /* now */
  uint64_t tls_accepted, tls_ends[RELAY_N_STREAM_ENDS];
  uint64_t tls_drops[WZP_N_RESULTS]; /* datagrams */
  /* token_check_duration_seconds: from the question to the answer; the same buckets */
  uint64_t check_buckets[12];
  double check_seconds_sum;
} RelayStats;
#define RELAY_N_HANDSHAKE_BOUNDS 10
extern const double relay_handshake_bounds[RELAY_N_HANDSHAKE_BOUNDS];

typedef struct RelayCore RelayCore;
/* identity is borrowed. */
RelayCore *relay_core_new(const RelayLimits *limits, const WzpIdentity *identity,
                          const WzpRandom *random, WzpTime now);
void relay_core_free(RelayCore *core);

WzpResult relay_core_handle_datagram(RelayCore *core, WzpTime now, const WzpAddress *from,
                                     const uint8_t *data, size_t length);
void relay_core_handle_timeout(RelayCore *core, WzpTime now);
WzpTime relay_core_next_timeout(const RelayCore *core);
typedef struct {
  WzpAddress to;
  size_t length;
  uint8_t data[WZP_DATAGRAM_MAX];
} RelayDatagram;
/* Call after every input until it returns false. */
bool relay_core_poll(RelayCore *core, WzpTime now, RelayDatagram *datagram);
/* Tells all clients goodbye (CLOSE shutdown); poll gives the datagrams. */
void relay_core_shutdown(RelayCore *core, WzpTime now);
void relay_core_get_stats(const RelayCore *core, RelayStats *stats);

/* --- who is let in --- */

/* From here on a session may do nothing until a token of it was found good. The embedder asks whoever
 * knows about tokens: it takes each question with relay_core_next_token_check(), after every input, and
 * answers each once, whatever happens, with relay_core_token_verdict(). */
void relay_core_require_tokens(RelayCore *core);
typedef struct {
  uint64_t id;
  const char *token; /* until the next call */
} RelayTokenCheck;
bool relay_core_next_token_check(RelayCore *core, WzpTime now, RelayTokenCheck *check);
typedef enum {
  RELAY_TOKEN_GOOD,       /* and fingerprint says whose it is */
  RELAY_TOKEN_REFUSED,    /* a clear no */
  RELAY_TOKEN_UNAVAILABLE /* anything else */
} RelayTokenVerdict;
void relay_core_token_verdict(RelayCore *core, WzpTime now, uint64_t id, RelayTokenVerdict verdict,
                              const uint8_t fingerprint[WZP_FINGERPRINT_SIZE]);

/* Who may join which room (relay-access.h); borrowed, bound; NULL: everybody. Counts for JOINs from now
 * on: who is in a room stays. */
typedef struct RelayAccess RelayAccess;
void relay_core_set_access(RelayCore *core, const RelayAccess *access);
