/* SPDX-License-Identifier: Apache-2.0 */
#include "xdp/routes_state.h"

#include <errno.h>
#include <unistd.h>

enum {
    DRAIN_MAX = 10000, /* datagrams that are thrown away at once */
    LIST_TRIES = 10,   /* of a list that changes while it is made */
};

/* Lists and their rows; an error that ends it. */
static int take_row(struct routes *r, const struct route_message *m, bool *is_done)
{
    if (m->seq != r->seq)
        return 0;
    if (m->is_interrupted)
        return -EINTR;
    if (m->kind == ROUTE_MESSAGE_LINK)
        routes_set_link(r, &m->link);
    else if (m->kind == ROUTE_MESSAGE_NEIGHBOUR)
        routes_set_neighbour(r, &m->neighbour);
    else if (m->kind == ROUTE_MESSAGE_BAD)
        return -EBADMSG;
    *is_done = m->kind == ROUTE_MESSAGE_DONE || m->kind == ROUTE_MESSAGE_ERROR;
    return *is_done ? m->error : 0;
}

static int read_list(struct routes *r, size_t (*request)(void *out, uint32_t seq))
{
    uint32_t out[ROUTE_REQUEST_SIZE / sizeof(uint32_t)];
    struct route_message m;
    struct bytes rest;
    bool is_done = false;
    int error = route_socket_send(r->questions, bytes_of(out, request(out, ++r->seq)));
    while (error == 0 && !is_done) {
        error = route_socket_receive(r->questions, r->buffer, &rest);
        while (error == 0 && !is_done && route_message_next(&rest, &m))
            error = take_row(r, &m, &is_done);
    }
    return error;
}

static int read_links(struct routes *r)
{
    struct routes_device gone;
    links_begin_list(&r->links);
    int error = read_list(r, route_request_links);
    while (error == 0 && links_end_list(&r->links, &gone))
        routes_tell_device(r, &gone);
    return error;
}

/* Those that were lost before must not be taken for news of what is read now. */
static void throw_events_away(struct routes *r)
{
    struct bytes rest;
    for (int i = 0; i < DRAIN_MAX; i++)
        if (route_socket_receive(r->events, r->buffer, &rest) == -EAGAIN)
            return;
}

static int read_once(struct routes *r)
{
    if (r->questions >= 0)
        close(r->questions);
    r->questions = -1;
    int error = route_socket_open(&r->questions);
    if (error != 0)
        return error;
    throw_events_away(r);
    next_hops_forget_neighbours(r->hops);
    error = read_links(r);
    return error != 0 ? error : read_list(r, route_request_neighbours);
}

int routes_read_all(struct routes *r)
{
    int error = -EINTR;
    r->must_read = true; /* so that what is read is no news */
    for (int i = 0; i < LIST_TRIES && error == -EINTR; i++)
        error = read_once(r);
    r->must_read = error != 0;
    return error;
}

/* The MTU of IPv6 changes without an event: it follows that of the link a little later, or what a
 * router says. */
void routes_read_devices(struct routes *r)
{
    uint32_t out[ROUTE_REQUEST_SIZE / sizeof(uint32_t)];
    struct route_message m;
    struct bytes rest;
    for (size_t i = 0; i < r->device_count; i++) {
        size_t len = route_request_link(out, ++r->seq, r->devices[i]);
        if (route_socket_send(r->questions, bytes_of(out, len)) != 0 ||
            route_socket_receive(r->questions, r->buffer, &rest) != 0)
            continue;
        while (route_message_next(&rest, &m))
            if (m.kind == ROUTE_MESSAGE_LINK && m.seq == r->seq)
                routes_set_link(r, &m.link);
    }
}
