/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-check.h"
#include "client-check-tls.h"
#include "wzp/control.h"
#include "wzp/nat-probe.h"
#include <gio/gio.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_USEC (3 * G_USEC_PER_SEC)
#define ASK_EVERY_USEC (200 * 1000)
#define PROBES_MAX 32

/* One address of a relay. */
typedef struct {
  const char *relay; /* as it was written */
  WzpAddress address, own;
  WzpInitiator *initiator;
  gboolean has_name; /* its key is to have this fingerprint, says relay= */
  uint8_t name[WZP_FINGERPRINT_SIZE];
  gint64 asked; /* monotonic us of the last time */
  gboolean answered;
  double round_trip; /* ms */
  WzpAddress observed;
  uint8_t key[32];
  WzpControl *
      control; /* of a session that lasts as long as the check, so that its second port answers; NULL: none */
  WzpNatProbe nat;
  ClientTlsAnswer tls;
} Probe;

typedef struct {
  int sockets[2]; /* IPv4, IPv6; -1: none */
  uint16_t ports[2];
  WzpIdentity *identity;
  Probe probes[PROBES_MAX];
  guint n_probes;
  uint16_t tls_port; /* 0: not asked */
} Check;

static guint
family_index(const WzpAddress *address)
{
  return address->family == 6 ? 1 : 0;
}

static int
open_socket(int family, uint16_t *port)
{
  struct sockaddr_storage name = {.ss_family = (sa_family_t)family};
  socklen_t length = family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
  const int one = 1;
  WzpAddress bound;
  int descriptor = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor >= 0 && family == AF_INET6)
    setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  if (descriptor >= 0 && bind(descriptor, (struct sockaddr *)&name, length) == 0 &&
      getsockname(descriptor, (struct sockaddr *)&name, &length) == 0 &&
      wzp_address_from_sockaddr(&bound, (struct sockaddr *)&name, length)) {
    *port = bound.port;
    return descriptor;
  }
  if (descriptor >= 0)
    close(descriptor);
  return -1;
}

/* Which address of this machine speaks to that one; family 0: none, there is no way. */
static WzpAddress
own_address(const WzpAddress *to, uint16_t port)
{
  struct sockaddr_storage name;
  socklen_t length = wzp_address_to_sockaddr(to, &name, false);
  WzpAddress own = {0};
  int descriptor = socket(name.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0)
    return own;
  if (connect(descriptor, (struct sockaddr *)&name, length) == 0) {
    length = sizeof name;
    if (getsockname(descriptor, (struct sockaddr *)&name, &length) == 0 &&
        wzp_address_from_sockaddr(&own, (struct sockaddr *)&name, length))
      own.port = port;
  }
  close(descriptor);
  return own;
}

static void
add_probe(Check *check, const char *relay, const struct addrinfo *found,
          const uint8_t name[WZP_FINGERPRINT_SIZE])
{
  Probe *probe = &check->probes[check->n_probes];
  WzpHandshakeConfig config = {
      .mode = WZP_MODE_HOP, .identity = check->identity, .capabilities = WZP_CAP_MEDIA_1};
  const WzpRandom random = wzp_random_system();
  WzpAddress address;
  if (check->n_probes == PROBES_MAX ||
      !wzp_address_from_sockaddr(&address, found->ai_addr, (socklen_t)found->ai_addrlen) ||
      check->sockets[family_index(&address)] < 0)
    return;
  for (guint i = 0; i < check->n_probes; i++)
    if (wzp_address_equal(&check->probes[i].address, &address))
      return;
  *probe = (Probe){.relay = relay, .address = address, .has_name = name != NULL};
  if (name)
    memcpy(probe->name, name, sizeof probe->name);
  wzp_nat_probe_init(&probe->nat);
  probe->own = own_address(&address, check->ports[family_index(&address)]);
  if (probe->own.family == 0)
    return; /* this machine has no way there: of this family nothing is to be said */
  wzp_random_fill(&random, config.cid, sizeof config.cid);
  probe->initiator = wzp_initiator_new(&config, &random);
  check->n_probes++;
}

