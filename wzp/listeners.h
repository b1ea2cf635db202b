/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "report.h"
#include <stdbool.h>

/* Several listeners hear one stream, each over another way, and each reports. The sender follows the one that
 * loses most: what is enough for that one is enough for all. One listener is simply followed. */

#define WZP_LISTENERS_MAX 64 /* a room's, and more are not looked at */

typedef struct {
  uint8_t slot;
  unsigned measured; /* how often its loss was, from one report to the next */
  WzpTime at, every; /* of its last report; since the one before */
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

/* A report of the listener of this slot came. True: it is the one to plan by. Who lets three of its turns pass, and
 * three of the others', and 5 s, counts no more. */
bool wzp_listeners_report(WzpListeners *listeners, WzpTime now, uint8_t slot,
                          const WzpReport *report);
/* The listener of this slot left. The one who is followed instead, if it was that one and somebody else is known; else NULL. */
const WzpListener *wzp_listeners_forget(WzpListeners *listeners, uint8_t slot);
/* It loses clearly more than any other of whom that is known. */
bool wzp_listeners_stands_out(const WzpListeners *listeners, uint8_t slot);
