/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stream_hub.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "net/stream_state.h"

/* Packets of running calls wait for no more than this, and the longest single step. */
enum { HANDSHAKE_NS_PER_TURN = 2000000 };

static void run_ready(uv_idle_t *idle)
{
    struct stream_hub *hub = idle->data;
    struct list now;

    /* What is put off meanwhile waits for the next turn. */
    list_init(&now);
    list_move_all(&now, &hub->ready);
    for (;;) {
        struct list *link = list_pop_front(&now);
        if (link == NULL)
            break;
        stream_run_ready(CONTAINER_OF(link, struct stream_watch, ready));
    }
    if (list_is_empty(&hub->ready))
        uv_idle_stop(idle);
}

static void begin_turn(uv_prepare_t *prepare)
{
    struct stream_hub *hub = prepare->data;
    hub->handshake_ns = 0;
}

int stream_hub_open(uv_loop_t *loop, struct stream_hub **out)
{
    struct stream_hub *hub = calloc(1, sizeof(*hub));
    if (hub == NULL)
        return -ENOMEM;
    hub->loop = loop;
    list_init(&hub->ready);
    uv_idle_init(loop, &hub->idle); /* these never fail */
    uv_prepare_init(loop, &hub->prepare);
    hub->handles = 2;
    hub->idle.data = hub;
    hub->prepare.data = hub;
    uv_prepare_start(&hub->prepare, begin_turn);
    uv_unref((uv_handle_t *)&hub->prepare);
    *out = hub;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct stream_hub *hub = handle->data;
    if (--hub->handles == 0)
        free(hub);
}

void stream_hub_close(struct stream_hub *hub)
{
    if (hub == NULL)
        return;
    assert(counter_get(&hub->counters.streams) == 0);
    uv_close((uv_handle_t *)&hub->idle, on_closed);
    uv_close((uv_handle_t *)&hub->prepare, on_closed);
}

const struct stream_counters *stream_hub_counters(const struct stream_hub *hub)
{
    return &hub->counters;
}

void stream_hub_put_off(struct stream_watch *watch)
{
    if (list_is_linked(&watch->ready))
        return;
    list_push_back(&watch->hub->ready, &watch->ready);
    uv_idle_start(&watch->hub->idle, run_ready);
}

bool stream_hub_has_time(const struct stream_hub *hub)
{
    return hub->handshake_ns < HANDSHAKE_NS_PER_TURN;
}

void stream_hub_spend(struct stream_hub *hub, uint64_t ns)
{
    hub->handshake_ns += ns;
}
