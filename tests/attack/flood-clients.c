/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "flood.h"
#include "tests/relay/relay-client.h"
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Below what the relay allows an address: 64 sessions and 20 handshakes a second. */
#define CLIENTS_PER_SOCKET 60
#define HELLO_EVERY (60 * WZP_MSEC)
#define TURN (10 * WZP_MSEC)
#define RESEND_AFTER WZP_SECOND
#define PATIENCE 5 /* messages without an answer, then a new handshake */
#define PING_EVERY (10 * WZP_SECOND)
#define HALF_OPEN_LIFE (10 * WZP_SECOND)
#define ABUSE_TURNS 10 /* each abuser has his turn ten times a second */
#define ABUSE_BYTES 1200
#define ABUSE_MESSAGES 16
#define ABUSE_MESSAGE_BYTES 500 /* a pairwise message has at most 512 */

typedef struct {
  RelayClient *client;
  unsigned number, tries;
  uint64_t cid; /* where answers go */
  WzpTime due;  /* to say it again, to ping, or to begin anew */
  uint16_t seq;
  bool stops;    /* half-way through the handshake */
  bool answered; /* by HS2 */
  bool member;
} Client;

typedef struct {
  Flood *flood;
  Client *clients;
  unsigned n_clients, n_sockets, turn;
  int *sockets;
  WzpTime *next_hello; /* of each socket */
  GHashTable *by_cid;
  struct sockaddr_storage relay;
  socklen_t relay_length;
} Crowd;

static void
send_bytes(Crowd *crowd, const Client *client, GBytes *datagram)
{
  const int fd = crowd->sockets[client->number % crowd->n_sockets];
  const size_t length = g_bytes_get_size(datagram);
  if (sendto(fd, g_bytes_get_data(datagram, NULL), length, 0, (struct sockaddr *)&crowd->relay,
             crowd->relay_length) > 0) {
    crowd->flood->sent++;
    crowd->flood->bytes_in += length;
  }
  g_bytes_unref(datagram);
}

/* What there is to send, and nobody reads what came. */
static void
flush(Crowd *crowd, Client *client, WzpTime now)
{
  RelayClient *relay_client = client->client;
  GBytes *datagram;
  relay_client_poll(relay_client, now);
  while ((datagram = g_queue_pop_head(&relay_client->out)) != NULL)
    send_bytes(crowd, client, datagram);
  g_queue_clear_full(&relay_client->signals, g_free);
  g_queue_clear_full(&relay_client->members, (GDestroyNotify)g_bytes_unref);
  g_queue_clear_full(&relay_client->pairwise, (GDestroyNotify)g_bytes_unref);
  g_queue_clear_full(&relay_client->messages, (GDestroyNotify)g_bytes_unref);
}

static bool
may_say_hello(Crowd *crowd, const Client *client, WzpTime now)
{
  WzpTime *next = &crowd->next_hello[client->number % crowd->n_sockets];
  if (now < *next)
    return false;
  *next = now + HELLO_EVERY;
  return true;
}

static void
begin(Crowd *crowd, Client *client, WzpTime now)
{
  size_t length;
  if (client->cid != 0)
    g_hash_table_remove(crowd->by_cid, &client->cid);
  relay_client_connect(client->client);
  memcpy(&client->cid, wzp_initiator_message(client->client->initiator, &length) + 4,
         sizeof client->cid);
  g_hash_table_insert(crowd->by_cid, &client->cid, client);
  client->tries = client->seq = 0;
  client->answered = client->member = false;
  client->due = now + RESEND_AFTER;
}

static void
receive(Crowd *crowd, int fd, WzpTime now)
{
  uint8_t data[WZP_DATAGRAM_MAX];
  uint64_t cid;
  ssize_t n;
  while ((n = recv(fd, data, sizeof data, MSG_DONTWAIT)) > 0) {
    const WzpDatagramKind kind = wzp_datagram_kind(data, (size_t)n);
    crowd->flood->bytes_out += (uint64_t)n;
    crowd->flood->handshakes += kind == WZP_DATAGRAM_HS2;
    if ((kind != WZP_DATAGRAM_COOKIE && kind != WZP_DATAGRAM_HS2 && kind != WZP_DATAGRAM_CONTROL) ||
        (size_t)n < 1 + sizeof cid)
      continue;
    memcpy(&cid, data + 1, sizeof cid);
    Client *client = g_hash_table_lookup(crowd->by_cid, &cid);
    if (client == NULL)
      continue;
    if (kind == WZP_DATAGRAM_HS2 && client->stops) {
      client->answered = true;
      client->due = now + HALF_OPEN_LIFE;
      continue;
    }
    relay_client_receive(client->client, now, data, (size_t)n);
    flush(crowd, client, now);
  }
}

