/* SPDX-License-Identifier: Apache-2.0 */
#include "call/clone.h"

#include <stdlib.h>

#include "base/carve.h"
#include "plan/share.h"

/* The same walk makes a copy to work on, measures one to keep, and makes that. */
struct copying {
    struct call *to;
    struct arena *arena;  /* of the copy to work on; NULL: it is one to keep */
    struct carver things; /* else: structures, and behind them all texts */
    struct carver texts;
    size_t transport_count; /* they are shared by several sides */
    struct {
        const struct transport *from;
        struct transport *to;
    } transports[4 * CALL_MAX_SECTIONS];
};

/* What commands change in place: always a copy. */
static void *copy_thing(struct copying *c, const void *from, size_t size)
{
    return c->arena != NULL ? arena_copy(c->arena, from, size) : carve(&c->things, from, size);
}

/* `count` of them, with room for `most` while it is worked on. */
static void *copy_list(struct copying *c, const void *from, size_t count, size_t most, size_t size)
{
    if (c->arena == NULL)
        return carve(&c->things, from, count * size);
    void *to = arena_alloc(c->arena, most * size);
    if (to != NULL && count > 0)
        memcpy(to, from, count * size);
    return to;
}

/* What is never changed in place; NULL stays NULL. */
static void *copy_fixed(struct copying *c, const void *from, size_t size)
{
    if (from == NULL || c->arena != NULL)
        return (void *)from;
    return carve(&c->things, from, size);
}

static void copy_text(struct copying *c, struct text *t)
{
    if (c->arena == NULL)
        t->data = carve_packed(&c->texts, t->data, t->len);
}

static struct transport *copy_transport(struct copying *c, const struct transport *from)
{
    if (from == NULL)
        return NULL;
    for (size_t i = 0; i < c->transport_count; i++)
        if (c->transports[i].from == from)
            return c->transports[i].to;
    if (c->transport_count == COUNT_OF(c->transports)) {
        c->to->arena.failed = true;
        return NULL;
    }
    struct transport *to = copy_thing(c, from, sizeof(*from)), measured = *from;
    c->transports[c->transport_count].from = from;
    c->transports[c->transport_count++].to = to;
    struct transport *t = to != NULL ? to : &measured;
    copy_text(c, &t->interface);
    t->locals = copy_fixed(c, from->locals, from->local_count * sizeof(*from->locals));
    return to;
}

static void copy_link(struct copying *c, struct link *l)
{
    copy_text(c, &l->ice.their_ufrag);
    copy_text(c, &l->ice.their_pwd);
    l->ice.candidates =
        copy_fixed(c, l->ice.candidates, l->ice.candidate_count * sizeof(*l->ice.candidates));
    copy_text(c, &l->dtls.tls_id);
    size_t keys = l->sdes_offered != NULL ? l->sdes_offered->count : 0;
    l->sdes_offered = copy_fixed(
        c, l->sdes_offered, offsetof(struct sdes_list, keys) + keys * sizeof(struct sdes_key));
    l->sdes = copy_fixed(c, l->sdes, sizeof(*l->sdes));
}

static struct side *copy_side(struct copying *c, const struct side *from)
{
    if (from == NULL)
        return NULL;
    struct side *to = copy_thing(c, from, sizeof(*from)), measured = *from;
    struct side *s = to != NULL ? to : &measured;
    s->transport = copy_transport(c, from->transport);
    copy_link(c, &s->link);
    copy_text(c, &s->type);
    copy_text(c, &s->protocol_name);
    copy_text(c, &s->formats);
    copy_text(c, &s->mid);
    copy_text(c, &s->codec);
    s->payloads = copy_fixed(c, from->payloads, from->payload_count * sizeof(*from->payloads));
    s->ssrcs = copy_fixed(c, from->ssrcs, from->ssrc_count * sizeof(*from->ssrcs));
    return to;
}

static void copy_sections(struct copying *c, const struct party *from, struct party *to)
{
    to->sections = copy_list(
        c, from->sections, from->section_count, CALL_MAX_SECTIONS, sizeof(*from->sections));
    for (uint32_t i = 0; i < from->section_count; i++) {
        struct side *current = copy_side(c, from->sections[i].current);
        struct side *pending = copy_side(c, from->sections[i].pending);
        if (to->sections == NULL)
            continue;
        to->sections[i].current = current;
        to->sections[i].pending = pending;
    }
}

static void copy_origin(struct copying *c, struct origin_state *o)
{
    copy_text(c, &o->user);
    copy_text(c, &o->session_id);
    copy_text(c, &o->session_name);
}

