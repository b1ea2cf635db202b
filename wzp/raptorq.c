/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "raptorq-private.h"
#include <glib.h>
#include <string.h>

void
wzp_raptorq_encode_one(unsigned k, const uint8_t *const *source, uint32_t esi, uint8_t *out,
                       size_t n)
{
  wzp_raptorq_encode(k, source, &esi, &out, 1, n);
}

/* A source symbol, or a repair symbol far from the first. */
static void
encode_apart(unsigned k, const uint8_t *const *source, uint32_t esi, uint8_t *out, size_t n)
{
  uint8_t row[WZP_RAPTORQ_ROW_MAX];
  WzpGf256Factor factors[WZP_RAPTORQ_K_MAX];
  if (esi < k) {
    memcpy(out, source[esi], n);
    return;
  }
  wzp_raptorq_compute_row(k, esi, row);
  wzp_gf256_prepare(factors, row, k);
  wzp_gf256_product(k, source, factors, &out, 1, n);
}

static __attribute__((noinline)) void
encode_runs(unsigned k, const uint8_t *const *source, const uint32_t *esi, uint8_t *const *out,
            unsigned n_out, size_t n)
{
  g_return_if_fail(k >= 1 && k <= WZP_RAPTORQ_K_MAX);
  const WzpGf256Code *code = wzp_gf256_current();
  const WzpGf256Factor *factors = wzp_raptorq_cached_factors(k, code);
  while (n_out > 0 && n > 0) {
    unsigned run = 0; /* of ESIs that follow each other: their factors do, too */
    while (run < n_out && esi[run] == esi[0] + run && wzp_raptorq_is_cached(k, esi[run]))
      run++;
    if (run > 0) {
      code->product(k, source, factors + (size_t)(esi[0] - k) * k, out, run, n);
    } else {
      g_return_if_fail(esi[0] <= WZP_RAPTORQ_ESI_MAX);
      encode_apart(k, source, esi[0], out[0], n);
      run = 1;
    }
    esi += run;
    out += run;
    n_out -= run;
  }
}

/* Whether all is one run of repair symbols that are cached. */
static inline bool
is_one_run(unsigned k, const uint32_t *esi, unsigned n_out)
{
  if ((uint64_t)(esi[0] - k) + n_out > WZP_RAPTORQ_CACHED) /* source symbols wrap */
    return false;
  for (size_t i = n_out; --i > 0;)
    if (G_UNLIKELY(esi[i] != esi[0] + (uint32_t)i))
      return false;
  return true;
}

void
wzp_raptorq_encode(unsigned k, const uint8_t *const *source, const uint32_t *esi,
                   uint8_t *const *out, unsigned n_out, size_t n)
{
  /* The rule, and so short that its call would be felt: it takes the place of this one, most arguments where
   * they are. */
  if (G_LIKELY(k >= 1 && k <= WZP_RAPTORQ_K_MAX) && G_LIKELY(n > 0) && G_LIKELY(n_out > 0) &&
      G_LIKELY(is_one_run(k, esi, n_out))) {
    const WzpGf256Code *code = wzp_gf256_chosen_or_null();
    const WzpGf256Factor *factors = code ? wzp_raptorq_factors_or_null(k, code) : NULL;
    if (G_LIKELY(factors != NULL)) {
      code->product(k, source, factors + (size_t)(esi[0] - k) * k, out, n_out, n);
      return;
    }
  }
  encode_runs(k, source, esi, out, n_out, n);
}
