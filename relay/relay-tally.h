/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stddef.h>

/* How many of something belong to one key (an identity, an address prefix). A key that counts zero
 * takes no memory. */
typedef struct RelayTally RelayTally;

RelayTally *relay_tally_new(void);
void relay_tally_free(RelayTally *tally);
void relay_tally_add(RelayTally *tally, const void *key, size_t length);
void relay_tally_remove(RelayTally *tally, const void *key, size_t length);
unsigned relay_tally_count(const RelayTally *tally, const void *key, size_t length);
