/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <gst/gst.h>

/* Real calls for tests: wzp-relay as a process on a free port, pipelines from launch lines, and waiting
 * for what they say on their bus. Nothing sleeps; whatever does not come within RIG_PATIENCE fails the
 * test with what was waited for. */

#define RIG_PATIENCE (60 * GST_SECOND)

/* A folder of the test's own with file names in it; relays are known there and nowhere else. */
extern char *rig_folder;
/* Instead of gst_init(), first thing in main(): finds our plugin and the few stock ones that the lines
 * need, so that no test depends on what else is installed, and none of that is scanned. */
void rig_init(int *argc, char ***argv);
void rig_set_up(void);
void rig_tear_down(void);
char *rig_path(const char *name); /* free with g_free() */
/* A key file of 64 times that hex digit there; its path, as from rig_path(). */
char *rig_key_file(const char *name, char digit);

typedef struct RigRelay RigRelay;
/* The program of the environment variable WZP_RELAY. identity: a file's name in the folder, made when
 * missing. port 0: a free one. Configured by the folder's relay.conf, if there is one. */
RigRelay *rig_relay_start(const char *identity, unsigned port);
unsigned rig_relay_port(const RigRelay *relay);
/* Once, of one whose relay.conf has tls-listen on 127.0.0.1. */
unsigned rig_relay_tls_port(RigRelay *relay);
const char *rig_relay_fingerprint(const RigRelay *relay);
void rig_relay_kill(RigRelay *relay); /* without a goodbye, and waits for its end */

typedef struct {
  const char *name;
  void (*run)(void);
} RigCase;
/* Runs the cases as tests called prefix + name, each in a folder of its own with a relay of its own, which is *relay and may
 * be killed and started again (NULL: without one). config: its relay.conf; NULL: none. Behind g_test_init(), as g_test_run(). */
int rig_run_cases(const char *prefix, const RigCase *cases, unsigned n, RigRelay **relay,
                  const char *config);

/* A UDP port of 127.0.0.1 that nobody has at the moment. */
unsigned rig_free_port(void);
gboolean rig_has_ipv6(void);

/* A pipeline from a launch line, set to PLAYING. The word KNOWN stands for known-relays=FILE. */
GstElement *rig_play(const char *line, ...) G_GNUC_PRINTF(1, 2);
GstElement *rig_parse(const char *line, ...) G_GNUC_PRINTF(1, 2);
void rig_stop(GstElement *pipeline); /* to NULL and gone */

/* The next message of that type; errors that are not asked for fail the test. Free with
 * gst_message_unref(). name: of the structure, or NULL. source: name of the element, or NULL. */
GstMessage *rig_wait(GstElement *pipeline, GstMessageType type, const char *name,
                     const char *source);
/* Until a wzp-state message of source (or any) says so. */
void rig_wait_state(GstElement *pipeline, const char *source, const char *state);
/* Until an error or a warning; its text must contain word. */
void rig_wait_error(GstElement *pipeline, GQuark domain, int code, const char *word);
void rig_wait_warning(GstElement *pipeline, const char *word);
/* Until n buffers reached the fakesink called name (with signal-handoffs=true). */
void rig_wait_buffers(GstElement *pipeline, const char *name, unsigned n);

guint64 rig_counter(GstElement *pipeline, const char *element, const char *field);
char *rig_string(GstElement *pipeline, const char *element, const char *property);

/* A source of bundles of 60 bytes, 50 a second. */
#define RIG_BUNDLES                                                                                \
  "fakesrc is-live=true sync=true do-timestamp=true format=time sizetype=fixed sizemax=60 "        \
  "datarate=3000 "                                                                                 \
  "filltype=zero ! application/x-wzp,sealed=(boolean)false,fec=(boolean)true"
