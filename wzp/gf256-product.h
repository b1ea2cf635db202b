/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* No include guard: the product with one width of vector, included once for each. The includer defines
 *
 *   TARGET        the attribute of functions that use the vector
 *   Vector        its type
 *   WIDTH         its bytes
 *   GROUP         outputs computed at once, 4, 5 or 8: as many as there are registers for
 *   PAIRS         whether two inputs are multiplied at once
 *   LONGER        whether symbols may be longer than WIDTH
 *   Split         a vector made ready to be multiplied
 *   Coefficient   what it is multiplied by
 *   NAME(x)       this width's name for x
 * and the functions NAME(zero), NAME(load), NAME(store), NAME(load_part) and NAME(store_part) (the n < WIDTH
 * bytes of a short symbol), NAME(split), NAME(coefficient) (of a factor in memory) and
 * NAME(add_product) (sum + coefficient * split); with PAIRS also NAME(add_products), of two. It gets
 * NAME(of_group), NAME(add_whole) and NAME(add_part). */

#ifndef WZP_GF256_SHAPE
#define WZP_GF256_SHAPE
typedef enum { WZP_GF256_PART, WZP_GF256_ONE, WZP_GF256_TWO } WzpGf256Shape;

/* Any number of outputs, in groups of up to `most`; two groups share evenly what is too much for one. */
static __attribute__((noinline)) void
wzp_gf256_in_groups(const WzpGf256Product *of_group, unsigned most, unsigned n_in,
                    const uint8_t *const *in, const WzpGf256Factor *factors, uint8_t *const *out,
                    unsigned n_out, size_t n)
{
  while (n_out > 0) {
    unsigned group = n_out <= most ? n_out : n_out < 2 * most ? (n_out + 1) / 2 : most;
    of_group[group](n_in, in, factors, out, group, n);
    out += group;
    n_out -= group;
    factors += (size_t)group * n_in;
  }
}
#endif

/* The n bytes of PART, or the vector that begins at `at`. */
TARGET static inline __attribute__((always_inline)) Split
NAME(input)(const uint8_t *in, WzpGf256Shape shape, size_t at, size_t n)
{
  return NAME(split)(shape == WZP_GF256_PART ? NAME(load_part)(in, n) : NAME(load)(in + at));
}

/* The vectors at `first` and, of TWO, at `second`; of PART the first n bytes. n_out and shape are constants to the
 * compiler: everything but the loop over the inputs is unrolled. */
TARGET static inline __attribute__((always_inline)) void
NAME(outputs)(unsigned n_in, const uint8_t *const *in, const WzpGf256Factor *factors,
              uint8_t *const *out, unsigned n_out, WzpGf256Shape shape, size_t first, size_t second,
              size_t n)
{
  /* registers, so nothing to be zeroed by -ftrivial-auto-var-init */
  Vector sums[GROUP] __attribute__((uninitialized)), more[GROUP] __attribute__((uninitialized));
  const bool two = shape == WZP_GF256_TWO;
#pragma GCC unroll 8
  for (unsigned r = 0; r < n_out; r++)
    sums[r] = more[r] = NAME(zero)();
  size_t k = 0;
#if PAIRS
  for (const size_t even = n_in & ~1u; k < even; k += 2) {
    Split x = NAME(input)(in[k], shape, first, n), v = NAME(input)(in[k + 1], shape, first, n);
    Split y = two ? NAME(input)(in[k], shape, second, n) : x;
    Split w = two ? NAME(input)(in[k + 1], shape, second, n) : v;
#pragma GCC unroll 8
    for (unsigned r = 0; r < n_out; r++) {
      Coefficient c = NAME(coefficient)(&factors[(size_t)r * n_in + k]);
      Coefficient d = NAME(coefficient)(&factors[(size_t)r * n_in + k + 1]);
      sums[r] = NAME(add_products)(sums[r], c, x, d, v);
      if (two)
        more[r] = NAME(add_products)(more[r], c, y, d, w);
    }
  }
#endif
  for (; k < n_in; k++) {
    Split x = NAME(input)(in[k], shape, first, n);
    Split y = two ? NAME(input)(in[k], shape, second, n) : x;
#pragma GCC unroll 8
    for (unsigned r = 0; r < n_out; r++) {
      Coefficient c = NAME(coefficient)(&factors[(size_t)r * n_in + k]);
      sums[r] = NAME(add_product)(sums[r], c, x);
      if (two)
        more[r] = NAME(add_product)(more[r], c, y);
    }
    if (PAIRS) /* this was the odd one: no loop */
      break;
  }
#pragma GCC unroll 8
  for (unsigned r = 0; r < n_out; r++) {
    if (shape == WZP_GF256_PART)
      NAME(store_part)(out[r], n, sums[r]);
    else
      NAME(store)(out[r] + first, sums[r]);
    if (two)
      NAME(store)(out[r] + second, more[r]);
  }
}

