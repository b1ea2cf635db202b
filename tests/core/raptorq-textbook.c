/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "raptorq-textbook.h"
#include "wzp/raptorq-private.h"
#include <glib.h>
#include <string.h>

#define L_MAX 128
#define K_EXTENDED_MAX 101

/* As 5.3.3.3 and 5.3.5 name them. */
struct Textbook {
  unsigned k, K, J, S, H, W, L, P, P1, U, B;
  uint8_t C[L_MAX][K_EXTENDED_MAX];
};

uint8_t
textbook_multiply(uint8_t a, uint8_t b)
{
  static uint8_t table[256][256];
  static gsize done;
  if (g_once_init_enter(&done)) {
    for (unsigned x = 0; x < 256; x++)
      for (unsigned y = 0; y < 256; y++) {
        unsigned product = 0;
        for (unsigned bit = 0; bit < 8; bit++)
          product ^= (y >> bit & 1 ? x : 0) << bit;
        for (unsigned bit = 15; bit > 7; bit--)
          product ^= (product >> bit & 1 ? 0x11d : 0) << (bit - 8);
        table[x][y] = (uint8_t)product;
      }
    g_once_init_leave(&done, 1);
  }
  return table[a][b];
}

static uint8_t
inverse(uint8_t a)
{
  unsigned b = 1;
  while (textbook_multiply(a, (uint8_t)b) != 1)
    b++;
  return (uint8_t)b;
}

static uint8_t
alpha_power(unsigned n)
{
  uint8_t power = 1;
  while (n-- > 0)
    power = textbook_multiply(power, 2);
  return power;
}

static void
add_multiple(uint8_t *to, const uint8_t *from, uint8_t factor, unsigned n)
{
  for (unsigned i = 0; i < n; i++)
    to[i] ^= textbook_multiply(factor, from[i]);
}

static uint32_t
Rand(uint32_t y, uint32_t i, uint32_t m)
{
  const uint32_t x0 = (y + i) % 256, x1 = (y / 256 + i) % 256, x2 = (y / 65536 + i) % 256,
                 x3 = (y / 16777216 + i) % 256;
  return (wzp_raptorq_random[0][x0] ^ wzp_raptorq_random[1][x1] ^ wzp_raptorq_random[2][x2] ^
          wzp_raptorq_random[3][x3]) %
         m;
}

/* Adds to result the intermediate symbols of encoding symbol X; of A, whose intermediate symbols are unit
 * vectors, this gives the row. */
static void
encode(const Textbook *t, uint32_t X, const uint8_t *C, unsigned size, uint8_t *result)
{
  uint32_t A = 53591 + t->J * 997;
  if (A % 2 == 0)
    A++;
  const uint32_t B = 10267 * (t->J + 1);
  const uint32_t y = (uint32_t)((B + (uint64_t)X * A) % (UINT64_C(1) << 32));
  const uint32_t v = Rand(y, 0, 1048576);
  uint32_t d = 0;
  while (!(wzp_raptorq_degrees[d] <= v && v < wzp_raptorq_degrees[d + 1]))
    d++;
  d = MIN(d + 1, t->W - 2);
  const uint32_t a = 1 + Rand(y, 1, t->W - 1);
  uint32_t b = Rand(y, 2, t->W);
  const uint32_t d1 = d < 4 ? 2 + Rand(X, 3, 2) : 2;
  const uint32_t a1 = 1 + Rand(X, 4, t->P1 - 1);
  uint32_t b1 = Rand(X, 5, t->P1);

  add_multiple(result, C + b * size, 1, size);
  for (unsigned j = 1; j < d; j++) {
    b = (b + a) % t->W;
    add_multiple(result, C + b * size, 1, size);
  }
  while (b1 >= t->P)
    b1 = (b1 + a1) % t->P1;
  add_multiple(result, C + (t->W + b1) * size, 1, size);
  for (unsigned j = 1; j < d1; j++) {
    b1 = (b1 + a1) % t->P1;
    while (b1 >= t->P)
      b1 = (b1 + a1) % t->P1;
    add_multiple(result, C + (t->W + b1) * size, 1, size);
  }
}

static void
fill(const Textbook *t, uint8_t (*A)[L_MAX])
{
  static uint8_t unit[L_MAX][L_MAX];
  uint8_t MT[16][L_MAX] = {{0}};
  const unsigned n = t->K + t->S;
  for (unsigned i = 0; i < t->B; i++) {
    unsigned a = 1 + i / t->S, b = i % t->S;
    A[b][i] ^= 1;
    b = (b + a) % t->S;
    A[b][i] ^= 1;
    b = (b + a) % t->S;
    A[b][i] ^= 1;
  }
  for (unsigned i = 0; i < t->S; i++) {
    A[i][t->W + i % t->P] ^= 1;
    A[i][t->W + (i + 1) % t->P] ^= 1;
    A[i][t->B + i] ^= 1; /* I_S */
  }
  for (unsigned i = 0; i < t->H; i++) {
    for (unsigned j = 0; j < n - 1; j++)
      MT[i][j] = i == Rand(j + 1, 6, t->H) ||
                 i == (Rand(j + 1, 6, t->H) + Rand(j + 1, 7, t->H - 1) + 1) % t->H;
    MT[i][n - 1] = alpha_power(i);
    for (unsigned j = 0; j < n; j++)
      for (unsigned between = j; between < n; between++)
        A[t->S + i][j] ^= textbook_multiply(MT[i][between], alpha_power(between - j));
    A[t->S + i][n + i] = 1; /* I_H */
  }
  for (unsigned i = 0; i < L_MAX; i++)
    unit[i][i] = 1;
  for (unsigned i = 0; i < t->K; i++)
    encode(t, i, unit[0], L_MAX, A[t->S + t->H + i]);
}

