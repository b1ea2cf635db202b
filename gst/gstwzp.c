/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpelements.h"
#include "gstwzpmeta.h"

static gboolean
plugin_init(GstPlugin *plugin)
{
  /* So that the metas are known by name as soon as the plugin is there. */
  gst_wzp_meta_get_info();
  gst_wzp_speech_meta_get_info();

  gboolean registered = FALSE;
  registered |= GST_ELEMENT_REGISTER(wzpenc, plugin);
  registered |= GST_ELEMENT_REGISTER(wzpfec, plugin);
  registered |= GST_ELEMENT_REGISTER(wzpjitter, plugin);
  registered |= GST_ELEMENT_REGISTER(wzpdec, plugin);
  registered |= GST_ELEMENT_REGISTER(wzpdenoise, plugin);
  registered |= GST_ELEMENT_REGISTER(wzpecho, plugin);
  registered |= GST_ELEMENT_REGISTER(wzpdemux, plugin);
  registered |= GST_ELEMENT_REGISTER(wzpcall, plugin);
  registered |= GST_ELEMENT_REGISTER(wzpmicrophone, plugin);
  registered |= GST_ELEMENT_REGISTER(wzpspeaker, plugin);
  registered |= GST_ELEMENT_REGISTER(wzpcrypt, plugin);
  registered |= GST_ELEMENT_REGISTER(wzpsink, plugin);
  registered |= GST_ELEMENT_REGISTER(wzpsrc, plugin);
  return registered;
}

#define GST_WZP_ORIGIN "https://github.com/warzonephone/wzp"

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, wzp,
                  "Encrypted voice calls that survive bad networks", plugin_init, WZP_VERSION,
                  "MIT/X11", "warzonephone", GST_WZP_ORIGIN)
