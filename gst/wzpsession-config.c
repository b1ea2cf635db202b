/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzpsession-private.h"
#include "gstwzpuri.h"
#include "wzp/auth.h"
#include "wzp/contacts.h"
#include "wzp/keyfile.h"
#include "wzp/pins.h"
#include <sodium.h>
#include <string.h>

/* What a session is told to be: whether elements agree on it, and what is read from files for it. */

gboolean
wzp_session_refuse(GError **error, gint code, const gchar *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  g_autofree gchar *text = g_strdup_vprintf(format, arguments);
  va_end(arguments);
  g_set_error_literal(error, GST_RESOURCE_ERROR, code, text);
  return FALSE;
}

static gboolean
contradicts(const gchar *ours, const gchar *theirs)
{
  return ours != NULL && theirs != NULL && strcmp(ours, theirs) != 0;
}

/* A second element may say the same again, or less. */
gboolean
wzp_session_check_config(WzpSession *self, const WzpSessionConfig *config, GError **error)
{
  const gchar *what = NULL;
  if (self->udp != config->udp || self->port != config->port ||
      contradicts(self->host, config->host) || self->calls != config->calls ||
      g_strcmp0(self->room, config->room) != 0 || g_strcmp0(self->callee_text, config->callee) != 0)
    what = "the URI";
  else if (self->has_link_key != config->has_link_key ||
           sodium_memcmp(self->link_key, config->link_key, sizeof self->link_key) != 0)
    what = "the room secret behind '#'";
  else if (g_strcmp0(self->passphrase, config->passphrase) != 0 ||
           g_strcmp0(self->passphrase_file, config->passphrase_file) != 0)
    what = "the room's passphrase"; /* silence of one of them would mean an open room */
  else if (contradicts(self->relay, config->relay))
    what = "'relay'";
  else if (contradicts(self->identity_path, config->identity))
    what = "'identity'";
  else if (contradicts(self->known_relays, config->known_relays))
    what = "'known-relays'";
  else if (contradicts(self->token_file, config->token_file))
    what = "'token-file'";
  else if (contradicts(self->key_file, config->key_file))
    what = "'key-file'";
  else if (self->local_port != 0 && config->local_port != 0 &&
           self->local_port != config->local_port)
    what = "'local-port'";
  else if (g_strcmp0(self->list_path, config->list) != 0 ||
           g_strcmp0(self->list_owner_text, config->list_owner) != 0)
    what = "the room's list"; /* as for the passphrase */
  else if (self->tls_port != config->tls_port)
    what = "'tls-port' (in the URI it reaches all)";
  if (what == NULL)
    return TRUE;
  return wzp_session_refuse(
      error, GST_RESOURCE_ERROR_SETTINGS,
      "Two elements of one session contradict each other in %s; set it on one of them, "
      "or give them different 'session' names.",
      what);
}

static gboolean
load_udp(const WzpSessionConfig *config, WzpCallConfig *call, GError **error)
{
  g_autoptr(GError) reason = NULL;
  call->mode = WZP_CALL_UDP;
  if (wzp_keyfile_read(config->key_file, call->psk, &reason))
    return TRUE;
  return wzp_session_refuse(error, GST_RESOURCE_ERROR_NOT_AUTHORIZED,
                            "The key file cannot be used: %s.", reason->message);
}

static gboolean
load_identity(WzpSession *self, const WzpSessionConfig *config, GError **error)
{
  WzpRandom random = wzp_random_system();
  g_autoptr(GError) reason = NULL;
  self->identity = config->identity != NULL ? wzp_identity_load(config->identity, &random, &reason)
                                            : wzp_identity_new_random(&random);
  if (self->identity == NULL)
    return wzp_session_refuse(error, GST_RESOURCE_ERROR_NOT_AUTHORIZED,
                              "The identity cannot be used: %s.", reason->message);
  gchar text[WZP_FINGERPRINT_TEXT];
  g_mutex_lock(&self->lock);
  self->fingerprint = g_strdup(wzp_fingerprint_format(self->identity->fingerprint, text));
  g_mutex_unlock(&self->lock);
  return TRUE;
}

