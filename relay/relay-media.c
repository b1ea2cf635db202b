/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-media.h"
#include "wzp/seq.h"
#include "wzp/stun.h"
#include <glib.h>
#include <sodium.h>
#include <string.h>

/* shortest media packets: header and tag around an empty bundle */
#define MINI_PACKET_MIN (WZP_HEADER_MINI_SIZE + WZP_TAG_SIZE)
#define FULL_PACKET_MIN (WZP_HEADER_FULL_SIZE + WZP_TAG_SIZE)
#define NO_SLOT (-1)
#define DATAGRAM_MIN 8
/* as many as the shortest packets that fit */
#define TRUNK_PACKETS_MAX (WZP_DATAGRAM_MAX / (2 + MINI_PACKET_MIN))
/* So many packets in a row behind the window, all with good tags, and none in it for so long: the sender
 * really is there. Datagrams that somebody recorded and sends again have good tags too, but the leg that
 * they are of goes on speaking. */
#define BEHIND_LIMIT 64
#define BEHIND_SILENCE WZP_SECOND
/* the control plane that a leg speaks from elsewhere; at first often: what it does then may get lost */
#define TELL_EVERY (250 * WZP_MSEC)
#define TELL_EARLY (40 * WZP_MSEC)
#define TELL_EARLY_FOR (600 * WZP_MSEC)
#define TELL_AFRESH (3 * WZP_SECOND)

typedef struct Leg Leg;
struct Leg {
  bool active;
  uint32_t sid;
  WzpHopKeys hop_keys;
  WzpAddress address;
  WzpAddress second; /* family 0: none */
  WzpTime told;      /* the control plane, that it speaks from elsewhere */
  WzpTime elsewhere; /* when that began */
  uint16_t capabilities;
  int slot;
  uint32_t room;
  Leg *next; /* in the room */
  WzpWindow window;
  unsigned behind;
  WzpTime last_new; /* the window took a packet */
  RelayBucket packets, bytes;
  WzpTime last_seen; /* atomic */
};

struct RelayMedia {
  RelayLimits limits;
  unsigned capacity;
  Leg *legs;
  Leg **rooms;           /* [room]: the first of its legs */
  RelayMediaStats stats; /* atomic, written by the owner only */
  RelayBucket egress;
  WzpTime egress_began; /* the second that is counted; atomic like the stats */
  uint64_t egress_this_second, egress_last_second;
};

unsigned
relay_sid_capacity(const RelayLimits *limits)
{
  return limits->max_sessions + RELAY_HALF_OPEN_MAX;
}

static unsigned
index_bits(unsigned capacity)
{
  return g_bit_storage(capacity - 1);
}

unsigned
relay_sid_index(uint32_t sid, unsigned capacity)
{
  return sid & ((1u << index_bits(capacity)) - 1);
}

uint32_t
relay_sid_make(unsigned index, uint32_t random, unsigned capacity)
{
  return (random << index_bits(capacity)) | index;
}

RelayMedia *
relay_media_new(const RelayLimits *limits)
{
  RelayMedia *media = g_new0(RelayMedia, 1);

  media->limits = *limits;
  media->capacity = relay_sid_capacity(limits);
  media->legs = g_new0(Leg, media->capacity);
  media->rooms = g_new0(Leg *, limits->max_rooms);
  return media;
}

void
relay_media_free(RelayMedia *media)
{
  if (media == NULL)
    return;
  sodium_memzero(media->legs, media->capacity * sizeof(Leg));
  g_free(media->legs);
  g_free(media->rooms);
  g_free(media);
}

