/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-pipeline.h"
#include "client-recording.h"
#include <math.h>
#include <string.h>

#define TONE_SAMPLES 960 /* of a buffer: 20 ms */
#define LEVEL_INTERVAL (250 * GST_MSECOND)

static gboolean fail(GError **error, ClientExit code, const char *format, ...) G_GNUC_PRINTF(3, 4);

static gboolean
fail(GError **error, ClientExit code, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  char *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_set_error_literal(error, CLIENT_ERROR, (gint)code, text);
  g_free(text);
  return FALSE;
}

gboolean
client_pipeline_find_plugin(GError **error)
{
  char *program = g_file_read_link("/proc/self/exe", NULL);
  char *folder = program ? g_path_get_dirname(program) : NULL;
  char *built = folder ? g_build_filename(folder, "..", "gst", "libgstwzp.so", NULL) : NULL;
  if (built && g_file_test(built, G_FILE_TEST_EXISTS)) {
    GstPlugin *plugin = gst_plugin_load_file(built, NULL);
    g_clear_pointer(&plugin, gst_object_unref);
  }
  g_free(built);
  g_free(folder);
  g_free(program);
  GstElementFactory *factory = gst_element_factory_find("wzpcall");
  if (!factory)
    return fail(error, CLIENT_LOCAL,
                "the GStreamer plugin 'wzp' is not found; install it or set GST_PLUGIN_PATH to the "
                "folder of libgstwzp.so");
  gst_object_unref(factory);
  return TRUE;
}

/* Makes an element and puts it into the bin. */
static GstElement *
add(GstBin *bin, const char *factory, const char *name, GError **error)
{
  GstElement *element = gst_element_factory_make(factory, name);
  if (element)
    gst_bin_add(bin, element);
  else
    fail(error, CLIENT_LOCAL, "the GStreamer element '%s' is missing; is its package installed?",
         factory);
  return element;
}

static GstElement *
add_device(GstBin *bin, const char *factory, const char *name, GError **error)
{
  GstElement *device = add(bin, factory, NULL, error);
  if (device)
    g_object_set(device, "device", name, NULL);
  return device;
}

static GstElement *
add_caps(GstBin *bin, const char *text, GError **error)
{
  GstElement *filter = add(bin, "capsfilter", NULL, error);
  if (filter) {
    GstCaps *caps = gst_caps_from_string(text);
    g_object_set(filter, "caps", caps, NULL);
    gst_caps_unref(caps);
  }
  return filter;
}

/* Links from, then each element of the list (NULL at its end), then to. */
static gboolean
link_line(GError **error, GstElement *from, ...)
{
  va_list elements;
  va_start(elements, from);
  GstElement *next;
  gboolean good = TRUE;
  while (good && (next = va_arg(elements, GstElement *))) {
    good = gst_element_link(from, next);
    if (!good)
      fail(error, CLIENT_LOCAL, "'%s' and '%s' cannot be linked", GST_ELEMENT_NAME(from),
           GST_ELEMENT_NAME(next));
    from = next;
  }
  va_end(elements);
  return good;
}

/* "level" measures once more at the end, and without a format it would divide by a rate of 0: an end before
 * the beginning goes around it. */
static GstPadProbeReturn
lead_end_around(GstPad *pad, GstPadProbeInfo *info, gpointer after)
{
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT(info);
  if (GST_EVENT_TYPE(event) != GST_EVENT_EOS || gst_pad_has_current_caps(pad))
    return GST_PAD_PROBE_OK;
  gst_pad_push_event(after, gst_event_ref(event));
  return GST_PAD_PROBE_DROP;
}

static GstElement *
add_level(GstBin *bin, const char *name, GError **error)
{
  GstElement *level = add(bin, "level", name, error);
  if (!level)
    return NULL;
  g_object_set(level, "interval", (guint64)LEVEL_INTERVAL, "post-messages", TRUE, NULL);
  GstPad *pad = gst_element_get_static_pad(level, "sink");
  GstPad *after = gst_element_get_static_pad(level, "src");
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, lead_end_around, after,
                    gst_object_unref);
  gst_object_unref(pad);
  return level;
}

/* --- what is sent --- */

