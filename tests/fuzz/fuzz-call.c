/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/call.h"
#include <glib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A client whose relay does what the input says: answers its handshakes properly, sends messages that are
 * properly sealed and say anything, shows a genuine member and passes its records on or does not, sends
 * garbage, says goodbye, is silent. With the member alone the client may go directly: its agent connects, and what comes there
 * is genuine, spoilt, or garbage. */

typedef struct {
  WzpReader input;
  WzpTime now;
  WzpAddress address;
  WzpCall *call;
  unsigned n_outputs; /* of the last input */
  bool ended;
  WzpAddress stream; /* family 0: none is open */
  bool by_stream;    /* what comes now */
  /* the relay */
  uint8_t hs1[WZP_HS1_PADDED];
  bool has_hs1;
  WzpResponder *responder;
  WzpControl *control;
  /* the member, and what the client said to it */
  WzpGroup *member;
  WzpSeededRandom member_state; /* of its randomness */
  bool direct;                  /* both would go directly, in a room with a secret */
  uint16_t k;                   /* of the client's last agent */
  uint8_t join[WZP_JOIN_BLOB_SIZE];
  bool has_join;
} World;

static WzpIdentity *client_identity, *relay_identity, *other_relay_identity, *member_identity;
static WzpRoomSecret room, keyed_room;

static void
set_up_once(void)
{
  uint8_t seed[32] = {1};
  if (client_identity != NULL)
    return;
  wzp_init();
  client_identity = wzp_identity_new(seed);
  seed[0]++;
  relay_identity = wzp_identity_new(seed);
  seed[0]++;
  other_relay_identity = wzp_identity_new(seed);
  seed[0]++;
  member_identity = wzp_identity_new(seed);
  wzp_room_secret_open(&room, "room");
  wzp_room_secret_keyed(&keyed_room, seed);
}

/* --- What the client sends, as the relay takes it --- */

static void
take_message(World *world, const uint8_t *message, size_t length)
{
  if (length == 1 + WZP_JOIN_BLOB_SIZE && message[0] == WZP_MESSAGE_JOIN) {
    memcpy(world->join, message + 1, WZP_JOIN_BLOB_SIZE);
    world->has_join = true;
  } else if (length > 0 && message[0] == WZP_MESSAGE_PAIRWISE && world->member != NULL) {
    (void)wzp_group_receive(world->member, world->now, message + 1, length - 1);
  }
}

static void
take_hs3(World *world, const uint8_t *data, size_t length)
{
  WzpHandshakeKeys keys;
  const uint8_t *payload;
  size_t payload_length;
  WzpControlConfig config;
  if (world->responder == NULL || wzp_responder_read_hs3(world->responder, data, length, &keys,
                                                         &payload, &payload_length) != WZP_OK)
    return;
  take_message(world, payload, payload_length);
  wzp_control_config_from_keys(&config, &keys, false);
  wzp_control_free(world->control);
  world->control = wzp_control_new(&config, world->now);
}

static void
take_datagram(World *world, const uint8_t *data, size_t length)
{
  GBytes *message;
  switch (wzp_datagram_kind(data, length)) {
  case WZP_DATAGRAM_HS1:
    g_assert_cmpuint(length, ==, sizeof world->hs1);
    memcpy(world->hs1, data, length);
    world->has_hs1 = true;
    break;
  case WZP_DATAGRAM_HS3:
    take_hs3(world, data, length);
    break;
  case WZP_DATAGRAM_CONTROL:
    if (world->control == NULL ||
        wzp_control_receive(world->control, world->now, data, length) != WZP_OK)
      break;
    while ((message = wzp_control_next_message(world->control)) != NULL) {
      gsize message_length;
      const uint8_t *bytes = g_bytes_get_data(message, &message_length);
      take_message(world, bytes, message_length);
      g_bytes_unref(message);
    }
    break;
  default:
    g_assert_not_reached(); /* media is framed by the owner, all else is nothing that a client says */
  }
}

