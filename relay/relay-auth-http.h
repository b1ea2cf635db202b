/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "relay-config.h"

/* Asks the auth server about tokens: POST {"token":"..."} to the configured URL, on the default main
 * context. No redirects, no proxy, no cookies; certificates are checked; the answer is bounded in time and
 * size. Whatever is not a clear answer is RELAY_TOKEN_UNAVAILABLE. Neither URL nor token is ever logged. */

typedef struct RelayAuthHttp RelayAuthHttp;
/* Called once for each check, never from within relay_auth_http_check(). */
typedef void (*RelayAuthHttpDone)(void *user, uint64_t id, RelayTokenVerdict verdict,
                                  const uint8_t fingerprint[WZP_FINGERPRINT_SIZE]);
/* config has an auth_url. NULL: the file of certificates cannot be used. */
RelayAuthHttp *relay_auth_http_new(const RelayConfig *config, RelayAuthHttpDone done, void *user,
                                   GError **error);
/* What still runs is given up, and done is not called any more. */
void relay_auth_http_free(RelayAuthHttp *http);
void relay_auth_http_check(RelayAuthHttp *http, uint64_t id, const char *token);