static void
on_decoded_pad(GstElement *decoder, GstPad *pad, gpointer data)
{
  (void)decoder;
  GstElement *next = data;
  GstCaps *caps = gst_pad_query_caps(pad, NULL);
  const char *media = gst_structure_get_name(gst_caps_get_structure(caps, 0));
  GstPad *sink = gst_element_get_static_pad(next, "sink");
  if (g_str_has_prefix(media, "audio/") && !gst_pad_is_linked(sink))
    gst_pad_link(pad, sink);
  gst_object_unref(sink);
  gst_caps_unref(caps);
}

static void
on_all_pads(GstElement *decoder, gpointer data)
{
  GstElement *next = data;
  GstPad *sink = gst_element_get_static_pad(next, "sink");
  if (!gst_pad_is_linked(sink))
    GST_ELEMENT_ERROR(decoder, STREAM, WRONG_TYPE, ("There is no audio in this file."), (NULL));
  gst_object_unref(sink);
}

/* Bare G.722 has no header to be recognised by. A byte of it is a sample of mu-law as far as time goes,
 * and that parser is what gives its bytes times. */
static GstElement *
add_g722(GstBin *bin, GstElement *file, GError **error)
{
  GstElement *parser = add(bin, "rawaudioparse", NULL, error);
  GstElement *setter = parser ? add(bin, "capssetter", NULL, error) : NULL;
  GstElement *decoder = setter ? add(bin, "avdec_g722", NULL, error) : NULL;
  if (!decoder)
    return NULL;
  GstCaps *caps = gst_caps_from_string("audio/G722,rate=16000,channels=1");
  gst_util_set_object_arg(G_OBJECT(parser), "format", "mulaw");
  g_object_set(parser, "sample-rate", 8000, "num-channels", 1, NULL);
  g_object_set(setter, "join", FALSE, "replace", TRUE, "caps", caps, NULL);
  gst_caps_unref(caps);
  return link_line(error, file, parser, setter, decoder, NULL) ? decoder : NULL;
}

static gboolean
add_file(GstBin *bin, const char *path, GstElement *next, GError **error)
{
  if (!g_file_test(path, G_FILE_TEST_EXISTS))
    return fail(error, CLIENT_LOCAL, "there is no file '%s' to send", path);
  GstElement *file = add(bin, "filesrc", NULL, error);
  if (!file)
    return FALSE;
  g_object_set(file, "location", path, NULL);
  char *lower = g_ascii_strdown(path, -1);
  const gboolean g722 = g_str_has_suffix(lower, ".g722");
  g_free(lower);
  if (g722) {
    GstElement *decoder = add_g722(bin, file, error);
    return decoder && link_line(error, decoder, next, NULL);
  }
  GstElement *decoder = add(bin, "decodebin", NULL, error);
  if (!decoder)
    return FALSE;
  g_signal_connect(decoder, "pad-added", G_CALLBACK(on_decoded_pad), next);
  g_signal_connect(decoder, "no-more-pads", G_CALLBACK(on_all_pads), next);
  return link_line(error, file, decoder, NULL);
}

static gboolean
add_tone(GstBin *bin, double seconds, GstElement *next, GError **error)
{
  GstElement *tone = add(bin, "audiotestsrc", NULL, error);
  GstElement *caps = tone ? add_caps(bin, CLIENT_RECORDING_CAPS, error) : NULL;
  if (!caps)
    return FALSE;
  const double buffers = ceil(seconds * CLIENT_RECORDING_RATE / TONE_SAMPLES);
  g_object_set(tone, "freq", 440., "volume", .3, "samplesperbuffer", TONE_SAMPLES, "num-buffers",
               (gint)buffers, NULL);
  return link_line(error, tone, caps, next, NULL);
}

static gboolean
add_sending(ClientPipeline *self, const ClientOptions *options, GError **error)
{
  GstBin *bin = GST_BIN(self->pipeline);
  GstElement *convert = add(bin, "audioconvert", NULL, error);
  GstElement *resample = convert ? add(bin, "audioresample", NULL, error) : NULL;
  GstElement *level = resample ? add_level(bin, CLIENT_LEVEL_SENT, error) : NULL;
  if (!level || !link_line(error, convert, resample, level, self->call, NULL))
    return FALSE;
  if (options->send_file)
    return add_file(bin, options->send_file, convert, error);
  if (options->live) {
    GstElement *microphone = add_device(bin, "wzpmicrophone", options->microphone, error);
    return microphone && link_line(error, microphone, convert, NULL);
  }
  return add_tone(bin, options->send_tone, convert, error);
}

