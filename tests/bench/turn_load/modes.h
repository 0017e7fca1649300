/* SPDX-License-Identifier: Apache-2.0 */
/*
 * modes.h - what the load does. Each prints "ready" when it is set up, waits for a line of input,
 * and prints one line of JSON with what came of it.
 */
#ifndef TURN_LOAD_MODES_H
#define TURN_LOAD_MODES_H

#include <stdint.h>

struct target {
    unsigned port;  /* of the server, on 127.0.0.1 */
    uint32_t first; /* number of the first client: each run has clients that the server never saw */
};

/* Says that all is set up and waits to be told to go on. */
void ready(void);

/* Voice of `count` clients to an echoing peer and back through channels, for `seconds`: each sends
 * `per_second` packets; or (0) as many as come back, with WINDOW of them under way. */
void run_voice(const struct target *target, unsigned count, unsigned seconds, unsigned per_second);

/* Clients that allocate and release, `window` of them at once, each from a new address. */
void run_churn(const struct target *target, unsigned window, unsigned seconds);

/* `count` idle allocations, released when a second line of input comes. */
void run_hold(const struct target *target, unsigned count);

/* One Allocate from each of `count` addresses, whose answers nobody hears: bare, or signed with a
 * nonce that never was issued. `per_second` of them. */
void run_spoof(const struct target *target, unsigned count, unsigned per_second, int is_signed);

/* Bare Allocates as fast as they can be sent, from `sources` addresses. */
void run_flood(const struct target *target, unsigned sources, unsigned seconds);

#endif
