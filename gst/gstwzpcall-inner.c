/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpcall-inner.h"
#include "gstwzpelements.h"

static const struct {
  const gchar *factory;
  GType (*type)(void);
  const gchar *property;
} inner[GST_WZP_CALL_INNER_N_PROPS] = {
    {"wzpenc", gst_wzp_enc_get_type, "profile"},
    {"wzpjitter", gst_wzp_jitter_get_type, "latency"},
    {"wzpjitter", gst_wzp_jitter_get_type, "max-latency"},
    {"wzpfec", gst_wzp_fec_get_type, "scheme"},
    {"wzpfec", gst_wzp_fec_get_type, "overhead"},
    {"wzpfec", gst_wzp_fec_get_type, "max-delay"},
    {"wzpfec", gst_wzp_fec_get_type, "budget"},
    {"wzpfec", gst_wzp_fec_get_type, "frames-per-packet"},
    {"wzpfec", gst_wzp_fec_get_type, "constant-size"},
    {"wzpenc", gst_wzp_enc_get_type, "dtx"},
    {"wzpfec", gst_wzp_fec_get_type, "tier"},
    {"wzpfec", gst_wzp_fec_get_type, "network-hint"},
    {"wzpdenoise", gst_wzp_denoise_get_type, "strength"},
};
#define N_INNER GST_WZP_CALL_INNER_N_PROPS
#define INNER_LATENCY 1
#define INNER_DENOISE (N_INNER - 1) /* under a name that says of what, and off at first */

static const gchar *
inner_name(guint n)
{
  return n == INNER_DENOISE ? "denoise" : inner[n].property;
}

/* A property of an element inside: its range, default and words are those of the element. */
static void
install(GObjectClass *object_class, guint first, guint n)
{
  const GParamFlags flags =
      G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;
  const gchar *name = inner_name(n);
  GObjectClass *inner_class = g_type_class_ref(inner[n].type()); /* kept: its strings are static */
  GParamSpec *theirs = g_object_class_find_property(inner_class, inner[n].property), *ours;
  const gchar *nick = g_param_spec_get_nick(theirs), *blurb = g_param_spec_get_blurb(theirs);
  if (G_IS_PARAM_SPEC_ENUM(theirs)) {
    ours =
        g_param_spec_enum(name, nick, blurb, theirs->value_type,
                          n == INNER_DENOISE ? 0 : G_PARAM_SPEC_ENUM(theirs)->default_value, flags);
  } else if (G_IS_PARAM_SPEC_INT(theirs)) {
    const GParamSpecInt *range = G_PARAM_SPEC_INT(theirs);
    ours = g_param_spec_int(name, nick, blurb, range->minimum, range->maximum, range->default_value,
                            flags);
  } else if (G_IS_PARAM_SPEC_BOOLEAN(theirs)) {
    ours =
        g_param_spec_boolean(name, nick, blurb, G_PARAM_SPEC_BOOLEAN(theirs)->default_value, flags);
  } else {
    const GParamSpecUInt *range = G_PARAM_SPEC_UINT(theirs);
    ours = g_param_spec_uint(name, nick, blurb, range->minimum, range->maximum,
                             range->default_value, flags);
  }
  g_object_class_install_property(object_class, first + n, ours);
}

void
gst_wzp_call_inner_class_init(GObjectClass *klass, guint first)
{
  for (guint n = 0; n < N_INNER; n++)
    install(klass, first, n);
}

void
gst_wzp_call_inner_init(GstWzpCallInner *self, GstElement *call)
{
  self->call = call;
  for (guint n = 0; n < N_INNER; n++)
    g_value_init(&self->values[n],
                 g_object_class_find_property(G_OBJECT_GET_CLASS(call), inner_name(n))->value_type);
}

gboolean
gst_wzp_call_inner_set_property(GstWzpCallInner *self, guint n, const GValue *value)
{
  if (n >= N_INNER)
    return FALSE;
  GST_OBJECT_LOCK(self->call);
  g_value_copy(value, &self->values[n]);
  GST_OBJECT_UNLOCK(self->call);
  if (n == INNER_LATENCY)
    gst_element_post_message(self->call, gst_message_new_latency(GST_OBJECT(self->call)));
  return TRUE;
}

gboolean
gst_wzp_call_inner_get_property(GstWzpCallInner *self, guint n, GValue *value)
{
  if (n >= N_INNER)
    return FALSE;
  GST_OBJECT_LOCK(self->call);
  g_value_copy(&self->values[n], value);
  GST_OBJECT_UNLOCK(self->call);
  return TRUE;
}

void
gst_wzp_call_inner_bind(GstBin *call, const gchar *factory, GstElement *element)
{
  for (guint n = 0; n < N_INNER; n++)
    if (g_str_equal(factory, inner[n].factory))
      g_object_bind_property(call, inner_name(n), element, inner[n].property,
                             G_BINDING_SYNC_CREATE);
}