/* What we know of the relay's key: the URI's word stands over the file, the file over nothing. */
static gboolean
load_relay_key(WzpSession *self, const WzpSessionConfig *config, WzpCallConfig *call,
               GError **error)
{
  if (config->relay != NULL) {
    call->has_relay_fingerprint = wzp_fingerprint_parse(call->relay_fingerprint, config->relay);
    if (!call->has_relay_fingerprint)
      return wzp_session_refuse(
          error, GST_RESOURCE_ERROR_SETTINGS,
          "The relay's fingerprint '%s' is not 32 hex digits (colons are allowed).", config->relay);
    memcpy(self->pinned, call->relay_fingerprint, sizeof self->pinned);
    self->has_pinned = TRUE;
    return TRUE;
  }
  g_autoptr(GError) reason = NULL;
  bool found = false;
  WzpPin pin = {.first_use = false};
  if (!wzp_pins_lookup(self->known_relays, self->place, &pin, &found, &reason))
    return wzp_session_refuse(error, GST_RESOURCE_ERROR_NOT_AUTHORIZED,
                              "The file of known relays cannot be used: %s.", reason->message);
  self->vouched = config->token_file != NULL && config->token_at_first_use;
  if (found && pin.first_use && self->vouched) { /* the person says that it is the right one */
    pin.first_use = false;
    if (!wzp_pins_store(self->known_relays, self->place, &pin, &reason))
      return wzp_session_refuse(error, GST_RESOURCE_ERROR_WRITE,
                                "The file of known relays cannot be written: %s.", reason->message);
  }
  memcpy(call->relay_key, pin.key, sizeof call->relay_key);
  call->relay_key_unproven = pin.first_use;
  self->had_pin = found;
  self->has_pinned = found && !config->accept_new_relay_key;
  call->has_relay_key = self->has_pinned;
  if (self->has_pinned)
    wzp_fingerprint(self->pinned, call->relay_key);
  return TRUE;
}

static gboolean
load_token(WzpSession *self, const WzpSessionConfig *config, WzpCallConfig *call, GError **error)
{
  g_autoptr(GError) reason = NULL;
  if (config->token_file == NULL)
    return TRUE;
  call->token = self->token = wzp_token_load(config->token_file, &reason);
  call->token_at_first_use = config->token_at_first_use;
  if (self->token != NULL)
    return TRUE;
  return wzp_session_refuse(error, GST_RESOURCE_ERROR_NOT_AUTHORIZED,
                            "The token cannot be used: %s.", reason->message);
}

static gboolean
load_callee(WzpSession *self, const WzpSessionConfig *config, WzpCallConfig *call, GError **error)
{
  WzpSessionPerson person;
  call->calls = config->calls;
  call->accept_mode = config->accept_mode;
  if (!config->calls || config->callee == NULL)
    return TRUE;
  if (!wzp_session_find_person(self->contacts, config->callee, config->peer_name, &person, error))
    return FALSE;
  if (memcmp(person.fingerprint, self->identity->fingerprint, sizeof person.fingerprint) == 0)
    return wzp_session_refuse(error, GST_RESOURCE_ERROR_SETTINGS,
                              "That is your own identity: nobody can call himself.");
  call->has_callee = true;
  self->has_callee = TRUE;
  memcpy(call->callee, person.fingerprint, sizeof call->callee);
  memcpy(self->callee, person.fingerprint, sizeof self->callee);
  call->has_callee_key = person.has_key;
  memcpy(call->callee_key, person.key, sizeof call->callee_key);
  return TRUE;
}

static gboolean
load_passphrase(WzpSession *self, const WzpSessionConfig *config, WzpCallConfig *call,
                GError **error)
{
  g_autoptr(GError) reason = NULL;
  gchar *read = config->passphrase_file != NULL
                    ? wzp_passphrase_load(config->passphrase_file, &reason)
                    : NULL;
  const gchar *passphrase = config->passphrase_file != NULL ? read : config->passphrase;
  const gchar *problem = passphrase != NULL ? wzp_room_passphrase_problem(passphrase) : NULL;
  gboolean good = FALSE;
  if (passphrase == NULL)
    wzp_session_refuse(error, GST_RESOURCE_ERROR_NOT_AUTHORIZED,
                       "The room's passphrase cannot be used: %s.", reason->message);
  else if (problem != NULL)
    wzp_session_refuse(error, GST_RESOURCE_ERROR_NOT_AUTHORIZED,
                       "The room's passphrase cannot be used: %s.", problem);
  else if (!wzp_room_secret_passphrase(&call->room, config->room, passphrase))
    wzp_session_refuse(error, GST_RESOURCE_ERROR_FAILED,
                       "The room's key cannot be made: that takes 64 MiB of memory.");
  else
    good = TRUE;
  self->short_passphrase = good && wzp_room_passphrase_is_short(passphrase);
  wzp_secret_text_free(read);
  return good;
}