/* The last vector ends where the symbol ends, over bytes that the one before wrote. */
TARGET static inline __attribute__((always_inline)) void
NAME(vectors)(unsigned n_in, const uint8_t *const *in, const WzpGf256Factor *factors,
              uint8_t *const *out, unsigned n_out, size_t n)
{
  size_t last = n - WIDTH, at = 0;
  for (; at < last; at += 2 * WIDTH)
    NAME(outputs)(n_in, in, factors, out, n_out, WZP_GF256_TWO, at, MIN(at + WIDTH, last), n);
  if (at < n)
    NAME(outputs)(n_in, in, factors, out, n_out, WZP_GF256_ONE, last, 0, n);
}

#define SYMBOLS(name, count, body)                                                                 \
  TARGET static void NAME(name##_##count)(unsigned n_in, const uint8_t *const *in,                 \
                                          const WzpGf256Factor *factors, uint8_t *const *out,      \
                                          unsigned n_out, size_t n)                                \
  {                                                                                                \
    (void)n_out;                                                                                   \
    body;                                                                                          \
  }
#define PART(count)                                                                                \
  SYMBOLS(part, count, NAME(outputs)(n_in, in, factors, out, count, WZP_GF256_PART, 0, 0, n))
#define ONE(count)                                                                                 \
  SYMBOLS(one, count, NAME(outputs)(n_in, in, factors, out, count, WZP_GF256_ONE, 0, 0, n))
#define LONG(count) SYMBOLS(longer, count, NAME(vectors)(n_in, in, factors, out, count, n))
#if GROUP == 4
#define FOR_EACH_COUNT(X) X(1) X(2) X(3) X(4)
#elif GROUP == 5
#define FOR_EACH_COUNT(X) X(1) X(2) X(3) X(4) X(5)
#else
#define FOR_EACH_COUNT(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)
#endif
FOR_EACH_COUNT(PART)
FOR_EACH_COUNT(ONE)
#if LONGER
FOR_EACH_COUNT(LONG)
#endif

#define PART_ENTRY(count) NAME(part_##count),
#define ONE_ENTRY(count) NAME(one_##count),
#define LONG_ENTRY(count) NAME(longer_##count),
static const WzpGf256Product NAME(part)[GROUP + 1] = {NULL, FOR_EACH_COUNT(PART_ENTRY)};
static const WzpGf256Product NAME(one)[GROUP + 1] = {NULL, FOR_EACH_COUNT(ONE_ENTRY)};
#if LONGER
static const WzpGf256Product NAME(longer)[GROUP + 1] = {NULL, FOR_EACH_COUNT(LONG_ENTRY)};
#endif

/* By the number of outputs, the product of symbols of n bytes. */
static inline __attribute__((always_inline)) const WzpGf256Product *
NAME(of_group)(size_t n)
{
#if LONGER
  if (n > WIDTH)
    return NAME(longer);
#endif
  return n == WIDTH ? NAME(one) : NAME(part);
}

#undef SYMBOLS
#undef PART
#undef ONE
#undef LONG
#undef PART_ENTRY
#undef ONE_ENTRY
#undef LONG_ENTRY
#undef FOR_EACH_COUNT

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
#undef PAIRS
#undef LONGER
#undef Split
#undef Coefficient
#undef NAME
