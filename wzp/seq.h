/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "result.h"
#include <stdbool.h>
#include <stdint.h>

/* Wrapping 16-bit sequence arithmetic and the replay window. */

/* Signed distance from b to a in serial arithmetic (RFC 1982): -32768..32767. */
int wzp_seq16_distance(uint16_t a, uint16_t b);

/* Extends a 16-bit number to the 64-bit index nearest to reference (never below 0). */
uint64_t wzp_seq16_extend(uint16_t seq, uint64_t reference);

/* A sliding window over 64-bit indices. Check first, mark only after the packet authenticated. */
#define WZP_WINDOW_MAX 1024
typedef struct {
  uint64_t bits[WZP_WINDOW_MAX / 64];
  uint64_t next; /* one above the highest marked; 0: nothing marked yet */
  unsigned size; /* 64 or 1024 */
} WzpWindow;

typedef enum { WZP_WINDOW_NEW, WZP_WINDOW_SEEN, WZP_WINDOW_BEHIND } WzpWindowVerdict;

void wzp_window_init(WzpWindow *window, unsigned size);
WzpWindowVerdict wzp_window_check(const WzpWindow *window, uint64_t index);
/* The same as a result: WZP_OK, WZP_REPLAYED or WZP_TOO_OLD. */
WzpResult wzp_window_admit(const WzpWindow *window, uint64_t index);
void wzp_window_mark(WzpWindow *window, uint64_t index); /* index must be WZP_WINDOW_NEW */
