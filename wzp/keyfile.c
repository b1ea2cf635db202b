/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "keyfile.h"
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_TEXT_SIZE 65 /* 64 hex digits and a newline */
#define PRIVATE_TEXT_MAX (1024 * 1024)
#define SEALED_PREFIX "wzp-sealed-key " /* sealed-key.h */

G_DEFINE_QUARK(wzp_keyfile_error, wzp_keyfile_error)

static bool G_GNUC_PRINTF(4, 5)
    refuse(GError **error, WzpKeyfileError code, const char *path, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  char *what = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_set_error(error, WZP_KEYFILE_ERROR, code, "%s: %s", path, what);
  g_free(what);
  return false;
}

static bool
check_private(const char *path, const struct stat *status, GError **error)
{
  if (!S_ISREG(status->st_mode))
    return refuse(error, WZP_KEYFILE_ERROR_UNSAFE, path, "this is %s; it must be a regular file",
                  S_ISDIR(status->st_mode) ? "a directory" : "a device, pipe or socket");
  if (status->st_uid != geteuid())
    return refuse(error, WZP_KEYFILE_ERROR_UNSAFE, path,
                  "this file belongs to user %u; it must belong to you (user %u)",
                  (unsigned)status->st_uid, (unsigned)geteuid());
  unsigned mode = status->st_mode & 07777;
  if (mode != 0600 && mode != 0400)
    return refuse(error, WZP_KEYFILE_ERROR_UNSAFE, path,
                  "this file has mode %04o; only its owner may read it: chmod 600", mode);
  if (status->st_nlink != 1)
    return refuse(
        error, WZP_KEYFILE_ERROR_UNSAFE, path,
        "this file has %lu hard links; it must have one, so copy it and remove the others",
        (unsigned long)status->st_nlink);
  return true;
}

/* Opens a file that nobody else may read or have put there. -1 with an error if it is not one. */
static int
open_private(const char *path, struct stat *status, GError **error)
{
  /* O_NONBLOCK: a pipe in this place must not hold us up before fstat() finds it out */
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    if (errno == ELOOP)
      refuse(error, WZP_KEYFILE_ERROR_UNSAFE, path,
             "this is a symbolic link; name the file itself");
    else if (errno == ENOENT)
      refuse(error, WZP_KEYFILE_ERROR_MISSING, path, "there is no such file");
    else
      refuse(error, WZP_KEYFILE_ERROR_UNSAFE, path, "cannot be opened for reading: %s",
             g_strerror(errno));
    return -1;
  }
  if (fstat(fd, status) < 0)
    refuse(error, WZP_KEYFILE_ERROR_UNSAFE, path, "cannot be examined: %s", g_strerror(errno));
  else if (check_private(path, status, error))
    return fd;
  close(fd);
  return -1;
}

/* Up to size bytes; less only at the end of the file. -1 with errno set. */
static ssize_t
read_all(int fd, char *text, size_t size)
{
  size_t length = 0;
  while (length < size) {
    ssize_t got = read(fd, text + length, size - length);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return -1;
    if (got == 0)
      break;
    length += (size_t)got;
  }
  return (ssize_t)length;
}

static bool
write_all(int fd, const char *text, size_t length)
{
  while (length > 0) {
    ssize_t put = write(fd, text, length);
    if (put < 0 && errno == EINTR)
      continue;
    if (put < 0)
      return false;
    text += put;
    length -= (size_t)put;
  }
  return true;
}

/* Gives the temporary file its name, without taking the place of another one. */
static bool
rename_to_new(const char *temporary, const char *path)
{
  if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
    return true;
  if (errno != EINVAL && errno != ENOSYS)
    return false;
  /* a file system that cannot do that: a link never replaces either */
  return link(temporary, path) == 0 && unlink(temporary) == 0;
}

/* The new name must outlive a power cut too. Not all file systems can do this; then it is theirs. */
static void
sync_folder(const char *folder)
{
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return;
  fsync(fd);
  close(fd);
}

