/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/relay.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/cache_line.h"
#include "ice/agent.h"
#include "relay/call_media.h"
#include "relay/dtls_path.h"
#include "relay/pipeline.h"
#include "relay/snapshot.h"
#include "relay/state.h"
#include "relay/tick.h"
#include "rtpsec/engine.h"

enum { CHUNK = 64, MAX_SSRCS = 1 << 18, MAX_TUPLES = 1 << 18 /* of one worker */ };

static int64_t clock_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The wall clock is for statistics only, and may be set at any time. */
static void follow_wall_clock(struct relay *relay)
{
    relay->unix_offset_us = clock_us(CLOCK_REALTIME) - clock_us(CLOCK_MONOTONIC);
}

static void close_shared(struct relay *relay)
{
    for (size_t i = 0; i < relay->shared_count; i++)
        port_close(&relay->shared[i]);
    relay->shared_count = 0;
}

/* Takes all descriptors, whatever happens. */
static int open_shared(struct relay *relay, const struct relay_shared_socket *sockets, size_t count)
{
    int error = 0;
    for (size_t i = 0; i < count; i++) {
        struct packet_socket_config config = {
            .fd = sockets[i].fd,
            .local = sockets[i].local,
            .channel = PACKET_CHANNEL_SHARED,
            .tos = sockets[i].tos,
            .advertised = sockets[i].advertised,
        };
        if (error == 0)
            error = port_open(&relay->shared[i], relay, &config);
        if (error == 0)
            relay->shared_count++;
        else
            close(sockets[i].fd);
    }
    if (error != 0)
        close_shared(relay);
    return error;
}

static void on_stop(void *state)
{
    struct relay *relay = state;
    map_for_each (at, &relay->calls)
        call_media_free(CONTAINER_OF(at, struct call_media, node.link));
    close_shared(relay);
    dtls_path_done(relay);
}

static void on_tick(void *state, uint64_t now_ms)
{
    struct relay *relay = state;
    (void)now_ms;
    follow_wall_clock(relay);
    tick_begin(relay);
}

static void on_packets(void *state, struct packet_batch *batch, uint64_t now_ms)
{
    pipeline_run(state, batch, now_ms);
}

static void on_again(void *state, uint64_t now_ms)
{
    pipeline_slow_turn(state);
    tick_turn(state, now_ms);
}

static const struct worker_hooks hooks = {
    .on_stop = on_stop, .on_tick = on_tick, .packets = on_packets, .on_again = on_again};

NODISCARD static struct relay *relay_new(const struct relay_config *config, size_t shared_count)
{
    struct relay *relay = cache_line_calloc(1, sizeof(*relay));
    if (relay == NULL)
        return NULL;
    relay->config = *config;
    relay->srtp_engine = rtpsec_engine_choose(config->srtp_engine).engine;
    relay->software = text_from(config->software_id);
    if (relay->software.len > ICE_SOFTWARE_MAX)
        relay->software.len = ICE_SOFTWARE_MAX;
    relay->shared = calloc(shared_count + 1, sizeof(*relay->shared));
    relay->round = pipeline_round_new();
    pipeline_slow_init(relay);
    map_init(&relay->calls);
    list_init(&relay->call_order);
    map_init(&relay->ufrags);
    ssrc_pools_init(&relay->ssrcs, MAX_SSRCS);
    pool_init(&relay->round_trips, sizeof(struct round_trip), CHUNK, MAX_SSRCS);
    pool_init(&relay->tuples, sizeof(struct tuple), CHUNK, MAX_TUPLES);
    if (relay->shared != NULL && relay->round != NULL)
        return relay;
    relay_close(relay);
    return NULL;
}

static int add_to_worker(struct relay *relay, struct worker *worker,
    const struct relay_shared_socket *shared, size_t shared_count)
{
    relay->worker = worker;
    relay->module = worker_add(worker, &hooks, relay);
    follow_wall_clock(relay);
    int error = open_shared(relay, shared, shared_count);
    if (error != 0)
        worker_remove(relay->module);
    return error;
}

int relay_open(struct relay **out, struct worker *worker, const struct relay_config *config,
    const struct relay_shared_socket *shared, size_t shared_count)
{
    bool known = rtpsec_engine_choose(config->srtp_engine).engine != NULL;
    struct relay *relay = known ? relay_new(config, shared_count) : NULL;
    if (relay == NULL) {
        for (size_t i = 0; i < shared_count; i++)
            close(shared[i].fd);
        return known ? -ENOMEM : -EINVAL;
    }
    int error = add_to_worker(relay, worker, shared, shared_count);
    if (error == 0)
        *out = relay;
    else
        relay_close(relay);
    return error;
}

void relay_close(struct relay *relay)
{
    if (relay == NULL)
        return;
    map_done(&relay->calls);
    map_done(&relay->ufrags);
    ssrc_pools_done(&relay->ssrcs);
    pool_done(&relay->round_trips);
    pool_done(&relay->tuples);
    pipeline_round_free(relay->round);
    free(relay->shared);
    free(relay);
}

const struct worker *relay_worker(const struct relay *relay)
{
    return relay->worker;
}

const struct relay_counters *relay_counters(const struct relay *relay)
{
    return &relay->counters;
}

int relay_post_query(struct relay *relay, uint64_t call, uint64_t token)
{
    struct snapshot_request *request = snapshot_request_new(relay, call, token);
    if (request == NULL)
        return -ENOMEM;
    snapshot_request_post(request);
    return 0;
}
