/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "relay-core.h"

/* What an operator can set: in a file (--config, group [relay]) or by flags, which win. Both go through
 * relay_config_set(), so a value is checked in one place. The groups [rooms], [room NAME] and
 * [room-id HEX], in the file only, say who may join what. */

#define RELAY_DEFAULT_LISTEN "0.0.0.0:4433"
#define RELAY_CONFIG_SIZE_MAX (1024 * 1024)
#define RELAY_DEFAULT_AUTH_TIMEOUT_MS 5000

typedef struct {
  WzpAddress listen;
  WzpAddress tls_listen;      /* TCP; family 0: no */
  int second_port;            /* -1: none; 0: any free one */
  char *identity;             /* file; NULL: the default place */
  int metrics_port;           /* -1: off; 0: any free one */
  WzpAddress metrics_address; /* its port is not used */
  char *auth_url, *auth_ca;   /* NULL: no tokens; the system's certificates */
  unsigned auth_timeout_ms;
  RelayLimits limits;
  RelayAccess *access; /* not bound yet */
} RelayConfig;

#define RELAY_CONFIG_ERROR (relay_config_error_quark())
GQuark relay_config_error_quark(void);
typedef enum { RELAY_CONFIG_ERROR_FILE, RELAY_CONFIG_ERROR_VALUE } RelayConfigError;

void relay_config_init(RelayConfig *config); /* the defaults */
void relay_config_clear(RelayConfig *config);
/* key as in the file, for example "listen". The error says what the value has to be. */
bool relay_config_set(RelayConfig *config, const char *key, const char *value, GError **error);
/* Unknown groups and keys, duplicates and bad values are errors that start with "NAME:LINE: ". */
bool relay_config_parse(RelayConfig *config, const char *name, const char *text, size_t length,
                        GError **error);
bool relay_config_load(RelayConfig *config, const char *path, GError **error);
/* The n-th key that a file may hold, NULL past the last. */
const char *relay_config_key(unsigned n);
