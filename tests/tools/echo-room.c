/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "echo-room.h"
#include <math.h>

#define RATE 48000
#define APART 8 /* samples to each reflection */

void
echo_room_add(const EchoRoom *room, const double *played, double *heard, gsize n)
{
  GRand *random = g_rand_new_with_seed(room->seed);
  guint length = room->decay * RATE / 1000 / APART, first = room->late * RATE / 1000;
  g_autofree gsize *place = g_new(gsize, length);
  g_autofree double *height = g_new(double, length);
  double energy = 0;
  for (guint k = 0; k < length; k++) {
    place[k] = first + (k > 0 ? k * APART + (gsize)g_rand_int_range(random, 0, APART) : 0);
    height[k] = (k == 0 ? 3 : g_rand_boolean(random) ? 1 : -1) * pow(10, -3.0 * k / length);
    energy += height[k] * height[k];
  }
  double scale = pow(10, -room->loss / 20) / sqrt(energy);
  for (guint k = 0; k < length; k++)
    for (gsize i = place[k]; i < n; i++)
      heard[i] += scale * height[k] * played[i - place[k]];
  g_rand_free(random);
}