/* Media far above its share; and half of them fill the control channel, the others come and go. */
static void
abuse(Crowd *crowd, Client *client)
{
  RelayClient *member = client->client;
  uint8_t packet[ABUSE_BYTES - WZP_TRAILER_SIZE] = {0}, message[ABUSE_MESSAGE_BYTES] = {0};
  const uint8_t slot = (uint8_t)MAX(member->slot, 0);
  if (client->number % 2 == 0 && client->member) {
    message[0] = WZP_MESSAGE_PAIRWISE;
    message[1] = slot ^ 1;
    message[2] = slot;
    for (unsigned i = 0; i < ABUSE_MESSAGES; i++)
      (void)wzp_control_send(member->control, message, sizeof message);
  } else if (wzp_control_queued_bytes(member->control) < WZP_CONTROL_QUEUE_MAX / 2) {
    g_autofree char *room = g_strdup_printf("abuse %u", client->number / 2);
    if (client->member) {
      relay_client_send_leave(member);
    } else {
      relay_client_set_room(member, room, member->relay_key);
      relay_client_send_join(member);
    }
    client->member = !client->member;
  }
  for (unsigned i = 0; i < crowd->flood->rate / (FLOOD_ABUSERS * ABUSE_TURNS); i++) {
    const WzpHeader header = {.code = 0, .slot = slot, .seq = client->seq};
    wzp_header_write(&header, packet);
    send_bytes(crowd, client, relay_client_with_trailer(member, packet, sizeof packet));
    member->wraps += ++client->seq == 0;
  }
}

static void
step(Crowd *crowd, Client *client, WzpTime now)
{
  RelayClient *relay_client = client->client;
  const FloodKind kind = crowd->flood->kind;
  if (relay_client->initiator == NULL || relay_client->closed ||
      (client->tries > PATIENCE && now >= client->due) ||
      (client->answered && now >= client->due)) {
    if (!may_say_hello(crowd, client, now))
      return;
    begin(crowd, client, now);
  } else if (!relay_client->connected) {
    if (now < client->due || !may_say_hello(crowd, client, now))
      return;
    relay_client_resend(relay_client);
    client->tries++;
    client->due = now + RESEND_AFTER;
  } else if (kind == FLOOD_ABUSE && client->number % ABUSE_TURNS == crowd->turn % ABUSE_TURNS) {
    abuse(crowd, client);
  } else if (kind != FLOOD_ABUSE && now >= client->due) {
    wzp_control_ping(relay_client->control);
    client->tries = 0;
    client->due = now + PING_EVERY;
  } else if (wzp_control_next_timeout(relay_client->control) > now) {
    return;
  }
  flush(crowd, client, now);
}

static void
count(Crowd *crowd)
{
  Flood *flood = crowd->flood;
  flood->open = flood->half_open = 0;
  for (unsigned i = 0; i < crowd->n_clients; i++) {
    const Client *client = &crowd->clients[i];
    flood->open += client->client->connected && !client->client->closed;
    flood->half_open += client->answered;
  }
}

static void
crowd_init(Crowd *crowd, Flood *flood)
{
  const unsigned n_stop = flood->kind == FLOOD_IDLE ? FLOOD_HALF_OPEN : 0;
  const unsigned per_socket = flood->kind == FLOOD_TOKENS ? 2 : CLIENTS_PER_SOCKET;
  *crowd = (Crowd){.flood = flood};
  crowd->n_clients = flood->kind == FLOOD_IDLE    ? FLOOD_IDLE_SESSIONS + FLOOD_HALF_OPEN
                     : flood->kind == FLOOD_ABUSE ? FLOOD_ABUSERS
                                                  : FLOOD_TOKEN_CLIENTS;
  crowd->n_sockets = (crowd->n_clients + per_socket - 1) / per_socket;
  crowd->clients = g_new0(Client, crowd->n_clients);
  crowd->sockets = g_new(int, crowd->n_sockets);
  crowd->next_hello = g_new0(WzpTime, crowd->n_sockets);
  crowd->by_cid = g_hash_table_new(g_int64_hash, g_int64_equal);
  crowd->relay_length = wzp_address_to_sockaddr(&flood->relay, &crowd->relay, false);
  for (unsigned i = 0; i < crowd->n_sockets; i++)
    crowd->sockets[i] = flood_socket(flood->kind, i);
  for (unsigned i = 0; i < crowd->n_clients; i++) {
    Client *client = &crowd->clients[i];
    client->client = relay_client_new(i + 1, &flood->relay);
    client->client->token = flood->kind == FLOOD_TOKENS ? "nobody-knows-it" : NULL;
    client->number = i;
    client->stops = i >= crowd->n_clients - n_stop;
  }
}

static void
crowd_clear(Crowd *crowd)
{
  for (unsigned i = 0; i < crowd->n_clients; i++)
    relay_client_free(crowd->clients[i].client);
  for (unsigned i = 0; i < crowd->n_sockets; i++)
    close(crowd->sockets[i]);
  g_hash_table_unref(crowd->by_cid);
  g_free(crowd->clients);
  g_free(crowd->sockets);
  g_free(crowd->next_hello);
}

gpointer
flood_clients(gpointer data)
{
  Flood *flood = data;
  Crowd crowd;
  crowd_init(&crowd, flood);
  for (; !g_atomic_int_get(&flood->stop); crowd.turn++) {
    const WzpTime began = g_get_monotonic_time();
    for (unsigned i = 0; i < crowd.n_sockets; i++)
      receive(&crowd, crowd.sockets[i], g_get_monotonic_time());
    for (unsigned i = 0; i < crowd.n_clients; i++)
      step(&crowd, &crowd.clients[i], g_get_monotonic_time());
    count(&crowd);
    if (flood->open + flood->half_open >= crowd.n_clients * 99 / 100)
      g_atomic_int_set(&flood->ready, 1);
    g_usleep((gulong)MAX(began + TURN - g_get_monotonic_time(), 0));
  }
  count(&crowd);
  crowd_clear(&crowd);
  return NULL;
}
