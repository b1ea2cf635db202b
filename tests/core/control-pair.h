/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "test-util.h"
#include "wzp/control-private.h"

/* Two ends of a control channel, and a third hand that holds a's keys. */
typedef struct {
  WzpControlConfig config_a, config_b;
  WzpControl *a, *b; /* initiator, responder */
  WzpRecords peer;   /* seals to b whatever a test wants, in a's name */
} ControlPair;

static inline void
control_pair_init_from(ControlPair *pair, uint16_t number_a, uint16_t number_b)
{
  memset(pair, 0, sizeof *pair);
  WzpControlConfig *a = &pair->config_a, *b = &pair->config_b;
  memset(a->send_key, 1, 32);
  memset(a->receive_key, 2, 32);
  memset(a->send_cid, 3, WZP_CID_SIZE);
  memset(a->receive_cid, 4, WZP_CID_SIZE);
  a->first_send_number = number_a;
  a->first_receive_number = number_b;
  memcpy(b->send_key, a->receive_key, 32);
  memcpy(b->receive_key, a->send_key, 32);
  memcpy(b->send_cid, a->receive_cid, WZP_CID_SIZE);
  memcpy(b->receive_cid, a->send_cid, WZP_CID_SIZE);
  b->first_send_number = number_b;
  b->first_receive_number = number_a;
  pair->a = wzp_control_new(a, 0);
  pair->b = wzp_control_new(b, 0);
  wzp_records_init(&pair->peer, a);
}

static inline void
control_pair_init(ControlPair *pair)
{
  control_pair_init_from(pair, 1, 0);
}

static inline void
control_pair_clear(ControlPair *pair)
{
  wzp_control_free(pair->a);
  wzp_control_free(pair->b);
}

/* All that from has to say now reaches to. */
static inline void
control_pair_pass(ControlPair *pair, WzpControl *from, WzpControl *to, WzpTime now)
{
  uint8_t record[WZP_DATAGRAM_MAX];
  size_t length;
  g_assert_true(from == pair->a || from == pair->b);
  while (wzp_control_poll(from, now, record, &length))
    g_assert_cmpint(wzp_control_receive(to, now, record, length), ==, WZP_OK);
}

/* A record of these plaintext bytes reaches b. */
static inline void
control_pair_inject(ControlPair *pair, const void *frames, size_t length)
{
  uint8_t record[WZP_DATAGRAM_MAX];
  memcpy(record + WZP_RECORD_HEADER_SIZE, frames, length);
  length = wzp_records_seal(&pair->peer, record, length);
  g_assert_cmpint(wzp_control_receive(pair->b, 0, record, length), ==, WZP_OK);
}

static inline void
control_pair_assert_message(WzpControl *control, const void *expected, size_t length)
{
  GBytes *message = wzp_control_next_message(control);
  g_assert_nonnull(message);
  g_assert_cmpmem(g_bytes_get_data(message, NULL), g_bytes_get_size(message), expected, length);
  g_bytes_unref(message);
}
