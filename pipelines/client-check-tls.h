/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzp/address.h"
#include "wzp/tls.h"

/* Does a relay answer by TLS, where a call goes when UDP is blocked? Takes up to three seconds. */
typedef struct {
  gboolean answers;
  uint8_t key[32]; /* of its certificate */
  char why[96];    /* it does not */
} ClientTlsAnswer;
void client_check_tls(const WzpAddress *relay, uint16_t port, ClientTlsAnswer *answer);
