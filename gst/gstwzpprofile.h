/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <gst/gst.h>

G_BEGIN_DECLS

/* The profiles of wzp/profile.h as an enum of GObject: values are numbers in their table, nicks their names. */

#define GST_TYPE_WZP_PROFILE (gst_wzp_profile_get_type())
GType gst_wzp_profile_get_type(void);
/* -1: there is none of that name. */
gint gst_wzp_profile_find(const gchar *name);
gint gst_wzp_profile_default(void);

G_END_DECLS
