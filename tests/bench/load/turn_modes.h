/* SPDX-License-Identifier: Apache-2.0 */
/* turn_modes.h - what the commands of the mode `turn` do; each prints its line of JSON. */
#ifndef LOAD_TURN_MODES_H
#define LOAD_TURN_MODES_H

#include "turn_clients.h"

/* Clients that get ready and release, `window` of them at once, each from a new address. */
void turn_churn(struct turn_load *load, enum turn_goal goal, unsigned window, unsigned seconds);

/* One Allocate from each of `count` new addresses, whose answers nobody hears: bare, or signed with
 * a nonce that was issued to somebody else. */
void turn_spoof(struct turn_load *load, unsigned count, unsigned per_s, bool is_signed);

/* Bare Allocates as fast as they can be sent, from `sources` new addresses. Whoever else has work
 * on this processor goes first: the flood is to hurt the server, not those who measure. */
void turn_flood(struct turn_load *load, unsigned sources, unsigned seconds);

#endif