static bool
write_private(const char *path, const char *text, size_t length, bool replace, GError **error)
{
  g_autofree char *folder = g_path_get_dirname(path);
  g_autofree char *temporary = g_strdup_printf("%s.XXXXXX", path);

  if (g_mkdir_with_parents(folder, 0700) < 0)
    return refuse(error, WZP_KEYFILE_ERROR_WRITE, path, "its folder cannot be made: %s",
                  g_strerror(errno));
  int fd = g_mkstemp_full(temporary, O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0)
    return refuse(error, WZP_KEYFILE_ERROR_WRITE, path, "its folder cannot be written to: %s",
                  g_strerror(errno));

  /* fchmod: the umask may have taken even the owner's bits */
  bool written = fchmod(fd, 0600) == 0 && write_all(fd, text, length) && fsync(fd) == 0;
  int cause = errno;
  if (close(fd) < 0 && written) {
    written = false;
    cause = errno;
  }
  if (!written) {
    unlink(temporary);
    return refuse(error, WZP_KEYFILE_ERROR_WRITE, path, "cannot be written: %s", g_strerror(cause));
  }
  if (replace ? rename(temporary, path) < 0 : !rename_to_new(temporary, path)) {
    cause = errno;
    unlink(temporary);
    if (cause == EEXIST)
      return refuse(error, WZP_KEYFILE_ERROR_WRITE, path,
                    "exists already and is not replaced; move it away first");
    return refuse(error, WZP_KEYFILE_ERROR_WRITE, path, "cannot be put in place: %s",
                  g_strerror(cause));
  }
  sync_folder(folder);
  return true;
}

bool
wzp_keyfile_parse(uint8_t secret[32], const char *text, size_t length)
{
  size_t n_bytes = 0;
  if (length == KEY_TEXT_SIZE && text[KEY_TEXT_SIZE - 1] == '\n' &&
      sodium_hex2bin(secret, 32, text, KEY_TEXT_SIZE - 1, NULL, &n_bytes, NULL) == 0 &&
      n_bytes == 32)
    return true;
  sodium_memzero(secret, 32);
  return false;
}

bool
wzp_keyfile_read(const char *path, uint8_t secret[32], GError **error)
{
  struct stat status;
  char text[KEY_TEXT_SIZE + 1]; /* one more, to notice that there is more */

  sodium_memzero(secret, 32);
  int fd = open_private(path, &status, error);
  if (fd < 0)
    return false;
  ssize_t length = read_all(fd, text, sizeof text);
  int cause = errno;
  close(fd);
  bool good = length >= 0 && wzp_keyfile_parse(secret, text, (size_t)length);
  bool sealed = length > (ssize_t)strlen(SEALED_PREFIX) &&
                memcmp(text, SEALED_PREFIX, strlen(SEALED_PREFIX)) == 0;
  sodium_memzero(text, sizeof text);
  if (good)
    return true;
  if (length < 0)
    return refuse(error, WZP_KEYFILE_ERROR_CONTENT, path, "cannot be read: %s", g_strerror(cause));
  if (sealed)
    return refuse(error, WZP_KEYFILE_ERROR_SEALED, path,
                  "this key is sealed with a passphrase, and here is nobody to ask for it");
  return refuse(error, WZP_KEYFILE_ERROR_CONTENT, path,
                "%s; a key file is 64 hex digits (32 bytes) and a newline, as from "
                "\"openssl rand -hex 32\"",
                length < KEY_TEXT_SIZE   ? "this file is too short"
                : length > KEY_TEXT_SIZE ? "this file is too long"
                                         : "this file holds something else than hex digits");
}

bool
wzp_keyfile_create(const char *path, const uint8_t secret[32], GError **error)
{
  char text[KEY_TEXT_SIZE + 1];

  sodium_bin2hex(text, sizeof text, secret, 32);
  text[KEY_TEXT_SIZE - 1] = '\n';
  bool created = write_private(path, text, KEY_TEXT_SIZE, false, error);
  sodium_memzero(text, sizeof text);
  return created;
}

static bool
make_seed(const char *path, uint8_t seed[32], const WzpRandom *random, GError **error)
{
  GError *problem = NULL;

  wzp_random_fill(random, seed, 32);
  if (wzp_keyfile_create(path, seed, &problem))
    return true;
  /* another process may have made it at the same time: then both have that one */
  if (wzp_keyfile_read(path, seed, NULL)) {
    g_clear_error(&problem);
    return true;
  }
  g_propagate_error(error, problem);
  return false;
}

