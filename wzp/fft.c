/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fft.h"
#include "vector.h"
#include <math.h>

/* The transform orders itself as it goes (Stockham): a stage of radix r reads r numbers that lie a part apart, and
 * writes them side by side, `stride` numbers at once. The first stage has a stride of 1 and works on neighbours. */

#define HALF_MAX (WZP_FFT_SIZE / 2)
#define LANES WZP_VECTOR_FLOATS
#define RADIX_MAX 5

typedef struct {
  WzpVector re, im;
} Complex;

void
wzp_fft_init(WzpFft *fft, unsigned size)
{
  unsigned left = size / 2, stage = 0;
  fft->size = size;
  for (unsigned n = 0; n < size; n++) {
    fft->cosine[n] = (float)cos(2 * M_PI * n / size);
    fft->sine[n] = (float)sin(2 * M_PI * n / size);
  }
  for (unsigned k = 1; k < 4; k++) {
    for (unsigned p = 0; p < size / 8; p++) {
      fft->first_cosine[k - 1][p] = fft->cosine[2 * k * p];
      fft->first_sine[k - 1][p] = fft->sine[2 * k * p];
    }
  }
  while (left > 1) {
    unsigned radix = left % 4 == 0 ? 4 : left % 2 == 0 ? 2 : left % 3 == 0 ? 3 : 5;
    fft->radix[stage++] = (unsigned char)radix;
    left /= radix;
  }
  fft->radix[stage] = 0;
}

static inline Complex
add(Complex a, Complex b)
{
  return (Complex){a.re + b.re, a.im + b.im};
}

static inline Complex
subtract(Complex a, Complex b)
{
  return (Complex){a.re - b.re, a.im - b.im};
}

static inline Complex
scale(Complex a, float by)
{
  return (Complex){a.re * by, a.im * by};
}

/* a - i b */
static inline Complex
turn_back(Complex a, Complex b)
{
  return (Complex){a.re + b.im, a.im - b.re};
}

static inline Complex
turn_on(Complex a, Complex b)
{
  return (Complex){a.re - b.im, a.im + b.re};
}

/* The transform of `radix` numbers, in place. */
static inline __attribute__((always_inline)) void
transform_few(unsigned radix, Complex x[RADIX_MAX])
{
  if (radix == 2) {
    Complex a = x[0];
    x[0] = add(a, x[1]);
    x[1] = subtract(a, x[1]);
  } else if (radix == 3) {
    Complex sum = add(x[1], x[2]), difference = scale(subtract(x[1], x[2]), 0.86602540f);
    Complex middle = subtract(x[0], scale(sum, 0.5f));
    x[0] = add(x[0], sum);
    x[1] = turn_back(middle, difference);
    x[2] = turn_on(middle, difference);
  } else if (radix == 4) {
    Complex a = add(x[0], x[2]), b = subtract(x[0], x[2]);
    Complex c = add(x[1], x[3]), d = subtract(x[1], x[3]);
    x[0] = add(a, c);
    x[1] = turn_back(b, d);
    x[2] = subtract(a, c);
    x[3] = turn_on(b, d);
  } else {
    const float c1 = 0.30901699f, c2 = -0.80901699f, s1 = 0.95105652f, s2 = 0.58778525f;
    Complex near = add(x[1], x[4]), far = add(x[2], x[3]);
    Complex near_by = subtract(x[1], x[4]), far_by = subtract(x[2], x[3]);
    Complex a = add(x[0], add(scale(near, c1), scale(far, c2)));
    Complex b = add(x[0], add(scale(near, c2), scale(far, c1)));
    Complex c = add(scale(near_by, s1), scale(far_by, s2));
    Complex d = subtract(scale(near_by, s2), scale(far_by, s1));
    x[0] = add(x[0], add(near, far));
    x[1] = turn_back(a, c);
    x[2] = turn_back(b, d);
    x[3] = turn_on(b, d);
    x[4] = turn_on(a, c);
  }
}

/* times e^-(angle), whose cosine and sine these are */
static inline Complex
twiddle(Complex x, WzpVector c, WzpVector s)
{
  return (Complex){x.re * c + x.im * s, x.im * c - x.re * s};
}

/* Columns as rows. */
static inline void
store_turned(float *to, WzpVector a, WzpVector b, WzpVector c, WzpVector d)
{
  WzpVector ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  WzpVector cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  wzp_vector_store(to, __builtin_shufflevector(ab, cd, 0, 1, 4, 5));
  wzp_vector_store(to + 4, __builtin_shufflevector(ab, cd, 2, 3, 6, 7));
  ab = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  cd = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  wzp_vector_store(to + 8, __builtin_shufflevector(ab, cd, 0, 1, 4, 5));
  wzp_vector_store(to + 12, __builtin_shufflevector(ab, cd, 2, 3, 6, 7));
}

static void
first_stage(const WzpFft *fft, const float *xr, const float *xi, float *yr, float *yi)
{
  unsigned part = fft->size / 2 / 4;
  for (unsigned p = 0; p < part; p += LANES) {
    Complex x[RADIX_MAX];
    for (unsigned k = 0; k < 4; k++)
      x[k] = (Complex){wzp_vector_load(xr + p + k * part), wzp_vector_load(xi + p + k * part)};
    transform_few(4, x);
    for (unsigned k = 1; k < 4; k++)
      x[k] = twiddle(x[k], wzp_vector_load(fft->first_cosine[k - 1] + p),
                     wzp_vector_load(fft->first_sine[k - 1] + p));
    store_turned(yr + 4 * p, x[0].re, x[1].re, x[2].re, x[3].re);
    store_turned(yi + 4 * p, x[0].im, x[1].im, x[2].im, x[3].im);
  }
}

