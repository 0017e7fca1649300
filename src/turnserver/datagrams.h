/* SPDX-License-Identifier: Apache-2.0 */
/* turnserver/datagrams.h - the packets of a worker: from clients at the doors, from peers at
 * relayed addresses. */
#ifndef TURNSERVER_DATAGRAMS_H
#define TURNSERVER_DATAGRAMS_H

#include "turnserver/serve.h"

/* The hook of the worker; `state` is the struct turn_worker. */
void datagrams_receive(void *state, struct packet_batch *batch, uint64_t now_ms);

/* A datagram of a client on a path of transport UDP, told apart by its first byte (RFC 7983). The
 * packet stays the caller's unless it is queued then. */
void datagram_from_client(
    struct turn_worker *w, const struct turn_path *path, struct packet *p, struct serving serving);

#endif
