/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "path-private.h"
#include <sodium.h>
#include <string.h>

#define QUIET_SILENCE (2 * WZP_SECOND) /* the other one does not talk: pings alone tell */
#define YOUNG_SILENCE (3 * WZP_PATH_SEARCH_EVERY)
#define ANSWER_SILENCE (3500 * WZP_MSEC)
#define WELL_FOR (2 * WZP_SECOND)
#define OVERLAP_PACKETS 3
#define HOLD_MAX (30 * WZP_SECOND)
#define FALLS_FORGOTTEN (60 * WZP_SECOND)
#define ATTEMPT_TIME (6 * WZP_SECOND)
#define ATTEMPT_TIME_MAX (60 * WZP_SECOND)
#define AGAIN_TIME WZP_SECOND
#define OLD_LIFE (5 * WZP_SECOND)   /* of an attempt after a newer one is proven */
#define DEAD_LIFE (30 * WZP_SECOND) /* in which nothing is heard */
#define WORSE_BY (30 * WZP_MSEC)
#define TROUBLE_PINGS 10
#define MISSING_PINGS 2
#define ANSWER_LATE (30 * WZP_MSEC) /* more than the round trip */
#define MISSING (140 * WZP_MSEC)
#define TALK_OVER WZP_SECOND /* without a packet by any way, though pings are answered */

WzpPath *
wzp_path_new(const WzpPathConfig *config, WzpTime now)
{
  WzpPath *path = g_new0(WzpPath, 1);
  path->config = *config;
  g_queue_init(&path->outputs);
  path->switched = path->trouble_since = path->well_since = path->last_opened = WZP_NEVER;
  path->relay_heard = path->routed = path->comparison.since = path->silent_since = WZP_NEVER;
  path->stats.renewal = -1;
  wzp_path_compare_afresh(path);
  path->peer_relay_loss = WZP_PATH_LOSS_UNKNOWN;
  path->relay_usable = true;
  path->hop_round_trip = path->peer_hop_round_trip = -1;
  path->attempt_at = WZP_NEVER;
  path->last_k = -1;
  /* both know that the first one begins */
  wzp_path_attempt_start(path, now, 0);
  path->attempt_at = config->initiator ? now + ATTEMPT_TIME : WZP_NEVER;
  return path;
}

void
wzp_path_free(WzpPath *path)
{
  if (path == NULL)
    return;
  WzpPathOutput *output;
  while ((output = g_queue_pop_head(&path->outputs)) != NULL) {
    sodium_memzero(output, sizeof *output); /* credentials may stand in it */
    g_free(output);
  }
  sodium_memzero(path, sizeof *path);
  g_free(path);
}

WzpPathOutput *
wzp_path_push(WzpPath *path, WzpPathOutputType type, uint16_t k)
{
  WzpPathOutput *output = g_new0(WzpPathOutput, 1);
  output->type = type;
  output->k = k;
  g_queue_push_tail(&path->outputs, output);
  return output;
}

/* --- Which attempt, and how it is --- */

/* The newest that both sides have proof of; NULL: none. */
WzpPathAttempt *
wzp_path_best(const WzpPath *path)
{
  const WzpPathAttempt *found = NULL;
  for (unsigned i = 0; i < G_N_ELEMENTS(path->attempts); i++) {
    const WzpPathAttempt *one = &path->attempts[i];
    if (wzp_path_attempt_is_proven(one) && (found == NULL || one->k > found->k))
      found = one;
  }
  return (WzpPathAttempt *)found;
}

static WzpTime
rhythm(const WzpPath *path)
{
  return 3 * path->interval + 4 * path->jitter;
}

/* The last sign of media on their way here; WZP_NEVER: none are expected. Before the first that came directly it is the
 * last one by the relay: what comes no more there may be sent directly, and lost. */
static WzpTime
last_sign(const WzpPath *path, const WzpPathAttempt *attempt)
{
  if (path->interval <= 0)
    return WZP_NEVER;
  return attempt->carries ? attempt->heard : path->last_opened;
}

WzpTime
wzp_path_missing_at(const WzpPath *path, const WzpPathAttempt *attempt)
{
  WzpTime last = last_sign(path, attempt);
  /* a start in bursts looks like jitter, and a false alarm costs some packets twice */
  WzpTime patience = MAX(MISSING, MIN(rhythm(path), 3 * path->interval + MISSING));
  return last != WZP_NEVER ? last + patience : WZP_NEVER;
}

