/* SPDX-License-Identifier: Apache-2.0 */
/* The table of transports. Leases are of the process and stay out. */
#include "call/record_parts.h"

/* `rtcp_given_up` comes back with the plan. */
static const struct fields_flag flags[] = {{"ice", offsetof(struct transport, ice)}};

const char *const record_families[] = {
    [ADDRESS_NONE] = "none", [ADDRESS_IP4] = "IP4", [ADDRESS_IP6] = "IP6"};

/* --- writing --- */

static void note(struct record_transports *out, const struct side *s)
{
    if (s == NULL || s->transport == NULL)
        return;
    for (uint32_t i = 0; i < out->count; i++)
        if (out->all[i] == s->transport)
            return;
    if (out->count < RECORD_MAX_TRANSPORTS)
        out->all[out->count++] = s->transport;
}

void record_list_transports(const struct call *call, struct record_transports *out)
{
    out->count = 0;
    for (uint32_t i = 0; i < call->party_count; i++)
        for (uint32_t k = 0; k < call->parties[i]->section_count; k++) {
            note(out, call->parties[i]->sections[k].current);
            note(out, call->parties[i]->sections[k].pending);
        }
}

static struct address with_port(struct address ip, uint16_t port)
{
    ip.port = port;
    return ip;
}

/* RTCP has the address of RTP, and a port of its own or none. */
static void put_local(
    struct ng_arena *arena, struct ng_value *list, const struct call_lease_local *local, bool ice)
{
    struct ng_value *dict = ng_add_dict(arena, list);
    const struct address *bound = &local->bound_rtp, *told = &local->advertised_rtp;
    fields_put_address(arena, dict, "rtp", bound);
    fields_put_number(arena, dict, "rtcp-port", local->bound_rtcp.port, 0);
    if (!address_equal(bound, told))
        fields_put_address(arena, dict, "told", told);
    if (local->advertised_rtcp.port != local->bound_rtcp.port)
        fields_put_number(arena, dict, "told-rtcp-port", local->advertised_rtcp.port, 0);
    fields_put_number(arena, dict, "shared", local->lease == 0, 0);
    if (ice) /* without it a foundation is never written */
        fields_put_text(arena, dict, "foundation", text_from(local->foundation));
}

void record_put_transports(struct ng_arena *arena, struct ng_value *dict, const struct call *call)
{
    struct record_transports transports;
    record_list_transports(call, &transports);
    if (transports.count == 0)
        return;
    struct ng_value *list = ng_put_list(arena, dict, TEXT("transports"));
    for (uint32_t i = 0; i < transports.count; i++) {
        const struct transport *t = transports.all[i];
        struct ng_value *entry = ng_add_dict(arena, list);
        fields_put_number(arena, entry, "id", t->id, 0);
        fields_put_text(arena, entry, "interface", t->interface);
        fields_put_choice(arena, entry, "family", record_families, t->family, ADDRESS_IP4);
        fields_put_flags(arena, entry, flags, COUNT_OF(flags), t);
        fields_put_number(arena, entry, "signalled", t->signalled, 0);
        struct ng_value *locals = ng_put_list(arena, entry, TEXT("locals"));
        for (uint8_t k = 0; k < t->local_count; k++)
            put_local(arena, locals, &t->locals[k], t->ice);
    }
}

/* --- reading --- */