/* What relay= of the URI names, if it does; FALSE: that is no fingerprint. */
static gboolean
read_name(const char *query, gboolean *named, uint8_t name[WZP_FINGERPRINT_SIZE])
{
  GHashTable *set = query ? g_uri_parse_params(query, -1, "&", G_URI_PARAMS_NONE, NULL) : NULL;
  const char *text = set ? g_hash_table_lookup(set, "relay") : NULL;
  const gboolean good = !text || wzp_fingerprint_parse(name, text);
  *named = text != NULL;
  if (set)
    g_hash_table_unref(set);
  return good;
}

static gboolean
add_relay(Check *check, const char *relay, GError **error)
{
  char *uri = client_relay_uri(relay, NULL, error);
  GUri *parsed = uri ? g_uri_parse(uri, G_URI_FLAGS_ENCODED_FRAGMENT, NULL) : NULL;
  const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
  struct addrinfo *found = NULL;
  uint8_t name[WZP_FINGERPRINT_SIZE];
  gboolean named;
  char port[8];
  g_free(uri);
  if (!parsed) {
    if (error && !*error)
      g_set_error(error, CLIENT_ERROR, CLIENT_USAGE, "'%s' is not a relay", relay);
    return FALSE;
  }
  if (!read_name(g_uri_get_query(parsed), &named, name)) {
    g_set_error(error, CLIENT_ERROR, CLIENT_USAGE,
                "'%.*s': relay= is to be a fingerprint, 32 hex digits (colons are allowed)",
                (int)strcspn(relay, "#"), relay);
    g_uri_unref(parsed);
    return FALSE;
  }
  const int written = g_uri_get_port(parsed);
  g_snprintf(port, sizeof port, "%d", written > 0 ? written : 4433);
  const int status = getaddrinfo(g_uri_get_host(parsed), port, &hints, &found);
  g_uri_unref(parsed);
  if (status != 0) {
    g_set_error(error, CLIENT_ERROR, CLIENT_CALL_FAILED, "%s: %s", relay, gai_strerror(status));
    return FALSE;
  }
  for (const struct addrinfo *one = found; one; one = one->ai_next)
    add_probe(check, relay, one, named ? name : NULL);
  freeaddrinfo(found);
  return TRUE;
}

/* One that cannot be sent is one that is not answered. */
static gboolean
send_to(const Check *check, const WzpAddress *to, const uint8_t *data, size_t length)
{
  struct sockaddr_storage name;
  const socklen_t size = wzp_address_to_sockaddr(to, &name, false);
  return sendto(check->sockets[family_index(to)], data, length, MSG_DONTWAIT,
                (struct sockaddr *)&name, size) >= 0;
}

/* HS1, or HS3. */
static gboolean
send_handshake(const Check *check, const Probe *probe)
{
  size_t length;
  const uint8_t *message = wzp_initiator_message(probe->initiator, &length);
  return send_to(check, &probe->address, message, length);
}

/* What we look like at the relay's two ports, with the message that makes it answer there. */
static void
ask_ports(const Check *check, Probe *probe, gint64 now)
{
  uint8_t question[WZP_STUN_REQUEST_MIN];
  WzpAddress to;
  if (!wzp_nat_probe_timeout(&probe->nat, now))
    return;
  send_handshake(check, probe);
  for (unsigned n = 0; wzp_nat_probe_question(&probe->nat, n, &to, question); n++)
    send_to(check, &to, question, sizeof question);
}