WzpTime
wzp_path_unheard_at(const WzpPath *path, const WzpPathAttempt *attempt)
{
  if (attempt->silent && attempt->silent_behind == attempt->heard)
    return attempt->heard; /* it ends by what is heard, not because it is judged otherwise */
  WzpTime patience = QUIET_SILENCE + MAX(attempt->round_trip, 0);
  if (path->interval > 0 && attempt->carries)
    patience = MAX(WZP_PATH_SILENCE, rhythm(path));
  else if (attempt->heard + WZP_PATH_SEARCH_EVERY < attempt->first_ping + WZP_PATH_SEARCH_FOR)
    patience = YOUNG_SILENCE + MAX(attempt->round_trip, 0);
  return attempt->heard + patience;
}

/* When the path counts as silent if nothing more is heard, or answered. */
static WzpTime
silent_at(const WzpPath *path, const WzpPathAttempt *attempt)
{
  return MIN(wzp_path_unheard_at(path, attempt), attempt->answered + ANSWER_SILENCE);
}

/* Directly the round trip may be a little longer than by the relay. Nothing is known of the relay's without reports. */
static bool
is_as_fast(const WzpPath *path, const WzpPathAttempt *attempt)
{
  if (path->hop_round_trip < 0 || path->peer_hop_round_trip < 0 || !path->relay_usable)
    return true;
  return attempt->round_trip <= path->hop_round_trip + path->peer_hop_round_trip + WORSE_BY;
}

static WzpTime
hold_until(const WzpPath *path)
{
  if (path->switched == WZP_NEVER)
    return 0;
  WzpTime hold = WZP_PATH_HOLD * MAX(path->falls, 1);
  return path->switched + MIN(hold, HOLD_MAX);
}

static bool
may_go_direct(const WzpPath *path, const WzpPathAttempt *attempt, WzpTime now)
{
  return attempt != NULL && !path->direct && !attempt->peer_silent &&
         now < silent_at(path, attempt) && wzp_path_is_good(path, attempt, now) &&
         is_as_fast(path, attempt);
}

void
wzp_path_change(WzpPath *path, WzpTime now, bool direct)
{
  if (path->switched != WZP_NEVER && now - path->switched > FALLS_FORGOTTEN)
    path->falls = 0;
  path->falls += direct ? 0 : 1;
  path->comparison.shunned = path->comparison.lossy && !direct;
  path->comparison.lossy = false;
  path->comparison.since = WZP_NEVER;
  path->direct = direct;
  path->switched = now;
  path->both_until = now + WZP_PATH_OVERLAP;
  path->both_left = OVERLAP_PACKETS;
  path->trouble_since = path->well_since = WZP_NEVER;
  path->stats.switches++;
  wzp_path_push(path, WZP_PATH_CHANGED, (uint16_t)MAX(path->last_k, 0))->direct = direct;
}

/* --- Attempts --- */

/* If nothing comes of the last one. */
static WzpTime
successor_at(const WzpPath *path)
{
  unsigned doublings = MAX(path->unproven, 1) - 1;
  return path->attempts[path->last_k % 2].started +
         MIN(ATTEMPT_TIME << MIN(doublings, 8), ATTEMPT_TIME_MAX);
}

static void
begun(WzpPath *path)
{
  path->unproven++;
  path->wanted = false;
  path->attempt_at = path->config.initiator && !path->blocked ? successor_at(path) : WZP_NEVER;
}

static void
begin_attempt(WzpPath *path, WzpTime now)
{
  const WzpPathAttempt *used = wzp_path_best(path);
  int k = path->last_k + 1;
  if (used != NULL && used->k % 2 == k % 2)
    k++; /* the one in use stays */
  if (k > UINT16_MAX) {
    path->attempt_at = WZP_NEVER;
    return;
  }
  wzp_path_attempt_start(path, now, (uint16_t)k);
  begun(path);
  /* the other side begins when it hears of it, with or without candidates */
  path->attempts[k % 2].tell_at = now;
}

void
wzp_path_want_attempt(WzpPath *path)
{
  const WzpPathAttempt *last = &path->attempts[path->last_k % 2]; /* over or not */
  WzpTime soonest = last->started + MIN(AGAIN_TIME << MIN(path->unproven, 8), ATTEMPT_TIME_MAX);
  path->attempt_at = MIN(path->attempt_at, soonest);
  path->wanted = true;
}

