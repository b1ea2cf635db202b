/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* wzpsrc, wzpsink, wzpcrypt and wzpcall as elements: links, states, properties, URI handler. */
#include "call-rig.h"
#include <string.h>

#define NOWHERE "uri=wzp://127.0.0.1:9/room connect-timeout=0 KNOWN"

/* --- a line without wzpcrypt does not link --- */

static void
expect_no_link(const char *line)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GstElement) pipeline =
      gst_parse_launch_full(line, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error);
  g_assert_null(pipeline);
  g_assert_error(error, GST_PARSE_ERROR, GST_PARSE_ERROR_LINK);
}

static void
test_links(void)
{
  expect_no_link("audiotestsrc ! wzpenc ! wzpfec ! wzpsink");
  expect_no_link("audiotestsrc ! wzpenc ! wzpcrypt ! wzpsink");
  expect_no_link("audiotestsrc ! wzpsink");
  expect_no_link("wzpsrc ! wzpfec ! wzpjitter ! wzpdec ! fakesink");
  expect_no_link("wzpsrc ! wzpdec ! fakesink");
  expect_no_link("wzpsrc ! wzpcrypt ! wzpcrypt ! wzpfec ! fakesink");
  GstElement *whole = rig_parse("audiotestsrc ! wzpenc ! wzpfec ! wzpcrypt ! wzpsink wzpsrc ! "
                                "wzpcrypt ! wzpfec ! wzpjitter ! wzpdec ! fakesink");
  rig_stop(whole);
}

/* --- states --- */

static const char *const lines[] = {
    "wzpsrc " NOWHERE " ! fakesink",
    RIG_BUNDLES " ! wzpcrypt ! wzpsink " NOWHERE,
    "wzpsrc " NOWHERE " ! wzpcrypt ! fakesink " RIG_BUNDLES " ! wzpcrypt ! wzpsink",
    "wzpcall " NOWHERE " ! fakesink",
    "audiotestsrc is-live=true ! wzpcall " NOWHERE " ! fakesink",
    "audiotestsrc ! wzpcall " NOWHERE,
    "audiotestsrc ! wzpcall wait-for-peer=false " NOWHERE " ! fakesink",
};

/* Also the unlock test: each of these sources is stopped while it waits for what never comes. */
static void
test_ladder(gconstpointer line)
{
  rig_set_up();
  GstElement *pipeline = rig_parse("%s", (const char *)line);
  for (unsigned round = 0; round < 100; round++) {
    static const GstState way[] = {GST_STATE_READY,  GST_STATE_PAUSED,  GST_STATE_PLAYING,
                                   GST_STATE_PAUSED, GST_STATE_PLAYING, GST_STATE_READY,
                                   GST_STATE_PAUSED, GST_STATE_NULL};
    for (guint n = 0; n < G_N_ELEMENTS(way); n++)
      g_assert_cmpint(gst_element_set_state(pipeline, way[n]), !=, GST_STATE_CHANGE_FAILURE);
  }
  g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
  g_autoptr(GstMessage) error = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
  g_assert_null(error);
  rig_stop(pipeline);
  rig_tear_down();
}

