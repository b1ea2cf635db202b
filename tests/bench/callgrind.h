/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>

/* The instructions of a program's run, counted by valgrind's callgrind; of calls of the function `only`, if it is not NULL.
 * command: the program and its arguments, NULL-terminated. Below 0, and why, when there is no count. */
double callgrind_instructions(const char *only, const char *const *command, GError **error);
