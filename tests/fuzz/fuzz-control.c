/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/control-private.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
  (void)argc;
  (void)argv;
  wzp_init();
  return 0;
}

static void
check_bounds(const WzpControl *control)
{
  g_assert_cmpuint(control->inbox.bytes, <=, WZP_CONTROL_QUEUE_MAX + WZP_CONTROL_MESSAGE_MAX);
  g_assert_cmpuint(control->outbox.bytes, <=, WZP_CONTROL_QUEUE_MAX);
  g_assert_cmpuint(control->outbox.in_flight, <=, 16);
}

static void
take_messages(WzpControl *control)
{
  for (GBytes *message; (message = wzp_control_next_message(control));) {
    g_assert_cmpuint(g_bytes_get_size(message), <=, WZP_CONTROL_MESSAGE_MAX);
    g_bytes_unref(message);
  }
}

static void
poll_all(WzpControl *control, WzpTime now)
{
  uint8_t out[WZP_DATAGRAM_MAX];
  size_t length;
  /* at most 16 fragments, three closes, one ack, pong and ping */
  for (unsigned records = 0; wzp_control_poll(control, now, out, &length); records++) {
    g_assert_cmpuint(records, <, 32);
    g_assert_cmpuint(length, <=, 1200);
  }
  g_assert_cmpint(wzp_control_next_timeout(control), >, now);
}

/* A run of steps: op(1) | n(1) | n bytes. A peer that holds the key sends any frames, strangers send
 * any bytes, the owner sends, polls, closes and takes messages out, or does not. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  WzpControlConfig config = {.first_send_number = 65530, .first_receive_number = 65530};
  WzpRecords peer;
  WzpReader r;
  WzpTime now = 0;
  WzpCloseReason reason;
  uint8_t record[WZP_DATAGRAM_MAX];
  WzpControl *control = wzp_control_new(&config, now);
  wzp_records_init(&peer, &config);
  wzp_reader_init(&r, data, size);
  while (wzp_reader_left(&r) >= 2) {
    uint8_t op = wzp_reader_u8(&r), n = wzp_reader_u8(&r);
    size_t length = MIN(n, wzp_reader_left(&r));
    const uint8_t *bytes = wzp_reader_bytes(&r, length);
    switch (op % 8) {
    case 0: /* more likely than the others: frames of the peer */
    case 1:
    case 2:
      memcpy(record + WZP_RECORD_HEADER_SIZE, bytes, length);
      length = wzp_records_seal(&peer, record, length);
      g_assert_cmpint(wzp_control_receive(control, now, record, length), ==, WZP_OK);
      g_assert_cmpint(wzp_control_receive(control, now, record, length), ==, WZP_REPLAYED);
      break;
    case 3:
      g_assert_cmpint(wzp_control_receive(control, now, bytes, length), !=, WZP_OK);
      break;
    case 4:
      wzp_control_send(control, bytes, length);
      break;
    case 5:
      now += n * WZP_MSEC;
      poll_all(control, now);
      break;
    case 6:
      take_messages(control);
      wzp_control_take_close(control, &reason);
      break;
    default:
      if (n % 4 == 0)
        wzp_control_close(control, WZP_CLOSE_LEAVE);
      else
        wzp_control_ping(control);
    }
    check_bounds(control);
  }
  poll_all(control, now);
  take_messages(control);
  wzp_control_free(control);
  return 0;
}
