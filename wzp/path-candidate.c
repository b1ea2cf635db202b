/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "path-private.h"

/* Which addresses of ours the other side is told, and which of its own are tried. */

/* so that what is found at the same moment goes in one message */
#define GATHER_TIME (10 * WZP_MSEC)
#define REFLEXIVE_PREFERENCE 100u /* RFC 8445 section 5.1.2.2 */

static bool
both_symmetric(const WzpPath *path)
{
  return path->nat == WZP_NAT_SYMMETRIC && path->peer_nat == WZP_NAT_SYMMETRIC;
}

bool
wzp_path_is_blocked(const WzpPath *path)
{
  return both_symmetric(path) && !(path->has_v6 && path->peer_has_v6);
}

bool
wzp_path_is_worth(WzpPath *path, const WzpCandidate *candidate)
{
  /* what classes are told of is IPv4 */
  if (candidate->kind != WZP_CANDIDATE_REFLEXIVE || candidate->address.family != 4 ||
      !both_symmetric(path))
    return true;
  path->stats.not_tried++;
  return false;
}

bool
wzp_path_take_candidate(WzpPath *path, WzpPathAttempt *attempt, const WzpCandidate *candidate)
{
  path->peer_has_v6 |= candidate->address.family == 6;
  if (!wzp_path_is_worth(path, candidate))
    return true;
  if (attempt->n_theirs == WZP_CANDIDATES_MAX)
    return false;
  attempt->n_theirs++;
  wzp_path_push(path, WZP_PATH_AGENT_CANDIDATE, attempt->k)->candidate = *candidate;
  return true;
}

void
wzp_path_attempt_tell(WzpPathAttempt *attempt, WzpTime now)
{
  attempt->tell_at = MIN(attempt->tell_at, now + GATHER_TIME);
}

static void
add_candidate(WzpPath *path, WzpTime now, WzpPathAttempt *attempt, const WzpCandidate *candidate)
{
  if (attempt->n_candidates == WZP_CANDIDATES_MAX ||
      !wzp_address_is_reachable(&candidate->address) || !wzp_path_is_worth(path, candidate))
    return;
  for (unsigned i = 0; i < attempt->n_candidates; i++)
    if (wzp_address_equal(&attempt->candidates[i].address, &candidate->address))
      return; /* without a NAT an interface looks from outside as it is */
  path->has_v6 |= candidate->address.family == 6;
  attempt->candidates[attempt->n_candidates++] = *candidate;
  wzp_path_attempt_tell(attempt, now);
}

/* What the NAT made of the address of an interface, if it left its port alone. */
static void
learn_nat(WzpPath *path, const WzpPathAttempt *attempt, const WzpCandidate *reflexive)
{
  path->keeps_port = false;
  for (unsigned i = 0; i < attempt->n_candidates; i++) {
    const WzpCandidate *host = &attempt->candidates[i];
    if (host->kind != WZP_CANDIDATE_HOST || host->address.family != 4 ||
        host->address.port != reflexive->address.port)
      continue;
    path->keeps_port = true;
    path->inner = host->address;
    path->outer = reflexive->address;
  }
}

/* A NAT that left a port alone does so with most: what the relay will see of this one is told before it was asked. A wrong
 * guess costs the other side a check. */
static void
guess_reflexive(WzpPath *path, WzpTime now, WzpPathAttempt *attempt, const WzpCandidate *host)
{
  WzpAddress inner = path->inner;
  inner.port = host->address.port;
  if (!path->keeps_port || path->nat == WZP_NAT_SYMMETRIC ||
      !wzp_address_equal(&inner, &host->address))
    return;
  WzpCandidate guess = {.kind = WZP_CANDIDATE_REFLEXIVE,
                        .priority = (REFLEXIVE_PREFERENCE << 24) | (host->priority & 0xffffff),
                        .address = path->outer};
  guess.address.port = host->address.port;
  add_candidate(path, now, attempt, &guess);
}

void
wzp_path_local_candidate(WzpPath *path, WzpTime now, uint16_t k, const WzpCandidate *candidate)
{
  WzpPathAttempt *attempt = wzp_path_attempt(path, k);
  if (attempt == NULL)
    return;
  add_candidate(path, now, attempt, candidate);
  if (candidate->address.family != 4)
    return;
  if (candidate->kind == WZP_CANDIDATE_REFLEXIVE)
    learn_nat(path, attempt, candidate);
  else
    guess_reflexive(path, now, attempt, candidate);
}
