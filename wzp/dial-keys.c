/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "dial-private.h"
#include "profile.h"
#include <sodium.h>
#include <string.h>

/* A call's keys over time, and what they seal. The channel's keys change by an exchange of fresh ephemerals, mixed
 * with the last exchange; then each side gives its stream a fresh base, through the new channel. Nothing waits for
 * that: until it is through, and when it never is, all goes on with the keys that are there. */

/* The caller begins. The callee only when that does not come. */
#define CALLEE_LATER (30 * WZP_SECOND)
#define OFFER_AGAIN (60 * WZP_SECOND)
#define ANSWER_EVERY (30 * WZP_SECOND)
#define OLD_LIFE (10 * WZP_SECOND)
#define EPOCH_AT_LEAST (4 * WZP_SECOND)

void
wzp_line_set_keys(WzpDial *dial, WzpTime now, WzpLine *line, const WzpHandshakeKeys *keys)
{
  uint8_t sid[32];
  wzp_sender_free(line->sender); /* of a handshake that was begun again */
  wzp_receiver_free(line->receiver);
  wzp_stream_id(sid, dial->config.identity->ed25519_public, keys->th4);
  line->sender = wzp_sender_new(sid, line->outgoing ? keys->media_i : keys->media_r, 0);
  wzp_stream_id(sid, keys->peer, keys->th4);
  line->receiver = wzp_receiver_new(sid);
  wzp_receiver_add_base(line->receiver, 0, line->outgoing ? keys->media_r : keys->media_i);
  memcpy(line->rekey, keys->rekey, sizeof line->rekey);
  line->serial = dial->n_media++;
  line->epoch_since = now;
  line->answered_at = now - ANSWER_EVERY;
  line->rekey_at = now + WZP_DIAL_REKEY_EVERY + (line->outgoing ? 0 : CALLEE_LATER);
}

/* --- The channel's next keys --- */

static void
expand(uint8_t key[32], const uint8_t prk[32], const char *label, uint32_t generation)
{
  uint8_t info[32];
  WzpWriter writer;
  wzp_writer_init(&writer, info, sizeof info);
  wzp_writer_label(&writer, label);
  wzp_writer_u32(&writer, generation);
  wzp_hkdf_expand(key, 32, prk, info, writer.length);
}

bool
wzp_dial_next_keys(WzpDialKeys *keys, const uint8_t secret[32], const uint8_t theirs[32],
                   const uint8_t offer[32], const uint8_t answer[32], uint32_t generation)
{
  uint8_t ikm[96], prk[32];
  if (!wzp_x25519(ikm, secret, theirs))
    return false;
  memcpy(ikm + 32, offer, 32);
  memcpy(ikm + 64, answer, 32);
  wzp_hkdf_extract(prk, keys->rekey, sizeof keys->rekey, ikm, sizeof ikm);
  expand(keys->app_i2r, prk, "wz1 app i2r", generation);
  expand(keys->app_r2i, prk, "wz1 app r2i", generation);
  expand(keys->rekey, prk, "wz1 rekey", generation);
  sodium_memzero(ikm, sizeof ikm);
  sodium_memzero(prk, sizeof prk);
  return true;
}

/* offer, answer: the public keys. False: the other one's is no key. */
static bool
next_generation(WzpTime now, WzpLine *line, const uint8_t secret[32], const uint8_t theirs[32],
                const uint8_t offer[32], const uint8_t answer[32], bool send)
{
  WzpDialKeys keys;
  memcpy(keys.rekey, line->rekey, sizeof keys.rekey);
  bool good = wzp_dial_next_keys(&keys, secret, theirs, offer, answer, line->generation + 1);
  if (good) {
    line->generation++;
    memcpy(line->rekey, keys.rekey, sizeof line->rekey);
    wzp_control_rekey(line->control, line->outgoing ? keys.app_i2r : keys.app_r2i,
                      line->outgoing ? keys.app_r2i : keys.app_i2r, send);
    line->fresh_base_due = true;
    line->sealed = 0;
    line->rekey_at = now + WZP_DIAL_REKEY_EVERY + (line->outgoing ? 0 : CALLEE_LATER);
  }
  sodium_memzero(&keys, sizeof keys);
  return good;
}

static void
forget_offer(WzpLine *line)
{
  line->offered = false;
  line->offer_again_at = WZP_NEVER;
  sodium_memzero(line->offer_secret, sizeof line->offer_secret);
}

/* Both sides of the last change are through with it. */
static bool
is_settled(const WzpLine *line)
{
  return wzp_control_send_generation(line->control) == line->generation;
}

