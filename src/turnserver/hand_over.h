/* SPDX-License-Identifier: Apache-2.0 */
/* turnserver/hand_over.h - what came to the wrong worker goes to the one whose client it is from.
 */
#ifndef TURNSERVER_HAND_OVER_H
#define TURNSERVER_HAND_OVER_H

#include "turnserver/state.h"

enum { MAX_HANDED = 2048 /* datagrams that wait for one worker */ };

/* Hands a copy of a datagram to another worker, which answers through its own socket on the same
 * address. False when it has stopped, or memory is short. When too many wait for it already, `p`
 * gets a drop verdict instead. */
NODISCARD bool hand_over_datagram(
    struct turn_worker *w, unsigned to, const struct turn_path *path, struct packet *p);

#endif
