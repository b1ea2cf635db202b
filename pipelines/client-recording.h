/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>

/* A recording on disk: S16LE, 48 kHz, mono, as WAV or bare (.raw). It grows in FILE.part, which is always
 * playable, and becomes FILE when it is finished, so that an older FILE is only ever replaced by a whole one. */

#define CLIENT_RECORDING_RATE 48000
#define CLIENT_RECORDING_CAPS                                                                      \
  "audio/x-raw,format=S16LE,layout=interleaved,channels=1,rate=" G_STRINGIFY(CLIENT_RECORDING_RATE)

typedef struct ClientRecording ClientRecording;
/* NULL: the file cannot be written (CLIENT_LOCAL). */
ClientRecording *client_recording_new(const char *path, GError **error);
/* Where audio is appended. */
const char *client_recording_part(const ClientRecording *recording);
/* Completes the file and frees the recording. Nothing was recorded: there is no file, and no error.
 * *seconds: how long it is. NULL is fine. */
gboolean client_recording_finish(ClientRecording *recording, double *seconds, GError **error);
