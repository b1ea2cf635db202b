/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "control.h"

/* The parts of the control channel: records (sealing, replay), outbox (queue, resend), inbox
 * (reassembly, order). control.c puts them together. */

#define WZP_RECORD_HEADER_SIZE 13
/* Our own records stay below what any path carries; larger ones are read. */
#define WZP_RECORD_PLAIN_MAX (1200 - WZP_CONTROL_OVERHEAD)
#define WZP_RECORD_PING_PLAIN 40
#define WZP_RECORD_COUNTER_END (1u << 28)
/* No new messages for the last records, so that what is queued still gets out. */
#define WZP_RECORD_COUNTER_RESERVE (1u << 16)

#define WZP_FRAME_MESSAGE_HEAD 7 /* type, number, fragment, fragments, length */
#define WZP_CONTROL_WINDOW 32    /* message numbers ahead of the first that is missing */

enum {
  WZP_FRAME_PADDING = 0x00,
  WZP_FRAME_ACK = 0x01,
  WZP_FRAME_MESSAGE = 0x02,
  WZP_FRAME_PING = 0x03,
  WZP_FRAME_PONG = 0x04,
  WZP_FRAME_CHALLENGE = 0x05,
  WZP_FRAME_ANSWER = 0x06,
  WZP_FRAME_CLOSE = 0x07
};

/* --- records --- */
typedef struct {
  bool held;
  uint32_t generation;
  uint8_t key[32];
  WzpWindow window;
} WzpRecordKey;

typedef struct {
  uint8_t send_key[32];
  uint8_t next_send_key[32]; /* until the peer shows that it can open what it seals */
  bool has_next;
  uint32_t send_generation, heard_generation;
  uint8_t send_cid[WZP_CID_SIZE], receive_cid[WZP_CID_SIZE];
  uint32_t send_counter; /* the next one; WZP_RECORD_COUNTER_END: none left */
  WzpRecordKey receive, previous;
  bool newest; /* the last one that opened was */
} WzpRecords;

void wzp_records_init(WzpRecords *records, const WzpControlConfig *config);
/* Seals the plaintext that stands at out + WZP_RECORD_HEADER_SIZE. Returns the record's length. The
 * counter must not have run out. */
size_t wzp_records_seal(WzpRecords *records, uint8_t *out, size_t plain_length);
/* plain has room for length bytes. A failure changes nothing. */
WzpResult wzp_records_open(WzpRecords *records, const uint8_t *data, size_t length, uint8_t *plain,
                           size_t *plain_length);

/* As the functions of the same names in control.h. */
void wzp_records_rekey(WzpRecords *records, const uint8_t send_key[32],
                       const uint8_t receive_key[32], bool send);
void wzp_records_drop_previous(WzpRecords *records);

/* --- outbox --- */
typedef struct {
  WzpTime resend_every; /* 0: soon at first, then less often, */
  WzpTime round_trip; /* or, where hardly anything is lost, when the answer is late; -1: unknown */
  double lost;        /* of messages or their acknowledgements at the first try, of late: 0..1 */
  unsigned rate;      /* bit/s of what is written, all-in; 0: as it comes */
  WzpTime free_at;    /* then more may be written */
  GQueue messages;    /* OutMessage; those that were started come first, in the order of numbers */
  size_t bytes;
  unsigned in_flight;   /* fragments sent at least once and not acknowledged */
  uint16_t next_number; /* of the message that is started next */
} WzpOutbox;

void wzp_outbox_init(WzpOutbox *outbox, uint16_t first_number);
void wzp_outbox_clear(WzpOutbox *outbox);
WzpResult wzp_outbox_add(WzpOutbox *outbox, const void *message, size_t length);
/* WZP_MALFORMED: an acknowledgement of what was never sent. */
WzpResult wzp_outbox_acknowledge(WzpOutbox *outbox, WzpTime now, uint16_t next, uint32_t bitmap);
/* Appends as many due fragments as fit; all: also those that are not due again yet. */
void wzp_outbox_write(WzpOutbox *outbox, WzpTime now, bool all, WzpWriter *writer);
/* 0 when something was never sent and may go at once. */
WzpTime wzp_outbox_next_timeout(const WzpOutbox *outbox);
/* When the oldest message that is not acknowledged went out first; WZP_NEVER: there is none. */
WzpTime wzp_outbox_waiting_since(const WzpOutbox *outbox);

/* --- inbox --- */
#define WZP_INBOX_FRAGMENTS_MAX 32
typedef struct WzpInMessage WzpInMessage;
typedef struct {
  uint16_t next;                            /* the first number that is not complete */
  WzpInMessage *window[WZP_CONTROL_WINDOW]; /* by number mod 32 */
  GQueue ready;                             /* GBytes, in order */
  size_t bytes;                             /* in window and ready */
} WzpInbox;

void wzp_inbox_init(WzpInbox *inbox, uint16_t first_number);
void wzp_inbox_clear(WzpInbox *inbox);
/* One message frame. WZP_OK: taken in; WZP_REPLAYED and WZP_TOO_OLD: known already; WZP_UNEXPECTED:
 * too far ahead; WZP_QUEUE_FULL: no room now; WZP_MALFORMED, WZP_TOO_LONG: never legal. */
WzpResult wzp_inbox_add(WzpInbox *inbox, uint16_t number, uint8_t fragment, uint8_t fragments,
                        const uint8_t *data, size_t length);
uint32_t wzp_inbox_bitmap(const WzpInbox *inbox);
GBytes *wzp_inbox_take(WzpInbox *inbox);

/* --- all together --- */
#define WZP_CONTROL_PINGS 8
struct WzpControl {
  WzpRecords records;
  WzpOutbox outbox;
  WzpInbox inbox;

  bool ack_due, ping_due, pong_due;
  uint32_t ping_token; /* of the last ping */
  uint32_t pong_token;
  WzpTime ping_sent[WZP_CONTROL_PINGS]; /* by token mod 8; WZP_NEVER: answered or never sent */
  WzpTime round_trip;

  unsigned closes_left;
  WzpCloseReason close_reason;
  bool has_challenge, has_answer; /* in the last record */
  uint8_t challenge[WZP_CHALLENGE_SIZE], answer[WZP_CHALLENGE_SIZE];
  bool peer_closed, peer_close_taken;
  WzpCloseReason peer_reason;

  uint8_t *first_record;
  size_t first_record_length;
  bool first_record_over;

  WzpTime last_heard, last_sent;
  unsigned records_received;
  uint64_t drops[WZP_N_RESULTS];
};
