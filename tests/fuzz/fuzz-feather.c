/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/feather.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_payload(const WzpFeatherPayload *payload)
{
  WzpFeatherPayload again;
  if (payload->signal.kind == WZP_FEATHER_OTHER)
    return;
  g_autofree char *built = wzp_feather_payload_build(payload);
  g_assert_cmpint(wzp_feather_payload_parse(&again, built, strlen(built)), ==, WZP_OK);
  g_autofree char *rebuilt = wzp_feather_payload_build(&again);
  g_assert_cmpstr(built, ==, rebuilt);
}

/* What is read, as a whole call signal or as its payload, is written so that it reads the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  WzpFeatherPayload payload;
  WzpFeatherCall call, again;
  if (wzp_feather_payload_parse(&payload, data, size) == WZP_OK)
    check_payload(&payload);
  else
    g_assert_cmpstr(payload.signal.name, ==, "");
  if (wzp_feather_call_parse(&call, data, size) != WZP_OK)
    return 0;
  check_payload(&call.payload);
  if (call.payload.signal.kind == WZP_FEATHER_OTHER)
    return 0;
  g_autofree char *built = wzp_feather_call_build(&call);
  g_assert_cmpint(wzp_feather_call_parse(&again, built, strlen(built)), ==, WZP_OK);
  g_autofree char *rebuilt = wzp_feather_call_build(&again);
  g_assert_cmpstr(built, ==, rebuilt);
  return 0;
}
