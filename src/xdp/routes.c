/* SPDX-License-Identifier: Apache-2.0 */
#include "xdp/routes.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "xdp/routes_state.h"

enum {
    EVENTS_AT_ONCE = 64, /* datagrams, before the loop goes on */
    EXPIRE_MS = 5000,    /* between two looks for unused next hops */
    REREAD_AFTER = 12,   /* of them, our devices are read: some settings change without an event */
    RETRY_MS = 1000,     /* when the kernel's tables could not be read */
};

/* --- what is known ---------------------------------------------------------------------------- */

bool routes_have_device(const struct routes *r, uint32_t ifindex)
{
    for (size_t i = 0; i < r->device_count; i++)
        if (r->devices[i] == ifindex)
            return true;
    return false;
}

bool routes_device(const struct routes *routes, unsigned ifindex, struct routes_device *out)
{
    const struct link *link = links_find(&routes->links, ifindex);
    if (!routes_have_device(routes, ifindex) || link == NULL)
        return false;
    *out = link->device;
    return true;
}

void routes_tell_device(const struct routes *r, const struct routes_device *device)
{
    if (!routes_have_device(r, device->ifindex))
        return;
    log_event(LOG_DEBUG, LOG_NO_CALL, "xdp-device", "ifindex=%u up=%d mtu=%u", device->ifindex,
        device->is_up, device->mtu);
    if (r->on_device != NULL)
        r->on_device(r->owner, device);
}

/* --- changes ---------------------------------------------------------------------------------- */

static void read_all_or_retry(struct routes *r);

static void on_quiet(uv_timer_t *timer)
{
    struct routes *r = timer->data;
    r->is_quiet = false;
    if (r->must_read)
        read_all_or_retry(r);
    else
        routes_read_devices(r);
    routes_ask(r);
}

static void wait_for_quiet(struct routes *r, uint64_t wait_ms)
{
    r->is_quiet = true;
    uv_timer_start(&r->quiet, on_quiet, wait_ms, 0);
}

/* Nothing can have become READY since the first of several changes. */
static void routes_changed(struct routes *r)
{
    uint64_t now_ms = uv_now(r->loop);
    if (r->must_read)
        return;
    if (!r->is_quiet) {
        next_hops_forget_routes(r->hops);
        counter_add(&r->counters.changes, 1);
        log_event(LOG_DEBUG, LOG_NO_CALL, "xdp-routes", "changed");
        r->changed_ms = now_ms;
    }
    uint64_t last_ms = r->changed_ms + ROUTES_QUIET_MAX_MS;
    uint64_t due_ms = now_ms + ROUTES_QUIET_MS;
    wait_for_quiet(r, due_ms < last_ms ? ROUTES_QUIET_MS : last_ms > now_ms ? last_ms - now_ms : 0);
}

/* Events that wait are about what will be read anyway. */
static void must_read_all(struct routes *r, uint64_t wait_ms)
{
    next_hops_forget_routes(r->hops);
    r->must_read = true;
    uv_poll_stop(&r->poll);
    wait_for_quiet(r, wait_ms);
}

static void events_lost(struct routes *r, int error)
{
    counter_add(&r->counters.resyncs, 1);
    log_event(LOG_DEBUG, LOG_NO_CALL, "xdp-routes", "events-lost error=%s", uv_strerror(error));
    must_read_all(r, ROUTES_QUIET_MS);
}

/* --- messages --------------------------------------------------------------------------------- */

void routes_set_neighbour(const struct routes *r, const struct route_neighbour *n)
{
    if (routes_have_device(r, n->via.ifindex))
        next_hops_set_neighbour(r->hops, &n->via, n->is_usable ? n->mac : NULL);
}

/* Of a link that is no device of ours matters only whether it is up. */
void routes_set_link(struct routes *r, const struct route_link *told)
{
    enum links_news news = links_apply(&r->links, told);
    const struct link *link = links_find(&r->links, told->ifindex);
    struct routes_device gone = {.ifindex = told->ifindex};
    bool is_ours = routes_have_device(r, told->ifindex);
    if (news == LINKS_SAME || (news == LINKS_OTHER && !is_ours))
        return;
    routes_changed(r);
    routes_tell_device(r, link != NULL ? &link->device : &gone);
}

/* Returns 0, or a negative errno when the tables must be read anew. */
static int take_event(struct routes *r, const struct route_message *m)
{
    switch (m->kind) {
    case ROUTE_MESSAGE_ROUTE:
    case ROUTE_MESSAGE_CHANGE:
        routes_changed(r);
        return 0;
    case ROUTE_MESSAGE_LINK:
        routes_set_link(r, &m->link);
        return 0;
    case ROUTE_MESSAGE_NEIGHBOUR:
        routes_set_neighbour(r, &m->neighbour);
        return 0;
    case ROUTE_MESSAGE_ERROR:
        return m->error;
    case ROUTE_MESSAGE_BAD:
        return -EBADMSG;
    case ROUTE_MESSAGE_DONE:
    case ROUTE_MESSAGE_OTHER:
        return 0;
    }
    return 0;
}