static inline __attribute__((always_inline)) void
next_stage(const WzpFft *fft, unsigned radix, unsigned stride, const float *xr, const float *xi,
           float *yr, float *yi)
{
  unsigned part = fft->size / 2 / stride / radix;
  for (unsigned p = 0; p < part; p++) {
    for (unsigned q = 0; q < stride; q += LANES) {
      Complex x[RADIX_MAX];
      for (unsigned k = 0; k < radix; k++) {
        unsigned from = q + stride * (p + k * part);
        x[k] = (Complex){wzp_vector_load(xr + from), wzp_vector_load(xi + from)};
      }
      transform_few(radix, x);
      for (unsigned k = 0; k < radix; k++) {
        unsigned to = q + stride * (radix * p + k), angle = 2 * k * p * stride;
        if (k > 0)
          x[k] = twiddle(x[k], wzp_vector_of(fft->cosine[angle]), wzp_vector_of(fft->sine[angle]));
        wzp_vector_store(yr + to, x[k].re);
        wzp_vector_store(yi + to, x[k].im);
      }
    }
  }
}

/* Of size / 2 complex numbers, from x to z; x is overwritten. */
static void
transform(const WzpFft *fft, float x[2][HALF_MAX], float z[2][HALF_MAX])
{
  float(*from)[HALF_MAX] = x, (*to)[HALF_MAX] = z;
  unsigned stride = 1;
  for (unsigned stage = 0; fft->radix[stage] != 0; stage++) {
    unsigned radix = fft->radix[stage];
    if (stage == 0)
      first_stage(fft, from[0], from[1], to[0], to[1]);
    else if (radix == 2) /* each of its own, so that the compiler unrolls it */
      next_stage(fft, 2, stride, from[0], from[1], to[0], to[1]);
    else if (radix == 3)
      next_stage(fft, 3, stride, from[0], from[1], to[0], to[1]);
    else if (radix == 4)
      next_stage(fft, 4, stride, from[0], from[1], to[0], to[1]);
    else
      next_stage(fft, 5, stride, from[0], from[1], to[0], to[1]);
    stride *= radix;
    float(*swap)[HALF_MAX] = from;
    from = to;
    to = swap;
  }
  if (from != z)
    memcpy(z, from, sizeof(float[2][HALF_MAX]));
}

/* Even samples as real parts, odd ones as imaginary parts make one transform of half the size. */
void
wzp_fft_forward(const WzpFft *fft, const float *in, float *re, float *im)
{
  unsigned half = fft->size / 2;
  float x[2][HALF_MAX], z[2][HALF_MAX];
  for (unsigned n = 0; n < half; n++) {
    x[0][n] = in[2 * n];
    x[1][n] = in[2 * n + 1];
  }
  transform(fft, x, z);

  const float *zr = z[0], *zi = z[1];
  re[0] = zr[0] + zi[0];
  re[half] = zr[0] - zi[0];
  im[0] = im[half] = 0;
  unsigned k = 1;
  for (; k + LANES <= half / 2; k += LANES) {
    unsigned mirror = half - k - (LANES - 1);
    WzpVector near_r = wzp_vector_load(zr + k), near_i = wzp_vector_load(zi + k);
    WzpVector far_r = wzp_vector_reverse(wzp_vector_load(zr + mirror));
    WzpVector far_i = wzp_vector_reverse(wzp_vector_load(zi + mirror));
    Complex even = {(near_r + far_r) * 0.5f, (near_i - far_i) * 0.5f};
    Complex odd = {(near_i + far_i) * 0.5f, (far_r - near_r) * 0.5f};
    odd = twiddle(odd, wzp_vector_load(fft->cosine + k), wzp_vector_load(fft->sine + k));
    wzp_vector_store(re + k, even.re + odd.re);
    wzp_vector_store(im + k, even.im + odd.im);
    wzp_vector_store(re + mirror, wzp_vector_reverse(even.re - odd.re));
    wzp_vector_store(im + mirror, wzp_vector_reverse(odd.im - even.im));
  }
  for (; k <= half / 2; k++) {
    unsigned mirror = half - k;
    float even_r = (zr[k] + zr[mirror]) / 2, even_i = (zi[k] - zi[mirror]) / 2;
    float odd_r = (zi[k] + zi[mirror]) / 2, odd_i = (zr[mirror] - zr[k]) / 2;
    float turned_r = odd_r * fft->cosine[k] + odd_i * fft->sine[k];
    float turned_i = odd_i * fft->cosine[k] - odd_r * fft->sine[k];
    re[k] = even_r + turned_r;
    im[k] = even_i + turned_i;
    re[mirror] = even_r - turned_r;
    im[mirror] = turned_i - even_i;
  }
}

void
wzp_fft_inverse(const WzpFft *fft, const float *re, const float *im, float *out)
{
  unsigned half = fft->size / 2;
  float x[2][HALF_MAX], z[2][HALF_MAX], by = 1 / (float)half;
  for (unsigned k = 0; k < half; k++) {
    unsigned mirror = half - k;
    float even_r = (re[k] + re[mirror]) / 2, even_i = (im[k] - im[mirror]) / 2;
    float r = (re[k] - re[mirror]) / 2, i = (im[k] + im[mirror]) / 2;
    float odd_r = r * fft->cosine[k] - i * fft->sine[k];
    float odd_i = i * fft->cosine[k] + r * fft->sine[k];
    x[0][k] = even_r - odd_i;
    x[1][k] = -(even_i + odd_r); /* the conjugate: back is forth of it */
  }
  transform(fft, x, z);
  for (unsigned n = 0; n < half; n++) {
    out[2 * n] = z[0][n] * by;
    out[2 * n + 1] = -z[1][n] * by;
  }
}
