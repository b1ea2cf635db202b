/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "control-private.h"
#include <sodium.h>

#define CLOSE_REPEATS 3

void
wzp_control_config_from_keys(WzpControlConfig *config, const WzpHandshakeKeys *keys, bool initiator)
{
  *config = (WzpControlConfig){
      .first_send_number = initiator ? 1 : 0,
      .first_receive_number = initiator ? 0 : 1,
  };
  memcpy(config->send_key, initiator ? keys->app_i2r : keys->app_r2i, 32);
  memcpy(config->receive_key, initiator ? keys->app_r2i : keys->app_i2r, 32);
  memcpy(config->send_cid, initiator ? keys->cid_r : keys->cid_i, WZP_CID_SIZE);
  memcpy(config->receive_cid, initiator ? keys->cid_i : keys->cid_r, WZP_CID_SIZE);
}

WzpControl *
wzp_control_new(const WzpControlConfig *config, WzpTime now)
{
  WzpControl *control = g_new0(WzpControl, 1);
  wzp_records_init(&control->records, config);
  wzp_outbox_init(&control->outbox, config->first_send_number);
  control->outbox.resend_every = config->resend_every;
  wzp_inbox_init(&control->inbox, config->first_receive_number);
  /* What came before the first number came in HS3: its sender waits to hear that it did. */
  control->ack_due = config->first_receive_number != 0;
  for (unsigned i = 0; i < WZP_CONTROL_PINGS; i++)
    control->ping_sent[i] = WZP_NEVER;
  control->round_trip = -1;
  control->last_heard = control->last_sent = now;
  return control;
}

void
wzp_control_free(WzpControl *control)
{
  if (!control)
    return;
  wzp_outbox_clear(&control->outbox);
  wzp_inbox_clear(&control->inbox);
  g_free(control->first_record);
  sodium_memzero(control, sizeof *control);
  g_free(control);
}

WzpResult
wzp_control_send(WzpControl *control, const void *message, size_t length)
{
  if (control->records.send_counter >= WZP_RECORD_COUNTER_END - WZP_RECORD_COUNTER_RESERVE)
    return WZP_NOT_CONNECTED;
  return wzp_outbox_add(&control->outbox, message, length);
}

void
wzp_control_rekey(WzpControl *control, const uint8_t send_key[32], const uint8_t receive_key[32],
                  bool send)
{
  wzp_records_rekey(&control->records, send_key, receive_key, send);
}

uint32_t
wzp_control_send_generation(const WzpControl *control)
{
  return control->records.send_generation;
}

uint32_t
wzp_control_heard_generation(const WzpControl *control)
{
  return control->records.heard_generation;
}

bool
wzp_control_holds_previous(const WzpControl *control)
{
  return control->records.previous.held;
}

void
wzp_control_drop_previous(WzpControl *control)
{
  wzp_records_drop_previous(&control->records);
}

void
wzp_control_ping(WzpControl *control)
{
  control->ping_due = true;
}

void
wzp_control_set_rate(WzpControl *control, unsigned rate)
{
  control->outbox.rate = rate;
}

void
wzp_control_close(WzpControl *control, WzpCloseReason reason)
{
  control->closes_left = CLOSE_REPEATS;
  control->close_reason = reason;
}

/* --- in --- */

static void
take_pong(WzpControl *control, WzpTime now, uint32_t token)
{
  WzpTime *sent = &control->ping_sent[token % WZP_CONTROL_PINGS];
  if (control->ping_token - token >= WZP_CONTROL_PINGS || *sent == WZP_NEVER)
    return; /* not one of the last eight, or answered already */
  WzpTime sample = now - *sent;
  *sent = WZP_NEVER;
  control->round_trip = control->round_trip < 0 ? sample : (7 * control->round_trip + sample) / 8;
  control->outbox.round_trip = control->round_trip;
}

static WzpResult
take_message(WzpControl *control, WzpReader *r)
{
  uint16_t number = wzp_reader_u16(r);
  uint8_t fragment = wzp_reader_u8(r);
  uint8_t fragments = wzp_reader_u8(r);
  uint16_t length = wzp_reader_u16(r);
  const uint8_t *data = wzp_reader_bytes(r, length);
  if (!data)
    return WZP_TRUNCATED;
  /* Also for one that is known: its acknowledgement may be what got lost. */
  control->ack_due = true;
  return wzp_inbox_add(&control->inbox, number, fragment, fragments, data, length);
}

static WzpResult
take_ack(WzpControl *control, WzpTime now, WzpReader *r)
{
  uint16_t next = wzp_reader_u16(r);
  uint32_t bitmap = wzp_reader_u32(r);
  return r->failed ? WZP_TRUNCATED : wzp_outbox_acknowledge(&control->outbox, now, next, bitmap);
}

