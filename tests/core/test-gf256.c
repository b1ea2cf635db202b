/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The field by its definition, and every kernel against the definition: all lengths and alignments, symbols at
 * the ends of pages, all products of two bytes. Kernels that this CPU cannot run are left out, but GFNI's source
 * also runs with its instructions emulated (gf256-emulated.c). */
#include "wzp/gf256-private.h"
#include "test-util.h"
#include <sys/mman.h>
#include <unistd.h>

#define LENGTHS 300
#define ALIGNMENTS 64
#define SYMBOLS 32
#define SLOT 512 /* for a symbol of LENGTHS bytes at any alignment, and a margin on both sides */

#ifdef HAVE_EMULATION
extern const WzpGf256Code wzp_gf256_gfni_emulated;
#endif

static uint8_t product_of[256][256];

/* by the definition: shift, add, reduce by x^8 + x^4 + x^3 + x^2 + 1 */
static uint8_t
multiply_slowly(uint8_t a, uint8_t b)
{
  unsigned product = 0;
  for (unsigned i = 0; i < 8; i++)
    product ^= (b >> i & 1u) ? (unsigned)a << i : 0;
  for (unsigned i = 14; i >= 8; i--)
    product ^= (product >> i & 1u) ? 0x11du << (i - 8) : 0;
  return (uint8_t)product;
}

static void
test_field(void)
{
  uint8_t power = 1;
  for (unsigned a = 0; a < 256; a++)
    for (unsigned b = 0; b < 256; b++)
      g_assert_cmpuint(wzp_gf256_multiply((uint8_t)a, (uint8_t)b), ==, product_of[a][b]);
  for (unsigned a = 1; a < 256; a++)
    g_assert_cmpuint(product_of[a][wzp_gf256_inverse((uint8_t)a)], ==, 1);
  for (unsigned n = 0; n < 1000; n++) {
    g_assert_cmpuint(wzp_gf256_alpha_power(n), ==, power);
    power = product_of[power][2];
  }
}

/* --- the first use, by many threads at once; registered first --- */

static gint waiting = 8;

static gpointer
use_first(gpointer data)
{
  uint8_t in[64], out[64], coefficient = 0x8e;
  const uint8_t *ins = in;
  uint8_t *outs = out;
  WzpGf256Factor factor;
  (void)data;
  memset(in, 0x77, sizeof in);
  g_atomic_int_add(&waiting, -1);
  while (g_atomic_int_get(&waiting) > 0)
    g_thread_yield();
  wzp_gf256_prepare(&factor, &coefficient, 1);
  wzp_gf256_product(1, &ins, &factor, &outs, 1, sizeof in);
  for (unsigned i = 0; i < sizeof out; i++)
    g_assert_cmpuint(out[i], ==, product_of[0x8e][0x77]);
  return NULL;
}

static void
test_first_use(void)
{
  GThread *threads[8];
  for (unsigned i = 0; i < G_N_ELEMENTS(threads); i++)
    threads[i] = g_thread_new("first-use", use_first, NULL);
  for (unsigned i = 0; i < G_N_ELEMENTS(threads); i++)
    g_thread_join(threads[i]);
}

/* --- a kernel against the definition --- */

typedef struct {
  const uint8_t *in[128];
  uint8_t *out[SYMBOLS];
  uint8_t coefficients[SYMBOLS * 128];
  WzpGf256Factor factors[SYMBOLS * 128];
} Shape;

static const WzpGf256Code *
with_tables(gconstpointer data)
{
  wzp_gf256_kernel(); /* a first use */
  return data;
}

static void
prepare(Shape *shape, const WzpGf256Code *code, size_t n)
{
  for (size_t i = 0; i < n; i++)
    shape->factors[i] = code->factors[shape->coefficients[i]];
}

static void
product_slowly(uint8_t *to, const Shape *shape, unsigned r, unsigned n_in, size_t n)
{
  memset(to, 0, n);
  for (unsigned k = 0; k < n_in; k++)
    for (size_t i = 0; i < n; i++)
      to[i] ^= product_of[shape->coefficients[r * n_in + k]][shape->in[k][i]];
}

/* Each length and alignment, the number of outputs, inputs and the other alignments varied along. Around the
 * symbols lie other bytes: what a kernel writes there shows. */
