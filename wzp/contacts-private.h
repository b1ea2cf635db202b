/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "contacts.h"

/* One contact as a line of text; contacts.c has the list of them. */

const char *wzp_contact_name_problem(const char *name);
void wzp_contact_format(GString *text, const WzpContact *contact);
/* Into a contact of zeroes. NULL, or what is wrong with the line; then there is nothing to free. */
const char *wzp_contact_parse(WzpContact *contact, const char *line);