/* --- what is heard --- */

static gboolean
add_branch(GstBin *bin, GstElement *tee, GstElement *sink, GError **error)
{
  GstElement *queue = add(bin, "queue", NULL, error);
  return queue && link_line(error, tee, queue, sink, NULL);
}

static gboolean
add_hearing(ClientPipeline *self, const ClientOptions *options, const char *recording,
            GError **error)
{
  GstBin *bin = GST_BIN(self->pipeline);
  GstElement *convert = add(bin, "audioconvert", NULL, error);
  GstElement *resample = convert ? add(bin, "audioresample", NULL, error) : NULL;
  GstElement *caps = resample ? add_caps(bin, CLIENT_RECORDING_CAPS, error) : NULL;
  GstElement *level = caps ? add_level(bin, CLIENT_LEVEL_HEARD, error) : NULL;
  GstElement *tee = level ? add(bin, "tee", NULL, error) : NULL;
  if (!tee || !link_line(error, self->call, convert, resample, caps, level, tee, NULL))
    return FALSE;
  if (recording) {
    GstElement *file = add(bin, "filesink", CLIENT_RECORDING_SINK, error);
    if (!file)
      return FALSE;
    g_object_set(file, "location", recording, "append", TRUE, "async", FALSE, "sync", FALSE, NULL);
    if (!add_branch(bin, tee, file, error))
      return FALSE;
  }
  if (options->live) {
    GstElement *speaker = add_device(bin, "wzpspeaker", options->speaker, error);
    return speaker && add_branch(bin, tee, speaker, error);
  }
  return TRUE;
}

/* --- the call --- */

gint64
client_moment(const gint64 *moment)
{
  return __atomic_load_n(moment, __ATOMIC_ACQUIRE);
}

static GstPadProbeReturn
on_first_buffer(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
  (void)pad;
  (void)info;
  gint64 *moment = data;
  __atomic_store_n(moment, g_get_monotonic_time(), __ATOMIC_RELEASE);
  return GST_PAD_PROBE_REMOVE;
}

static void
watch_first_buffer(GstElement *element, const char *pad_name, gint64 *moment)
{
  GstPad *pad = gst_element_get_static_pad(element, pad_name);
  gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST,
                    on_first_buffer, moment, NULL);
  gst_object_unref(pad);
}

static void
on_element_added(GstBin *pipeline, GstBin *bin, GstElement *element, gpointer data)
{
  (void)pipeline;
  (void)bin;
  ClientPipeline *self = data;
  GstElementFactory *factory = gst_element_get_factory(element);
  if (factory && g_str_equal(GST_OBJECT_NAME(factory), "wzpsink"))
    watch_first_buffer(element, "sink", &self->moments.first_sent);
}

/* A property that is one of some names. */
static gboolean
set_choice(GstElement *call, const char *property, const char *name, GError **error)
{
  GParamSpec *pspec = g_object_class_find_property(G_OBJECT_GET_CLASS(call), property);
  GEnumClass *choices = G_PARAM_SPEC_ENUM(pspec)->enum_class;
  const GEnumValue *value = g_enum_get_value_by_nick(choices, name);
  if (value) {
    g_object_set(call, property, value->value, NULL);
    return TRUE;
  }
  GString *names = g_string_new(NULL);
  for (guint i = 0; i < choices->n_values; i++)
    g_string_append_printf(names, "%s%s", i ? ", " : "", choices->values[i].value_nick);
  fail(error, CLIENT_USAGE, "there is no %s '%s'; there are %s", property, name, names->str);
  g_string_free(names, TRUE);
  return FALSE;
}

/* Who names a profile wants that one, unless he says otherwise. */
static gboolean
set_quality(GstElement *call, const ClientOptions *options, GError **error)
{
  const char *tier = options->tier ? options->tier : options->profile ? "manual" : "auto";
  return (!options->profile || set_choice(call, "profile", options->profile, error)) &&
         set_choice(call, "tier", tier, error) &&
         (!options->network_hint || set_choice(call, "network-hint", options->network_hint, error));
}

