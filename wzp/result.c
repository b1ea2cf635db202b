/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "result.h"
#include <stddef.h>

static const char *const names[WZP_N_RESULTS] = {
    [WZP_OK] = "ok",
    [WZP_TRUNCATED] = "truncated",
    [WZP_TOO_LONG] = "too-long",
    [WZP_UNKNOWN_KIND] = "unknown-kind",
    [WZP_MALFORMED] = "malformed",
    [WZP_UNSUPPORTED] = "unsupported",
    [WZP_BAD_COOKIE] = "bad-cookie",
    [WZP_BAD_TAG] = "bad-tag",
    [WZP_BAD_SIGNATURE] = "bad-signature",
    [WZP_BAD_COMMITMENT] = "bad-commitment",
    [WZP_WRONG_IDENTITY] = "wrong-identity",
    [WZP_OWN_IDENTITY] = "own-identity",
    [WZP_WEAK_KEY] = "weak-key",
    [WZP_UNEXPECTED] = "unexpected",
    [WZP_UNKNOWN_SESSION] = "unknown-session",
    [WZP_UNKNOWN_SENDER] = "unknown-sender",
    [WZP_WRONG_SLOT] = "wrong-slot",
    [WZP_NO_KEY] = "no-key",
    [WZP_REPLAYED] = "replayed",
    [WZP_TOO_OLD] = "too-old",
    [WZP_NOT_CONNECTED] = "not-connected",
    [WZP_NO_RECEIVER] = "no-receiver",
    [WZP_RATE_LIMITED] = "rate-limited",
    [WZP_QUEUE_FULL] = "queue-full",
    [WZP_ROOM_FULL] = "room-full",
    [WZP_BUFFER_TOO_SMALL] = "buffer-too-small",
    [WZP_UNKNOWN_SOURCE] = "unknown-source",
    [WZP_NOT_ALLOWED] = "not-allowed",
};

const char *
wzp_result_name(WzpResult result)
{
  if ((unsigned)result >= WZP_N_RESULTS || names[result] == NULL)
    return "unknown-result";
  return names[result];
}