/* Only two generations are ever held. */
static bool
may_change(const WzpLine *line)
{
  return is_settled(line) && !wzp_control_holds_previous(line->control);
}

static void
say_key(WzpLine *line, WzpDialType type, uint32_t number, const uint8_t key[32])
{
  WzpDialMessage message = {.type = type, .number = number};
  memcpy(message.key, key, sizeof message.key);
  wzp_line_say(line, &message);
  sodium_memzero(&message, sizeof message);
}

static void
offer(WzpDial *dial, WzpTime now, WzpLine *line)
{
  if (!line->offered) {
    wzp_random_fill(&dial->config.random, line->offer_secret, sizeof line->offer_secret);
    wzp_x25519_base(line->offer_public, line->offer_secret);
    line->offered = true;
  }
  line->offer_again_at = now + OFFER_AGAIN;
  say_key(line, WZP_DIAL_REKEY, line->generation + 1, line->offer_public);
}

static WzpResult
take_offer(WzpDial *dial, WzpTime now, WzpLine *line, const WzpDialMessage *message)
{
  uint8_t secret[32], public_key[32];
  if (message->number != line->generation + 1 || !may_change(line))
    return WZP_UNEXPECTED;
  if (line->offered && line->outgoing) /* both offer: the caller's stands */
    return WZP_UNEXPECTED;
  if (now - line->answered_at < ANSWER_EVERY)
    return WZP_RATE_LIMITED;
  wzp_random_fill(&dial->config.random, secret, sizeof secret);
  wzp_x25519_base(public_key, secret);
  bool good = next_generation(now, line, secret, message->key, message->key, public_key, false);
  sodium_memzero(secret, sizeof secret);
  if (!good)
    return WZP_WEAK_KEY;
  forget_offer(line);
  line->answered_at = now;
  say_key(line, WZP_DIAL_REKEY_ACK, line->generation, public_key);
  return WZP_OK;
}

/* --- A fresh base for our stream --- */

static void
send_base(WzpDial *dial, WzpLine *line)
{
  uint8_t base[32];
  line->fresh_base_due = false;
  line->base_acknowledged = false;
  wzp_random_fill(&dial->config.random, base, sizeof base);
  wzp_sender_set_pending(line->sender, base);
  say_key(line, WZP_DIAL_KEY, wzp_sender_epoch(line->sender) + 1, base);
  sodium_memzero(base, sizeof base);
}

/* An epoch lasts so long at least that no two that packets can be of look alike. */
static WzpTime
switch_at(const WzpLine *line)
{
  return line->base_acknowledged && wzp_sender_has_pending(line->sender)
             ? line->epoch_since + EPOCH_AT_LEAST
             : WZP_NEVER;
}

/* Not while the one before is still pending: a base that was sent is not replaced. */
static bool
may_send_base(const WzpLine *line)
{
  return line->fresh_base_due && is_settled(line) && !wzp_sender_has_pending(line->sender);
}

static WzpResult
take_answer(WzpTime now, WzpLine *line, const WzpDialMessage *message)
{
  if (!line->offered || message->number != line->generation + 1)
    return WZP_UNEXPECTED;
  if (!next_generation(now, line, line->offer_secret, message->key, line->offer_public,
                       message->key, true))
    return WZP_WEAK_KEY;
  forget_offer(line);
  line->drop_at = now + OLD_LIFE;
  return WZP_OK;
}

WzpResult
wzp_line_rekey_message(WzpDial *dial, WzpTime now, WzpLine *line, const WzpDialMessage *message)
{
  WzpResult result;
  switch (message->type) {
  case WZP_DIAL_REKEY:
    result = take_offer(dial, now, line, message);
    break;
  case WZP_DIAL_REKEY_ACK:
    result = take_answer(now, line, message);
    break;
  case WZP_DIAL_KEY:
    result = wzp_receiver_add_base(line->receiver, message->number, message->key);
    if (result == WZP_OK) {
      const WzpDialMessage answer = {.type = WZP_DIAL_KEYACK, .number = message->number};
      wzp_line_say(line, &answer);
    }
    break;
  case WZP_DIAL_KEYACK:
    if (!wzp_sender_has_pending(line->sender) ||
        message->number != wzp_sender_epoch(line->sender) + 1)
      return WZP_UNEXPECTED;
    line->base_acknowledged = true;
    result = WZP_OK;
    break;
  default:
    return WZP_UNKNOWN_KIND;
  }
  wzp_line_keys_timeout(dial, now, line);
  return result;
}

/* --- Time --- */

