/* SPDX-License-Identifier: Apache-2.0 */
/* ng/listener.h - the server on UDP. */
#ifndef NG_LISTENER_H
#define NG_LISTENER_H

#include "ng/server.h"

struct ng_listener;

/* Listens on `address` for the server, which is borrowed and outlived; an address that is not on
 * this machine now may come later. Returns 0 and a new listener
 * in `out`, or a negative errno or UV_E code. */
NODISCARD int ng_listener_open(uv_loop_t *loop, const struct address *address, unsigned tos,
    struct ng_server *server, struct ng_listener **out);

/* What it is bound to. */
const struct address *ng_listener_address(const struct ng_listener *listener);

/* No more requests are taken, but replies given. */
void ng_listener_pause(struct ng_listener *listener);

/* No more requests. Replies still due are lost, so the server must be freed before the listener:
 * it may hold sources of it. Accepts NULL. */
void ng_listener_close(struct ng_listener *listener);

#endif
