/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "raptorq-private.h"
#include <glib.h>
#include <string.h>

/* From RFC 6330 to rows of coefficients. The intermediate symbols C follow from the K' source symbols by
 * A C = D (section 5.3.3.4.2), where D is S + H zeros and then the source symbols; so C = M * source symbols, M
 * being the last K' columns of the inverse of A. An encoding symbol is the sum of some of C (5.3.5.3), its row
 * the sum of these rows of M. The source symbols from K on are zeros (5.3.1): their columns are left out. */

#define L_MAX 128 /* K' + S + H */

typedef struct {
  const WzpRaptorqParameters *table;
  unsigned l, p, p1, b; /* as in the RFC */
  unsigned row_size;
  uint8_t *m; /* [l][row_size] */
} Code;

typedef struct {
  unsigned d, a, b, d1, a1, b1;
} Tuple;

/* 5.3.5.1 */
static uint32_t
pseudo_random(uint32_t y, unsigned i, uint32_t m)
{
  uint32_t sum = 0;
  for (unsigned n = 0; n < 4; n++)
    sum ^= wzp_raptorq_random[n][(uint8_t)((y >> 8 * n) + i)];
  return sum % m;
}

/* 5.3.5.2 */
static unsigned
degree(const Code *code, uint32_t v)
{
  unsigned d = 1;
  while (v >= wzp_raptorq_degrees[d])
    d++;
  return MIN(d, code->table->w - 2u);
}

/* 5.3.5.4 */
static Tuple
make_tuple(const Code *code, uint32_t isi)
{
  uint32_t a = 53591 + code->table->j * 997u;
  uint32_t b = 10267 * (code->table->j + 1u);
  a |= 1;
  uint32_t y = b + isi * a;
  Tuple tuple = {
      .d = degree(code, pseudo_random(y, 0, 1 << 20)),
      .a = 1 + pseudo_random(y, 1, code->table->w - 1u),
      .b = pseudo_random(y, 2, code->table->w),
      .d1 = 2,
      .a1 = 1 + pseudo_random(isi, 4, code->p1 - 1),
      .b1 = pseudo_random(isi, 5, code->p1),
  };
  if (tuple.d < 4)
    tuple.d1 = 2 + pseudo_random(isi, 3, 2);
  return tuple;
}

typedef void (*Visit)(void *user, unsigned intermediate);

/* 5.3.5.3: the intermediate symbols whose sum encoding symbol isi is */
static void
visit_intermediates(const Code *code, uint32_t isi, Visit visit, void *user)
{
  Tuple tuple = make_tuple(code, isi);
  const unsigned w = code->table->w;
  for (unsigned i = 0, b = tuple.b; i < tuple.d; i++, b = (b + tuple.a) % w)
    visit(user, b);
  for (unsigned i = 0, b1 = tuple.b1; i < tuple.d1; i++, b1 = (b1 + tuple.a1) % code->p1) {
    while (b1 >= code->p)
      b1 = (b1 + tuple.a1) % code->p1;
    visit(user, w + b1);
  }
}

/* --- A and its inverse --- */

/* A on the left, on the right what the identity becomes while A becomes the identity: only its columns of source
 * symbols. */
typedef uint8_t Line[L_MAX + WZP_RAPTORQ_ROW_MAX];

/* 5.3.3.3, the first S rows */
static void
fill_ldpc(const Code *code, Line *a)
{
  const unsigned s = code->table->s, w = code->table->w;
  for (unsigned i = 0; i < code->b; i++)
    for (unsigned n = 0, row = i % s; n < 3; n++, row = (row + 1 + i / s) % s)
      a[row][i] ^= 1;
  for (unsigned i = 0; i < s; i++) {
    a[i][code->b + i] ^= 1;
    a[i][w + i % code->p] ^= 1;
    a[i][w + (i + 1) % code->p] ^= 1;
  }
}

/* 5.3.3.3, H rows: MT * GAMMA, column by column from the right; each is alpha times the one beside it, and the
 * two ones of its column of MT */
static void
fill_hdpc(const Code *code, Line *a)
{
  const unsigned h = code->table->h, width = code->table->k + code->table->s;
  for (unsigned i = 0; i < h; i++) {
    a[i][width - 1] = wzp_gf256_alpha_power(i);
    a[i][width + i] = 1;
  }
  for (unsigned j = width - 1; j-- > 0;) {
    unsigned one = pseudo_random(j + 1, 6, h);
    unsigned other = (one + pseudo_random(j + 1, 7, h - 1) + 1) % h;
    for (unsigned i = 0; i < h; i++)
      a[i][j] = wzp_gf256_multiply(2, a[i][j + 1]);
    a[one][j] ^= 1;
    a[other][j] ^= 1;
  }
}

static void
flip(void *user, unsigned intermediate)
{
  uint8_t *line = user;
  line[intermediate] ^= 1;
}

