/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/contacts.h"
#include <gst/gst.h>

/* Who was in a call, as the messages wzp-peer tell it. */

typedef struct {
  char *fingerprint, *name; /* name NULL: no contact */
  gboolean verified, present;
} ClientPeer;

GArray *client_peers_new(void); /* of ClientPeer */
/* A sentence of what the message says, to be freed with g_free(); NULL: nothing. Who is not on the room's list is no
 * peer. contacts may be NULL. */
char *client_peers_take(GArray *peers, const WzpContacts *contacts, const GstStructure *message);
/* Free with g_free(). */
char *client_peer_describe(const ClientPeer *peer);
