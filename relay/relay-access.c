/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-access.h"
#include "wzp/bytes.h"
#include <string.h>

#define ROOM_NAME_MAX 255

typedef struct {
  char *name; /* NULL: id is given */
  uint8_t id[32];
  bool everybody;
  GHashTable *allowed; /* GBytes: fingerprints */
} Rule;

struct RelayAccess {
  bool open;
  GPtrArray *rules;
  GHashTable *by_id; /* GBytes -> Rule */
};

static void
rule_free(void *data)
{
  Rule *rule = data;

  g_hash_table_unref(rule->allowed);
  g_free(rule->name);
  g_free(rule);
}

static GHashTable *
bytes_table(void)
{
  return g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
}

RelayAccess *
relay_access_new(void)
{
  RelayAccess *access = g_new0(RelayAccess, 1);

  access->open = true;
  access->rules = g_ptr_array_new_with_free_func(rule_free);
  access->by_id = bytes_table();
  return access;
}

void
relay_access_free(RelayAccess *access)
{
  if (access == NULL)
    return;
  g_hash_table_unref(access->by_id);
  g_ptr_array_unref(access->rules);
  g_free(access);
}

void
relay_access_set_open(RelayAccess *access, bool open)
{
  access->open = open;
}

static Rule *
add_rule(RelayAccess *access)
{
  Rule *rule = g_new0(Rule, 1);

  rule->allowed = bytes_table();
  g_ptr_array_add(access->rules, rule);
  return rule;
}

bool
relay_access_add_name(RelayAccess *access, const char *name)
{
  size_t length = strlen(name);
  unsigned i;

  if (length == 0 || length > ROOM_NAME_MAX)
    return false;
  for (i = 0; i < access->rules->len; i++) {
    if (g_strcmp0(((Rule *)access->rules->pdata[i])->name, name) == 0)
      return false;
  }
  add_rule(access)->name = g_strdup(name);
  return true;
}

bool
relay_access_add_id(RelayAccess *access, const char *id)
{
  uint8_t bytes[32];
  unsigned i;

  if (!wzp_hex_read(bytes, sizeof bytes, id))
    return false;
  for (i = 0; i < access->rules->len; i++) {
    const Rule *rule = access->rules->pdata[i];

    if (rule->name == NULL && memcmp(rule->id, bytes, sizeof bytes) == 0)
      return false;
  }
  memcpy(add_rule(access)->id, bytes, sizeof bytes);
  return true;
}

bool
relay_access_allow(RelayAccess *access, const char *list, char **wrong)
{
  char **words = g_strsplit_set(list, ",; \t", -1);
  Rule *rule;
  bool good = true;
  unsigned i;

  g_assert(access->rules->len > 0);
  rule = access->rules->pdata[access->rules->len - 1];
  for (i = 0; good && words[i] != NULL; i++) {
    uint8_t fingerprint[WZP_FINGERPRINT_SIZE];

    if (*words[i] == '\0')
      continue;
    if (strcmp(words[i], "*") == 0) {
      rule->everybody = true;
    } else if (wzp_fingerprint_parse(fingerprint, words[i])) {
      g_hash_table_add(rule->allowed, g_bytes_new(fingerprint, sizeof fingerprint));
    } else {
      *wrong = g_strdup(words[i]);
      good = false;
    }
  }
  g_strfreev(words);
  return good;
}

bool
relay_access_bind(RelayAccess *access, const uint8_t relay_key[32])
{
  unsigned i;

  g_hash_table_remove_all(access->by_id);
  for (i = 0; i < access->rules->len; i++) {
    Rule *rule = access->rules->pdata[i];
    WzpRoomSecret secret;

    if (rule->name != NULL) {
      wzp_room_secret_open(&secret, rule->name);
      wzp_room_id(rule->id, &secret, relay_key);
    }
    if (!g_hash_table_insert(access->by_id, g_bytes_new(rule->id, sizeof rule->id), rule))
      return false;
  }
  return true;
}

unsigned
relay_access_n_rules(const RelayAccess *access)
{
  return access->rules->len;
}

bool
relay_access_allows(const RelayAccess *access, const uint8_t room_id[32],
                    const uint8_t fingerprint[WZP_FINGERPRINT_SIZE])
{
  GBytes *key = g_bytes_new_static(room_id, 32);
  const Rule *rule = g_hash_table_lookup(access->by_id, key);
  bool allowed;

  g_bytes_unref(key);
  if (rule == NULL)
    return access->open;
  if (rule->everybody)
    return true;
  key = g_bytes_new_static(fingerprint, WZP_FINGERPRINT_SIZE);
  allowed = g_hash_table_contains(rule->allowed, key);
  g_bytes_unref(key);
  return allowed;
}
