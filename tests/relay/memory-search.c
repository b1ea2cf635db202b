/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "memory-search.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (1 << 20)
/* chunks overlap by more than any needle is long */
#define OVERLAP MEMORY_NEEDLE_MAX
/* AddressSanitizer reserves terabytes that hold no data of the program */
#define MAPPING_MAX ((uint64_t)1 << 30)
#define NONE (-1)

/* Needles by their first two bytes: a list in `next`, begun in `first`. */
typedef struct {
  int first[1 << 16];
  int *next;
} Index;

static void
clear_needle(gpointer data)
{
  g_free(((MemoryNeedle *)data)->name);
}

MemorySearch *
memory_search_new(void)
{
  MemorySearch *search = g_new0(MemorySearch, 1);

  search->needles = g_array_new(FALSE, FALSE, sizeof(MemoryNeedle));
  g_array_set_clear_func(search->needles, clear_needle);
  search->known =
      g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
  return search;
}

void
memory_search_free(MemorySearch *search)
{
  g_array_unref(search->needles);
  g_hash_table_unref(search->known);
  g_free(search);
}

void
memory_search_add(MemorySearch *search, const char *name, const void *bytes, size_t length)
{
  MemoryNeedle needle = {.length = length};

  g_assert_cmpuint(length, >=, MEMORY_NEEDLE_MIN);
  g_assert_cmpuint(length, <=, MEMORY_NEEDLE_MAX);
  if (!g_hash_table_add(search->known, g_bytes_new(bytes, length)))
    return;
  needle.name = g_strdup(name);
  memcpy(needle.bytes, bytes, length);
  g_array_append_val(search->needles, needle);
}

static unsigned
place_of(const uint8_t *bytes)
{
  return (unsigned)bytes[0] << 8 | bytes[1];
}

static Index *
index_new(const MemorySearch *search)
{
  Index *index = g_new(Index, 1);
  unsigned i;

  memset(index->first, 0xff, sizeof index->first); /* NONE */
  index->next = g_new(int, search->needles->len);
  for (i = 0; i < search->needles->len; i++) {
    int *first = &index->first[place_of(memory_search_nth(search, i)->bytes)];

    index->next[i] = *first;
    *first = (int)i;
  }
  return index;
}

static void
search_chunk(MemorySearch *search, const Index *index, const uint8_t *memory, size_t length)
{
  size_t at;
  int i;

  for (at = 0; at + MEMORY_NEEDLE_MIN <= length; at++)
    for (i = index->first[place_of(memory + at)]; i != NONE; i = index->next[i]) {
      MemoryNeedle *needle = memory_search_nth(search, (unsigned)i);

      if (length - at >= needle->length && memcmp(memory + at, needle->bytes, needle->length) == 0)
        needle->found++;
    }
}

static void
search_mapping(MemorySearch *search, const Index *index, int memory, uint64_t start, uint64_t end,
               uint64_t *searched)
{
  uint8_t *chunk = g_malloc(OVERLAP + CHUNK);
  size_t kept = 0;

  while (start < end) {
    ssize_t n = pread(memory, chunk + kept, MIN(CHUNK, end - start), (off_t)start);

    if (n <= 0)
      break; /* [vvar] and guard pages cannot be read */
    search_chunk(search, index, chunk, kept + (size_t)n);
    *searched += (uint64_t)n;
    start += (uint64_t)n;
    n += (ssize_t)kept;
    kept = MIN((size_t)n, OVERLAP);
    memmove(chunk, chunk + n - kept, kept);
  }
  g_free(chunk);
}

bool
memory_search_run(MemorySearch *search, pid_t pid)
{
  char *maps_path = g_strdup_printf("/proc/%d/maps", (int)pid);
  char *memory_path = g_strdup_printf("/proc/%d/mem", (int)pid);
  FILE *maps = fopen(maps_path, "re");
  int memory = open(memory_path, O_RDONLY | O_CLOEXEC);
  bool allowed = maps != NULL && memory >= 0;
  Index *index = index_new(search);
  uint64_t start, end, searched = 0;
  char line[1024], access[5];
  unsigned i;

  for (i = 0; i < search->needles->len; i++)
    memory_search_nth(search, i)->found = 0;
  while (allowed && fgets(line, sizeof line, maps) != NULL) {
    g_assert_cmpint(
        sscanf(line, "%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x %4s", &start, &end, access),
        ==, 3);
    if (access[0] == 'r' && end - start <= MAPPING_MAX)
      search_mapping(search, index, memory, start, end, &searched);
  }
  if (allowed && searched == 0)
    allowed = false;
  if (allowed)
    g_test_message("searched %u MiB", (unsigned)(searched >> 20));
  if (maps != NULL)
    fclose(maps);
  if (memory >= 0)
    close(memory);
  g_free(index->next);
  g_free(index);
  g_free(maps_path);
  g_free(memory_path);
  return allowed;
}

unsigned
memory_search_found(const MemorySearch *search)
{
  unsigned i, n = 0;

  for (i = 0; i < search->needles->len; i++)
    n += memory_search_nth(search, i)->found > 0;
  return n;
}