/* one writer, many readers: load and store are enough, no locked instruction */
static void
count(uint64_t *counter, uint64_t n)
{
  __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

static Leg *
find_leg(const RelayMedia *media, uint32_t sid)
{
  unsigned index = relay_sid_index(sid, media->capacity);
  Leg *leg;

  if (index >= media->capacity)
    return NULL;
  leg = &media->legs[index];
  return leg->active && leg->sid == sid ? leg : NULL;
}

static void
leave_room(RelayMedia *media, Leg *leg)
{
  Leg **link;

  if (leg->room == RELAY_NO_ROOM)
    return;
  link = &media->rooms[leg->room];
  while (*link != leg)
    link = &(*link)->next;
  *link = leg->next;
  leg->room = RELAY_NO_ROOM;
  leg->slot = NO_SLOT;
}

static void
enter_room(RelayMedia *media, Leg *leg, uint32_t room, uint8_t slot)
{
  g_assert(room < media->limits.max_rooms);
  leg->next = media->rooms[room];
  media->rooms[room] = leg;
  leg->room = room;
  leg->slot = slot;
}

static void
add_leg(RelayMedia *media, WzpTime now, const RelayCommand *command)
{
  unsigned index = relay_sid_index(command->sid, media->capacity);
  Leg *leg = &media->legs[index];

  g_assert(index < media->capacity && !leg->active);
  leg->sid = command->sid;
  wzp_hop_keys_init(&leg->hop_keys, command->hop_key);
  leg->address = command->address;
  leg->second = (WzpAddress){0};
  leg->told = 0;
  leg->capabilities = command->capabilities;
  leg->slot = NO_SLOT;
  leg->room = RELAY_NO_ROOM;
  wzp_window_init(&leg->window, WZP_WINDOW_MAX);
  leg->behind = 0;
  leg->last_new = now;
  relay_bucket_init(&leg->packets, now, media->limits.media_packets_per_second);
  relay_bucket_init(&leg->bytes, now, media->limits.media_bytes_per_second);
  __atomic_store_n(&leg->last_seen, 0, __ATOMIC_RELAXED);
  leg->active = true;
}

void
relay_media_apply(RelayMedia *media, WzpTime now, const RelayCommand *command)
{
  Leg *leg;

  if (command->type == RELAY_COMMAND_ADD_LEG) {
    add_leg(media, now, command);
    return;
  }
  leg = find_leg(media, command->sid);
  g_assert(leg != NULL);
  switch (command->type) {
  case RELAY_COMMAND_ADD_LEG:
    break;
  case RELAY_COMMAND_REMOVE_LEG:
    leave_room(media, leg);
    leg->active = false;
    sodium_memzero(&leg->hop_keys, sizeof leg->hop_keys);
    break;
  case RELAY_COMMAND_SET_ROOM:
    leave_room(media, leg);
    if (command->room != RELAY_NO_ROOM)
      enter_room(media, leg, command->room, command->slot);
    break;
  case RELAY_COMMAND_SET_ADDRESS:
    leg->address = command->address;
    leg->second = (WzpAddress){0};
    break;
  case RELAY_COMMAND_ADD_ADDRESS:
    leg->second = command->address;
    break;
  }
}

/* The 16-bit number, not wrapped, as the trailer's key proved it: `near` is that of the datagram. */
static WzpResult
check_duplicate(Leg *leg, WzpTime now, uint16_t seq, uint64_t near)
{
  uint64_t index = wzp_seq16_extend(seq, near);

  switch (wzp_window_check(&leg->window, index)) {
  case WZP_WINDOW_NEW:
    break;
  case WZP_WINDOW_SEEN:
    leg->behind = 0;
    return WZP_REPLAYED;
  case WZP_WINDOW_BEHIND:
    leg->behind = MIN(leg->behind + 1, BEHIND_LIMIT);
    if (leg->behind < BEHIND_LIMIT || now - leg->last_new < BEHIND_SILENCE)
      return WZP_TOO_OLD;
    wzp_window_init(&leg->window, WZP_WINDOW_MAX);
    break;
  }
  leg->behind = 0;
  leg->last_new = now;
  wzp_window_mark(&leg->window, index);
  return WZP_OK;
}

/* One media packet of a leg whose datagram carried a good tag. Both header forms hold slot and sequence
 * number in the same place; what the packet carries is not the relay's business. */
static WzpResult
check_packet(RelayMedia *media, WzpTime now, Leg *leg, uint64_t near, const uint8_t *packet,
             size_t length)
{
  bool mini = (packet[0] & 0x40) != 0;
  WzpResult result;

  if (length < (mini ? MINI_PACKET_MIN : FULL_PACKET_MIN))
    return WZP_TRUNCATED;
  if (leg->slot == NO_SLOT)
    return WZP_NOT_CONNECTED;
  if (packet[1] != leg->slot)
    return WZP_WRONG_SLOT;
  result = check_duplicate(leg, now, wzp_datagram_seq(packet, length), near);
  if (result != WZP_OK)
    return result;
  if (!relay_bucket_take(&leg->packets, now, media->limits.media_packets_per_second,
                         media->limits.media_packets_per_second, 1) ||
      !relay_bucket_take(&leg->bytes, now, media->limits.media_bytes_per_second,
                         media->limits.media_bytes_per_second, length))
    return WZP_RATE_LIMITED;
  count(&media->stats.packets_received, 1);
  count(&media->stats.bytes_received, length);
  return WZP_OK;
}

/* The receivers of a leg's packets, one after the other; NULL for the first, and past the last. */
static Leg *
next_receiver(const RelayMedia *media, const Leg *from, const Leg *last)
{
  Leg *leg = last == NULL ? media->rooms[from->room] : last->next;

  return leg == from ? leg->next : leg;
}

/* One thread writes, any may read. */
static void
count_egress(RelayMedia *media, WzpTime now, size_t length)
{
  WzpTime elapsed = now - media->egress_began;

  if (elapsed >= WZP_SECOND) {
    uint64_t before = elapsed < 2 * WZP_SECOND ? media->egress_this_second : 0;

    __atomic_store_n(&media->egress_last_second, before, __ATOMIC_RELAXED);
    __atomic_store_n(&media->egress_this_second, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&media->egress_began, now, __ATOMIC_RELAXED);
  }
  count(&media->egress_this_second, length);
}

uint64_t
relay_media_egress(const RelayMedia *media, WzpTime now)
{
  WzpTime elapsed = now - __atomic_load_n(&media->egress_began, __ATOMIC_RELAXED);
  uint64_t this_second = __atomic_load_n(&media->egress_this_second, __ATOMIC_RELAXED);
  uint64_t last_second = __atomic_load_n(&media->egress_last_second, __ATOMIC_RELAXED);

  if (elapsed >= 2 * WZP_SECOND)
    return 0;
  return elapsed >= WZP_SECOND ? this_second : MAX(this_second, last_second);
}

static void
forward_to(RelayMedia *media, WzpTime now, const WzpAddress *to, const uint8_t *data, size_t length,
           RelaySend send, void *user)
{
  unsigned limit = media->limits.max_egress_bytes_per_second;

  if (limit > 0 && !relay_bucket_take(&media->egress, now, limit, limit, length)) {
    count(&media->stats.drops[WZP_RATE_LIMITED], 1);
    return;
  }
  count_egress(media, now, length);
  send(user, to, data, length);
  count(&media->stats.packets_forwarded, 1);
  count(&media->stats.bytes_forwarded, length);
}

static void
forward(RelayMedia *media, WzpTime now, const Leg *to, const uint8_t *data, size_t length,
        RelaySend send, void *user)
{
  forward_to(media, now, &to->address, data, length, send, user);
  if (to->second.family != 0)
    forward_to(media, now, &to->second, data, length, send, user);
}

static void
fan_out(RelayMedia *media, WzpTime now, const Leg *leg, const uint8_t *data, size_t length,
        RelaySend send, void *user)
{
  Leg *to = NULL;

  while ((to = next_receiver(media, leg, to)) != NULL)
    forward(media, now, to, data, length, send, user);
}

static WzpResult
handle_packet(RelayMedia *media, WzpTime now, Leg *leg, uint64_t near, const uint8_t *packet,
              size_t length, RelaySend send, void *user)
{
  WzpResult result = check_packet(media, now, leg, near, packet, length);

  if (result == WZP_OK)
    fan_out(media, now, leg, packet, length, send, user);
  else
    count(&media->stats.drops[result], 1);
  return result;
}

/* A trunk whose packets are all good goes on whole to those who take trunks. Otherwise, and to the
 * others, its good packets go one by one. Returns the result of the last bad packet. */
static WzpResult
handle_trunk(RelayMedia *media, WzpTime now, Leg *leg, uint64_t near, const uint8_t *data,
             size_t length, RelaySend send, void *user)
{
  const uint8_t *packets[TRUNK_PACKETS_MAX];
  size_t lengths[TRUNK_PACKETS_MAX];
  WzpResult result = WZP_OK;
  size_t position = 0, packet_length;
  const uint8_t *packet;
  unsigned n_good = 0, i;
  Leg *to = NULL;

  if (!wzp_trunk_valid(data, length)) {
    count(&media->stats.drops[WZP_MALFORMED], 1);
    return WZP_MALFORMED;
  }
  while (wzp_trunk_next(data, length, &position, &packet, &packet_length)) {
    WzpResult bad = n_good < TRUNK_PACKETS_MAX
                        ? check_packet(media, now, leg, near, packet, packet_length)
                        : WZP_TOO_LONG;

    if (bad != WZP_OK) {
      count(&media->stats.drops[bad], 1);
      result = bad;
      continue;
    }
    packets[n_good] = packet;
    lengths[n_good++] = packet_length;
  }
  while (leg->room != RELAY_NO_ROOM && (to = next_receiver(media, leg, to)) != NULL) {
    if (result == WZP_OK && (to->capabilities & WZP_CAP_TRUNK)) {
      forward(media, now, to, data, length, send, user);
      continue;
    }
    for (i = 0; i < n_good; i++)
      forward(media, now, to, packets[i], lengths[i], send, user);
  }
  return result;
}

/* *index: the datagram's number, not wrapped. More than half a wrap may be lost on the way, or a wrap before
 * anything arrived; then nothing came for a while, and the key of one wrap more is tried too. */
static bool
check_trailer(Leg *leg, WzpTime now, const uint8_t *data, size_t length, uint64_t *index)
{
  uint16_t seq = wzp_datagram_seq(data, length - WZP_TRAILER_SIZE);
  bool begun = leg->window.next > 0;

  *index = begun ? wzp_seq16_extend(seq, leg->window.next - 1) : seq;
  if (wzp_trailer_check(data, length, wzp_hop_keys_at(&leg->hop_keys, (uint32_t)(*index >> 16))))
    return true;
  if (begun && now - leg->last_new < BEHIND_SILENCE)
    return false;
  *index += 0x10000;
  return wzp_trailer_check(data, length, wzp_hop_keys_at(&leg->hop_keys, (uint32_t)(*index >> 16)));
}

/* Has the control plane to hear that the leg speaks from another address? */
static bool
has_news(Leg *leg, WzpTime now, const WzpAddress *from)
{
  if (wzp_address_equal(from, &leg->address))
    return false;
  if (now - leg->told >= TELL_AFRESH)
    leg->elsewhere = now;
  if (now - leg->told < (now - leg->elsewhere < TELL_EARLY_FOR ? TELL_EARLY : TELL_EVERY))
    return false;
  leg->told = now;
  return true;
}

static WzpResult
handle_media(RelayMedia *media, WzpTime now, WzpDatagramKind kind, const WzpAddress *from,
             const uint8_t *data, size_t length, RelaySend send, void *user, bool *for_control)
{
  WzpResult result;
  WzpReader reader;
  uint64_t index;
  size_t payload;
  Leg *leg;

  if (length <= WZP_TRAILER_SIZE) {
    count(&media->stats.drops[WZP_TRUNCATED], 1);
    return WZP_TRUNCATED;
  }
  payload = length - WZP_TRAILER_SIZE;
  wzp_reader_init(&reader, data + payload, 4);
  leg = find_leg(media, wzp_reader_u32(&reader));
  if (leg == NULL) {
    count(&media->stats.drops[WZP_UNKNOWN_SESSION], 1);
    return WZP_UNKNOWN_SESSION;
  }
  if (!check_trailer(leg, now, data, length, &index)) {
    count(&media->stats.drops[WZP_BAD_TAG], 1);
    return WZP_BAD_TAG;
  }
  __atomic_store_n(&leg->last_seen, now, __ATOMIC_RELAXED);
  if (kind == WZP_DATAGRAM_TRUNK)
    result = handle_trunk(media, now, leg, index, data, payload, send, user);
  else
    result = handle_packet(media, now, leg, index, data, payload, send, user);
  *for_control = result == WZP_OK && has_news(leg, now, from);
  return result;
}

bool
relay_media_handle_question(RelayMedia *media, const uint8_t *data, size_t length)
{
  WzpStunRequest request;
  WzpResult result = wzp_stun_request_parse(&request, data, length);

  count(&media->stats.datagrams_received, 1);
  if (result != WZP_OK)
    count(&media->stats.drops[result], 1);
  return result == WZP_OK;
}

WzpResult
relay_media_handle(RelayMedia *media, WzpTime now, const WzpAddress *from, const uint8_t *data,
                   size_t length, RelaySend send, void *user, bool *for_control)
{
  WzpStunRequest request;
  WzpDatagramKind kind;
  WzpResult result = WZP_UNKNOWN_KIND;

  *for_control = false;
  count(&media->stats.datagrams_received, 1);
  if (length < DATAGRAM_MIN) {
    result = WZP_TRUNCATED;
  } else if (length > WZP_DATAGRAM_MAX) {
    result = WZP_TOO_LONG;
  } else {
    kind = wzp_datagram_kind(data, length);
    switch (kind) {
    case WZP_DATAGRAM_MEDIA:
    case WZP_DATAGRAM_TRUNK:
      return handle_media(media, now, kind, from, data, length, send, user, for_control);
    case WZP_DATAGRAM_HS1:
    case WZP_DATAGRAM_HS3:
    case WZP_DATAGRAM_CONTROL:
      *for_control = true;
      return WZP_OK;
    case WZP_DATAGRAM_HS2:
    case WZP_DATAGRAM_COOKIE:
      result = WZP_UNEXPECTED; /* only a relay makes these */
      break;
    case WZP_DATAGRAM_STUN:
      result = wzp_stun_request_parse(&request, data, length);
      *for_control = result == WZP_OK;
      if (result == WZP_OK)
        return WZP_OK;
      break;
    case WZP_DATAGRAM_PATH_PROBE:
    case WZP_DATAGRAM_PAIRWISE:
      result = WZP_UNSUPPORTED; /* these are for each other's clients */
      break;
    case WZP_DATAGRAM_UNKNOWN:
      break;
    }
  }
  count(&media->stats.drops[result], 1);
  return result;
}

void
relay_media_count_drop(RelayMedia *media, WzpResult reason, uint64_t n)
{
  count(&media->stats.drops[reason], n);
}

void
relay_media_get_stats(const RelayMedia *media, RelayMediaStats *stats)
{
  const uint64_t *from = (const uint64_t *)&media->stats;
  uint64_t *to = (uint64_t *)stats;
  size_t i;

  for (i = 0; i < sizeof *stats / sizeof *to; i++)
    to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

void
relay_stats_add_media(RelayStats *stats, const RelayMedia *media)
{
  RelayMediaStats from;
  unsigned i;

  relay_media_get_stats(media, &from);
  stats->datagrams_received += from.datagrams_received;
  stats->packets_received += from.packets_received;
  stats->bytes_received += from.bytes_received;
  stats->packets_forwarded += from.packets_forwarded;
  stats->bytes_forwarded += from.bytes_forwarded;
  for (i = 0; i < WZP_N_RESULTS; i++)
    stats->media_drops[i] += from.drops[i];
}

WzpTime
relay_media_last_seen(const RelayMedia *media, uint32_t sid)
{
  unsigned index = relay_sid_index(sid, media->capacity);

  return index < media->capacity ? __atomic_load_n(&media->legs[index].last_seen, __ATOMIC_RELAXED)
                                 : 0;
}
