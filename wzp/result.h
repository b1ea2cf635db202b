/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once

/* Results of the protocol library. Zero is success; every failure has a name, and the name is the
 * label of the counter that counts it (stats structures, relay metrics). */

typedef enum {
  WZP_OK = 0,
  WZP_TRUNCATED,        /* shorter than its own fields say */
  WZP_TOO_LONG,         /* over a limit, or bytes left over behind the last field */
  WZP_UNKNOWN_KIND,     /* first byte, version, mode or message kind that we do not know */
  WZP_MALFORMED,        /* a field holds a value that is never legal */
  WZP_UNSUPPORTED,      /* legal, but no common suite or capability */
  WZP_BAD_COOKIE,       /* cookie or udp-mode MAC missing or wrong */
  WZP_BAD_TAG,          /* AEAD or hop tag did not verify */
  WZP_BAD_SIGNATURE,    /* Ed25519 signature did not verify */
  WZP_BAD_COMMITMENT,   /* handshake: c_I does not open */
  WZP_WRONG_IDENTITY,   /* verified, but not the identity that was expected */
  WZP_OWN_IDENTITY,     /* our own message came back to us */
  WZP_WEAK_KEY,         /* X25519 result is all zero */
  WZP_UNEXPECTED,       /* valid in itself, not in this state (second HS2, HS3 without HS1) */
  WZP_UNKNOWN_SESSION,  /* no such session id or connection id */
  WZP_UNKNOWN_SENDER,   /* no member holds this slot */
  WZP_WRONG_SLOT,       /* slot is not the one of this leg */
  WZP_NO_KEY,           /* the epoch's key is not (yet) known */
  WZP_REPLAYED,         /* seen before */
  WZP_TOO_OLD,          /* behind the replay window, or an epoch whose key is erased */
  WZP_NOT_CONNECTED,    /* nothing to send to yet */
  WZP_NO_RECEIVER,      /* nobody was sent our key yet: sealing would speak to no one */
  WZP_RATE_LIMITED,     /* over a token bucket */
  WZP_QUEUE_FULL,       /* bounded queue is full */
  WZP_ROOM_FULL,        /* the room has no free place */
  WZP_BUFFER_TOO_SMALL, /* caller's output buffer; a programming error */
  WZP_UNKNOWN_SOURCE,   /* datagram from an address that is not the leg's */
  WZP_NOT_ALLOWED,      /* this identity may not do that here: no token yet, or not this room */
  WZP_N_RESULTS
} WzpResult;

/* Lower-case, hyphenated, static ("bad-tag"). Never NULL. */
const char *wzp_result_name(WzpResult result);
