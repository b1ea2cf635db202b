/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-streams.h"
#include "relay-admission.h"
#include "relay-bucket.h"
#include "relay-sessions.h"
#include "relay-tally.h"
#include "relay-timers.h"
#include <string.h>

#define INDEX_BITS 12
G_STATIC_ASSERT(RELAY_STREAMS_MAX == 1 << INDEX_BITS);
/* a session keeps itself alive each 8 s, and the relay forgets it after its idle time */
#define BEYOND_IDLE (10 * WZP_SECOND)

typedef enum { FREE, HANDSHAKE, UP, PROVEN } State;

/* Who has one address of a net often has many: IPv4 /24, IPv6 /48. */
typedef struct {
  gint64 key;
  unsigned unproven; /* connections without a session */
} Net;

typedef struct {
  State state;
  uint32_t number;
  WzpAddress from;
  Net *net; /* NULL: proven, or free */
  WzpTime until;
  RelayBucket bytes;
  GList
      link; /* of the free ones, of those in their handshake, or of those that are up; not of the proven */
} Stream;

struct RelayStreams {
  unsigned max, max_per_ip;
  WzpTime silence;
  Stream *table;
  unsigned n;
  uint32_t generation;
  GQueue free, handshakes, up; /* longest first */
  RelayTally *per_address;
  GHashTable *nets; /* Net, by its key: of those without a session */
  RelayTimers *timers;
  RelayAdmission *admission;
};

RelayStreams *
relay_streams_new(const RelayLimits *limits, const WzpRandom *random, WzpTime now)
{
  RelayStreams *streams = g_new0(RelayStreams, 1);
  unsigned i;

  streams->max = limits->max_tls_connections;
  streams->max_per_ip = limits->max_tls_connections_per_ip;
  streams->silence = limits->idle_timeout_ms * WZP_MSEC + BEYOND_IDLE;
  streams->table = g_new0(Stream, streams->max);
  g_queue_init(&streams->free);
  g_queue_init(&streams->handshakes);
  g_queue_init(&streams->up);
  for (i = 0; i < streams->max; i++) {
    streams->table[i].link.data = &streams->table[i];
    g_queue_push_tail_link(&streams->free, &streams->table[i].link);
  }
  streams->per_address = relay_tally_new();
  streams->nets = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
  streams->timers = relay_timers_new(streams->max);
  streams->admission = relay_admission_new(limits, random, now);
  return streams;
}

void
relay_streams_free(RelayStreams *streams)
{
  if (streams == NULL)
    return;
  relay_tally_free(streams->per_address);
  g_hash_table_unref(streams->nets);
  relay_timers_free(streams->timers);
  relay_admission_free(streams->admission);
  g_free(streams->table);
  g_free(streams);
}

unsigned
relay_stream_index(uint32_t number)
{
  return number & (RELAY_STREAMS_MAX - 1);
}

static Stream *
find(RelayStreams *streams, uint32_t number)
{
  unsigned index = relay_stream_index(number);

  if (number == 0 || index >= streams->max)
    return NULL;
  return streams->table[index].state != FREE && streams->table[index].number == number
             ? &streams->table[index]
             : NULL;
}

static void
set_deadline(RelayStreams *streams, Stream *stream, WzpTime until)
{
  stream->until = until;
  relay_timers_set(streams->timers, relay_stream_index(stream->number), until);
}

static gint64
net_key(const WzpAddress *address)
{
  gint64 key = 0;

  memcpy(&key, address->bytes, address->family == 4 ? 3 : 6);
  ((uint8_t *)&key)[7] = address->family;
  return key;
}

static unsigned
unproven_of(const RelayStreams *streams, const WzpAddress *from)
{
  gint64 key = net_key(from);
  const Net *net = g_hash_table_lookup(streams->nets, &key);

  return net != NULL ? net->unproven : 0;
}

static void
enter_unproven(RelayStreams *streams, Stream *stream)
{
  gint64 key = net_key(&stream->from);

  stream->net = g_hash_table_lookup(streams->nets, &key);
  if (stream->net == NULL) {
    stream->net = g_new0(Net, 1);
    stream->net->key = key;
    g_hash_table_add(streams->nets, stream->net);
  }
  stream->net->unproven++;
  stream->state = HANDSHAKE;
  g_queue_push_tail_link(&streams->handshakes, &stream->link);
}

/* Proven, or over. */
static void
leave_unproven(RelayStreams *streams, Stream *stream)
{
  if (stream->net == NULL)
    return;
  g_queue_unlink(stream->state == HANDSHAKE ? &streams->handshakes : &streams->up, &stream->link);
  if (--stream->net->unproven == 0)
    g_hash_table_remove(streams->nets, stream->net);
  stream->net = NULL;
}

/* The oldest of the net that has the most without a session, the newcomer counted in; NULL: none of them. */
static Stream *
find_victim(const GQueue *queue, const WzpAddress *newcomer)
{
  gint64 own = net_key(newcomer);
  unsigned most = 0;
  Stream *victim = NULL;

  for (GList *link = queue->head; link != NULL; link = link->next) {
    Stream *stream = link->data;
    unsigned n = stream->net->unproven + (stream->net->key == own);
    if (n > most) {
      most = n;
      victim = stream;
    }
  }
  return victim;
}