static bool is_ice_word(struct text t)
{
    for (size_t i = 0; i < t.len; i++) {
        char c = text_lower(t.data[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '+' && c != '/')
            return false;
    }
    return true;
}

static void read_foundation(const struct fields *f, struct call_lease_local *out)
{
    struct text foundation = fields_word(f, "foundation", sizeof(out->foundation) - 1);
    if (!is_ice_word(foundation))
        fields_refuse(f, "foundation", "not of letters and digits");
    else if (foundation.len > 0)
        memcpy(out->foundation, foundation.data, foundation.len);
}

static uint16_t read_port(const struct fields *f, const char *name, uint16_t usual)
{
    return (uint16_t)fields_number(f, name, 1, UINT16_MAX, usual);
}

static void read_local(struct record_in *in, const struct fields *f, struct call_lease_local *out)
{
    fields_require(f, "rtp");
    out->bound_rtp = out->advertised_rtp = fields_address(f, "rtp");
    if (fields_has(f, "told"))
        out->advertised_rtp = fields_address(f, "told");
    if (fields_has(f, "rtcp-port")) {
        uint16_t port = read_port(f, "rtcp-port", 0);
        out->bound_rtcp = with_port(out->bound_rtp, port);
        out->advertised_rtcp = with_port(out->advertised_rtp, read_port(f, "told-rtcp-port", port));
    }
    bool shared = fields_number(f, "shared", 0, 1, 0) != 0;
    if (shared && out->bound_rtcp.family != ADDRESS_NONE)
        fields_refuse(f, "rtcp-port", "there is none beside the shared port");
    out->lease = shared ? 0 : ++in->last_lease;
    read_foundation(f, out);
}

/* Either all of them are shared, or none; all have ports for RTCP, or none. */
static bool is_alike(const struct call_lease_local *a, const struct call_lease_local *b)
{
    return (a->lease == 0) == (b->lease == 0) &&
           (a->bound_rtcp.family == ADDRESS_NONE) == (b->bound_rtcp.family == ADDRESS_NONE);
}

static void read_locals(struct record_in *in, const struct fields *f, struct transport *t)
{
    struct fields_list list = fields_list(f, "locals", NG_DICT, PLAN_MAX_LOCALS);
    struct fields entry;
    if (list.count == 0)
        fields_refuse(f, "locals", "no local address");
    t->locals = arena_alloc(&in->call->arena, list.count * sizeof(*t->locals));
    while (t->locals != NULL && fields_next(f, &list, &entry)) {
        struct call_lease_local *local = &t->locals[t->local_count++];
        read_local(in, &entry, local);
        if (!is_alike(&t->locals[0], local))
            fields_refuse(&entry, NULL, "not of the kind of the first");
    }
    t->pair = t->local_count > 0 && t->locals[0].bound_rtcp.family != ADDRESS_NONE;
}

static struct transport *find(const struct record_in *in, int64_t id)
{
    for (uint32_t i = 0; i < in->transport_count; i++)
        if (in->transports[i].it->id == id)
            return in->transports[i].it;
    return NULL;
}

static void read_transport(struct record_in *in, const struct fields *f)
{
    struct transport *t = arena_alloc(&in->call->arena, sizeof(*t));
    if (t == NULL)
        return;
    fields_require(f, "id");
    t->id = (uint32_t)fields_number(f, "id", 1, RECORD_MAX_ID, 0);
    if (find(in, t->id) != NULL)
        fields_refuse(f, "id", "%u is there twice", t->id);
    t->interface = fields_text(f, "interface", CALL_MAX_SDP);
    t->family = (enum address_family)fields_choice(
        f, "family", record_families, COUNT_OF(record_families), ADDRESS_IP4);
    fields_flags(f, flags, COUNT_OF(flags), t);
    t->signalled = (uint32_t)fields_number(f, "signalled", 0, UINT32_MAX, 0);
    read_locals(in, f, t);
    in->transports[in->transport_count++].it = t;
}

void record_read_transports(struct record_in *in, const struct fields *f)
{
    struct fields_list list = fields_list(f, "transports", NG_DICT, RECORD_MAX_TRANSPORTS);
    struct fields entry;
    while (fields_next(f, &list, &entry))
        read_transport(in, &entry);
}

struct transport *record_find_transport(
    struct record_in *in, const struct fields *f, const struct party *party)
{
    if (!fields_has(f, "transport"))
        return NULL;
    int64_t id = fields_number(f, "transport", 1, RECORD_MAX_ID, 0);
    for (uint32_t i = 0; i < in->transport_count; i++) {
        if (in->transports[i].it->id != id)
            continue;
        if (in->transports[i].party == NULL)
            in->transports[i].party = party;
        if (in->transports[i].party != party)
            fields_refuse(f, "transport", "%u is another party's", in->transports[i].it->id);
        return in->transports[i].it;
    }
    fields_refuse(f, "transport", "there is no such transport");
    return NULL;
}
