/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the parts of a record fit together: what commands and workers rely on. */
#include "call/record_parts.h"

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
            fields_refuse(f, "parties", "the lines of %u are not 0 to %u", i, p->line_count);
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
static void check_ice(const struct fields *f, const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->transport_count; i++) {
        const struct plan_transport *t = &plan->transports[i];
        if (t->ice == NULL)
            continue;
        if (t->ice->local_ufrag[0] == '\0')
            fields_refuse(f, "transports", "%u has ICE, but no ufrag", t->id);
        for (uint32_t k = 0; k < i; k++)
            if (plan->transports[k].ice != NULL &&
                strcmp(plan->transports[k].ice->local_ufrag, t->ice->local_ufrag) == 0)
                fields_refuse(
                    f, "transports", "%u has the ufrag of %u", t->id, plan->transports[k].id);
    }
}

void record_check_plan(const struct fields *f, const struct plan *plan)
{
    check_ice(f, plan);
    for (uint32_t i = 0; i < plan->stream_count; i++)
        if (!is_planned(plan, plan->streams[i].transport))
            fields_refuse(f, "parties", "no section of its own has the transport %u of stream %u",
                plan->streams[i].transport, plan->streams[i].id);
}
