/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpprofile.h"
#include "wzp/profile.h"

/* The profiles of the table, under their names. */
GType
gst_wzp_profile_get_type(void)
{
  static gsize type;
  if (g_once_init_enter(&type)) {
    GArray *values = g_array_new(TRUE, TRUE, sizeof(GEnumValue));
    for (guint n = 0; wzp_profile_nth(n) != NULL; n++) {
      const WzpProfile *profile = wzp_profile_nth(n);
      GEnumValue value = {.value = (gint)n, .value_nick = profile->name};
      value.value_name =
          g_strdup_printf("%s %.3g kbit/s, %u ms, %u bytes a frame",
                          profile->codec == WZP_CODEC_OPUS ? "Opus" : "Codec2",
                          profile->bitrate / 1000.0, profile->frame_ms, profile->frame_bytes);
      g_array_append_val(values, value);
    }
    /* the type system keeps the values for good */
    gpointer kept = g_array_free(values, FALSE);
    g_once_init_leave(&type, g_enum_register_static("GstWzpProfile", kept));
  }
  return type;
}

gint
gst_wzp_profile_find(const gchar *name)
{
  const WzpProfile *wanted = wzp_profile_by_name(name);
  for (gint n = 0; wanted != NULL && wzp_profile_nth((guint)n) != NULL; n++)
    if (wzp_profile_nth((guint)n) == wanted)
      return n;
  return -1;
}

gint
gst_wzp_profile_default(void)
{
  return gst_wzp_profile_find(WZP_PROFILE_DEFAULT);
}
