/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib-object.h>

/* The words that the members of a room compare. Making them takes a processor for some tenths of a second, or for
 * seconds on a busy machine: a thread does it, so that whoever ends the call meanwhile is heard at once. */

typedef struct ClientRoomCode ClientRoomCode;
/* In the default main context. code: eight words. members: who see the same, oneself included. */
typedef void (*ClientRoomCodeSay)(gpointer data, const char *code, guint members);

ClientRoomCode *client_room_code_new(ClientRoomCodeSay say, gpointer data);
/* Reads the property "room-code" of `call`, the same each time, which is made when it is read; NULL there (nobody else is in the room any
 * more, no memory) is not said. Of several that are asked for while one is made only the last is said. */
void client_room_code_make(ClientRoomCode *self, GObject *call, guint members);
/* Waits for the one that is being made. Nothing is said any more. NULL is ignored. */
void client_room_code_free(ClientRoomCode *self);
