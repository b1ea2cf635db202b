/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "path-private.h"
#include <string.h>

/* One attempt at a direct path: its pings, what is told of it. */

#define QUICK_PINGS 5
#define QUICK_EVERY (20 * WZP_MSEC)
#define PING_EVERY WZP_SECOND
#define HURRY_EVERY (100 * WZP_MSEC)
#define DOUBT_AFTER (1100 * WZP_MSEC) /* the answer to the last ping is late */
#define JUDGED_PINGS 5
#define GOOD_ANSWERS 3
#define REPORT_EVERY (5 * WZP_SECOND)

WzpPathAttempt *
wzp_path_attempt(WzpPath *path, uint16_t k)
{
  WzpPathAttempt *attempt = &path->attempts[k % 2];
  return attempt->in_use && attempt->k == k ? attempt : NULL;
}

WzpPathAttempt *
wzp_path_attempt_start(WzpPath *path, WzpTime now, uint16_t k)
{
  WzpPathAttempt *attempt = &path->attempts[k % 2];
  wzp_path_attempt_drop(path, attempt);
  *attempt = (WzpPathAttempt){
      .in_use = true,
      .k = k,
      .started = now,
      .next_ping = WZP_NEVER,
      .heard = WZP_NEVER,
      .answered = WZP_NEVER,
      .proven_at = WZP_NEVER,
      .round_trip = -1,
      .tell_at = WZP_NEVER,
      .missed = WZP_NEVER,
      .peer_missed = WZP_NEVER,
      .peer_loss = WZP_PATH_LOSS_UNKNOWN,
      .quick = QUICK_PINGS,
  };
  wzp_window_init(&attempt->window, WZP_WINDOW_MAX);
  path->last_k = k;
  path->stats.attempts++;
  WzpPathOutput *output = wzp_path_push(path, WZP_PATH_AGENT_START, k);
  output->controlling = path->config.initiator;
  wzp_ice_credentials(&output->ours, path->config.ice, k, path->config.initiator);
  wzp_ice_credentials(&output->theirs, path->config.ice, k, !path->config.initiator);
  return attempt;
}

void
wzp_path_attempt_drop(WzpPath *path, WzpPathAttempt *attempt)
{
  if (!attempt->in_use)
    return;
  attempt->in_use = false;
  uint8_t bit = (uint8_t)(2 << (attempt->k % 2));
  for (unsigned i = 0; i < WZP_PATH_SEEN; i++)
    path->seen[i].ways &= (uint8_t)~bit;
  wzp_path_push(path, WZP_PATH_AGENT_DROP, attempt->k);
}

void
wzp_path_attempt_hurry(WzpPathAttempt *attempt, WzpTime now, unsigned pings)
{
  if (attempt->next_ping == WZP_NEVER)
    return;
  attempt->quick = pings;
  attempt->next_ping = MIN(attempt->next_ping, now);
}

/* --- Messages --- */

static void
push_message(WzpPath *path, const WzpPathMessage *message)
{
  WzpPathOutput *output = wzp_path_push(path, WZP_PATH_SEND_MESSAGE, message->k);
  output->length = wzp_path_message_write(output->data, message);
}

static void
tell_candidates(WzpPath *path, WzpPathAttempt *attempt)
{
  WzpPathMessage message = {.type = WZP_PATH_SETUP,
                            .k = attempt->k,
                            .nat = path->nat,
                            .n_candidates = attempt->n_candidates - attempt->n_told};
  memcpy(message.candidates, attempt->candidates + attempt->n_told,
         message.n_candidates * sizeof message.candidates[0]);
  attempt->n_told = attempt->n_candidates;
  attempt->tell_at = WZP_NEVER;
  attempt->told_nat = path->nat;
  push_message(path, &message);
}

/* --- Probes --- */

static void
send_probe(WzpPath *path, WzpTime now, WzpPathAttempt *attempt, WzpPathProbe *probe)
{
  probe->k = attempt->k;
  probe->seq = attempt->next_seq++;
  probe->loss = wzp_path_loss_percent(&attempt->loss, now);
  probe->relay_loss = wzp_path_loss_percent(&path->relay_loss, now);
  if (attempt->proven_at != WZP_NEVER) {
    probe->flags |= WZP_PATH_PROVEN;
    probe->flags |= now >= wzp_path_missing_at(path, attempt) ? WZP_PATH_MISSING : 0;
    probe->flags |= now >= wzp_path_unheard_at(path, attempt) ? WZP_PATH_SILENT : 0;
  }
  WzpPathOutput *output = wzp_path_push(path, WZP_PATH_SEND_PROBE, attempt->k);
  wzp_path_probe_seal(output->data, path->config.send_key, probe);
  output->length = WZP_PATH_PROBE_SIZE;
  path->stats.probes_sent++;
}

