/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>

/* How likely there is speech in sound that is not encoded yet: GstAudioEncoder joins and cuts buffers, and drops what is on them.
 * Counts samples; probabilities are 0..1, -1 unknown. */

typedef struct WzpHeard WzpHeard;
WzpHeard *wzp_heard_new(void);
void wzp_heard_free(WzpHeard *heard);
void wzp_heard_clear(WzpHeard *heard);
/* Of the sound that came behind the last. */
void wzp_heard_add(WzpHeard *heard, guint samples, gfloat speech);
/* No more than `samples` of sound are left; what was said of more is of sound that was dropped. */
void wzp_heard_keep(WzpHeard *heard, guint samples);
/* The most that was heard in the next samples, which are taken away. */
gfloat wzp_heard_take(WzpHeard *heard, guint samples);