static void copy_aliases(struct copying *c, const struct party *from, struct party *to)
{
    to->aliases =
        copy_list(c, from->aliases, from->alias_count, CALL_MAX_ALIASES, sizeof(*from->aliases));
    for (uint8_t i = 0; i < from->alias_count; i++) {
        struct text alias = from->aliases[i];
        copy_text(c, &alias);
        if (to->aliases != NULL)
            to->aliases[i] = alias;
    }
}

static struct party *copy_party(struct copying *c, const struct party *from)
{
    struct party *to = copy_thing(c, from, sizeof(*from)), measured = *from;
    struct party *p = to != NULL ? to : &measured;
    copy_text(c, &p->tag);
    copy_text(c, &p->branch);
    copy_text(c, &p->label);
    copy_aliases(c, from, p);
    p->peers = copy_list(c, from->peers, from->peer_count, CALL_MAX_PARTIES, sizeof(*from->peers));
    copy_text(c, &p->interface);
    copy_origin(c, &p->origin);
    copy_text(c, &p->sdp_in);
    copy_text(c, &p->sdp_out);
    copy_sections(c, from, p);
    return to;
}

static void copy_parties(struct copying *c, const struct call *from)
{
    struct call *to = c->to;
    to->parties =
        copy_list(c, from->parties, from->party_count, CALL_MAX_PARTIES, sizeof(*from->parties));
    for (uint32_t i = 0; i < from->party_count; i++) {
        struct party *party = copy_party(c, from->parties[i]);
        if (to->parties != NULL)
            to->parties[i] = party;
    }
}

static void copy_fragments(struct copying *c, const struct call *from)
{
    struct call *to = c->to;
    to->fragments = copy_list(
        c, from->fragments, from->fragment_count, CALL_MAX_FRAGMENTS, sizeof(*from->fragments));
    for (uint32_t i = 0; i < from->fragment_count; i++) {
        struct fragment fragment = from->fragments[i];
        copy_text(c, &fragment.tag);
        copy_text(c, &fragment.body);
        if (to->fragments != NULL)
            to->fragments[i] = fragment;
    }
}

static void copy_call(struct copying *c, const struct call *from)
{
    memcpy(c->to, from, sizeof(*from));
    c->to->arena = (struct arena){0};
    c->to->plan = NULL;
    copy_text(c, &c->to->id);
    copy_text(c, &c->to->metadata);
    copy_parties(c, from);
    copy_fragments(c, from);
}

/* The peers still point into the old call: the same places in the new one. */
static void relink(struct call *call)
{
    for (uint32_t i = 0; i < call->party_count; i++) {
        struct party *p = call->parties[i];
        p->current = p->current == NULL ? NULL : call->parties[p->current->index];
        for (uint32_t k = 0; k < p->peer_count; k++)
            p->peers[k] = call->parties[p->peers[k]->index];
    }
}

struct call *call_new(struct text id, int64_t created_us)
{
    const struct call nothing = {.id = id, .created_us = created_us};
    return call_working_copy(&nothing);
}

struct party *party_new(struct call *call)
{
    struct copying c = {.to = call, .arena = &call->arena};
    const struct party nothing = {.index = call->party_count};
    struct party *p = copy_party(&c, &nothing);
    return call->arena.failed ? NULL : p;
}

struct call *call_working_copy(const struct call *kept)
{
    struct call *to = calloc(1, sizeof(*to));
    if (to == NULL)
        return NULL;
    struct copying c = {.to = to, .arena = &to->arena};
    copy_call(&c, kept);
    if (to->arena.failed) {
        call_free(to);
        return NULL;
    }
    relink(to);
    return to;
}

static size_t things_size(const struct copying *measured)
{
    return sizeof(struct call) + (measured->things.used + 7) / 8 * 8;
}

static bool measure(const struct call *from, struct copying *c)
{
    struct call measured;
    *c = (struct copying){.to = &measured};
    copy_call(c, from);
    return !measured.arena.failed;
}

size_t call_size(const struct call *from)
{
    struct copying measured;
    return measure(from, &measured) ? things_size(&measured) + measured.texts.used : 0;
}

void call_copy_into(const struct call *from, void *block)
{
    struct copying c;
    struct call *to = block;
    if (!measure(from, &c))
        return;
    c = (struct copying){
        .to = to,
        .things.block = (uint8_t *)(to + 1),
        .texts.block = (uint8_t *)block + things_size(&c),
    };
    copy_call(&c, from);
    relink(to);
}

struct call *call_clone(const struct call *from)
{
    size_t size = call_size(from);
    struct call *to = size > 0 ? malloc(size) : NULL;
    if (to == NULL)
        return NULL;
    call_copy_into(from, to);
    to->plan = from->plan != NULL ? plan_ref(from->plan) : NULL;
    return to;
}

void call_free(struct call *call)
{
    if (call == NULL)
        return;
    arena_done(&call->arena);
    plan_unref(call->plan);
    free(call);
}
