/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stdint.h>

/* Time is an argument: microseconds of any monotonic clock (g_get_monotonic_time(), or the
 * simulator's). The library never reads a clock. */
typedef int64_t WzpTime;

#define WZP_MSEC ((WzpTime)1000)
#define WZP_SECOND ((WzpTime)1000000)
#define WZP_NEVER INT64_MAX
