/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-peer.h"
#include "wzp/profile.h"
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define PEERS_MAX 64

RelayPeer *
relay_peer_new(const char *source, const WzpAddress *relay, const char *room)
{
  WzpRandom random = wzp_random_system();

  return relay_peer_new_with_token(source, relay, room, wzp_identity_new_random(&random), NULL,
                                   NULL, false);
}

/* config: all but random, identity and address. reads: with a receive buffer of the usual size. */
static RelayPeer *
open_peer(const char *source, const WzpAddress *relay, WzpIdentity *identity, WzpCallConfig *config,
          bool reads)
{
  RelayPeer *peer = g_new0(RelayPeer, 1);
  struct sockaddr_storage native;
  char *with_port = g_strdup_printf(strchr(source, ':') != NULL ? "[%s]:0" : "%s:0", source);
  WzpAddress local;
  socklen_t length;

  g_assert_true(wzp_address_parse(&local, with_port));
  g_free(with_port);
  length = wzp_address_to_sockaddr(&local, &native, local.family == 6);
  peer->relay = *relay;
  peer->socket = socket(local.family == 6 ? AF_INET6 : AF_INET,
                        (relay->stream != 0 ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
  g_assert_cmpint(peer->socket, >=, 0);
  g_assert_cmpint(bind(peer->socket, (struct sockaddr *)&native, length), ==, 0);
  if (relay->stream != 0) {
    const WzpTlsExpect any = {.has_key = false};
    int small = 4096;

    if (!reads)
      setsockopt(peer->socket, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);

    length = wzp_address_to_sockaddr(relay, &native, local.family == 6);
    g_assert_cmpint(connect(peer->socket, (struct sockaddr *)&native, length), ==, 0);
    peer->tls = wzp_tls_connect(&any);
  }
  g_assert_cmpint(fcntl(peer->socket, F_SETFL, O_NONBLOCK), ==, 0);

  config->mode = WZP_CALL_RELAY;
  config->random = wzp_random_system();
  peer->identity = identity;
  config->identity = peer->identity;
  config->remotes[0] = *relay;
  config->n_remotes = 1;
  peer->call = wzp_call_new(config);
  wzp_call_start(peer->call, g_get_monotonic_time());
  return peer;
}

RelayPeer *
relay_peer_new_with_token(const char *source, const WzpAddress *relay, const char *room,
                          WzpIdentity *identity, const char *token, const char *key,
                          bool token_anyway)
{
  WzpCallConfig config = {
      .token = token, .token_at_first_use = token_anyway, .has_relay_fingerprint = key != NULL};

  g_assert_true(key == NULL || wzp_fingerprint_parse(config.relay_fingerprint, key));
  wzp_room_secret_open(&config.room, room);
  return open_peer(source, relay, identity, &config, true);
}

RelayPeer *
relay_peer_new_slow(const char *source, const WzpAddress *relay, const char *room)
{
  WzpRandom random = wzp_random_system();
  WzpCallConfig config = {.mode = WZP_CALL_RELAY};

  wzp_room_secret_open(&config.room, room);
  return open_peer(source, relay, wzp_identity_new_random(&random), &config, false);
}

RelayPeer *
relay_peer_new_for_calls(const char *source, const WzpAddress *relay, const RelayPeer *callee)
{
  WzpCallConfig config = {
      .calls = true, .accept_mode = WZP_ACCEPT_PRIVATE, .has_callee = callee != NULL};
  WzpRandom random = wzp_random_system();

  if (callee != NULL)
    memcpy(config.callee, callee->identity->fingerprint, sizeof config.callee);
  return open_peer(source, relay, wzp_identity_new_random(&random), &config, true);
}

void
relay_peer_free(RelayPeer *peer)
{
  close(peer->socket);
  wzp_tls_free(peer->tls);
  wzp_call_free(peer->call);
  wzp_identity_free(peer->identity);
  g_free(peer);
}

static void
write_out(RelayPeer *peer)
{
  const uint8_t *bytes;
  size_t length;

  while ((bytes = wzp_tls_output(peer->tls, g_get_monotonic_time(), &length)) != NULL) {
    ssize_t sent = send(peer->socket, bytes, length, MSG_NOSIGNAL);

    if (sent <= 0)
      break;
    wzp_tls_sent(peer->tls, (size_t)sent);
  }
}

static void
send_to(RelayPeer *peer, const WzpAddress *to, const uint8_t *data, size_t length)
{
  struct sockaddr_storage native;
  socklen_t native_length = wzp_address_to_sockaddr(to, &native, false);

  if (peer->tls != NULL) {
    wzp_tls_send(peer->tls, g_get_monotonic_time(), data, length);
    write_out(peer);
    return;
  }
  /* a relay that is down makes this fail, which is no news to a client */
  (void)!sendto(peer->socket, data, length, 0, (struct sockaddr *)&native, native_length);
}

static void
take_event(RelayPeer *peer, const WzpEvent *event)
{
  switch (event->type) {
  case WZP_EVENT_CLOSED:
    peer->closed = true;
    peer->close_reason = event->reason;
    break;
  case WZP_EVENT_ERROR:
    peer->failed = true;
    peer->error = event->code;
    g_strlcpy(peer->error_text, event->text, sizeof peer->error_text);
    break;
  case WZP_EVENT_CALL:
    if (event->dial.type == WZP_DIAL_EVENT_INCOMING)
      (void)wzp_dial_accept(wzp_call_dial(peer->call), g_get_monotonic_time(), event->dial.id,
                            WZP_ACCEPT_PRIVATE);
    break;
  default:
    break;
  }
}

static void
pump(RelayPeer *peer, WzpTime now)
{
  WzpOutput output;

  while (wzp_call_poll(peer->call, now, &output)) {
    if (output.kind == WZP_OUTPUT_DATAGRAM)
      send_to(peer, &output.to, output.data, output.length);
    else
      take_event(peer, &output.event);
  }
}

static void
count_reports(RelayPeer *peer, const WzpOpened *opened, const uint8_t *plain, size_t length)
{
  WzpBundleReader bundle;
  WzpElement element;
  unsigned reports = 0;

  if (opened->header.code != WZP_CODE_NO_AUDIO)
    return;
  wzp_bundle_reader_init(&bundle, plain, length);
  while (wzp_bundle_reader_next(&bundle, &element))
    reports += element.type == WZP_ELEMENT_REPORT;
  peer->reports += reports;
  peer->report_packets += reports > 0;
}

static void
take(RelayPeer *peer, const WzpAddress *from, const uint8_t *data, size_t length)
{
  WzpTime now = g_get_monotonic_time();
  uint8_t plain[WZP_DATAGRAM_MAX];
  size_t plain_length;
  WzpOpened opened;
  bool media = false;

  wzp_call_handle_datagram(peer->call, now, from, data, length, &media);
  if (media &&
      wzp_call_open(peer->call, now, data, length, plain, &plain_length, &opened) == WZP_OK) {
    peer->opened++;
    if (peer->heard != NULL)
      peer->heard(peer->user, &opened);
    count_reports(peer, &opened, plain, plain_length);
  }
  pump(peer, now);
}

static void
receive_stream(RelayPeer *peer)
{
  uint8_t data[WZP_DATAGRAM_MAX];
  const uint8_t *datagram;
  WzpResult result;
  size_t length;
  ssize_t n;

  while ((n = recv(peer->socket, data, sizeof data, 0)) > 0) {
    wzp_tls_receive(peer->tls, data, (size_t)n);
    while (wzp_tls_next(peer->tls, &datagram, &length, &result))
      take(peer, &peer->relay, datagram, length);
  }
  peer->cut = peer->cut || n == 0;
  write_out(peer);
}

static void
receive(RelayPeer *peer)
{
  for (;;) {
    uint8_t data[WZP_DATAGRAM_MAX];
    struct sockaddr_storage native;
    socklen_t native_length = sizeof native;
    WzpAddress from;
    ssize_t n;

    if (peer->tls != NULL) {
      receive_stream(peer);
      return;
    }
    n = recvfrom(peer->socket, data, sizeof data, 0, (struct sockaddr *)&native, &native_length);
    if (n < 0)
      return;
    g_assert_true(wzp_address_from_sockaddr(&from, (struct sockaddr *)&native, native_length));
    take(peer, &from, data, (size_t)n);
  }
}

void
relay_peers_step(RelayPeer **peers, unsigned n)
{
  unsigned i;

  for (i = 0; i < n; i++) {
    WzpTime now = g_get_monotonic_time();

    receive(peers[i]);
    if (wzp_call_next_timeout(peers[i]->call) <= now)
      wzp_call_handle_timeout(peers[i]->call, now);
    pump(peers[i], now);
  }
}

/* Until done() says so (then true) or the deadline. */
static bool
run_until(RelayPeer **peers, unsigned n, RelayPeersDone done, WzpTime deadline)
{
  struct pollfd pollers[PEERS_MAX];
  unsigned i;

  g_assert_cmpuint(n, <=, PEERS_MAX);
  for (;;) {
    WzpTime next = deadline, now;

    relay_peers_step(peers, n);
    if (done != NULL && done(peers, n))
      return true;
    now = g_get_monotonic_time();
    if (now >= deadline)
      return false;
    for (i = 0; i < n; i++) {
      next = MIN(next, wzp_call_next_timeout(peers[i]->call));
      pollers[i] = (struct pollfd){.fd = peers[i]->socket, .events = POLLIN};
    }
    poll(pollers, n, next <= now ? 0 : (int)((next - now) / WZP_MSEC + 1));
  }
}

void
relay_peers_run(RelayPeer **peers, unsigned n, RelayPeersDone done, WzpTime timeout)
{
  if (!run_until(peers, n, done, g_get_monotonic_time() + timeout))
    g_error("the clients did not get there in %u ms", (unsigned)(timeout / WZP_MSEC));
}

void
relay_peers_run_for(RelayPeer **peers, unsigned n, WzpTime duration)
{
  run_until(peers, n, NULL, g_get_monotonic_time() + duration);
}

static WzpResult
say(RelayPeer *peer, uint8_t code, const void *bundle, size_t bundle_length)
{
  uint8_t packet[WZP_DATAGRAM_MAX];
  WzpTime now = g_get_monotonic_time();
  WzpAddress to;
  WzpResult result;
  size_t length;

  result = wzp_call_seal(peer->call, now, code, peer->timestamp, 0, code != 0, bundle,
                         bundle_length, packet, sizeof packet - WZP_TRAILER_SIZE, &length, NULL);
  peer->timestamp += 20;
  if (result == WZP_OK)
    result = wzp_call_frame_media(peer->call, now, packet, length, packet, &length, &to);
  if (result != WZP_OK)
    return result;
  send_to(peer, &to, packet, length);
  peer->sent++;
  return WZP_OK;
}

WzpResult
relay_peer_say(RelayPeer *peer, const void *bundle, size_t bundle_length)
{
  return say(peer, 0, bundle, bundle_length);
}

WzpResult
relay_peer_report(RelayPeer *peer, const WzpReport *report)
{
  uint8_t bundle[WZP_REPORT_ELEMENT_SIZE];
  WzpWriter writer;

  wzp_writer_init(&writer, bundle, sizeof bundle);
  wzp_report_write_element(&writer, report, true);
  return say(peer, WZP_CODE_NO_AUDIO, bundle, writer.length);
}

WzpResult
relay_peer_talk(RelayPeer *peer)
{
  uint8_t voice[60];

  memset(voice, 0x20, sizeof voice);
  return relay_peer_say(peer, voice, sizeof voice);
}

static WzpCallStats
stats_of(const RelayPeer *peer)
{
  WzpCallStats stats;

  wzp_call_get_stats(peer->call, &stats);
  return stats;
}

bool
relay_peers_active(RelayPeer **peers, unsigned n)
{
  unsigned i;

  for (i = 0; i < n; i++) {
    if (stats_of(peers[i]).state != WZP_CALL_ACTIVE)
      return false;
  }
  return true;
}

bool
relay_peers_closed(RelayPeer **peers, unsigned n)
{
  unsigned i;

  for (i = 0; i < n; i++) {
    if (!peers[i]->closed)
      return false;
  }
  return true;
}

bool
relay_peers_heard_all(RelayPeer **peers, unsigned n)
{
  g_assert_cmpuint(n, ==, 2);
  return peers[0]->opened == peers[1]->sent && peers[1]->opened == peers[0]->sent;
}

void
relay_peers_talk(RelayPeer *peers[2], unsigned packets, WzpTime timeout)
{
  unsigned i;

  for (i = 0; i < packets; i++) {
    g_assert_cmpint(relay_peer_talk(peers[0]), ==, WZP_OK);
    g_assert_cmpint(relay_peer_talk(peers[1]), ==, WZP_OK);
  }
  relay_peers_run(peers, 2, relay_peers_heard_all, timeout);
}

void
relay_peers_hear_again(RelayPeer *peers[2], WzpTime deadline)
{
  peers[0]->opened = peers[1]->opened = 0;
  while (peers[0]->opened == 0 || peers[1]->opened == 0) {
    g_assert_cmpint(g_get_monotonic_time(), <, deadline);
    relay_peer_talk(peers[0]);
    relay_peer_talk(peers[1]);
    relay_peers_run_for(peers, 2, 20 * WZP_MSEC);
  }
}
