/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "nonce-watch.h"
#include <glib.h>
#include <sodium.h>
#include <string.h>

#define PAIR_SIZE                                                                                  \
  (crypto_aead_chacha20poly1305_IETF_KEYBYTES + crypto_aead_chacha20poly1305_IETF_NPUBBYTES)

static GHashTable *seen; /* of key | nonce */

static guint
pair_hash(gconstpointer pair)
{
  guint64 hash;
  crypto_shorthash((uint8_t *)&hash, pair, PAIR_SIZE, (const uint8_t *)"0123456789abcdef");
  return (guint)hash;
}

static gboolean
pair_equal(gconstpointer a, gconstpointer b)
{
  return memcmp(a, b, PAIR_SIZE) == 0;
}

void
nonce_watch_reset(void)
{
  g_clear_pointer(&seen, g_hash_table_unref);
}

uint64_t
nonce_watch_count(void)
{
  return seen != NULL ? g_hash_table_size(seen) : 0;
}

typedef int Encrypt(unsigned char *c, unsigned long long *clen, const unsigned char *m,
                    unsigned long long mlen, const unsigned char *ad, unsigned long long adlen,
                    const unsigned char *nsec, const unsigned char *nonce,
                    const unsigned char *key);
Encrypt __real_crypto_aead_chacha20poly1305_ietf_encrypt;
Encrypt __wrap_crypto_aead_chacha20poly1305_ietf_encrypt;

int
__wrap_crypto_aead_chacha20poly1305_ietf_encrypt(unsigned char *c, unsigned long long *clen,
                                                 const unsigned char *m, unsigned long long mlen,
                                                 const unsigned char *ad, unsigned long long adlen,
                                                 const unsigned char *nsec,
                                                 const unsigned char *nonce,
                                                 const unsigned char *key)
{
  uint8_t *pair = g_malloc(PAIR_SIZE);
  memcpy(pair, key, crypto_aead_chacha20poly1305_IETF_KEYBYTES);
  memcpy(pair + crypto_aead_chacha20poly1305_IETF_KEYBYTES, nonce,
         crypto_aead_chacha20poly1305_IETF_NPUBBYTES);
  if (seen == NULL)
    seen = g_hash_table_new_full(pair_hash, pair_equal, g_free, NULL);
  if (!g_hash_table_add(seen, pair))
    g_error("a key and nonce sealed twice");
  return __real_crypto_aead_chacha20poly1305_ietf_encrypt(c, clen, m, mlen, ad, adlen, nsec, nonce,
                                                          key);
}

static uint64_t n_opens;

uint64_t
nonce_watch_opens(void)
{
  return n_opens;
}

typedef int Decrypt(unsigned char *m, unsigned long long *mlen, unsigned char *nsec,
                    const unsigned char *c, unsigned long long clen, const unsigned char *ad,
                    unsigned long long adlen, const unsigned char *nonce, const unsigned char *key);
Decrypt __real_crypto_aead_chacha20poly1305_ietf_decrypt;
Decrypt __wrap_crypto_aead_chacha20poly1305_ietf_decrypt;

int
__wrap_crypto_aead_chacha20poly1305_ietf_decrypt(unsigned char *m, unsigned long long *mlen,
                                                 unsigned char *nsec, const unsigned char *c,
                                                 unsigned long long clen, const unsigned char *ad,
                                                 unsigned long long adlen,
                                                 const unsigned char *nonce,
                                                 const unsigned char *key)
{
  n_opens++;
  return __real_crypto_aead_chacha20poly1305_ietf_decrypt(m, mlen, nsec, c, clen, ad, adlen, nonce,
                                                          key);
}