static void
test_lengths(gconstpointer data)
{
  const WzpGf256Code *code = with_tables(data);
  static uint8_t in[8][SLOT], out[12][SLOT], expected[12][SLOT], before[12][SLOT];
  Shape shape;
  TestRandom random;
  test_random_init(&random);
  wzp_random_fill(&random.random, in, sizeof in);
  wzp_random_fill(&random.random, before, sizeof before);
  wzp_random_fill(&random.random, shape.coefficients, sizeof shape.coefficients);
  for (size_t n = 0; n <= LENGTHS; n++)
    for (unsigned align = 0; align < ALIGNMENTS; align++) {
      unsigned n_in = 1 + (align + (unsigned)n * 3) % 5;
      unsigned n_out = 1 + (align + (unsigned)n) % G_N_ELEMENTS(out);
      memcpy(out, before, sizeof out);
      memcpy(expected, before, sizeof expected);
      for (unsigned k = 0; k < n_in; k++)
        shape.in[k] = in[k] + 64 + (align + 13 * k) % ALIGNMENTS;
      prepare(&shape, code, (size_t)n_in * n_out);
      for (unsigned r = 0; r < n_out; r++) {
        size_t at = 64 + (align + 29 * r) % ALIGNMENTS;
        shape.out[r] = out[r] + at;
        product_slowly(expected[r] + at, &shape, r, n_in, n);
      }
      if (n > 0)
        code->product(n_in, shape.in, shape.factors, shape.out, n_out, n);
      g_assert_cmpmem(out, sizeof out, expected, sizeof expected);

      /* out[0] += c * in[0], then out[0] *= c + 1 */
      uint8_t c = shape.coefficients[n + align], *sum = expected[0] + (shape.out[0] - out[0]);
      for (size_t i = 0; i < n; i++)
        sum[i] = product_of[c ^ 1][sum[i] ^ product_of[c][shape.in[0][i]]];
      if (n > 0) {
        code->add_scaled(shape.out[0], shape.in[0], code->factors[c], n);
        code->add_scaled(shape.out[0], shape.out[0], code->factors[c], n);
      }
      g_assert_cmpmem(out[0], SLOT, expected[0], SLOT);
    }
}