static WzpResult
take_eight(WzpReader *r, bool *has, uint8_t bytes[WZP_CHALLENGE_SIZE])
{
  *has = wzp_reader_copy(r, bytes, WZP_CHALLENGE_SIZE);
  return *has ? WZP_OK : WZP_TRUNCATED;
}

/* One frame's body. Sets *last when nothing behind it can be read. */
static WzpResult
take_frame(WzpControl *control, WzpTime now, uint8_t type, WzpReader *r, bool *last)
{
  uint32_t token;
  uint8_t reason;
  *last = false;
  switch (type) {
  case WZP_FRAME_PADDING:
    *last = true;
    return WZP_OK;
  case WZP_FRAME_ACK:
    return take_ack(control, now, r);
  case WZP_FRAME_MESSAGE:
    return take_message(control, r);
  case WZP_FRAME_PING:
    token = wzp_reader_u32(r);
    if (r->failed)
      return WZP_TRUNCATED;
    control->pong_due = true;
    control->pong_token = token;
    return WZP_OK;
  case WZP_FRAME_PONG:
    token = wzp_reader_u32(r);
    if (r->failed)
      return WZP_TRUNCATED;
    take_pong(control, now, token);
    return WZP_OK;
  case WZP_FRAME_CHALLENGE:
    return take_eight(r, &control->has_challenge, control->challenge);
  case WZP_FRAME_ANSWER:
    return take_eight(r, &control->has_answer, control->answer);
  case WZP_FRAME_CLOSE:
    reason = wzp_reader_u8(r);
    if (r->failed)
      return WZP_TRUNCATED;
    if (!control->peer_closed) {
      control->peer_closed = true;
      control->peer_reason = reason <= WZP_CLOSE_ERROR ? (WzpCloseReason)reason : WZP_CLOSE_ERROR;
    }
    return WZP_OK;
  default:
    *last = true;
    return WZP_UNKNOWN_KIND;
  }
}

WzpResult
wzp_control_receive(WzpControl *control, WzpTime now, const uint8_t *data, size_t length)
{
  uint8_t plain[WZP_DATAGRAM_MAX];
  size_t plain_length;
  WzpResult result = wzp_records_open(&control->records, data, length, plain, &plain_length);
  if (result != WZP_OK)
    return result;
  control->last_heard = now;
  control->records_received++;
  control->has_challenge = control->has_answer = false;
  wzp_control_drop_first(control); /* the peer got it, or will take any other as well */

  WzpReader r;
  wzp_reader_init(&r, plain, plain_length);
  bool last = false;
  while (!last && wzp_reader_left(&r) > 0) {
    result = take_frame(control, now, wzp_reader_u8(&r), &r, &last);
    if (result != WZP_OK)
      control->drops[result]++;
  }
  sodium_memzero(plain, sizeof plain);
  return WZP_OK;
}

static bool
take_once(bool *has, const uint8_t from[WZP_CHALLENGE_SIZE], uint8_t to[WZP_CHALLENGE_SIZE])
{
  bool had = *has;
  *has = false;
  if (had)
    memcpy(to, from, WZP_CHALLENGE_SIZE);
  return had;
}

bool
wzp_control_take_challenge(WzpControl *control, uint8_t challenge[WZP_CHALLENGE_SIZE])
{
  return take_once(&control->has_challenge, control->challenge, challenge);
}

bool
wzp_control_take_answer(WzpControl *control, uint8_t challenge[WZP_CHALLENGE_SIZE])
{
  return take_once(&control->has_answer, control->answer, challenge);
}

bool
wzp_control_was_newest(const WzpControl *control)
{
  return control->records.newest;
}

GBytes *
wzp_control_next_message(WzpControl *control)
{
  return wzp_inbox_take(&control->inbox);
}

/* The close that the peer sent is told once; its repetitions are the same one. */
bool
wzp_control_take_close(WzpControl *control, WzpCloseReason *reason)
{
  if (!control->peer_closed || control->peer_close_taken)
    return false;
  control->peer_close_taken = true;
  *reason = control->peer_reason;
  return true;
}

/* --- out --- */

static void
write_ack(WzpControl *control, WzpWriter *w)
{
  wzp_writer_u8(w, WZP_FRAME_ACK);
  wzp_writer_u16(w, control->inbox.next);
  wzp_writer_u32(w, wzp_inbox_bitmap(&control->inbox));
  control->ack_due = false;
}

static void
write_ping(WzpControl *control, WzpTime now, WzpWriter *w)
{
  control->ping_token++;
  control->ping_sent[control->ping_token % WZP_CONTROL_PINGS] = now;
  control->ping_due = false;
  wzp_writer_u8(w, WZP_FRAME_PING);
  wzp_writer_u32(w, control->ping_token);
}

