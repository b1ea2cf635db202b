/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stddef.h>
#include <string.h>

/* Four floats at once, as the compiler has them for every CPU. */

#define WZP_VECTOR_FLOATS 4
typedef float WzpVector __attribute__((vector_size(16)));

static inline WzpVector
wzp_vector_load(const float *from)
{
  WzpVector vector;
  memcpy(&vector, from, sizeof vector);
  return vector;
}

static inline void
wzp_vector_store(float *to, WzpVector vector)
{
  memcpy(to, &vector, sizeof vector);
}

static inline WzpVector
wzp_vector_of(float value)
{
  return (WzpVector){value, value, value, value};
}

static inline float
wzp_vector_sum(WzpVector vector)
{
  return (vector[0] + vector[1]) + (vector[2] + vector[3]);
}

/* n: a multiple of 16. */
static inline float
wzp_vector_dot(const float *a, const float *b, size_t n)
{
  WzpVector s = {0}, t = {0}, u = {0}, v = {0};
  for (size_t i = 0; i < n; i += 4 * WZP_VECTOR_FLOATS) {
    s += wzp_vector_load(a + i) * wzp_vector_load(b + i);
    t += wzp_vector_load(a + i + 4) * wzp_vector_load(b + i + 4);
    u += wzp_vector_load(a + i + 8) * wzp_vector_load(b + i + 8);
    v += wzp_vector_load(a + i + 12) * wzp_vector_load(b + i + 12);
  }
  return wzp_vector_sum((s + t) + (u + v));
}

static inline WzpVector
wzp_vector_reverse(WzpVector vector)
{
  return __builtin_shufflevector(vector, vector, 3, 2, 1, 0);
}

typedef int WzpVectorMask __attribute__((vector_size(16))); /* of a comparison: all bits or none */

/* The values where the mask is set, 0 elsewhere. */
static inline WzpVector
wzp_vector_where(WzpVectorMask mask, WzpVector vector)
{
  return (WzpVector)(mask & (WzpVectorMask)vector);
}
