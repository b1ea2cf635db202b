/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#pragma once
#include "relay-media.h"

/* One media worker: a thread, a UDP socket and a media plane of its own. The control thread gives it
 * commands and takes from it the datagrams that are not media. Nothing but those two bounded queues
 * passes between the threads; counters are read as relaxed atomics. */

typedef struct RelayWorker RelayWorker;

/* Opens the sockets. second_port: of one on which only STUN questions are heard, so that a client can compare how its
 * address is seen at two ports; 0: any free one, -1: none. The error is a sentence for the operator. */
RelayWorker *relay_worker_new(const RelayLimits *limits, const WzpAddress *listen, int second_port,
                              GError **error);
/* Stops the thread, closes the socket. */
void relay_worker_free(RelayWorker *worker);
/* Where it really listens. */
const WzpAddress *relay_worker_address(const RelayWorker *worker);
uint16_t relay_worker_second_port(const RelayWorker *worker); /* 0: there is none */
/* What goes to addresses with a stream goes to send, from the worker's and the control thread. Before the start. */
typedef void (*RelayWorkerSend)(void *user, const WzpAddress *to, const uint8_t *data,
                                size_t length);
void relay_worker_set_streams(RelayWorker *worker, RelayWorkerSend send, void *user);
/* A datagram of such an address. Any thread, until relay_worker_free(). */
void relay_worker_bring(RelayWorker *worker, const WzpAddress *from, const uint8_t *data,
                        size_t length);
bool relay_worker_start(RelayWorker *worker, GError **error);

/* For the control thread: */
void relay_worker_command(RelayWorker *worker, const RelayCommand *command);
/* Readable while datagrams wait for the control thread. */
int relay_worker_control_fd(const RelayWorker *worker);
/* The next of them; false when there is none (the descriptor is then quiet again). */
bool relay_worker_take_control(RelayWorker *worker, WzpAddress *from,
                               uint8_t data[WZP_DATAGRAM_MAX], size_t *length);
void relay_worker_send(RelayWorker *worker, const RelayDatagram *datagram);
WzpTime relay_worker_last_seen(const RelayWorker *worker, uint32_t sid);
/* Bytes of media sent in a second now, roughly. */
uint64_t relay_worker_egress(const RelayWorker *worker);
/* Adds what the worker counted. */
void relay_worker_add_stats(const RelayWorker *worker, RelayStats *stats);
