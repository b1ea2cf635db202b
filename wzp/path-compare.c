/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "path-private.h"

/* Which way loses less of what we send. The other side tells with its probes what it misses of each. */

#define COMPARE (3 * WZP_SECOND)
#define COMPARE_GIVE_UP (6 * WZP_SECOND)
#define COMPARE_PAUSE (30 * WZP_SECOND)
#define COMPARE_PAUSE_MAX (120 * WZP_SECOND)
#define LEFT_FROM 10 /* %: so much more is lost directly */
#define TAKEN_BELOW 5
#define LOSS_FRESH (5 * WZP_SECOND)
#define TALKS (200 * WZP_MSEC) /* one who sent something so lately */

/* How much more of what we send is lost directly, %, as far as the other side told lately. False: unknown. */
static bool
get_loss_excess(const WzpPath *path, const WzpPathAttempt *attempt, WzpTime now, int *excess)
{
  *excess = attempt->peer_loss - path->peer_relay_loss;
  return attempt->peer_loss != WZP_PATH_LOSS_UNKNOWN &&
         path->peer_relay_loss != WZP_PATH_LOSS_UNKNOWN && now - path->peer_loss_at < LOSS_FRESH;
}

static bool
loses_more(const WzpPath *path, const WzpPathAttempt *attempt, WzpTime now, int by)
{
  int excess;
  return get_loss_excess(path, attempt, now, &excess) && excess >= by;
}

bool
wzp_path_is_good(const WzpPath *path, const WzpPathAttempt *attempt, WzpTime now)
{
  int excess;
  if (get_loss_excess(path, attempt, now, &excess))
    return excess < TAKEN_BELOW && (excess <= -LEFT_FROM || wzp_path_attempt_is_good(attempt, now));
  return wzp_path_attempt_is_good(attempt, now);
}

static bool
talks(const WzpPath *path, WzpTime now)
{
  return path->routed != WZP_NEVER && now - path->routed < TALKS;
}

static bool
wants_comparison(const WzpPath *path, const WzpPathAttempt *attempt, WzpTime now,
                 bool may_go_direct)
{
  if (!path->relay_usable || now < path->comparison.not_before || !talks(path, now))
    return false;
  if (path->direct)
    return path->trouble_since == WZP_NEVER && attempt->peer_loss != WZP_PATH_LOSS_UNKNOWN &&
           attempt->peer_loss >= LEFT_FROM;
  return path->comparison.shunned && may_go_direct;
}

/* Sent by both ways for a while, both have lost what they lose: now the other side tells how much. */
static void
conclude(WzpPath *path, const WzpPathAttempt *attempt, WzpTime now)
{
  WzpPathComparison *comparison = &path->comparison;
  bool told = path->peer_loss_at >= comparison->since + COMPARE;
  if (!told && now < comparison->since + COMPARE_GIVE_UP)
    return;
  comparison->since = WZP_NEVER;
  comparison->not_before = now + comparison->pause;
  comparison->pause = MIN(2 * comparison->pause, COMPARE_PAUSE_MAX);
  if (told && path->direct)
    comparison->lossy = loses_more(path, attempt, now, LEFT_FROM);
  else if (told && !loses_more(path, attempt, now, TAKEN_BELOW))
    comparison->shunned = false;
}

void
wzp_path_compare(WzpPath *path, WzpTime now, const WzpPathAttempt *attempt, bool may_go_direct)
{
  WzpPathComparison *comparison = &path->comparison;
  if (attempt == NULL) {
    comparison->since = WZP_NEVER;
    comparison->lossy = false;
  } else if (comparison->since != WZP_NEVER) {
    conclude(path, attempt, now);
  } else if (wants_comparison(path, attempt, now, may_go_direct)) {
    comparison->since = now;
  }
}

void
wzp_path_compare_afresh(WzpPath *path)
{
  path->comparison.shunned = false;
  path->comparison.not_before = 0;
  path->comparison.pause = COMPARE_PAUSE;
}

WzpTime
wzp_path_compare_timeout(const WzpPath *path)
{
  WzpTime since = path->comparison.since;
  return since != WZP_NEVER ? since + COMPARE_GIVE_UP : WZP_NEVER;
}
