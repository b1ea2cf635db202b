/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-world.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A relay with four clients. The input says what they do: what clients do, what they must not do, and
 * plain garbage, also garbage that is properly sealed. The clients' own checks of what the relay tells
 * them are part of the test. */

#define N_CLIENTS 4

static GBytes *
take(WzpReader *reader, size_t limit)
{
  size_t length = wzp_reader_u8(reader);

  length = MIN(length, limit);
  length = MIN(length, wzp_reader_left(reader));
  return g_bytes_new(wzp_reader_bytes(reader, length), length);
}

/* One datagram that was good, with one byte changed. */
static void
send_spoilt(RelayWorld *world, const RelayClient *client, GBytes *good, WzpReader *reader)
{
  size_t length = g_bytes_get_size(good);
  uint8_t copy[WZP_DATAGRAM_MAX];
  unsigned position = wzp_reader_u16(reader);
  uint8_t change = wzp_reader_u8(reader);

  memcpy(copy, g_bytes_get_data(good, NULL), length);
  copy[position % length] ^= change;
  relay_world_send(world, &client->address, copy, length);
  g_bytes_unref(good);
}

static void
sealed_garbage(RelayClient *client, WzpReader *reader)
{
  GBytes *message = take(reader, 255);

  if (client->control != NULL && g_bytes_get_size(message) > 0)
    (void)wzp_control_send(client->control, g_bytes_get_data(message, NULL),
                           g_bytes_get_size(message));
  g_bytes_unref(message);
}

static void
tagged_garbage(RelayWorld *world, const RelayClient *client, WzpReader *reader)
{
  GBytes *packet = take(reader, 255), *datagram;

  datagram =
      relay_client_with_trailer(client, g_bytes_get_data(packet, NULL), g_bytes_get_size(packet));
  g_bytes_unref(packet);
  relay_world_send_bytes(world, client, datagram);
}

static void
pairwise(RelayClient *client, WzpReader *reader)
{
  uint8_t to = wzp_reader_u8(reader), from = wzp_reader_u8(reader);

  if (client->control != NULL && wzp_control_queued_bytes(client->control) < 1000)
    relay_client_send_pairwise(client, to, from, "x");
}

static void
join(RelayWorld *world, RelayClient *client, WzpReader *reader)
{
  static const char *const names[] = {"kitchen", "garden", "cellar", NULL};
  const char *name = names[wzp_reader_u8(reader) % G_N_ELEMENTS(names)];

  relay_client_set_room(client, name, world->identity->ed25519_public);
  if (name != NULL && client->control != NULL && wzp_control_queued_bytes(client->control) < 1000)
    relay_client_send_join(client);
}

static const char *
token(WzpReader *reader)
{
  static const char *const tokens[] = {"one", "two", "three", NULL};

  return tokens[wzp_reader_u8(reader) % G_N_ELEMENTS(tokens)];
}

static void
show_token(RelayClient *client, WzpReader *reader)
{
  client->token = token(reader); /* in the next handshake, and now */
  if (client->token != NULL && client->control != NULL &&
      wzp_control_queued_bytes(client->control) < 1000)
    relay_client_send_auth(client, client->token);
}

static void
answer(RelayWorld *world, const RelayClient *owner, WzpReader *reader)
{
  uint64_t id = relay_world_question(world, NULL);
  uint8_t verdict = wzp_reader_u8(reader);

  /* or an answer that nobody asked for */
  relay_world_answer(world, id != 0 ? id : verdict, (RelayTokenVerdict)(verdict % 3), owner);
}

