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
  wzp_gf256_product(&out, 1, source, k, factors, n);
}

void
wzp_raptorq_encode(unsigned k, const uint8_t *const *source, const uint32_t *esi,
                   uint8_t *const *out, unsigned n_out, size_t n)
{
  g_return_if_fail(k >= 1 && k <= WZP_RAPTORQ_K_MAX);
  while (n_out > 0) {
    uint32_t first = esi[0] - k; /* source symbols wrap */
    unsigned run = 1;            /* of ESIs that follow each other: their factors do, too */
    if (first < WZP_RAPTORQ_CACHED) {
      unsigned most = MIN(n_out, WZP_RAPTORQ_CACHED - first);
      while (run < most && esi[run] == esi[0] + run)
        run++;
      wzp_gf256_product(out, run, source, k, wzp_raptorq_cached_factors(k) + first * k, n);
    } else {
      g_return_if_fail(esi[0] <= WZP_RAPTORQ_ESI_MAX);
      encode_apart(k, source, esi[0], out[0], n);
    }
    esi += run;
    out += run;
    n_out -= run;
  }
}
