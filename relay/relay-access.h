/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "relay-core.h"

/* Who may join which room. The relay knows rooms by their room_id only; the id of an open room follows from
 * its name and the relay's key, that of a keyed room can only be named as it is. */

RelayAccess *relay_access_new(void); /* all rooms are open */
void relay_access_free(RelayAccess *access);

/* Rooms that no rule names. */
void relay_access_set_open(RelayAccess *access, bool open);
/* The room that relay_access_allow() is about from here on; nobody may join it yet. name: an open room, 1 to
 * 255 bytes; id: 64 hex digits. False: not of that form, or there before. */
bool relay_access_add_name(RelayAccess *access, const char *name);
bool relay_access_add_id(RelayAccess *access, const char *id);
/* Fingerprints, divided by commas, semicolons or spaces; "*": everybody. A bad one is *wrong (g_free()). */
bool relay_access_allow(RelayAccess *access, const char *list, char **wrong);
/* Once all rules are there. False when two rules name the same room; both as an id, or one by name. */
bool relay_access_bind(RelayAccess *access, const uint8_t relay_key[32]);

unsigned relay_access_n_rules(const RelayAccess *access);
/* After relay_access_bind(). */
bool relay_access_allows(const RelayAccess *access, const uint8_t room_id[32],
                         const uint8_t fingerprint[WZP_FINGERPRINT_SIZE]);
