/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "path-private.h"

#define GAP_MAX 50 /* numbers; more are not lost there, they went another way */
#define MEMORY (2 * WZP_SECOND)
#define MEMORY_LEAST 40 /* so many are remembered, however old */
#define KNOWN_FROM 20
#define STALE (10 * WZP_SECOND)

static void
fade(WzpPathLoss *loss, WzpTime now)
{
  if (now - loss->updated > STALE)
    loss->expected = loss->lost = 0;
  if (loss->expected < MEMORY_LEAST || now - loss->faded < MEMORY)
    return;
  loss->expected /= 2;
  loss->lost /= 2;
  loss->faded = now;
}

void
wzp_path_loss_add(WzpPathLoss *loss, WzpPathNumbers *numbers, WzpTime now, uint16_t number)
{
  int distance = wzp_seq16_distance(number, numbers->highest);
  fade(loss, now);
  loss->updated = now;
  if (!numbers->started || ABS(distance) > GAP_MAX) {
    *numbers = (WzpPathNumbers){.started = true, .highest = number};
    loss->expected++;
  } else if (distance > 0) {
    numbers->highest = number;
    loss->expected += (unsigned)distance;
    loss->lost += (unsigned)distance - 1;
  } else if (loss->lost > 0) {
    loss->lost--; /* it was only late */
  }
}

uint8_t
wzp_path_loss_percent(const WzpPathLoss *loss, WzpTime now)
{
  if (loss->expected < KNOWN_FROM || now - loss->updated > STALE)
    return WZP_PATH_LOSS_UNKNOWN;
  return (uint8_t)(100 * loss->lost / loss->expected);
}
