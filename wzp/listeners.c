/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "listeners.h"
#include <glib.h>

#define SILENCE (5 * WZP_SECOND)
#define SILENT_TURNS 3
#define TURN_MAX (15 * WZP_SECOND) /* and as long as nothing is known of it */
/* Of a report's own loss in the mean; and how much worse another must be before it is followed. */
#define STEP 0.3
#define ENOUGH 25.0 /* packets: fewer between two reports count for less */
#define WORSE_TIMES 1.2
#define WORSE_BY 0.01
/* The same for one among many: of 63 that lose the same some seem to lose more. */
#define FAR_WORSE_TIMES 1.5
#define FAR_WORSE_BY 0.02

static const WzpListener *
find(const WzpListeners *listeners, uint8_t slot)
{
  for (unsigned i = 0; i < listeners->n; i++)
    if (listeners->listeners[i].slot == slot)
      return &listeners->listeners[i];
  return NULL;
}

static bool
is_worse(const WzpListener *one, const WzpListener *other)
{
  return one->loss > other->loss * WORSE_TIMES + WORSE_BY;
}

/* The mean turn of those that are known. */
static WzpTime
usual_turn(const WzpListeners *listeners)
{
  WzpTime sum = 0;
  unsigned measured = 0;
  for (unsigned i = 0; i < listeners->n; i++) {
    if (listeners->listeners[i].measured == 0)
      continue;
    sum += listeners->listeners[i].every;
    measured++;
  }
  return measured > 0 ? sum / measured : 0;
}

/* Who had news took more turns than the others, and may take one of theirs again: nobody is taken for gone sooner than they. */
static void
forget_silent(WzpListeners *listeners, WzpTime now)
{
  const WzpTime usual = usual_turn(listeners);
  for (unsigned i = 0; i < listeners->n;) {
    const WzpListener *listener = &listeners->listeners[i];
    if (now - listener->at < MAX(SILENCE, SILENT_TURNS * MAX(listener->every, usual)))
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
  if (judged > 0 && judged <= INT16_MAX && received <= judged) {
    double step = MIN(MAX(STEP, 1.0 / ++listener->measured), judged / ENOUGH);
    listener->loss += step * ((double)(judged - received) / judged - listener->loss);
    listener->every = MIN(now - listener->at, TURN_MAX);
  }
  listener->report = *report;
  listener->at = now;
}

/* Somebody is there. */
static const WzpListener *
follow(WzpListeners *listeners)
{
  const WzpListener *followed = listeners->following ? find(listeners, listeners->followed) : NULL;
  for (unsigned i = 0; i < listeners->n; i++) {
    const WzpListener *other = &listeners->listeners[i];
    if (followed == NULL || is_worse(other, followed))
      followed = other;
  }
  listeners->following = true;
  listeners->followed = followed->slot;
  return followed;
}

bool
wzp_listeners_report(WzpListeners *listeners, WzpTime now, uint8_t slot, const WzpReport *report)
{
  forget_silent(listeners, now);
  WzpListener *listener = (WzpListener *)find(listeners, slot);
  if (listener == NULL) {
    if (listeners->n == WZP_LISTENERS_MAX)
      return false;
    listener = &listeners->listeners[listeners->n++];
    *listener = (WzpListener){.slot = slot, .every = TURN_MAX, .report = *report};
  }
  take(listener, now, report);

  return follow(listeners)->slot == slot;
}

const WzpListener *
wzp_listeners_forget(WzpListeners *listeners, uint8_t slot)
{
  bool was_followed = listeners->following && listeners->followed == slot;
  for (unsigned i = listeners->n; i-- > 0;)
    if (listeners->listeners[i].slot == slot)
      listeners->listeners[i] = listeners->listeners[--listeners->n];
  if (!was_followed)
    return NULL;
  listeners->following = false;
  return listeners->n > 0 ? follow(listeners) : NULL;
}

bool
wzp_listeners_stands_out(const WzpListeners *listeners, uint8_t slot)
{
  const WzpListener *one = find(listeners, slot);
  unsigned others = 0;
  for (unsigned i = 0; one != NULL && one->measured > 0 && i < listeners->n; i++) {
    const WzpListener *other = &listeners->listeners[i];
    if (other == one || other->measured == 0)
      continue;
    if (one->loss <= other->loss * FAR_WORSE_TIMES + FAR_WORSE_BY)
      return false;
    others++;
  }
  return others > 0;
}
