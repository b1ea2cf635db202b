/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fec-plan.h"
#include <glib.h>
#include <math.h>
#include <string.h>

static const char *const scheme_names[] = {
    [WZP_FEC_AUTO] = "auto",     [WZP_FEC_SLIDING] = "sliding", [WZP_FEC_BLOCK] = "block",
    [WZP_FEC_COPIES] = "copies", [WZP_FEC_NONE] = "none",
};

const char *
wzp_fec_scheme_name(WzpFecScheme scheme)
{
  return (unsigned)scheme < G_N_ELEMENTS(scheme_names) ? scheme_names[scheme] : NULL;
}

bool
wzp_fec_scheme_by_name(const char *name, WzpFecScheme *scheme)
{
  for (unsigned n = 0; name != NULL && n < G_N_ELEMENTS(scheme_names); n++) {
    if (strcmp(scheme_names[n], name) == 0) {
      *scheme = (WzpFecScheme)n;
      return true;
    }
  }
  return false;
}

#define BLOCK_SIZE_DEFAULT 5
#define PACKET_OVERHEAD_DEFAULT 56
#define OVERHEAD_WITHOUT_BUDGET 2.0
/* Of a bundle: the elements' own bytes; reports and full headers, in bytes a second. */
#define ELEMENTS_SIZE 6
#define EXTRA_PER_SECOND 21

static double
floor_overhead(const WzpProfile *profile)
{
  if (profile->codec != WZP_CODEC_OPUS)
    return 1.0;
  return profile->bitrate <= 12000 ? 0.5 : 0.2;
}

/* Symbols per packet of `frames` frames that the limits allow. */
static double
symbols_allowed(const WzpFecLimits *limits, const WzpProfile *profile, unsigned frames)
{
  if (limits->overhead != WZP_FEC_OVERHEAD_AUTO)
    return MIN(limits->overhead, WZP_FEC_OVERHEAD_MAX) * frames / 100.0;
  if (limits->budget == 0)
    return OVERHEAD_WITHOUT_BUDGET * frames;
  double overhead =
      limits->packet_overhead != 0 ? limits->packet_overhead : PACKET_OVERHEAD_DEFAULT;
  double bytes = (limits->budget / 8.0 - EXTRA_PER_SECOND) * frames * profile->frame_ms / 1000.0;
  bytes -= overhead + ELEMENTS_SIZE + frames * profile->frame_bytes;
  return MAX(bytes, 0) / profile->frame_bytes;
}

void
wzp_fec_plan(WzpFecPlan *plan, const WzpChannelState *channel, const WzpFecLimits *limits)
{
  const WzpProfile *profile =
      limits->profile != NULL ? limits->profile : wzp_profile_by_name(WZP_PROFILE_DEFAULT);
  unsigned frames = limits->frames_per_packet;
  if (frames == 0) {
    frames = 1;
    while (limits->budget != 0 && symbols_allowed(limits, profile, frames) < 0.95 * frames &&
           wzp_framing_code(profile->codec, profile->frame_ms, frames + 1) >= 0)
      frames++;
    if (profile->codec == WZP_CODEC_CODEC2_3200)
      frames = MAX(frames, 2);
  }
  double symbols = MIN(symbols_allowed(limits, profile, frames), WZP_FEC_SYMBOLS_MAX);
  if (limits->budget == 0 && limits->overhead == WZP_FEC_OVERHEAD_AUTO)
    symbols = CLAMP(channel->loss * 6, floor_overhead(profile), OVERHEAD_WITHOUT_BUDGET) * frames;
  WzpTime interval = frames * profile->frame_ms * WZP_MSEC;
  unsigned packets = (unsigned)(limits->max_delay / interval);

  *plan =
      (WzpFecPlan){.scheme = limits->scheme == WZP_FEC_AUTO ? WZP_FEC_SLIDING : limits->scheme,
                   .profile = profile,
                   .frames_per_packet = frames,
                   .block_size = limits->block_size != 0 ? limits->block_size : BLOCK_SIZE_DEFAULT,
                   .expected_loss = channel->loss};
  unsigned window = MIN(packets * frames, WZP_FEC_WINDOW_MAX);
  if (limits->window != 0)
    window = MIN(limits->window, WZP_FEC_WINDOW_MAX);
  if (window == 0 || symbols <= 0 || plan->scheme == WZP_FEC_NONE) {
    plan->scheme = WZP_FEC_NONE;
    return;
  }
  if (plan->scheme == WZP_FEC_BLOCK) {
    plan->block_repairs = (unsigned)(symbols * plan->block_size / frames + 0.5);
    plan->symbols_256 = plan->block_repairs * 256 * frames / plan->block_size;
    return;
  }
  double burst = wzp_channel_mean_burst(channel) * (1 - channel->loss);
  if (channel->loss >= 0.4)
    window = MIN(window, MAX((unsigned)symbols, 1));
  unsigned offset = 0;
  if (burst >= 3) {
    offset = packets * frames - MIN(packets * frames, frames);
    window = MIN(window, frames);
  }
  plan->programs[0] = (WzpFecProgram){(uint8_t)offset, (uint8_t)window};
  plan->n_programs = 1;
  plan->symbols_256 = (unsigned)(MIN(symbols, window) * 256);
  if (symbols >= window || plan->scheme == WZP_FEC_COPIES) {
    plan->scheme = WZP_FEC_COPIES;
    plan->programs[0].window = (uint8_t)MIN(window, MAX((unsigned)symbols, 1));
    plan->symbols_256 = plan->programs[0].window * 256;
  } else if (symbols > 16) {
    plan->symbols_256 = 16 * 256;
  }
}
