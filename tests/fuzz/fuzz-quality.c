/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/fec-sender.h"
#include "wzp/listeners.h"
#include "wzp/quality.h"
#include <glib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
  WzpQuality *quality;
  WzpFecSender *sender;
  WzpListeners listeners;
  WzpFecLimits users;
  WzpTime now;
  uint64_t media_ms, packets;
} Speaker;

static void
check(const Speaker *speaker)
{
  WzpQualityState state;
  wzp_quality_get_state(speaker->quality, speaker->now, &state);
  g_assert_cmpuint(state.tier, <, WZP_N_TIERS);
  g_assert_true(state.limit == 0 || state.limit >= 6000);
  g_assert_cmpuint(state.limit, <, 10000000);
  g_assert_true(state.loss >= 0 && state.loss <= 1 && state.residual >= 0 && state.residual <= 1);
  g_assert_true(state.downlink_loss >= 0 && state.downlink_loss <= 1);
  g_assert_cmpfloat(ABS(state.queue), <, 1e7); /* ms: each report may tell of 32 s more */
  g_assert_cmpint(state.round_trip, <=, 10 * WZP_SECOND);
  g_free(wzp_quality_text(&state));
}

/* A frame time of speech, or of silence where it is a pause. */
static void
speak(Speaker *speaker)
{
  const WzpFecLimits limits = wzp_quality_limits(speaker->quality, &speaker->users);
  WzpFecPacket packet;
  uint8_t frame[160] = {1};
  wzp_quality_tick(speaker->quality, speaker->now);
  wzp_fec_sender_set_limits(speaker->sender, &limits);
  const WzpProfile *profile = wzp_fec_sender_plan(speaker->sender)->profile;
  if (wzp_quality_is_paused(speaker->quality, speaker->now)) {
    wzp_fec_sender_silence(speaker->sender, speaker->now, speaker->media_ms);
  } else {
    const WzpFecSourceFrame one = {
        .code = (uint8_t)wzp_framing_frame_code(profile->codec, profile->frame_ms),
        .media_ms = speaker->media_ms,
        .data = frame,
        .length = profile->frame_bytes};
    g_assert_cmpint(wzp_fec_sender_push(speaker->sender, speaker->now, &one), ==, WZP_OK);
  }
  while (wzp_fec_sender_poll(speaker->sender, &packet)) {
    g_assert_cmpuint(packet.length, <=, WZP_DATAGRAM_MAX);
    wzp_quality_sent(speaker->quality, speaker->now, packet.media_ms, packet.n_frames > 0,
                     (unsigned)packet.length + 56);
    speaker->packets++;
  }
  speaker->now += profile->frame_ms * WZP_MSEC;
  speaker->media_ms += profile->frame_ms;
}

static void
hear(Speaker *speaker, uint8_t listener, const WzpReport *report)
{
  WzpFecSenderStats stats;
  if (wzp_listeners_report(&speaker->listeners, speaker->now, listener, report))
    wzp_fec_sender_handle_report(speaker->sender, speaker->now, report);
  wzp_fec_sender_get_stats(speaker->sender, speaker->now, &stats);
  wzp_quality_report(speaker->quality, speaker->now, listener, report, &speaker->users,
                     wzp_fec_sender_plan(speaker->sender), &stats.channel);
}

/* What listeners say to one who speaks, in a row: what(1) | report. The lower half of `what` is how many frames are spoken before;
 * the upper one, who says it, or that it is about what we hear, that somebody leaves, or that the network is another one. The
 * packet that a report says was heard is counted back from now: else hardly any was ever sent. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  Speaker speaker = {.quality = wzp_quality_new(),
                     .users = {.overhead = WZP_FEC_OVERHEAD_AUTO,
                               .max_delay = 200 * WZP_MSEC,
                               .frames_per_packet = 1}};
  wzp_quality_set_profile(speaker.quality, wzp_profile_by_name("opus-64k"));
  speaker.sender = wzp_fec_sender_new(&speaker.users);
  while (size > WZP_REPORT_SIZE) {
    uint8_t what = data[0];
    WzpReport report;
    for (unsigned n = 0; n < (what & 15); n++)
      speak(&speaker);
    if (wzp_report_parse(&report, data + 1, WZP_REPORT_SIZE) == WZP_OK) {
      report.heard = (uint16_t)(speaker.media_ms - report.heard);
      if (what >> 4 < 12)
        hear(&speaker, what >> 6, &report);
      else if (what >> 4 < 14)
        wzp_quality_own_report(speaker.quality, speaker.now, &report);
      else if (what >> 4 == 14)
        wzp_quality_left(speaker.quality, speaker.now, report.slot % 4);
      else
        wzp_quality_set_network(speaker.quality, speaker.now, report.slot % WZP_N_NETWORKS);
    }
    check(&speaker);
    data += 1 + WZP_REPORT_SIZE;
    size -= 1 + WZP_REPORT_SIZE;
  }
  /* who is silent while a queue drains speaks again */
  const uint64_t before = speaker.packets;
  for (unsigned n = 0; n < 250; n++)
    speak(&speaker);
  g_assert_cmpuint(speaker.packets, >, before);
  wzp_quality_free(speaker.quality);
  wzp_fec_sender_free(speaker.sender);
  return 0;
}
