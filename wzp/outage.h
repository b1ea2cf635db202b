/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "time.h"
#include <stdbool.h>

/* A way that was cut loses all that is sent meanwhile, which says nothing of what it loses or how long it takes when it
 * is whole: no repair brings that back. */

#define WZP_OUTAGE_LEAST (400 * WZP_MSEC) /* longer than repair may take */

/* Whether of what two reports tell the packets that were lost, in so many runs, are an outage. again: how probable it was
 * that a packet is lost behind a lost one, 0..1; lasted: how long what was lost took to be sent. */
bool wzp_outage(unsigned lost, unsigned runs, double again, WzpTime lasted);