static WzpTime
ping_interval(const WzpPath *path, const WzpPathAttempt *attempt, WzpTime now)
{
  if (attempt->quick > 0)
    return attempt->proven_at == WZP_NEVER ? QUICK_EVERY : HURRY_EVERY;
  if (attempt->proven_at != WZP_NEVER &&
      now - MIN(attempt->heard, attempt->answered) > DOUBT_AFTER + attempt->round_trip)
    return HURRY_EVERY;
  bool searching = !wzp_path_attempt_is_proven(attempt) || !path->direct || !attempt->carries;
  return searching && now - attempt->first_ping < WZP_PATH_SEARCH_FOR ? WZP_PATH_SEARCH_EVERY
                                                                      : PING_EVERY;
}

static void
ping(WzpPath *path, WzpTime now, WzpPathAttempt *attempt)
{
  WzpPathProbe probe = {.time = (uint32_t)(now / WZP_MSEC)};
  if (attempt->n_pings == 0)
    attempt->first_ping = now;
  attempt->pings[attempt->n_pings++ % WZP_PATH_PINGS] =
      (WzpPathPing){.seq = attempt->next_seq, .sent = now};
  if (attempt->quick > 0)
    attempt->quick--;
  attempt->next_ping = now + ping_interval(path, attempt, now);
  send_probe(path, now, attempt, &probe);
}

void
wzp_path_connected(WzpPath *path, WzpTime now, uint16_t k, bool lan)
{
  WzpPathAttempt *attempt = wzp_path_attempt(path, k);
  if (attempt == NULL)
    return;
  attempt->connected = true;
  attempt->lan = lan;
  attempt->next_ping = MIN(attempt->next_ping, now);
}

void
wzp_path_failed(WzpPath *path, WzpTime now, uint16_t k)
{
  WzpPathAttempt *attempt = wzp_path_attempt(path, k);
  (void)now; /* one that was proven goes by what is heard, whatever its agent thinks */
  if (attempt != NULL)
    attempt->failed = true;
}

static WzpPathPing *
find_ping(WzpPathAttempt *attempt, uint32_t seq)
{
  for (unsigned i = 0; i < MIN(attempt->n_pings, WZP_PATH_PINGS); i++)
    if (attempt->pings[i].seq == seq && !attempt->pings[i].answered)
      return &attempt->pings[i];
  return NULL;
}

WzpTime
wzp_path_attempt_unanswered_at(const WzpPathAttempt *attempt)
{
  WzpTime first = WZP_NEVER;
  for (unsigned i = 0; i < MIN(attempt->n_pings, WZP_PATH_PINGS); i++)
    if (!attempt->pings[i].answered && attempt->pings[i].sent > attempt->heard)
      first = MIN(first, attempt->pings[i].sent + attempt->round_trip);
  return first;
}

static void
take_pong(WzpPathAttempt *attempt, WzpTime now, const WzpPathProbe *probe)
{
  WzpPathPing *asked = find_ping(attempt, probe->echoed);
  if (asked == NULL)
    return; /* of a ping that is forgotten */
  WzpTime sample = now - asked->sent;
  asked->answered = true;
  attempt->answered = now;
  attempt->round_trip = attempt->round_trip < 0 ? sample : (7 * attempt->round_trip + sample) / 8;
  if (attempt->proven_at != WZP_NEVER)
    return;
  attempt->proven_at = now;
  attempt->next_ping = now; /* tells it */
}

/* What the other side says of this path: the newest counts. */
static void
take_word(WzpPath *path, WzpTime now, WzpPathAttempt *attempt, const WzpPathProbe *probe)
{
  attempt->peer_proven |= (probe->flags & WZP_PATH_PROVEN) != 0;
  if (probe->seq + 1 <= attempt->newest)
    return;
  attempt->newest = probe->seq + 1;
  attempt->peer_missed = probe->flags & WZP_PATH_MISSING ? now : WZP_NEVER;
  wzp_path_set_peer_silent(path, attempt, (probe->flags & WZP_PATH_SILENT) != 0);
  attempt->peer_loss = probe->loss;
  path->peer_relay_loss = probe->relay_loss;
  path->peer_loss_at = now;
}