/* Returns whether anybody still has to answer. */
static gboolean
ask(Check *check, gint64 now)
{
  gboolean waits = FALSE;
  for (guint i = 0; i < check->n_probes; i++) {
    Probe *probe = &check->probes[i];
    ask_ports(check, probe, now);
    waits |= !probe->answered || wzp_nat_probe_next_timeout(&probe->nat) != WZP_NEVER;
    if (probe->answered || now - probe->asked < ASK_EVERY_USEC)
      continue;
    if (send_handshake(check, probe) || !probe->asked)
      probe->asked = now;
  }
  return waits;
}

/* A session, of which nothing more is said than its end. */
static void
begin_session(Probe *probe, uint16_t second_port, gint64 now)
{
  const WzpRandom random = wzp_random_system();
  WzpControlConfig config;
  WzpHandshakeKeys keys;
  if (wzp_initiator_finish(probe->initiator, NULL, 0, &keys) != WZP_OK)
    return;
  wzp_control_config_from_keys(&config, &keys, true);
  probe->control = wzp_control_new(&config, now);
  wzp_nat_probe_start(&probe->nat, now, &probe->address, second_port, &random);
  sodium_memzero(&config, sizeof config);
  sodium_memzero(&keys, sizeof keys);
}

static void
end_session(const Check *check, Probe *probe)
{
  uint8_t record[WZP_DATAGRAM_MAX];
  size_t length;
  if (!probe->control)
    return;
  wzp_control_close(probe->control, WZP_CLOSE_LEAVE);
  while (wzp_control_poll(probe->control, g_get_monotonic_time(), record, &length))
    send_to(check, &probe->address, record, length);
  wzp_control_free(probe->control);
}

static void
take(Check *check, const WzpAddress *from, const uint8_t *data, size_t length, gint64 now)
{
  for (guint i = 0; i < check->n_probes; i++) {
    Probe *probe = &check->probes[i];
    const uint8_t *payload;
    size_t payload_length;
    WzpReader reader;
    if (wzp_datagram_kind(data, length) == WZP_DATAGRAM_STUN &&
        wzp_nat_probe_receive(&probe->nat, from, data, length) == WZP_OK)
      return;
    if (probe->answered || !wzp_address_equal(from, &probe->address))
      continue;
    if (wzp_datagram_kind(data, length) == WZP_DATAGRAM_COOKIE) { /* it is busy */
      if (wzp_initiator_read_cookie(probe->initiator, data, length) == WZP_OK)
        probe->asked = 0;
      return;
    }
    if (wzp_initiator_read_hs2(probe->initiator, data, length, &payload, &payload_length,
                               probe->key) != WZP_OK)
      return;
    wzp_reader_init(&reader, payload, payload_length);
    wzp_reader_bytes(&reader, 4); /* the session's number */
    probe->answered = wzp_address_read(&probe->observed, &reader);
    probe->round_trip = (double)(now - probe->asked) / 1000;
    const uint16_t second_port = wzp_reader_u16(&reader);
    if (probe->answered && !reader.failed && second_port != 0)
      begin_session(probe, second_port, now);
    return;
  }
}

static void
run(Check *check)
{
  const gint64 end = g_get_monotonic_time() + PATIENCE_USEC;
  for (gint64 now = g_get_monotonic_time(); now < end && ask(check, now);
       now = g_get_monotonic_time()) {
    struct pollfd waits[2] = {{check->sockets[0], POLLIN, 0}, {check->sockets[1], POLLIN, 0}};
    poll(waits, 2, ASK_EVERY_USEC / 4 / 1000);
    for (guint i = 0; i < 2; i++) {
      uint8_t data[WZP_DATAGRAM_MAX];
      struct sockaddr_storage name;
      socklen_t size = sizeof name;
      WzpAddress from;
      ssize_t length;
      while (check->sockets[i] >= 0 &&
             (length = recvfrom(check->sockets[i], data, sizeof data, MSG_DONTWAIT,
                                (struct sockaddr *)&name, &size)) > 0) {
        if (wzp_address_from_sockaddr(&from, (struct sockaddr *)&name, size))
          take(check, &from, data, (size_t)length, g_get_monotonic_time());
        size = sizeof name;
      }
    }
  }
}

