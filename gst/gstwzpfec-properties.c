/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "gstwzpelements.h"
#include "gstwzpfec-private.h"

#define DEFAULT_SCHEME WZP_FEC_AUTO
#define DEFAULT_OVERHEAD WZP_FEC_OVERHEAD_AUTO
#define DEFAULT_MAX_DELAY 200
#define MAX_MAX_DELAY 2000
#define DEFAULT_BLOCK_SIZE 5
#define DEFAULT_WINDOW 0
#define DEFAULT_FRAMES_PER_PACKET 1
#define MAX_FRAMES_PER_PACKET 4
#define DEFAULT_BUDGET 0
#define DEFAULT_CONSTANT_SIZE FALSE
#define MAX_BUDGET 256000 /* what a relay lets one leg send */

enum {
  PROP_0,
  PROP_SCHEME,
  PROP_OVERHEAD,
  PROP_MAX_DELAY,
  PROP_BLOCK_SIZE,
  PROP_WINDOW,
  PROP_FRAMES_PER_PACKET,
  PROP_BUDGET,
  PROP_CONSTANT_SIZE,
  PROP_TIER,
  PROP_NETWORK_HINT,
  PROP_SESSION,
  PROP_DIRECTION,
  PROP_STATS,
  N_PROPS
};
static GParamSpec *properties[N_PROPS];

#define GST_TYPE_WZP_FEC_DIRECTION (gst_wzp_fec_direction_get_type())
static GType
gst_wzp_fec_direction_get_type(void)
{
  static gsize type;
  static const GEnumValue values[] = {
      {GST_WZP_FEC_NONE, "Not known before caps", "none"},
      {GST_WZP_FEC_PROTECT, "Frames to bundles", "protect"},
      {GST_WZP_FEC_RECOVER, "Bundles to frames", "recover"},
      {0, NULL, NULL},
  };
  if (g_once_init_enter(&type))
    g_once_init_leave(&type, g_enum_register_static("GstWzpFecDirection", values));
  return type;
}

#define GST_TYPE_WZP_FEC_SCHEME (gst_wzp_fec_scheme_get_type())
static GType
gst_wzp_fec_scheme_get_type(void)
{
  static gsize type;
  static const GEnumValue values[] = {
      {WZP_FEC_AUTO, "What loses least on the network as it is", "auto"},
      {WZP_FEC_SLIDING, "Repair over a window that moves with the frames", "sliding"},
      {WZP_FEC_BLOCK, "RaptorQ blocks, repair of three blocks interleaved", "block"},
      {WZP_FEC_COPIES, "Older frames again, as they were", "copies"},
      {WZP_FEC_NONE, "No repair", "none"},
      {0, NULL, NULL},
  };
  if (g_once_init_enter(&type))
    g_once_init_leave(&type, g_enum_register_static("GstWzpFecScheme", values));
  return type;
}

/* Of names that follow each other; the type system keeps the values for good. */
static GType
register_names(const gchar *type_name, const GEnumValue *first, const char *(*name)(guint),
               guint n_names)
{
  GArray *values = g_array_new(TRUE, TRUE, sizeof(GEnumValue));
  gint next = 0;
  for (; first != NULL && first->value_nick != NULL; first++, next++)
    g_array_append_val(values, *first);
  for (guint n = 0; n < n_names; n++) {
    const GEnumValue value = {next++, name(n), name(n)};
    g_array_append_val(values, value);
  }
  gpointer kept = g_array_free(values, FALSE);
  return g_enum_register_static(type_name, kept);
}

static const char *
tier_name(guint n)
{
  return wzp_tier_name((WzpTier)n);
}

static const char *
network_name(guint n)
{
  return wzp_network_name((WzpNetwork)n);
}

#define GST_TYPE_WZP_FEC_TIER (gst_wzp_fec_tier_get_type())
static GType
gst_wzp_fec_tier_get_type(void)
{
  static gsize type;
  static const GEnumValue settings[] = {
      {GST_WZP_FEC_TIER_AUTO, "As the way is", "auto"},
      {GST_WZP_FEC_TIER_COMPATIBLE, "By loss and round trip, as earlier versions did",
       "compatible"},
      {GST_WZP_FEC_TIER_MANUAL, "Profile, budget and packing as they are set", "manual"},
      {0, NULL, NULL},
  };
  if (g_once_init_enter(&type))
    g_once_init_leave(&type, register_names("GstWzpFecTier", settings, tier_name, WZP_N_TIERS));
  return type;
}