static void
invert(Line *a, unsigned l)
{
  for (unsigned pivot = 0; pivot < l; pivot++) {
    unsigned row = pivot;
    while (a[row][pivot] == 0)
      g_assert(++row < l); /* 5.3.3.4.2: A has full rank, for every K' of the table */
    if (row != pivot) {
      Line line;
      memcpy(line, a[row], sizeof line);
      memcpy(a[row], a[pivot], sizeof line);
      memcpy(a[pivot], line, sizeof line);
    }
    wzp_gf256_scale(a[pivot], wzp_gf256_inverse(a[pivot][pivot]), sizeof(Line));
    for (unsigned i = 0; i < l; i++)
      if (i != pivot)
        wzp_gf256_add_scaled(a[i], a[pivot], a[i][pivot], sizeof(Line));
  }
}

static Code *
make_code(const WzpRaptorqParameters *table)
{
  Code *code = g_new0(Code, 1);
  code->table = table;
  code->l = table->k + table->s + table->h;
  code->p = code->l - table->w;
  code->b = table->w - table->s;
  code->p1 = code->p;
  for (unsigned divisor = 2; divisor < code->p1; divisor++) /* the first prime from P on */
    if (code->p1 % divisor == 0) {
      code->p1++;
      divisor = 1;
    }
  g_assert(code->l <= L_MAX);

  Line *a = g_new0(Line, code->l);
  const unsigned first_lt = table->s + table->h;
  fill_ldpc(code, a);
  fill_hdpc(code, a + table->s);
  for (unsigned i = 0; i < table->k; i++) {
    visit_intermediates(code, i, flip, a[first_lt + i]);
    a[first_lt + i][L_MAX + i] = 1;
  }
  invert(a, code->l);
  code->row_size = wzp_raptorq_row_size(table->k);
  code->m = g_malloc(code->l * code->row_size);
  for (unsigned i = 0; i < code->l; i++)
    memcpy(code->m + i * code->row_size, a[i] + L_MAX, code->row_size);
  g_free(a);
  return code;
}

static const Code *
code_of(unsigned k)
{
  static gsize codes[WZP_RAPTORQ_N_PARAMETERS];
  unsigned i = 0;
  while (wzp_raptorq_parameters[i].k < k)
    i++;
  if (g_once_init_enter(&codes[i]))
    g_once_init_leave(&codes[i], (gsize)make_code(&wzp_raptorq_parameters[i]));
  return (const Code *)codes[i];
}

/* --- rows --- */

typedef struct {
  const Code *code;
  uint64_t sum[WZP_RAPTORQ_ROW_MAX / 8];
} RowSum;

static void
add_row_of_m(void *user, unsigned intermediate)
{
  RowSum *row = user;
  const uint8_t *m = row->code->m + intermediate * row->code->row_size;
  for (unsigned i = 0; i < row->code->row_size / 8; i++) {
    uint64_t word;
    memcpy(&word, m + 8 * i, sizeof word);
    row->sum[i] ^= word;
  }
}

void
wzp_raptorq_compute_row(unsigned k, uint32_t esi, uint8_t *row)
{
  RowSum sum = {.code = code_of(k)};
  visit_intermediates(sum.code, esi + sum.code->table->k - k, add_row_of_m, &sum);
  memcpy(row, sum.sum, wzp_raptorq_row_size(k));
  memset(row + k, 0, wzp_raptorq_row_size(k) - k);
}

const uint8_t *
wzp_raptorq_cached_rows(unsigned k)
{
  static gsize cache[WZP_RAPTORQ_K_MAX + 1];
  if (g_once_init_enter(&cache[k])) {
    const unsigned size = wzp_raptorq_row_size(k);
    uint8_t *rows = g_malloc(WZP_RAPTORQ_CACHED * size);
    for (unsigned i = 0; i < WZP_RAPTORQ_CACHED; i++)
      wzp_raptorq_compute_row(k, k + i, rows + i * size);
    g_once_init_leave(&cache[k], (gsize)rows);
  }
  return (const uint8_t *)cache[k];
}

const WzpGf256Factor *_Atomic wzp_raptorq_factors[WZP_GF256_N_KERNELS][WZP_RAPTORQ_K_MAX + 1];

const WzpGf256Factor *
wzp_raptorq_prepare_factors(unsigned k, const WzpGf256Code *code)
{
  const unsigned n = WZP_RAPTORQ_CACHED * k;
  const uint8_t *rows = wzp_raptorq_cached_rows(k);
  WzpGf256Factor *factors = g_new(WzpGf256Factor, n);
  const WzpGf256Factor *others = NULL;
  for (unsigned i = 0; i < n; i++)
    factors[i] = code->factors[rows[i / k * wzp_raptorq_row_size(k) + i % k]];
  if (atomic_compare_exchange_strong(&wzp_raptorq_factors[code->kernel][k], &others, factors))
    return factors;
  g_free(factors); /* another thread was first */
  return others;
}

void
wzp_raptorq_row(unsigned k, uint32_t esi, uint8_t *row)
{
  g_return_if_fail(k >= 1 && k <= WZP_RAPTORQ_K_MAX && esi <= WZP_RAPTORQ_ESI_MAX);
  uint8_t whole[WZP_RAPTORQ_ROW_MAX];
  if (esi < k) {
    memset(row, 0, k);
    row[esi] = 1;
  } else if (wzp_raptorq_is_cached(k, esi)) {
    memcpy(row, wzp_raptorq_cached_rows(k) + (esi - k) * wzp_raptorq_row_size(k), k);
  } else {
    wzp_raptorq_compute_row(k, esi, whole);
    memcpy(row, whole, k);
  }
}
