/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-calls.h"
#include "relay-bucket.h"
#include "relay-hash.h"
#include "relay-tally.h"
#include <string.h>

/* Pairs of who calls whom that are remembered for their attempts; the one that tried least lately gives way. */
#define PAIRS_MAX 4096
#define MINUTE 60

typedef struct {
  uint8_t from_to[2 * WZP_FINGERPRINT_SIZE];
  RelayBucket attempts; /* in sixtieths */
  GList link;
} Pair;

typedef struct {
  uint32_t session;
  uint8_t instance[WZP_CALL_INSTANCE_SIZE];
} Place;

typedef struct {
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE];
  GArray *places; /* Place, the newest last */
} Listener;

struct RelayCalls {
  RelayLimits limits;
  GHashTable *by_route; /* RelayCall, its own key */
  GQueue by_use;        /* the least lately used first */
  RelayTally *ringing;  /* by fingerprint */
  GHashTable *listeners;
  GHashTable *pairs;
  GQueue pairs_by_use;
};

static guint
pair_hash(gconstpointer key)
{
  const uint8_t *bytes = key;
  return relay_hash_first(bytes) ^ relay_hash_first(bytes + WZP_FINGERPRINT_SIZE) * 31;
}

static gboolean
route_equal(gconstpointer a, gconstpointer b)
{
  return memcmp(a, b, WZP_CALL_ROUTE_SIZE) == 0;
}

static gboolean
pair_equal(gconstpointer a, gconstpointer b)
{
  return memcmp(a, b, 2 * WZP_FINGERPRINT_SIZE) == 0;
}

static gboolean
fingerprint_equal(gconstpointer a, gconstpointer b)
{
  return memcmp(a, b, WZP_FINGERPRINT_SIZE) == 0;
}

static void
listener_free(gpointer data)
{
  Listener *listener = data;

  g_array_unref(listener->places);
  g_free(listener);
}

RelayCalls *
relay_calls_new(const RelayLimits *limits)
{
  RelayCalls *calls = g_new0(RelayCalls, 1);

  calls->limits = *limits;
  calls->by_route = g_hash_table_new_full(relay_hash_first, route_equal, NULL, g_free);
  calls->ringing = relay_tally_new();
  calls->listeners =
      g_hash_table_new_full(relay_hash_first, fingerprint_equal, NULL, listener_free);
  calls->pairs = g_hash_table_new_full(pair_hash, pair_equal, NULL, g_free);
  g_queue_init(&calls->by_use);
  g_queue_init(&calls->pairs_by_use);
  return calls;
}

void
relay_calls_free(RelayCalls *calls)
{
  if (calls == NULL)
    return;
  g_hash_table_unref(calls->by_route);
  g_hash_table_unref(calls->listeners);
  g_hash_table_unref(calls->pairs);
  relay_tally_free(calls->ringing);
  g_free(calls);
}

unsigned
relay_calls_count(const RelayCalls *calls)
{
  return g_hash_table_size(calls->by_route);
}

/* --- who listens --- */

void
relay_calls_listen(RelayCalls *calls, const uint8_t fingerprint[WZP_FINGERPRINT_SIZE],
                   const uint8_t instance[WZP_CALL_INSTANCE_SIZE], uint32_t session)
{
  Place place = {.session = session};
  Listener *listener;

  memcpy(place.instance, instance, sizeof place.instance);
  relay_calls_unlisten(calls, fingerprint, session);
  listener = g_hash_table_lookup(calls->listeners, fingerprint);
  if (listener == NULL) {
    listener = g_new0(Listener, 1);
    memcpy(listener->fingerprint, fingerprint, WZP_FINGERPRINT_SIZE);
    listener->places = g_array_new(FALSE, FALSE, sizeof(Place));
    g_hash_table_insert(calls->listeners, listener->fingerprint, listener);
  }
  g_array_append_val(listener->places, place);
}

void
relay_calls_unlisten(RelayCalls *calls, const uint8_t fingerprint[WZP_FINGERPRINT_SIZE],
                     uint32_t session)
{
  Listener *listener = g_hash_table_lookup(calls->listeners, fingerprint);
  unsigned i;

  if (listener == NULL)
    return;
  for (i = listener->places->len; i-- > 0;) {
    if (g_array_index(listener->places, Place, i).session == session)
      g_array_remove_index(listener->places, i);
  }
  if (listener->places->len == 0)
    g_hash_table_remove(calls->listeners, fingerprint);
}

uint32_t
relay_calls_listener(const RelayCalls *calls, const uint8_t fingerprint[WZP_FINGERPRINT_SIZE])
{
  const Listener *listener = g_hash_table_lookup(calls->listeners, fingerprint);

  return listener != NULL
             ? g_array_index(listener->places, Place, listener->places->len - 1).session
             : RELAY_NO_SESSION;
}

