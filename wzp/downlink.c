/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "downlink.h"
#include "delivery.h"
#include "outage.h"
#include <glib.h>
#include <string.h>

#define LOSS_STEP 0.3
#define PACKET_LEAST (20 * WZP_MSEC)
/* Between two reports; what comes in a bunch behind a stall becomes shorter instead. */
#define GROWS_MS 40
#define BEGINS_MS 15 /* before that: with another way it grows once */
#define LONG_MS 80
#define JITTER_TIMES 4

static void
count(WzpDownlink *downlink, const WzpReport *report)
{
  unsigned slot = report->slot;
  unsigned judged = (uint16_t)(report->judged - downlink->heard[slot].last.judged);
  unsigned received = (uint16_t)(report->received - downlink->heard[slot].last.received);
  if (downlink->heard[slot].known && judged < WZP_DELIVERY_FEW)
    return;
  unsigned lost = judged - received;
  unsigned runs = (uint16_t)(report->runs - downlink->heard[slot].last.runs);
  bool cut = judged <= INT16_MAX && received <= judged &&
             wzp_outage(lost, runs, downlink->heard[slot].loss, lost * PACKET_LEAST);
  if (downlink->heard[slot].known && judged <= INT16_MAX && received <= judged && !cut)
    downlink->heard[slot].loss += LOSS_STEP * ((double)lost / judged - downlink->heard[slot].loss);
  downlink->heard[slot].known = true;
  downlink->heard[slot].last = *report;
}

/* True: it grew. */
static bool
take_transit(WzpDownlink *downlink, const WzpReport *report)
{
  unsigned slot = report->slot;
  double before = downlink->heard[slot].queue, grew = downlink->heard[slot].grew;
  if (report->held == UINT8_MAX)
    return false;
  if (!downlink->heard[slot].timed) {
    downlink->heard[slot].timed = true;
    downlink->heard[slot].transit = downlink->heard[slot].least = (int16_t)report->transit;
    return false;
  }
  downlink->heard[slot].transit +=
      (int16_t)(uint16_t)(report->transit - (uint16_t)downlink->heard[slot].transit);
  downlink->heard[slot].least =
      MIN(downlink->heard[slot].least + 1, downlink->heard[slot].transit); /* clocks drift */
  double queue = (double)(downlink->heard[slot].transit - downlink->heard[slot].least);
  downlink->heard[slot].queue = queue;
  downlink->heard[slot].grew = queue - before;
  return queue - before > GROWS_MS && grew > BEGINS_MS &&
         queue > LONG_MS + JITTER_TIMES * report->jitter;
}

/* Somebody is heard there, or was a moment ago. */
static bool
is_heard(const WzpDownlink *downlink, WzpTime now, unsigned slot)
{
  return downlink->heard[slot].known && now - downlink->heard[slot].at < WZP_DOWNLINK_AGE;
}

bool
wzp_downlink_report(WzpDownlink *downlink, WzpTime now, const WzpReport *report)
{
  unsigned others = 0;
  if (report->slot > WZP_SLOT_MAX)
    return false;
  if (!is_heard(downlink, now, report->slot))
    wzp_downlink_forget(downlink, report->slot);
  bool grows = take_transit(downlink, report);
  count(downlink, report);
  downlink->heard[report->slot].at = now;
  for (unsigned slot = 0; slot <= WZP_SLOT_MAX; slot++)
    others += slot != report->slot && is_heard(downlink, now, slot);
  return (grows || report->passes > 0) && others == 0;
}

void
wzp_downlink_forget(WzpDownlink *downlink, uint8_t slot)
{
  if (slot <= WZP_SLOT_MAX)
    memset(&downlink->heard[slot], 0, sizeof downlink->heard[slot]);
}

double
wzp_downlink_loss(const WzpDownlink *downlink, WzpTime now)
{
  double loss = 0;
  for (unsigned slot = 0; slot <= WZP_SLOT_MAX; slot++)
    if (is_heard(downlink, now, slot))
      loss = MAX(loss, downlink->heard[slot].loss);
  return loss;
}
