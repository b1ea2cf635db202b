/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "listeners.h"
#include <stddef.h>

#define SILENCE (5 * WZP_SECOND)
/* Of a report's own loss in the mean; and how much worse another must be before it is followed. */
#define STEP 0.3
#define WORSE_TIMES 1.2
#define WORSE_BY 0.01

static WzpListener *
find(WzpListeners *listeners, uint8_t slot)
{
  for (unsigned i = 0; i < listeners->n; i++)
    if (listeners->listeners[i].slot == slot)
      return &listeners->listeners[i];
  return NULL;
}

static void
forget_silent(WzpListeners *listeners, WzpTime now)
{
  for (unsigned i = 0; i < listeners->n;) {
    if (now - listeners->listeners[i].at < SILENCE)
      i++;
    else
      listeners->listeners[i] = listeners->listeners[--listeners->n];
  }
}

static void
take(WzpListener *listener, WzpTime now, const WzpReport *report)
{
  unsigned judged = (uint16_t)(report->judged - listener->report.judged);
  unsigned received = (uint16_t)(report->received - listener->report.received);
  if (judged > 0 && judged <= INT16_MAX && received <= judged)
    listener->loss += STEP * ((double)(judged - received) / judged - listener->loss);
  listener->report = *report;
  listener->at = now;
}

bool
wzp_listeners_report(WzpListeners *listeners, WzpTime now, uint8_t slot, const WzpReport *report)
{
  forget_silent(listeners, now);
  WzpListener *listener = find(listeners, slot);
  if (listener == NULL) {
    if (listeners->n == WZP_LISTENERS_MAX)
      return false;
    listener = &listeners->listeners[listeners->n++];
    *listener = (WzpListener){.slot = slot, .report = *report};
  }
  take(listener, now, report);

  const WzpListener *followed = listeners->following ? find(listeners, listeners->followed) : NULL;
  for (unsigned i = 0; i < listeners->n; i++) {
    const WzpListener *other = &listeners->listeners[i];
    if (followed == NULL || other->loss > followed->loss * WORSE_TIMES + WORSE_BY)
      followed = other;
  }
  listeners->following = true;
  listeners->followed = followed->slot;
  return followed->slot == slot;
}