/* --- what is said --- */

static WzpNat
classify(const Check *check, guint8 family)
{
  WzpNatObservation seen[2 * PROBES_MAX];
  guint n = 0;
  for (guint i = 0; i < check->n_probes; i++) {
    const Probe *probe = &check->probes[i];
    if (!probe->answered || probe->address.family != family)
      continue;
    seen[n++] = (WzpNatObservation){probe->own, probe->observed};
    if (probe->nat.answered[1])
      seen[n++] = (WzpNatObservation){probe->own, probe->nat.observed[1]};
  }
  return wzp_nat_classify(seen, n);
}

static const char *
fingerprint_of(const uint8_t key[32], char text[WZP_FINGERPRINT_TEXT])
{
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE];
  wzp_fingerprint(fingerprint, key);
  return wzp_fingerprint_format(fingerprint, text);
}

static void
print_tls(const Check *check, const Probe *probe)
{
  char key[WZP_FINGERPRINT_TEXT];
  if (check->tls_port == 0)
    return;
  printf("  TLS on port %u: ", check->tls_port);
  if (!probe->tls.answers)
    printf("no (%s)\n", probe->tls.why);
  else if (probe->answered && memcmp(probe->key, probe->tls.key, sizeof probe->key) == 0)
    printf("answers, with the same key\n");
  else
    printf("answers, with %skey %s\n", probe->answered ? "ANOTHER " : "",
           fingerprint_of(probe->tls.key, key));
}

/* Of a family in which nobody was asked nothing is said. */
static void
print_nat(const Check *check, guint8 family)
{
  guint asked = 0, answered = 0, by_tls = 0;
  for (guint i = 0; i < check->n_probes; i++) {
    const Probe *probe = &check->probes[i];
    asked += probe->address.family == family;
    answered += probe->address.family == family && probe->answered;
    by_tls += probe->address.family == family && probe->tls.answers;
  }
  if (asked > 0)
    printf("NAT, IPv%u: %s\n", family,
           answered > 0 ? wzp_nat_text(classify(check, family))
           : by_tls > 0
               ? "unknown: UDP does not get through; calls go by TLS, directly on one LAN only"
               : "unknown: no relay answers");
}

static void
print_text(const Check *check)
{
  char address[WZP_ADDRESS_TEXT], own[WZP_ADDRESS_TEXT], seen[WZP_ADDRESS_TEXT],
      key[WZP_FINGERPRINT_TEXT];
  for (guint i = 0; i < check->n_probes; i++) {
    const Probe *probe = &check->probes[i];
    wzp_address_format(&probe->address, address);
    if (probe->answered)
      printf("%.*s at %s: round trip %.0f ms, key %s\n  sees %s as %s\n",
             (int)strcspn(probe->relay, "#"), probe->relay, address, probe->round_trip,
             fingerprint_of(probe->key, key), wzp_address_format(&probe->own, own),
             wzp_address_format(&probe->observed, seen));
    else
      printf("%.*s at %s: no answer by UDP\n", (int)strcspn(probe->relay, "#"), probe->relay,
             address);
    print_tls(check, probe);
  }
  print_nat(check, 4);
  print_nat(check, 6);
}

