/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include <glib.h>

/* The person at the terminal: what nobody else shall read or write goes to /dev/tty and comes from there, whatever
 * standard input and output are. While it is open, Ctrl-C and the like end a question, not the program, so that
 * the terminal is left as it was. */

typedef struct ClientTerminal ClientTerminal;
/* NULL: CLIENT_LOCAL; secret names in the message what needs a terminal ("the 24 words"). */
ClientTerminal *client_terminal_open(const char *secret, GError **error);
/* A screen of its own: nothing of it stays to be scrolled back to. */
void client_terminal_page(ClientTerminal *terminal);
gboolean client_terminal_write(ClientTerminal *terminal, const char *text, GError **error);
/* One line, without its end. False when the line is longer than size - 1, at Ctrl-C and at the end of input; line
 * is wiped then. */
gboolean client_terminal_ask(ClientTerminal *terminal, const char *question, gboolean echo,
                             char *line, gsize size, GError **error);
/* The same, not shown, at a terminal that is opened for it. */
gboolean client_terminal_ask_passphrase(const char *question, char *passphrase, gsize size,
                                        GError **error);
/* Leaves the page. NULL is fine. */
void client_terminal_close(ClientTerminal *terminal);
