/* SPDX-License-Identifier: Apache-2.0 */
#include "call/record.h"

#include <stdlib.h>

#include "call/clone.h"
#include "call/plan.h"
#include "call/record_parts.h"
#include "plan/share.h"

/* --- writing --- */

static void put_fragments(struct ng_arena *arena, struct ng_value *dict, const struct call *call)
{
    if (call->fragment_count == 0)
        return;
    struct ng_value *list = ng_put_list(arena, dict, TEXT("fragments"));
    for (uint32_t i = 0; i < call->fragment_count; i++) {
        struct ng_value *entry = ng_add_dict(arena, list);
        fields_put_text(arena, entry, "tag", call->fragments[i].tag);
        fields_put_text(arena, entry, "body", call->fragments[i].body);
    }
}

void call_record_write(const struct call *call, struct ng_arena *arena, struct ng_value *record)
{
    ng_put_string(arena, record, TEXT("id"), call->id);
    ng_put_int(arena, record, TEXT("created"), call->created_us);
    ng_put_int(arena, record, TEXT("signalled"), call->last_signal_us);
    struct ng_value *dict = ng_put_dict(arena, record, TEXT("call"));
    fields_put_text(arena, dict, "metadata", call->metadata);
    fields_put_number(arena, dict, "tos", call->tos, 0);
    fields_put_number(arena, dict, "last-transport", call->last_transport, 0);
    fields_put_number(arena, dict, "last-stream", call->last_stream, 0);
    record_put_transports(arena, dict, call);
    record_put_parties(arena, dict, call);
    put_fragments(arena, dict, call);
}

/* --- reading --- */

static void read_fragments(const struct fields *f, struct call *call)
{
    struct fields_list list = fields_list(f, "fragments", NG_DICT, CALL_MAX_FRAGMENTS);
    struct fields entry;
    struct sdp sdp;
    struct sdp_error error;
    while (fields_next(f, &list, &entry)) {
        struct fragment *fragment = &call->fragments[call->fragment_count++];
        fragment->tag = fields_text(&entry, "tag", CALL_MAX_SDP);
        fragment->body = fields_text(&entry, "body", CALL_MAX_SDP);
        if (sdp_parse_fragment(fragment->body, &sdp, &error) != SDP_OK)
            fields_refuse(&entry, "body", "line %u: %s", error.line, sdp_status_text(error.status));
    }
}

static void read_call(struct record_in *in, const struct fields *f)
{
    struct call *call = in->call;
    call->metadata = fields_text(f, "metadata", CALL_MAX_SDP);
    call->tos = (uint8_t)fields_number(f, "tos", 0, UINT8_MAX, 0);
    call->last_transport = (uint32_t)fields_number(f, "last-transport", 0, RECORD_MAX_ID, 0);
    call->last_stream = (uint32_t)fields_number(f, "last-stream", 0, RECORD_MAX_ID, 0);
    record_read_transports(in, f);
    record_read_parties(in, f);
    read_fragments(f, call);
    if (!in->reader.failed && !call->arena.failed)
        record_check(in, f);
}

static struct call *begin(const struct fields *record)
{
    static const char *const needed[] = {"id", "created", "signalled", "call"};
    for (size_t i = 0; i < COUNT_OF(needed); i++)
        fields_require(record, needed[i]);
    struct text id = fields_text(record, "id", CALL_MAX_SDP);
    int64_t created = fields_number(record, "created", 0, INT64_MAX, 0);
    int64_t signalled = fields_number(record, "signalled", 0, INT64_MAX, 0);
    if (record->reader->failed)
        return NULL;
    struct call *call = call_new(id, created);
    if (call == NULL)
        fields_refuse(record, NULL, "out of memory");
    else
        call->last_signal_us = signalled;
    return call;
}

/* The plan, and the call as it is kept. */
static struct call *finish(struct record_in *in, const struct fields *f)
{
    if (in->reader.failed)
        return NULL;
    struct call *kept = NULL;
    if (!in->call->arena.failed && plan_make(in->call) == CALL_OK) {
        record_check_plan(in, f);
        kept = in->reader.failed ? NULL : call_clone(in->call);
    }
    if (kept == NULL)
        fields_refuse(f, NULL, "out of memory");
    return kept;
}

struct call *call_record_read(const struct ng_value *record, struct call_record_why *why)
{
    *why = (struct call_record_why){0};
    struct record_in in = {.reader.why = why->text};
    const struct fields f = {.reader = &in.reader, .index = -1, .value = record};
    in.call = begin(&f);
    if (in.call == NULL)
        return NULL;
    const struct fields dict = fields_inner(&f, "call");
    read_call(&in, &dict);
    struct call *kept = finish(&in, &dict);
    call_free(in.call);
    return kept;
}

/* --- leases --- */

static bool lease_local(const struct transport *t, struct call_lease_local *local,
    call_record_lease_fn *lease, void *owner)
{
    const struct call_record_port port = {
        .transport = t->id,
        .interface = t->interface,
        .rtp = local->bound_rtp,
        .rtcp = local->bound_rtcp,
        .told = local->advertised_rtp,
        .rtcp_given_up = t->rtcp_given_up,
        .shared = local->lease == 0,
    };
    uint32_t leased = 0;
    if (!lease(owner, &port, &leased))
        return false;
    if (!port.shared)
        local->lease = leased;
    return true;
}

static bool plan_anew(struct call *call)
{
    const struct plan *old = call->plan;
    call->plan = NULL;
    enum call_status status = plan_make(call);
    arena_done(&call->arena);
    plan_unref(old);
    return status == CALL_OK;
}

bool call_record_lease(struct call *call, call_record_lease_fn *lease, void *owner)
{
    struct record_transports transports;
    record_list_transports(call, &transports);
    for (uint32_t i = 0; i < transports.count; i++) {
        struct transport *t = transports.all[i];
        for (uint8_t k = 0; k < t->local_count; k++)
            if (!lease_local(t, &t->locals[k], lease, owner))
                return false;
    }
    return plan_anew(call);
}
