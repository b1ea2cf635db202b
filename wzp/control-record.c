/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "control-private.h"
#include <sodium.h>

#define KIND 0x44
#define GENERATION_SHIFT 28
#define GENERATIONS 16 /* that the wire tells apart */
#define WINDOW 64

void
wzp_records_init(WzpRecords *records, const WzpControlConfig *config)
{
  memcpy(records->send_key, config->send_key, sizeof records->send_key);
  memcpy(records->send_cid, config->send_cid, WZP_CID_SIZE);
  memcpy(records->receive_cid, config->receive_cid, WZP_CID_SIZE);
  records->send_generation = records->heard_generation = 0;
  records->has_next = records->previous.held = false;
  records->send_counter = 0;
  records->receive = (WzpRecordKey){.held = true};
  memcpy(records->receive.key, config->receive_key, sizeof records->receive.key);
  wzp_window_init(&records->receive.window, WINDOW);
}

/* --- generations --- */

static void
send_with_next(WzpRecords *records)
{
  memcpy(records->send_key, records->next_send_key, sizeof records->send_key);
  sodium_memzero(records->next_send_key, sizeof records->next_send_key);
  records->has_next = false;
  records->send_generation++;
  records->send_counter = 0;
}

void
wzp_records_rekey(WzpRecords *records, const uint8_t send_key[32], const uint8_t receive_key[32],
                  bool send)
{
  g_assert(!records->has_next);
  records->previous = records->receive;
  records->receive.generation++;
  memcpy(records->receive.key, receive_key, sizeof records->receive.key);
  wzp_window_init(&records->receive.window, WINDOW);
  memcpy(records->next_send_key, send_key, sizeof records->next_send_key);
  records->has_next = true;
  if (send)
    send_with_next(records);
}

void
wzp_records_drop_previous(WzpRecords *records)
{
  sodium_memzero(&records->previous, sizeof records->previous);
}

/* The generation of which a record can be, by its low four bits. */
static WzpRecordKey *
key_of(WzpRecords *records, uint32_t low)
{
  if (records->receive.generation % GENERATIONS == low)
    return &records->receive;
  if (records->previous.held && records->previous.generation % GENERATIONS == low)
    return &records->previous;
  return NULL;
}

/* 0^8 | ctr, ctr as it stands in the header. */
static void
make_nonce(uint8_t nonce[WZP_NONCE_SIZE], const uint8_t *header)
{
  memset(nonce, 0, 8);
  memcpy(nonce + 8, header + 1 + WZP_CID_SIZE, 4);
}

size_t
wzp_records_seal(WzpRecords *records, uint8_t *out, size_t plain_length)
{
  uint8_t nonce[WZP_NONCE_SIZE];
  /* A counter used twice would be a nonce used twice: never go on. */
  if (records->send_counter >= WZP_RECORD_COUNTER_END)
    g_error("control record sealed after the counter's end");
  WzpWriter w;
  wzp_writer_init(&w, out, WZP_RECORD_HEADER_SIZE);
  wzp_writer_u8(&w, KIND);
  wzp_writer_bytes(&w, records->send_cid, WZP_CID_SIZE);
  wzp_writer_u32(&w, records->send_generation % GENERATIONS << GENERATION_SHIFT |
                         records->send_counter++);
  make_nonce(nonce, out);
  wzp_aead_seal(out + WZP_RECORD_HEADER_SIZE, records->send_key, nonce, out, WZP_RECORD_HEADER_SIZE,
                out + WZP_RECORD_HEADER_SIZE, plain_length);
  return WZP_CONTROL_OVERHEAD + plain_length;
}

WzpResult
wzp_records_open(WzpRecords *records, const uint8_t *data, size_t length, uint8_t *plain,
                 size_t *plain_length)
{
  WzpReader r;
  wzp_reader_init(&r, data, length);
  uint8_t kind = wzp_reader_u8(&r);
  const uint8_t *cid = wzp_reader_bytes(&r, WZP_CID_SIZE);
  uint32_t ctr = wzp_reader_u32(&r);
  if (length < WZP_CONTROL_OVERHEAD)
    return WZP_TRUNCATED;
  if (length > WZP_DATAGRAM_MAX)
    return WZP_TOO_LONG;
  if (kind != KIND)
    return WZP_UNKNOWN_KIND;
  if (memcmp(cid, records->receive_cid, WZP_CID_SIZE) != 0)
    return WZP_UNKNOWN_SESSION;
  WzpRecordKey *key = key_of(records, ctr >> GENERATION_SHIFT);
  if (key == NULL)
    return WZP_NO_KEY;
  WzpResult fresh = wzp_window_admit(&key->window, ctr);
  if (fresh != WZP_OK)
    return fresh;
  uint8_t nonce[WZP_NONCE_SIZE];
  make_nonce(nonce, data);
  if (!wzp_aead_open(plain, key->key, nonce, data, WZP_RECORD_HEADER_SIZE,
                     data + WZP_RECORD_HEADER_SIZE, length - WZP_RECORD_HEADER_SIZE))
    return WZP_BAD_TAG;
  records->newest = key == &records->receive && ctr >= key->window.next;
  wzp_window_mark(&key->window, ctr);
  if (key->generation > records->heard_generation) {
    records->heard_generation = key->generation;
    if (records->has_next)
      send_with_next(records);
  }
  *plain_length = length - WZP_CONTROL_OVERHEAD;
  return WZP_OK;
}
