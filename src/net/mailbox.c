/* SPDX-License-Identifier: Apache-2.0 */
#include "net/mailbox.h"

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

static void on_wakeup(uv_async_t *wakeup)
{
    struct mailbox *box = wakeup->data;
    if (box->is_held)
        box->is_rung = true;
    else
        mailbox_deliver(box);
}

int mailbox_open(struct mailbox *box, uv_loop_t *loop, void *owner)
{
    *box = (struct mailbox){.owner = owner};
    box->end = &box->first;
    int error = uv_mutex_init(&box->lock);
    if (error != 0)
        return error;
    error = uv_async_init(loop, &box->wakeup, on_wakeup);
    if (error != 0) {
        uv_mutex_destroy(&box->lock);
        return error;
    }
    box->wakeup.data = box;
    return 0;
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
    *box->end = message;
    box->end = &message->next;
    uv_mutex_unlock(&box->lock);
    uv_async_send(&box->wakeup);
}

static void on_closed(uv_handle_t *handle)
{
    struct mailbox *box = handle->data;
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