WzpResult
wzp_path_probe(WzpPath *path, WzpTime now, uint16_t k, const uint8_t *data, size_t length)
{
  WzpPathProbe probe, pong;
  WzpPathAttempt *attempt = wzp_path_attempt(path, k);
  if (attempt == NULL)
    return WZP_UNKNOWN_SESSION;
  WzpResult result =
      wzp_path_probe_open(&probe, path->config.receive_key, k, &attempt->window, data, length);
  if (result != WZP_OK)
    return result;
  path->stats.probes_received++;
  attempt->heard = now;
  wzp_path_loss_add(&attempt->loss, &attempt->probe_numbers, now, (uint16_t)probe.seq);
  take_word(path, now, attempt, &probe);
  if (probe.pong) {
    take_pong(attempt, now, &probe);
  } else {
    pong = (WzpPathProbe){.pong = true, .echoed = probe.seq, .time = probe.time};
    send_probe(path, now, attempt, &pong);
  }
  /* the other one can send: so can we */
  attempt->next_ping = MIN(attempt->next_ping, attempt->n_pings == 0 ? now : WZP_NEVER);
  wzp_path_handle_timeout(path, now);
  return WZP_OK;
}

static WzpTime
patience(const WzpPathAttempt *attempt)
{
  return MAX(WZP_SECOND, 4 * attempt->round_trip);
}

bool
wzp_path_attempt_is_good(const WzpPathAttempt *attempt, WzpTime now)
{
  unsigned answered = 0, judged = 0;
  for (unsigned n = attempt->n_pings; n-- > 0 && judged < JUDGED_PINGS;) {
    if (attempt->n_pings - n > WZP_PATH_PINGS)
      break;
    const WzpPathPing *one = &attempt->pings[n % WZP_PATH_PINGS];
    if (!one->answered && now - one->sent < patience(attempt))
      continue; /* may still come */
    judged++;
    answered += one->answered;
  }
  return attempt->lan ? answered > 0 && 2 * answered >= judged : answered >= GOOD_ANSWERS;
}

/* --- Reports --- */

static uint16_t
milliseconds(WzpTime time)
{
  if (time < 0)
    return WZP_PATH_ROUND_TRIP_UNKNOWN;
  return (uint16_t)MIN(time / WZP_MSEC, WZP_PATH_ROUND_TRIP_UNKNOWN - 1);
}

static bool
changed_much(WzpTime before, WzpTime now)
{
  return ABS(now - before) > MAX(before / 5, 10 * WZP_MSEC);
}

void
wzp_path_attempt_report(WzpPath *path, WzpTime now, WzpPathAttempt *attempt, uint8_t flags)
{
  WzpTime round_trip = path->hop_round_trip;
  bool news = !attempt->reported ? flags != 0 : flags != attempt->reported_flags;
  bool slower = attempt->reported && now - attempt->reported_at >= REPORT_EVERY &&
                changed_much(attempt->reported_round_trip, round_trip);
  if (!news && !slower)
    return;
  attempt->reported = true;
  attempt->reported_flags = flags;
  attempt->reported_round_trip = round_trip;
  attempt->reported_at = now;
  const WzpPathMessage message = {.type = WZP_PATH_REPORT,
                                  .k = attempt->k,
                                  .flags = flags,
                                  .round_trip = milliseconds(attempt->round_trip),
                                  .hop_round_trip = milliseconds(round_trip)};
  push_message(path, &message);
}

/* --- Time --- */

void
wzp_path_attempt_timeout(WzpPath *path, WzpTime now, WzpPathAttempt *attempt)
{
  if (!attempt->in_use)
    return;
  if (now >= attempt->tell_at)
    tell_candidates(path, attempt);
  if (now >= attempt->next_ping)
    ping(path, now, attempt);
}

WzpTime
wzp_path_attempt_next_timeout(const WzpPathAttempt *attempt)
{
  return attempt->in_use ? MIN(attempt->tell_at, attempt->next_ping) : WZP_NEVER;
}
