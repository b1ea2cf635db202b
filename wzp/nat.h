/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "address.h"

/* What stands between a socket and the internet, from what several others see of it (RFC 4787 calls it mapping). It decides
 * whether looking for a direct path is worth much, never whether a call works. */

typedef enum {
  WZP_NAT_UNKNOWN,   /* fewer than two saw it from the internet, and it is not open */
  WZP_NAT_OPEN,      /* seen as it is: no NAT */
  WZP_NAT_CONE,      /* seen alike by all: one mapping, whoever it speaks to */
  WZP_NAT_SYMMETRIC, /* another port for each: nobody can be told where to send */
  WZP_NAT_MULTIPLE,  /* several addresses */
  WZP_N_NATS
} WzpNat;
const char *wzp_nat_name(WzpNat nat); /* "cone" */
const char *wzp_nat_text(WzpNat nat); /* a sentence for people */

typedef struct {
  WzpAddress own; /* of the socket, on this machine, as it speaks to that one; family 0: unknown */
  WzpAddress observed; /* how that one sees it */
} WzpNatObservation;
/* Of one socket, so of one address family. Who sees it on a private or local address says nothing of the internet. */
WzpNat wzp_nat_classify(const WzpNatObservation *observations, unsigned n);
