/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "address.h"
#include "result.h"

/* As much STUN as finding one's own address takes: Binding requests, and the success response to them with one
 * attribute, as a relay writes and a client reads it. Two forms: RFC 5389 with its magic cookie and XOR-MAPPED-ADDRESS, and RFC 3489 without and with
 * MAPPED-ADDRESS, in which libnice 0.1.21 asks. Nothing here proves anything: the answer is only what somebody saw. */

#define WZP_STUN_REQUEST_MIN 20
#define WZP_STUN_REQUEST_MAX 576
#define WZP_STUN_RESPONSE_MAX 44 /* IPv6; IPv4: 32 */

typedef struct {
  bool classic;            /* RFC 3489 */
  uint8_t transaction[16]; /* with the cookie, which in the old form is part of it */
} WzpStunRequest;

/* WZP_UNKNOWN_KIND: no Binding request. WZP_UNSUPPORTED: an attribute that must be understood; such a request is of
 * another use of STUN, or wants the answer sent elsewhere. Others (from 0x8000 on) are passed over. */
WzpResult wzp_stun_request_parse(WzpStunRequest *request, const uint8_t *data, size_t length);
/* What the sender of the request looks like from here. Returns the length. */
size_t wzp_stun_response_write(uint8_t out[WZP_STUN_RESPONSE_MAX], const WzpStunRequest *request,
                               const WzpAddress *observed);

/* A request of the newer form; the cookie is put into the transaction. */
void wzp_stun_request_write(uint8_t out[WZP_STUN_REQUEST_MIN], uint8_t transaction[16]);
/* The answer to it. WZP_UNEXPECTED: to another one. WZP_UNKNOWN_KIND: no success response. WZP_MALFORMED: without an address
 * of that form. Other attributes are passed over. */
WzpResult wzp_stun_response_parse(WzpAddress *observed, const uint8_t transaction[16],
                                  const uint8_t *data, size_t length);
