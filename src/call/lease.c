/* SPDX-License-Identifier: Apache-2.0 */
#include "call/lease.h"

#include "call/negotiate.h"

static bool is_shared_port(const struct transport *t)
{
    return t->local_count > 0 && t->locals[0].lease == 0;
}

static struct call_lease_request what_is_wanted(const struct party *p, const struct side *s)
{
    const struct link *link = &s->link;
    return (struct call_lease_request){
        .interface = p->interface,
        .family = s->family,
        .ice = link->ice.used,
        /* RTCP of its own has no place on the shared port. */
        .shared = side_is_webrtc(s) && link->mux,
        .pair = !mux_is_sure(link),
    };
}

static bool fits(const struct transport *t, const struct call_lease_request *wanted)
{
    if (!text_equal(t->interface, wanted->interface) || (wanted->ice && !t->ice))
        return false;
    /* One that was leased for ICE has all families. */
    if (!t->ice && t->family != wanted->family)
        return false;
    if (is_shared_port(t))
        return wanted->shared;
    return !wanted->pair || (t->pair && !t->rtcp_given_up);
}

static enum call_status lease(
    struct work *w, const struct call_lease_request *wanted, struct transport **out)
{
    struct call_ports *ports = w->env->ports;
    struct call_lease_local locals[PLAN_MAX_LOCALS];
    enum call_status why = CALL_NO_PORTS;
    size_t count = ports->lease(ports->owner, wanted, locals, &why);
    if (count == 0)
        return work_fail(w, why, "%s on interface \"%.*s\"",
            why == CALL_BIND_FAILED ? "no socket could be opened or bound" : "no port is free",
            TEXT_ARG(wanted->interface));

    bool noted = true;
    for (size_t i = 0; i < count; i++) {
        bool known = locals[i].lease == 0;
        for (size_t k = 0; k < w->lease_count; k++)
            known = known || w->leases[k] == locals[i].lease;
        if (!known && w->lease_count < WORK_MAX_LEASES)
            w->leases[w->lease_count++] = locals[i].lease;
        else
            noted = noted && known;
    }
    struct transport *t = arena_alloc(&w->call->arena, sizeof(*t));
    if (t == NULL || !noted)
        return CALL_OUT_OF_MEMORY;
    *t = (struct transport){
        .id = ++w->call->last_transport,
        .interface = arena_text(&w->call->arena, wanted->interface),
        .family = wanted->family,
        .ice = wanted->ice,
        .pair = locals[0].bound_rtcp.family != ADDRESS_NONE,
        .local_count = (uint8_t)count,
        .locals = arena_copy(&w->call->arena, locals, count * sizeof(*locals)),
    };
    *out = t;
    return t->locals == NULL ? CALL_OUT_OF_MEMORY : CALL_OK;
}

/* Whether a section before `index` that is not of its group rides on the transport already. */
static bool is_taken(const struct party *p, uint32_t index, const struct side *s)
{
    for (uint32_t i = 0; i < index; i++) {
        const struct side *other = work_side(p, i);
        bool is_fellow = other != NULL && s->bundle != 0 && other->bundle == s->bundle;
        if (other != NULL && !other->rejected && !is_fellow && other->transport == s->transport)
            return true;
    }
    return false;
}

static enum call_status lease_for_lead(struct work *w, struct party *p, uint32_t index)
{
    struct side *s = work_side(p, index);
    if (s->transport == NULL && s->bundle != 0)
        bundle_join_transport(p, s);
    struct call_lease_request wanted = what_is_wanted(p, s);
    if (s->transport != NULL && fits(s->transport, &wanted) && !is_taken(p, index, s)) {
        mux_on_transport(&s->link, s->transport);
        return CALL_OK;
    }
    enum call_status status = lease(w, &wanted, &s->transport);
    if (status != CALL_OK)
        return status;
    if (s->link.ice.used)
        ice_new_credentials(w, &s->link.ice);
    mux_on_transport(&s->link, s->transport);
    return CALL_OK;
}

void lease_follow_leads(struct party *p)
{
    for (uint32_t i = 0; i < p->section_count; i++) {
        struct side *s = work_side(p, i);
        if (s != NULL)
            s->transport = s->rejected || side_passes_by(s) ? NULL : work_lead(p, s)->transport;
    }
}

enum call_status lease_transports(struct work *w, struct party *p)
{
    /* Leads first: a tagged section need not be the first of its group in the SDP. */
    for (uint32_t i = 0; i < p->section_count; i++) {
        struct side *s = work_side(p, i);
        if (s == NULL || s->rejected || side_passes_by(s) || work_lead(p, s) != s)
            continue;
        enum call_status status = lease_for_lead(w, p, i);
        if (status != CALL_OK)
            return status;
    }
    lease_follow_leads(p);
    return CALL_OK;
}

static bool is_named(const struct plan *plan, uint32_t lease)
{
    for (uint32_t i = 0; i < plan->transport_count; i++)
        for (uint8_t k = 0; k < plan->transports[i].local_count; k++)
            if (plan->transports[i].locals[k].lease == lease)
                return true;
    return false;
}

void lease_sweep(struct work *w, const struct plan *kept)
{
    for (size_t i = 0; i < w->lease_count; i++)
        if (kept == NULL || !is_named(kept, w->leases[i]))
            w->env->ports->release(w->env->ports->owner, w->leases[i]);
}
