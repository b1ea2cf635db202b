/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fec-holes.h"
#include "packet.h"
#include "fec-plan.h"
#include <glib.h>

#define MISSING_MAX (WZP_FEC_OFFSET_MAX + WZP_FEC_WINDOW_MAX) /* older ones no repair names */

struct WzpFecHoles {
  bool numbered;
  uint64_t next_number;
  GArray *missing;    /* of uint64_t, ascending: repair may still fill them */
  uint64_t forgotten; /* holes before those, too many to remember */
  uint64_t restarts;  /* of the receiver, as far as we know */
  uint64_t given_up;  /* by the receiver, as far as we looked */
  GArray *hopeless;   /* of uint64_t: to be told */
};

WzpFecHoles *
wzp_fec_holes_new(void)
{
  WzpFecHoles *holes = g_new0(WzpFecHoles, 1);
  holes->missing = g_array_new(FALSE, FALSE, sizeof(uint64_t));
  holes->hopeless = g_array_new(FALSE, FALSE, sizeof(uint64_t));
  return holes;
}

void
wzp_fec_holes_free(WzpFecHoles *holes)
{
  if (holes == NULL)
    return;
  g_array_unref(holes->missing);
  g_array_unref(holes->hopeless);
  g_free(holes);
}

void
wzp_fec_holes_reset(WzpFecHoles *holes)
{
  holes->numbered = false;
  holes->forgotten = 0;
  g_array_set_size(holes->missing, 0);
  g_array_set_size(holes->hopeless, 0);
}

void
wzp_fec_holes_pushed(WzpFecHoles *holes, const WzpFecReceiver *receiver)
{
  WzpFecReceiverStats stats;
  wzp_fec_receiver_get_stats(receiver, &stats);
  if (stats.restarts != holes->restarts)
    wzp_fec_holes_reset(holes);
  holes->restarts = stats.restarts;
}

static void
note_hole(WzpFecHoles *holes, uint64_t number)
{
  g_array_append_val(holes->missing, number);
  if (holes->missing->len > MISSING_MAX) {
    g_array_remove_index(holes->missing, 0);
    holes->forgotten++;
  }
}

void
wzp_fec_holes_came(WzpFecHoles *holes, uint64_t number)
{
  if (!holes->numbered || number >= holes->next_number) {
    uint64_t hole = holes->numbered ? holes->next_number : number;
    if (number - hole > MISSING_MAX) {
      holes->forgotten += number - hole - MISSING_MAX;
      hole = number - MISSING_MAX;
    }
    for (; hole < number; hole++)
      note_hole(holes, hole);
    holes->numbered = true;
    holes->next_number = number + 1;
    return;
  }
  for (unsigned n = 0; n < holes->missing->len; n++) {
    if (g_array_index(holes->missing, uint64_t, n) == number) {
      g_array_remove_index(holes->missing, n);
      return;
    }
  }
}

/* Behind the newest frame that came there are those that so far only repair speaks of. */
static void
note_named(WzpFecHoles *holes, const WzpFecReceiver *receiver)
{
  uint64_t until;
  for (unsigned n = 0; holes->numbered && n < MISSING_MAX &&
                       wzp_fec_receiver_horizon(receiver, holes->next_number, &until);
       n++)
    note_hole(holes, holes->next_number++);
}

/* The receiver gives frames up in their order, and counts them. */
void
wzp_fec_holes_find(WzpFecHoles *holes, const WzpFecReceiver *receiver)
{
  GArray *missing = holes->missing;
  WzpFecReceiverStats stats;
  note_named(holes, receiver);
  wzp_fec_receiver_get_stats(receiver, &stats);
  uint64_t more = stats.hopeless - holes->given_up, until;
  holes->given_up = stats.hopeless;
  more -= MIN(more, holes->forgotten);
  holes->forgotten = 0; /* what is so far back is given up at once */
  for (unsigned n = 0; more > 0 && n < missing->len;) {
    uint64_t number = g_array_index(missing, uint64_t, n);
    if (wzp_fec_receiver_horizon(receiver, number, &until)) {
      n++;
      continue;
    }
    more--;
    g_array_append_val(holes->hopeless, number);
    g_array_remove_index(missing, n);
  }
  /* brought back as something that is no frame */
  while (missing->len > 0 && g_array_index(missing, uint64_t, 0) + MISSING_MAX < holes->next_number)
    g_array_remove_index(missing, 0);
}

bool
wzp_fec_holes_next(WzpFecHoles *holes, uint64_t *number)
{
  if (holes->hopeless->len == 0)
    return false;
  *number = g_array_index(holes->hopeless, uint64_t, 0);
  g_array_remove_index(holes->hopeless, 0);
  return true;
}