#define GST_TYPE_WZP_NETWORK (gst_wzp_network_get_type())
static GType
gst_wzp_network_get_type(void)
{
  static gsize type;
  if (g_once_init_enter(&type))
    g_once_init_leave(&type, register_names("GstWzpNetwork", NULL, network_name, WZP_N_NETWORKS));
  return type;
}

void
gst_wzp_fec_notify_direction(GstWzpFec *self)
{
  g_object_notify_by_pspec(G_OBJECT(self), properties[PROP_DIRECTION]);
}

void
gst_wzp_fec_init_properties(GstWzpFec *self)
{
  self->limits = (WzpFecLimits){.scheme = DEFAULT_SCHEME,
                                .overhead = DEFAULT_OVERHEAD,
                                .max_delay = DEFAULT_MAX_DELAY * WZP_MSEC,
                                .frames_per_packet = DEFAULT_FRAMES_PER_PACKET,
                                .block_size = DEFAULT_BLOCK_SIZE,
                                .window = DEFAULT_WINDOW,
                                .budget = DEFAULT_BUDGET,
                                .constant_size = DEFAULT_CONSTANT_SIZE};
}

static void
set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  GstWzpFec *self = GST_WZP_FEC(object);
  WzpFecLimits *limits = &self->limits;
  g_mutex_lock(&self->lock);
  switch (id) {
  case PROP_SCHEME:
    limits->scheme = (WzpFecScheme)g_value_get_enum(value);
    break;
  case PROP_OVERHEAD:
    limits->overhead = g_value_get_int(value);
    break;
  case PROP_MAX_DELAY:
    limits->max_delay = g_value_get_uint(value) * WZP_MSEC;
    break;
  case PROP_BLOCK_SIZE:
    limits->block_size = g_value_get_uint(value);
    break;
  case PROP_WINDOW:
    limits->window = g_value_get_uint(value);
    break;
  case PROP_FRAMES_PER_PACKET:
    limits->frames_per_packet = g_value_get_uint(value);
    break;
  case PROP_BUDGET:
    limits->budget = g_value_get_uint(value);
    break;
  case PROP_CONSTANT_SIZE:
    limits->constant_size = g_value_get_boolean(value);
    break;
  case PROP_TIER:
    self->tier = (GstWzpFecTier)g_value_get_enum(value);
    break;
  case PROP_NETWORK_HINT:
    self->network = (WzpNetwork)g_value_get_enum(value);
    break;
  case PROP_SESSION:
    g_free(self->session_name);
    self->session_name = g_value_dup_string(value);
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
  self->limits_changed |= id != PROP_SESSION;
  self->protect.budget_warned &= id == PROP_SESSION;
  self->protect.settings_changed = TRUE;
  g_mutex_unlock(&self->lock);
}

static GstStructure *
stats_locked(GstWzpFec *self)
{
  return self->recover.receiver != NULL ? gst_wzp_fec_recover_stats_locked(self)
                                        : gst_wzp_fec_protect_stats_locked(self);
}

static void
get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  GstWzpFec *self = GST_WZP_FEC(object);
  const WzpFecLimits *limits = &self->limits;
  g_mutex_lock(&self->lock);
  switch (id) {
  case PROP_SCHEME:
    g_value_set_enum(value, limits->scheme);
    break;
  case PROP_OVERHEAD:
    g_value_set_int(value, limits->overhead);
    break;
  case PROP_MAX_DELAY:
    g_value_set_uint(value, (guint)(limits->max_delay / WZP_MSEC));
    break;
  case PROP_BLOCK_SIZE:
    g_value_set_uint(value, limits->block_size);
    break;
  case PROP_WINDOW:
    g_value_set_uint(value, limits->window);
    break;
  case PROP_FRAMES_PER_PACKET:
    g_value_set_uint(value, limits->frames_per_packet);
    break;
  case PROP_BUDGET:
    g_value_set_uint(value, limits->budget);
    break;
  case PROP_CONSTANT_SIZE:
    g_value_set_boolean(value, limits->constant_size);
    break;
  case PROP_TIER:
    g_value_set_enum(value, (gint)self->tier);
    break;
  case PROP_NETWORK_HINT:
    g_value_set_enum(value, (gint)self->network);
    break;
  case PROP_SESSION:
    g_value_set_string(value, self->session_name);
    break;
  case PROP_DIRECTION:
    g_value_set_enum(value, self->direction);
    break;
  case PROP_STATS:
    g_value_take_boxed(value, stats_locked(self));
    break;
  default:
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
  g_mutex_unlock(&self->lock);
}

