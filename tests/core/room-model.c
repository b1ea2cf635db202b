/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "room-model.h"
#include <string.h>

typedef enum {
  TO_RELAY_JOIN,
  TO_RELAY_LEAVE,
  TO_RELAY_RECORD,
  JOINED,
  MEMBER,
  LEFT,
  RECORD,
  MEDIA
} Kind;

typedef struct {
  WzpTime at;
  uint64_t order; /* of sending: breaks ties */
  Kind kind;
  unsigned client; /* who it comes from or goes to */
  unsigned generation;
  unsigned life; /* of the client, when it was sent */
  uint8_t slot;
  bool again; /* joined: not for the first time */
  bool meant; /* media: under a key that the receiver was sent */
  GBytes *data;
} Flight;

static uint64_t next_order, next_seed;

static void
flight_free(gpointer data)
{
  Flight *flight = data;
  if (flight->data != NULL)
    g_bytes_unref(flight->data);
  g_free(flight);
}

static gint
flight_compare(gconstpointer a, gconstpointer b, gpointer user)
{
  const Flight *x = a, *y = b;
  (void)user;
  if (x->at != y->at)
    return x->at < y->at ? -1 : 1;
  return x->order < y->order ? -1 : x->order > y->order;
}

RoomModel *
room_model_new(void)
{
  if (next_seed == 0) /* printed by GLib, taken back with --seed */
    next_seed = (uint64_t)g_test_rand_int() << 16;
  return room_model_new_seeded(++next_seed);
}

RoomModel *
room_model_new_seeded(uint64_t seed)
{
  RoomModel *model = g_new0(RoomModel, 1);

  model->random = wzp_random_seeded(&model->random_state, seed);
  model->now = model->next_tick = 7 * WZP_SECOND;
  model->delay = 30 * WZP_MSEC;
  model->media = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
  model->flight = g_sequence_new(flight_free);
  for (unsigned i = 0; i < G_N_ELEMENTS(model->roster); i++)
    model->roster[i] = -1;
  return model;
}

static void
client_clear(RoomClient *client)
{
  unsigned life = client->life;

  room_voice_free(client->voice);
  wzp_group_free(client->group);
  wzp_identity_free(client->identity);
  memset(client, 0, sizeof *client);
  client->life = life + 1;
}

void
room_model_free(RoomModel *model)
{
  for (unsigned n = 0; n < ROOM_CLIENTS; n++)
    client_clear(&model->clients[n]);
  g_ptr_array_unref(model->media);
  g_sequence_free(model->flight);
  g_free(model);
}

uint32_t
room_model_draw(RoomModel *model, uint32_t below)
{
  uint32_t value;
  wzp_random_fill(&model->random, &value, sizeof value);
  return value % below;
}

static Flight *
launch(RoomModel *model, Kind kind, unsigned n, WzpTime at, GBytes *data)
{
  Flight *flight = g_new0(Flight, 1);
  flight->kind = kind;
  flight->client = n;
  flight->at = at;
  flight->order = next_order++;
  flight->generation = model->generation;
  flight->life = model->clients[n].life;
  flight->data = data;
  g_sequence_insert_sorted(model->flight, flight, flight_compare, NULL);
  return flight;
}

/* Reliable and in order: late by some retransmissions, never before what went before. */
static WzpTime
control_arrival(RoomModel *model, WzpTime *last)
{
  WzpTime at = model->now + model->delay;
  if (model->jitter > 0)
    at += room_model_draw(model, (uint32_t)(10 * model->jitter));
  *last = MAX(at, *last + 1);
  return *last;
}

static void
to_relay(RoomModel *model, unsigned n, Kind kind, GBytes *data)
{
  launch(model, kind, n, control_arrival(model, &model->clients[n].control_up), data);
}

static Flight *
to_client(RoomModel *model, unsigned n, Kind kind, uint8_t slot, GBytes *data)
{
  Flight *flight =
      launch(model, kind, n, control_arrival(model, &model->clients[n].control_down), data);
  flight->slot = slot;
  return flight;
}

