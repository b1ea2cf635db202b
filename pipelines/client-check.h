/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "client-options.h"

/* wzp-client --check: which of the relays answer, how soon, what they see of us, and what kind of NAT that means. One
 * socket a family asks all, each at two ports, so that what they see can be compared. And whether they answer by TLS on that port, too (negative: the
 * usual one; 0: not asked). Nobody joins anything. */
ClientExit client_check(char **relays, int tls_port, gboolean json, GError **error);
