/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-world.h"

RelayWorld *
relay_world_new(const RelayLimits *limits)
{
  RelayWorld *world = g_new0(RelayWorld, 1);

  world->random = wzp_random_seeded(&world->random_state, 4433);
  world->identity = wzp_identity_new_random(&world->random);
  if (limits != NULL)
    world->limits = *limits;
  else
    relay_limits_default(&world->limits);
  world->now = 1000 * WZP_SECOND;
  world->core = relay_core_new(&world->limits, world->identity, &world->random, world->now);
  return world;
}

void
relay_world_free(RelayWorld *world)
{
  unsigned i;

  for (i = 0; i < world->n_clients; i++)
    relay_client_free(world->clients[i]);
  relay_core_free(world->core);
  wzp_identity_free(world->identity);
  g_free(world);
}

void
relay_world_restart(RelayWorld *world)
{
  relay_core_free(world->core);
  world->core = relay_core_new(&world->limits, world->identity, &world->random, world->now);
  if (world->tokens_required)
    relay_core_require_tokens(world->core);
  relay_core_set_access(world->core, world->access);
}

void
relay_world_require_tokens(RelayWorld *world)
{
  world->tokens_required = true;
  relay_core_require_tokens(world->core);
}

void
relay_world_set_access(RelayWorld *world, const RelayAccess *access)
{
  world->access = access;
  relay_core_set_access(world->core, access);
}

WzpAddress
relay_world_address(unsigned host, uint16_t port)
{
  WzpAddress address = {.family = 4, .port = port};

  address.bytes[0] = 10;
  address.bytes[1] = (uint8_t)(host >> 16);
  address.bytes[2] = (uint8_t)(host >> 8);
  address.bytes[3] = (uint8_t)host;
  return address;
}

RelayClient *
relay_world_add(RelayWorld *world)
{
  WzpAddress address = relay_world_address(1 + world->n_clients, 5000);
  RelayClient *client = relay_client_new(100 + world->n_clients, &address);

  g_assert_cmpuint(world->n_clients, <, RELAY_WORLD_CLIENTS_MAX);
  world->clients[world->n_clients++] = client;
  return client;
}

static void
deliver(RelayWorld *world, const RelayDatagram *datagram)
{
  unsigned i;

  world->datagrams_out++;
  world->bytes_out += datagram->length;
  world->last_length = datagram->length;
  if (world->deaf)
    return;
  for (i = 0; i < world->n_clients; i++) {
    if (wzp_address_equal(&world->clients[i]->address, &datagram->to))
      relay_client_receive(world->clients[i], world->now, datagram->data, datagram->length);
  }
}

static void
drain_relay(RelayWorld *world)
{
  RelayDatagram datagram;

  while (relay_core_poll(world->core, world->now, &datagram))
    deliver(world, &datagram);
}

WzpResult
relay_world_send(RelayWorld *world, const WzpAddress *from, const void *data, size_t length)
{
  WzpResult result = relay_core_handle_datagram(world->core, world->now, from, data, length);

  drain_relay(world);
  return result;
}

WzpResult
relay_world_send_bytes(RelayWorld *world, const RelayClient *client, GBytes *datagram)
{
  WzpResult result = relay_world_send(world, &client->address, g_bytes_get_data(datagram, NULL),
                                      g_bytes_get_size(datagram));

  g_bytes_unref(datagram);
  return result;
}

void
relay_world_settle(RelayWorld *world)
{
  bool quiet;
  unsigned i;

  do {
    quiet = true;
    for (i = 0; i < world->n_clients; i++) {
      RelayClient *client = world->clients[i];
      GBytes *datagram;

      relay_client_poll(client, world->now);
      while ((datagram = g_queue_pop_head(&client->out)) != NULL) {
        quiet = false;
        relay_world_send_bytes(world, client, datagram);
      }
    }
  } while (!quiet);
}

