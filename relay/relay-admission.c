/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-admission.h"
#include "relay-bucket.h"
#include "relay-sessions.h"
#include <sodium.h>
#include <string.h>

#define N_BUCKETS 4096
#define COOKIE_KEY_LIFE (60 * WZP_SECOND)

struct RelayAdmission {
  RelayLimits limits;
  WzpRandom random;
  uint8_t hash_key[crypto_shorthash_KEYBYTES];
  RelayBucket unproven[N_BUCKETS], proven[N_BUCKETS], stun[N_BUCKETS];
  uint8_t cookie_key[32], previous_key[32];
  bool has_previous;
  WzpTime key_made;
  /* HS1 that asked for work, in this second and in the one before it */
  WzpTime second_began;
  unsigned this_second, last_second;
};

RelayAdmission *
relay_admission_new(const RelayLimits *limits, const WzpRandom *random, WzpTime now)
{
  RelayAdmission *admission = g_new0(RelayAdmission, 1);
  unsigned burst = 2 * limits->handshakes_per_second, i;

  admission->limits = *limits;
  admission->random = *random;
  wzp_random_fill(random, admission->hash_key, sizeof admission->hash_key);
  wzp_random_fill(random, admission->cookie_key, sizeof admission->cookie_key);
  admission->key_made = now;
  admission->second_began = now;
  for (i = 0; i < N_BUCKETS; i++) {
    relay_bucket_init(&admission->unproven[i], now, burst);
    relay_bucket_init(&admission->proven[i], now, burst);
    relay_bucket_init(&admission->stun[i], now, RELAY_STUN_PER_SECOND);
  }
  return admission;
}

void
relay_admission_free(RelayAdmission *admission)
{
  if (admission == NULL)
    return;
  sodium_memzero(admission, sizeof *admission);
  g_free(admission);
}

/* Two addresses may share a bucket; the key keeps others from choosing with whom. */
static unsigned
bucket_of(const RelayAdmission *admission, const WzpAddress *from)
{
  uint8_t key[RELAY_ADDRESS_KEY_MAX], hash[crypto_shorthash_BYTES];
  uint16_t bucket;

  crypto_shorthash(hash, key, relay_address_key(from, key), admission->hash_key);
  memcpy(&bucket, hash, sizeof bucket);
  return bucket % N_BUCKETS;
}

static void
rotate_key(RelayAdmission *admission, WzpTime now)
{
  WzpTime age = now - admission->key_made;

  if (age < COOKIE_KEY_LIFE)
    return;
  memcpy(admission->previous_key, admission->cookie_key, sizeof admission->previous_key);
  admission->has_previous = age < 2 * COOKIE_KEY_LIFE;
  wzp_random_fill(&admission->random, admission->cookie_key, sizeof admission->cookie_key);
  admission->key_made = now;
}

static bool
cookie_is_valid(RelayAdmission *admission, WzpTime now, const WzpAddress *from,
                const uint8_t cookie[WZP_COOKIE_SIZE])
{
  uint8_t right[WZP_COOKIE_SIZE];

  if (sodium_is_zero(cookie, WZP_COOKIE_SIZE))
    return false;
  rotate_key(admission, now);
  wzp_cookie_make(right, admission->cookie_key, from);
  if (sodium_memcmp(right, cookie, sizeof right) == 0)
    return true;
  if (!admission->has_previous)
    return false;
  wzp_cookie_make(right, admission->previous_key, from);
  return sodium_memcmp(right, cookie, sizeof right) == 0;
}

static bool
under_load(RelayAdmission *admission, WzpTime now, unsigned n_half_open)
{
  WzpTime elapsed = now - admission->second_began;
  unsigned threshold = admission->limits.cookie_threshold;

  if (elapsed >= WZP_SECOND) {
    admission->last_second = elapsed < 2 * WZP_SECOND ? admission->this_second : 0;
    admission->this_second = 0;
    admission->second_began = now;
  }
  admission->this_second++;
  return admission->this_second > threshold || admission->last_second > threshold ||
         n_half_open > RELAY_HALF_OPEN_MAX / 2;
}

RelayVerdict
relay_admission_check(RelayAdmission *admission, WzpTime now, const WzpAddress *from,
                      const uint8_t cookie[WZP_COOKIE_SIZE], unsigned n_half_open)
{
  unsigned rate = admission->limits.handshakes_per_second, bucket = bucket_of(admission, from);
  bool loaded = under_load(admission, now, n_half_open);

  if (cookie_is_valid(admission, now, from, cookie))
    return relay_admission_connection(admission, now, from) ? RELAY_ADMIT : RELAY_REFUSE;
  if (loaded || !relay_bucket_take(&admission->unproven[bucket], now, rate, 2 * rate, 1))
    return RELAY_ASK_COOKIE;
  return RELAY_ADMIT;
}

bool
relay_admission_connection(RelayAdmission *admission, WzpTime now, const WzpAddress *from)
{
  unsigned rate = admission->limits.handshakes_per_second;

  return relay_bucket_take(&admission->proven[bucket_of(admission, from)], now, rate, 2 * rate, 1);
}

bool
relay_admission_stun(RelayAdmission *admission, WzpTime now, const WzpAddress *from)
{
  return relay_bucket_take(&admission->stun[bucket_of(admission, from)], now, RELAY_STUN_PER_SECOND,
                           RELAY_STUN_PER_SECOND, 1);
}

void
relay_admission_cookie(RelayAdmission *admission, WzpTime now, const WzpAddress *from,
                       uint8_t cookie[WZP_COOKIE_SIZE])
{
  rotate_key(admission, now);
  wzp_cookie_make(cookie, admission->cookie_key, from);
}
