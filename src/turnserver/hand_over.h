/* SPDX-License-Identifier: Apache-2.0 */
/* turnserver/hand_over.h - what came to the wrong worker goes to the one whose client it is from.
 */
#ifndef TURNSERVER_HAND_OVER_H
#define TURNSERVER_HAND_OVER_H

#include "turnserver/state.h"

/* Hands a copy of a datagram to another worker, which answers through its own socket on the same
 * address. False when it has stopped, or memory is short. */
NODISCARD bool hand_over_datagram(
    struct turn_worker *w, unsigned to, const struct turn_path *path, const struct packet *p);

#endif
