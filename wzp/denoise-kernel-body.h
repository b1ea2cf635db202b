/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The loops of denoise-kernel.h for vectors of LANES floats; TARGET says for which CPU they are compiled. */
#include "denoise-kernel.h"
#include <string.h>

typedef float Lanes __attribute__((vector_size(4 * LANES)));
#define VECTORS (WZP_KERNEL_BLOCK / LANES)

TARGET static void
multiply(const float *weight, unsigned stride, unsigned columns, const float *input,
         unsigned inputs, float *sum)
{
  for (unsigned column = 0; column < columns; column += WZP_KERNEL_BLOCK) {
    const float *row = weight + column;
    Lanes all[VECTORS], w;
    memcpy(all, sum + column, sizeof all);
#pragma GCC unroll 4
    for (unsigned i = 0; i < inputs; i++, row += stride) {
      Lanes x = input[i] - (Lanes){0}; /* in every lane */
#pragma GCC unroll 8
      for (unsigned v = 0; v < VECTORS; v++) {
        memcpy(&w, row + v * LANES, sizeof w);
        all[v] += x * w;
      }
    }
    memcpy(sum + column, all, sizeof all);
  }
}

TARGET static void
compare(const float *x, const float *y, unsigned n, unsigned lags, float *alike)
{
  for (unsigned lag = 0; lag < lags; lag += WZP_KERNEL_LAGS) {
    Lanes all[WZP_KERNEL_LAGS] = {{0}}, here, there;
    for (unsigned i = 0; i < n; i += LANES) {
      memcpy(&here, x + i, sizeof here);
#pragma GCC unroll 4
      for (unsigned k = 0; k < WZP_KERNEL_LAGS; k++) {
        memcpy(&there, y + lag + k + i, sizeof there);
        all[k] += here * there;
      }
    }
    for (unsigned k = 0; k < WZP_KERNEL_LAGS; k++) {
      alike[lag + k] = 0;
      for (unsigned lane = 0; lane < LANES; lane++)
        alike[lag + k] += all[k][lane];
    }
  }
}
