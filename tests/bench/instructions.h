/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once

/* The instructions that one call of run(data) takes, warm, and what it takes to get there and back, which
 * a call of an empty function has, too. Counted in a child by single-stepping, so for every instruction that
 * the CPU has. Ends the program when that is not allowed here. */
unsigned long instructions_of(void (*run)(void *data), void *data);
