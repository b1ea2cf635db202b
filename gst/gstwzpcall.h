/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "gstwzpendpoint.h"

G_BEGIN_DECLS

#define GST_TYPE_WZP_CALL (gst_wzp_call_get_type())
G_DECLARE_FINAL_TYPE(GstWzpCall, gst_wzp_call, GST, WZP_CALL, GstBin)

G_END_DECLS
