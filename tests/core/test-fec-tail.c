/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Repair of the last frames of one length while frames of another follow. */
#include "fec-stream.h"
#include <stdlib.h>

#define DEADLINE                                                                                   \
  460 /* ms from when a frame was spoken: 360 behind its packet, which may have waited for two more */

typedef struct {
  uint64_t change_ms;
  unsigned symbols;
  uint64_t last_ms; /* of the packet that had the last of them */
} Tail;

/* Counts what repairs frames of another framing than the packet's, behind a change. */
static bool
count_tail(FecStream *stream, uint64_t index, const WzpFecPacket *packet)
{
  Tail *tail = stream->user;
  WzpBundleReader bundle;
  WzpElement part;
  WzpFecElement element;
  (void)index;
  wzp_bundle_reader_init(&bundle, packet->bundle, packet->length);
  while (tail->change_ms > 0 && wzp_bundle_reader_next(&bundle, &part)) {
    if (part.type != WZP_ELEMENT_REPAIR)
      continue;
    g_assert_cmpint(wzp_fec_element_parse(&element, part.data, part.length), ==, WZP_OK);
    if (!element.other_framing || packet->media_ms - element.distance >= tail->change_ms)
      continue;
    tail->symbols += element.n_symbols;
    tail->last_ms = packet->media_ms + wzp_framing_packet_ms(packet->code);
  }
  return false;
}

/* What repairs the frames before a change comes when it would have without one, and is as much. */
static void
test_pace(void)
{
  static const char *const names[] = {"opus-24k", "opus-8k", "codec2-1200"};
  for (unsigned from = 0; from < G_N_ELEMENTS(names); from++)
    for (unsigned to = 0; to < G_N_ELEMENTS(names); to++)
      for (unsigned packing = 0; packing < 4; packing++) {
        const WzpProfile *profile = wzp_profile_by_name(names[from]);
        WzpFecLimits limits = fec_stream_limits(WZP_FEC_SLIDING, 100, 1 + packing / 2);
        Tail tail = {0};
        FecStream stream;
        if (from == to)
          continue;
        limits.profile = profile;
        fec_stream_init(&stream, &limits);
        stream.lose = count_tail;
        stream.user = &tail;
        fec_stream_channel(&stream, 0.2, 0);
        fec_stream_talk(&stream, names[from], 0, 60);
        const WzpFecPlan plan = *wzp_fec_sender_plan(stream.sender);
        tail.change_ms = stream.media_ms;
        limits.profile = wzp_profile_by_name(names[to]);
        limits.frames_per_packet = 1 + packing % 2;
        wzp_fec_sender_set_limits(stream.sender, &limits);
        fec_stream_talk(&stream, names[to], 0, 60);

        unsigned reach = 0, packet_ms = plan.frames_per_packet * profile->frame_ms;
        for (unsigned i = 0; i < plan.n_programs; i++)
          reach = MAX(reach, plan.programs[i].offset + plan.programs[i].window);
        unsigned packets = (reach + plan.frames_per_packet - 1) / plan.frames_per_packet;
        unsigned planned = packets * plan.symbols_256 / 256, lasts = packets * packet_ms;
        unsigned later_ms = limits.profile->frame_ms * limits.frames_per_packet;
        uint64_t took = tail.last_ms - tail.change_ms;
        g_test_message("%s x%u to %s x%u: %u symbols of %u in %u ms of %u", names[from],
                       plan.frames_per_packet, names[to], limits.frames_per_packet, tail.symbols,
                       planned, (unsigned)took, lasts);
        g_assert_cmpuint(tail.symbols, >, 0);
        g_assert_cmpint(abs((int)tail.symbols - (int)planned), <=, 1);
        g_assert_cmpuint(took, >=, lasts);
        g_assert_cmpuint(took, <=, lasts + later_ms);
        fec_stream_clear(&stream);
      }
}

typedef struct {
  unsigned frames, lost;
} Lost;

static double
share(const Lost *lost)
{
  return lost->frames > 0 ? (double)lost->lost / lost->frames : 0;
}

/* Frames that were not there in time: those long before a change, and those just before and behind it, by the direction: to
 * shorter frames, to longer ones. */
static void
test_loss(gconstpointer data)
{
  static const char *const names[] = {"opus-24k", "opus-8k"};
  const double loss = GPOINTER_TO_UINT(data) / 100.0;
  const unsigned turns = 1000, turn_ms = 1600, near_ms = 240;
  Lost before[2] = {{0}}, near[2] = {{0}}, behind[2] = {{0}};
  FecStream stream;
  WzpFecLimits limits = fec_stream_limits(WZP_FEC_AUTO, WZP_FEC_OVERHEAD_AUTO, 0);
  limits.budget = 60000;
  limits.max_delay = 360 * WZP_MSEC;
  limits.profile = wzp_profile_by_name(names[0]);
  fec_stream_init(&stream, &limits);
  fec_stream_channel(&stream, loss, 0);
  stream.loss = loss;
  unsigned judged = 0;
  for (unsigned turn = 0; turn < turns; turn++) {
    const bool longer = turn % 2 == 1; /* than those before it */
    limits.profile = wzp_profile_by_name(names[longer]);
    wzp_fec_sender_set_limits(stream.sender, &limits);
    for (unsigned ms = 0; ms < turn_ms; ms += limits.profile->frame_ms) {
      fec_stream_talk(&stream, names[longer], 0, 1);
      for (; judged < stream.sent->len; judged++) {
        const FecSent *sent = &g_array_index(stream.sent, FecSent, judged);
        if (sent->media_ms + DEADLINE > stream.media_ms)
          break;
        const uint64_t at = sent->media_ms % turn_ms, left = turn_ms - at;
        const bool is_longer = sent->media_ms / turn_ms % 2 == 1;
        Lost *counts = left <= near_ms ? &near[!is_longer] /* the change is to the other */
                       : at < near_ms  ? &behind[is_longer]
                                       : &before[!is_longer];
        counts->frames++;
        counts->lost += sent->came == 0;
      }
    }
  }
  for (unsigned longer = 0; longer < 2; longer++) {
    g_test_message("%.0f %% lost, to %s frames: %.2f %% before, %.2f %% near, %.2f %% behind",
                   loss * 100, longer ? "longer" : "shorter", share(&before[longer]) * 100,
                   share(&near[longer]) * 100, share(&behind[longer]) * 100);
    /* the better of the two gives the other of its repair, where there is not enough for both */
    g_assert_cmpfloat(share(&near[longer]), <, 1.4 * share(&before[longer]) + 0.03);
    g_assert_cmpfloat(share(&behind[longer]), <, 2 * share(&before[!longer]) + 0.03);
  }
  fec_stream_clear(&stream);
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  g_test_add_func("/fec-tail/pace", test_pace);
  g_test_add_data_func("/fec-tail/loss/10", GUINT_TO_POINTER(10), test_loss);
  g_test_add_data_func("/fec-tail/loss/30", GUINT_TO_POINTER(30), test_loss);
  g_test_add_data_func("/fec-tail/loss/50", GUINT_TO_POINTER(50), test_loss);
  return g_test_run();
}