/* More is known of the two NATs. */
static void
weigh(WzpPath *path)
{
  bool blocked = wzp_path_is_blocked(path);
  if (blocked == path->blocked)
    return;
  path->blocked = blocked;
  if (!path->config.initiator || path->wanted || path->paused)
    return;
  if (blocked)
    path->attempt_at = WZP_NEVER;
  else if (wzp_path_best(path) == NULL)
    path->attempt_at = successor_at(path);
}

static void
drop_old(WzpPath *path, WzpTime now)
{
  const WzpPathAttempt *newest = wzp_path_best(path);
  for (unsigned i = 0; i < G_N_ELEMENTS(path->attempts); i++) {
    WzpPathAttempt *one = &path->attempts[i];
    if (!one->in_use || one->proven_at == WZP_NEVER)
      continue; /* its successor replaces it */
    bool old = newest != NULL && one->k < newest->k && now - newest->proven_at >= OLD_LIFE;
    if (old || now - MAX(one->heard, one->answered) >= DEAD_LIFE)
      wzp_path_attempt_drop(path, one);
  }
}

static WzpTime
drop_at(const WzpPath *path)
{
  const WzpPathAttempt *newest = wzp_path_best(path);
  WzpTime next = WZP_NEVER;
  for (unsigned i = 0; i < G_N_ELEMENTS(path->attempts); i++) {
    const WzpPathAttempt *one = &path->attempts[i];
    if (!one->in_use || one->proven_at == WZP_NEVER)
      continue;
    next = MIN(next, MAX(one->heard, one->answered) + DEAD_LIFE);
    if (newest != NULL && one->k < newest->k)
      next = MIN(next, newest->proven_at + OLD_LIFE);
  }
  return next;
}

/* --- The choice --- */

/* The path in use is silent, and somebody who only stopped talking would have answered: then an attempt is wanted. */
static WzpTime
renew_at(const WzpPath *path, const WzpPathAttempt *attempt)
{
  return MAX(silent_at(path, attempt), wzp_path_attempt_unanswered_at(attempt) + ANSWER_LATE);
}

/* Is the path in use, which was, not what it should be? */
static void
watch_direct(WzpPath *path, WzpTime now, WzpPathAttempt *attempt)
{
  bool silent = attempt == NULL || now >= silent_at(path, attempt);
  if (silent || attempt->peer_silent) {
    path->well_since = WZP_NEVER;
    if (path->trouble_since == WZP_NEVER) {
      path->trouble_since = path->silent_since = now;
      path->silent_k = attempt != NULL ? attempt->k : path->last_k;
      path->stats.silences++;
      if (attempt != NULL)
        wzp_path_attempt_hurry(attempt, now, TROUBLE_PINGS);
    }
    if (attempt == NULL || attempt->peer_silent || now >= renew_at(path, attempt))
      wzp_path_want_attempt(path);
  } else if (path->trouble_since != WZP_NEVER) {
    path->well_since = MIN(path->well_since, now);
    if (now - path->well_since >= WELL_FOR) {
      path->trouble_since = path->well_since = WZP_NEVER;
      path->attempt_at = path->silent_since = WZP_NEVER;
    }
  }
}

static void
note_renewal(WzpPath *path, WzpTime now, const WzpPathAttempt *attempt)
{
  if (path->silent_since == WZP_NEVER || attempt->k <= path->silent_k)
    return;
  path->stats.renewal = now - path->silent_since;
  path->silent_since = WZP_NEVER;
}

static WzpTime
fall_at(const WzpPath *path)
{
  if (!path->direct || !path->relay_usable)
    return WZP_NEVER;
  if (path->comparison.lossy)
    return path->switched + WZP_PATH_HOLD;
  if (path->trouble_since == WZP_NEVER || path->well_since != WZP_NEVER)
    return WZP_NEVER;
  return MAX(path->trouble_since + WZP_PATH_FALL_AFTER, path->switched + WZP_PATH_HOLD);
}

/* Tells the other side at once that what it should send is missing here: by the path itself, which may carry that way. */
static void
miss(WzpPath *path, WzpTime now, WzpPathAttempt *attempt)
{
  bool silent = now >= wzp_path_unheard_at(path, attempt);
  if (silent && !attempt->silent)
    path->stats.unheard_here++;
  attempt->silent = silent;
  attempt->silent_behind = attempt->heard;
  WzpTime last = last_sign(path, attempt);
  if (now < wzp_path_missing_at(path, attempt) || attempt->missed == last)
    return;
  attempt->missed = last;
  wzp_path_attempt_hurry(attempt, now, MISSING_PINGS);
}

