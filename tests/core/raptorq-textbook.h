/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stdint.h>

/* RFC 6330 as it is written, slowly: the matrix A of section 5.3.3.4.2 with MT * GAMMA multiplied out, solved for
 * the intermediate symbols of given source symbols, then the encoding symbols of 5.3.5.3. Source symbol j has as
 * many bytes as there are symbols, byte j is 1, the others 0: so an encoding symbol is the row of its coefficients.
 * It shares with the code under test the numbers of the RFC's tables, nothing else. */
typedef struct Textbook Textbook;
Textbook *textbook_new(unsigned k);
void textbook_free(Textbook *textbook);
void textbook_row(const Textbook *textbook, uint32_t esi, uint8_t *row);

uint8_t textbook_multiply(uint8_t a, uint8_t b);
/* Of n rows of k bytes, which are spoilt; *determined: how many unknowns the equations fix. */
unsigned textbook_rank(uint8_t *rows, unsigned n, unsigned k, unsigned *determined);
