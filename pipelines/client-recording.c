/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-recording.h"
#include "client-options.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAV_HEADER_SIZE 44
#define FRAME_SIZE 2

struct ClientRecording {
  char *path, *part;
  gboolean wav;
};

static void
put32(guint8 *at, guint32 value)
{
  value = GUINT32_TO_LE(value);
  memcpy(at, &value, 4);
}

/* data_size 0xffffffff: not known yet, which players read as "to the end of the file". */
static void
make_wav_header(guint8 header[WAV_HEADER_SIZE], guint32 data_size)
{
  memcpy(header, "RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\0\0\0\0\0\0\0\0\2\0\x10\0data", 40);
  put32(header + 4, data_size > G_MAXUINT32 - 36 ? G_MAXUINT32 : data_size + 36);
  put32(header + 24, CLIENT_RECORDING_RATE);
  put32(header + 28, CLIENT_RECORDING_RATE * FRAME_SIZE);
  put32(header + 40, data_size);
}

static gboolean
fail(GError **error, const char *what, const char *path)
{
  const int cause = errno;
  g_set_error(error, CLIENT_ERROR, CLIENT_LOCAL, "%s '%s': %s", what, path, g_strerror(cause));
  return FALSE;
}

ClientRecording *
client_recording_new(const char *path, GError **error)
{
  ClientRecording *recording = g_new0(ClientRecording, 1);
  char *lower = g_ascii_strdown(path, -1);
  recording->path = g_strdup(path);
  recording->part = g_strconcat(path, ".part", NULL);
  recording->wav = !g_str_has_suffix(lower, ".raw");
  g_free(lower);
  guint8 header[WAV_HEADER_SIZE];
  make_wav_header(header, G_MAXUINT32);
  const int fd = open(recording->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
  gboolean good = fd >= 0;
  if (good && recording->wav)
    good = write(fd, header, sizeof header) == sizeof header;
  if (!good) {
    fail(error, "cannot write the recording", recording->part);
    g_free(recording->path);
    g_free(recording->part);
    g_clear_pointer(&recording, g_free);
  }
  if (fd >= 0)
    close(fd);
  return recording;
}

const char *
client_recording_part(const ClientRecording *recording)
{
  return recording->part;
}

gboolean
client_recording_finish(ClientRecording *recording, double *seconds, GError **error)
{
  if (!recording)
    return TRUE;
  const goffset start = recording->wav ? WAV_HEADER_SIZE : 0;
  const int fd = open(recording->part, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  struct stat status;
  gboolean good = fd >= 0 && fstat(fd, &status) == 0;
  goffset length = good ? (status.st_size - start) / FRAME_SIZE * FRAME_SIZE : 0;
  if (good && length <= 0) {
    good = unlink(recording->part) == 0;
    length = 0;
  } else if (good) {
    guint8 header[WAV_HEADER_SIZE];
    make_wav_header(header, (guint32)MIN(length, (goffset)G_MAXUINT32));
    /* a frame that was cut in the middle goes; the header goes over what is there and needs no room */
    good = ftruncate(fd, start + length) == 0 &&
           (!start || pwrite(fd, header, sizeof header, 0) == sizeof header) && fsync(fd) == 0 &&
           rename(recording->part, recording->path) == 0;
  }
  if (!good)
    fail(error, "cannot complete the recording", recording->part);
  if (fd >= 0)
    close(fd);
  if (seconds)
    *seconds = (double)length / FRAME_SIZE / CLIENT_RECORDING_RATE;
  g_free(recording->path);
  g_free(recording->part);
  g_free(recording);
  return good;
}
