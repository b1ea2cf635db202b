/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* No include guard: the product with one width of vector, included once for each. The includer defines
 *
 *   TARGET        the attribute of functions that use the vector
 *   Vector        its type
 *   WIDTH         its bytes
 *   GROUP         outputs computed at once, 4, 5 or 8: as many as there are registers for
 *   LONGER        whether symbols may be longer than WIDTH
 *   Split         a vector made ready to be multiplied
 *   Coefficient   what it is multiplied by
 *   NAME(x)       this width's name for x
 * and the functions NAME(zero), NAME(load), NAME(store), NAME(load_part) and NAME(store_part) (the n < WIDTH
 * bytes of a short symbol), NAME(split), NAME(coefficient) (of a factor in memory) and
 * NAME(add_product) (sum + coefficient * split). It gets NAME(of_group) for wzp_gf256_in_groups, NAME(add_whole) and
 * NAME(add_part). */

#ifndef WZP_GF256_SHAPE
#define WZP_GF256_SHAPE
typedef enum { WZP_GF256_PART, WZP_GF256_ONE, WZP_GF256_TWO } WzpGf256Shape;

/* The product for a group of outputs, as many as the function is for. */
typedef void (*WzpGf256Symbols)(uint8_t *const *out, const uint8_t *const *in, unsigned n_in,
                                const WzpGf256Factor *factors, size_t n);

/* Any number of outputs, in groups of up to `most`; two groups share evenly what is too much for one. */
static __attribute__((noinline)) void
wzp_gf256_in_groups(const WzpGf256Symbols *of_group, unsigned most, uint8_t *const *out,
                    unsigned n_out, const uint8_t *const *in, unsigned n_in,
                    const WzpGf256Factor *factors, size_t n)
{
  while (n_out > 0) {
    unsigned group = n_out <= most ? n_out : n_out < 2 * most ? (n_out + 1) / 2 : most;
    of_group[group](out, in, n_in, factors, n);
    out += group;
    n_out -= group;
    factors += (size_t)group * n_in;
  }
}
#endif

/* The vectors at `first` and, of TWO, at `second`; of PART the first n bytes. n_out and shape are constants to the
 * compiler: everything but the loop over the inputs is unrolled. */
TARGET static inline __attribute__((always_inline)) void
NAME(outputs)(uint8_t *const *out, unsigned n_out, const uint8_t *const *in, unsigned n_in,
              const WzpGf256Factor *factors, WzpGf256Shape shape, size_t first, size_t second,
              size_t n)
{
  /* registers, so nothing to be zeroed by -ftrivial-auto-var-init */
  Vector sums[GROUP] __attribute__((uninitialized)), more[GROUP] __attribute__((uninitialized));
#pragma GCC unroll 8
  for (unsigned r = 0; r < n_out; r++)
    sums[r] = more[r] = NAME(zero)();
  for (unsigned k = 0; k < n_in; k++) {
    bool part = shape == WZP_GF256_PART;
    Vector x = part ? NAME(load_part)(in[k], n) : NAME(load)(in[k] + first);
    Split one = NAME(split)(x), two = one;
    if (shape == WZP_GF256_TWO)
      two = NAME(split)(NAME(load)(in[k] + second));
#pragma GCC unroll 8
    for (unsigned r = 0; r < n_out; r++) {
      Coefficient c = NAME(coefficient)(&factors[(size_t)r * n_in + k]);
      sums[r] = NAME(add_product)(sums[r], c, one);
      if (shape == WZP_GF256_TWO)
        more[r] = NAME(add_product)(more[r], c, two);
    }
  }
#pragma GCC unroll 8
  for (unsigned r = 0; r < n_out; r++) {
    if (shape == WZP_GF256_PART)
      NAME(store_part)(out[r], n, sums[r]);
    else
      NAME(store)(out[r] + first, sums[r]);
    if (shape == WZP_GF256_TWO)
      NAME(store)(out[r] + second, more[r]);
  }
}

/* Whole symbols. The last vector ends where the symbol ends, over bytes that the one before wrote. */
TARGET static inline __attribute__((always_inline)) void
NAME(symbols)(uint8_t *const *out, unsigned n_out, const uint8_t *const *in, unsigned n_in,
              const WzpGf256Factor *factors, size_t n)
{
  if (n < WIDTH || (!LONGER && n != WIDTH)) {
    NAME(outputs)(out, n_out, in, n_in, factors, WZP_GF256_PART, 0, 0, n);
    return;
  }
  size_t last = n - WIDTH, at = 0;
  for (; LONGER && at < last; at += 2 * WIDTH)
    NAME(outputs)(out, n_out, in, n_in, factors, WZP_GF256_TWO, at, MIN(at + WIDTH, last), n);
  if (at < n)
    NAME(outputs)(out, n_out, in, n_in, factors, WZP_GF256_ONE, last, 0, n);
}

#define SYMBOLS(n_out)                                                                             \
  TARGET static void NAME(symbols_##n_out)(uint8_t *const *out, const uint8_t *const *in,          \
                                           unsigned n_in, const WzpGf256Factor *factors, size_t n) \
  {                                                                                                \
    NAME(symbols)(out, n_out, in, n_in, factors, n);                                               \
  }
SYMBOLS(1)
SYMBOLS(2)
SYMBOLS(3)
SYMBOLS(4)
#if GROUP >= 5
SYMBOLS(5)
#endif
#if GROUP == 8
SYMBOLS(6)
SYMBOLS(7)
SYMBOLS(8)
#endif
#undef SYMBOLS

static const WzpGf256Symbols NAME(of_group)[GROUP + 1] = {
    NULL,
    NAME(symbols_1),
    NAME(symbols_2),
    NAME(symbols_3),
    NAME(symbols_4),
#if GROUP >= 5
    NAME(symbols_5),
#endif
#if GROUP == 8
    NAME(symbols_6),
    NAME(symbols_7),
    NAME(symbols_8),
#endif
};

/* to += factor * from over the whole vectors of n bytes; how many bytes that was. */
TARGET static inline __attribute__((always_inline)) size_t
NAME(add_whole)(uint8_t *to, const uint8_t *from, WzpGf256Factor factor, size_t n)
{
  Coefficient c = NAME(coefficient)(&factor);
  size_t at = 0;
  for (; at + WIDTH <= n; at += WIDTH) {
    Split x = NAME(split)(NAME(load)(from + at));
    NAME(store)(to + at, NAME(add_product)(NAME(load)(to + at), c, x));
  }
  return at;
}

/* The same over n < WIDTH bytes. */
TARGET static inline __attribute__((always_inline)) void
NAME(add_part)(uint8_t *to, const uint8_t *from, WzpGf256Factor factor, size_t n)
{
  Split x = NAME(split)(NAME(load_part)(from, n));
  Vector sum = NAME(load_part)(to, n);
  NAME(store_part)(to, n, NAME(add_product)(sum, NAME(coefficient)(&factor), x));
}

#undef Vector
#undef WIDTH
#undef GROUP
#undef LONGER
#undef Split
#undef Coefficient
#undef NAME
