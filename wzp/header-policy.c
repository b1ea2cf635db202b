/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "profile.h"
#include "seal.h"

#define REPEAT_DEFAULT 3
#define REPEAT_MAX 13
#define FULL_EVERY_MS 1000
/* Behind a change at first: a burst may take all that were repeated, and another change before them. */
#define FULL_AGAIN_MS 100

static unsigned
repeat_of(const WzpHeaderPolicy *policy)
{
  if (policy->repeat == 0)
    return REPEAT_DEFAULT;
  return policy->repeat < REPEAT_DEFAULT ? REPEAT_DEFAULT
         : policy->repeat > REPEAT_MAX   ? REPEAT_MAX
                                         : policy->repeat;
}

unsigned
wzp_header_repeat(double loss)
{
  unsigned repeat = REPEAT_DEFAULT;

  for (double all_lost = loss * loss * loss; all_lost > 0.01 && repeat < REPEAT_MAX; repeat++)
    all_lost *= loss;
  return repeat;
}

bool
wzp_header_policy_full(WzpHeaderPolicy *policy, uint8_t code, uint32_t epoch, uint32_t timestamp,
                       bool gap)
{
  uint32_t duration = wzp_framing_packet_ms(code);
  bool changed = !policy->started || gap || code != policy->code || epoch != policy->epoch ||
                 timestamp != policy->last_timestamp + duration;
  bool full;

  if (changed) {
    policy->left = repeat_of(policy);
    policy->every = FULL_AGAIN_MS;
  }
  full = policy->left > 0 || timestamp - policy->last_full >= policy->every;
  if (policy->left > 0)
    policy->left--;
  else if (full)
    policy->every = policy->every < FULL_EVERY_MS / 2 ? 2 * policy->every : FULL_EVERY_MS;
  if (full)
    policy->last_full = timestamp;
  policy->started = true;
  policy->code = code;
  policy->epoch = epoch;
  policy->last_timestamp = timestamp;
  return full;
}
