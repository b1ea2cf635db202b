/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "wzpsession.h"
#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

#define GST_TYPE_WZP_CRYPT (gst_wzp_crypt_get_type())
G_DECLARE_FINAL_TYPE(GstWzpCrypt, gst_wzp_crypt, GST, WZP_CRYPT, GstBaseTransform)

#define GST_TYPE_WZP_CRYPT_DIRECTION (gst_wzp_crypt_direction_get_type())
GType gst_wzp_crypt_direction_get_type(void);
typedef enum { GST_WZP_CRYPT_NONE, GST_WZP_CRYPT_SEAL, GST_WZP_CRYPT_OPEN } GstWzpCryptDirection;

G_END_DECLS
