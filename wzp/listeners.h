/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "report.h"
#include <stdbool.h>

/* Several listeners hear one stream, each over another way, and each reports. The sender follows the one that
 * loses most: what is enough for that one is enough for all. One listener is simply followed. */

#define WZP_LISTENERS_MAX 16 /* more are not looked at */

typedef struct {
  uint8_t slot;
  WzpTime at; /* of its last report */
  WzpReport report;
  double loss; /* of late, 0..1 */
} WzpListener;

/* Zeroed: nobody. */
typedef struct {
  WzpListener listeners[WZP_LISTENERS_MAX];
  unsigned n;
  bool following;
  uint8_t followed;
} WzpListeners;

/* A report of the listener of this slot came. True: it is the one to plan by. Who is silent for 5 s counts no more. */
bool wzp_listeners_report(WzpListeners *listeners, WzpTime now, uint8_t slot,
                          const WzpReport *report);