uint32_t
relay_calls_instance(const RelayCalls *calls, const uint8_t fingerprint[WZP_FINGERPRINT_SIZE],
                     const uint8_t instance[WZP_CALL_INSTANCE_SIZE])
{
  const Listener *listener = g_hash_table_lookup(calls->listeners, fingerprint);
  unsigned i;

  for (i = 0; listener != NULL && i < listener->places->len; i++) {
    const Place *place = &g_array_index(listener->places, Place, i);

    if (memcmp(place->instance, instance, sizeof place->instance) == 0)
      return place->session;
  }
  return RELAY_NO_SESSION;
}

/* --- limits --- */

static bool
may_attempt(RelayCalls *calls, WzpTime now, const uint8_t *from, const uint8_t *to)
{
  const unsigned rate = calls->limits.call_attempts_per_minute;
  uint8_t from_to[2 * WZP_FINGERPRINT_SIZE];
  Pair *pair;

  memcpy(from_to, from, WZP_FINGERPRINT_SIZE);
  memcpy(from_to + WZP_FINGERPRINT_SIZE, to, WZP_FINGERPRINT_SIZE);
  pair = g_hash_table_lookup(calls->pairs, from_to);
  if (pair != NULL) {
    g_queue_unlink(&calls->pairs_by_use, &pair->link);
  } else {
    if (calls->pairs_by_use.length >= PAIRS_MAX) {
      Pair *oldest = g_queue_pop_head_link(&calls->pairs_by_use)->data;
      g_hash_table_remove(calls->pairs, oldest->from_to);
    }
    pair = g_new0(Pair, 1);
    memcpy(pair->from_to, from_to, sizeof from_to);
    pair->link.data = pair;
    relay_bucket_init(&pair->attempts, now, rate * MINUTE);
    g_hash_table_insert(calls->pairs, pair->from_to, pair);
  }
  g_queue_push_tail_link(&calls->pairs_by_use, &pair->link);
  return relay_bucket_take(&pair->attempts, now, rate, rate * MINUTE, MINUTE);
}

static bool
may_ring(const RelayCalls *calls, const uint8_t *fingerprint)
{
  return relay_tally_count(calls->ringing, fingerprint, WZP_FINGERPRINT_SIZE) <
         calls->limits.max_ringing_per_identity;
}

/* --- calls --- */

const uint8_t *
relay_call_party(const RelayCall *call, RelayCallSide side)
{
  return side == RELAY_CALLER ? call->route.caller : call->route.callee;
}

RelayCall *
relay_calls_find(const RelayCalls *calls, const WzpCallRoute *route)
{
  return g_hash_table_lookup(calls->by_route, route);
}

RelayCall *
relay_calls_add(RelayCalls *calls, WzpTime now, const WzpCallRoute *route, RelayCallSide side,
                WzpCallStatus *status)
{
  const uint8_t *from = side == RELAY_CALLER ? route->caller : route->callee;
  const uint8_t *to = side == RELAY_CALLER ? route->callee : route->caller;
  RelayCall *call;

  if (!may_attempt(calls, now, from, to) || !may_ring(calls, from)) {
    *status = WZP_CALL_LIMITED;
    return NULL;
  }
  if (!may_ring(calls, to)) {
    *status = WZP_CALL_BUSY;
    return NULL;
  }
  call = g_new0(RelayCall, 1);
  call->route = *route;
  call->sessions[RELAY_CALLER] = call->sessions[RELAY_CALLEE] = RELAY_NO_SESSION;
  call->ringing = true;
  relay_tally_add(calls->ringing, route->caller, WZP_FINGERPRINT_SIZE);
  relay_tally_add(calls->ringing, route->callee, WZP_FINGERPRINT_SIZE);
  call->used = now;
  call->link.data = call;
  g_queue_push_tail_link(&calls->by_use, &call->link);
  g_hash_table_insert(calls->by_route, &call->route, call);
  return call;
}

void
relay_calls_used(RelayCalls *calls, WzpTime now, RelayCall *call)
{
  call->used = now;
  g_queue_unlink(&calls->by_use, &call->link);
  g_queue_push_tail_link(&calls->by_use, &call->link);
}

void
relay_calls_answered(RelayCalls *calls, RelayCall *call)
{
  if (!call->ringing)
    return;
  call->ringing = false;
  relay_tally_remove(calls->ringing, call->route.caller, WZP_FINGERPRINT_SIZE);
  relay_tally_remove(calls->ringing, call->route.callee, WZP_FINGERPRINT_SIZE);
}

void
relay_calls_remove(RelayCalls *calls, RelayCall *call)
{
  g_assert(!call->has_room);
  relay_calls_answered(calls, call);
  g_queue_unlink(&calls->by_use, &call->link);
  g_hash_table_remove(calls->by_route, &call->route);
}

RelayCall *
relay_calls_idle(RelayCalls *calls, WzpTime now)
{
  RelayCall *call;

  while ((call = g_queue_peek_head(&calls->by_use)) != NULL) {
    if (now - call->used < RELAY_CALL_IDLE)
      return NULL;
    if (!call->media[RELAY_CALLER] || !call->media[RELAY_CALLEE])
      return call;
    relay_calls_used(calls, now, call);
  }
  return NULL;
}