/* Who gives way to this one; NULL: nobody has to, or does. Those that are up have paid for a TLS handshake: only for who has
 * fewer. */
static Stream *
makes_room(const RelayStreams *streams, const WzpAddress *newcomer)
{
  Stream *victim;

  if (streams->handshakes.length >= RELAY_STREAM_HANDSHAKES_MAX)
    return find_victim(&streams->handshakes, newcomer);
  if (streams->free.length > 0)
    return NULL;
  if (streams->handshakes.length > 0)
    return find_victim(&streams->handshakes, newcomer);
  victim = find_victim(&streams->up, newcomer);
  return victim != NULL && victim->net->unproven > unproven_of(streams, newcomer) + 1 ? victim
                                                                                      : NULL;
}

static void
release(RelayStreams *streams, Stream *stream)
{
  uint8_t key[RELAY_ADDRESS_KEY_MAX];

  leave_unproven(streams, stream);
  relay_tally_remove(streams->per_address, key, relay_address_key(&stream->from, key));
  set_deadline(streams, stream, WZP_NEVER);
  stream->state = FREE;
  g_queue_push_tail_link(&streams->free, &stream->link);
  streams->n--;
}

uint32_t
relay_streams_add(RelayStreams *streams, WzpTime now, const WzpAddress *from,
                  RelayStreamEnd *refused, uint32_t *evicted)
{
  uint8_t key[RELAY_ADDRESS_KEY_MAX];
  size_t length = relay_address_key(from, key);
  Stream *stream;

  *evicted = 0;
  *refused = RELAY_STREAM_TOO_FAST;
  if (!relay_admission_connection(streams->admission, now, from))
    return 0;
  *refused = RELAY_STREAM_TOO_MANY;
  if (relay_tally_count(streams->per_address, key, length) >= streams->max_per_ip)
    return 0;
  stream = makes_room(streams, from);
  if (stream != NULL) {
    *evicted = stream->number;
    release(streams, stream);
  }
  if (streams->free.length == 0)
    return 0;
  stream = g_queue_pop_head_link(&streams->free)->data;
  streams->generation = (streams->generation + 1) & (UINT32_MAX >> INDEX_BITS);
  if (streams->generation == 0)
    streams->generation = 1;
  stream->number = streams->generation << INDEX_BITS | (uint32_t)(stream - streams->table);
  stream->from = *from;
  relay_bucket_init(&stream->bytes, now, RELAY_STREAM_BURST);
  relay_tally_add(streams->per_address, key, length);
  enter_unproven(streams, stream);
  set_deadline(streams, stream, now + RELAY_STREAM_HANDSHAKE_TIME);
  streams->n++;
  return stream->number;
}

void
relay_streams_remove(RelayStreams *streams, uint32_t number)
{
  Stream *stream = find(streams, number);

  if (stream != NULL)
    release(streams, stream);
}

void
relay_streams_up(RelayStreams *streams, WzpTime now, uint32_t number)
{
  Stream *stream = find(streams, number);

  if (stream == NULL || stream->state != HANDSHAKE)
    return;
  g_queue_unlink(&streams->handshakes, &stream->link);
  g_queue_push_tail_link(&streams->up, &stream->link);
  stream->state = UP;
  set_deadline(streams, stream, now + RELAY_STREAM_SESSION_TIME);
}

void
relay_streams_proven(RelayStreams *streams, WzpTime now, uint32_t number)
{
  Stream *stream = find(streams, number);

  if (stream == NULL || stream->state == HANDSHAKE)
    return;
  leave_unproven(streams, stream);
  stream->state = PROVEN;
  set_deadline(streams, stream, now + streams->silence);
}

bool
relay_streams_take(RelayStreams *streams, WzpTime now, uint32_t number, size_t bytes)
{
  Stream *stream = find(streams, number);

  return stream != NULL && relay_bucket_take(&stream->bytes, now, RELAY_STREAM_BYTES_PER_SECOND,
                                             RELAY_STREAM_BURST, bytes);
}

uint32_t
relay_streams_expire(RelayStreams *streams, WzpTime now, RelayStreamEnd *end)
{
  static const RelayStreamEnd ends[] = {[HANDSHAKE] = RELAY_STREAM_NO_HANDSHAKE,
                                        [UP] = RELAY_STREAM_NO_SESSION,
                                        [PROVEN] = RELAY_STREAM_SILENT};
  unsigned index;
  Stream *stream;

  if (!relay_timers_pop(streams->timers, now, &index))
    return 0;
  stream = &streams->table[index];
  *end = ends[stream->state];
  release(streams, stream);
  return stream->number;
}

WzpTime
relay_streams_next_timeout(const RelayStreams *streams)
{
  return relay_timers_next(streams->timers);
}

unsigned
relay_streams_count(const RelayStreams *streams)
{
  return streams->n;
}
