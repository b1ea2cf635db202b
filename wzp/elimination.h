/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "result.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A sliding system of linear equations over GF(2^8): the receiver's half of repair. Columns are symbols,
 * numbered upwards without end; the newest WZP_ELIMINATION_COLUMNS of them are looked at. A column becomes
 * known by itself or by the equations. Reduced row echelon form is kept at all times, pivot on the oldest
 * unknown column of a row, so that a column is known as soon as the equations determine it (maximum
 * likelihood), and so that a column that expires unknown takes exactly one equation with it.
 *
 * Symbols are shorter than or equal to symbol_size; shorter ones read as extended by zeros. No allocation
 * after new. */

#define WZP_ELIMINATION_COLUMNS 128

typedef struct WzpElimination WzpElimination;
WzpElimination *wzp_elimination_new(size_t symbol_size);
void wzp_elimination_free(WzpElimination *elimination);
void wzp_elimination_reset(WzpElimination *elimination);

/* The symbol of a column came by itself. Moves the window up when the column is newer than all before. WZP_OK,
 * WZP_REPLAYED (known already), WZP_TOO_OLD (behind the window), WZP_TOO_LONG, WZP_MALFORMED (column
 * is UINT64_MAX). */
WzpResult wzp_elimination_know(WzpElimination *elimination, uint64_t column, const uint8_t *symbol,
                               size_t length);
/* An equation: sum over i < n of coefficients[i] * column(first + i) = symbol. It may name columns newer than
 * all before (the window moves up). WZP_OK; WZP_REPLAYED: follows from what is known; WZP_TOO_OLD: names a
 * column behind the window, whose symbol is gone in any case (to name is: with a coefficient that is not 0);
 * WZP_TOO_LONG; WZP_MALFORMED: n is 0 or over WZP_ELIMINATION_COLUMNS, or reaches UINT64_MAX. */
WzpResult wzp_elimination_add(WzpElimination *elimination, uint64_t first, unsigned n,
                              const uint8_t *coefficients, const uint8_t *symbol, size_t length);
/* The columns that the equations solved, each once, oldest first; one that leaves the window before it is asked
 * for is not told. False: no more. *symbol has symbol_size
 * bytes and is valid until the next call that changes the system. */
bool wzp_elimination_next_solved(WzpElimination *elimination, uint64_t *column,
                                 const uint8_t **symbol);
bool wzp_elimination_is_known(const WzpElimination *elimination, uint64_t column);
/* The symbol of a known column inside the window, else NULL. */
const uint8_t *wzp_elimination_symbol(const WzpElimination *elimination, uint64_t column);
/* Equations that wait for more. */
unsigned wzp_elimination_pending(const WzpElimination *elimination);
/* 1 + the newest column; 0: none yet. */
uint64_t wzp_elimination_end(const WzpElimination *elimination);
