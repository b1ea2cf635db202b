/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/bytes.h"
#include "wzp/fec-receiver.h"
#include <glib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint64_t index_steps[] = {1, 0, 2, 5, 70, UINT64_MAX, UINT64_C(1) << 32, 40};
static const uint64_t media_steps[] = {20, 40, 60, 0, 7, 5000, UINT64_C(1) << 33, UINT64_MAX - 39};

static void
take_frames(WzpFecReceiver *receiver, const uint8_t *bundle, size_t length)
{
  WzpFecFrame frame;
  unsigned sum = 0, n = 0;
  while (wzp_fec_receiver_next(receiver, &frame)) {
    g_assert_cmpuint(frame.length, >=, 1);
    g_assert_cmpuint(frame.number, <, UINT64_C(1) << 62);
    g_assert_nonnull(wzp_framing_from_code(frame.code));
    if (!frame.recovered)
      g_assert_true(frame.data >= bundle && frame.data + frame.length <= bundle + length);
    for (size_t i = 0; i < frame.length; i++)
      sum += frame.data[i];
    g_assert_cmpuint(++n, <=, 200); /* what one packet can bring: it ends */
  }
  g_assert_cmpuint(sum, <=, 255 * 480 * 200u);
}

/* A sequence of packets: how(1) | code(1) | length(2) | bundle. The steps of index and media time come from `how`. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  WzpFecReceiver *receiver = wzp_fec_receiver_new();
  WzpFecPacketInfo info = {.index = 100, .media_ms = 10000};
  WzpFecReceiverStats stats;
  WzpReport report;
  WzpReader reader;
  WzpTime now = 0;
  uint64_t packets = 0;

  wzp_reader_init(&reader, data, size);
  while (wzp_reader_left(&reader) >= 4) {
    uint8_t how = wzp_reader_u8(&reader), code = wzp_reader_u8(&reader);
    size_t length = wzp_reader_u16(&reader);
    length = MIN(length, wzp_reader_left(&reader));
    const uint8_t *bundle = wzp_reader_bytes(&reader, length);
    info.index += index_steps[how & 7];
    info.media_ms += media_steps[how >> 3 & 7];
    info.code = code & 31;
    info.has_media_ms = (how & 64) == 0;
    info.talk_start = (how & 128) != 0;
    now += (code >> 5) * 10 * WZP_MSEC;
    wzp_fec_receiver_push(receiver, now, &info, bundle, length);
    packets++;
    take_frames(receiver, bundle, length);
    while (wzp_fec_receiver_peer_report(receiver, &report))
      g_assert(report.slot <= WZP_SLOT_MAX);
    wzp_fec_receiver_report(receiver, now, 1, now, &report);
    uint64_t until;
    wzp_fec_receiver_horizon(receiver, info.index, &until);
    wzp_fec_receiver_get_stats(receiver, &stats);
    g_assert_cmpuint(stats.packets, ==, packets);
    g_assert_cmpuint(stats.pending, <=, 128);
  }
  wzp_fec_receiver_free(receiver);
  return 0;
}
