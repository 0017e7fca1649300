/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

#include "mediaferry/sdp.h"

enum { SHARED_PORT = 40000, FIRST_PORT = 30000 };

static unsigned random_calls;

/* Names come out as "aaaaaa00", "bbbbbb00" and so on: different for the first 62^3. */
static void counting_random(void *data, size_t len)
{
    enum { LETTERS = 62, SECOND = 6, THIRD = 7 };
    uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = i < SECOND  ? random_calls
                         : i < THIRD ? random_calls / LETTERS
                                     : random_calls / (LETTERS * LETTERS);
        bytes[i] = (uint8_t)(LETTERS + digit % LETTERS);
    }
    random_calls++;
}

static bool fake_fingerprint(void *owner, struct text hash, uint8_t digest[64], size_t *digest_len)
{
    (void)owner;
    *digest_len = text_is(hash, "sha-256") ? 32 : text_is(hash, "sha-1") ? 20 : 0;
    memset(digest, 0xee, *digest_len);
    return *digest_len > 0;
}

static struct world_interface *find_interface(struct world *w, struct text name)
{
    if (name.len == 0)
        return &w->interfaces[0];
    for (size_t i = 0; i < w->interface_count; i++)
        if (text_is(name, w->interfaces[i].name))
            return &w->interfaces[i];
    return NULL;
}

static bool has_interface(void *owner, struct text name)
{
    return find_interface(owner, name) != NULL;
}

static struct call_lease_local lease_one(
    struct world *w, const struct world_interface *interface, size_t index, bool shared, bool pair)
{
    struct call_lease_local local = {
        .bound_rtp = interface->bound[index],
        .advertised_rtp = interface->advertised[index],
    };
    snprintf(local.foundation, sizeof(local.foundation), "F%.8s%u", interface->name,
        (unsigned)index % 10);
    if (shared) {
        local.bound_rtp.port = local.advertised_rtp.port = SHARED_PORT;
        return local;
    }
    local.lease = ++w->last_lease;
    w->is_out[local.lease % WORLD_MAX_LEASES] = true;
    local.bound_rtp.port = w->next_port;
    local.advertised_rtp.port = (uint16_t)(w->next_port + w->told_shift);
    if (pair) {
        local.bound_rtcp = local.bound_rtp;
        local.advertised_rtcp = local.advertised_rtp;
        local.bound_rtcp.port++;
        local.advertised_rtcp.port++;
    }
    w->next_port = (uint16_t)(w->next_port + 2);
    return local;
}

uint32_t world_lease_of(uint16_t rtp_port)
{
    return (rtp_port - FIRST_PORT) / 2U + 1;
}

static size_t lease(void *owner, const struct call_lease_request *request,
    struct call_lease_local out[PLAN_MAX_LOCALS], enum call_status *why)
{
    struct world *w = owner;
    const struct world_interface *interface = find_interface(w, request->interface);
    bool shared = request->shared && w->has_shared_port;
    if (interface == NULL) /* of another configuration */
        interface = &w->interfaces[0];
    if (w->bind_fails || w->ports_left == 0) {
        *why = w->bind_fails ? CALL_BIND_FAILED : CALL_NO_PORTS;
        return 0;
    }
    if (w->ports_left > 0)
        w->ports_left--;
    if (request->ice) {
        for (size_t i = 0; i < interface->count; i++)
            out[i] = lease_one(w, interface, i, shared, request->pair);
        return interface->count;
    }
    size_t chosen = 0;
    for (size_t i = interface->count; i > 0; i--)
        if (interface->bound[i - 1].family == request->family)
            chosen = i - 1;
    out[0] = lease_one(w, interface, chosen, shared, request->pair);
    return 1;
}

static void release(void *owner, uint32_t lease_id)
{
    struct world *w = owner;
    if (lease_id == 0 || !w->is_out[lease_id % WORLD_MAX_LEASES])
        w->broken = "a lease is released that is not out";
    w->is_out[lease_id % WORLD_MAX_LEASES] = false;
    w->released++;
}

void world_init(struct world *w)
{
    *w = (struct world){
        .config = {.plain_sdp = true, .learning = PLAN_LEARN_HEURISTIC, .loop_id = 0x123456789abc},
        .has_shared_port = true,
        .ports_left = -1,
        .next_port = FIRST_PORT,
    };
    random_calls = 10;
    w->ports = (struct call_ports){
        .owner = w, .lease = lease, .release = release, .has_interface = has_interface};
    w->env = (struct call_env){.config = &w->config,
        .ports = &w->ports,
        .random = counting_random,
        .wall_us = 1000000,
        .fingerprint = fake_fingerprint};
}

void world_done(struct world *w)
{
    call_free(w->call);
    w->call = NULL;
}

bool world_add_address(struct world *w, const char *name, const char *address)
{
    struct text advertised = text_from(address);
    struct text bound = text_cut(&advertised, '!');
    struct world_interface *interface = NULL;
    for (size_t i = 0; i < w->interface_count; i++)
        if (strcmp(w->interfaces[i].name, name) == 0)
            interface = &w->interfaces[i];
    if (interface == NULL) {
        if (w->interface_count == WORLD_MAX_INTERFACES)
            return false;
        interface = &w->interfaces[w->interface_count++];
        snprintf(interface->name, sizeof(interface->name), "%s", name);
    }
    size_t i = interface->count;
    if (i == WORLD_MAX_ADDRESSES || !address_parse(bound, &interface->bound[i]))
        return false;
    if (!address_parse(advertised.len > 0 ? advertised : bound, &interface->advertised[i]))
        return false;
    interface->count++;
    return true;
}

