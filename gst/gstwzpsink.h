/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "gstwzpendpoint.h"
#include <gst/base/gstbasesink.h>

G_BEGIN_DECLS

#define GST_TYPE_WZP_SINK (gst_wzp_sink_get_type())
G_DECLARE_FINAL_TYPE(GstWzpSink, gst_wzp_sink, GST, WZP_SINK, GstBaseSink)

G_END_DECLS