/* In whatever call, its own or not. */
static void
call(RelayWorld *world, RelayClient *client, WzpReader *reader)
{
  static const WzpMessageKind kinds[] = {WZP_MESSAGE_LISTEN, WZP_MESSAGE_CALL,
                                         WZP_MESSAGE_CALL_MEDIA, WZP_MESSAGE_CALL_STATUS};
  uint8_t what = wzp_reader_u8(reader), who = wzp_reader_u8(reader);
  const RelayClient *caller = world->clients[who % N_CLIENTS];
  const RelayClient *callee = world->clients[who / N_CLIENTS % N_CLIENTS];
  WzpCallMessage message = {.kind = kinds[what % 4],
                            .instance = {what / 4 % 4},
                            .route = {.id = {what / 4 % 4}},
                            .media = what / 16 % 2,
                            .status = what / 16 % WZP_N_CALL_STATUS,
                            .body = &what,
                            .body_length = 1};
  GBytes *bytes;

  memcpy(message.route.caller, caller->identity->fingerprint, sizeof message.route.caller);
  memcpy(message.route.callee, callee->identity->fingerprint, sizeof message.route.callee);
  if (client->control == NULL || wzp_control_queued_bytes(client->control) >= 1000)
    return;
  bytes = wzp_call_message_build(&message);
  relay_client_send(client, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
  g_bytes_unref(bytes);
}

/* To another address, or another connection of it; and the last challenge that came, answered from there. */
static void
move(RelayWorld *world, RelayClient *client, WzpReader *reader)
{
  uint8_t where = wzp_reader_u8(reader);

  client->address.port = (uint16_t)(5000 + where % 3);
  client->address.stream = where / 3 % 3;
  if (where & 0x80 && client->challenged && client->control != NULL)
    relay_world_send_bytes(world, client,
                           relay_client_answer(client, world->now, client->challenge));
}

/* The clients do nothing on their own here: what they have to send waits until it is let go. */
static void
act(RelayWorld *world, WzpReader *reader)
{
  uint8_t what = wzp_reader_u8(reader);
  RelayClient *client = world->clients[what % N_CLIENTS];
  GBytes *bytes;

  if (what / N_CLIENTS >= 58) {
    move(world, client, reader);
    return;
  }
  if (what / N_CLIENTS >= 51) {
    call(world, client, reader);
    return;
  }
  switch (what / N_CLIENTS % 17) {
  case 0:
    relay_world_send_bytes(world, client, take(reader, 255));
    break;
  case 1:
    relay_client_poll(client, world->now);
    bytes = g_queue_pop_head(&client->out);
    if (bytes != NULL)
      send_spoilt(world, client, bytes, reader);
    break;
  case 2:
    bytes = relay_client_media(client, wzp_reader_u8(reader), wzp_reader_u16(reader));
    relay_world_send_bytes(world, client, bytes);
    break;
  case 3:
    bytes = relay_client_media(client, (uint8_t)client->slot, wzp_reader_u16(reader));
    relay_world_send_bytes(world, client, bytes);
    break;
  case 4:
    bytes = relay_client_media(client, (uint8_t)client->slot, wzp_reader_u16(reader));
    send_spoilt(world, client, bytes, reader);
    break;
  case 5:
    tagged_garbage(world, client, reader);
    break;
  case 6:
    sealed_garbage(client, reader);
    break;
  case 7:
    pairwise(client, reader);
    break;
  case 8:
    join(world, client, reader);
    break;
  case 9:
    relay_client_connect(client);
    break;
  case 10:
    if (client->control != NULL)
      wzp_control_close(client->control, WZP_CLOSE_LEAVE);
    break;
  case 11:
    relay_world_advance(world, wzp_reader_u16(reader) % 40000 * WZP_MSEC);
    break;
  case 12:
    world->deaf = !world->deaf;
    break;
  case 13:
    relay_world_settle(world);
    break;
  case 14:
    show_token(client, reader);
    break;
  case 15:
    answer(world, client, reader);
    break;
  case 16:
    relay_world_require_tokens(world);
    break;
  }
}

static void
check(RelayWorld *world)
{
  RelayStats stats = relay_world_stats(world);
  unsigned i;

  /* who comes back to its room is judged when its token is */
  g_assert_cmpuint(stats.sessions - MIN(stats.sessions, stats.unauthorised), <=,
                   world->limits.max_sessions);
  g_assert_cmpuint(stats.rooms, <=, world->limits.max_rooms);
  for (i = 0; i < N_CLIENTS; i++) {
    RelayClient *client = world->clients[i];
    GBytes *media;

    /* nobody hears himself */
    while ((media = g_queue_pop_head(&client->media)) != NULL) {
      const uint8_t *packet = g_bytes_get_data(media, NULL);

      if (g_bytes_get_size(media) > 1 && (packet[0] & 0x80) && client->slot >= 0)
        g_assert_cmpuint(packet[1], !=, (unsigned)client->slot);
      g_bytes_unref(media);
    }
  }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  RelayLimits limits;
  RelayWorld *world;
  WzpReader reader;
  unsigned i;

  wzp_init();
  relay_limits_default(&limits);
  limits.max_sessions = 6;
  limits.max_sessions_per_identity = 2;
  limits.max_rooms = 2;
  limits.max_members = 3;
  world = relay_world_new(&limits);
  for (i = 0; i < N_CLIENTS; i++)
    relay_world_join(world, i < 3 ? "kitchen" : "garden");
  wzp_reader_init(&reader, data, size);
  while (wzp_reader_left(&reader) > 0) {
    act(world, &reader);
    check(world);
  }
  world->deaf = false;
  relay_world_settle(world);
  relay_core_shutdown(world->core, world->now);
  relay_world_advance(world, 60 * WZP_SECOND);
  g_assert_cmpuint(relay_world_stats(world).sessions, ==, 0);
  g_assert_cmpuint(relay_world_stats(world).rooms, ==, 0);
  relay_world_free(world);
  return 0;
}