static WzpTime
miss_at(const WzpPath *path, const WzpPathAttempt *attempt)
{
  bool told = attempt->missed == last_sign(path, attempt);
  return told ? WZP_NEVER : wzp_path_missing_at(path, attempt);
}

void
wzp_path_set_peer_silent(WzpPath *path, WzpPathAttempt *attempt, bool silent)
{
  if (silent && !attempt->peer_silent)
    path->stats.unheard_there++;
  attempt->peer_silent = silent;
}

static void
report(WzpPath *path, WzpTime now)
{
  for (unsigned i = 0; i < G_N_ELEMENTS(path->attempts); i++) {
    WzpPathAttempt *one = &path->attempts[i];
    uint8_t flags = 0;
    bool proven = one->proven_at != WZP_NEVER;
    if (!one->in_use)
      continue;
    if (proven)
      flags |= WZP_PATH_PROVEN;
    if (proven && now >= wzp_path_unheard_at(path, one))
      flags |= WZP_PATH_SILENT;
    wzp_path_attempt_report(path, now, one, flags);
  }
}

/* The packet that said that the other one is silent now may be lost. */
static void
note_silence(WzpPath *path, const WzpPathAttempt *attempt)
{
  if (path->last_opened != WZP_NEVER && attempt->answered - path->last_opened >= TALK_OVER)
    path->interval = 0;
}

static void
decide(WzpPath *path, WzpTime now)
{
  WzpPathAttempt *attempt = wzp_path_best(path);
  if (attempt != NULL) {
    note_silence(path, attempt);
    note_renewal(path, now, attempt);
    miss(path, now, attempt);
  }
  wzp_path_compare(path, now, attempt,
                   now >= hold_until(path) && may_go_direct(path, attempt, now));
  if (attempt != NULL && attempt->k == path->last_k && !attempt->settled) {
    attempt->settled = true;
    path->unproven = 0;
    path->attempt_at = WZP_NEVER; /* there is one */
  }
  if (path->direct)
    watch_direct(path, now, attempt);
  else if (attempt != NULL && now >= silent_at(path, attempt))
    wzp_path_want_attempt(path);
  if (now >= fall_at(path) || (path->direct && attempt == NULL && path->relay_usable))
    wzp_path_change(path, now, false);
  else if (now >= hold_until(path) && may_go_direct(path, attempt, now) &&
           !path->comparison.shunned)
    wzp_path_change(path, now, true);
  if (now >= path->attempt_at)
    begin_attempt(path, now);
  drop_old(path, now);
  report(path, now);
}

void
wzp_path_handle_timeout(WzpPath *path, WzpTime now)
{
  if (path->paused)
    wzp_path_pause_timeout(path, now);
  else
    decide(path, now);
  for (unsigned i = 0; i < G_N_ELEMENTS(path->attempts); i++)
    wzp_path_attempt_timeout(path, now, &path->attempts[i]);
}

WzpTime
wzp_path_next_timeout(const WzpPath *path)
{
  const WzpPathAttempt *attempt = wzp_path_best(path);
  WzpTime next =
      path->paused ? wzp_path_pause_next_timeout(path) : MIN(path->attempt_at, drop_at(path));
  for (unsigned i = 0; i < G_N_ELEMENTS(path->attempts); i++)
    next = MIN(next, wzp_path_attempt_next_timeout(&path->attempts[i]));
  if (path->paused)
    return next;
  next = MIN(next, fall_at(path));
  next = MIN(next, wzp_path_compare_timeout(path));
  if (attempt != NULL)
    next = MIN(next, miss_at(path, attempt));
  if (path->direct && attempt != NULL && attempt->k == path->last_k && !path->wanted)
    next = MIN(next, renew_at(path, attempt));
  if (path->direct && path->well_since != WZP_NEVER)
    next = MIN(next, path->well_since + WELL_FOR);
  else if (path->direct && path->trouble_since == WZP_NEVER && attempt != NULL)
    next = MIN(next, silent_at(path, attempt));
  return next;
}

/* --- What happens --- */

void
wzp_path_set_relay(WzpPath *path, WzpTime now, bool usable, WzpTime round_trip)
{
  bool changed = path->relay_usable != usable;
  path->relay_usable = usable;
  path->hop_round_trip = round_trip;
  if (changed)
    wzp_path_handle_timeout(path, now);
}

