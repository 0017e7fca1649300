/* SPDX-License-Identifier: Apache-2.0 */
#include "call/remove.h"

#include "call/party.h"

static struct party *of_branch(const struct call *call, struct text branch)
{
    for (uint32_t i = 0; branch.len > 0 && i < call->party_count; i++)
        if (text_equal(call->parties[i]->branch, branch))
            return call->parties[i];
    return NULL;
}

static bool has_untagged_peer(const struct party *p)
{
    for (uint32_t i = 0; i < p->peer_count; i++)
        if (p->peers[i]->tag.len == 0)
            return true;
    return false;
}

/* The to-tag counts only with the flag of that name. */
static struct party *who_is_meant(const struct work *w)
{
    const struct call_command *c = w->command;
    struct text to_tag = w->flags.to_tag_counts ? c->to_tag : text_of(NULL, 0);
    struct party *p = NULL;
    if (to_tag.len == 0)
        p = of_branch(w->call, c->via_branch);
    if (p == NULL)
        p = party_find(w->call, to_tag.len > 0 ? to_tag : c->from_tag);
    if (p == NULL)
        p = of_branch(w->call, c->via_branch);
    if (p != NULL || to_tag.len == 0)
        return p;
    /* The to-tag was never seen here: the caller gives up on somebody who has not answered. */
    p = party_find(w->call, c->from_tag);
    return p != NULL && has_untagged_peer(p) ? p : NULL;
}

/* Who answered and now hangs up was in a dialog, so the other branches of the fork are over (RFC
 * 3261, section 16.7), whether the proxy has said so or not. */
static void drop_unanswered_branches(struct call *call, const struct party *gone)
{
    for (uint32_t i = 0; i < gone->peer_count; i++) {
        const struct party *peer = gone->peers[i];
        for (uint32_t k = peer->peer_count; k > 0; k--) {
            struct party *other = peer->peers[k - 1];
            if (other != gone && other->tag.len == 0 && other->peer_count <= 1)
                party_remove(call, other);
        }
    }
}

static bool hangs_up(const struct work *w, const struct party *p)
{
    return p->answered && !w->flags.to_tag_counts && party_find(w->call, w->command->from_tag) == p;
}

static uint32_t left_without(const struct call *call, const struct party *gone)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < call->party_count; i++) {
        const struct party *p = call->parties[i];
        bool goes = p == gone || (party_has_peer(gone, p) && p->peer_count <= 1);
        left += !goes;
    }
    return left;
}

enum call_status remove_parties(struct work *w)
{
    struct call *call = w->call;
    struct party *gone = NULL;
    if (w->command->from_tag.len > 0) {
        gone = who_is_meant(w);
        if (gone == NULL)
            return work_fail(w, CALL_NO_MATCH, "no party with that tag or branch");
    }
    if (gone != NULL && hangs_up(w, gone))
        drop_unanswered_branches(call, gone);
    if (gone == NULL || left_without(call, gone) == 0) {
        w->out->ended = w->is_void = true;
        return CALL_OK;
    }
    for (uint32_t i = gone->peer_count; i > 0; i--)
        if (gone->peers[i - 1]->peer_count <= 1)
            party_remove(call, gone->peers[i - 1]);
    party_remove(call, gone);
    return CALL_OK;
}