WzpIdentity *
wzp_identity_load(const char *path, const WzpRandom *create, GError **error)
{
  GError *problem = NULL;
  WzpIdentity *identity = NULL;
  uint8_t seed[32];

  bool have = wzp_keyfile_read(path, seed, &problem);
  if (!have && create != NULL &&
      g_error_matches(problem, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_MISSING)) {
    g_clear_error(&problem);
    have = make_seed(path, seed, create, &problem);
  }
  if (have)
    identity = wzp_identity_new(seed);
  else
    g_propagate_error(error, problem);
  sodium_memzero(seed, sizeof seed);
  return identity;
}

bool
wzp_private_text_create(const char *path, const char *text, GError **error)
{
  return write_private(path, text, strlen(text), false, error);
}

bool
wzp_private_text_write(const char *path, const char *text, GError **error)
{
  GError *problem = NULL;
  struct stat status;

  if (strlen(text) > PRIVATE_TEXT_MAX)
    return refuse(
        error, WZP_KEYFILE_ERROR_WRITE, path,
        "this would be %zu bytes long, more than the 1 MiB that is read; it stays as it is",
        strlen(text));
  int fd = open_private(path, &status, &problem);
  if (fd >= 0) {
    close(fd);
  } else if (g_error_matches(problem, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_MISSING)) {
    g_clear_error(&problem);
  } else {
    g_propagate_error(error, problem);
    return false;
  }
  return write_private(path, text, strlen(text), true, error);
}

bool
wzp_private_text_read(const char *path, char **text, GError **error)
{
  GError *problem = NULL;
  struct stat status;

  *text = NULL;
  int fd = open_private(path, &status, &problem);
  if (fd < 0) {
    if (g_error_matches(problem, WZP_KEYFILE_ERROR, WZP_KEYFILE_ERROR_MISSING)) {
      g_clear_error(&problem);
      return true;
    }
    g_propagate_error(error, problem);
    return false;
  }
  if (status.st_size > PRIVATE_TEXT_MAX) {
    close(fd);
    return refuse(error, WZP_KEYFILE_ERROR_CONTENT, path,
                  "this file is %lld bytes long; at most 1 MiB is read", (long long)status.st_size);
  }
  size_t size = (size_t)status.st_size;
  char *content = g_malloc(size + 1);
  ssize_t length = read_all(fd, content, size);
  int cause = errno;
  close(fd);
  if (length < 0) {
    g_free(content);
    return refuse(error, WZP_KEYFILE_ERROR_CONTENT, path, "cannot be read: %s", g_strerror(cause));
  }
  content[length] = '\0';
  if (strlen(content) != (size_t)length) {
    g_free(content);
    return refuse(error, WZP_KEYFILE_ERROR_CONTENT, path,
                  "this file holds a zero byte; it must be text");
  }
  *text = content;
  return true;
}

void
wzp_secret_text_free(char *text)
{
  if (text != NULL)
    sodium_memzero(text, strlen(text));
  g_free(text);
}

char *
wzp_passphrase_load(const char *path, GError **error)
{
  char *text = NULL, *line = NULL;

  if (!wzp_private_text_read(path, &text, error))
    return NULL;
  size_t length = text == NULL ? 0 : strcspn(text, "\r\n");
  if (length > 0 && length <= WZP_PASSPHRASE_MAX)
    line = g_strndup(text, length);
  else if (text == NULL)
    refuse(error, WZP_KEYFILE_ERROR_MISSING, path, "there is no such file with a passphrase");
  else
    refuse(error, WZP_KEYFILE_ERROR_CONTENT, path,
           length == 0 ? "its first line is empty; it must be the passphrase"
                       : "its first line is too long for a passphrase: at most 255 letters");
  wzp_secret_text_free(text);
  return line;
}

int
wzp_private_text_lock(const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname(path);
  g_autofree char *lock = g_strconcat(path, ".lock", NULL);
  int fd = -1;

  if (g_mkdir_with_parents(folder, 0700) == 0)
    fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd >= 0 && flock(fd, LOCK_EX) == 0)
    return fd;
  refuse(error, WZP_KEYFILE_ERROR_WRITE, lock, "cannot be locked: %s", g_strerror(errno));
  if (fd >= 0)
    close(fd);
  return -1;
}
