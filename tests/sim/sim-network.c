/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "sim-network.h"
#include <glib.h>
#include <string.h>

struct SimLink {
  SimLinkConfig config;
  SimLinkStats stats;
  GRand *random, *slot_random;
  bool down;
  WzpTime latest; /* the latest delivery so far */
  WzpTime origin;
  int64_t slot; /* up to which the row of bursts went; -1: it has not begun */
  bool slot_lost;
  WzpTime queue_end; /* when the bottleneck has sent all that waits */
};

static GRand *
seeded(uint64_t seed, guint32 purpose)
{
  guint32 words[3] = {(guint32)seed, (guint32)(seed >> 32), purpose};
  return g_rand_new_with_seed_array(words, purpose > 0 ? 3 : 2);
}

SimLink *
sim_link_new(const SimLinkConfig *config, uint64_t seed)
{
  SimLink *link = g_new0(SimLink, 1);
  link->config = *config;
  link->random = seeded(seed, 0);
  link->slot_random = seeded(seed, 1);
  link->latest = link->queue_end = INT64_MIN;
  link->slot = -1;
  return link;
}

void
sim_link_free(SimLink *link)
{
  if (link == NULL)
    return;
  g_rand_free(link->random);
  g_rand_free(link->slot_random);
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

void
sim_link_set_origin(SimLink *link, WzpTime origin)
{
  link->origin = origin;
  link->slot = -1;
}

double
sim_burst_loss_max(double burst)
{
  return burst / (1 + burst);
}

static int64_t
slot_at(const SimLink *link, WzpTime now)
{
  const WzpTime since = now - link->origin;
  return since < 0 ? 0 : since / SIM_SLOT_TIME;
}

/* The chain takes one number per slot of time, whether something is sent in it or not. */
static bool
in_lost_slot(SimLink *link, WzpTime now)
{
  const double loss = link->config.loss, burst = link->config.burst;
  const int64_t slot = slot_at(link, now);
  const double enter = loss < 1 ? loss / (burst * (1 - loss)) : 1;
  const double stay = loss < 1 ? 1 - 1 / burst : 1;
  if (link->slot < 0) {
    link->slot = 0;
    link->slot_lost = g_rand_double(link->slot_random) < loss;
  }
  for (; link->slot < slot; link->slot++)
    link->slot_lost = g_rand_double(link->slot_random) < (link->slot_lost ? stay : enter);
  return link->slot_lost;
}

static const SimTraceSlot *
trace_slot(const SimLink *link, WzpTime now)
{
  const SimTrace *trace = link->config.trace;
  return trace != NULL
             ? &trace->slots[(slot_at(link, now) + link->config.trace_from) % trace->n_slots]
             : NULL;
}

static bool
is_cut(const SimLink *link, WzpTime now)
{
  const WzpTime since = now - link->origin;
  return link->down || (since >= link->config.blackout_from && since < link->config.blackout_to);
}

/* When the bottleneck has sent the datagram; *dropped: there was no place for it. */
static WzpTime
through_queue(SimLink *link, WzpTime now, size_t length, bool *dropped)
{
  const SimLinkConfig *config = &link->config;
  *dropped = false;
  if (config->rate == 0)
    return now;
  const WzpTime begin = MAX(now, link->queue_end), waits = begin - now;
  const WzpTime duration =
      (WzpTime)((uint64_t)(length + SIM_IP_UDP_BYTES) * 8 * WZP_SECOND / config->rate);
  const uint64_t waiting = (uint64_t)waits * config->rate / 8 / WZP_SECOND;
  *dropped = (config->queue_time > 0 && waits > config->queue_time) ||
             (config->queue_bytes > 0 && waiting > config->queue_bytes);
  if (!*dropped) {
    link->queue_end = begin + duration;
    link->stats.waits[MIN(waits / SIM_WAIT_STEP, SIM_WAITS - 1)]++;
    link->stats.wait_max = MAX(link->stats.wait_max, waits);
  }
  return begin + duration;
}

static WzpTime
due(const SimLink *link, WzpTime sent, WzpTime now, double luck)
{
  const SimTraceSlot *slot = trace_slot(link, now);
  return sent + link->config.delay + (slot != NULL ? slot->delay : 0) +
         (WzpTime)(luck * (double)link->config.jitter);
}

static WzpTime
in_order(SimLink *link, WzpTime at)
{
  if (at < link->latest) {
    if (link->config.reorder || link->config.trace != NULL)
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
  const double lost = g_rand_double(link->random), doubled = g_rand_double(link->random);
  const double first = g_rand_double(link->random), second = g_rand_double(link->random);
  const SimTraceSlot *slot = trace_slot(link, now);
  bool dropped = false, gone = is_cut(link, now);
  WzpTime sent = now;
  link->stats.sent++;
  link->stats.bytes += length;
  if (!gone) {
    sent = through_queue(link, now, length, &dropped);
    link->stats.queue_dropped += dropped;
    gone = dropped || (slot != NULL && slot->lost) ||
           (link->config.burst > 0 ? in_lost_slot(link, now) : lost < link->config.loss);
  }
  at[0] = due(link, sent, now, first);
  if (gone) {
    link->stats.lost++;
    return 0;
  }
  at[0] = in_order(link, at[0]);
  if (doubled >= link->config.duplicate)
    return 1;
  link->stats.duplicated++;
  at[1] = in_order(link, due(link, sent, now, second));
  return 2;
}

SimLinkStats
sim_link_stats(const SimLink *link)
{
  return link->stats;
}

WzpTime
sim_link_wait(const SimLinkStats *before, const SimLinkStats *after, double percent)
{
  static const SimLinkStats none;
  const SimLinkStats *from = before != NULL ? before : &none;
  uint64_t all = 0, upto = 0;
  unsigned n = 0;
  for (unsigned i = 0; i < SIM_WAITS; i++)
    all += after->waits[i] - from->waits[i];
  while (n < SIM_WAITS &&
         (double)(upto += after->waits[n] - from->waits[n]) * 100 < percent * (double)all)
    n++;
  return all > 0 ? (n + 1) * SIM_WAIT_STEP : 0;
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

WzpTime
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
  return at[0];
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
