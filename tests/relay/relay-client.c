/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-client.h"
#include "wzp/auth.h"
#include <sodium.h>
#include <string.h>

RelayClient *
relay_client_new(uint64_t seed, const WzpAddress *address)
{
  RelayClient *client = g_new0(RelayClient, 1);

  client->random = wzp_random_seeded(&client->random_state, seed);
  client->identity = wzp_identity_new_random(&client->random);
  client->address = *address;
  client->slot = -1;
  return client;
}

static void
drop_session(RelayClient *client)
{
  wzp_initiator_free(client->initiator);
  wzp_control_free(client->control);
  client->initiator = NULL;
  client->control = NULL;
  client->connected = client->closed = false;
  client->slot = -1;
  client->wraps = 0;
}

static void
clear_queue(GQueue *queue, bool bytes)
{
  g_queue_clear_full(queue, bytes ? (GDestroyNotify)g_bytes_unref : g_free);
}

void
relay_client_free(RelayClient *client)
{
  if (client == NULL)
    return;
  drop_session(client);
  clear_queue(&client->out, true);
  clear_queue(&client->signals, false);
  clear_queue(&client->members, true);
  clear_queue(&client->pairwise, true);
  clear_queue(&client->messages, true);
  clear_queue(&client->media, true);
  wzp_group_free(client->group);
  wzp_identity_free(client->identity);
  g_free(client);
}

void
relay_client_set_room(RelayClient *client, const char *name, const uint8_t relay_key[32])
{
  WzpRoomSecret secret;

  wzp_group_free(client->group);
  client->group = NULL;
  if (name == NULL)
    return;
  wzp_room_secret_open(&secret, name);
  client->group = wzp_group_new(client->identity, &secret, relay_key, &client->random);
}

void
relay_client_resend(RelayClient *client)
{
  size_t length;
  const uint8_t *message = wzp_initiator_message(client->initiator, &length);

  g_queue_push_tail(&client->out, g_bytes_new(message, length));
}

void
relay_client_connect(RelayClient *client)
{
  WzpHandshakeConfig config = {.mode = WZP_MODE_HOP,
                               .identity = client->identity,
                               .capabilities = WZP_CAP_MEDIA_1 | WZP_CAP_TRUNK};

  drop_session(client);
  wzp_random_fill(&client->random, config.cid, sizeof config.cid);
  client->initiator = wzp_initiator_new(&config, &client->random);
  relay_client_resend(client);
}

/* JOIN, AUTH, both, or nothing. */
static size_t
write_greeting(const RelayClient *client, const char *token, uint8_t *out, size_t capacity)
{
  uint8_t join[1 + WZP_JOIN_BLOB_SIZE] = {WZP_MESSAGE_JOIN};
  size_t length = 0;
  WzpWriter writer;

  wzp_writer_init(&writer, out, capacity);
  if (client->group != NULL) {
    length = sizeof join;
    memcpy(join + 1, wzp_group_join(client->group), WZP_JOIN_BLOB_SIZE);
  }
  if (token != NULL)
    wzp_auth_write(&writer, token, join, length);
  else
    wzp_writer_bytes(&writer, join, length);
  g_assert_false(writer.failed);
  return writer.length;
}

static void
read_hs2(RelayClient *client, WzpTime now, const uint8_t *data, size_t length)
{
  uint8_t greeting[WZP_HANDSHAKE_PAYLOAD_MAX];
  size_t greeting_length, payload_length;
  WzpControlConfig config;
  const uint8_t *payload;
  WzpReader reader;

  if (client->initiator == NULL ||
      wzp_initiator_read_hs2(client->initiator, data, length, &payload, &payload_length,
                             client->relay_key) != WZP_OK)
    return;
  client->hello_answers++;
  wzp_reader_init(&reader, payload, payload_length);
  wzp_reader_copy(&reader, client->session_id, sizeof client->session_id);
  g_assert_true(wzp_address_read(&client->observed, &reader));
  wzp_reader_u16(&reader); /* its second port */
  g_assert_true(wzp_reader_done(&reader));
  greeting_length = write_greeting(client, client->token, greeting, sizeof greeting);
  g_assert_cmpint(wzp_initiator_finish(client->initiator, greeting, greeting_length, &client->keys),
                  ==, WZP_OK);
  g_assert_cmpmem(client->keys.cid_r + 4, 4, client->session_id, 4);
  wzp_control_config_from_keys(&config, &client->keys, true);
  client->control = wzp_control_new(&config, now);
  relay_client_resend(client);
}

static void
read_message(RelayClient *client, const uint8_t *message, size_t length)
{
  WzpSignal *signal;

  g_assert_cmpuint(length, >, 0);
  g_queue_push_tail(&client->messages, g_bytes_new(message, length));
  switch (message[0]) {
  case WZP_MESSAGE_SIGNAL:
    signal = g_new0(WzpSignal, 1);
    g_assert_cmpint(wzp_signal_parse(signal, message + 1, length - 1), ==, WZP_OK);
    if (signal->type == WZP_SIGNAL_JOINED)
      client->slot = (int)signal->slot;
    g_queue_push_tail(&client->signals, signal);
    break;
  case WZP_MESSAGE_MEMBER:
    g_queue_push_tail(&client->members, g_bytes_new(message + 1, length - 1));
    break;
  case WZP_MESSAGE_PAIRWISE:
    g_queue_push_tail(&client->pairwise, g_bytes_new(message + 1, length - 1));
    break;
  case WZP_MESSAGE_CALL:
  case WZP_MESSAGE_CALL_STATUS:
    break; /* among all messages */
  default:
    g_assert_not_reached();
  }
}

