/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Speech made longer or shorter at its own pitch, without delay: whole periods are put in before a frame or taken out
 * of it, where the waveform repeats itself, cross-faded. 48 kHz mono, 16 bit. Sounds that repeat nothing are left
 * alone unless the wish is urgent. In speech at most a quarter of the time is changed; what is near silence is cut or
 * repeated as asked. */

#define WZP_STRETCH_FRAME_MAX 5760 /* samples, 120 ms */
#define WZP_STRETCH_LONGER_MAX 768 /* samples, 16 ms: the most that one call puts in */

typedef struct WzpStretch WzpStretch;

WzpStretch *wzp_stretch_new(void);
void wzp_stretch_free(WzpStretch *stretch);
void wzp_stretch_reset(WzpStretch *stretch);
/* All that is heard passes through here, in order, also what fills gaps (wish 0). in: n samples, 1 to
 * WZP_STRETCH_FRAME_MAX; out: room for n + WZP_STRETCH_LONGER_MAX, apart from in. wish: by how many samples it should
 * become longer, below 0 shorter; longer by a whole period though less was wished, shorter never by more. Returns
 * the samples in out; n when nothing was changed, as always with wish 0. */
size_t wzp_stretch_run(WzpStretch *stretch, const int16_t *in, size_t n, int wish, int16_t *out);
