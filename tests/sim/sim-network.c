/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "sim-network.h"
#include <glib.h>
#include <string.h>

struct SimLink {
  SimLinkConfig config;
  SimLinkStats stats;
  GRand *random;
  bool down;
  WzpTime latest; /* the latest delivery so far */
};

SimLink *
sim_link_new(const SimLinkConfig *config, uint64_t seed)
{
  SimLink *link = g_new0(SimLink, 1);
  guint32 words[2] = {(guint32)seed, (guint32)(seed >> 32)};
  link->config = *config;
  link->random = g_rand_new_with_seed_array(words, G_N_ELEMENTS(words));
  link->latest = INT64_MIN;
  return link;
}

void
sim_link_free(SimLink *link)
{
  if (link == NULL)
    return;
  g_rand_free(link->random);
  g_free(link);
}

void
sim_link_set_config(SimLink *link, const SimLinkConfig *config)
{
  link->config = *config;
}

const SimLinkConfig *
sim_link_config(const SimLink *link)
{
  return &link->config;
}

void
sim_link_set_down(SimLink *link, bool down)
{
  link->down = down;
}

static WzpTime
delivery(SimLink *link, WzpTime now, double luck)
{
  WzpTime at = now + link->config.delay + (WzpTime)(luck * (double)link->config.jitter);
  if (at < link->latest) {
    if (link->config.reorder)
      link->stats.reordered++;
    else
      at = link->latest;
  }
  link->latest = MAX(link->latest, at);
  return at;
}

unsigned
sim_link_push(SimLink *link, WzpTime now, size_t length, WzpTime at[2])
{
  double lost = g_rand_double(link->random), doubled = g_rand_double(link->random);
  double first = g_rand_double(link->random), second = g_rand_double(link->random);
  link->stats.sent++;
  link->stats.bytes += length;
  if (link->down || lost < link->config.loss) {
    link->stats.lost++;
    return 0;
  }
  at[0] = delivery(link, now, first);
  if (doubled >= link->config.duplicate)
    return 1;
  link->stats.duplicated++;
  at[1] = delivery(link, now, second);
  return 2;
}

SimLinkStats
sim_link_stats(const SimLink *link)
{
  return link->stats;
}

typedef struct {
  WzpTime at;
  uint64_t number; /* of two that are due at the same time, the one sent first comes first */
  SimDatagram datagram;
} Entry;

struct SimNetwork {
  GSequence *entries;
  uint64_t n_sent;
};

SimNetwork *
sim_network_new(void)
{
  SimNetwork *network = g_new0(SimNetwork, 1);
  network->entries = g_sequence_new(g_free);
  return network;
}

void
sim_network_free(SimNetwork *network)
{
  if (network == NULL)
    return;
  g_sequence_free(network->entries);
  g_free(network);
}

static gint
compare_entries(gconstpointer a, gconstpointer b, gpointer user)
{
  const Entry *x = a, *y = b;
  (void)user;
  if (x->at != y->at)
    return x->at < y->at ? -1 : 1;
  return x->number < y->number ? -1 : x->number > y->number;
}

void
sim_network_send(SimNetwork *network, SimLink *link, WzpTime now, const WzpAddress *from,
                 const WzpAddress *to, const uint8_t *data, size_t length)
{
  WzpTime at[2] = {now, now};
  unsigned copies = link != NULL ? sim_link_push(link, now, length, at) : 1;
  g_assert(length <= WZP_DATAGRAM_MAX);
  for (unsigned i = 0; i < copies; i++) {
    Entry *entry = g_new(Entry, 1);
    entry->at = at[i];
    entry->number = network->n_sent++;
    entry->datagram.from = *from;
    entry->datagram.to = *to;
    entry->datagram.length = length;
    memcpy(entry->datagram.data, data, length);
    g_sequence_insert_sorted(network->entries, entry, compare_entries, NULL);
  }
}

WzpTime
sim_network_next(const SimNetwork *network)
{
  GSequenceIter *first = g_sequence_get_begin_iter(network->entries);
  return g_sequence_iter_is_end(first) ? WZP_NEVER : ((Entry *)g_sequence_get(first))->at;
}

bool
sim_network_receive(SimNetwork *network, WzpTime now, SimDatagram *datagram)
{
  if (sim_network_next(network) > now)
    return false;
  GSequenceIter *first = g_sequence_get_begin_iter(network->entries);
  const Entry *entry = g_sequence_get(first);
  datagram->from = entry->datagram.from;
  datagram->to = entry->datagram.to;
  datagram->length = entry->datagram.length;
  memcpy(datagram->data, entry->datagram.data, entry->datagram.length);
  g_sequence_remove(first);
  return true;
}
