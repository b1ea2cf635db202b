/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The GFNI kernel's own source, its instructions emulated by SIMDe, so that every machine tests it. */
#define WZP_GF256_EMULATION "tests/core/gf256-emulation.h"
#define wzp_gf256_gfni wzp_gf256_gfni_emulated
#include "wzp/gf256-gfni.c" /* NOLINT */
