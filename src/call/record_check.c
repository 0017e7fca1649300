/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the parts of a record fit together: what commands and workers rely on. */
#include "call/record_parts.h"

#include "call/negotiate.h"
#include "call/party.h"

static bool is_among(struct text tag, const struct text *tags, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(tags[i], tag))
            return true;
    return false;
}

/* A tag names one party. */
static void check_tags(const struct call *call, const struct fields *f)
{
    struct text seen[CALL_MAX_PARTIES * (1 + CALL_MAX_ALIASES)];
    size_t count = 0;
    for (uint32_t i = 0; i < call->party_count; i++) {
        const struct party *p = call->parties[i];
        for (uint8_t k = 0; k <= p->alias_count; k++) {
            struct text tag = k == 0 ? p->tag : p->aliases[k - 1];
            if (tag.len > 0 && is_among(tag, seen, count))
                fields_refuse(f, "parties", "two have the tag %.*s", TEXT_ARG(tag));
            seen[count++] = tag;
        }
    }
}

static void check_peers(const struct call *call, const struct fields *f)
{
    for (uint32_t i = 0; i < call->party_count; i++) {
        const struct party *p = call->parties[i];
        for (uint32_t k = 0; k < p->peer_count; k++)
            if (!party_has_peer(p->peers[k], p))
                fields_refuse(f, "parties", "%u has the peer %u, but not the other way round", i,
                    p->peers[k]->index);
    }
}

/* Each m= line of a party is one section, and they are counted without a gap. */
static void check_lines(const struct call *call, const struct fields *f)
{
    for (uint32_t i = 0; i < call->party_count; i++) {
        const struct party *p = call->parties[i];
        uint32_t seen = 0;
        for (uint32_t k = 0; k < p->section_count; k++)
            if (p->sections[k].line >= 0)
                seen |= UINT32_C(1) << p->sections[k].line;
        uint32_t wanted = p->line_count == 32 ? UINT32_MAX : (UINT32_C(1) << p->line_count) - 1;
        if (seen != wanted)
            fields_refuse(f, "parties", "the lines of %u are not 0 to %u", i, p->line_count - 1);
    }
}

static void check_streams(const struct call *call, const struct fields *f)
{
    uint32_t seen[PLAN_MAX_STREAMS];
    size_t count = 0;
    for (uint32_t i = 0; i < call->party_count; i++)
        for (uint32_t k = 0; k < call->parties[i]->section_count; k++) {
            uint32_t stream = call->parties[i]->sections[k].stream;
            if (stream == 0)
                continue;
            if (count == PLAN_MAX_STREAMS) {
                fields_refuse(f, "parties", "more than %d streams", PLAN_MAX_STREAMS);
                return;
            }
            if (stream > call->last_stream)
                fields_refuse(f, "last-stream", "there is a stream %u", stream);
            for (size_t n = 0; n < count; n++)
                if (seen[n] == stream)
                    fields_refuse(f, "parties", "the stream %u is there twice", stream);
            seen[count++] = stream;
        }
}

static void check_transports(const struct record_in *in, const struct fields *f)
{
    for (uint32_t i = 0; i < in->transport_count; i++) {
        uint32_t id = in->transports[i].it->id;
        if (id > in->call->last_transport)
            fields_refuse(f, "last-transport", "there is a transport %u", id);
        if (in->transports[i].party == NULL)
            fields_refuse(f, "transports", "nothing rides on %u", id);
    }
}

void record_check(struct record_in *in, const struct fields *f)
{
    _Static_assert(CALL_MAX_SECTIONS == 32, "a bit for each line");
    check_tags(in->call, f);
    check_peers(in->call, f);
    check_lines(in->call, f);
    check_streams(in->call, f);
    check_transports(in, f);
}

static bool is_planned(const struct plan *plan, uint32_t transport)
{
    for (uint32_t i = 0; i < plan->transport_count; i++)
        if (plan->transports[i].id == transport)
            return true;
    return false;
}

/* On the shared port the ufrag tells transports apart. */
static void check_ice(
    const struct fields *f, const struct plan_transport *t, const struct plan_transport *before)
{
    for (; before < t; before++)
        if (before->ice != NULL && strcmp(before->ice->local_ufrag, t->ice->local_ufrag) == 0)
            fields_refuse(f, "transports", "%u has the ufrag of %u", t->id, before->id);
}

/* RTCP has a port of its own, or is muxed whatever comes. */
static void check_rtcp(const struct fields *f, const struct side *s, bool is_current)
{
    if (!side_is_open(s) || (s->bundle != 0 && !s->is_bundle_tag))
        return;
    const struct transport *t = s->transport;
    bool has_place = t->locals[0].lease == 0 || (t->pair && !t->rtcp_given_up);
    if (!has_place && !(is_current ? s->link.mux : mux_is_sure(&s->link)))
        fields_refuse(f, "transports", "%u has no place for RTCP", t->id);
}

static void check_sides(const struct fields *f, const struct party *p)
{
    for (uint32_t i = 0; i < p->section_count; i++) {
        check_rtcp(f, p->sections[i].current, true);
        check_rtcp(f, p->sections[i].pending, false);
    }
}

void record_check_plan(const struct record_in *in, const struct fields *f)
{
    const struct plan *plan = in->call->plan;
    for (uint32_t i = 0; i < in->call->party_count; i++)
        check_sides(f, in->call->parties[i]);
    for (uint32_t i = 0; i < plan->transport_count; i++)
        if (plan->transports[i].ice != NULL)
            check_ice(f, &plan->transports[i], plan->transports);
    for (uint32_t i = 0; i < in->transport_count; i++)
        if (!is_planned(plan, in->transports[i].it->id))
            fields_refuse(
                f, "transports", "no section of its own has %u", in->transports[i].it->id);
    for (uint32_t i = 0; i < plan->stream_count; i++)
        if (!is_planned(plan, plan->streams[i].transport))
            fields_refuse(f, "parties", "the stream %u has no transport", plan->streams[i].id);
}