/* What goes past the relay, as the member takes it. */
static void
take_direct(World *world, const WzpOutput *output)
{
  uint32_t serial;
  WzpPath *path = world->member != NULL ? wzp_group_path(world->member, &serial) : NULL;
  if (output->path.type == WZP_PATH_AGENT_START)
    world->k = output->path.k;
  else if (output->path.type == WZP_PATH_SEND_PROBE && path != NULL)
    (void)wzp_path_probe(path, world->now, output->path.k, output->path.data, output->path.length);
  else if (output->path.type == WZP_PATH_SEND_RECORD && world->member != NULL)
    (void)wzp_group_receive(world->member, world->now, output->data + 1, output->length - 1);
}

static void
drain(World *world)
{
  WzpOutput output;
  world->n_outputs = 0;
  while (wzp_call_poll(world->call, world->now, &output)) {
    g_assert_cmpuint(world->n_outputs++, <, 2000);
    if (output.kind == WZP_OUTPUT_DATAGRAM) {
      g_assert_true(output.to.stream != 0 || wzp_address_equal(&output.to, &world->address));
      take_datagram(world, output.data, output.length);
    } else if (output.kind == WZP_OUTPUT_PATH) {
      g_assert_true(world->direct);
      take_direct(world, &output);
    } else if (output.event.type == WZP_EVENT_STATE) {
      g_assert_false(world->ended); /* there is nothing behind the end */
      world->ended = output.event.state == WZP_CALL_ENDED;
    }
  }
}

/* --- What comes to the client --- */

static void
deliver(World *world, const uint8_t *data, size_t length)
{
  uint8_t plain[WZP_DATAGRAM_MAX];
  size_t plain_length;
  WzpOpened opened;
  WzpCallStats before, after;
  bool media;
  wzp_call_get_stats(world->call, &before);
  WzpResult result = wzp_call_handle_datagram(world->call, world->now,
                                              world->by_stream ? &world->stream : &world->address,
                                              data, length, &media);
  wzp_call_get_stats(world->call, &after);
  g_assert_true(result < WZP_N_RESULTS);
  if (result != WZP_OK)
    g_assert_cmpuint(after.drops[result], >, before.drops[result]);
  if (media) {
    g_assert_cmpint(result, ==, WZP_OK);
    (void)wzp_call_open(world->call, world->now, data, length, plain, &plain_length, &opened);
  }
  drain(world);
}

static void
deliver_direct(World *world, const uint8_t *data, size_t length)
{
  uint8_t plain[WZP_DATAGRAM_MAX];
  size_t plain_length;
  WzpOpened opened;
  WzpCallStats before, after;
  uint32_t serial = 0;
  bool media;
  (void)wzp_call_path(world->call, &serial);
  wzp_call_get_stats(world->call, &before);
  WzpResult result =
      wzp_call_handle_direct(world->call, world->now, serial, world->k, data, length, &media);
  if (media &&
      wzp_call_packet_arrived(world->call, world->now, WZP_WAY_DIRECT, world->k, data, length))
    result = wzp_call_open(world->call, world->now, data, length, plain, &plain_length, &opened);
  wzp_call_get_stats(world->call, &after);
  g_assert_true(result < WZP_N_RESULTS);
  if (result != WZP_OK)
    g_assert_cmpuint(after.drops[result], >, before.drops[result]);
  drain(world);
}

/* What the member's path wants: its words go by its records, its probes directly. */
static void
pump_member(World *world, uint8_t change)
{
  uint32_t serial;
  WzpPathOutput output;
  if (world->member == NULL)
    return;
  wzp_group_follow_paths(world->member, world->now);
  WzpPath *path = wzp_group_path(world->member, &serial);
  if (path == NULL)
    return;
  wzp_path_handle_timeout(path, world->now);
  for (unsigned i = 0; i < 50 && wzp_path_poll(path, world->now, &output); i++) {
    if (output.type == WZP_PATH_SEND_MESSAGE) {
      (void)wzp_group_send_path(world->member, output.data, output.length);
    } else if (output.type == WZP_PATH_SEND_PROBE) {
      if (change & 1)
        output.data[change % output.length] ^= change;
      deliver_direct(world, output.data, output.length);
    }
  }
}

static void
flush_relay(World *world)
{
  uint8_t record[WZP_DATAGRAM_MAX];
  size_t length;
  for (unsigned i = 0; world->control != NULL && i < 50; i++) {
    if (!wzp_control_poll(world->control, world->now, record, &length))
      return;
    deliver(world, record, length);
  }
}

