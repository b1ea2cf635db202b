/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "feather.h"

/* Names as they stand in the JSON, shared by reading and writing. */
const char *wzp_feather_kind_name(WzpFeatherKind kind); /* NULL for OTHER */
/* Those signals are a bare string. */
bool wzp_feather_kind_is_bare(WzpFeatherKind kind);
