/* SPDX-License-Identifier: Apache-2.0 */
/* The parties of a call; they refer to each other by their place in the list. */
#include "call/record_parts.h"

#include <inttypes.h>

#include "call/clone.h"

static const char *const learnings[] = {
    [PLAN_LEARN_OFF] = "off",
    [PLAN_LEARN_IMMEDIATE] = "immediate",
    [PLAN_LEARN_DELAYED] = "delayed",
    [PLAN_LEARN_HEURISTIC] = "heuristic",
};

static const struct fields_flag flags[] = {
    {"answered", offsetof(struct party, answered)},
    {"final", offsetof(struct party, final)},
    {"asymmetric", offsetof(struct party, asymmetric)},
    {"strict-source", offsetof(struct party, strict_source)},
    {"media-handover", offsetof(struct party, media_handover)},
};

/* Most often it is the only one. */
static struct party *usual_peer(const struct party *p)
{
    return p->peer_count > 0 ? p->peers[0] : NULL;
}

/* --- writing --- */

static void put_origin(struct ng_arena *arena, struct ng_value *party, const struct origin_state *o)
{
    char ip[ADDRESS_TEXT_SIZE];
    struct ng_value *dict = ng_dict(arena);
    if (dict == NULL)
        return;
    fields_put_text(arena, dict, "user", o->user);
    fields_put_text(arena, dict, "session-id", o->session_id);
    fields_put_text(arena, dict, "session-name", o->session_name);
    if (o->address.family != ADDRESS_NONE)
        fields_put_text(arena, dict, "address", text_from(address_ip_text(&o->address, ip)));
    if (o->has_version)
        ng_put_stringf(arena, dict, TEXT("version"), "%" PRIu64, o->version);
    fields_put(arena, party, "origin", dict);
}

static void put_peers(struct ng_arena *arena, struct ng_value *dict, const struct party *p)
{
    if (p->peer_count > 0) {
        struct ng_value *list = ng_put_list(arena, dict, TEXT("peers"));
        for (uint32_t i = 0; i < p->peer_count; i++)
            ng_add_int(arena, list, p->peers[i]->index);
    }
    if (p->current != usual_peer(p))
        ng_put_int(arena, dict, TEXT("peer"), p->current != NULL ? (int64_t)p->current->index : -1);
}

static void put_aliases(struct ng_arena *arena, struct ng_value *dict, const struct party *p)
{
    if (p->alias_count == 0)
        return;
    struct ng_value *list = ng_put_list(arena, dict, TEXT("aliases"));
    for (uint8_t i = 0; i < p->alias_count; i++)
        ng_add_string(arena, list, p->aliases[i]);
}

static void put_party(
    struct ng_arena *arena, struct ng_value *dict, const struct call *call, const struct party *p)
{
    fields_put_text(arena, dict, "tag", p->tag);
    fields_put_text(arena, dict, "branch", p->branch);
    fields_put_text(arena, dict, "label", p->label);
    put_aliases(arena, dict, p);
    fields_put_number(arena, dict, "created", p->created_us, call->created_us);
    fields_put_flags(arena, dict, flags, COUNT_OF(flags), p);
    put_peers(arena, dict, p);
    fields_put_text(arena, dict, "interface", p->interface);
    fields_put_choice(arena, dict, "learning", learnings, p->learning, PLAN_LEARN_HEURISTIC);
    put_origin(arena, dict, &p->origin);
    fields_put_text(arena, dict, "sdp-from", p->sdp_in);
    fields_put_text(arena, dict, "sdp-to", p->sdp_out);
    record_put_sections(arena, dict, p);
}

void record_put_parties(struct ng_arena *arena, struct ng_value *dict, const struct call *call)
{
    struct ng_value *list = ng_put_list(arena, dict, TEXT("parties"));
    for (uint32_t i = 0; i < call->party_count; i++)
        put_party(arena, ng_add_dict(arena, list), call, call->parties[i]);
}

/* --- reading --- */

