/* SPDX-License-Identifier: Apache-2.0 */
#include "call/clone.h"

#include <stdlib.h>

/* Where the copies of shared things went: transports are referenced by several sides. */
struct copying {
    struct arena *arena;
    struct call *to;
    size_t transport_count;
    const struct transport *from_transports[4 * CALL_MAX_SECTIONS];
    struct transport *to_transports[4 * CALL_MAX_SECTIONS];
};

static void copy_text(struct copying *c, struct text *t)
{
    *t = arena_text(c->arena, *t);
}

static struct transport *copy_transport(struct copying *c, const struct transport *from)
{
    if (from == NULL)
        return NULL;
    for (size_t i = 0; i < c->transport_count; i++)
        if (c->from_transports[i] == from)
            return c->to_transports[i];

    struct transport *to = arena_copy(c->arena, from, sizeof(*from));
    if (to == NULL)
        return NULL;
    copy_text(c, &to->interface);
    to->locals = arena_copy(c->arena, from->locals, from->local_count * sizeof(*from->locals));
    if (c->transport_count < COUNT_OF(c->from_transports)) {
        c->from_transports[c->transport_count] = from;
        c->to_transports[c->transport_count++] = to;
    } else {
        c->arena->failed = true;
    }
    return to;
}

static void copy_link(struct copying *c, struct link *l)
{
    copy_text(c, &l->ice.their_ufrag);
    copy_text(c, &l->ice.their_pwd);
    l->ice.candidates = arena_copy(
        c->arena, l->ice.candidates, l->ice.candidate_count * sizeof(*l->ice.candidates));
    copy_text(c, &l->dtls.tls_id);
    if (l->sdes_offered != NULL)
        l->sdes_offered = arena_copy(c->arena, l->sdes_offered, sizeof(*l->sdes_offered));
    if (l->sdes != NULL)
        l->sdes = arena_copy(c->arena, l->sdes, sizeof(*l->sdes));
}

static struct side *copy_side(struct copying *c, const struct side *from)
{
    struct side *to = from == NULL ? NULL : arena_copy(c->arena, from, sizeof(*from));
    if (to == NULL)
        return NULL;
    to->transport = copy_transport(c, from->transport);
    copy_link(c, &to->link);
    copy_text(c, &to->type);
    copy_text(c, &to->protocol_name);
    copy_text(c, &to->formats);
    copy_text(c, &to->mid);
    copy_text(c, &to->codec);
    to->payloads = arena_copy(c->arena, to->payloads, to->payload_count * sizeof(*to->payloads));
    to->ssrcs = arena_copy(c->arena, to->ssrcs, to->ssrc_count * sizeof(*to->ssrcs));
    return to;
}

static void copy_origin(struct copying *c, struct origin_state *o)
{
    copy_text(c, &o->user);
    copy_text(c, &o->session_id);
    copy_text(c, &o->session_name);
}

static struct party *copy_party(struct copying *c, const struct party *from)
{
    struct party *to = arena_copy(c->arena, from, sizeof(*from));
    if (to == NULL)
        return NULL;
    copy_text(c, &to->tag);
    copy_text(c, &to->branch);
    copy_text(c, &to->label);
    for (uint8_t i = 0; i < to->alias_count; i++)
        copy_text(c, &to->aliases[i]);
    copy_text(c, &to->interface);
    copy_origin(c, &to->origin);
    copy_text(c, &to->sdp_in);
    copy_text(c, &to->sdp_out);
    for (uint32_t i = 0; i < to->section_count; i++) {
        to->sections[i].current = copy_side(c, from->sections[i].current);
        to->sections[i].pending = copy_side(c, from->sections[i].pending);
    }
    return to;
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
    struct call *call = calloc(1, sizeof(*call));
    if (call == NULL)
        return NULL;
    call->id = arena_text(&call->arena, id);
    call->created_us = created_us;
    return call;
}

static bool copy_parties(struct copying *c, const struct call *from)
{
    for (uint32_t i = 0; i < from->party_count; i++) {
        c->to->parties[i] = copy_party(c, from->parties[i]);
        if (c->to->parties[i] == NULL)
            return false;
        c->to->party_count++;
    }
    for (uint32_t i = 0; i < from->fragment_count; i++) {
        copy_text(c, &c->to->fragments[i].tag);
        copy_text(c, &c->to->fragments[i].body);
    }
    return true;
}

struct call *call_clone(const struct call *from)
{
    struct call *to = malloc(sizeof(*to));
    struct copying *c = calloc(1, sizeof(*c));
    if (to == NULL || c == NULL) {
        free(to);
        free(c);
        return NULL;
    }
    *to = *from;
    to->arena = (struct arena){0};
    to->plan = (struct plan){0};
    to->party_count = 0;
    c->arena = &to->arena;
    c->to = to;
    copy_text(c, &to->id);
    copy_text(c, &to->metadata);
    bool copied = copy_parties(c, from) && !to->arena.failed;
    free(c);
    if (!copied) {
        call_free(to);
        return NULL;
    }
    relink(to);
    return to;
}

void call_free(struct call *call)
{
    if (call == NULL)
        return;
    arena_done(&call->arena);
    free(call);
}
