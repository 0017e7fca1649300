/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/mailbox.h - the only way from one thread into another thread's loop.
 *
 * Messages are delivered in the order they were posted, in the receiver's thread, outside the
 * lock. Posters stop before the mailbox they post to.
 */
#ifndef NET_MAILBOX_H
#define NET_MAILBOX_H

#include <uv.h>

#include "mediaferry/bytes.h"

/* Embedded as the first member of every concrete message. */
struct message {
    struct message *next;
    void *owner;                                        /* set when it is posted */
    void (*deliver)(struct message *self, void *owner); /* takes `self` */
};

struct mailbox {
    uv_mutex_t lock;
    struct message *first;
    struct message **end;
    uv_poll_t wakeup;
    int event_fd; /* that it waits for: rung by the first message */
    void *owner;
    struct message *taken; /* the receiver's: to be delivered next */
    bool is_held;
    bool is_rung; /* the receiver's, of one that is held: the loop was woken since it looked */
    void (*closed)(struct mailbox *box);
};

/* Opens in the caller's memory, on the receiver's loop; `owner` is handed to each delivery.
 * Returns 0 or a negative UV_E code. */
NODISCARD int mailbox_open(struct mailbox *box, uv_loop_t *loop, void *owner);

/* In the receiver's thread, or before there is one: from now on a post no more than wakes the loop,
 * and messages are delivered when the receiver asks for it. */
void mailbox_hold(struct mailbox *box);

/* From any thread; takes `message`. Never fails, never blocks for long. */
void mailbox_post(struct mailbox *box, struct message *message);

/* The same for another owner than the mailbox's. */
void mailbox_post_to(struct mailbox *box, void *owner, struct message *message);

/* In the receiver's thread: delivers what is there now instead of when the loop comes to it. */
void mailbox_deliver(struct mailbox *box);

/* The same until so much time is spent, but one message at least. Returns the time spent, which may
 * be more: a message is not interrupted. */
uint64_t mailbox_deliver_for(struct mailbox *box, uint64_t budget_ns);

/* In the receiver's thread: whether mailbox_deliver_for() left some, or nobody has looked since the
 * loop was woken for some. It is not woken for them again. */
static inline bool mailbox_has_left(const struct mailbox *box)
{
    return box->taken != NULL || box->is_rung;
}

/* In the receiver's thread: delivers what is left, then closes. `closed` (may be NULL) is called
 * from the loop once the memory may be freed. */
void mailbox_close(struct mailbox *box, void (*closed)(struct mailbox *box));

#endif
