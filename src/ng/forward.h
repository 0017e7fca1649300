/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ng/forward.h - requests sent on to other nodes, until their replies come.
 *
 * Each has a cookie of its own that nobody can guess, and is sent again after 50, 100, 200, then
 * every 400 ms, which the other node's cache of cookies makes harmless. A reply is only what comes
 * from the address asked, with that cookie.
 *
 * Pure: the time is passed in, datagrams leave through the configuration.
 */
#ifndef NG_FORWARD_H
#define NG_FORWARD_H

#include "base/map.h"
#include "base/timers.h"
#include "ng/counters.h"

enum { NG_FORWARDS_MAX = 1024, NG_FORWARD_COOKIE_LEN = 12 };

struct ng_forwarder_config {
    void *owner; /* borrowed */
    /* Sends a datagram; what cannot be sent is lost, and sent again. */
    void (*send)(void *owner, const struct address *to, struct bytes datagram);
    /* ng_forwarder_run() is to be called at `due_ms`, or before. */
    void (*wake_at)(void *owner, uint64_t due_ms);
    struct ng_elsewhere_counters *counters; /* borrowed */
};

/* What is inside belongs to forward.c. */
struct ng_forwarder {
    struct ng_forwarder_config config;
    struct map by_cookie;
    struct timers timers;
};

/* One request, embedded in its owner; all zeros, or with the callbacks set, before it starts. */
struct ng_forward {
    /* Whether it is to be sent again. With false it has been cancelled, and may be gone. */
    bool (*goes_on)(struct ng_forward *self);
    /* It is over: the document of the reply, borrowed for the call; NULL when none came. */
    void (*ended)(struct ng_forward *self, const struct bytes *reply);
    /* the rest belongs to forward.c */
    struct ng_forwarder *forwarder; /* NULL unless it is under way */
    struct map_node node;
    struct timer timer;
    struct address to;
    uint8_t *datagram;
    size_t datagram_len;
    uint64_t wait_ms, deadline_ms;
};

void ng_forwarder_init(struct ng_forwarder *forwarder, const struct ng_forwarder_config *config);

/* All have ended or were cancelled. */
void ng_forwarder_done(struct ng_forwarder *forwarder);

/*
 * Sends `document`, which is copied, to `to`. Returns 0, then `ended` follows, at `deadline_ms` at
 * the latest and never from within; or -EBUSY when too many are under way, -EMSGSIZE, -ENOMEM.
 */
NODISCARD int ng_forward_start(struct ng_forwarder *forwarder, struct ng_forward *forward,
    const struct address *to, struct bytes document, uint64_t deadline_ms, uint64_t now_ms);

/* `ended` does not follow. Harmless for one that is not under way. */
void ng_forward_cancel(struct ng_forward *forward);

/* Takes a datagram that came from `from`. */
void ng_forwarder_receive(
    struct ng_forwarder *forwarder, const struct address *from, struct bytes datagram);

/* Another timer, which fires from ng_forwarder_run(); initialised by its owner. */
void ng_forwarder_later(struct ng_forwarder *forwarder, struct timer *timer, uint64_t due_ms);
void ng_forwarder_not_later(struct ng_forwarder *forwarder, struct timer *timer);

/* Does what is due, and asks to be woken for what is next. */
void ng_forwarder_run(struct ng_forwarder *forwarder, uint64_t now_ms);

#endif
