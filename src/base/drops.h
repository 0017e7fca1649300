/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/drops.h - why a packet was dropped: one line a reason, for counters, logs and tests.
 *
 * Add a line and the constant, its counter and its text are there.
 */
#ifndef BASE_DROPS_H
#define BASE_DROPS_H

#include <stddef.h>

#include "base/metrics.h"

/* X(constant, name of the counter, text) */
#define DROP_REASONS(X)                                                                            \
    X(DROP_TRUNCATED, "truncated", "datagram larger than a packet buffer")                         \
    X(DROP_NO_MEMORY, "no_memory", "no packet buffer left")                                        \
    X(DROP_SEND_QUEUE_FULL, "send_queue_full", "the socket's send queue is full")                  \
    X(DROP_SEND_FAILED, "send_failed", "the kernel refused to send")                               \
    X(DROP_SOCKET_CLOSED, "socket_closed", "its socket was closed meanwhile")

enum drop_reason {
    DROP_NONE,
#define X(constant, name, text) constant,
    DROP_REASONS(X)
#undef X
        DROP_REASON_COUNT
};

/* The name of the reason's counter; "none" for DROP_NONE. */
const char *drop_name(enum drop_reason reason);

/* The reason in words. */
const char *drop_text(enum drop_reason reason);

/* Written by one worker. */
struct drop_counters {
    struct counter by_reason[DROP_REASON_COUNT];
};

static inline void drop_count(struct drop_counters *counters, enum drop_reason reason)
{
    counter_add(&counters->by_reason[reason], 1);
}

#endif
