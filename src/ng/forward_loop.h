/* SPDX-License-Identifier: Apache-2.0 */
/* ng/forward_loop.h - the forwarder on a loop: its sockets, opened when needed, and its timer. */
#ifndef NG_FORWARD_LOOP_H
#define NG_FORWARD_LOOP_H

#include <uv.h>

#include "ng/forward.h"

struct ng_forward_loop;

/* `now_us` is monotonic; `counters` are borrowed. NULL when out of memory. */
struct ng_forward_loop *ng_forward_loop_new(
    uv_loop_t *loop, uint64_t (*now_us)(void), struct ng_elsewhere_counters *counters);

struct ng_forwarder *ng_forward_loop_forwarder(struct ng_forward_loop *self);

/* Nothing is under way any more. The memory is freed from the loop. Accepts NULL. */
void ng_forward_loop_close(struct ng_forward_loop *self);

#endif