static bool
is_prime(unsigned n)
{
  for (unsigned i = 2; i < n; i++)
    if (n % i == 0)
      return false;
  return true;
}

Textbook *
textbook_new(unsigned k)
{
  Textbook *t = g_new0(Textbook, 1);
  unsigned at = 0;
  while (wzp_raptorq_parameters[at].k < k)
    at++;
  t->k = k;
  t->K = wzp_raptorq_parameters[at].k;
  t->J = wzp_raptorq_parameters[at].j;
  t->S = wzp_raptorq_parameters[at].s;
  t->H = wzp_raptorq_parameters[at].h;
  t->W = wzp_raptorq_parameters[at].w;
  t->L = t->K + t->S + t->H;
  t->P = t->L - t->W;
  t->P1 = t->P;
  while (!is_prime(t->P1))
    t->P1++;
  t->U = t->P - t->H;
  t->B = t->W - t->S;

  uint8_t(*A)[L_MAX] = g_malloc0(L_MAX * L_MAX);
  uint8_t(*D)[K_EXTENDED_MAX] = g_malloc0(L_MAX * K_EXTENDED_MAX);
  fill(t, A);
  for (unsigned i = 0; i < t->K; i++)
    D[t->S + t->H + i][i] = 1;
  for (unsigned i = 0; i < t->L; i++) { /* downwards to a triangle */
    unsigned pivot = i;
    while (A[pivot][i] == 0)
      g_assert_cmpuint(++pivot, <, t->L);
    for (unsigned j = 0; j < L_MAX && pivot != i; j++) {
      uint8_t a = A[i][j];
      A[i][j] = A[pivot][j];
      A[pivot][j] = a;
    }
    for (unsigned j = 0; j < K_EXTENDED_MAX && pivot != i; j++) {
      uint8_t d = D[i][j];
      D[i][j] = D[pivot][j];
      D[pivot][j] = d;
    }
    for (unsigned row = i + 1; row < t->L; row++) {
      uint8_t factor = textbook_multiply(A[row][i], inverse(A[i][i]));
      add_multiple(A[row], A[i], factor, t->L);
      add_multiple(D[row], D[i], factor, t->K);
    }
  }
  for (unsigned i = t->L; i-- > 0;) { /* and the unknowns from the last to the first */
    for (unsigned j = i + 1; j < t->L; j++)
      add_multiple(D[i], t->C[j], A[i][j], t->K);
    add_multiple(t->C[i], D[i], inverse(A[i][i]), t->K);
  }
  g_free(A);
  g_free(D);
  return t;
}

void
textbook_free(Textbook *textbook)
{
  g_free(textbook);
}

void
textbook_row(const Textbook *textbook, uint32_t esi, uint8_t *row)
{
  uint8_t result[K_EXTENDED_MAX] = {0};
  const uint32_t isi = esi < textbook->k ? esi : esi + textbook->K - textbook->k;
  encode(textbook, isi, textbook->C[0], K_EXTENDED_MAX, result);
  memcpy(row, result, textbook->k); /* what is behind belongs to padding symbols, which are zeros */
}

unsigned
textbook_rank(uint8_t *rows, unsigned n, unsigned k, unsigned *determined)
{
  unsigned rank = 0;
  *determined = 0;
  for (unsigned column = 0; column < k && rank < n; column++) {
    unsigned pivot = rank;
    while (pivot < n && rows[pivot * k + column] == 0)
      pivot++;
    if (pivot == n)
      continue;
    for (unsigned j = 0; j < k && pivot != rank; j++) {
      uint8_t byte = rows[rank * k + j];
      rows[rank * k + j] = rows[pivot * k + j];
      rows[pivot * k + j] = byte;
    }
    const uint8_t scale = inverse(rows[rank * k + column]);
    for (unsigned row = 0; row < n; row++)
      if (row != rank && rows[row * k + column] != 0)
        add_multiple(rows + row * k, rows + rank * k,
                     textbook_multiply(scale, rows[row * k + column]), k);
    rank++;
  }
  for (unsigned row = 0; row < rank; row++) {
    unsigned named = 0;
    for (unsigned column = 0; column < k; column++)
      named += rows[row * k + column] != 0;
    *determined += named == 1;
  }
  return rank;
}
