/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "handshake.h"
#include "seq.h"
#include "time.h"
#include <glib.h>

/* The control channel: sealed records, and reliable, ordered messages in them (PROTOCOL.md 5).
 *
 * Record = 0x44 | cid(8) | ctr(4) | AEAD(app key, nonce = 0^8 | ctr, ad = first 13 bytes, frames | pad)
 * cid is the one chosen by the receiver; ctr = generation mod 16 (4 bits) | counter (28 bits).
 * A generation has its own keys, counter and replay window of 64; a hop's channel has generation 0 alone, a dialled
 * call's gets new ones by wzp_control_rekey(). Two are held for receiving; others are WZP_NO_KEY.
 *
 * Frames inside a record, each starting with its type byte:
 *   0x00 padding    the rest of the record
 *   0x01 ack        next(2) | bitmap(4): all numbers below next arrived; bit i: next + 1 + i arrived
 *   0x02 message    number(2) | fragment(1) | fragments(1) | length(2) | bytes
 *   0x03 ping       token(4)
 *   0x04 pong       token(4)
 *   0x05 challenge  bytes(8)     0x06 answer  bytes(8)
 *   0x07 close      reason(1)
 * A frame of another type ends the reading of that record (counted, what was before it counts).
 * A PING record is padded to 40 plaintext bytes, so that a PONG is never longer.
 *
 * Resend: each unacknowledged fragment after 100 ms during its first second, then every 250 ms, always
 * as a new record with a new ctr. Where PINGs told the round trip and hardly any first try was lost lately, the
 * second try comes 150 ms behind that, after at most 1 s, and the third as late. At most 16 fragments are in flight; the rest wait. A message is at
 * most 8 KiB, the queue at most 64 KiB and 1024 messages (WZP_QUEUE_FULL beyond). Numbers wrap at 2^16.
 * Received: numbers less than 32 ahead of the first that is missing, at most 32 fragments a message and
 * 64 KiB in all (one message more for the number that all wait for). The rest is dropped and counted;
 * its sender tries again.
 *
 * A responder's first poll always gives a record, at least an ack: the initiator counts as connected
 * only when it opened one. Our records are at most 1200 bytes.
 * When the counter nears its end, wzp_control_send() says WZP_NOT_CONNECTED: make a new handshake. */

#define WZP_CONTROL_MESSAGE_MAX 8192
#define WZP_CONTROL_QUEUE_MAX 65536
#define WZP_CONTROL_FRAGMENT_MAX 1000
#define WZP_CONTROL_OVERHEAD 29 /* 13 bytes of header, 16 of tag */

/* CLOSE reasons. */
typedef enum {
  WZP_CLOSE_LEAVE = 0,    /* the person hung up, the pipeline ended */
  WZP_CLOSE_SHUTDOWN = 1, /* the relay stops; come back later */
  WZP_CLOSE_REPLACED = 2, /* a newer session of the same identity took over */
  WZP_CLOSE_TIMEOUT = 3,
  WZP_CLOSE_ERROR = 4 /* an error message went before it */
} WzpCloseReason;

typedef struct {
  uint8_t send_key[32], receive_key[32];
  uint8_t send_cid[WZP_CID_SIZE], receive_cid[WZP_CID_SIZE];
  /* The numbers at which both directions start: message 0 from the handshake's initiator travels as
   * HS3's payload, so the initiator sends from 1 and the responder expects from 1. */
  uint16_t first_send_number, first_receive_number;
  /* How long to wait before sending again; 0: as above. Where a relay carries the records reliably, only what a
   * broken hop lost is to be said again. */
  WzpTime resend_every;
} WzpControlConfig;

typedef struct WzpControl WzpControl;

/* Fills keys and cids from a finished handshake. */
void wzp_control_config_from_keys(WzpControlConfig *config, const WzpHandshakeKeys *keys,
                                  bool initiator);
WzpControl *wzp_control_new(const WzpControlConfig *config, WzpTime now);
void wzp_control_free(WzpControl *control);

/* Queues a reliable message. */
WzpResult wzp_control_send(WzpControl *control, const void *message, size_t length);
/* Keys of the next generation; what of the last one is still on its way opens until wzp_control_drop_previous().
 * send: also send with them from now on; else from the first record of theirs that opens. */
void wzp_control_rekey(WzpControl *control, const uint8_t send_key[32],
                       const uint8_t receive_key[32], bool send);
