/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/share.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/carve.h"
#include "base/container.h"

struct shared_plan {
    struct plan plan;
    atomic_uint references;
    uint32_t size; /* of the whole, for wiping */
};

static struct plan_ice *copy_ice(struct carver *c, const struct plan_ice *from)
{
    if (from == NULL)
        return NULL;
    struct plan_ice *to = carve(c, from, sizeof(*from));
    struct plan_ice measured;
    if (to == NULL)
        to = &measured;
    to->candidates = carve(c, from->candidates, from->candidate_count * sizeof(*from->candidates));
    to->local_ufrag = carve_string(c, from->local_ufrag);
    to->local_pwd = carve_string(c, from->local_pwd);
    to->remote_ufrag = carve_string(c, from->remote_ufrag);
    to->remote_pwd = carve_string(c, from->remote_pwd);
    return to != &measured ? to : NULL;
}

static void copy_transport(
    struct carver *c, const struct plan_transport *from, struct plan_transport *to)
{
    to->locals = carve(c, from->locals, from->local_count * sizeof(*from->locals));
    if (from->srtp_rx != NULL)
        to->srtp_rx = carve(c, from->srtp_rx, sizeof(*from->srtp_rx));
    if (from->srtp_tx != NULL)
        to->srtp_tx = carve(c, from->srtp_tx, sizeof(*from->srtp_tx));
    if (from->dtls != NULL)
        to->dtls = carve(c, from->dtls, sizeof(*from->dtls));
    to->ice = copy_ice(c, from->ice);
}

static void copy_stream(struct carver *c, const struct plan_stream *from, struct plan_stream *to)
{
    to->sinks = carve(c, from->sinks, from->sink_count * sizeof(*from->sinks));
    to->ssrcs = carve(c, from->ssrcs, from->ssrc_count * sizeof(*from->ssrcs));
    to->payloads = carve(c, from->payloads, from->payload_count * sizeof(*from->payloads));
    to->mid = carve_string(c, from->mid);
}

static void copy_plan(struct carver *c, const struct plan *from, struct plan *to)
{
    struct plan_transport transport;
    struct plan_stream stream;

    *to = *from;
    to->transports = carve(c, from->transports, from->transport_count * sizeof(*from->transports));
    to->streams = carve(c, from->streams, from->stream_count * sizeof(*from->streams));
    for (uint32_t i = 0; i < from->transport_count; i++)
        copy_transport(
            c, &from->transports[i], to->transports != NULL ? &to->transports[i] : &transport);
    for (uint32_t i = 0; i < from->stream_count; i++)
        copy_stream(c, &from->streams[i], to->streams != NULL ? &to->streams[i] : &stream);
}

const struct plan *plan_share(const struct plan *plan)
{
    struct plan measured;
    struct carver c = {0};
    copy_plan(&c, plan, &measured);

    size_t size = sizeof(struct shared_plan) + c.used;
    struct shared_plan *shared = malloc(size);
    if (shared == NULL)
        return NULL;
    *shared = (struct shared_plan){.size = (uint32_t)size};
    atomic_init(&shared->references, 1);
    c = (struct carver){.block = (uint8_t *)(shared + 1)};
    copy_plan(&c, plan, &shared->plan);
    return &shared->plan;
}

static struct shared_plan *shared_of(const struct plan *plan)
{
    return CONTAINER_OF((struct plan *)plan, struct shared_plan, plan);
}

const struct plan *plan_ref(const struct plan *shared)
{
    atomic_fetch_add_explicit(&shared_of(shared)->references, 1, memory_order_relaxed);
    return shared;
}

void plan_unref(const struct plan *plan)
{
    struct shared_plan *shared = plan != NULL ? shared_of(plan) : NULL;
    if (shared == NULL ||
        atomic_fetch_sub_explicit(&shared->references, 1, memory_order_acq_rel) != 1)
        return;
    explicit_bzero(shared, shared->size);
    free(shared);
}
