/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/operation.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "daemon/drain.h"
#include "daemon/process.h"
#include "daemon/turn_service.h"
#include "session/session.h"

enum { LOOK_EACH_MS = 200 };

struct operation {
    struct operation_config own;
    struct drain drain;
    uv_timer_t look;
};

static struct drain_left what_is_left(const struct operation *o)
{
    return (struct drain_left){.calls = sessions_totals(o->own.sessions).current,
        .allocations = turn_service_allocations(o->own.turn)};
}

static void say(const struct operation *o, const char *state, const struct drain_left *left)
{
    log_event(LOG_NOTICE, LOG_NO_CALL, "drain", "state=%s calls=%llu allocations=%llu seconds=%llu",
        state, (unsigned long long)left->calls, (unsigned long long)left->allocations,
        (unsigned long long)(uv_now(o->own.loop) - o->drain.since_ms) / 1000);
}

static void end(struct operation *o, const struct drain_left *left)
{
    bool is_empty = left->calls == 0 && left->allocations == 0;
    uv_timer_stop(&o->look);
    if (uv_now(o->own.loop) > o->drain.since_ms)
        say(o, is_empty ? "empty" : "over", left);
    o->own.drained(o->own.owner);
}

static void look(uv_timer_t *timer)
{
    struct operation *o = timer->data;
    struct drain_left left = what_is_left(o);
    process_notify_draining(left.calls, left.allocations);
    switch (drain_look(&o->drain, &left, uv_now(o->own.loop))) {
    case DRAIN_WAIT:
        break;
    case DRAIN_SAY:
        say(o, "waiting", &left);
        break;
    case DRAIN_END:
        end(o, &left);
        break;
    }
}

/* Tells those who take work whether to. */
static void refuse_work(struct operation *o)
{
    bool refuses = drain_refuses_work(&o->drain);
    sessions_refuse_new(o->own.sessions, refuses);
    turn_service_drain(o->own.turn, refuses);
}

void operation_leave(struct operation *o)
{
    uint64_t wait_ms = (uint64_t)o->own.config->process.drain_timeout_s * 1000;
    struct drain_left left = what_is_left(o);
    if (o->drain.phase == DRAIN_ENDED)
        return;
    drain_leave(&o->drain, true, wait_ms, uv_now(o->own.loop));
    refuse_work(o);
    if (wait_ms > 0)
        say(o, "begun", &left);
    uv_timer_start(&o->look, look, LOOK_EACH_MS, LOOK_EACH_MS);
    look(&o->look);
}

int operation_open(struct operation **out, const struct operation_config *config, struct str *why)
{
    struct operation *o = calloc(1, sizeof(*o));
    (void)why;
    if (o == NULL)
        return -ENOMEM;
    o->own = *config;
    uv_timer_init(config->loop, &o->look);
    o->look.data = o;
    *out = o;
    return 0;
}

static void on_closed(uv_handle_t *timer)
{
    free(timer->data);
}

void operation_close(struct operation *o)
{
    if (o != NULL)
        uv_close((uv_handle_t *)&o->look, on_closed);
}
