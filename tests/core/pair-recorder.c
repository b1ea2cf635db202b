/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "pair-recorder.h"
#include <glib.h>
#include <stdint.h>
#include <string.h>

int __real_crypto_aead_chacha20poly1305_ietf_encrypt(
    unsigned char *c, unsigned long long *clen, const unsigned char *m, unsigned long long mlen,
    const unsigned char *ad, unsigned long long adlen, const unsigned char *nsec,
    const unsigned char *npub, const unsigned char *k);
int __wrap_crypto_aead_chacha20poly1305_ietf_encrypt(
    unsigned char *c, unsigned long long *clen, const unsigned char *m, unsigned long long mlen,
    const unsigned char *ad, unsigned long long adlen, const unsigned char *nsec,
    const unsigned char *npub, const unsigned char *k);
static GHashTable *pairs;

static guint
pair_hash(gconstpointer key)
{
  guint hash;
  memcpy(&hash, (const uint8_t *)key + 32 + 8, sizeof hash); /* the nonce's end ... */
  guint of_key;
  memcpy(&of_key, key, sizeof of_key);
  return hash * 2654435761u ^ of_key;
}

static gboolean
pair_equal(gconstpointer a, gconstpointer b)
{
  return memcmp(a, b, 44) == 0;
}

int
__wrap_crypto_aead_chacha20poly1305_ietf_encrypt(unsigned char *c, unsigned long long *clen,
                                                 const unsigned char *m, unsigned long long mlen,
                                                 const unsigned char *ad, unsigned long long adlen,
                                                 const unsigned char *nsec,
                                                 const unsigned char *npub, const unsigned char *k)
{
  uint8_t pair[44];
  memcpy(pair, k, 32);
  memcpy(pair + 32, npub, 12);
  if (pairs == NULL)
    pairs = g_hash_table_new_full(pair_hash, pair_equal, g_free, NULL);
  if (!g_hash_table_add(pairs, g_memdup2(pair, sizeof pair)))
    g_error("a (key, nonce) pair was used twice");
  return __real_crypto_aead_chacha20poly1305_ietf_encrypt(c, clen, m, mlen, ad, adlen, nsec, npub,
                                                          k);
}

unsigned
pair_recorder_count(void)
{
  return pairs ? g_hash_table_size(pairs) : 0;
}

void
pair_recorder_clear(void)
{
  g_clear_pointer(&pairs, g_hash_table_unref);
}
