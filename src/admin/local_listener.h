/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin/local_listener.h - a listening unix socket with a name in the file system, on a loop.
 *
 * Its file has mode 0600. A name left behind by a process that has died is taken over; one that
 * somebody listens at, or that is no socket, is not.
 */
#ifndef ADMIN_LOCAL_LISTENER_H
#define ADMIN_LOCAL_LISTENER_H

#include <sys/types.h>
#include <uv.h>

#include "base/str.h"

enum { LOCAL_LISTENER_PER_TURN = 16, LOCAL_LISTENER_REST_MS = 100 };

struct local_listener;

struct local_listener_config {
    const char *path; /* copied */
    /* Takes `fd`, non-blocking. May close or pause the listener. */
    void (*on_connection)(void *owner, int fd);
    void *owner; /* borrowed */
};

/* Returns 0 and a new listener in `out`, or a negative errno or UV_E code with a sentence in `why`.
 */
NODISCARD int local_listener_open(uv_loop_t *loop, const struct local_listener_config *config,
    struct local_listener **out, struct str *why);

/* While it is paused, connections wait in the kernel. */
void local_listener_pause(struct local_listener *l);
void local_listener_resume(struct local_listener *l);

/* Accepts no more and removes its name, unless another has it now; the memory is freed from the
 * loop. Accepts NULL. */
void local_listener_close(struct local_listener *l);

/* Who is at the other end of a connected unix socket; false: that is not known, or it is none. */
NODISCARD bool local_peer(int fd, uid_t *out);

#endif
