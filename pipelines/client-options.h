/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>

/* What wzp-client was asked to do. */

/* Exit codes; GErrors of domain CLIENT_ERROR carry them as their code. */
typedef enum {
  CLIENT_OK = 0,
  CLIENT_CALL_FAILED = 1, /* relay unreachable, refused, nobody came */
  CLIENT_USAGE = 2,
  CLIENT_LOCAL = 3,   /* a file or device on this machine */
  CLIENT_SECURITY = 4 /* the relay's key is not the one that it should be */
} ClientExit;

#define CLIENT_ERROR (client_error_quark())
GQuark client_error_quark(void);

#define CLIENT_LATENCY_NOT_GIVEN G_MININT

typedef struct {
  char *uri; /* wzp://host:port/room, made of RELAY and --room */
  char *room, *room_passphrase_file;
  gboolean room_passphrase; /* is asked */
  char *list, *list_owner;
  char *call;      /* a fingerprint or a contact's name */
  char *call_name; /* what that one is called */
  gboolean answer, trusted, anonymous;
  gboolean control; /* lines of standard input steer the call */
  double send_tone; /* seconds; not above 0: none */
  char *send_file;
  char *record;
  gboolean live;
  char *microphone, *speaker; /* names; NULL: what the system prefers */
  double duration;            /* seconds; not above 0: no bound */
  double connect_timeout;     /* seconds; negative: the default of wzpcall */
  char *identity, *mnemonic_file, *passphrase_file;
  char *known_relays, *contacts;
  char *token_file;
  gboolean accept_new_relay_key, token_at_first_use;
  int tls_port;              /* negative: the default of wzpcall */
  int latency;               /* ms, or CLIENT_LATENCY_NOT_GIVEN: the default of wzpcall */
  char *profile;             /* NULL: the default of wzpcall */
  char *denoise;             /* off, light, strong; NULL: the default of wzpcall */
  char *echo_cancel;         /* off, on, webrtc, speex; NULL: on when live */
  char *gain_control;        /* off, on; NULL: on when live */
  char *tier, *network_hint; /* NULL: auto, or manual with a profile; unknown */
  gboolean json, version;
  char **check; /* relays to look at, and nothing else; NULL: a call */
  gboolean dtx;
} ClientOptions;

/* Options of GStreamer are taken too. False: error says what is wrong, its code is CLIENT_USAGE. */
gboolean client_options_parse(ClientOptions *options, int *argc, char ***argv, GError **error);
void client_options_clear(ClientOptions *options);

/* wzp://... of what a person typed: host, host:port, [v6]:port, v6, or a URI with or without a room. */
/* The same with somebody to call in the room's place; NULL: be there for calls. */
char *client_callee_uri(const char *relay, const char *callee, GError **error);
char *client_relay_uri(const char *relay, const char *room, GError **error);

/* The room is closed by a passphrase that stands in no file: the person must say it. */
gboolean client_options_ask_passphrase(const ClientOptions *options);
gboolean client_options_send(const ClientOptions *options);
gboolean client_options_hear(const ClientOptions *options);
