/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "contacts-private.h"
#include "bytes.h"
#include <sodium.h>
#include <string.h>

#define KEY_PREFIX "WZP-ID:"
#define TIME_FORMAT "%Y-%m-%dT%H:%M:%SZ"
#define TIME_LAST INT64_C(253402300799) /* the last second of the year 9999 */
#define NOTHING "-"
#define TRUSTED "+trusted"
#define FIELDS 6 /* before the name */

static const char *const verified_names[] = {
    [WZP_VERIFIED_NO] = "no",
    [WZP_VERIFIED_FINGERPRINT] = "fingerprint",
    [WZP_VERIFIED_WORDS] = "words",
};

const char *
wzp_verified_name(WzpVerified verified)
{
  return verified_names[verified];
}

void
wzp_contact_key_format(char text[WZP_CONTACT_KEY_TEXT], const uint8_t key[32])
{
  char hex[65];
  sodium_bin2hex(hex, sizeof hex, key, 32);
  g_snprintf(text, WZP_CONTACT_KEY_TEXT, KEY_PREFIX "%s", hex);
}

bool
wzp_contact_key_parse(uint8_t key[32], const char *text)
{
  if (g_ascii_strncasecmp(text, KEY_PREFIX, strlen(KEY_PREFIX)) == 0)
    text += strlen(KEY_PREFIX);
  if (wzp_hex_read(key, 32, text))
    return true;
  memset(key, 0, 32);
  return false;
}

/* NULL when it can be a contact's name, or what is wrong with it. */
const char *
wzp_contact_name_problem(const char *name)
{
  uint8_t key[32], fingerprint[WZP_FINGERPRINT_SIZE];
  size_t length = strlen(name);

  if (length == 0)
    return "a name has at least one letter";
  if (length > WZP_CONTACT_NAME_MAX)
    return "a name has at most 64 bytes";
  if (!g_utf8_validate(name, -1, NULL))
    return "a name is UTF-8 text";
  for (const char *at = name; *at != '\0'; at = g_utf8_next_char(at)) {
    gunichar c = g_utf8_get_char(at);
    if (c != ' ' && (!g_unichar_isprint(c) || g_unichar_isspace(c) || g_unichar_iszerowidth(c)))
      return "a name has letters, digits, signs and single spaces only, nothing that cannot be "
             "seen";
  }
  if (g_str_has_prefix(name, " ") || g_str_has_suffix(name, " ") || strstr(name, "  ") != NULL)
    return "a name has no space at its ends, and not two together";
  if (*name == '-')
    return "a name does not start with a dash";
  if (wzp_contact_key_parse(key, name) || wzp_fingerprint_parse(fingerprint, name))
    return "a name is not a key or a fingerprint";
  return NULL;
}

static const char *
format_time(char text[24], int64_t seconds)
{
  if (seconds == WZP_CONTACT_NEVER)
    return NOTHING;
  g_autoptr(GDateTime) when = g_date_time_new_from_unix_utc(CLAMP(seconds, 1, TIME_LAST));
  g_autofree char *formatted = g_date_time_format(when, TIME_FORMAT);
  g_strlcpy(text, formatted, 24);
  return text;
}

static bool
parse_time(int64_t *seconds, const char *text)
{
  char again[24];
  *seconds = WZP_CONTACT_NEVER;
  if (strcmp(text, NOTHING) == 0)
    return true;
  if (strlen(text) != strlen("2026-11-24T16:20:05Z"))
    return false;
  g_autoptr(GDateTime) when = g_date_time_new_from_iso8601(text, NULL);
  if (when == NULL)
    return false;
  *seconds = g_date_time_to_unix(when);
  return *seconds > 0 && strcmp(format_time(again, *seconds), text) == 0;
}

void
wzp_contact_format(GString *text, const WzpContact *contact)
{
  char key[65], sas[17], first[24], last[24], verified[24];
  g_string_append_printf(
      text, "%s %s %s %s%s %s %s %s\n", sodium_bin2hex(key, sizeof key, contact->key, 32),
      format_time(first, contact->first_seen), format_time(last, contact->last_seen),
      wzp_verified_name(contact->verified), contact->trusted ? TRUSTED : "",
      format_time(verified, contact->verified_at),
      contact->has_sas ? sodium_bin2hex(sas, sizeof sas, contact->sas, 8) : NOTHING, contact->name);
}

static bool
parse_verified(WzpVerified *verified, const char *text)
{
  for (unsigned i = 0; i < G_N_ELEMENTS(verified_names); i++) {
    if (strcmp(verified_names[i], text) == 0) {
      *verified = (WzpVerified)i;
      return true;
    }
  }
  return false;
}

const char *
wzp_contact_parse(WzpContact *contact, const char *line)
{
  char *fields[FIELDS];
  g_autofree char *copy = g_strdup(line);
  char *at = copy;
  for (unsigned i = 0; i < FIELDS; i++) {
    at += strspn(at, " \t");
    fields[i] = at;
    at += strcspn(at, " \t");
    if (*at == '\0')
      return "is not KEY FIRST-SEEN LAST-SEEN HOW VERIFIED-AT SAS NAME";
    *at++ = '\0';
  }
  g_strstrip(at);
  contact->has_sas = strcmp(fields[5], NOTHING) != 0;
  if (!wzp_hex_read(contact->key, 32, fields[0]))
    return "does not start with a key of 64 hex digits";
  if (!parse_time(&contact->first_seen, fields[1]) || !parse_time(&contact->last_seen, fields[2]) ||
      !parse_time(&contact->verified_at, fields[4]))
    return "has a time that is not like 2026-11-24T16:20:05Z";
  contact->trusted = g_str_has_suffix(fields[3], TRUSTED);
  if (contact->trusted)
    fields[3][strlen(fields[3]) - strlen(TRUSTED)] = '\0';
  if (!parse_verified(&contact->verified, fields[3]))
    return "does not say no, fingerprint or words for how it was verified";
  if (contact->trusted && contact->verified == WZP_VERIFIED_NO)
    return "is marked as trusted without being verified";
  if ((contact->verified == WZP_VERIFIED_NO) != (contact->verified_at == WZP_CONTACT_NEVER))
    return "has how it was verified without when, or the other way round";
  if (contact->has_sas && !wzp_hex_read(contact->sas, 8, fields[5]))
    return "has a SAS that is not 16 hex digits";
  const char *problem = wzp_contact_name_problem(at);
  if (problem == NULL)
    contact->name = g_strdup(at);
  return problem == NULL ? NULL : "has no good name at its end";
}
