/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "relay-media.h"

/* The control plane: handshakes with cookies under load, control channels, rooms, and who is told what.
 * Sans-I/O and single threaded. It steers the media plane only by commands, so that media may live in
 * other threads, and learns from it only when a leg was last heard. */

typedef struct {
  void *user;
  void (*command)(void *user, const RelayCommand *command);
  WzpTime (*media_last_seen)(void *user, uint32_t sid);
  /* Bytes of media that go out in a second now. */
  uint64_t (*egress)(void *user);
  /* One line for the operator's log, without full addresses or keys; may be NULL. */
  void (*log)(void *user, const char *line);
} RelayControlHooks;

typedef struct RelayControl RelayControl;
/* identity is borrowed. */
RelayControl *relay_control_new(const RelayLimits *limits, const WzpIdentity *identity,
                                const WzpRandom *random, WzpTime now,
                                const RelayControlHooks *hooks);
void relay_control_free(RelayControl *control);

/* A datagram that relay_media_handle() left for control; nothing else, media least of all. */
WzpResult relay_control_handle(RelayControl *control, WzpTime now, const WzpAddress *from,
                               const uint8_t *data, size_t length);
void relay_control_handle_timeout(RelayControl *control, WzpTime now);
WzpTime relay_control_next_timeout(const RelayControl *control);
/* Call after every input until it returns false. */
bool relay_control_poll(RelayControl *control, WzpTime now, RelayDatagram *datagram);
/* Says goodbye to all sessions; new handshakes are refused from here on. */
void relay_control_shutdown(RelayControl *control, WzpTime now);
/* Clients are told that they may ask there, too, what they look like; 0: nowhere. */
void relay_control_set_second_port(RelayControl *control, uint16_t port);
/* As relay_core_... of relay-core.h. */
void relay_control_require_tokens(RelayControl *control);
bool relay_control_next_token_check(RelayControl *control, WzpTime now, RelayTokenCheck *check);
void relay_control_token_verdict(RelayControl *control, WzpTime now, uint64_t id,
                                 RelayTokenVerdict verdict,
                                 const uint8_t fingerprint[WZP_FINGERPRINT_SIZE]);
void relay_control_set_access(RelayControl *control, const RelayAccess *access);
/* Fills the control plane's part: sessions, rooms, handshakes, cookies, tokens, control_drops. */
void relay_control_get_stats(const RelayControl *control, RelayStats *stats);