static void read_origin(const struct fields *party, struct origin_state *o)
{
    const struct fields f = fields_inner(party, "origin");
    o->user = fields_word(&f, "user", CALL_MAX_SDP);
    o->session_id = fields_word(&f, "session-id", CALL_MAX_SDP);
    o->session_name = fields_line(&f, "session-name", CALL_MAX_SDP);
    struct text address = fields_text(&f, "address", ADDRESS_TEXT_SIZE);
    if (address.len > 0 && !address_parse(address, &o->address))
        fields_refuse(&f, "address", "not an IP address");
    struct text version = fields_text(&f, "version", 20);
    o->has_version = version.len > 0;
    if (o->has_version && !text_to_u64(version, UINT64_MAX, &o->version))
        fields_refuse(&f, "version", "not a number of 64 bits");
}

static void read_aliases(const struct fields *f, struct party *p)
{
    struct fields_list list = fields_list(f, "aliases", NG_STRING, CALL_MAX_ALIASES);
    for (const struct ng_value *at = list.next; at != NULL; at = at->next)
        p->aliases[p->alias_count++] = at->string;
}

static bool is_peer(const struct party *p, const struct party *other)
{
    for (uint32_t i = 0; i < p->peer_count; i++)
        if (p->peers[i] == other)
            return true;
    return false;
}

static void read_peers(const struct call *call, const struct fields *f, struct party *p)
{
    struct fields_list list = fields_list(f, "peers", NG_INT, CALL_MAX_PARTIES);
    for (const struct ng_value *at = list.next; at != NULL; at = at->next) {
        struct party *peer =
            at->integer >= 0 && at->integer < call->party_count ? call->parties[at->integer] : NULL;
        if (peer == NULL || peer == p || is_peer(p, peer)) {
            fields_refuse(
                f, "peers", "%" PRId64 " is no other party, or is there twice", at->integer);
            return;
        }
        p->peers[p->peer_count++] = peer;
    }
    p->current = usual_peer(p);
    if (!fields_has(f, "peer"))
        return;
    int64_t peer = fields_number(f, "peer", -1, (int64_t)call->party_count - 1, -1);
    p->current = peer >= 0 ? call->parties[peer] : NULL;
    if (peer >= 0 && !is_peer(p, p->current))
        fields_refuse(f, "peer", "not one of the peers");
}

static struct text read_sdp(const struct fields *f, const char *name)
{
    struct sdp sdp;
    struct sdp_error error;
    struct text text = fields_text(f, name, CALL_MAX_SDP);
    if (text.len > 0 && sdp_parse(text, &sdp, &error) != SDP_OK)
        fields_refuse(f, name, "line %u: %s", error.line, sdp_status_text(error.status));
    return text;
}

static void read_party(struct record_in *in, const struct fields *f, struct party *p)
{
    p->tag = fields_text(f, "tag", CALL_MAX_SDP);
    p->branch = fields_text(f, "branch", CALL_MAX_SDP);
    p->label = fields_text(f, "label", CALL_MAX_SDP);
    read_aliases(f, p);
    p->created_us = fields_number(f, "created", 0, INT64_MAX, in->call->created_us);
    fields_flags(f, flags, COUNT_OF(flags), p);
    read_peers(in->call, f, p);
    p->interface = fields_text(f, "interface", CALL_MAX_SDP);
    p->learning = (enum plan_learning)fields_choice(
        f, "learning", learnings, COUNT_OF(learnings), PLAN_LEARN_HEURISTIC);
    read_origin(f, &p->origin);
    p->sdp_in = read_sdp(f, "sdp-from");
    p->sdp_out = read_sdp(f, "sdp-to");
    record_read_sections(in, f, p);
}

void record_read_parties(struct record_in *in, const struct fields *f)
{
    struct call *call = in->call;
    struct fields_list list = fields_list(f, "parties", NG_DICT, CALL_MAX_PARTIES);
    struct fields entry;
    while (call->party_count < list.count) {
        struct party *p = party_new(call);
        if (p == NULL)
            return;
        call->parties[call->party_count++] = p;
    }
    if (list.count == 0)
        fields_refuse(f, "parties", "none");
    for (uint32_t i = 0; fields_next(f, &list, &entry); i++)
        read_party(in, &entry, call->parties[i]);
}
