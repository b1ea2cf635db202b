/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Looks for secrets in all memory of another process. */

#define MEMORY_NEEDLE_MIN 8
#define MEMORY_NEEDLE_MAX 64

typedef struct {
  char *name;
  uint8_t bytes[MEMORY_NEEDLE_MAX];
  size_t length;
  unsigned found;
} MemoryNeedle;

typedef struct {
  GArray *needles; /* MemoryNeedle */
  GHashTable *known;
} MemorySearch;

MemorySearch *memory_search_new(void);
void memory_search_free(MemorySearch *search);
/* MEMORY_NEEDLE_MIN to _MAX bytes; what is there already is not added again. */
void memory_search_add(MemorySearch *search, const char *name, const void *bytes, size_t length);
static inline MemoryNeedle *
memory_search_nth(const MemorySearch *search, unsigned n)
{
  return &g_array_index(search->needles, MemoryNeedle, n);
}
/* Counts how often each is there now. False when the system does not let us look (ptrace). */
bool memory_search_run(MemorySearch *search, pid_t pid);
/* How many were found. */
unsigned memory_search_found(const MemorySearch *search);
