/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "outage.h"
#include <glib.h>
#include <math.h>

#define RUNS_MOST 3 /* the outage, and chance beside it */
#define AGAIN_LEAST 0.15
#define AGAIN_MOST 0.99
#define CHANCE 0.001

bool
wzp_outage(unsigned lost, unsigned runs, double again, WzpTime lasted)
{
  if (lost == 0 || runs > RUNS_MOST)
    return false;
  again = CLAMP(again, AGAIN_LEAST, AGAIN_MOST);
  double others = runs > 1 ? (runs - 1) / (1 - again) : 0;
  double longest = lost - others;
  return longest > 1 && longest * (double)lasted / lost >= (double)WZP_OUTAGE_LEAST &&
         pow(again, longest - 1) < CHANCE;
}