void
wzp_line_heard(WzpTime now, WzpLine *line)
{
  /* it answers under the new keys: what we answered before can go */
  if (line->generation > 0 && line->drop_at == WZP_NEVER &&
      wzp_control_heard_generation(line->control) == line->generation &&
      wzp_control_holds_previous(line->control))
    line->drop_at = now + OLD_LIFE;
}

static WzpTime
offer_at(const WzpLine *line)
{
  if (line->state != WZP_LINE_TALKING || !may_change(line))
    return WZP_NEVER;
  if (line->offered)
    return line->offer_again_at;
  return line->sealed >= WZP_DIAL_REKEY_PACKETS ? MIN(line->rekey_at, 0) : line->rekey_at;
}

void
wzp_line_keys_timeout(WzpDial *dial, WzpTime now, WzpLine *line)
{
  if (line->state == WZP_LINE_OVER)
    return;
  if (now >= line->drop_at) {
    line->drop_at = WZP_NEVER;
    wzp_control_drop_previous(line->control);
  }
  if (now >= offer_at(line))
    offer(dial, now, line);
  if (now >= switch_at(line)) {
    wzp_sender_switch(line->sender);
    line->base_acknowledged = false;
    line->epoch_since = now;
  }
  if (may_send_base(line))
    send_base(dial, line);
}

WzpTime
wzp_line_keys_next_timeout(const WzpLine *line)
{
  WzpTime next = MIN(line->drop_at, offer_at(line));
  next = MIN(next, switch_at(line));
  return may_send_base(line) ? 0 : next;
}

/* --- Media --- */

static bool
may_speak(const WzpLine *line, WzpTime now, uint8_t code)
{
  bool alone = line->alone_since != WZP_NEVER; /* else both are there, or about to be */
  bool reaches = !alone || (line->path != NULL && wzp_path_reaches(line->path, now));
  return line->state == WZP_LINE_TALKING && reaches && !line->held && !line->remote_held &&
         (!line->muted || code == WZP_CODE_NO_AUDIO);
}

void
wzp_dial_leave_out(WzpDial *dial, unsigned packets)
{
  if (dial->on != NULL && dial->on->sender != NULL)
    wzp_sender_leave_out(dial->on->sender, packets);
}

WzpResult
wzp_dial_seal(WzpDial *dial, WzpTime now, const WzpSealRequest *request, bool gap,
              unsigned header_repeat, const void *plain, size_t length, uint8_t *out,
              size_t capacity, size_t *out_length, WzpHeader *header)
{
  WzpLine *line = dial->on;
  WzpSealRequest whole = *request;
  if (line == NULL)
    return WZP_NOT_CONNECTED;
  if (!may_speak(line, now, request->code))
    return WZP_NO_RECEIVER;
  whole.slot = wzp_line_slot(line->outgoing);
  line->headers.repeat = header_repeat;
  whole.full = wzp_header_policy_full(&line->headers, request->code,
                                      wzp_sender_next_epoch(line->sender), request->timestamp, gap);
  uint32_t epoch = wzp_sender_epoch(line->sender);
  WzpResult result =
      wzp_sender_seal(line->sender, &whole, plain, length, out, capacity, out_length, header);
  if (result != WZP_OK)
    return result;
  line->sealed++;
  if (wzp_sender_epoch(line->sender) != epoch) { /* it wrapped */
    line->epoch_since = now;
    line->base_acknowledged = false;
  }
  return WZP_OK;
}

WzpResult
wzp_dial_open(WzpDial *dial, WzpTime now, const uint8_t *packet, size_t length, uint8_t *out,
              size_t *out_length, WzpOpened *opened)
{
  WzpLine *line = dial->on;
  WzpHeader header;
  size_t header_length;
  WzpResult result = wzp_header_parse(&header, packet, length, &header_length);
  if (result != WZP_OK)
    return result;
  if (line == NULL || line->state != WZP_LINE_TALKING)
    return WZP_NOT_CONNECTED;
  if (header.slot != wzp_line_slot(!line->outgoing))
    return WZP_UNKNOWN_SENDER;
  if (line->held) /* what came on its way while we put it on hold */
    return WZP_NO_RECEIVER;
  result = wzp_receiver_open(line->receiver, now, packet, length, out, out_length, opened);
  if (result != WZP_OK)
    return result;
  line->media_heard = now;
  /* Packet numbers and media time start again with each call: both are to lie far from those of the call before,
   * so that playout sees the break and not late packets. */
  opened->index |= (uint64_t)line->serial << 32;
  opened->media_ms += line->serial % 2 != 0 ? UINT64_C(1) << 32 : 0;
  return WZP_OK;
}