/* Pages that may be used between two that may not. */
static uint8_t *
guarded_pages(size_t size)
{
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  uint8_t *all = mmap(NULL, size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  g_assert_true(all != MAP_FAILED);
  g_assert_cmpint(mprotect(all + page, size, PROT_READ | PROT_WRITE), ==, 0);
  return all + page;
}

/* Inputs at an end, and outputs side by side from an end on. */
static void
test_ends_of_pages(gconstpointer data)
{
  const WzpGf256Code *code = with_tables(data);
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  uint8_t *in = guarded_pages(page), *out = guarded_pages(page), expected[LENGTHS];
  Shape shape;
  TestRandom random;
  test_random_init(&random);
  wzp_random_fill(&random.random, in, page);
  wzp_random_fill(&random.random, shape.coefficients, sizeof shape.coefficients);
  for (size_t n = 1; n <= LENGTHS; n++)
    for (unsigned ends = 0; ends < 4; ends++) {
      unsigned n_in = 1 + (unsigned)n % 5, n_out = 1 + (unsigned)n % 9;
      for (unsigned k = 0; k < n_in; k++)
        shape.in[k] = ends & 1 ? in + page - n : in;
      for (unsigned r = 0; r < n_out; r++)
        shape.out[r] = ends & 2 ? out + page - (r + 1) * n : out + r * n;
      prepare(&shape, code, (size_t)n_in * n_out);
      code->product(n_in, shape.in, shape.factors, shape.out, n_out, n);
      for (unsigned r = n_out; r-- > 0;) {
        product_slowly(expected, &shape, r, n_in, n);
        g_assert_cmpmem(shape.out[r], n, expected, n);
      }
      code->add_scaled(shape.out[0], shape.in[0], shape.factors[0], n);
      for (size_t i = 0; i < n; i++)
        expected[i] ^= product_of[shape.coefficients[0]][shape.in[0][i]];
      g_assert_cmpmem(shape.out[0], n, expected, n);
    }
  munmap(in - page, 3 * page);
  munmap(out - page, 3 * page);
}

static void
test_every_product(gconstpointer data)
{
  const WzpGf256Code *code = with_tables(data);
  uint8_t bytes[256], out[256];
  for (unsigned i = 0; i < 256; i++)
    bytes[i] = (uint8_t)i;
  for (unsigned c = 0; c < 256; c++) {
    memset(out, 0, sizeof out);
    code->add_scaled(out, bytes, code->factors[c], sizeof out);
    g_assert_cmpmem(out, sizeof out, product_of[c], sizeof out);
  }
}

/* Large blocks, long symbols, and none at all. */
static void
test_shapes(gconstpointer data)
{
  const WzpGf256Code *code = with_tables(data);
  static uint8_t in[128][1400], out[SYMBOLS][1400], expected[1400];
  Shape shape;
  TestRandom random;
  test_random_init(&random);
  wzp_random_fill(&random.random, in, sizeof in);
  wzp_random_fill(&random.random, shape.coefficients, sizeof shape.coefficients);
  for (unsigned round = 0; round < 60; round++) {
    unsigned n_in = test_random_below(&random, 102);
    unsigned n_out = 1 + test_random_below(&random, SYMBOLS);
    size_t n = 1 + test_random_below(&random, 1400);
    for (unsigned k = 0; k < n_in; k++)
      shape.in[k] = in[k];
    for (unsigned r = 0; r < n_out; r++)
      shape.out[r] = out[r];
    prepare(&shape, code, (size_t)n_in * n_out);
    code->product(n_in, shape.in, shape.factors, shape.out, n_out, n);
    for (unsigned r = 0; r < n_out; r++) {
      product_slowly(expected, &shape, r, n_in, n);
      g_assert_cmpmem(out[r], n, expected, n);
    }
  }
}

/* --- the interface, with whatever kernel it chose --- */

static void
test_interface(void)
{
  uint8_t a[70], b[70], was[70], *out[] = {a, b};
  const uint8_t *in[] = {was};
  uint8_t coefficients[] = {3, 0};
  WzpGf256Factor factors[2];
  for (unsigned i = 0; i < sizeof was; i++)
    was[i] = (uint8_t)(i * 37 + 1);
  memset(a, 0xa5, sizeof a);
  memset(b, 0xa5, sizeof b);

  wzp_gf256_prepare(factors, coefficients, 2);
  wzp_gf256_product(1, in, factors, out, 2, 0);
  wzp_gf256_product(1, in, factors, out, 0, sizeof a);
  wzp_gf256_add_scaled(a, was, 7, 0);
  wzp_gf256_add_scaled(a, was, 0, sizeof a);
  wzp_gf256_scale(a, 1, sizeof a);
  for (unsigned i = 0; i < sizeof a; i++)
    g_assert_cmpuint(a[i] & b[i], ==, 0xa5);

  wzp_gf256_product(1, in, factors, out, 2, sizeof a);
  for (unsigned i = 0; i < sizeof a; i++) {
    g_assert_cmpuint(a[i], ==, product_of[3][was[i]]);
    g_assert_cmpuint(b[i], ==, 0);
  }
  wzp_gf256_scale(a, wzp_gf256_inverse(3), sizeof a);
  g_assert_cmpmem(a, sizeof a, was, sizeof was);
  wzp_gf256_add_scaled(a, a, 1, sizeof a);
  g_assert_cmpmem(a, sizeof a, b, sizeof b);
  wzp_gf256_product(0, in, NULL, out, 1, sizeof a); /* a sum of nothing */
  g_assert_cmpmem(a, sizeof a, b, sizeof b);
  wzp_gf256_scale(a, 0, sizeof a);
  g_assert_cmpmem(a, sizeof a, b, sizeof b);
}

static void
test_choice(void)
{
  WzpGf256Kernel best = wzp_gf256_kernel();
  g_assert_true(wzp_gf256_kernel_usable(WZP_GF256_PORTABLE));
  g_assert_false(wzp_gf256_kernel_usable(WZP_GF256_N_KERNELS));
  for (WzpGf256Kernel i = 0; i < WZP_GF256_N_KERNELS; i++) {
    if (i > best)
      g_assert_false(wzp_gf256_kernel_usable(i));
    if (!wzp_gf256_kernel_usable(i))
      continue;
    wzp_gf256_use_kernel(i);
    g_assert_cmpint(wzp_gf256_kernel(), ==, i);
    test_interface();
  }
  wzp_gf256_use_kernel(best);
}

static void
add_kernel_tests(const char *name, const WzpGf256Code *code)
{
  static const struct {
    const char *name;
    GTestDataFunc run;
  } tests[] = {{"every-product", test_every_product},
               {"lengths", test_lengths},
               {"ends-of-pages", test_ends_of_pages},
               {"shapes", test_shapes}};
  for (unsigned i = 0; i < G_N_ELEMENTS(tests); i++) {
    char *path = g_strdup_printf("/gf256/%s/%s", name, tests[i].name);
    g_test_add_data_func(path, code, tests[i].run);
    g_free(path);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  wzp_init();
  for (unsigned a = 0; a < 256; a++)
    for (unsigned b = 0; b < 256; b++)
      product_of[a][b] = multiply_slowly((uint8_t)a, (uint8_t)b);
  g_test_add_func("/gf256/first-use", test_first_use);
  g_test_add_func("/gf256/field", test_field);
  for (WzpGf256Kernel i = 0; i < WZP_GF256_N_KERNELS; i++)
    if (wzp_gf256_kernel_usable(i))
      add_kernel_tests(wzp_gf256_kernel_name(i), wzp_gf256_code(i));
#ifdef HAVE_EMULATION
  add_kernel_tests("gfni-emulated", &wzp_gf256_gfni_emulated);
#endif
  g_test_add_func("/gf256/interface", test_interface);
  g_test_add_func("/gf256/choice", test_choice);
  return g_test_run();
}
