/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-control.h"
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES 256

struct ClientControl {
  GstElement *call;
  gboolean trusted;
  ClientControlSay say;
  gpointer user;
  int fd;
  guint source; /* 0: the input ended */
  GString *line;
  gboolean too_long;
};

typedef enum { NOTHING, ON, OFF, REASON, MODE, WHOM, CALL } Argument;

/* action: of wzpcall */
static const struct {
  const char *word, *action;
  Argument argument;
  const char *help;
} commands[] = {
    {"accept", "accept", MODE, "take the call that rings"},
    {"decline", "decline", REASON, "do not take it; \"decline busy\" says that you are"},
    {"hangup", "hangup", CALL, "end the call"},
    {"hold", "hold", ON, "nobody hears anybody until \"resume\""},
    {"resume", "hold", OFF, "go on"},
    {"mute", "mute", ON, "send nothing that is spoken until \"unmute\""},
    {"unmute", "mute", OFF, "speak again"},
    {"transfer", "transfer", WHOM, "transfer WHO: ask the other one to call somebody else instead"},
    {"dial", "dial", WHOM, "dial WHO: hang up, and call somebody else"},
};

int
client_control_mode(GstElement *call, gboolean trusted)
{
  GEnumClass *modes = g_type_class_ref(G_PARAM_SPEC_VALUE_TYPE(
      g_object_class_find_property(G_OBJECT_GET_CLASS(call), "accept-mode")));
  int mode = g_enum_get_value_by_nick(modes, trusted ? "trusted" : "private")->value;
  g_type_class_unref(modes);
  return mode;
}

static void
say_help(ClientControl *self)
{
  GString *text = g_string_new("commands:");
  for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
    g_string_append_printf(text, "\n  %-9s %s", commands[i].word, commands[i].help);
  self->say(self->user, text->str);
  g_string_free(text, TRUE);
}

/* False: it could not be done now. */
static gboolean
act(ClientControl *self, guint command, const char *rest)
{
  const char *action = commands[command].action;
  gboolean done = FALSE;
  switch (commands[command].argument) {
  case MODE:
    g_signal_emit_by_name(self->call, action, NULL, client_control_mode(self->call, self->trusted),
                          &done);
    break;
  case REASON:
    g_signal_emit_by_name(self->call, action, NULL, rest, &done);
    break;
  case CALL:
    g_signal_emit_by_name(self->call, action, NULL, &done);
    break;
  case WHOM:
    g_signal_emit_by_name(self->call, action, rest, &done);
    break;
  default:
    g_signal_emit_by_name(self->call, action, commands[command].argument == ON, &done);
    break;
  }
  return done;
}

static void
take_line(ClientControl *self, char *line)
{
  g_strstrip(line);
  char *rest = line + strcspn(line, " \t");
  if (*rest != '\0')
    *rest++ = '\0';
  g_strstrip(rest);
  if (*line == '\0')
    return;
  for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
    const Argument argument = commands[i].argument;
    char *problem = NULL;
    if (strcmp(line, commands[i].word) != 0)
      continue;
    if (argument == WHOM && *rest == '\0')
      problem = g_strdup_printf("%s needs a fingerprint or the name of a contact", line);
    else if (*rest != '\0' && argument != WHOM &&
             !(argument == REASON && strcmp(rest, "busy") == 0))
      problem = g_strdup_printf("'%s' says nothing behind %s", rest, line);
    else if (!act(self, i, rest))
      problem = g_strdup_printf("%s: not now", line);
    if (problem != NULL)
      self->say(self->user, problem);
    g_free(problem);
    return;
  }
  if (strcmp(line, "help") == 0) {
    say_help(self);
    return;
  }
  char *text = g_strdup_printf("there is no command '%s'; \"help\" says which there are", line);
  self->say(self->user, text);
  g_free(text);
}

static gboolean
on_input(gint fd, GIOCondition condition, gpointer user)
{
  ClientControl *self = user;
  char bytes[LINE_MAX_BYTES];
  ssize_t got = read(fd, bytes, sizeof bytes);
  (void)condition;
  if (got <= 0) {
    self->source = 0;
    return G_SOURCE_REMOVE;
  }
  for (ssize_t i = 0; i < got; i++) {
    if (bytes[i] != '\n') {
      if (self->line->len < LINE_MAX_BYTES)
        g_string_append_c(self->line, bytes[i]);
      else
        self->too_long = TRUE;
      continue;
    }
    if (self->too_long)
      self->say(self->user, "that line was too long for a command");
    else
      take_line(self, self->line->str);
    self->too_long = FALSE;
    g_string_truncate(self->line, 0);
  }
  return G_SOURCE_CONTINUE;
}

ClientControl *
client_control_new(int fd, GstElement *call, gboolean trusted, ClientControlSay say, gpointer user)
{
  ClientControl *self = g_new0(ClientControl, 1);
  self->call = call;
  self->trusted = trusted;
  self->say = say;
  self->user = user;
  self->fd = fd;
  self->line = g_string_new(NULL);
  self->source = g_unix_fd_add(fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_input, self);
  return self;
}

void
client_control_free(ClientControl *self)
{
  if (self == NULL)
    return;
  if (self->source != 0)
    g_source_remove(self->source);
  g_string_free(self->line, TRUE);
  g_free(self);
}
