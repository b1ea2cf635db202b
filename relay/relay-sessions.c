/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-sessions.h"
#include "relay-tally.h"
#include "wzp/auth.h"
#include <sodium.h>
#include <string.h>

struct RelaySessions {
  unsigned capacity;
  RelaySession *table;
  /* free indices, first in first out, so that an index rests as long as possible */
  uint32_t *free_ring;
  unsigned free_head, n_free;
  GHashTable *by_hs1; /* the sessions themselves, by address and digest */
  uint8_t hash_key[crypto_shorthash_KEYBYTES];
  WzpRandom random;
  GQueue half_open; /* oldest first */
  GQueue dirty;
  unsigned n_open;
  RelayTally *per_identity, *per_address, *others; /* others: by address, too */
  RelayTimers *timers;
};

static guint
session_hash(gconstpointer key)
{
  return ((const RelaySession *)key)->hash;
}

static gboolean
session_equal(gconstpointer a, gconstpointer b)
{
  const RelaySession *left = a, *right = b;

  return memcmp(left->hs1_digest, right->hs1_digest, sizeof left->hs1_digest) == 0 &&
         wzp_address_equal(&left->hs1_address, &right->hs1_address);
}

RelaySessions *
relay_sessions_new(const RelayLimits *limits, const WzpRandom *random)
{
  RelaySessions *sessions = g_new0(RelaySessions, 1);
  unsigned i;

  sessions->capacity = relay_sid_capacity(limits);
  sessions->table = g_new0(RelaySession, sessions->capacity);
  sessions->free_ring = g_new(uint32_t, sessions->capacity);
  for (i = 0; i < sessions->capacity; i++)
    sessions->free_ring[i] = i;
  sessions->n_free = sessions->capacity;
  sessions->by_hs1 = g_hash_table_new(session_hash, session_equal);
  sessions->random = *random;
  wzp_random_fill(random, sessions->hash_key, sizeof sessions->hash_key);
  g_queue_init(&sessions->half_open);
  g_queue_init(&sessions->dirty);
  sessions->per_identity = relay_tally_new();
  sessions->per_address = relay_tally_new();
  sessions->others = relay_tally_new();
  sessions->timers = relay_timers_new(sessions->capacity);
  return sessions;
}

void
relay_sessions_free(RelaySessions *sessions)
{
  unsigned i;

  if (sessions == NULL)
    return;
  for (i = 0; i < sessions->capacity; i++) {
    if (sessions->table[i].state != RELAY_SESSION_FREE)
      relay_sessions_remove(sessions, &sessions->table[i]);
  }
  g_hash_table_unref(sessions->by_hs1);
  relay_tally_free(sessions->per_identity);
  relay_tally_free(sessions->per_address);
  relay_tally_free(sessions->others);
  relay_timers_free(sessions->timers);
  g_free(sessions->free_ring);
  g_free(sessions->table);
  sodium_memzero(sessions->hash_key, sizeof sessions->hash_key);
  g_free(sessions);
}

size_t
relay_address_key(const WzpAddress *address, uint8_t key[RELAY_ADDRESS_KEY_MAX])
{
  size_t length = address->family == 4 ? 4 : 8;

  key[0] = address->family;
  memcpy(key + 1, address->bytes, length);
  return 1 + length;
}

/* Keyed, so that nobody can make up HS1s that fall into one chain of the table. */
static uint32_t
hs1_hash(const RelaySessions *sessions, const WzpAddress *from, const uint8_t digest[32])
{
  uint8_t input[2 + 16 + 32], output[crypto_shorthash_BYTES];
  uint32_t hash;

  input[0] = (uint8_t)(from->port >> 8);
  input[1] = (uint8_t)from->port;
  memcpy(input + 2, from->bytes, 16);
  memcpy(input + 18, digest, 32);
  crypto_shorthash(output, input, sizeof input, sessions->hash_key);
  memcpy(&hash, output, sizeof hash);
  return hash;
}

RelaySession *
relay_sessions_find_hs1(RelaySessions *sessions, const WzpAddress *from,
                        const uint8_t hs1_digest[32])
{
  RelaySession key = {0};

  key.hs1_address = *from;
  memcpy(key.hs1_digest, hs1_digest, sizeof key.hs1_digest);
  key.hash = hs1_hash(sessions, from, hs1_digest);
  return g_hash_table_lookup(sessions->by_hs1, &key);
}