/* What live sound needs, unless it is said otherwise. */
static gboolean
set_sound(GstElement *call, const ClientOptions *options, GError **error)
{
  const char *usual = options->live ? "on" : "off";
  return set_choice(call, "echo-cancel", options->echo_cancel ? options->echo_cancel : usual,
                    error) &&
         set_choice(call, "gain-control", options->gain_control ? options->gain_control : usual,
                    error);
}

static gboolean
set_latency(GstElement *call, int latency, GError **error)
{
  GParamSpec *pspec = g_object_class_find_property(G_OBJECT_GET_CLASS(call), "latency");
  const GParamSpecUInt *range = G_PARAM_SPEC_UINT(pspec);
  if ((guint)latency < range->minimum || (guint)latency > range->maximum)
    return fail(error, CLIENT_USAGE, "--latency is milliseconds from %u to %u, not %d",
                range->minimum, range->maximum, latency);
  g_object_set(call, "latency", (guint)latency, NULL);
  return TRUE;
}

static gboolean
configure_call(GstElement *call, const ClientOptions *options, const char *seed_file,
               GError **error)
{
  g_object_set(call, "uri", options->uri, "identity", seed_file, "end-on-leave", TRUE, NULL);
  if (options->room_passphrase_file)
    g_object_set(call, "room-passphrase-file", options->room_passphrase_file, NULL);
  if (options->list)
    g_object_set(call, "list", options->list, "list-owner", options->list_owner, NULL);
  if (options->contacts)
    g_object_set(call, "contacts", options->contacts, NULL);
  if (options->call_name)
    g_object_set(call, "peer-name", options->call_name, NULL);
  gst_util_set_object_arg(G_OBJECT(call), "accept-mode", options->trusted ? "trusted" : "private");
  if (options->known_relays)
    g_object_set(call, "known-relays", options->known_relays, NULL);
  if (options->token_file)
    g_object_set(call, "token-file", options->token_file, "token-at-first-use",
                 options->token_at_first_use, NULL);
  if (options->accept_new_relay_key)
    g_object_set(call, "accept-new-relay-key", TRUE, NULL);
  if (options->connect_timeout > 0)
    g_object_set(call, "connect-timeout",
                 (guint)CLAMP(options->connect_timeout * 1000, 1, G_MAXINT), NULL);
  if (options->tls_port >= 0)
    g_object_set(call, "tls-port", (guint)options->tls_port, NULL);
  if (options->dtx)
    g_object_set(call, "dtx", TRUE, NULL);
  if (!set_quality(call, options, error) ||
      (options->denoise && !set_choice(call, "denoise", options->denoise, error)) ||
      !set_sound(call, options, error))
    return FALSE;
  return options->latency == CLIENT_LATENCY_NOT_GIVEN || set_latency(call, options->latency, error);
}

gboolean
client_pipeline_build(ClientPipeline *self, const ClientOptions *options, const char *seed_file,
                      const char *recording, GError **error)
{
  self->pipeline = gst_pipeline_new("wzp-client");
  /* the end of what is sent is news even while there is still something to hear */
  g_object_set(self->pipeline, "message-forward", TRUE, NULL);
  g_signal_connect(self->pipeline, "deep-element-added", G_CALLBACK(on_element_added), self);
  self->call = add(GST_BIN(self->pipeline), "wzpcall", "call", error);
  if (!self->call || !configure_call(self->call, options, seed_file, error))
    return FALSE;
  if (client_options_send(options) && !add_sending(self, options, error))
    return FALSE;
  if (!client_options_hear(options))
    return TRUE;
  watch_first_buffer(self->call, "src", &self->moments.first_heard);
  return add_hearing(self, options, recording, error);
}

void
client_pipeline_clear(ClientPipeline *self)
{
  if (!self->pipeline)
    return;
  /* decodebin, when it found nothing to decode, can refuse the way down once */
  if (gst_element_set_state(self->pipeline, GST_STATE_NULL) == GST_STATE_CHANGE_FAILURE)
    gst_element_set_state(self->pipeline, GST_STATE_NULL);
  gst_object_unref(self->pipeline);
  self->pipeline = self->call = NULL;
}
