/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-auth.h"
#include "relay-hash.h"
#include "relay-sessions.h"
#include "relay-tally.h"
#include "wzp/json-object.h"
#include "wzp/kdf.h"
#include <string.h>

typedef struct {
  uint8_t hash[32]; /* first: relay_hash_first() */
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE];
  WzpTime until;
  GList link;
} Memory;

typedef struct {
  RelayCheck check; /* id 0: free */
  WzpAddress address;
} Slot;

struct RelayAuth {
  unsigned max_checks, max_per_address;
  Slot *slots;
  unsigned n_checks;
  uint64_t last_id;
  RelayTally *per_address;
  GHashTable *by_hash; /* of Memory */
  GQueue by_age;       /* the oldest first; all live equally long */
};

static gboolean
memory_equal(gconstpointer a, gconstpointer b)
{
  return memcmp(((const Memory *)a)->hash, ((const Memory *)b)->hash, 32) == 0;
}

RelayAuth *
relay_auth_new(const RelayLimits *limits)
{
  RelayAuth *auth = g_new0(RelayAuth, 1);

  auth->max_checks = limits->max_token_checks;
  auth->max_per_address = limits->max_token_checks_per_ip;
  auth->slots = g_new0(Slot, auth->max_checks);
  auth->per_address = relay_tally_new();
  auth->by_hash = g_hash_table_new_full(relay_hash_first, memory_equal, NULL, g_free);
  g_queue_init(&auth->by_age);
  return auth;
}

void
relay_auth_free(RelayAuth *auth)
{
  if (auth == NULL)
    return;
  g_hash_table_unref(auth->by_hash);
  relay_tally_free(auth->per_address);
  g_free(auth->slots);
  g_free(auth);
}

void
relay_auth_hash(uint8_t hash[32], const char *token)
{
  wzp_sha256(hash, token, strlen(token));
}

/* --- memory --- */

static void
forget(RelayAuth *auth, Memory *memory)
{
  g_queue_unlink(&auth->by_age, &memory->link);
  g_hash_table_remove(auth->by_hash, memory);
}

static void
forget_old(RelayAuth *auth, WzpTime now)
{
  Memory *oldest;

  while ((oldest = g_queue_peek_head(&auth->by_age)) != NULL && oldest->until <= now)
    forget(auth, oldest);
}

static Memory *
find_memory(RelayAuth *auth, const uint8_t hash[32])
{
  Memory key;

  memcpy(key.hash, hash, sizeof key.hash);
  return g_hash_table_lookup(auth->by_hash, &key);
}

bool
relay_auth_recall(RelayAuth *auth, WzpTime now, const uint8_t hash[32],
                  uint8_t fingerprint[WZP_FINGERPRINT_SIZE])
{
  const Memory *memory;

  forget_old(auth, now);
  memory = find_memory(auth, hash);
  if (memory == NULL)
    return false;
  memcpy(fingerprint, memory->fingerprint, sizeof memory->fingerprint);
  return true;
}

static void
remember(RelayAuth *auth, WzpTime now, const uint8_t hash[32],
         const uint8_t fingerprint[WZP_FINGERPRINT_SIZE])
{
  Memory *memory = find_memory(auth, hash);

  if (memory != NULL)
    forget(auth, memory);
  if (auth->by_age.length >= RELAY_TOKENS_REMEMBERED)
    forget(auth, g_queue_peek_head(&auth->by_age));
  memory = g_new0(Memory, 1);
  memcpy(memory->hash, hash, sizeof memory->hash);
  memcpy(memory->fingerprint, fingerprint, sizeof memory->fingerprint);
  memory->until = now + RELAY_TOKEN_MEMORY;
  memory->link.data = memory;
  g_queue_push_tail_link(&auth->by_age, &memory->link);
  g_hash_table_add(auth->by_hash, memory);
}

/* --- checks --- */

bool
relay_auth_has_room(const RelayAuth *auth, const WzpAddress *address)
{
  uint8_t key[RELAY_ADDRESS_KEY_MAX];
  size_t length = relay_address_key(address, key);

  return auth->n_checks < auth->max_checks &&
         relay_tally_count(auth->per_address, key, length) < auth->max_per_address;
}

static Slot *
find_slot(RelayAuth *auth, uint64_t id)
{
  unsigned i;

  for (i = 0; i < auth->max_checks; i++) {
    if (auth->slots[i].check.id == id)
      return &auth->slots[i];
  }
  return NULL;
}

uint64_t
relay_auth_begin(RelayAuth *auth, WzpTime now, const WzpAddress *address, uint32_t session,
                 uint32_t sid, const uint8_t hash[32])
{
  uint8_t key[RELAY_ADDRESS_KEY_MAX];
  Slot *slot = find_slot(auth, 0);

  g_assert(slot != NULL);
  relay_tally_add(auth->per_address, key, relay_address_key(address, key));
  auth->n_checks++;
  slot->address = *address;
  slot->check = (RelayCheck){.id = ++auth->last_id, .session = session, .sid = sid, .began = now};
  memcpy(slot->check.hash, hash, sizeof slot->check.hash);
  return slot->check.id;
}

bool
relay_auth_end(RelayAuth *auth, WzpTime now, uint64_t id, RelayTokenVerdict verdict,
               const uint8_t fingerprint[WZP_FINGERPRINT_SIZE], RelayCheck *check)
{
  uint8_t key[RELAY_ADDRESS_KEY_MAX];
  Slot *slot = id != 0 ? find_slot(auth, id) : NULL;

  if (slot == NULL)
    return false;
  *check = slot->check;
  relay_tally_remove(auth->per_address, key, relay_address_key(&slot->address, key));
  auth->n_checks--;
  memset(slot, 0, sizeof *slot);
  if (verdict == RELAY_TOKEN_GOOD)
    remember(auth, now, check->hash, fingerprint);
  return true;
}

/* --- the server's answer --- */

RelayTokenVerdict
relay_auth_read_answer(const void *text, size_t length, uint8_t fingerprint[WZP_FINGERPRINT_SIZE])
{
  RelayTokenVerdict verdict = RELAY_TOKEN_UNAVAILABLE;
  const char *owner;
  JsonParser *parser;
  JsonObject *object;
  JsonNode *valid;

  if (length > RELAY_AUTH_ANSWER_MAX)
    return RELAY_TOKEN_UNAVAILABLE;
  object = wzp_json_object_parse(&parser, text, length);
  if (object == NULL)
    return RELAY_TOKEN_UNAVAILABLE;
  valid = json_object_get_member(object, "valid");
  owner = wzp_json_object_string(object, "fingerprint");
  if (valid != NULL && JSON_NODE_HOLDS_VALUE(valid) &&
      json_node_get_value_type(valid) == G_TYPE_BOOLEAN) {
    if (!json_node_get_boolean(valid))
      verdict = RELAY_TOKEN_REFUSED;
    else if (owner != NULL && wzp_fingerprint_parse(fingerprint, owner))
      verdict = RELAY_TOKEN_GOOD;
  }
  g_object_unref(parser);
  return verdict;
}