void
gst_wzp_fec_install_properties(GObjectClass *object_class)
{
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;
  const GParamFlags playing =
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;
  object_class->set_property = set_property;
  object_class->get_property = get_property;

  /**
   * GstWzpFec:scheme:
   *
   * Protect: how lost frames are brought back. All but "auto" are for comparison.
   *
   * Since: 0.1
   */
  properties[PROP_SCHEME] =
      g_param_spec_enum("scheme", "Scheme", "Protect: how lost frames are brought back",
                        GST_TYPE_WZP_FEC_SCHEME, DEFAULT_SCHEME, playing);
  /**
   * GstWzpFec:overhead:
   *
   * Protect: bytes of repair in percent of the frames' own. -1: what the loss that the other side reports
   * needs, and never less than a floor, which depends on the codec.
   *
   * Since: 0.1
   */
  properties[PROP_OVERHEAD] =
      g_param_spec_int("overhead", "Overhead",
                       "Protect: repair in percent of the frames' bytes; -1: as the network needs",
                       WZP_FEC_OVERHEAD_AUTO, WZP_FEC_OVERHEAD_MAX, DEFAULT_OVERHEAD, playing);
  /**
   * GstWzpFec:max-delay:
   *
   * Protect: how much later than its own packet a repaired frame may come. What the other side's playout waits, once
   * it reported that, is not exceeded in any case.
   *
   * Since: 0.1
   */
  properties[PROP_MAX_DELAY] = g_param_spec_uint(
      "max-delay", "Maximum delay",
      "Protect: how much later than its own packet a repaired frame may come, in ms", 0,
      MAX_MAX_DELAY, DEFAULT_MAX_DELAY, playing);
  /**
   * GstWzpFec:block-size:
   *
   * Protect: frames in a block of scheme=block.
   *
   * Since: 0.1
   */
  properties[PROP_BLOCK_SIZE] =
      g_param_spec_uint("block-size", "Block size", "Protect: frames in a block of scheme=block", 1,
                        WZP_FEC_BLOCK_SIZE_MAX, DEFAULT_BLOCK_SIZE, playing);
  /**
   * GstWzpFec:window:
   *
   * Protect: frames over which a repair of scheme=sliding goes.
   *
   * Since: 0.1
   */
  properties[PROP_WINDOW] = g_param_spec_uint(
      "window", "Window", "Protect: frames over which a repair goes; 0: as the network needs", 0,
      WZP_FEC_WINDOW_MAX, DEFAULT_WINDOW, playing);
  /**
   * GstWzpFec:frames-per-packet:
   *
   * Protect: how many frames share a packet. Where the codec has no code for so many (40 ms Opus has 1 and
   * 2), the packet gets as many as there is a code for. A change takes effect at the next frame. 0: what loses least
   * on the network as it is, within #GstWzpFec:budget; latency follows it.
   *
   * Since: 0.1
   */
  properties[PROP_FRAMES_PER_PACKET] =
      g_param_spec_uint("frames-per-packet", "Frames per packet",
                        "Protect: frames that share a packet; each above 1 saves headers and costs "
                        "a frame of latency; 0: as the network and the budget ask for",
                        0, MAX_FRAMES_PER_PACKET, DEFAULT_FRAMES_PER_PACKET, playing);
  /**
   * GstWzpFec:budget:
   *
   * Protect: what the stream may take on the wire, with all headers. The frames themselves are sent in any
   * case, with a WARNING when they alone take more; repair gets what they leave. 0: as much repair as the loss needs,
   * at most twice the frames' bytes.
   *
   * Since: 0.1
   */
  properties[PROP_BUDGET] =
      g_param_spec_uint("budget", "Budget",
                        "Protect: bit/s on the wire, all-in, frames and repair; below what the "
                        "frames take it is exceeded; 0: no limit",
                        0, MAX_BUDGET, DEFAULT_BUDGET, playing);
  /**
   * GstWzpFec:constant-size:
   *
   * Protect: all packets of a profile are as long as the longest, filled up with repair and padding, and the length changes
   * at most each five seconds: lengths then tell nobody what is said, and little of how the network is. A frame costs at
   * least as much again where there is any repair. Silence is told by packets that are not sent: leave #GstWzpEnc:dtx off.
   *
   * Since: 0.1
   */
  properties[PROP_CONSTANT_SIZE] =
      g_param_spec_boolean("constant-size", "Constant size",
                           "Protect: packets of one length, which changes at most each 5 s",
                           DEFAULT_CONSTANT_SIZE, playing);
  /**
   * GstWzpFec:tier:
   *
   * Protect, in a session: how well is spoken. "auto": as well as the way allows, and never better than the profile of
   * wzpenc; it is told by the upstream event `wzp-profile`. A tier: this one. "manual": what profile, budget and
   * packing say. The element message `wzp-quality` tells of changes.
   *
   * Since: 0.1
   */
  properties[PROP_TIER] = g_param_spec_enum(
      "tier", "Tier", "Protect: how well is spoken; auto: as well as the way allows, up to profile",
      GST_TYPE_WZP_FEC_TIER, GST_WZP_FEC_TIER_AUTO, playing);
  /**
   * GstWzpFec:network-hint:
   *
   * Protect: the application knows which network it is on. From Wi-Fi or wire to cellular the tier goes down one step at
   * once; with every change there is more repair for 10 s, and the way is measured anew.
   *
   * Since: 0.1
   */
  properties[PROP_NETWORK_HINT] = g_param_spec_enum(
      "network-hint", "Network hint", "Protect: what network this is, if the application knows",
      GST_TYPE_WZP_NETWORK, WZP_NETWORK_UNKNOWN, playing);
  /**
   * GstWzpFec:session:
   *
   * Reports of loss travel between the two directions of a session. Without a session, protection knows nothing of
   * the network and keeps to a cautious guess.
   *
   * Since: 0.1
   */
  properties[PROP_SESSION] = g_param_spec_string(
      "session", "Session",
      "Name of the session whose reports are exchanged; unset: the pipeline's one", NULL,
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  /**
   * GstWzpFec:direction:
   *
   * What the element does; follows from the caps of the sink pad.
   *
   * Since: 0.1
   */
  properties[PROP_DIRECTION] =
      g_param_spec_enum("direction", "Direction", "What the caps make this element do",
                        GST_TYPE_WZP_FEC_DIRECTION, GST_WZP_FEC_NONE, readable);
  /**
   * GstWzpFec:stats:
   *
   * Protect: "application/x-wzp-fec-protect-stats" with, as #guint64, "frames" that came, "packets" that were
   * made, "invalid", buffers that were no frames, "repair-symbols" sent, the bytes of them all "frame-bytes",
   * "repair-bytes", "bundle-bytes"; "reports-carried" to the other side, "reports-handled" of it and
   * "reports-stale", older than one before; "plan-changes". The plan now: "scheme" (string),
   * "frames-per-packet" (#guint); and, as #gdouble, what it is for: "loss" (0 to 1) and "mean-burst" (in 20 ms) on
   * the way, and "expected-loss" after repair.
   *
   * Recover: "application/x-wzp-fec-recover-stats" with, as #guint64, "packets" that came, "frames" that went on,
   * "recovered" ones among them, and "hopeless", frames that no repair can bring any more; "invalid", bundles that
   * did not read or not fit their code, and "unknown-elements"; "restarts", streams that began anew without a word;
   * "repair-symbols" that came, of them
   * "repair-redundant" (nothing was missing), "repair-late" (too old), of these "repair-misplaced" (their media time
   * contradicts what others said) and "repair-pending" (wait for others);
   * "packets-judged", of them "packets-lost", in "loss-runs"; "reports-made", "reports-heard" and
   * "reports-not-ours"; "playout", ns for which repair is still played (0: not told).
   *
   * Since: 0.1
   */
  properties[PROP_STATS] = g_param_spec_boxed(
      "stats", "Statistics", "Counters, named by the direction", GST_TYPE_STRUCTURE, readable);
  g_object_class_install_properties(object_class, N_PROPS, properties);
  gst_type_mark_as_plugin_api(GST_TYPE_WZP_FEC_DIRECTION, 0);
  gst_type_mark_as_plugin_api(GST_TYPE_WZP_FEC_SCHEME, 0);
  gst_type_mark_as_plugin_api(GST_TYPE_WZP_FEC_TIER, 0);
  gst_type_mark_as_plugin_api(GST_TYPE_WZP_NETWORK, 0);
}
