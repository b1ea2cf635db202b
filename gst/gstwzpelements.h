/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <gst/gst.h>

G_BEGIN_DECLS

/* One line an element: plugin_init registers each of them by GST_ELEMENT_REGISTER(name, plugin), and
 * the element's file defines it with GST_ELEMENT_REGISTER_DEFINE. */

G_END_DECLS
