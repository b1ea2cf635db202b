/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <gst/gst.h>

/* What the audio ends of wzpcall say of themselves. */
typedef struct {
  char canceller[16]; /* of echo: an element's name, or "off" */
  /* dB; NAN: unknown. How much less comes out than is heard while something is played; what speech is raised by; its level
   * before. */
  double erle, gain, speech;
} ClientEnds;

void client_ends_init(ClientEnds *ends);
/* stats: of wzpcall. */
void client_ends_take(ClientEnds *ends, const GstStructure *stats);
/* For people; NULL: there is nothing to say. Free with g_free(). */
char *client_ends_describe(const ClientEnds *ends);