static void
send_message(World *world, uint8_t kind, const void *body, size_t length)
{
  uint8_t message[1024];
  if (world->control == NULL || length >= sizeof message)
    return;
  message[0] = kind;
  memcpy(message + 1, body, length);
  (void)wzp_control_send(world->control, message, length + 1);
}

static const uint8_t *
take(World *world, size_t *length)
{
  size_t wanted = wzp_reader_u8(&world->input);
  *length = MIN(wanted, wzp_reader_left(&world->input));
  const uint8_t *bytes = wzp_reader_bytes(&world->input, *length);
  return bytes != NULL ? bytes : (const uint8_t *)"";
}

/* --- What the input may do --- */

static void
do_garbage(World *world)
{
  size_t length;
  const uint8_t *data = take(world, &length);
  deliver(world, data, length);
}

static void
do_wait(World *world)
{
  WzpTime end = world->now + wzp_reader_u8(&world->input) * 20 * WZP_MSEC;
  for (unsigned i = 0; i < 200; i++) {
    WzpTime next = wzp_call_next_timeout(world->call);
    if (next > end)
      break;
    world->now = MAX(world->now, next);
    wzp_call_handle_timeout(world->call, world->now);
    drain(world);
    /* a timeout that was handled is not due again at once, for ever */
    g_assert_true(i < 150 || wzp_call_next_timeout(world->call) > world->now - WZP_SECOND);
  }
  world->now = MAX(world->now, end);
}

/* flags: 1 payload from the input, 2 as another relay, 4 one byte of HS2 changed */
static void
do_answer(World *world)
{
  uint8_t flags = wzp_reader_u8(&world->input), payload[64], hs2[WZP_DATAGRAM_MAX];
  static uint8_t n_answers;
  WzpHandshakeConfig config = {
      .mode = WZP_MODE_HOP,
      .identity = flags & 2 ? other_relay_identity : relay_identity,
  };
  WzpSeededRandom state;
  WzpRandom random = wzp_random_seeded(&state, (uint64_t)world->now);
  WzpResult result;
  WzpWriter writer;
  size_t length;
  if (!world->has_hs1)
    return;
  memset(config.cid, 0xc1, sizeof config.cid);
  config.cid[0] = n_answers++;
  wzp_writer_init(&writer, payload, 30);
  wzp_writer_bytes(&writer, config.cid + 4, 4);
  wzp_address_write(&world->address, &writer);
  if (flags & 1) {
    const uint8_t *data = take(world, &length);
    writer.length = MIN(length, 30);
    memcpy(payload, data, writer.length);
  }
  WzpResponder *responder = wzp_responder_new(&config, &random, world->hs1, sizeof world->hs1,
                                              payload, writer.length, &result);
  g_assert_nonnull(responder);
  wzp_responder_free(world->responder);
  world->responder = responder;
  const uint8_t *message = wzp_responder_message(responder, &length);
  memcpy(hs2, message, length);
  if (flags & 4)
    hs2[wzp_reader_u8(&world->input) % length] ^= 1;
  deliver(world, hs2, length);
}

static void
do_message(World *world)
{
  size_t length;
  uint8_t kind = wzp_reader_u8(&world->input);
  const uint8_t *body = take(world, &length);
  send_message(world, kind, body, length);
  flush_relay(world);
}

static void
do_joined(World *world)
{
  WzpSignal signal = {.type = WZP_SIGNAL_JOINED, .slot = wzp_reader_u8(&world->input) % 4};
  uint8_t flags = wzp_reader_u8(&world->input);
  memcpy(signal.home, relay_identity->ed25519_public, sizeof signal.home);
  if (flags & 1)
    signal.home[0] ^= 1;
  if (flags & 2)
    signal.type = WZP_SIGNAL_ROSTER;
  signal.n_members = 1;
  signal.members[0] = (uint8_t)signal.slot;
  g_autoptr(GBytes) message = wzp_signal_build(&signal);
  if (world->control != NULL)
    (void)wzp_control_send(world->control, g_bytes_get_data(message, NULL),
                           g_bytes_get_size(message));
  flush_relay(world);
}