void
room_model_pump(RoomModel *model, unsigned n)
{
  RoomClient *client = &model->clients[n];
  WzpGroupEvent event;
  GBytes *record;

  while ((record = wzp_group_poll(client->group, model->now)) != NULL) {
    client->records_sent++;
    to_relay(model, n, TO_RELAY_RECORD, record);
  }
  while ((event = wzp_group_next_event(client->group)).type != WZP_GROUP_NONE) {
    if (event.type == WZP_GROUP_CONFIRMED)
      client->confirmed++;
    else if (event.type == WZP_GROUP_LEFT)
      client->left++;
    else if (event.type == WZP_GROUP_READY)
      client->ready++;
  }
}

static void
relay_forget(RoomModel *model, unsigned n)
{
  RoomClient *client = &model->clients[n];

  if (!client->joined)
    return;
  client->joined = false;
  model->roster[client->slot] = -1;
  for (unsigned other = 0; other < ROOM_CLIENTS; other++) {
    if (other != n && model->clients[other].joined)
      to_client(model, other, LEFT, client->slot, NULL);
  }
}

static void
start(RoomModel *model, unsigned n, const WzpIdentity *identity, const char *room_name)
{
  RoomClient *client = &model->clients[n];
  const uint8_t relay_key[32] = {0x4e};
  uint8_t seed[32];
  WzpRoomSecret secret;

  if (identity != NULL)
    memcpy(seed, identity->seed, sizeof seed);
  else
    wzp_random_fill(&model->random, seed, sizeof seed);
  relay_forget(model, n);
  client_clear(client);
  for (unsigned other = 0; other < ROOM_CLIENTS; other++)
    if (model->clients[other].voice != NULL)
      room_voice_forget(model->clients[other].voice, n);
  client->voice = model->repair ? room_voice_new(n, model->loss_percent) : NULL;
  client->in_use = true;
  client->identity = wzp_identity_new(seed);
  wzp_room_secret_open(&secret, room_name);
  client->group = wzp_group_new(client->identity, &secret, relay_key, &model->random);
  client->control_up = client->control_down = model->now;
  client->last_opened = model->now;
  to_relay(model, n, TO_RELAY_JOIN, NULL);
}

void
room_model_join(RoomModel *model, unsigned n, const char *room_name)
{
  start(model, n, NULL, room_name);
}

void
room_model_rejoin(RoomModel *model, unsigned n, unsigned as, const char *room_name)
{
  start(model, n, model->clients[as].identity, room_name);
}

/* --- The relay --- */

static GBytes *
join_of(RoomModel *model, unsigned n)
{
  return g_bytes_new(wzp_group_join(model->clients[n].group), WZP_JOIN_BLOB_SIZE);
}

static void
relay_join(RoomModel *model, unsigned n)
{
  RoomClient *client = &model->clients[n];
  bool again = client->joined_at != 0;

  if (client->joined)
    return;
  do
    model->next_slot = (model->next_slot + 1) % 200; /* slots rest */
  while (model->roster[model->next_slot] >= 0);
  client->slot = (uint8_t)model->next_slot;
  client->joined = true;
  client->joined_at = model->now;
  model->roster[client->slot] = (int)n;
  to_client(model, n, JOINED, client->slot, NULL)->again = again;
  for (unsigned other = 0; other < ROOM_CLIENTS; other++) {
    if (other == n || !model->clients[other].joined)
      continue;
    to_client(model, n, MEMBER, model->clients[other].slot, join_of(model, other));
    to_client(model, other, MEMBER, client->slot, join_of(model, n));
  }
}

static void
relay_record(RoomModel *model, unsigned n, GBytes *data)
{
  size_t length;
  const uint8_t *record = g_bytes_get_data(data, &length);
  int to = model->roster[record[0]];

  if (!model->clients[n].joined || record[1] != model->clients[n].slot || to < 0)
    return;
  if (model->drop_record != NULL && model->drop_record(model->drop_user, n, (unsigned)to))
    return;
  to_client(model, (unsigned)to, RECORD, 0, g_bytes_ref(data));
}

void
room_model_leave(RoomModel *model, unsigned n, bool politely)
{
  RoomClient *client = &model->clients[n];

  if (politely) {
    wzp_group_leave(client->group);
    room_model_pump(model, n);
    to_relay(model, n, TO_RELAY_LEAVE, NULL);
  } else {
    relay_forget(model, n);
  }
  client->talking = false;
  client->in_use = false;
}

