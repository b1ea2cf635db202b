/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "room-list.h"

/* room-list.c has the list, room-list-file.c where lists lie and which were seen. */

GBytes *wzp_room_list_message(const WzpRoomList *list); /* what is signed */
