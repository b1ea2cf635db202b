/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "relay-locals.h"
#include "relay-worker.h"
#include <gio/gio.h>
#include <pthread.h>
#include <sys/socket.h>

/* What the worker's thread and the control thread share. */

#define RECEIVE_BATCH 64
#define SEND_BATCH 256
/* longer than any datagram of the protocol, so that longer ones are seen to be that */
#define RECEIVE_SIZE 2048
#define CONTROL_QUEUE 1024
/* of a WzpAddress: it asked at the second port; the other bits are relay-locals.h's */
#define VIA_SECOND 0x80

typedef struct {
  WzpAddress from;
  size_t length;
  uint8_t data[WZP_DATAGRAM_MAX];
} ControlDatagram;

struct RelayWorker {
  int socket;
  bool v6_socket;
  WzpAddress address;
  int second; /* -1: none */
  uint16_t second_port;
  RelayLocals *locals;
  RelayMedia *media;
  pthread_t thread;
  bool running;
  GMainContext *context;
  GMainLoop *loop;

  /* datagrams for the control thread, a ring under its lock */
  pthread_mutex_t control_lock;
  ControlDatagram *control;
  unsigned control_first, control_length;
  int control_event;
  bool control_wakes; /* this batch queued something; worker only */

  /* commands from the control thread, under their lock */
  pthread_mutex_t command_lock;
  GArray *commands, *commands_taken;
  int commands_wait; /* atomic: so that a batch without any takes no lock */
  bool stop;
  int command_event;

  /* datagrams that came by other ways than the socket, under their lock */
  pthread_mutex_t brought_lock;
  ControlDatagram *brought, *brought_taken; /* NULL: there is no other way */
  unsigned n_brought;

  RelayWorkerSend streams; /* NULL: none; constant while the thread runs */
  void *streams_user;

  uint64_t not_brought;    /* atomic */
  uint64_t unsent_control; /* atomic, control thread only */

  /* the worker's batches */
  struct mmsghdr received[RECEIVE_BATCH];
  struct iovec received_iov[RECEIVE_BATCH];
  struct sockaddr_storage received_from[RECEIVE_BATCH];
  _Alignas(struct cmsghdr) uint8_t received_at[RECEIVE_BATCH][RELAY_LOCALS_ROOM];
  uint8_t buffers[RECEIVE_BATCH][RECEIVE_SIZE];
  struct mmsghdr send[SEND_BATCH];
  struct iovec send_iov[SEND_BATCH];
  struct sockaddr_storage send_to[SEND_BATCH];
  unsigned n_send;
};