void
wzp_path_set_nat(WzpPath *path, WzpTime now, WzpNat nat)
{
  path->nat = nat;
  weigh(path);
  for (unsigned i = 0; i < G_N_ELEMENTS(path->attempts); i++)
    if (path->attempts[i].in_use && path->attempts[i].told_nat != nat)
      wzp_path_attempt_tell(&path->attempts[i], now);
}

void
wzp_path_accepted(WzpPath *path, WzpTime now)
{
  if (wzp_path_best(path) == NULL)
    wzp_path_network_changed(path, now);
}

void
wzp_path_network_changed(WzpPath *path, WzpTime now)
{
  path->unproven = 0;
  path->keeps_port = false;
  wzp_path_compare_afresh(path);
  wzp_path_want_attempt(path);
  for (unsigned i = 0; i < G_N_ELEMENTS(path->attempts); i++)
    if (path->attempts[i].in_use)
      wzp_path_attempt_hurry(&path->attempts[i], now, TROUBLE_PINGS);
  wzp_path_handle_timeout(path, now);
}

/* Each costs us sockets: not more than an honest one wants. */
static bool
may_begin(WzpPath *path, WzpTime now)
{
  WzpTime *oldest = &path->begun[path->n_begun % WZP_PATH_STARTS_MAX];
  if (path->n_begun >= WZP_PATH_STARTS_MAX && now - *oldest < WZP_PATH_STARTS_TIME)
    return false;
  *oldest = now;
  path->n_begun++;
  return true;
}

static WzpResult
take_candidates(WzpPath *path, WzpTime now, const WzpPathMessage *message)
{
  WzpResult result = WZP_OK;
  bool fresh = message->k > path->last_k;
  if (fresh && !may_begin(path, now))
    return WZP_RATE_LIMITED;
  if (fresh) {
    wzp_path_attempt_start(path, now, message->k);
    begun(path);
  }
  WzpPathAttempt *attempt = wzp_path_attempt(path, message->k);
  if (attempt == NULL) { /* of one that is over */
    if (wzp_path_best(path) == NULL)
      wzp_path_want_attempt(
          path); /* it may not know the numbers that were given: the next is for both */
    return WZP_OK;
  }
  path->peer_nat = message->nat;
  weigh(path);
  for (unsigned i = 0; i < message->n_candidates; i++)
    if (!wzp_path_take_candidate(path, attempt, &message->candidates[i]))
      result = WZP_NOT_ALLOWED;
  weigh(path); /* IPv6 may have come */
  return result;
}

static void
take_report(WzpPath *path, const WzpPathMessage *message)
{
  WzpPathAttempt *attempt = wzp_path_attempt(path, message->k);
  if (message->hop_round_trip != WZP_PATH_ROUND_TRIP_UNKNOWN)
    path->peer_hop_round_trip = message->hop_round_trip * WZP_MSEC;
  if (attempt == NULL)
    return;
  attempt->peer_proven |= (message->flags & WZP_PATH_PROVEN) != 0;
  wzp_path_set_peer_silent(path, attempt, (message->flags & WZP_PATH_SILENT) != 0);
}

WzpResult
wzp_path_receive(WzpPath *path, WzpTime now, const uint8_t *data, size_t length)
{
  WzpPathMessage message;
  unsigned refused;
  WzpResult result = wzp_path_message_parse(&message, data, length, &refused);
  if (result != WZP_OK)
    return result;
  if (message.type == WZP_PATH_SETUP)
    result = take_candidates(path, now, &message);
  else
    take_report(path, &message);
  wzp_path_handle_timeout(path, now);
  return result == WZP_OK && refused > 0 ? WZP_NOT_ALLOWED : result;
}

bool
wzp_path_is_direct(const WzpPath *path)
{
  return path->direct;
}

bool
wzp_path_reaches(const WzpPath *path, WzpTime now)
{
  const WzpPathAttempt *attempt = wzp_path_best(path);
  return attempt != NULL && now < silent_at(path, attempt);
}

/* --- Out --- */

bool
wzp_path_poll(WzpPath *path, WzpTime now, WzpPathOutput *output)
{
  (void)now;
  WzpPathOutput *queued = g_queue_pop_head(&path->outputs);
  if (queued == NULL)
    return false;
  *output = *queued;
  sodium_memzero(queued, sizeof *queued);
  g_free(queued);
  return true;
}
