/* SPDX-License-Identifier: Apache-2.0 */
#include "call/exchange.h"

#include <inttypes.h>
#include <stdio.h>

/* Whether there is more text behind the first blank line; parsing stops there. */
static bool has_tail(struct text sdp)
{
    while (sdp.len > 0) {
        struct text line = text_cut(&sdp, '\n');
        if (line.len == 0 || text_is(line, "\r"))
            break;
    }
    for (size_t i = 0; i < sdp.len; i++)
        if (sdp.data[i] != '\r' && sdp.data[i] != '\n')
            return true;
    return false;
}

static bool has_our_mark(const struct work *w)
{
    char mark[24];
    snprintf(mark, sizeof(mark), "%012" PRIx64,
        (uint64_t)w->env->config->loop_id & UINT64_C(0xffffffffffff));
    struct text it = w->sdp.lines;
    struct sdp_attr attr;
    while (sdp_next_attr(&it, &attr))
        if (attr.kind == SDP_ATTR_RTPENGINE && text_is(attr.value, mark))
            return true;
    return false;
}

enum call_status exchange_parse(struct work *w, struct text *kept, bool *is_ours)
{
    if (w->command->sdp.len == 0)
        return work_fail(w, CALL_NO_SDP, "no SDP");
    if (w->command->sdp.len > CALL_MAX_SDP)
        return work_fail(w, CALL_SDP_INVALID, "SDP of %zu bytes", w->command->sdp.len);
    *kept = arena_text(&w->call->arena, w->command->sdp);
    if (w->call->arena.failed)
        return CALL_OUT_OF_MEMORY;

    struct sdp_error error;
    enum sdp_status status = sdp_parse(*kept, &w->sdp, &error);
    if (status != SDP_OK) {
        enum call_status failed = status == SDP_INCOMPLETE ? CALL_SDP_INCOMPLETE : CALL_SDP_INVALID;
        return work_fail(w, failed, "SDP line %u: %s", error.line, sdp_status_text(status));
    }
    if (w->env->config->reject_invalid_sdp && has_tail(*kept))
        return work_fail(w, CALL_SDP_INVALID, "text after a blank line in the SDP");
    *is_ours = w->flags.loop_protect && has_our_mark(w);
    return CALL_OK;
}

enum call_status exchange_return_ours(struct work *w)
{
    w->out->sdp = w->command->sdp;
    w->is_void = true;
    return CALL_OK;
}

static enum plan_learning learning_of(const struct work *w)
{
    switch (w->flags.learning) {
    case CALL_LEARN_OFF:
        return PLAN_LEARN_OFF;
    case CALL_LEARN_IMMEDIATE:
        return PLAN_LEARN_IMMEDIATE;
    case CALL_LEARN_DELAYED:
        return PLAN_LEARN_DELAYED;
    case CALL_LEARN_HEURISTIC:
        return PLAN_LEARN_HEURISTIC;
    case CALL_LEARN_DEFAULT:
    default:
        return w->sender->learning;
    }
}

void exchange_note_flags(struct work *w)
{
    struct arena *a = &w->call->arena;
    struct party *p = w->sender;
    p->asymmetric = w->flags.asymmetric;
    p->strict_source = w->flags.strict_source;
    p->media_handover = w->flags.media_handover;
    p->learning = learning_of(w);
    if (w->flags.label.len > 0)
        p->label = arena_text(a, w->flags.label);
    if (w->flags.metadata.len > 0)
        w->call->metadata = arena_text(a, w->flags.metadata);
    if (w->is_offer && w->flags.tos >= 0)
        w->call->tos = w->flags.tos <= 255 ? (uint8_t)w->flags.tos : w->env->config->tos;
}

struct side *exchange_begin_side(struct work *w, const struct party *p, uint32_t section)
{
    const struct side *base = section_side(&p->sections[section]);
    if (base == NULL)
        return arena_alloc(&w->call->arena, sizeof(*base));
    struct side *side = arena_copy(&w->call->arena, base, sizeof(*base));
    if (side != NULL)
        side->link = *work_link(p, base);
    return side;
}

static void signalled(const struct party *p)
{
    struct transport *seen[CALL_MAX_SECTIONS];
    size_t count = 0;
    for (uint32_t i = 0; i < p->section_count; i++) {
        const struct side *s = work_side(p, i);
        if (s == NULL || s->transport == NULL)
            continue;
        bool known = false;
        for (size_t k = 0; k < count; k++)
            known = known || seen[k] == s->transport;
        if (known)
            continue;
        seen[count++] = s->transport;
        s->transport->signalled++;
    }
}

void exchange_signalled(const struct work *w)
{
    signalled(w->sender);
    signalled(w->receiver);
}
