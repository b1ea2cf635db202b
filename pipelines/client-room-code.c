/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client-room-code.h"

struct ClientRoomCode {
  ClientRoomCodeSay say;
  gpointer data;
  GObject *call;
  guint members;
  GSource *made; /* while one is made: what the main context does then */
  GThread *thread;
  char *code; /* the thread's, until it ended */
  gboolean again;
};

static gpointer
make(gpointer data)
{
  ClientRoomCode *self = data;
  g_object_get(self->call, "room-code", &self->code, NULL);
  g_source_attach(self->made, NULL);
  return NULL;
}

/* Waits until the thread has ended. Returns the code, or NULL. */
static char *
finish(ClientRoomCode *self)
{
  g_clear_pointer(&self->thread, g_thread_join);
  g_source_destroy(self->made);
  g_clear_pointer(&self->made, g_source_unref);
  return g_steal_pointer(&self->code);
}

static void begin(ClientRoomCode *self);

static gboolean
on_made(gpointer data)
{
  ClientRoomCode *self = data;
  char *code = finish(self);
  if (self->again)
    begin(self);
  else if (code)
    self->say(self->data, code, self->members);
  g_free(code);
  return G_SOURCE_REMOVE;
}

static void
begin(ClientRoomCode *self)
{
  self->again = FALSE;
  self->made = g_idle_source_new();
  g_source_set_callback(self->made, on_made, self, NULL);
  self->thread = g_thread_try_new("room-code", make, self, NULL);
  if (!self->thread)
    make(self); /* rather late than never */
}

ClientRoomCode *
client_room_code_new(ClientRoomCodeSay say, gpointer data)
{
  ClientRoomCode *self = g_new0(ClientRoomCode, 1);
  self->say = say;
  self->data = data;
  return self;
}

void
client_room_code_make(ClientRoomCode *self, GObject *call, guint members)
{
  self->members = members;
  self->again = self->made != NULL;
  if (self->again)
    return;
  g_set_object(&self->call, call);
  begin(self);
}

void
client_room_code_free(ClientRoomCode *self)
{
  if (!self)
    return;
  if (self->made)
    g_free(finish(self));
  g_clear_object(&self->call);
  g_free(self);
}