static gboolean
load_room(WzpSession *self, const WzpSessionConfig *config, WzpCallConfig *call, GError **error)
{
  if (config->passphrase != NULL || config->passphrase_file != NULL)
    return load_passphrase(self, config, call, error);
  if (config->has_link_key)
    wzp_room_secret_keyed(&call->room, config->link_key);
  else if (!config->calls)
    wzp_room_secret_open(&call->room, config->room);
  return TRUE;
}

static gboolean
load_relay(WzpSession *self, const WzpSessionConfig *config, WzpCallConfig *call, GError **error)
{
  call->mode = WZP_CALL_RELAY;
  call->tls = config->tls_port != 0;
  if (!load_identity(self, config, error) || !load_relay_key(self, config, call, error) ||
      !load_token(self, config, call, error) || !load_callee(self, config, call, error) ||
      !wzp_session_load_expected(self, error) || !load_room(self, config, call, error) ||
      !wzp_session_load_list(self, config, call, error))
    return FALSE;
  call->identity = self->identity;
  return TRUE;
}

gboolean
wzp_session_load(WzpSession *self, const WzpSessionConfig *config, WzpCallConfig *call,
                 GError **error)
{
  return config->udp ? load_udp(config, call, error) : load_relay(self, config, call, error);
}

void
wzp_session_copy_config(WzpSession *self, const WzpSessionConfig *config)
{
  g_mutex_lock(&self->lock);
  self->udp = config->udp; /* the one of these that stats show */
  g_mutex_unlock(&self->lock);
  self->host = g_strdup(config->host != NULL ? config->host : "");
  self->port = config->port;
  self->place = *self->host != '\0' ? gst_wzp_host_port(self->host, self->port) : g_strdup("");
  self->relay = g_strdup(config->relay);
  self->known_relays =
      config->known_relays != NULL ? g_strdup(config->known_relays) : wzp_pins_default_path();
  self->connect_timeout = config->connect_timeout;
  self->calls = config->calls;
  self->callee_text = g_strdup(config->callee);
  self->peer_name = g_strdup(config->peer_name);
  self->contacts =
      config->contacts != NULL ? g_strdup(config->contacts) : wzp_contacts_default_path();
  self->room = g_strdup(config->room);
  self->passphrase = g_strdup(config->passphrase);
  self->passphrase_file = g_strdup(config->passphrase_file);
  self->list_path = g_strdup(config->list);
  self->list_owner_text = g_strdup(config->list_owner);
  self->known_lists =
      config->known_lists != NULL ? g_strdup(config->known_lists) : wzp_room_list_memory_path();
  self->identity_path = g_strdup(config->identity);
  self->key_file = g_strdup(config->key_file);
  self->token_file = g_strdup(config->token_file);
  self->local_port = config->local_port;
  self->tls_port = config->tls_port;
  self->has_link_key = config->has_link_key;
  memcpy(self->link_key, config->link_key, sizeof self->link_key);
}

void
wzp_session_forget_config(WzpSession *self)
{
  g_clear_pointer(&self->host, g_free);
  g_clear_pointer(&self->place, g_free);
  g_clear_pointer(&self->relay, g_free);
  g_clear_pointer(&self->known_relays, g_free);
  g_clear_pointer(&self->room, g_free);
  g_clear_pointer(&self->passphrase, wzp_secret_text_free);
  g_clear_pointer(&self->passphrase_file, g_free);
  self->short_passphrase = FALSE;
  g_clear_pointer(&self->callee_text, g_free);
  g_clear_pointer(&self->peer_name, g_free);
  g_clear_pointer(&self->contacts, g_free);
  self->calls = self->has_callee = self->has_expected = FALSE;
  g_clear_pointer(&self->list_path, g_free);
  g_clear_pointer(&self->list_owner_text, g_free);
  g_clear_pointer(&self->known_lists, g_free);
  g_clear_pointer(&self->list, wzp_room_list_unref);
  g_clear_pointer(&self->identity_path, g_free);
  g_clear_pointer(&self->key_file, g_free);
  g_clear_pointer(&self->token_file, g_free);
  g_clear_pointer(&self->token, wzp_token_free);
  g_clear_pointer(&self->resolve_error, g_free);
  g_clear_pointer(&self->identity, wzp_identity_free);
  g_clear_pointer(&self->sockets, wzp_udp_free);
  sodium_memzero(self->link_key, sizeof self->link_key);
  self->has_link_key = FALSE;
}
