/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What stands in for libFuzzer in a normal build: runs every file of a corpus through the target, then
 * a bounded number of seeded mutations of them. The same seed gives the same inputs on every machine.
 *
 *   fuzz-NAME [--seed N] [--runs N] CORPUS-FOLDER-OR-FILE...
 *
 * When the target dies, the input that killed it is left in the working folder. */
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);
/* there when the build has AddressSanitizer */
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

static const uint8_t *current;
static size_t current_length;
static char crash_path[256];

/* async-signal-safe: the process is about to die */
static void
keep_input(void)
{
  static const char message[] = "# the input that did this is kept in ";
  int fd = open(crash_path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
  if (fd < 0)
    return;
  if (write(fd, current, current_length) == (ssize_t)current_length &&
      write(STDERR_FILENO, message, sizeof message - 1) > 0 &&
      write(STDERR_FILENO, crash_path, strlen(crash_path)) > 0 && write(STDERR_FILENO, "\n", 1) > 0)
    close(fd);
}

static void
on_fatal_signal(int number)
{
  keep_input();
  signal(number, SIG_DFL);
  raise(number);
}

static void
run_one(const uint8_t *data, size_t length)
{
  /* a copy of exactly this size, so that AddressSanitizer sees a read one byte too far */
  uint8_t *copy = g_malloc(length ? length : 1);
  if (length)
    memcpy(copy, data, length);
  current = copy;
  current_length = length;
  LLVMFuzzerTestOneInput(copy, length);
  current = NULL;
  current_length = 0;
  g_free(copy);
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static gboolean
add_path(GPtrArray *corpus, const char *path)
{
  if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
    GDir *folder = g_dir_open(path, 0, NULL);
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    const char *name;
    while (folder && (name = g_dir_read_name(folder)))
      g_ptr_array_add(names, g_build_filename(path, name, NULL));
    g_clear_pointer(&folder, g_dir_close);
    /* the order of a folder differs between machines; the mutations must not */
    g_ptr_array_sort(names, compare_names);
    gboolean all_read = TRUE;
    for (guint i = 0; i < names->len; i++)
      all_read &= add_path(corpus, g_ptr_array_index(names, i));
    g_ptr_array_unref(names);
    return all_read;
  }
  char *text = NULL;
  gsize length = 0;
  GError *error = NULL;
  if (!g_file_get_contents(path, &text, &length, &error)) {
    g_printerr("# %s\n", error->message);
    g_clear_error(&error);
    return FALSE;
  }
  g_ptr_array_add(corpus, g_bytes_new_take(text, length));
  return TRUE;
}

static size_t
below(GRand *rand, size_t end)
{
  return end > 1 ? (size_t)g_rand_int_range(rand, 0, (gint32)MIN(end, (size_t)G_MAXINT32)) : 0;
}

static const uint8_t *
pick(GPtrArray *corpus, GRand *rand, gsize *length)
{
  return g_bytes_get_data(g_ptr_array_index(corpus, below(rand, corpus->len)), length);
}

/* One small change in place. Returns the new length. */
static size_t
mutate(uint8_t *data, size_t length, GPtrArray *corpus, GRand *rand)
{
  static const uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff, 0x40, 0x44, 0x45, 0xc0};
  size_t at = below(rand, length), count = 1 + below(rand, 16);
  switch (g_rand_int_range(rand, 0, 8)) {
  case 0: /* flip a bit */
    if (length)
      data[at] ^= (uint8_t)(1u << below(rand, 8));
    break;
  case 1: /* any byte */
    if (length)
      data[at] = (uint8_t)g_rand_int(rand);
    break;
  case 2: /* a byte at the edge of something */
    if (length)
      data[at] = edges[below(rand, G_N_ELEMENTS(edges))];
    break;
  case 3: /* cut the end */
    length = at;
    break;
  case 4: /* take bytes out */
    count = MIN(count, length - at);
    memmove(data + at, data + at + count, length - at - count);
    length -= count;
    break;
  case 5: /* put bytes in */
    count = MIN(count, INPUT_MAX - length);
    memmove(data + at + count, data + at, length - at);
    for (size_t i = 0; i < count; i++)
      data[at + i] = (uint8_t)g_rand_int(rand);
    length += count;
    break;
  case 6: /* a piece of another example */
  {
    gsize other_length;
    const uint8_t *other = pick(corpus, rand, &other_length);
    size_t from = below(rand, other_length);
    count = 1 + below(rand, 256); /* on its own: MIN() would draw it twice */
    count = MIN(MIN(other_length - from, count), INPUT_MAX - at);
    if (count)
      memcpy(data + at, other + from, count);
    length = MAX(length, at + count);
    break;
  }
  default: /* grow a number of two bytes by little */
    if (length >= 2) {
      at = below(rand, length - 1);
      unsigned value = (unsigned)(data[at] << 8 | data[at + 1]);
      value += (unsigned)g_rand_int_range(rand, -4, 5);
      data[at] = (uint8_t)(value >> 8);
      data[at + 1] = (uint8_t)value;
    }
    break;
  }
  return length;
}

