/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "path-private.h"

static int
percent(uint8_t loss)
{
  return loss != WZP_PATH_LOSS_UNKNOWN ? loss : -1;
}

void
wzp_path_get_stats(const WzpPath *path, WzpTime now, WzpPathStats *stats)
{
  const WzpPathAttempt *attempt = wzp_path_best(path);
  *stats = path->stats;
  stats->direct = path->direct;
  stats->nat = path->nat;
  stats->peer_nat = path->peer_nat;
  stats->duplicating = attempt != NULL && path->direct && wzp_path_duplicates(path, attempt, now);
  stats->loss = stats->relay_loss = stats->peer_loss = stats->peer_relay_loss = -1;
  stats->round_trip = -1;
  stats->heard = WZP_NEVER;
  if (attempt == NULL)
    attempt = path->last_k >= 0 ? &path->attempts[path->last_k % 2] : NULL;
  if (attempt == NULL || !attempt->in_use)
    return;
  stats->k = attempt->k;
  stats->proven = attempt->proven_at != WZP_NEVER;
  stats->peer_proven = attempt->peer_proven;
  stats->peer_silent = attempt->peer_silent;
  stats->silent = stats->proven && now >= wzp_path_unheard_at(path, attempt);
  stats->round_trip = attempt->round_trip;
  stats->heard = attempt->heard;
  stats->loss = percent(wzp_path_loss_percent(&attempt->loss, now));
  stats->relay_loss = percent(wzp_path_loss_percent(&path->relay_loss, now));
  stats->peer_loss = percent(attempt->peer_loss);
  stats->peer_relay_loss = percent(path->peer_relay_loss);
}