void
room_model_restart_relay(RoomModel *model)
{
  model->generation++;
  for (unsigned i = 0; i < G_N_ELEMENTS(model->roster); i++)
    model->roster[i] = -1;
  for (unsigned n = 0; n < ROOM_CLIENTS; n++) {
    RoomClient *client = &model->clients[n];
    client->joined = false;
    if (!client->in_use)
      continue;
    /* finds out after 1.5 s and up to one more at random */
    client->control_up = model->now + 1500 * WZP_MSEC + room_model_draw(model, 1000000);
    client->control_down = client->control_up;
    to_relay(model, n, TO_RELAY_JOIN, NULL);
  }
}

void
room_model_lose_leg(RoomModel *model, unsigned n, WzpTime until_back)
{
  relay_forget(model, n);
  model->clients[n].control_up = model->now + until_back;
  to_relay(model, n, TO_RELAY_JOIN, NULL);
}

/* --- Media --- */

/* Until somebody said that he has the key, what is said may come before it. */
static bool
is_sure(const RoomClient *from)
{
  for (unsigned i = 0; i < from->group->members->len; i++) {
    const WzpGroupMember *member = wzp_group_nth(from->group, i);
    if (!member->gone && member->state == WZP_MEMBER_CONFIRMED && member->holds_current)
      return true;
  }
  return false;
}

/* Was this one sent the key under which the other seals now? */
static bool
is_meant(const RoomClient *from, const RoomClient *to)
{
  for (unsigned i = 0; i < from->group->members->len; i++) {
    const WzpGroupMember *member = wzp_group_nth(from->group, i);
    if (!member->gone && memcmp(member->join.jh, to->group->join.jh, 32) == 0)
      return member->holds_current ||
             (member->key.sent && member->key.epoch <= wzp_sender_epoch(from->group->sender));
  }
  return false;
}

/* A packet of the client, to all others; false: there is nobody to speak to. */
static bool
send_packet(RoomModel *model, unsigned n, const WzpFecPacket *packet)
{
  RoomClient *client = &model->clients[n];
  uint8_t sealed[WZP_DATAGRAM_MAX];
  size_t length;
  WzpResult result =
      wzp_group_seal(client->group, packet->code, (uint32_t)packet->media_ms,
                     packet->talk_start ? WZP_FLAG_TALK_START : 0, packet->gap, packet->bundle,
                     packet->length, sealed, sizeof sealed, &length, NULL);

  if (result != WZP_OK) {
    g_assert_cmpint(result, ==, WZP_NO_RECEIVER);
    client->refused_to_seal++;
    return false;
  }
  client->sealed++;
  if (model->spoken != NULL)
    model->spoken(model->spoken_user, n, sealed, length);
  if (model->keep_media)
    g_ptr_array_add(model->media, g_bytes_new(sealed, length));
  if (!client->joined || sealed[1] != client->slot)
    return true;
  for (unsigned other = 0; other < ROOM_CLIENTS; other++) {
    if (other == n || !model->clients[other].joined ||
        room_model_draw(model, 100) < model->loss_percent)
      continue;
    WzpTime at = model->now + 2 * model->delay;
    if (model->jitter > 0)
      at += room_model_draw(model, (uint32_t)(2 * model->jitter));
    Flight *flight = launch(model, MEDIA, other, at, g_bytes_new(sealed, length));
    flight->slot = (uint8_t)n;
    flight->meant = is_sure(client) && is_meant(client, &model->clients[other]);
    model->clients[other].arrived++;
  }
  return true;
}

bool
room_model_speak(RoomModel *model, unsigned n)
{
  RoomClient *client = &model->clients[n];
  uint8_t plain[60];
  WzpFecPacket packet = {.media_ms = client->media_ms, .bundle = plain, .length = sizeof plain};
  bool sent = false;

  client->media_ms += ROOM_FRAME_MS;
  if (client->voice == NULL) {
    memset(plain, (int)n, sizeof plain);
    memcpy(plain, &client->sealed, sizeof client->sealed);
    return send_packet(model, n, &packet);
  }
  room_voice_speak(client->voice, model->now, (uint32_t)packet.media_ms);
  while (room_voice_poll(client->voice, &packet)) {
    if (send_packet(model, n, &packet))
      sent = true;
    else
      wzp_group_leave_out(client->group, 1);
  }
  return sent;
}

