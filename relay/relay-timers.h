/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/time.h"
#include <stdbool.h>

/* One due time per table index, smallest first: a binary heap that knows where each index stands. All
 * memory is taken at the start. */
typedef struct RelayTimers RelayTimers;

RelayTimers *relay_timers_new(unsigned capacity);
void relay_timers_free(RelayTimers *timers);
/* Sets or moves; WZP_NEVER removes. */
void relay_timers_set(RelayTimers *timers, unsigned index, WzpTime due);
WzpTime relay_timers_next(const RelayTimers *timers); /* WZP_NEVER when empty */
/* Takes out the earliest index that is due at now; false when none is. */
bool relay_timers_pop(RelayTimers *timers, WzpTime now, unsigned *index);
