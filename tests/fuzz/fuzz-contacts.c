/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "wzp/contacts.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken for a contact store is written in one way, which reads as the same contacts: nobody is lost, and
 * nobody can be found under two names. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup((const char *)data, size);
  g_autoptr(WzpContacts) contacts = wzp_contacts_parse(text, NULL);
  if (contacts == NULL)
    return 0;
  g_autofree char *written = wzp_contacts_format(contacts);
  g_autoptr(WzpContacts) again = wzp_contacts_parse(written, NULL);
  g_assert_nonnull(again);
  g_autofree char *rewritten = wzp_contacts_format(again);
  g_assert_cmpstr(written, ==, rewritten);
  g_assert_cmpuint(wzp_contacts_count(again), ==, wzp_contacts_count(contacts));
  for (unsigned n = 0; n < wzp_contacts_count(contacts); n++) {
    const WzpContact *one = wzp_contacts_nth(contacts, n);
    g_assert_true(wzp_contacts_by_name(contacts, one->name) == one);
    g_assert_true(wzp_contacts_by_key(contacts, one->key) == one);
    g_assert_cmpint(wzp_contacts_check(contacts, one->name, one->key, NULL), !=,
                    WZP_CONTACT_KEY_CHANGED);
  }
  return 0;
}