RelaySession *
relay_sessions_add_half_open(RelaySessions *sessions, WzpTime now, const WzpAddress *from,
                             const uint8_t hs1_digest[32], bool *evicted)
{
  RelaySession *session;
  uint32_t index, random;
  WzpWriter writer;

  *evicted = sessions->half_open.length >= RELAY_HALF_OPEN_MAX;
  if (*evicted)
    relay_sessions_remove(sessions, sessions->half_open.head->data);
  /* closing sessions may hold the places that are kept for half-open ones */
  if (sessions->n_free == 0)
    return NULL;
  index = sessions->free_ring[sessions->free_head];
  sessions->free_head = (sessions->free_head + 1) % sessions->capacity;
  sessions->n_free--;

  session = &sessions->table[index];
  memset(session, 0, sizeof *session);
  session->state = RELAY_SESSION_HALF_OPEN;
  session->index = index;
  wzp_random_fill(&sessions->random, &random, sizeof random);
  session->sid = relay_sid_make(index, random, sessions->capacity);
  wzp_writer_init(&writer, session->cid, sizeof session->cid);
  wzp_random_fill(&sessions->random, wzp_writer_reserve(&writer, 4), 4);
  wzp_writer_u32(&writer, session->sid);
  session->address = session->hs1_address = *from;
  memcpy(session->hs1_digest, hs1_digest, sizeof session->hs1_digest);
  session->hash = hs1_hash(sessions, from, hs1_digest);
  session->since = now;
  session->half_open_link.data = session;
  session->dirty_link.data = session;
  session->token_link.data = session;
  g_queue_push_tail_link(&sessions->half_open, &session->half_open_link);
  g_hash_table_add(sessions->by_hs1, session);
  return session;
}

static RelaySession *
find_sid(RelaySessions *sessions, uint32_t sid)
{
  unsigned index = relay_sid_index(sid, sessions->capacity);
  RelaySession *session;

  if (index >= sessions->capacity)
    return NULL;
  session = &sessions->table[index];
  return session->state != RELAY_SESSION_FREE && session->sid == sid ? session : NULL;
}

RelaySession *
relay_sessions_find_trailer(RelaySessions *sessions, const uint8_t *data, size_t length)
{
  WzpReader reader;

  if (length < WZP_TRAILER_SIZE)
    return NULL;
  wzp_reader_init(&reader, data + length - WZP_TRAILER_SIZE, 4);
  return find_sid(sessions, wzp_reader_u32(&reader));
}

RelaySession *
relay_sessions_find_cid(RelaySessions *sessions, const uint8_t cid[WZP_CID_SIZE])
{
  WzpReader reader;
  RelaySession *session;

  wzp_reader_init(&reader, cid + WZP_CID_SIZE - 4, 4);
  session = find_sid(sessions, wzp_reader_u32(&reader));
  if (session == NULL || sodium_memcmp(session->cid, cid, WZP_CID_SIZE) != 0)
    return NULL;
  return session;
}

RelaySession *
relay_sessions_get(RelaySessions *sessions, unsigned index)
{
  g_assert(index < sessions->capacity);
  return &sessions->table[index];
}

void
relay_sessions_open(RelaySessions *sessions, RelaySession *session, WzpTime now)
{
  uint8_t key[RELAY_ADDRESS_KEY_MAX];

  g_assert(session->state == RELAY_SESSION_HALF_OPEN);
  g_queue_unlink(&sessions->half_open, &session->half_open_link);
  session->state = RELAY_SESSION_OPEN;
  session->since = now;
  session->counted = true;
  sessions->n_open++;
  relay_tally_add(sessions->per_identity, session->identity, sizeof session->identity);
  relay_tally_add(sessions->per_address, key, relay_address_key(&session->address, key));
}

void
relay_sessions_move(RelaySessions *sessions, RelaySession *session, const WzpAddress *address)
{
  uint8_t key[RELAY_ADDRESS_KEY_MAX];

  g_assert(session->counted);
  relay_tally_remove(sessions->per_address, key, relay_address_key(&session->address, key));
  session->address = *address;
  relay_tally_add(sessions->per_address, key, relay_address_key(&session->address, key));
}