/* A fault in the middle of a start leaves nothing behind: the same element starts when it is mended. */
static void
test_failed_start(void)
{
  const char *names[] = {"wzpsrc", "wzpsink", "wzpcall"};
  rig_set_up();
  g_autofree char *known = rig_path("known-relays");
  for (guint n = 0; n < G_N_ELEMENTS(names); n++) {
    GstElement *element = gst_element_factory_make(names[n], NULL);
    gst_object_ref_sink(element);
    g_object_set(element, "uri", "wzp://127.0.0.1:9/room", "known-relays", known, "relay",
                 "nonsense", NULL);
    g_assert_cmpint(gst_element_set_state(element, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
    gst_element_set_state(element, GST_STATE_NULL);
    g_object_set(element, "relay", NULL, NULL);
    g_assert_cmpint(gst_element_set_state(element, GST_STATE_PAUSED), ==,
                    GST_STATE_CHANGE_NO_PREROLL);
    gst_element_set_state(element, GST_STATE_NULL);
    gst_object_unref(element);
  }
  rig_tear_down();
}

static void
test_live(void)
{
  GstElement *source = gst_object_ref_sink(gst_element_factory_make("wzpsrc", NULL));
  g_autoptr(GstPad) pad = gst_element_get_static_pad(source, "src");
  GstQuery *query = gst_query_new_latency();
  gboolean live = FALSE;
  GstClockTime min = 1, max = 1;
  g_assert_true(gst_pad_query(pad, query));
  gst_query_parse_latency(query, &live, &min, &max);
  g_assert_true(live);
  g_assert_cmpuint(min, ==, 0);
  gst_query_unref(query);
  gst_object_unref(source);
}

/* --- properties --- */

static void
try_number(GObject *object, GParamSpec *pspec)
{
  guint limits[] = {G_PARAM_SPEC_UINT(pspec)->minimum, G_PARAM_SPEC_UINT(pspec)->maximum,
                    G_PARAM_SPEC_UINT(pspec)->default_value};
  for (guint n = 0; n < G_N_ELEMENTS(limits); n++) {
    guint value;
    g_object_set(object, pspec->name, limits[n], NULL);
    g_object_get(object, pspec->name, &value, NULL);
    g_assert_cmpuint(value, ==, limits[n]);
  }
}

static void
try_text(GObject *object, GParamSpec *pspec)
{
  const char *texts[] = {"", "x", "wzp://h/r", NULL};
  for (guint n = 0; n < G_N_ELEMENTS(texts); n++) {
    g_autofree char *value = NULL;
    g_object_set(object, pspec->name, texts[n], NULL);
    if (!(pspec->flags & G_PARAM_READABLE)) {
      g_assert_nonnull(strstr(pspec->name, "passphrase")); /* secrets only */
      continue;
    }
    g_object_get(object, pspec->name, &value, NULL);
    if (strcmp(pspec->name, "uri") != 0)
      g_assert_cmpstr(value, ==, texts[n]);
  }
}

static void
test_properties(void)
{
  const char *names[] = {"wzpsrc", "wzpsink", "wzpcrypt", "wzpcall"};
  for (guint n = 0; n < G_N_ELEMENTS(names); n++) {
    GstElement *element = gst_object_ref_sink(gst_element_factory_make(names[n], NULL));
    guint count;
    g_autofree GParamSpec **pspecs =
        g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &count);
    for (guint i = 0; i < count; i++) {
      if (pspecs[i]->owner_type != G_OBJECT_TYPE(element))
        continue;
      g_auto(GValue) value = G_VALUE_INIT;
      const char *blurb = g_param_spec_get_blurb(pspecs[i]);
      g_assert_true(blurb != NULL && strlen(blurb) > 5);
      if (!(pspecs[i]->flags & G_PARAM_WRITABLE)) {
        g_object_get_property(G_OBJECT(element), pspecs[i]->name, &value);
      } else if (G_IS_PARAM_SPEC_UINT(pspecs[i])) {
        try_number(G_OBJECT(element), pspecs[i]);
      } else if (G_IS_PARAM_SPEC_STRING(pspecs[i])) {
        try_text(G_OBJECT(element), pspecs[i]);
      } else if (G_IS_PARAM_SPEC_BOOLEAN(pspecs[i])) {
        for (gboolean on = FALSE; on <= TRUE; on++) {
          gboolean got;
          g_object_set(element, pspecs[i]->name, on, NULL);
          g_object_get(element, pspecs[i]->name, &got, NULL);
          g_assert_cmpint(got, ==, on);
        }
      }
    }
    gst_object_unref(element);
  }
}

static void
test_stats_before(void)
{
  const char *names[] = {"wzpsrc", "wzpsink", "wzpcrypt", "wzpcall"};
  for (guint n = 0; n < G_N_ELEMENTS(names); n++) {
    GstElement *element = gst_object_ref_sink(gst_element_factory_make(names[n], NULL));
    g_autoptr(GstStructure) stats = NULL;
    g_object_get(element, "stats", &stats, NULL);
    g_assert_nonnull(stats);
    gst_object_unref(element);
  }
}

/* The query sets properties by name; the room's secret is never given back. */
static void
test_uri(void)
{
  static const struct {
    GstURIType type;
    const char *name;
  } kinds[] = {{GST_URI_SRC, "wzpsrc"}, {GST_URI_SINK, "wzpsink"}};
  const char *uri = "wzp://relay.example/room?connect-timeout=5&identity=%2Fa%2Fb&session=s#"
                    "000102030405060708090a0b0c0d0e0f";
  for (guint n = 0; n < G_N_ELEMENTS(kinds); n++) {
    g_autoptr(GError) error = NULL;
    GstElement *element = gst_element_make_from_uri(kinds[n].type, uri, NULL, &error);
    g_assert_no_error(error);
    gst_object_ref_sink(element);
    g_assert_cmpstr(GST_OBJECT_NAME(gst_element_get_factory(element)), ==, kinds[n].name);
    guint timeout;
    g_autofree char *identity = NULL, *session = NULL, *shown = NULL;
    g_autofree char *handled = gst_uri_handler_get_uri(GST_URI_HANDLER(element));
    g_object_get(element, "connect-timeout", &timeout, "identity", &identity, "session", &session,
                 "uri", &shown, NULL);
    g_assert_cmpuint(timeout, ==, 5);
    g_assert_cmpstr(identity, ==, "/a/b");
    g_assert_cmpstr(session, ==, "s");
    g_assert_cmpstr(shown, ==, handled);
    g_assert_null(strchr(shown, '#'));

    g_assert_false(
        gst_uri_handler_set_uri(GST_URI_HANDLER(element), "wzp://h/r?nonsense=1", &error));
    g_assert_error(error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI);
    g_assert_nonnull(strstr(error->message, "'nonsense'"));
    gst_object_unref(element);
  }
}

static void
test_uri_while_running(void)
{
  rig_set_up();
  g_autoptr(GError) error = NULL;
  GstElement *pipeline = rig_play("wzpsrc name=in " NOWHERE " ! fakesink");
  g_autoptr(GstElement) source = gst_bin_get_by_name(GST_BIN(pipeline), "in");
  g_assert_false(gst_uri_handler_set_uri(GST_URI_HANDLER(source), "wzp://h/r", &error));
  g_assert_error(error, GST_URI_ERROR, GST_URI_ERROR_BAD_STATE);
  rig_stop(pipeline);
  rig_tear_down();
}

static void
test_call_uri(void)
{
  GstElement *call = gst_object_ref_sink(gst_element_factory_make("wzpcall", NULL));
  guint latency, other;
  gboolean wait;
  g_object_set(call, "uri", "wzp://h/r?latency=120&wait-for-peer=false&profile=opus-16k", NULL);
  g_object_get(call, "latency", &latency, "wait-for-peer", &wait, NULL);
  g_assert_cmpuint(latency, ==, 120);
  g_assert_false(wait);
  g_autofree char *profile = NULL;
  g_auto(GValue) value = G_VALUE_INIT;
  g_object_get_property(G_OBJECT(call), "profile", &value);
  profile = gst_value_serialize(&value);
  g_assert_cmpstr(profile, ==, "opus-16k");
  /* its limits are those of the elements inside */
  GstElement *jitter = gst_object_ref_sink(gst_element_factory_make("wzpjitter", NULL));
  GstElement *fresh = gst_object_ref_sink(gst_element_factory_make("wzpcall", NULL));
  g_object_get(jitter, "latency", &latency, NULL);
  g_object_get(fresh, "latency", &other, NULL);
  g_assert_cmpuint(latency, ==, other);
  gst_object_unref(jitter);
  gst_object_unref(fresh);
  gst_object_unref(call);
}

/* The session travels in a context, and a context can be printed. */
static void
test_context(void)
{
  rig_set_up();
  GstElement *pipeline =
      rig_parse("wzpsrc name=src uri=wzp://127.0.0.1:%u/room KNOWN ! fakesink", rig_free_port());
  g_assert_cmpint(gst_element_set_state(pipeline, GST_STATE_PAUSED), !=, GST_STATE_CHANGE_FAILURE);
  g_autoptr(GstElement) source = gst_bin_get_by_name(GST_BIN(pipeline), "src");
  g_autoptr(GstContext) context = gst_element_get_context(source, "wzp.session");
  g_assert_nonnull(context);
  g_autofree char *text = gst_structure_to_string(gst_context_get_structure(context));
  g_assert_nonnull(strstr(text, "session=(WzpSession)"));
  g_assert_null(strstr(text, "NULL"));
  rig_stop(pipeline);
  rig_tear_down();
}

int
main(int argc, char **argv)
{
  rig_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/endpoints/links", test_links);
  for (guint n = 0; n < G_N_ELEMENTS(lines); n++) {
    g_autofree char *path = g_strdup_printf("/endpoints/ladder/%u", n);
    g_test_add_data_func(path, lines[n], test_ladder);
  }
  g_test_add_func("/endpoints/failed-start", test_failed_start);
  g_test_add_func("/endpoints/live", test_live);
  g_test_add_func("/endpoints/properties", test_properties);
  g_test_add_func("/endpoints/stats-before", test_stats_before);
  g_test_add_func("/endpoints/uri", test_uri);
  g_test_add_func("/endpoints/uri-while-running", test_uri_while_running);
  g_test_add_func("/endpoints/call-uri", test_call_uri);
  g_test_add_func("/endpoints/context", test_context);
  return g_test_run();
}