static void expect(struct world *w, bool holds, const char *what)
{
    if (!holds && w->broken == NULL)
        w->broken = what;
}

static bool is_named(const struct plan *plan, uint32_t lease_id)
{
    for (uint32_t i = 0; i < plan->transport_count; i++)
        for (uint8_t k = 0; k < plan->transports[i].local_count; k++)
            if (plan->transports[i].locals[k].lease == lease_id)
                return true;
    return false;
}

static const struct plan_transport *transport_of(const struct plan *plan, uint32_t id)
{
    for (uint32_t i = 0; i < plan->transport_count; i++)
        if (plan->transports[i].id == id)
            return &plan->transports[i];
    return NULL;
}

static bool has_stream(const struct plan *plan, uint32_t id)
{
    for (uint32_t i = 0; i < plan->stream_count; i++)
        if (plan->streams[i].id == id)
            return true;
    return false;
}

static void check_transports(struct world *w, const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->transport_count; i++) {
        const struct plan_transport *t = &plan->transports[i];
        expect(w, t->id != 0 && t->local_count > 0, "a transport has an id and an address");
        for (uint32_t k = 0; k < i; k++) {
            const struct plan_transport *other = &plan->transports[k];
            expect(w, other->id != t->id, "ids of transports are unique");
            expect(w,
                t->ice == NULL || other->ice == NULL ||
                    strcmp(t->ice->local_ufrag, other->ice->local_ufrag) != 0,
                "no two transports share a ufrag");
        }
        for (uint8_t k = 0; k < t->local_count; k++)
            expect(w, t->locals[k].lease == 0 || w->is_out[t->locals[k].lease % WORLD_MAX_LEASES],
                "a plan names leases that are out");
        expect(w, t->ice == NULL || strlen(t->ice->local_ufrag) == 8, "ICE has credentials");
        expect(w,
            t->rtcp_mux || t->locals[0].rtcp.family != ADDRESS_NONE || t->local_count == 0 ||
                t->locals[0].lease == 0 || t->ice != NULL,
            "RTCP has a port or is muxed");
    }
}

static void check_streams(struct world *w, const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->stream_count; i++) {
        const struct plan_stream *s = &plan->streams[i];
        expect(w, s->id != 0 && transport_of(plan, s->transport) != NULL,
            "a stream rides on a transport of the plan");
        for (uint32_t k = 0; k < i; k++)
            expect(w, plan->streams[k].id != s->id, "ids of streams are unique");
        for (uint8_t k = 0; k < s->sink_count; k++)
            expect(w, s->sinks[k] != s->id && has_stream(plan, s->sinks[k]),
                "a sink is another stream of the plan");
    }
}

/* What is out and not named any more, the worker closes. */
static void follow(struct world *w, const struct plan *before, const struct plan *now)
{
    for (uint32_t i = 0; i < before->transport_count; i++)
        for (uint8_t k = 0; k < before->transports[i].local_count; k++) {
            uint32_t id = before->transports[i].locals[k].lease;
            if (id != 0 && !is_named(now, id))
                w->is_out[id % WORLD_MAX_LEASES] = false;
        }
    for (uint32_t id = 1; id <= w->last_lease && id < WORLD_MAX_LEASES; id++)
        expect(w, !w->is_out[id] || is_named(now, id), "what is leased is named by the plan");
}

static void check_sdp(struct world *w, struct text sdp)
{
    struct sdp parsed;
    expect(w, sdp_parse(sdp, &parsed, NULL) == SDP_OK, "the SDP written can be read");
    expect(w, sdp.len <= 65536, "the SDP fits its limit");
}

static const struct plan *plan_of(const struct world *w)
{
    static const struct plan nothing;
    return w->call != NULL ? call_plan(w->call) : &nothing;
}

static void take_state(struct world *w, struct call *next)
{
    check_transports(w, call_plan(next));
    check_streams(w, call_plan(next));
    follow(w, plan_of(w), call_plan(next));
    call_free(w->call);
    w->call = next;
}

static struct call *through_folding(struct world *w, const struct call *call)
{
    (void)w;
    struct folded_call *folded = call_fold(call);
    struct call *again = folded != NULL ? call_unfold(folded) : NULL;
    folded_call_free(folded);
    return again;
}

void world_rest(struct world *w)
{
    world_rest_fn *rest = w->rest != NULL ? w->rest : through_folding;
    struct call *again = w->call != NULL ? rest(w, w->call) : NULL;
    if (again == NULL)
        return;
    call_free(w->call);
    w->call = again;
}

enum call_status world_apply(
    struct world *w, const struct call_command *command, struct call_result *out)
{
    struct call *next;
    w->released = 0;
    w->env.wall_us += 1000000;
    world_rest(w);
    enum call_status status = call_apply(w->call, command, &w->env, &next, out);
    expect(w, status == CALL_OK || (next == NULL && out->sdp.len == 0),
        "a failed command gives neither state nor SDP");
    if (next != NULL)
        take_state(w, next);
    else
        follow(w, plan_of(w), plan_of(w));
    if (out->sdp.len > 0)
        check_sdp(w, out->sdp);
    return status;
}