/* The frames that are due, in the order in which the peer has to see them. */
static size_t
write_frames(WzpControl *control, WzpTime now, uint8_t *plain)
{
  WzpWriter w;
  bool closing = control->closes_left > 0, pinging = control->ping_due;
  wzp_writer_init(&w, plain, WZP_RECORD_PLAIN_MAX - 2); /* room for the close */
  if (control->ack_due)
    write_ack(control, &w);
  if (control->pong_due) {
    wzp_writer_u8(&w, WZP_FRAME_PONG);
    wzp_writer_u32(&w, control->pong_token);
    control->pong_due = false;
  }
  if (pinging)
    write_ping(control, now, &w);
  wzp_outbox_write(&control->outbox, now, closing, &w);
  w.capacity = WZP_RECORD_PLAIN_MAX;
  if (closing) { /* behind the message that says why */
    wzp_writer_u8(&w, WZP_FRAME_CLOSE);
    wzp_writer_u8(&w, (uint8_t)control->close_reason);
    control->closes_left--;
  }
  if (pinging && w.length < WZP_RECORD_PING_PLAIN)
    wzp_writer_zero(&w, WZP_RECORD_PING_PLAIN - w.length);
  g_assert(!w.failed);
  return w.length;
}

bool
wzp_control_poll(WzpControl *control, WzpTime now, uint8_t *out, size_t *length)
{
  if (control->records.send_counter >= WZP_RECORD_COUNTER_END)
    return false;
  size_t plain_length = write_frames(control, now, out + WZP_RECORD_HEADER_SIZE);
  if (plain_length == 0)
    return false;
  bool first = control->records.send_counter == 0;
  *length = wzp_records_seal(&control->records, out, plain_length);
  control->last_sent = now;
  if (first && !control->first_record_over) {
    control->first_record = g_memdup2(out, *length);
    control->first_record_length = *length;
  }
  return true;
}

bool
wzp_control_probe(WzpControl *control, WzpTime now, uint8_t *out, size_t *length)
{
  if (control->records.send_counter >= WZP_RECORD_COUNTER_END)
    return false;
  memset(out + WZP_RECORD_HEADER_SIZE, WZP_FRAME_PADDING, WZP_RECORD_PING_PLAIN);
  *length = wzp_records_seal(&control->records, out, WZP_RECORD_PING_PLAIN);
  control->last_sent = now;
  return true;
}

static bool
seal_eight(WzpControl *control, WzpTime now, uint8_t type, const uint8_t bytes[WZP_CHALLENGE_SIZE],
           uint8_t *out, size_t *length)
{
  if (control->records.send_counter >= WZP_RECORD_COUNTER_END)
    return false;
  out[WZP_RECORD_HEADER_SIZE] = type;
  memcpy(out + WZP_RECORD_HEADER_SIZE + 1, bytes, WZP_CHALLENGE_SIZE);
  *length = wzp_records_seal(&control->records, out, 1 + WZP_CHALLENGE_SIZE);
  control->last_sent = now;
  return true;
}

bool
wzp_control_challenge(WzpControl *control, WzpTime now, const uint8_t challenge[WZP_CHALLENGE_SIZE],
                      uint8_t *out, size_t *length)
{
  return seal_eight(control, now, WZP_FRAME_CHALLENGE, challenge, out, length);
}

bool
wzp_control_answer(WzpControl *control, WzpTime now, const uint8_t challenge[WZP_CHALLENGE_SIZE],
                   uint8_t *out, size_t *length)
{
  return seal_eight(control, now, WZP_FRAME_ANSWER, challenge, out, length);
}

WzpTime
wzp_control_next_timeout(const WzpControl *control)
{
  if (control->records.send_counter >= WZP_RECORD_COUNTER_END)
    return WZP_NEVER;
  if (control->ack_due || control->pong_due || control->ping_due || control->closes_left > 0)
    return 0;
  return wzp_outbox_next_timeout(&control->outbox);
}

const uint8_t *
wzp_control_first_record(const WzpControl *control, size_t *length)
{
  *length = control->first_record_length;
  return control->first_record;
}

void
wzp_control_drop_first(WzpControl *control)
{
  g_clear_pointer(&control->first_record, g_free);
  control->first_record_length = 0;
  control->first_record_over = true;
}

WzpTime
wzp_control_last_heard(const WzpControl *control)
{
  return control->last_heard;
}

WzpTime
wzp_control_last_sent(const WzpControl *control)
{
  return control->last_sent;
}

unsigned
wzp_control_records_received(const WzpControl *control)
{
  return control->records_received;
}

WzpTime
wzp_control_round_trip(const WzpControl *control)
{
  return control->round_trip;
}

WzpTime
wzp_control_waiting_since(const WzpControl *control)
{
  return wzp_outbox_waiting_since(&control->outbox);
}

size_t
wzp_control_queued_bytes(const WzpControl *control)
{
  return control->outbox.bytes;
}

uint64_t
wzp_control_dropped(const WzpControl *control, WzpResult reason)
{
  return control->drops[reason];
}
