/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn/data.h - data of clients on its way to peers (RFC 8656, sections 11.2 and 12.6).
 *
 * What peers send comes in by turn_from_peer(). Nothing here allocates or copies: the headers of
 * TURN are stripped and prepended where the payload lies.
 */
#ifndef TURN_DATA_H
#define TURN_DATA_H

#include "turn/request.h"

/* A ChannelData message. */
enum turn_verdict data_from_channel(struct turn_server *server, const struct turn_arrival *arrival);

/* A Send indication; `m` is the packet. */
enum turn_verdict data_from_send(
    struct turn_server *server, const struct turn_arrival *arrival, const struct stun_message *m);

#endif