RelayClient *
relay_world_join(RelayWorld *world, const char *name)
{
  RelayClient *client = relay_world_add(world);

  relay_client_set_room(client, name, world->identity->ed25519_public);
  relay_client_connect(client);
  relay_world_settle(world);
  return client;
}

void
relay_world_advance(RelayWorld *world, WzpTime duration)
{
  WzpTime end = world->now + duration;
  unsigned rounds = 0, i;

  for (;;) {
    WzpTime next = relay_core_next_timeout(world->core);

    for (i = 0; i < world->n_clients; i++) {
      if (world->clients[i]->connected)
        next = MIN(next, wzp_control_next_timeout(world->clients[i]->control));
    }
    if (next > end)
      break;
    /* a timer that does not move would hang here for ever */
    g_assert_cmpuint(rounds++, <, 1000000);
    world->now = MAX(world->now, next);
    relay_core_handle_timeout(world->core, world->now);
    drain_relay(world);
    relay_world_settle(world);
  }
  world->now = end;
}

uint64_t
relay_world_question(RelayWorld *world, char **token)
{
  RelayTokenCheck check;

  if (!relay_core_next_token_check(world->core, world->now, &check))
    return 0;
  if (token != NULL)
    *token = g_strdup(check.token);
  return check.id;
}

void
relay_world_answer(RelayWorld *world, uint64_t id, RelayTokenVerdict verdict,
                   const RelayClient *owner)
{
  static const uint8_t nobody[WZP_FINGERPRINT_SIZE];

  relay_core_token_verdict(world->core, world->now, id, verdict,
                           owner != NULL ? owner->identity->fingerprint : nobody);
  drain_relay(world);
  relay_world_settle(world);
}

RelayStats
relay_world_stats(const RelayWorld *world)
{
  RelayStats stats;

  relay_core_get_stats(world->core, &stats);
  return stats;
}

/* --- checks --- */

void
relay_assert_members(const WzpSignal *signal, unsigned n, const uint8_t *slots)
{
  unsigned i, j;

  g_assert_cmpuint(signal->n_members, ==, n);
  for (i = 0; i < n; i++) {
    for (j = 0; j < n && signal->members[j] != slots[i]; j++)
      ;
    g_assert_cmpuint(j, <, n);
  }
}

/* The next MEMBER message must be that client's JOIN in that slot. */
void
relay_assert_member_message(RelayClient *client, const RelayClient *of)
{
  GBytes *member = g_queue_pop_head(&client->members);
  const uint8_t *data;

  g_assert_nonnull(member);
  data = g_bytes_get_data(member, NULL);
  g_assert_cmpuint(data[0], ==, (unsigned)of->slot);
  g_assert_cmpmem(data + 1, g_bytes_get_size(member) - 1, wzp_group_join(of->group),
                  WZP_JOIN_BLOB_SIZE);
  g_bytes_unref(member);
}

void
relay_client_clear_news(RelayClient *client)
{
  g_queue_clear_full(&client->signals, g_free);
  g_queue_clear_full(&client->members, (GDestroyNotify)g_bytes_unref);
}

void
relay_assert_no_news(const RelayClient *client)
{
  g_assert_cmpuint(client->signals.length, ==, 0);
  g_assert_cmpuint(client->members.length, ==, 0);
  g_assert_cmpuint(client->pairwise.length, ==, 0);
  g_assert_cmpuint(client->media.length, ==, 0);
}

void
relay_assert_media(RelayClient *client, GBytes *sent)
{
  GBytes *got = g_queue_pop_head(&client->media);

  g_assert_nonnull(got);
  /* the trailer is gone, nothing else changed */
  g_assert_cmpmem(g_bytes_get_data(got, NULL), g_bytes_get_size(got), g_bytes_get_data(sent, NULL),
                  g_bytes_get_size(sent) - WZP_TRAILER_SIZE);
  g_bytes_unref(got);
}

WzpResult
relay_world_send_copy(RelayWorld *world, const RelayClient *client, GBytes *datagram)
{
  return relay_world_send_bytes(world, client, g_bytes_ref(datagram));
}
