/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-tally.h"
#include <glib.h>

struct RelayTally {
  GHashTable *counts; /* GBytes -> unsigned */
};

RelayTally *
relay_tally_new(void)
{
  RelayTally *tally = g_new0(RelayTally, 1);

  tally->counts =
      g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
  return tally;
}

void
relay_tally_free(RelayTally *tally)
{
  if (tally == NULL)
    return;
  g_hash_table_unref(tally->counts);
  g_free(tally);
}

static void
set_count(RelayTally *tally, const void *key, size_t length, unsigned count)
{
  GBytes *bytes = g_bytes_new(key, length);

  if (count > 0) {
    g_hash_table_replace(tally->counts, bytes, GUINT_TO_POINTER(count));
    return;
  }
  g_hash_table_remove(tally->counts, bytes);
  g_bytes_unref(bytes);
}

void
relay_tally_add(RelayTally *tally, const void *key, size_t length)
{
  set_count(tally, key, length, relay_tally_count(tally, key, length) + 1);
}

void
relay_tally_remove(RelayTally *tally, const void *key, size_t length)
{
  unsigned count = relay_tally_count(tally, key, length);

  g_assert(count > 0);
  set_count(tally, key, length, count - 1);
}

unsigned
relay_tally_count(const RelayTally *tally, const void *key, size_t length)
{
  GBytes *bytes = g_bytes_new_static(key, length);
  unsigned count = GPOINTER_TO_UINT(g_hash_table_lookup(tally->counts, bytes));

  g_bytes_unref(bytes);
  return count;
}
