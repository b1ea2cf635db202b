/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stddef.h>

/* Linked in, it counts what the whole program allocates. */
typedef struct {
  size_t calls, bytes; /* bytes of what was asked for; what was freed is not taken off */
} Allocations;
Allocations allocations_now(void);
