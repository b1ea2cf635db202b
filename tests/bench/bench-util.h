/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* What the benchmarks share. */

/* Time of this thread alone. */
static inline double
bench_now_ns(void)
{
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static inline void
bench_require(bool condition, const char *what)
{
  if (!condition) {
    fprintf(stderr, "benchmark: %s\n", what);
    exit(1);
  }
}
