/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "allocations.h"
#include <errno.h>
#include <stdlib.h>

static Allocations total;

Allocations
allocations_now(void)
{
  return total;
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
/* glibc's own, under the names that remain when a program brings its own */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static void
count(size_t size)
{
  __atomic_add_fetch(&total.calls, 1, __ATOMIC_RELAXED);
  __atomic_add_fetch(&total.bytes, size, __ATOMIC_RELAXED);
}

void *
malloc(size_t size)
{
  count(size);
  return __libc_malloc(size);
}

void *
calloc(size_t n, size_t size)
{
  count(n * size);
  return __libc_calloc(n, size);
}

void *
realloc(void *old, size_t size)
{
  count(size);
  return __libc_realloc(old, size);
}

void *
aligned_alloc(size_t alignment, size_t size)
{
  count(size);
  return __libc_memalign(alignment, size);
}

int
posix_memalign(void **result, size_t alignment, size_t size)
{
  count(size);
  *result = __libc_memalign(alignment, size);
  return *result != NULL ? 0 : ENOMEM;
}
#endif
