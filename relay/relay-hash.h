/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>
#include <string.h>

/* For GHashTable, of keys that begin with what a hash or a generator gave: any bytes of those are as good as a hash. Where a
 * client makes them up it can make them alike; how many it may have is limited elsewhere. */
static inline guint
relay_hash_first(gconstpointer key)
{
  guint hash;

  memcpy(&hash, key, sizeof hash);
  return hash;
}
