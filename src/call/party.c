/* SPDX-License-Identifier: Apache-2.0 */
#include "call/party.h"

#include "call/clone.h"

static bool has_tag(const struct party *p, struct text tag)
{
    if (text_equal(p->tag, tag))
        return true;
    for (uint8_t i = 0; i < p->alias_count; i++)
        if (text_equal(p->aliases[i], tag))
            return true;
    return false;
}

struct party *party_find(const struct call *call, struct text tag)
{
    for (uint32_t i = 0; tag.len > 0 && i < call->party_count; i++)
        if (has_tag(call->parties[i], tag))
            return call->parties[i];
    return NULL;
}

bool party_has_peer(const struct party *p, const struct party *peer)
{
    for (uint32_t i = 0; i < p->peer_count; i++)
        if (p->peers[i] == peer)
            return true;
    return false;
}

static void associate(struct party *a, struct party *b)
{
    if (party_has_peer(a, b))
        return;
    a->peers[a->peer_count++] = b;
    b->peers[b->peer_count++] = a;
}

static enum call_status add_party(struct work *w, struct text tag, struct party **out)
{
    struct call *call = w->call;
    if (call->party_count == CALL_MAX_PARTIES)
        return work_fail(w, CALL_TOO_LARGE, "more than %d parties", CALL_MAX_PARTIES);
    struct party *p = party_new(call);
    if (p == NULL)
        return CALL_OUT_OF_MEMORY;
    p->tag = arena_text(&call->arena, tag);
    p->created_us = w->env->wall_us;
    p->learning = w->env->config->learning;
    call->parties[call->party_count++] = p;
    *out = p;
    return CALL_OK;
}

/* A peer that was offered something but has no tag yet. */
static struct party *untagged_peer(const struct party *p)
{
    if (p->current != NULL && p->current->tag.len == 0)
        return p->current;
    for (uint32_t i = p->peer_count; i > 0; i--)
        if (p->peers[i - 1]->tag.len == 0)
            return p->peers[i - 1];
    return NULL;
}

static struct party *peer_of_branch(const struct party *p, struct text branch)
{
    for (uint32_t i = 0; branch.len > 0 && i < p->peer_count; i++)
        if (text_equal(p->peers[i]->branch, branch))
            return p->peers[i];
    return NULL;
}

/* The party of a tag; a peer of `other` that waits for its tag takes it. */
static enum call_status tagged_party(
    struct work *w, struct text tag, const struct party *other, struct party **out)
{
    *out = party_find(w->call, tag);
    if (*out != NULL)
        return CALL_OK;
    *out = other != NULL ? untagged_peer(other) : NULL;
    if (*out == NULL)
        return add_party(w, tag, out);
    (*out)->tag = arena_text(&w->call->arena, tag);
    return CALL_OK;
}

/* Who gets an offer without to-tag: the branch, or the one peer, or somebody new. */
static enum call_status offered_party(struct work *w, struct party *from, struct party **out)
{
    struct text branch = w->command->via_branch;
    *out = branch.len > 0 ? peer_of_branch(from, branch) : from->current;
    if (*out != NULL)
        return CALL_OK;
    enum call_status status = add_party(w, text_of(NULL, 0), out);
    if (status == CALL_OK)
        (*out)->branch = arena_text(&w->call->arena, branch);
    return status;
}

enum call_status party_resolve_offer(struct work *w)
{
    const struct call_command *c = w->command;
    bool has_to_tag = c->to_tag.len > 0;
    enum call_status status =
        tagged_party(w, c->from_tag, party_find(w->call, c->to_tag), &w->sender);
    if (status != CALL_OK)
        return status;
    if (has_to_tag)
        status = tagged_party(w, c->to_tag, w->sender, &w->receiver);
    else
        status = offered_party(w, w->sender, &w->receiver);
    if (status != CALL_OK)
        return status;
    if (w->sender == w->receiver)
        return work_fail(w, CALL_BAD_DIALOG, "a party cannot talk to itself");

    associate(w->sender, w->receiver);
    /* A further branch of a fork does not take the place of one that has answered. */
    if (has_to_tag || w->sender->current == NULL || !w->sender->current->answered)
        w->sender->current = w->receiver;
    if (has_to_tag || w->receiver->current == NULL)
        w->receiver->current = w->sender;
    return CALL_OK;
}

static void add_alias(struct work *w, struct party *p, struct text tag)
{
    /* The oldest makes room. */
    if (p->alias_count == CALL_MAX_ALIASES)
        memmove(p->aliases, p->aliases + 1, --p->alias_count * sizeof(*p->aliases));
    p->aliases[p->alias_count++] = arena_text(&w->call->arena, tag);
}

static enum call_status answerer_of_unknown_tag(
    struct work *w, struct party *offerer, struct party **out, bool *is_late)
{
    struct text tag = w->command->to_tag;
    struct party *p = peer_of_branch(offerer, w->command->via_branch);
    if (p == NULL)
        p = untagged_peer(offerer);
    if (p == NULL)
        p = offerer->current;
    if (p == NULL)
        return work_fail(w, CALL_BAD_DIALOG, "nobody was offered anything");

    if (p->tag.len == 0) {
        p->tag = arena_text(&w->call->arena, tag);
    } else if (p->final && !w->flags.provisional) {
        *is_late = true;
        return add_party(w, tag, out);
    } else {
        add_alias(w, p, tag);
    }
    *out = p;
    return CALL_OK;
}

enum call_status party_resolve_answer(struct work *w, bool *is_late)
{
    const struct call_command *c = w->command;
    struct party *offerer = party_find(w->call, c->from_tag);
    if (offerer == NULL)
        return work_fail(w, CALL_BAD_DIALOG, "no offer came from this from-tag");
    struct party *answerer = party_find(w->call, c->to_tag);
    enum call_status status = CALL_OK;
    if (answerer == NULL)
        status = answerer_of_unknown_tag(w, offerer, &answerer, is_late);
    if (status != CALL_OK)
        return status;
    if (answerer == offerer)
        return work_fail(w, CALL_BAD_DIALOG, "a party cannot talk to itself");
    if (*is_late)
        associate(offerer, answerer);
    if (!party_has_peer(offerer, answerer))
        return work_fail(w, CALL_BAD_DIALOG, "the answerer was not offered anything by this party");
    /* One that answered too late before, and was given no section. */
    *is_late = *is_late || answerer->section_count == 0;
    w->sender = answerer;
    w->receiver = offerer;
    return CALL_OK;
}

static void drop_peer(struct party *p, const struct party *gone)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < p->peer_count; i++)
        if (p->peers[i] != gone)
            p->peers[kept++] = p->peers[i];
    p->peer_count = kept;
    if (p->current == gone)
        p->current = kept > 0 ? p->peers[kept - 1] : NULL;
}

void party_remove(struct call *call, struct party *p)
{
    for (uint32_t i = 0; i < p->peer_count; i++)
        drop_peer(p->peers[i], p);
    call->party_count--;
    for (uint32_t i = p->index; i < call->party_count; i++) {
        call->parties[i] = call->parties[i + 1];
        call->parties[i]->index = i;
    }
    call->parties[call->party_count] = NULL;
}
