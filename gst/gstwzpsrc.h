/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "gstwzpendpoint.h"
#include <gst/base/gstpushsrc.h>

G_BEGIN_DECLS

#define GST_TYPE_WZP_SRC (gst_wzp_src_get_type())
G_DECLARE_FINAL_TYPE(GstWzpSrc, gst_wzp_src, GST, WZP_SRC, GstPushSrc)

/* The custom downstream event that wzpsrc sends when a member left: one field, slot (uint). */
#define GST_WZP_EVENT_MEMBER_LEFT "wzp-member-left"

G_END_DECLS
