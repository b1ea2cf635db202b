/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "relay-core.h"

/* What operators see: /metrics (Prometheus text format), /livez = /healthz, /readyz. */

/* The page. Free with g_free(). */
char *relay_metrics_text(const RelayStats *stats);

typedef struct RelayMetrics RelayMetrics;
/* stats is called on the default main context, once per scrape. Port 0: any free one. */
typedef void (*RelayMetricsRead)(void *user, RelayStats *stats);
RelayMetrics *relay_metrics_new(const WzpAddress *address, uint16_t port, RelayMetricsRead read,
                                void *user, GError **error);
void relay_metrics_free(RelayMetrics *metrics);
/* "http://127.0.0.1:9100/metrics" */
const char *relay_metrics_url(const RelayMetrics *metrics);
/* /readyz answers 503 unless ready. */
void relay_metrics_set_ready(RelayMetrics *metrics, bool ready);