uint32_t wzp_control_send_generation(const WzpControl *control);
/* The newest one of which a record opened. */
uint32_t wzp_control_heard_generation(const WzpControl *control);
/* The keys of the generation before are still there. */
bool wzp_control_holds_previous(const WzpControl *control);
/* Erases the keys of the generation before, in both directions. Not before both sides changed. */
void wzp_control_drop_previous(WzpControl *control);

/* Asks for a PING in the next record; the token is chosen here. */
void wzp_control_ping(WzpControl *control);
/* Messages take no more than so many bit/s, all-in, so that they do not fill a slow link's queue; 0: as they come. What
 * says goodbye does not wait. */
void wzp_control_set_rate(WzpControl *control, unsigned rate);
/* Asks for a CLOSE frame, sent once with each poll that follows until three went out. */
void wzp_control_close(WzpControl *control, WzpCloseReason reason);

/* One datagram whose first byte is 0x44. On WZP_OK its acks, messages and pings are taken in. */
WzpResult wzp_control_receive(WzpControl *control, WzpTime now, const uint8_t *data, size_t length);
/* The next complete message in order, or NULL. Free with g_bytes_unref(). */
GBytes *wzp_control_next_message(WzpControl *control);
/* True once when the peer's CLOSE came in. */
bool wzp_control_take_close(WzpControl *control, WzpCloseReason *reason);

/* Address moves. A record with nothing in it but a challenge, or the answer to one, for the address that it is
 * about; out as in wzp_control_poll(). False: there are no more records. */
#define WZP_CHALLENGE_SIZE 8
#define WZP_CHALLENGE_RECORD (WZP_CONTROL_OVERHEAD + 1 + WZP_CHALLENGE_SIZE)
bool wzp_control_challenge(WzpControl *control, WzpTime now,
                           const uint8_t challenge[WZP_CHALLENGE_SIZE], uint8_t *out,
                           size_t *length);
bool wzp_control_answer(WzpControl *control, WzpTime now,
                        const uint8_t challenge[WZP_CHALLENGE_SIZE], uint8_t *out, size_t *length);
/* A record that says nothing and is long enough to be challenged for. */
bool wzp_control_probe(WzpControl *control, WzpTime now, uint8_t *out, size_t *length);
/* What the last record that was received brought of them; true once. */
bool wzp_control_take_challenge(WzpControl *control, uint8_t challenge[WZP_CHALLENGE_SIZE]);
bool wzp_control_take_answer(WzpControl *control, uint8_t challenge[WZP_CHALLENGE_SIZE]);
/* That record had a higher ctr than all before it. */
bool wzp_control_was_newest(const WzpControl *control);

/* Writes one record into out (>= WZP_DATAGRAM_MAX bytes) if something is due; *length is then set.
 * Call until it returns false, after every input and every timeout. */
bool wzp_control_poll(WzpControl *control, WzpTime now, uint8_t *out, size_t *length);
/* When poll will next have something on its own (a resend), or WZP_NEVER; 0: right now. */
WzpTime wzp_control_next_timeout(const WzpControl *control);

/* The first record ever made, stored: what a responder sends again to a repeated HS3. NULL before it
 * exists, after wzp_control_drop_first(), and once a record of the peer opened (PROTOCOL.md 4). */
const uint8_t *wzp_control_first_record(const WzpControl *control, size_t *length);
void wzp_control_drop_first(WzpControl *control);

WzpTime
wzp_control_last_heard(const WzpControl *control); /* last record that opened; start if none */
WzpTime wzp_control_last_sent(const WzpControl *control);
unsigned wzp_control_records_received(const WzpControl *control);
/* Smoothed round trip of PING/PONG, or -1. */
WzpTime wzp_control_round_trip(const WzpControl *control);
/* When the oldest message that is not acknowledged went out first; WZP_NEVER: there is none. */
WzpTime wzp_control_waiting_since(const WzpControl *control);
size_t wzp_control_queued_bytes(const WzpControl *control);
/* Frames of opened records that were not taken in, by reason: WZP_REPLAYED and WZP_TOO_OLD (a message
 * that came again: normal on a bad network), WZP_UNEXPECTED (number too far ahead), WZP_QUEUE_FULL,
 * WZP_UNKNOWN_KIND, WZP_TRUNCATED, WZP_MALFORMED, WZP_TOO_LONG. */
uint64_t wzp_control_dropped(const WzpControl *control, WzpResult reason);
