/* SPDX-License-Identifier: Apache-2.0 */
#include "net/mailbox.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Not uv_async_t: while the thread that has sent is not through with it, the one that it has woken
 * spins, and with one processor for both it is in the sender's way. */

static struct message *take_all(struct mailbox *box)
{
    box->is_rung = false;
    uv_mutex_lock(&box->lock);
    struct message *first = box->first;
    box->first = NULL;
    box->end = &box->first;
    uv_mutex_unlock(&box->lock);
    return first;
}

/* Off the list before it runs: it may close the mailbox, which delivers those behind it. */
static void deliver_next(struct mailbox *box)
{
    struct message *message = box->taken;
    box->taken = message->next;
    message->deliver(message, message->owner);
}

void mailbox_deliver(struct mailbox *box)
{
    while (box->taken != NULL)
        deliver_next(box);
    box->taken = take_all(box);
    while (box->taken != NULL)
        deliver_next(box);
}

uint64_t mailbox_deliver_for(struct mailbox *box, uint64_t budget_ns)
{
    if (box->taken == NULL)
        box->taken = take_all(box);
    if (box->taken == NULL)
        return 0;
    uint64_t began_ns = uv_hrtime();
    uint64_t spent_ns = 0;
    do {
        deliver_next(box);
        spent_ns = uv_hrtime() - began_ns;
    } while (box->taken != NULL && spent_ns < budget_ns);
    return spent_ns;
}

static void on_wakeup(uv_poll_t *wakeup, int status, int events)
{
    struct mailbox *box = wakeup->data;
    eventfd_t rung;
    (void)status;
    (void)events;
    (void)eventfd_read(box->event_fd, &rung);
    if (box->is_held)
        box->is_rung = true;
    else
        mailbox_deliver(box);
}

static int open_wakeup(struct mailbox *box, uv_loop_t *loop)
{
    box->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (box->event_fd < 0)
        return -errno;
    int error = uv_poll_init(loop, &box->wakeup, box->event_fd);
    if (error != 0) {
        close(box->event_fd);
        return error;
    }
    box->wakeup.data = box;
    return uv_poll_start(&box->wakeup, UV_READABLE, on_wakeup);
}

int mailbox_open(struct mailbox *box, uv_loop_t *loop, void *owner)
{
    *box = (struct mailbox){.owner = owner};
    box->end = &box->first;
    int error = uv_mutex_init(&box->lock);
    if (error != 0)
        return error;
    error = open_wakeup(box, loop);
    if (error != 0)
        uv_mutex_destroy(&box->lock);
    return error;
}

void mailbox_hold(struct mailbox *box)
{
    box->is_held = true;
}

void mailbox_post(struct mailbox *box, struct message *message)
{
    mailbox_post_to(box, box->owner, message);
}

void mailbox_post_to(struct mailbox *box, void *owner, struct message *message)
{
    message->owner = owner;
    message->next = NULL;
    uv_mutex_lock(&box->lock);
    bool is_first = box->first == NULL;
    *box->end = message;
    box->end = &message->next;
    if (is_first) /* under the lock: once the message is taken, the mailbox may be closed */
        (void)eventfd_write(box->event_fd, 1);
    uv_mutex_unlock(&box->lock);
}

static void on_closed(uv_handle_t *handle)
{
    struct mailbox *box = handle->data;
    close(box->event_fd);
    uv_mutex_destroy(&box->lock);
    if (box->closed != NULL)
        box->closed(box);
}

void mailbox_close(struct mailbox *box, void (*closed)(struct mailbox *box))
{
    mailbox_deliver(box);
    box->closed = closed;
    uv_close((uv_handle_t *)&box->wakeup, on_closed);
}
