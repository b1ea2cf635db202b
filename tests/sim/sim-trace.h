/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "sim-network.h"
#include <glib.h>

/* Trace files: one line per slot of 20 ms of sending time, the one-way delay in ms or -1 for lost; lines that
 * begin with # and empty ones are skipped. */

/* name: for messages. NULL and an error that names the line (G_OPTION_ERROR_BAD_VALUE) for anything else. */
SimTrace *sim_trace_parse(const char *text, const char *name, GError **error);
SimTrace *sim_trace_load(const char *path, GError **error);
void sim_trace_free(SimTrace *trace);
