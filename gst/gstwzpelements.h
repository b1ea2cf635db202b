/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_WZP_AUTHOR "WarzonePhone <https://github.com/warzonephone/wzp>"

/* One line an element: plugin_init registers each of them by GST_ELEMENT_REGISTER(name, plugin), and
 * the element's file defines it with GST_ELEMENT_REGISTER_DEFINE. */
GST_ELEMENT_REGISTER_DECLARE(wzpcall)
GST_ELEMENT_REGISTER_DECLARE(wzpenc)
GST_ELEMENT_REGISTER_DECLARE(wzpfec)
GST_ELEMENT_REGISTER_DECLARE(wzpjitter)
GST_ELEMENT_REGISTER_DECLARE(wzpdec)
GST_ELEMENT_REGISTER_DECLARE(wzpdemux)
GST_ELEMENT_REGISTER_DECLARE(wzpdenoise)
GST_ELEMENT_REGISTER_DECLARE(wzpecho)
GST_ELEMENT_REGISTER_DECLARE(wzpmicrophone)
GST_ELEMENT_REGISTER_DECLARE(wzpspeaker)
GST_ELEMENT_REGISTER_DECLARE(wzpcrypt)
GST_ELEMENT_REGISTER_DECLARE(wzpsink)
GST_ELEMENT_REGISTER_DECLARE(wzpsrc)

/* Whose properties wzpcall shows as its own. */
GType gst_wzp_denoise_get_type(void);
GType gst_wzp_enc_get_type(void);
GType gst_wzp_fec_get_type(void);
GType gst_wzp_jitter_get_type(void);

G_END_DECLS
