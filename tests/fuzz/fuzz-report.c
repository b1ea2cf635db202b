/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/channel.h"
#include "wzp/delivery.h"
#include <glib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A peer's reports in a row: each reads and is written the same, and what the sender makes of them is a channel and a delivery. The
 * first byte of each is how long after the one before it comes. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  WzpChannel *channel = wzp_channel_new();
  WzpDelivery delivery;
  WzpDeliveryLog log = {0};
  WzpTime now = 0;
  wzp_delivery_init(&delivery, 0);
  while (size > 0) {
    uint8_t pause = data[0], again[WZP_REPORT_SIZE];
    size_t length = MIN(size - 1, WZP_REPORT_SIZE);
    WzpReport report;
    WzpWriter writer;
    now += pause * 20 * WZP_MSEC;
    WzpResult result = wzp_report_parse(&report, data + 1, length);
    if (result == WZP_OK) {
      wzp_writer_init(&writer, again, sizeof again);
      wzp_report_write(&writer, &report);
      g_assert_cmpuint(writer.length, ==, WZP_REPORT_SIZE);
      size_t said = length < WZP_REPORT_SIZE ? WZP_REPORT_LEAST : length;
      g_assert_cmpmem(again, said, data + 1, said);
      result = wzp_channel_report(channel, now, &report, 20 * WZP_MSEC);
      g_assert_true(result == WZP_OK || result == WZP_REPLAYED);
      wzp_delivery_log_packet(&log, now, (uint64_t)(now / WZP_MSEC), true, 100 + pause);
      wzp_delivery_report(&delivery, now, &report, 1 + pause % 4, &log);
    } else {
      g_assert_true(result == (length < WZP_REPORT_LEAST ? WZP_TRUNCATED : WZP_MALFORMED));
    }
    WzpChannelState state = wzp_channel_state(channel, now);
    g_assert_true(state.loss >= 0 && state.loss <= 1);
    g_assert_true(state.memory >= 0 && state.memory < 1);
    g_assert_true(delivery.loss >= 0 && delivery.loss <= 1);
    g_assert_true(delivery.residual >= 0 && delivery.residual <= 1);
    g_assert_true(delivery.delivered >= 0 && delivery.backlog >= 0);
    data += 1 + length;
    size -= 1 + length;
  }
  wzp_channel_free(channel);
  return 0;
}
