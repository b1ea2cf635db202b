/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-peers.h"

static void
peer_clear(gpointer peer)
{
  g_free(((ClientPeer *)peer)->fingerprint);
  g_free(((ClientPeer *)peer)->name);
}

GArray *
client_peers_new(void)
{
  GArray *peers = g_array_new(FALSE, TRUE, sizeof(ClientPeer));
  g_array_set_clear_func(peers, peer_clear);
  return peers;
}

static ClientPeer
make_peer(const WzpContacts *contacts, const char *fingerprint)
{
  uint8_t bytes[WZP_FINGERPRINT_SIZE];
  const WzpContact *contact = contacts && wzp_fingerprint_parse(bytes, fingerprint)
                                  ? wzp_contacts_by_fingerprint(contacts, bytes)
                                  : NULL;
  return (ClientPeer){.fingerprint = g_strdup(fingerprint),
                      .name = contact ? g_strdup(contact->name) : NULL,
                      .verified = contact && contact->verified != WZP_VERIFIED_NO};
}

static ClientPeer *
find_peer(GArray *peers, const WzpContacts *contacts, const char *fingerprint)
{
  for (guint i = 0; i < peers->len; i++) {
    ClientPeer *peer = &g_array_index(peers, ClientPeer, i);
    if (g_str_equal(peer->fingerprint, fingerprint))
      return peer;
  }
  const ClientPeer peer = make_peer(contacts, fingerprint);
  g_array_append_val(peers, peer);
  return &g_array_index(peers, ClientPeer, peers->len - 1);
}

char *
client_peer_describe(const ClientPeer *peer)
{
  const char *standing = peer->verified ? "verified" : "unverified";
  return peer->name ? g_strdup_printf("%s (%s, %s)", peer->name, standing, peer->fingerprint)
                    : g_strdup_printf("%s (%s)", peer->fingerprint, standing);
}

static char *
sentence(const ClientPeer *peer, const char *what)
{
  char *who = client_peer_describe(peer), *text = g_strdup_printf("%s %s", who, what);
  g_free(who);
  return text;
}

/* Not in the room, whatever the relay thinks. */
static char *
take_unlisted(const WzpContacts *contacts, const char *fingerprint, gboolean present)
{
  ClientPeer peer = make_peer(contacts, fingerprint);
  char *text =
      sentence(&peer, present ? "was let in by the relay, but is not on the list: it hears nothing"
                              : "is not there any more; it was not on the list");
  peer_clear(&peer);
  return text;
}

char *
client_peers_take(GArray *peers, const WzpContacts *contacts, const GstStructure *message)
{
  const char *fingerprint = gst_structure_get_string(message, "fingerprint");
  gboolean present = TRUE, proven = TRUE, listed = TRUE;
  gst_structure_get_boolean(message, "present", &present);
  gst_structure_get_boolean(message, "proven", &proven);
  gst_structure_get_boolean(message, "listed", &listed);
  if (!fingerprint)
    return NULL;
  if (!listed)
    return take_unlisted(contacts, fingerprint, present);
  ClientPeer *peer = find_peer(peers, contacts, fingerprint);
  peer->present = present && proven;
  return sentence(peer, !proven && present
                            ? "comes in (it can hear you, and has proven nothing yet)"
                        : !proven ? "proved nothing, and is out"
                        : present ? "is here"
                                  : "left");
}