static void
do_member(World *world)
{
  uint8_t slots = wzp_reader_u8(&world->input), body[1 + WZP_JOIN_BLOB_SIZE];
  if (world->member == NULL) {
    WzpRandom random = wzp_random_seeded(&world->member_state, 77);
    world->member = wzp_group_new(member_identity, world->direct ? &keyed_room : &room,
                                  relay_identity->ed25519_public, &random);
    wzp_group_set_direct(world->member, world->direct);
  }
  wzp_group_set_slot(world->member, slots & 3);
  if (world->has_join)
    (void)wzp_group_add_member(world->member, world->now, slots >> 2 & 3, world->join,
                               sizeof world->join);
  body[0] = slots & 3;
  memcpy(body + 1, wzp_group_join(world->member), WZP_JOIN_BLOB_SIZE);
  send_message(world, WZP_MESSAGE_MEMBER, body, sizeof body);
  flush_relay(world);
}

static void
do_pairwise(World *world)
{
  GBytes *record;
  uint8_t change = wzp_reader_u8(&world->input);
  pump_member(world, 0);
  while (world->member != NULL && (record = wzp_group_poll(world->member, world->now)) != NULL) {
    gsize length;
    g_autofree uint8_t *body = g_bytes_unref_to_data(record, &length);
    if (change & 1)
      body[change % length] ^= change;
    send_message(world, WZP_MESSAGE_PAIRWISE, body, length);
  }
  flush_relay(world);
}

static void
do_media(World *world)
{
  static const uint8_t plain[20];
  uint8_t packet[WZP_DATAGRAM_MAX], change = wzp_reader_u8(&world->input);
  size_t length;
  WzpAddress to;
  if (wzp_call_seal(world->call, world->now, change & 15, 0, 0, false, plain, sizeof plain, packet,
                    sizeof packet - WZP_TRAILER_SIZE, &length, NULL) == WZP_OK)
    (void)wzp_call_frame_media(world->call, world->now, packet, length, packet, &length, &to);
  if (world->member != NULL && wzp_group_seal(world->member, 0, 0, 0, false, plain, sizeof plain,
                                              packet, sizeof packet, &length, NULL) == WZP_OK) {
    if (change & 16)
      packet[change % length] ^= 1;
    deliver(world, packet, length);
  }
  drain(world);
}

static void
do_close(World *world)
{
  uint8_t reason = wzp_reader_u8(&world->input);
  if (world->control != NULL)
    wzp_control_close(world->control, (WzpCloseReason)(reason % 6));
  flush_relay(world);
}

static void
do_own(World *world)
{
  uint8_t what = wzp_reader_u8(&world->input);
  WzpDial *dial = wzp_call_dial(world->call);
  if (what < 4)
    wzp_call_leave(world->call, world->now);
  else if (dial != NULL && what >= 128 && what & 1)
    (void)wzp_dial_hang_up(dial, world->now, NULL);
  else if (dial != NULL && what >= 128)
    (void)wzp_dial_call(dial, world->now, member_identity->fingerprint, NULL);
  else
    wzp_call_set_remotes(world->call, &world->address, what & 1);
  drain(world);
}

/* Streams come and go, whether the call wants them or not; and a challenge. */
static void
do_stream(World *world)
{
  static uint32_t n_streams;
  uint8_t what = wzp_reader_u8(&world->input), record[WZP_DATAGRAM_MAX];
  size_t length;
  world->by_stream = what & 4 && world->stream.family != 0;
  if (what % 4 == 0 && world->control != NULL &&
      wzp_control_challenge(world->control, world->now, (const uint8_t *)"12345678", record,
                            &length))
    deliver(world, record, length);
  if (what % 4 == 1 && world->stream.family == 0) {
    world->stream = world->address;
    world->stream.stream = ++n_streams;
    wzp_call_stream_up(world->call, world->now, &world->stream);
  }
  if (what % 4 == 2) {
    world->by_stream = false;
    wzp_call_stream_down(world->call, world->now);
  }
  drain(world);
  if (what % 4 == 2)
    world->stream = (WzpAddress){0};
  (void)wzp_call_wants_stream(world->call, world->now);
}

