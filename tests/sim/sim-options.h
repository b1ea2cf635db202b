/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "sim-trace.h"
#include <float.h>

/* The flags of a bad network, the same in lossy-hop and wzp-sim: --loss, --burst, --trace, --jitter, --reorder,
 * --duplicate, --rate, --queue. */
typedef struct {
  double loss, burst, jitter, duplicate, rate, queue;
  gboolean reorder;
  char *trace_path;
  SimTrace *trace;
} SimLinkOptions;

#define SIM_OPTION_UNSET (-DBL_MAX)

void sim_link_options_init(SimLinkOptions *options);
void sim_link_options_clear(SimLinkOptions *options);
void sim_link_options_add(SimLinkOptions *options, GOptionContext *context);
/* False and a sentence for whoever typed them. The link borrows the trace from the options. */
gboolean sim_link_options_apply(SimLinkOptions *options, SimLinkConfig *config, GError **error);
/* burst 0: no bursts. option: the flag that the sentence names. */
gboolean sim_loss_check(const char *option, double loss, double burst, GError **error);
gboolean sim_burst_check(const char *option, double burst, GError **error);
/* Sets a GOptionError with this sentence; FALSE. */
gboolean sim_option_fail(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
gboolean sim_option_check_ms(const char *option, double value, GError **error);