int
main(int argc, char **argv)
{
  gint64 seed = 1, runs = 20000;
  char **paths = NULL;
  GError *error = NULL;
  const GOptionEntry entries[] = {
      {"seed", 's', 0, G_OPTION_ARG_INT64, &seed, "Seed of the mutations (1)", "N"},
      {"runs", 'n', 0, G_OPTION_ARG_INT64, &runs, "Number of mutated inputs (20000)", "N"},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &paths, NULL, "CORPUS..."},
      {0}};
  GOptionContext *context = g_option_context_new(NULL);
  g_option_context_add_main_entries(context, entries, NULL);
  if (!g_option_context_parse(context, &argc, &argv, &error) || !paths || runs < 0) {
    g_printerr("%s: %s\n", argv[0], error ? error->message : "name at least one corpus folder");
    return 2;
  }
  g_option_context_free(context);
  if (LLVMFuzzerInitialize)
    LLVMFuzzerInitialize(&argc, &argv);

  char *base = g_path_get_basename(argv[0]);
  g_snprintf(crash_path, sizeof crash_path, "%s-crash-%" G_GINT64_FORMAT, base, seed);
  g_free(base);
  if (__sanitizer_set_death_callback) {
    __sanitizer_set_death_callback(keep_input);
  } else {
    signal(SIGSEGV, on_fatal_signal);
    signal(SIGBUS, on_fatal_signal);
    signal(SIGFPE, on_fatal_signal);
  }
  signal(SIGABRT, on_fatal_signal);

  GPtrArray *corpus = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  gboolean readable = TRUE;
  for (char **path = paths; *path; path++)
    readable &= add_path(corpus, *path);
  g_strfreev(paths);
  printf("1..2\n");
  for (guint i = 0; i < corpus->len; i++) {
    gsize length;
    const uint8_t *data = g_bytes_get_data(g_ptr_array_index(corpus, i), &length);
    run_one(data, length);
  }
  gboolean has_corpus = readable && corpus->len > 0;
  printf("%s 1 corpus: %u files%s\n", has_corpus ? "ok" : "not ok", corpus->len,
         has_corpus ? "" : " (a target needs at least one good example)");
  fflush(stdout);

  GRand *rand = g_rand_new_with_seed((guint32)seed);
  uint8_t data[INPUT_MAX];
  for (gint64 run = 0; run < runs && corpus->len > 0; run++) {
    gsize length;
    const uint8_t *example = pick(corpus, rand, &length);
    length = MIN(length, sizeof data);
    if (length)
      memcpy(data, example, length);
    for (size_t changes = 1 + below(rand, 5); changes > 0; changes--)
      length = mutate(data, length, corpus, rand);
    run_one(data, length);
  }
  printf("%s 2 mutations: %" G_GINT64_FORMAT " with seed %" G_GINT64_FORMAT "\n",
         corpus->len > 0 ? "ok" : "not ok", runs, seed);
  g_rand_free(rand);
  g_ptr_array_unref(corpus);
  return 0;
}
