/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "result.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RaptorQ (RFC 6330), bit-exact and systematic, for the small blocks of voice. An encoding symbol is a
 * fixed linear combination of the K source symbols: its row of coefficients is computed once. No function
 * allocates after the first use of a K. Thread safe. */

#define WZP_RAPTORQ_K_MAX 101
#define WZP_RAPTORQ_ESI_MAX 0xffffff
#define WZP_RAPTORQ_SYMBOL_MAX 1280

/* The K coefficients of encoding symbol esi (RFC 6330 section 5.3: ESI < K is the source symbol itself) for
 * K = 1..WZP_RAPTORQ_K_MAX. */
void wzp_raptorq_row(unsigned k, uint32_t esi, uint8_t *row);

/* out = encoding symbol esi of the k source symbols of n bytes each. */
void wzp_raptorq_encode_one(unsigned k, const uint8_t *const *source, uint32_t esi, uint8_t *out,
                            size_t n);
/* Several at once, cheaper: out[i] is symbol esi[i]. */
void wzp_raptorq_encode(unsigned k, const uint8_t *const *source, const uint32_t *esi,
                        uint8_t *const *out, unsigned n_out, size_t n);

/* One block, decoded symbol by symbol as they come; maximum likelihood: whatever the received symbols
 * determine is solved, and nothing else. */
typedef struct WzpRaptorqDecoder WzpRaptorqDecoder;
WzpRaptorqDecoder *wzp_raptorq_decoder_new(void); /* the only allocation; reusable for any block */
void wzp_raptorq_decoder_free(WzpRaptorqDecoder *decoder);
/* A new block of k symbols of n bytes. WZP_MALFORMED outside of the limits above (nothing changes). */
WzpResult wzp_raptorq_decoder_start(WzpRaptorqDecoder *decoder, unsigned k, size_t n);
/* WZP_OK: taken in. WZP_REPLAYED: says nothing new. That a repair symbol follows from others may show only in
 * solve, which then drops it. WZP_MALFORMED: esi too large, or no start. The bytes are copied. */
WzpResult wzp_raptorq_decoder_add(WzpRaptorqDecoder *decoder, uint32_t esi, const uint8_t *symbol);
/* Tries to solve what is missing; true when the whole block is known. May be called after each symbol. */
bool wzp_raptorq_decoder_solve(WzpRaptorqDecoder *decoder);
/* Source symbol i once it came or is solved, else NULL; valid until the next start. */
const uint8_t *wzp_raptorq_decoder_symbol(const WzpRaptorqDecoder *decoder, unsigned i);
/* start, add and solve in one, for symbols that are at hand: they are not copied, and must stay until the next
 * start. */
bool wzp_raptorq_decode(WzpRaptorqDecoder *decoder, unsigned k, size_t n, const uint32_t *esi,
                        const uint8_t *const *symbols, unsigned n_symbols);