void
relay_client_receive(RelayClient *client, WzpTime now, const uint8_t *data, size_t length)
{
  GBytes *message;

  switch (wzp_datagram_kind(data, length)) {
  case WZP_DATAGRAM_COOKIE:
    if (client->initiator != NULL &&
        wzp_initiator_read_cookie(client->initiator, data, length) == WZP_OK) {
      client->cookies++;
      relay_client_resend(client);
    }
    break;
  case WZP_DATAGRAM_HS2:
    read_hs2(client, now, data, length);
    break;
  case WZP_DATAGRAM_CONTROL:
    if (client->control == NULL ||
        wzp_control_receive(client->control, now, data, length) != WZP_OK)
      break;
    client->connected = true;
    client->challenged =
        wzp_control_take_challenge(client->control, client->challenge) || client->challenged;
    while ((message = wzp_control_next_message(client->control)) != NULL) {
      read_message(client, g_bytes_get_data(message, NULL), g_bytes_get_size(message));
      g_bytes_unref(message);
    }
    if (wzp_control_take_close(client->control, &client->close_reason))
      client->closed = true;
    break;
  default:
    g_queue_push_tail(&client->media, g_bytes_new(data, length));
    break;
  }
}

GBytes *
relay_client_answer(RelayClient *client, WzpTime now, const uint8_t challenge[WZP_CHALLENGE_SIZE])
{
  uint8_t record[WZP_DATAGRAM_MAX];
  size_t length;

  g_assert_true(wzp_control_answer(client->control, now, challenge, record, &length));
  return g_bytes_new(record, length);
}

void
relay_client_poll(RelayClient *client, WzpTime now)
{
  uint8_t record[WZP_DATAGRAM_MAX];
  size_t length;

  while (client->connected && wzp_control_poll(client->control, now, record, &length))
    g_queue_push_tail(&client->out, g_bytes_new(record, length));
}

void
relay_client_send(RelayClient *client, const void *message, size_t length)
{
  g_assert_cmpint(wzp_control_send(client->control, message, length), ==, WZP_OK);
}

void
relay_client_send_join(RelayClient *client)
{
  uint8_t join[1 + WZP_JOIN_BLOB_SIZE];

  relay_client_send(client, join, write_greeting(client, NULL, join, sizeof join));
}

void
relay_client_send_auth(RelayClient *client, const char *token)
{
  uint8_t message[WZP_AUTH_OVERHEAD + WZP_TOKEN_MAX + 1 + WZP_JOIN_BLOB_SIZE];

  relay_client_send(client, message, write_greeting(client, token, message, sizeof message));
}

void
relay_client_send_leave(RelayClient *client)
{
  WzpSignal leave = {.type = WZP_SIGNAL_LEAVE};
  GBytes *message = wzp_signal_build(&leave);

  relay_client_send(client, g_bytes_get_data(message, NULL), g_bytes_get_size(message));
  g_bytes_unref(message);
}

void
relay_client_send_pairwise(RelayClient *client, uint8_t to, uint8_t from, const char *text)
{
  uint8_t message[256];
  WzpWriter writer;

  wzp_writer_init(&writer, message, sizeof message);
  wzp_writer_u8(&writer, WZP_MESSAGE_PAIRWISE);
  wzp_writer_u8(&writer, to);
  wzp_writer_u8(&writer, from);
  wzp_writer_u32(&writer, 0);
  wzp_writer_label(&writer, text);
  wzp_writer_zero(&writer, WZP_TAG_SIZE);
  g_assert_false(writer.failed);
  relay_client_send(client, message, writer.length);
}

GBytes *
relay_client_with_trailer(const RelayClient *client, const void *data, size_t length)
{
  uint8_t datagram[WZP_DATAGRAM_MAX + WZP_TRAILER_SIZE];
  WzpHopKeys keys;

  if (length > 0)
    memcpy(datagram, data, length);
  wzp_hop_keys_init(&keys, client->keys.hop_i2r);
  wzp_trailer_append(datagram, length, client->session_id, wzp_hop_keys_at(&keys, client->wraps));
  return g_bytes_new(datagram, length + WZP_TRAILER_SIZE);
}

GBytes *
relay_client_media(const RelayClient *client, uint8_t slot, uint16_t seq)
{
  WzpHeader header = {.code = 0, .slot = slot, .seq = seq};
  uint8_t packet[WZP_HEADER_FULL_SIZE + 60 + WZP_TAG_SIZE];
  size_t head = wzp_header_write(&header, packet);

  /* to the relay it is all the same: it cannot open it */
  memset(packet + head, 0xa5, 60 + WZP_TAG_SIZE);
  return relay_client_with_trailer(client, packet, head + 60 + WZP_TAG_SIZE);
}

bool
relay_client_take_signal(RelayClient *client, WzpSignalType type, WzpSignal *signal)
{
  WzpSignal *next;

  while ((next = g_queue_pop_head(&client->signals)) != NULL) {
    bool found = next->type == type;

    if (found && signal != NULL)
      *signal = *next;
    g_free(next);
    if (found)
      return true;
  }
  return false;
}
