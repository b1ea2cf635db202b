/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "relay-core.h"
#include "relay-control.h"
#include "relay-media.h"
#include <string.h>

const double relay_handshake_bounds[RELAY_N_HANDSHAKE_BOUNDS] = {0.001, 0.005, 0.01, 0.025, 0.05,
                                                                 0.1,   0.25,  0.5,  1,     2.5};

const char *const relay_auth_result_names[RELAY_N_AUTH_RESULTS] = {
    [RELAY_AUTH_OK] = "ok",
    [RELAY_AUTH_REMEMBERED] = "remembered",
    [RELAY_AUTH_REFUSED] = "refused",
    [RELAY_AUTH_WRONG_IDENTITY] = "wrong-identity",
    [RELAY_AUTH_MALFORMED] = "malformed",
    [RELAY_AUTH_UNAVAILABLE] = "unavailable",
    [RELAY_AUTH_BUSY] = "busy",
    [RELAY_AUTH_MISSING] = "missing",
};

const char *const relay_stream_end_names[RELAY_N_STREAM_ENDS] = {
    [RELAY_STREAM_LEFT] = "left",
    [RELAY_STREAM_BROKEN] = "broken",
    [RELAY_STREAM_TOO_MANY] = "too-many",
    [RELAY_STREAM_GAVE_WAY] = "gave-way",
    [RELAY_STREAM_TOO_FAST] = "too-fast",
    [RELAY_STREAM_NO_HANDSHAKE] = "no-handshake",
    [RELAY_STREAM_NO_SESSION] = "no-session",
    [RELAY_STREAM_SILENT] = "silent",
};

void
relay_limits_default(RelayLimits *limits)
{
  *limits = (RelayLimits){
      .max_sessions = 10000,
      .max_sessions_per_ip = 64,
      .max_sessions_per_identity = 4,
      .max_rooms = 10000,
      .max_rooms_per_identity = 8,
      .max_ringing_per_identity = 3,
      .call_attempts_per_minute = 10,
      .max_members = WZP_ROOM_MEMBERS_MAX,
      .media_packets_per_second = 400,
      .media_bytes_per_second = 32000,
      .control_bytes_per_second = 16384,
      .handshakes_per_second = 20,
      .cookie_threshold = 100,
      .idle_timeout_ms = 30000,
      .max_token_checks = 32,
      .max_token_checks_per_ip = 2,
      .unauthorised_timeout_ms = 10000,
      .max_tls_connections = 1024,
      .max_tls_connections_per_ip = 16,
  };
}

struct RelayCore {
  RelayControl *control;
  RelayMedia *media;
  WzpTime now;       /* of the input that is being handled */
  GQueue *forwarded; /* RelayDatagram, waiting for poll */
};

static void
on_command(void *user, const RelayCommand *command)
{
  RelayCore *core = user;

  relay_media_apply(core->media, core->now, command);
}

static WzpTime
on_media_last_seen(void *user, uint32_t sid)
{
  RelayCore *core = user;

  return relay_media_last_seen(core->media, sid);
}

static uint64_t
on_egress(void *user)
{
  RelayCore *core = user;

  return relay_media_egress(core->media, core->now);
}

static void
on_forward(void *user, const WzpAddress *to, const uint8_t *data, size_t length)
{
  RelayCore *core = user;
  RelayDatagram *datagram = g_new(RelayDatagram, 1);

  datagram->to = *to;
  datagram->length = length;
  memcpy(datagram->data, data, length);
  g_queue_push_tail(core->forwarded, datagram);
}

RelayCore *
relay_core_new(const RelayLimits *limits, const WzpIdentity *identity, const WzpRandom *random,
               WzpTime now)
{
  RelayCore *core = g_new0(RelayCore, 1);
  RelayControlHooks hooks = {.user = core,
                             .command = on_command,
                             .media_last_seen = on_media_last_seen,
                             .egress = on_egress};

  core->now = now;
  core->media = relay_media_new(limits);
  core->control = relay_control_new(limits, identity, random, now, &hooks);
  core->forwarded = g_queue_new();
  return core;
}

void
relay_core_free(RelayCore *core)
{
  if (core == NULL)
    return;
  relay_control_free(core->control);
  relay_media_free(core->media);
  g_queue_free_full(core->forwarded, g_free);
  g_free(core);
}

WzpResult
relay_core_handle_datagram(RelayCore *core, WzpTime now, const WzpAddress *from,
                           const uint8_t *data, size_t length)
{
  bool for_control;
  WzpResult result;

  core->now = now;
  result = relay_media_handle(core->media, now, from, data, length, on_forward, core, &for_control);
  if (for_control)
    result = relay_control_handle(core->control, now, from, data, length);
  return result;
}

void
relay_core_handle_timeout(RelayCore *core, WzpTime now)
{
  core->now = now;
  relay_control_handle_timeout(core->control, now);
}

WzpTime
relay_core_next_timeout(const RelayCore *core)
{
  return relay_control_next_timeout(core->control);
}

bool
relay_core_poll(RelayCore *core, WzpTime now, RelayDatagram *datagram)
{
  RelayDatagram *forwarded = g_queue_pop_head(core->forwarded);

  core->now = now;
  if (forwarded == NULL)
    return relay_control_poll(core->control, now, datagram);
  datagram->to = forwarded->to;
  datagram->length = forwarded->length;
  memcpy(datagram->data, forwarded->data, forwarded->length);
  g_free(forwarded);
  return true;
}

void
relay_core_shutdown(RelayCore *core, WzpTime now)
{
  core->now = now;
  relay_control_shutdown(core->control, now);
}

void
relay_core_get_stats(const RelayCore *core, RelayStats *stats)
{
  relay_control_get_stats(core->control, stats);
  relay_stats_add_media(stats, core->media);
}

void
relay_core_require_tokens(RelayCore *core)
{
  relay_control_require_tokens(core->control);
}

bool
relay_core_next_token_check(RelayCore *core, WzpTime now, RelayTokenCheck *check)
{
  core->now = now;
  return relay_control_next_token_check(core->control, now, check);
}

void
relay_core_token_verdict(RelayCore *core, WzpTime now, uint64_t id, RelayTokenVerdict verdict,
                         const uint8_t fingerprint[WZP_FINGERPRINT_SIZE])
{
  core->now = now;
  relay_control_token_verdict(core->control, now, id, verdict, fingerprint);
}

void
relay_core_set_access(RelayCore *core, const RelayAccess *access)
{
  relay_control_set_access(core->control, access);
}
