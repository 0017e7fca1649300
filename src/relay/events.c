/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/events.h"

#include <stdlib.h>

struct timed_out {
    struct message message;
    struct relay_listener listener;
    uint64_t call;
    enum plan_timeout why;
};

static void tell_timed_out(struct message *self, void *owner)
{
    struct timed_out *event = CONTAINER_OF(self, struct timed_out, message);
    (void)owner;
    event->listener.timed_out(event->listener.owner, event->call, event->why);
    free(event);
}

bool events_timed_out(struct relay *relay, uint64_t call, enum plan_timeout why)
{
    struct timed_out *event = malloc(sizeof(*event));
    if (event == NULL)
        return false;
    *event = (struct timed_out){
        .message.deliver = tell_timed_out,
        .listener = relay->config.listener,
        .call = call,
        .why = why,
    };
    mailbox_post(relay->config.control, &event->message);
    return true;
}

struct changed {
    struct message message;
    struct relay_listener listener;
    uint64_t call;
};

static void tell_changed(struct message *self, void *owner)
{
    struct changed *event = CONTAINER_OF(self, struct changed, message);
    (void)owner;
    event->listener.changed(event->listener.owner, event->call);
    free(event);
}

bool events_changed(struct relay *relay, uint64_t call)
{
    if (relay->config.listener.changed == NULL)
        return true;
    struct changed *event = malloc(sizeof(*event));
    if (event == NULL)
        return false;
    *event = (struct changed){
        .message.deliver = tell_changed,
        .listener = relay->config.listener,
        .call = call,
    };
    mailbox_post(relay->config.control, &event->message);
    return true;
}