/* Texts of ours and what people typed as a relay, which holds no quotes or control characters. */
static void
print_json(const Check *check)
{
  char address[WZP_ADDRESS_TEXT], own[WZP_ADDRESS_TEXT], seen[WZP_ADDRESS_TEXT],
      key[WZP_FINGERPRINT_TEXT];
  printf("{\"relays\":[");
  for (guint i = 0; i < check->n_probes; i++) {
    const Probe *probe = &check->probes[i];
    printf("%s{\"address\":\"%s\",\"own\":\"%s\",\"answered\":%s", i ? "," : "",
           wzp_address_format(&probe->address, address), wzp_address_format(&probe->own, own),
           probe->answered ? "true" : "false");
    if (probe->answered)
      printf(",\"round_trip_ms\":%.1f,\"observed\":\"%s\",\"fingerprint\":\"%s\"",
             probe->round_trip, wzp_address_format(&probe->observed, seen),
             fingerprint_of(probe->key, key));
    if (check->tls_port != 0)
      printf(",\"tls\":%s", probe->tls.answers ? "true" : "false");
    if (probe->tls.answers)
      printf(",\"tls_fingerprint\":\"%s\"", fingerprint_of(probe->tls.key, key));
    printf("}");
  }
  printf("],\"nat\":\"%s\",\"nat_ipv6\":\"%s\"}\n", wzp_nat_name(classify(check, 4)),
         wzp_nat_name(classify(check, 6)));
}

/* Answers, by UDP or TLS, with another key than relay= names. */
static gboolean
is_another(const Probe *probe, gboolean answers, const uint8_t key[32], GError **error)
{
  char expected[WZP_FINGERPRINT_TEXT], seen[WZP_FINGERPRINT_TEXT];
  uint8_t fingerprint[WZP_FINGERPRINT_SIZE];
  if (!answers || !probe->has_name)
    return FALSE;
  wzp_fingerprint(fingerprint, key);
  if (memcmp(fingerprint, probe->name, sizeof fingerprint) == 0)
    return FALSE;
  g_set_error(error, CLIENT_ERROR, CLIENT_SECURITY,
              "the key of %.*s is not the one that relay= names: expected %s, seen %s",
              (int)strcspn(probe->relay, "?#"), probe->relay,
              wzp_fingerprint_format(probe->name, expected),
              wzp_fingerprint_format(fingerprint, seen));
  return TRUE;
}

static ClientExit
judge(const Check *check, GError **error)
{
  gboolean anybody = FALSE;
  for (guint i = 0; i < check->n_probes; i++) {
    const Probe *probe = &check->probes[i];
    if (is_another(probe, probe->answered, probe->key, error) ||
        is_another(probe, probe->tls.answers, probe->tls.key, error))
      return CLIENT_SECURITY;
    anybody |= probe->answered || probe->tls.answers;
  }
  if (anybody)
    return CLIENT_OK;
  g_set_error_literal(error, CLIENT_ERROR, CLIENT_CALL_FAILED,
                      check->tls_port != 0 ? "no relay answers, neither by UDP nor by TLS"
                                           : "no relay answers by UDP");
  return CLIENT_CALL_FAILED;
}

ClientExit
client_check(char **relays, int tls_port, gboolean json, GError **error)
{
  Check check = {.sockets = {-1, -1}, .tls_port = tls_port < 0 ? 443 : (uint16_t)tls_port};
  ClientExit code = CLIENT_OK;
  wzp_init();
  const WzpRandom random = wzp_random_system();
  check.identity = wzp_identity_new_random(&random);
  check.sockets[0] = open_socket(AF_INET, &check.ports[0]);
  check.sockets[1] = open_socket(AF_INET6, &check.ports[1]);
  for (guint i = 0; relays[i] && code == CLIENT_OK; i++)
    if (!add_relay(&check, relays[i], error))
      code = (ClientExit)(*error)->code;
  if (code == CLIENT_OK) {
    run(&check);
    for (guint i = 0; i < check.n_probes && check.tls_port != 0; i++)
      client_check_tls(&check.probes[i].address, check.tls_port, &check.probes[i].tls);
    if (json)
      print_json(&check);
    else
      print_text(&check);
    code = judge(&check, error);
  }
  for (guint i = 0; i < check.n_probes; i++) {
    end_session(&check, &check.probes[i]);
    wzp_initiator_free(check.probes[i].initiator);
  }
  for (guint i = 0; i < 2; i++)
    if (check.sockets[i] >= 0)
      close(check.sockets[i]);
  wzp_identity_free(check.identity);
  return code;
}
