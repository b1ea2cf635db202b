/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "path-private.h"

/* Where our media go. */

#define LATELY WZP_SECOND
#define PEER_MISSED_FOR (500 * WZP_MSEC)
#define EARLY_TIME (2 * WZP_SECOND)

/* The newest that we alone have proof of, for a moment: what goes there too cannot overtake what went by the relay. */
static const WzpPathAttempt *
just_proven(const WzpPath *path, WzpTime now)
{
  const WzpPathAttempt *newest = path->last_k >= 0 ? &path->attempts[path->last_k % 2] : NULL;
  bool fresh = newest != NULL && newest->in_use && newest->proven_at != WZP_NEVER &&
               now - newest->proven_at < EARLY_TIME;
  return fresh && path->switched == WZP_NEVER ? newest : NULL;
}

/* The other side hears nothing on the direct path in use, but by the relay: pings tell when that changes. */
static bool
is_hopeless(const WzpPath *path, const WzpPathAttempt *attempt, WzpTime now)
{
  if (path->trouble_since == WZP_NEVER || now - path->trouble_since < WZP_PATH_FALL_AFTER ||
      !path->relay_usable || !attempt->peer_silent)
    return false;
  bool told = path->peer_relay_loss != WZP_PATH_LOSS_UNKNOWN && now - path->peer_loss_at < LATELY;
  return told || (path->relay_heard != WZP_NEVER && now - path->relay_heard < LATELY);
}

static bool
needs_both(const WzpPath *path, const WzpPathAttempt *attempt, WzpTime now)
{
  if (now < path->both_until || path->comparison.since != WZP_NEVER)
    return true;
  if (!path->direct)
    return !path->relay_usable;
  bool missed = attempt->peer_missed != WZP_NEVER && now - attempt->peer_missed < PEER_MISSED_FOR;
  return path->trouble_since != WZP_NEVER || path->comparison.lossy || path->both_left > 0 ||
         missed || now >= wzp_path_missing_at(path, attempt);
}

unsigned
wzp_path_route(WzpPath *path, WzpTime now, uint16_t *k)
{
  const WzpPathAttempt *attempt = wzp_path_best(path), *early = just_proven(path, now);
  if (early != NULL)
    attempt = early;
  path->routed = now;
  *k = attempt != NULL ? attempt->k : 0;
  if (attempt == NULL)
    return WZP_WAY_RELAY;
  if (early != NULL)
    return WZP_WAY_RELAY | WZP_WAY_DIRECT;
  bool both = needs_both(path, attempt, now);
  if (path->direct && path->both_left > 0)
    path->both_left--;
  if (path->direct && is_hopeless(path, attempt, now))
    return WZP_WAY_RELAY;
  return both ? WZP_WAY_RELAY | WZP_WAY_DIRECT : path->direct ? WZP_WAY_DIRECT : WZP_WAY_RELAY;
}

bool
wzp_path_duplicates(const WzpPath *path, const WzpPathAttempt *attempt, WzpTime now)
{
  return path->direct && needs_both(path, attempt, now) && !is_hopeless(path, attempt, now);
}
