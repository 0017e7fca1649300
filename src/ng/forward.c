/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/forward.h"

#include <errno.h>
#include <stdlib.h>

#include "base/random.h"
#include "ng/server.h"

enum { FIRST_WAIT_MS = 50, LONGEST_WAIT_MS = 400 };

void ng_forwarder_init(struct ng_forwarder *forwarder, const struct ng_forwarder_config *config)
{
    forwarder->config = *config;
    map_init(&forwarder->by_cookie);
    timers_init(&forwarder->timers);
}

void ng_forwarder_done(struct ng_forwarder *forwarder)
{
    map_done(&forwarder->by_cookie);
}

static void stop(struct ng_forward *forward)
{
    struct ng_forwarder *forwarder = forward->forwarder;
    map_remove(&forwarder->by_cookie, &forward->node);
    timer_cancel(&forwarder->timers, &forward->timer);
    counter_subtract(&forwarder->config.counters->forwarding, 1);
    free(forward->datagram);
    forward->datagram = NULL;
    forward->forwarder = NULL;
}

void ng_forward_cancel(struct ng_forward *forward)
{
    if (forward->forwarder != NULL)
        stop(forward);
}

static void end(struct ng_forward *forward, const struct bytes *reply)
{
    stop(forward);
    forward->ended(forward, reply);
}

/* --- sending --- */

static void send_now(struct ng_forward *forward, uint64_t now_ms)
{
    struct ng_forwarder *forwarder = forward->forwarder;
    uint64_t due_ms = now_ms + forward->wait_ms;
    forwarder->config.send(
        forwarder->config.owner, &forward->to, bytes_of(forward->datagram, forward->datagram_len));
    timer_arm(&forwarder->timers, &forward->timer,
        due_ms < forward->deadline_ms ? due_ms : forward->deadline_ms);
}

static void on_due(struct timer *timer, uint64_t now_ms)
{
    struct ng_forward *forward = CONTAINER_OF(timer, struct ng_forward, timer);
    if (now_ms >= forward->deadline_ms) {
        end(forward, NULL);
        return;
    }
    if (!forward->goes_on(forward))
        return;
    counter_add(&forward->forwarder->config.counters->forward_resent, 1);
    forward->wait_ms *= 2;
    if (forward->wait_ms > LONGEST_WAIT_MS)
        forward->wait_ms = LONGEST_WAIT_MS;
    send_now(forward, now_ms);
}

static void wake(struct ng_forwarder *forwarder)
{
    uint64_t due_ms = timers_next_due(&forwarder->timers);
    if (due_ms != TIMERS_NEVER)
        forwarder->config.wake_at(forwarder->config.owner, due_ms);
}

void ng_forwarder_run(struct ng_forwarder *forwarder, uint64_t now_ms)
{
    timers_run(&forwarder->timers, now_ms);
    wake(forwarder);
}

void ng_forwarder_later(struct ng_forwarder *forwarder, struct timer *timer, uint64_t due_ms)
{
    timer_arm(&forwarder->timers, timer, due_ms);
    wake(forwarder);
}

void ng_forwarder_not_later(struct ng_forwarder *forwarder, struct timer *timer)
{
    timer_cancel(&forwarder->timers, timer);
}

/* The cookie, a space, the document. */
static bool make_datagram(struct ng_forward *forward, struct bytes document)
{
    char cookie[NG_FORWARD_COOKIE_LEN + 1];
    size_t len = NG_FORWARD_COOKIE_LEN + 1 + document.len;
    forward->datagram = malloc(len);
    if (forward->datagram == NULL)
        return false;
    random_alphanumeric(cookie, NG_FORWARD_COOKIE_LEN);
    struct writer w = writer_over(forward->datagram, len);
    writer_put(&w, bytes_of(cookie, NG_FORWARD_COOKIE_LEN));
    writer_u8(&w, ' ');
    writer_put(&w, document);
    forward->datagram_len = len;
    return true;
}

int ng_forward_start(struct ng_forwarder *forwarder, struct ng_forward *forward,
    const struct address *to, struct bytes document, uint64_t deadline_ms, uint64_t now_ms)
{
    if (forwarder->by_cookie.count >= NG_FORWARDS_MAX)
        return -EBUSY;
    if (document.len > NG_MAX_REPLY - NG_FORWARD_COOKIE_LEN - 1)
        return -EMSGSIZE;
    if (!make_datagram(forward, document))
        return -ENOMEM;
    forward->forwarder = forwarder;
    forward->to = *to;
    forward->wait_ms = FIRST_WAIT_MS;
    forward->deadline_ms = deadline_ms;
    timer_init(&forward->timer, on_due);
    map_put(
        &forwarder->by_cookie, &forward->node, bytes_of(forward->datagram, NG_FORWARD_COOKIE_LEN));
    counter_add(&forwarder->config.counters->forwarding, 1);
    send_now(forward, now_ms);
    wake(forwarder);
    return 0;
}

/* --- receiving --- */

void ng_forwarder_receive(
    struct ng_forwarder *forwarder, const struct address *from, struct bytes datagram)
{
    size_t cookie_len = NG_FORWARD_COOKIE_LEN;
    if (datagram.len <= cookie_len || datagram.data[cookie_len] != ' ')
        return;
    struct map_node *node = map_find(&forwarder->by_cookie, bytes_of(datagram.data, cookie_len));
    if (node == NULL)
        return;
    struct ng_forward *forward = CONTAINER_OF(node, struct ng_forward, node);
    if (!address_equal(&forward->to, from))
        return;
    struct bytes reply = bytes_of(datagram.data + cookie_len + 1, datagram.len - cookie_len - 1);
    end(forward, &reply);
}
