/* SPDX-License-Identifier: Apache-2.0 */
/* turnserver/dtls_clients.h - the clients of a worker that speak TURN over DTLS (RFC 7350). */
#ifndef TURNSERVER_DTLS_CLIENTS_H
#define TURNSERVER_DTLS_CLIENTS_H

#include "turnserver/state.h"

/* A DTLS datagram of a client on a path of transport UDP. `is_final`: no other worker knows the
 * client either. The packet stays the caller's. */
void dtls_clients_receive(
    struct turn_worker *w, const struct turn_path *path, struct packet *p, bool is_final);

/* Sends one record on a path of transport DTLS. */
void dtls_client_send(const struct turn_path *path, struct bytes record);

/* Ends the session of a path: its allocation is over. */
void dtls_client_end(const struct turn_path *path);

/* The path has an allocation, or has none any more. */
void dtls_client_used(const struct turn_path *path, bool has_allocation);

void dtls_clients_close(struct turn_worker *w);

#endif