/* Of both agents: they connect or fail; addresses are found, or others; probes pass; media, as they are or spoilt; and anything. */
static void
do_direct(World *world)
{
  static const uint8_t plain[20];
  uint8_t what = wzp_reader_u8(&world->input), packet[WZP_DATAGRAM_MAX];
  uint32_t serial;
  size_t length;
  uint16_t k;
  WzpPath *paths[] = {wzp_call_path(world->call, &serial),
                      world->member != NULL ? wzp_group_path(world->member, &serial) : NULL};
  WzpCandidate candidate = {.kind = what & 8 ? WZP_CANDIDATE_REFLEXIVE : WZP_CANDIDATE_HOST,
                            .priority = 1,
                            .address = {.family = 4, .port = what, .bytes = {10, 0, what, 1}}};
  for (unsigned i = 0; i < G_N_ELEMENTS(paths); i++) {
    if (paths[i] == NULL)
      continue;
    if (what % 8 == 0)
      wzp_path_connected(paths[i], world->now, world->k, (what & 8) != 0);
    else if (what % 8 == 1)
      wzp_path_local_candidate(paths[i], world->now, world->k, &candidate);
    else if (what == 2 || what == 10 + 8 * i)
      wzp_path_network_changed(paths[i], world->now);
    else if (what == 26)
      wzp_path_failed(paths[i], world->now, world->k);
  }
  if (what % 8 == 3)
    pump_member(world, what & 8 ? what : 0);
  if (what % 8 == 4 && world->member != NULL &&
      wzp_group_seal(world->member, 0, 0, 0, false, plain, sizeof plain, packet, sizeof packet,
                     &length, NULL) == WZP_OK) {
    if (what & 8)
      packet[what % length] ^= 1;
    deliver_direct(world, packet, length);
    if (what & 16) /* and by the relay */
      deliver(world, packet, length);
  }
  if (what % 8 == 5) {
    const uint8_t *data = take(world, &length);
    deliver_direct(world, data, length);
  }
  if (what % 8 == 6)
    wzp_call_set_accept_mode(world->call, world->now,
                             what & 8 ? WZP_ACCEPT_PRIVATE : WZP_ACCEPT_TRUSTED);
  if (what % 8 == 7)
    (void)wzp_call_route(world->call, world->now, &k);
  wzp_call_handle_timeout(world->call, world->now);
  drain(world);
}

typedef void Action(World *world);
static Action *const actions[] = {
    do_garbage,  do_wait,  do_answer, do_message, do_joined, do_member,
    do_pairwise, do_media, do_close,  do_own,     do_stream, do_direct,
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  World world = {.now = WZP_SECOND,
                 .address = {.family = 4, .port = 4433, .bytes = {192, 0, 2, 1}}};
  WzpSeededRandom state;
  WzpCallConfig config = {.mode = WZP_CALL_RELAY, .n_remotes = 1};

  set_up_once();
  config.identity = client_identity;
  config.random = wzp_random_seeded(&state, 5);
  config.remotes[0] = world.address;
  wzp_reader_init(&world.input, data, size);
  uint8_t kind = wzp_reader_u8(&world.input);
  world.direct = kind & 16;
  config.room = world.direct ? keyed_room : room;
  if (world.direct)
    config.accept_mode = WZP_ACCEPT_TRUSTED;
  if (kind & 1) {
    config.has_relay_key = true;
    memcpy(config.relay_key, relay_identity->ed25519_public, 32);
  }
  config.calls = kind & 2; /* what is inside of these: fuzz-dial */
  config.tls = kind & 8;
  config.has_callee = kind & 4;
  memcpy(config.callee, member_identity->fingerprint, sizeof config.callee);
  world.call = wzp_call_new(&config);
  wzp_call_start(world.call, world.now);
  drain(&world);
  for (unsigned i = 0; i < 100 && wzp_reader_left(&world.input) > 0; i++)
    actions[wzp_reader_u8(&world.input) % G_N_ELEMENTS(actions)](&world);

  wzp_call_free(world.call);
  wzp_responder_free(world.responder);
  wzp_control_free(world.control);
  wzp_group_free(world.member);
  return 0;
}