static void on_events(uv_poll_t *poll, int status, int events)
{
    struct routes *r = poll->data;
    struct route_message m;
    struct bytes rest;
    int error = status; /* when events were lost, polling has ended too */
    (void)events;
    for (int i = 0; i < EVENTS_AT_ONCE && error == 0; i++) {
        error = route_socket_receive(r->events, r->buffer, &rest);
        while (error == 0 && route_message_next(&rest, &m))
            error = take_event(r, &m);
    }
    if (error != 0 && error != -EAGAIN)
        events_lost(r, error);
}

static void read_all_or_retry(struct routes *r)
{
    int error = routes_read_all(r);
    if (error == 0)
        error = uv_poll_start(&r->poll, UV_READABLE, on_events);
    if (error == 0)
        return;
    log_event(LOG_DEBUG, LOG_NO_CALL, "xdp-routes", "read-failed error=%s", uv_strerror(error));
    must_read_all(r, RETRY_MS);
}

static void on_wakeup(uv_async_t *wakeup)
{
    routes_ask(wakeup->data);
}

/* With the table's lock held, in any thread. */
static void wake(void *arg)
{
    struct routes *r = arg;
    uv_async_send(&r->wakeup);
}

static void on_expire(uv_timer_t *timer)
{
    struct routes *r = timer->data;
    next_hops_expire(r->hops, uv_now(r->loop));
    if (++r->expiries % REREAD_AFTER == 0 && !r->must_read)
        routes_read_devices(r);
}

/* --- opening and closing ---------------------------------------------------------------------- */

static int copy_devices(struct routes *r, const unsigned *ifindexes, size_t count)
{
    unsigned *devices = calloc(count > 0 ? count : 1, sizeof(*devices));
    if (devices == NULL)
        return -ENOMEM;
    if (count > 0)
        memcpy(devices, ifindexes, count * sizeof(*devices));
    free(r->devices);
    r->devices = devices;
    r->device_count = count;
    return 0;
}

static void free_all(struct routes *r)
{
    if (r->events >= 0)
        close(r->events);
    if (r->questions >= 0)
        close(r->questions);
    links_done(&r->links);
    free(r->devices);
    free(r);
}

static void on_closed(uv_handle_t *handle)
{
    struct routes *r = handle->data;
    if (--r->handles == 0)
        free_all(r);
}

static void close_handle(struct routes *r, uv_handle_t *handle)
{
    handle->data = r;
    uv_close(handle, on_closed);
}

/* Those that were opened first; frees when they are closed. */
static void close_handles(struct routes *r)
{
    uv_handle_t *const all[] = {(uv_handle_t *)&r->quiet, (uv_handle_t *)&r->expire,
        (uv_handle_t *)&r->wakeup, (uv_handle_t *)&r->poll};
    unsigned count = r->handles;
    if (count == 0)
        free_all(r);
    for (unsigned i = 0; i < count; i++)
        close_handle(r, all[i]);
}

static int open_handles(struct routes *r)
{
    uv_timer_init(r->loop, &r->quiet);
    uv_timer_init(r->loop, &r->expire);
    r->handles = 2;
    int error = uv_async_init(r->loop, &r->wakeup, on_wakeup);
    if (error != 0)
        return error;
    r->handles++;
    error = uv_poll_init(r->loop, &r->poll, r->events);
    if (error != 0)
        return error;
    r->handles++;
    r->quiet.data = r->expire.data = r->wakeup.data = r->poll.data = r;
    uv_timer_start(&r->expire, on_expire, EXPIRE_MS, EXPIRE_MS);
    return uv_poll_start(&r->poll, UV_READABLE, on_events);
}

int routes_open(uv_loop_t *loop, const struct routes_config *config, struct routes **out)
{
    struct routes *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return -ENOMEM;
    r->loop = loop;
    r->hops = config->hops;
    r->events = r->questions = -1;
    links_init(&r->links);

    /* Heard of from now on, then read: no change is missed. */
    int error = copy_devices(r, config->ifindexes, config->count);
    if (error == 0)
        error = route_socket_open_events(config->receive_buffer, &r->events);
    if (error == 0)
        error = routes_read_all(r);
    if (error == 0)
        error = open_handles(r);
    if (error != 0) {
        close_handles(r);
        return error;
    }
    r->on_device = config->on_device;
    r->owner = config->owner;
    next_hops_listen(r->hops, wake, r);
    *out = r;
    return 0;
}

int routes_set_devices(struct routes *routes, const unsigned *ifindexes, size_t count)
{
    int error = copy_devices(routes, ifindexes, count);
    if (error == 0)
        must_read_all(routes, 0);
    return error;
}

const struct routes_counters *routes_counters(const struct routes *routes)
{
    return &routes->counters;
}

void routes_close(struct routes *routes)
{
    if (routes == NULL)
        return;
    next_hops_listen(routes->hops, NULL, NULL);
    next_hops_forget_routes(routes->hops);
    close_handles(routes);
}