static void
hear(RoomModel *model, RoomClient *client, const Flight *flight)
{
  size_t length, opened_length;
  const uint8_t *packet = g_bytes_get_data(flight->data, &length);
  uint8_t plain[WZP_DATAGRAM_MAX];
  WzpOpened opened;
  WzpResult result =
      wzp_group_open(client->group, model->now, packet, length, plain, &opened_length, &opened);

  client->results[result]++;
  client->meant += flight->meant;
  client->without_key += flight->meant && result != WZP_OK;
  if (result != WZP_OK)
    return;
  if (client->voice != NULL) {
    room_voice_hear(client->voice, model->now, flight->slot, &opened, plain, opened_length);
  } else {
    g_assert_cmpuint(opened_length, ==, 60);
    for (unsigned i = sizeof(unsigned); i < opened_length; i++)
      g_assert_cmpuint(plain[i], ==, flight->slot); /* the right speaker */
  }
  client->opened++;
  client->last_opened = model->now;
  client->last_index = opened.index;
}

/* --- Time --- */

static void
land(RoomModel *model, Flight *flight)
{
  RoomClient *client = &model->clients[flight->client];
  size_t length = 0;
  const uint8_t *data = flight->data ? g_bytes_get_data(flight->data, &length) : NULL;

  if (flight->life != client->life || flight->generation != model->generation)
    return;
  switch (flight->kind) {
  case TO_RELAY_JOIN:
    relay_join(model, flight->client);
    return;
  case TO_RELAY_LEAVE:
    relay_forget(model, flight->client);
    return;
  case TO_RELAY_RECORD:
    relay_record(model, flight->client, flight->data);
    return;
  default:
    break;
  }
  if (!client->in_use)
    return;
  switch (flight->kind) {
  case JOINED:
    wzp_group_set_slot(client->group, flight->slot);
    if (flight->again)
      wzp_group_relay_restarted(client->group, model->now);
    break;
  case MEMBER:
    client->results[wzp_group_add_member(client->group, model->now, flight->slot, data, length)]++;
    break;
  case LEFT:
    wzp_group_remove_member(client->group, model->now, flight->slot);
    break;
  case RECORD:
    client->results[wzp_group_receive(client->group, model->now, data, length)]++;
    break;
  case MEDIA:
    hear(model, client, flight);
    break;
  default:
    g_assert_not_reached();
  }
  room_model_pump(model, flight->client);
}

void
room_model_run(RoomModel *model, WzpTime duration)
{
  WzpTime until = model->now + duration;

  for (;;) {
    GSequenceIter *first = g_sequence_get_begin_iter(model->flight);
    Flight *flight = g_sequence_iter_is_end(first) ? NULL : g_sequence_get(first);
    WzpTime next = MIN(until, model->next_tick);
    int timer = -1;

    if (flight != NULL)
      next = MIN(next, flight->at);
    for (unsigned n = 0; n < ROOM_CLIENTS; n++) {
      if (model->clients[n].in_use && wzp_group_next_timeout(model->clients[n].group) < next) {
        next = wzp_group_next_timeout(model->clients[n].group);
        timer = (int)n;
      }
    }
    model->now = MAX(model->now, next);
    if (timer >= 0) {
      WzpGroup *group = model->clients[timer].group;
      WzpTime before = wzp_group_next_timeout(group);
      wzp_group_handle_timeout(group, model->now);
      room_model_pump(model, (unsigned)timer);
      g_assert_cmpint(wzp_group_next_timeout(group), >, before); /* no timer spins */
      continue;
    }
    if (flight != NULL && flight->at <= model->now) {
      Flight copy = *flight;
      flight->data = NULL;
      g_sequence_remove(first);
      land(model, &copy);
      if (copy.data != NULL)
        g_bytes_unref(copy.data);
      continue;
    }
    if (model->now >= model->next_tick) {
      model->next_tick += ROOM_FRAME_MS * WZP_MSEC;
      for (unsigned n = 0; n < ROOM_CLIENTS; n++) {
        if (model->clients[n].in_use && model->clients[n].talking) {
          room_model_speak(model, n);
          room_model_pump(model, n);
        }
        if (model->clients[n].in_use && model->clients[n].voice != NULL)
          room_voice_play(model->clients[n].voice, model->now);
      }
    }
    if (model->now >= until)
      return;
  }
}