static void
forget_other(RelaySessions *sessions, RelaySession *session)
{
  uint8_t key[RELAY_ADDRESS_KEY_MAX];

  if (session->other_address.family != 0)
    relay_tally_remove(sessions->others, key, relay_address_key(&session->other_address, key));
  session->other_address.family = 0;
}

void
relay_sessions_note_other(RelaySessions *sessions, RelaySession *session, const WzpAddress *address)
{
  uint8_t key[RELAY_ADDRESS_KEY_MAX];

  g_assert(session->counted);
  forget_other(sessions, session);
  session->other_address = *address;
  relay_tally_add(sessions->others, key, relay_address_key(address, key));
}

bool
relay_sessions_is_home(const RelaySessions *sessions, const WzpAddress *address)
{
  uint8_t key[RELAY_ADDRESS_KEY_MAX];
  size_t length = relay_address_key(address, key);

  return relay_tally_count(sessions->per_address, key, length) > 0 ||
         relay_tally_count(sessions->others, key, length) > 0;
}

static void
uncount(RelaySessions *sessions, RelaySession *session)
{
  uint8_t key[RELAY_ADDRESS_KEY_MAX];

  if (!session->counted)
    return;
  session->counted = false;
  sessions->n_open--;
  forget_other(sessions, session);
  relay_tally_remove(sessions->per_identity, session->identity, sizeof session->identity);
  relay_tally_remove(sessions->per_address, key, relay_address_key(&session->address, key));
}

void
relay_sessions_close(RelaySessions *sessions, RelaySession *session, WzpTime now)
{
  g_assert(session->state == RELAY_SESSION_OPEN);
  uncount(sessions, session);
  session->state = RELAY_SESSION_CLOSING;
  session->since = now;
}

void
relay_sessions_remove(RelaySessions *sessions, RelaySession *session)
{
  g_assert(session->state != RELAY_SESSION_FREE);
  if (session->state == RELAY_SESSION_HALF_OPEN)
    g_queue_unlink(&sessions->half_open, &session->half_open_link);
  uncount(sessions, session);
  relay_sessions_clear_dirty(sessions, session);
  relay_timers_set(sessions->timers, session->index, WZP_NEVER);
  g_hash_table_remove(sessions->by_hs1, session);
  wzp_responder_free(session->responder);
  wzp_control_free(session->control);
  wzp_token_free(session->token);
  g_clear_pointer(&session->held, g_bytes_unref);
  sessions->free_ring[(sessions->free_head + sessions->n_free) % sessions->capacity] =
      session->index;
  sessions->n_free++;
  sodium_memzero(session, sizeof *session);
}

unsigned
relay_sessions_n_half_open(const RelaySessions *sessions)
{
  return sessions->half_open.length;
}

unsigned
relay_sessions_n_open(const RelaySessions *sessions)
{
  return sessions->n_open;
}

unsigned
relay_sessions_n_identity(const RelaySessions *sessions, const uint8_t identity[32])
{
  return relay_tally_count(sessions->per_identity, identity, 32);
}

unsigned
relay_sessions_n_address(const RelaySessions *sessions, const WzpAddress *address)
{
  uint8_t key[RELAY_ADDRESS_KEY_MAX];

  return relay_tally_count(sessions->per_address, key, relay_address_key(address, key));
}

unsigned
relay_sessions_capacity(const RelaySessions *sessions)
{
  return sessions->capacity;
}

RelayTimers *
relay_sessions_timers(RelaySessions *sessions)
{
  return sessions->timers;
}

void
relay_sessions_mark_dirty(RelaySessions *sessions, RelaySession *session)
{
  if (session->dirty)
    return;
  session->dirty = true;
  g_queue_push_tail_link(&sessions->dirty, &session->dirty_link);
}

RelaySession *
relay_sessions_first_dirty(RelaySessions *sessions)
{
  return g_queue_peek_head(&sessions->dirty);
}

void
relay_sessions_clear_dirty(RelaySessions *sessions, RelaySession *session)
{
  if (!session->dirty)
    return;
  session->dirty = false;
  g_queue_unlink(&sessions->dirty, &session->dirty_link);
}
