/* SPDX-License-Identifier: Apache-2.0 */
/* Sections of a party, and their sides. */
#include "call/record_parts.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

/* Left out is what counts only while a command is carried out: `mux_offered`, `zero_address` and
 * `bundle_only`. */
static const struct fields_flag flags[] = {
    {"rejected", offsetof(struct side, rejected)},
    {"known", offsetof(struct side, known)},
    {"told", offsetof(struct side, told)},
    {"sends", offsetof(struct side, sends)},
    {"receives", offsetof(struct side, receives)},
    {"osrtp", offsetof(struct side, osrtp)},
    {"mux", offsetof(struct side, link.mux)},
    {"mux-settled", offsetof(struct side, link.mux_settled)},
    {"mux-required", offsetof(struct side, link.mux_required)},
    {"bundle-tag", offsetof(struct side, is_bundle_tag)},
    {"bundle-offered", offsetof(struct side, bundle_offered)},
    {"plain", offsetof(struct side, plain)},
    {"no-extensions", offsetof(struct side, no_extensions)},
};

enum { CODEC_TEXT_SIZE = PLAN_CODEC_SIZE + 16 };

static const struct text usual_protocol = {.data = "RTP/AVP", .len = 7};

/* Most often it is that of the first payload type. */
static struct text usual_codec(const struct side *s, char room[CODEC_TEXT_SIZE])
{
    room[0] = '\0';
    if (s->payload_count > 0 && s->payloads[0].codec[0] != '\0')
        snprintf(
            room, CODEC_TEXT_SIZE, "%s/%" PRIu32, s->payloads[0].codec, s->payloads[0].clock_rate);
    return text_from(room);
}

/* --- writing --- */

/* "0 PCMU/8000" */
static void put_payloads(struct ng_arena *arena, struct ng_value *dict, const struct side *s)
{
    char text[CODEC_TEXT_SIZE];
    if (s->payload_count > 0) {
        struct ng_value *list = ng_put_list(arena, dict, TEXT("payloads"));
        for (uint8_t i = 0; i < s->payload_count; i++) {
            const struct plan_payload *p = &s->payloads[i];
            snprintf(text, sizeof(text), "%u %s/%" PRIu32, p->type, p->codec, p->clock_rate);
            ng_add_string(arena, list, text_from(text));
        }
    }
    if (!text_equal(s->codec, usual_codec(s, text)))
        ng_put_string(arena, dict, TEXT("codec"), s->codec);
}

static void put_ssrcs(struct ng_arena *arena, struct ng_value *dict, const struct side *s)
{
    if (s->ssrc_count == 0)
        return;
    struct ng_value *list = ng_put_list(arena, dict, TEXT("ssrcs"));
    for (uint8_t i = 0; i < s->ssrc_count; i++)
        ng_add_int(arena, list, s->ssrcs[i]);
}

static void put_side(
    struct ng_arena *arena, struct ng_value *section, const char *name, const struct side *s)
{
    if (s == NULL)
        return;
    struct ng_value *dict = ng_put_dict(arena, section, text_from(name));
    if (s->transport != NULL)
        ng_put_int(arena, dict, TEXT("transport"), s->transport->id);
    ng_put_string(arena, dict, TEXT("type"), s->type);
    if (!text_equal(s->protocol_name, usual_protocol))
        ng_put_string(arena, dict, TEXT("protocol"), s->protocol_name);
    fields_put_text(arena, dict, "formats", s->formats);
    fields_put_choice(arena, dict, "family", record_families, s->family, ADDRESS_IP4);
    fields_put_flags(arena, dict, flags, COUNT_OF(flags), s);
    fields_put_text(arena, dict, "mid", s->mid);
    fields_put_number(arena, dict, "mid-extension", s->mid_extension, 0);
    fields_put_number(arena, dict, "bundle", s->bundle, 0);
    fields_put_number(arena, dict, "ptime", s->ptime, 0);
    put_payloads(arena, dict, s);
    put_ssrcs(arena, dict, s);
    record_put_link(arena, dict, &s->link);
}

void record_put_sections(struct ng_arena *arena, struct ng_value *dict, const struct party *p)
{
    if (p->section_count == 0)
        return;
    struct ng_value *list = ng_put_list(arena, dict, TEXT("sections"));
    for (uint32_t i = 0; i < p->section_count; i++) {
        const struct section *s = &p->sections[i];
        struct ng_value *entry = ng_add_dict(arena, list);
        fields_put_number(arena, entry, "line", s->line, i);
        fields_put_number(arena, entry, "stream", s->stream, 0);
        put_side(arena, entry, "current", s->current);
        put_side(arena, entry, "pending", s->pending);
    }
}

/* --- reading --- */

static bool split_payload(struct text text, struct plan_payload *out)
{
    uint64_t type, rate;
    if (!text_to_u64(text_cut(&text, ' '), 127, &type))
        return false;
    const char *slash = text.len > 0 ? memrchr(text.data, '/', text.len) : NULL;
    if (slash == NULL)
        return false;
    struct text name = text_of(text.data, (size_t)(slash - text.data));
    if (!text_to_u64(text_skip(text, name.len + 1), UINT32_MAX, &rate) ||
        name.len >= sizeof(out->codec))
        return false;
    *out = (struct plan_payload){.type = (uint8_t)type, .clock_rate = (uint32_t)rate};
    if (name.len > 0)
        memcpy(out->codec, name.data, name.len);
    return strlen(out->codec) == name.len;
}

static void read_payloads(struct record_in *in, const struct fields *f, struct side *s)
{
    char usual[CODEC_TEXT_SIZE];
    struct fields_list list = fields_list(f, "payloads", NG_STRING, PLAN_MAX_PAYLOADS);
    if (list.count > 0)
        s->payloads = arena_alloc(&in->call->arena, list.count * sizeof(*s->payloads));
    for (const struct ng_value *at = list.next; s->payloads != NULL && at != NULL; at = at->next)
        if (!split_payload(at->string, &s->payloads[s->payload_count++])) {
            fields_refuse(
                f, "payloads", "entry %u is not \"type name/rate\"", s->payload_count - 1U);
            return;
        }
    if (fields_has(f, "codec"))
        s->codec = fields_line(f, "codec", CALL_MAX_SDP);
    else
        s->codec = arena_text(&in->call->arena, usual_codec(s, usual));
}

static void read_ssrcs(struct record_in *in, const struct fields *f, struct side *s)
{
    struct fields_list list = fields_list(f, "ssrcs", NG_INT, PLAN_MAX_SSRCS);
    if (list.count > 0)
        s->ssrcs = arena_alloc(&in->call->arena, list.count * sizeof(*s->ssrcs));
    for (const struct ng_value *at = list.next; s->ssrcs != NULL && at != NULL; at = at->next) {
        if (at->integer < 0 || at->integer > UINT32_MAX) {
            fields_refuse(f, "ssrcs", "entry %u is no SSRC", s->ssrc_count);
            return;
        }
        s->ssrcs[s->ssrc_count++] = (uint32_t)at->integer;
    }
}

static void read_media_line(const struct fields *f, struct side *s)
{
    fields_require(f, "type");
    s->type = fields_word(f, "type", CALL_MAX_SDP);
    s->protocol_name = usual_protocol;
    if (fields_has(f, "protocol"))
        s->protocol_name = fields_word(f, "protocol", CALL_MAX_SDP);
    s->protocol = sdp_protocol_of(s->protocol_name);
    s->formats = fields_line(f, "formats", CALL_MAX_SDP);
}

/* What commands make sure of for a section that has a transport of its own. */
static void check_side(const struct fields *f, const struct side *s)
{
    bool has_transport = s->transport != NULL;
    if (has_transport != (!s->rejected && !side_passes_by(s)))
        fields_refuse(f, "transport", has_transport ? "the section has no use for one" : "missing");
    bool is_lead = s->bundle == 0 || s->is_bundle_tag;
    const struct ice_state *ice = &s->link.ice;
    if (has_transport && is_lead && (ice->used || s->transport->ice) && ice->ufrag[0] == '\0')
        fields_refuse(f, "ICE", "there is no ufrag");
}

static struct side *read_side(
    struct record_in *in, const struct fields *section, const char *name, const struct party *p)
{
    struct side *s = NULL;
    if (fields_has(section, name))
        s = arena_alloc(&in->call->arena, sizeof(*s));
    if (s == NULL)
        return NULL;
    const struct fields f = fields_inner(section, name);
    s->transport = record_find_transport(in, &f, p);
    read_media_line(&f, s);
    s->family = (enum address_family)fields_choice(
        &f, "family", record_families, COUNT_OF(record_families), ADDRESS_IP4);
    fields_flags(&f, flags, COUNT_OF(flags), s);
    s->mid = fields_word(&f, "mid", CALL_MAX_SDP);
    s->mid_extension = (uint8_t)fields_number(&f, "mid-extension", 0, UINT8_MAX, 0);
    s->bundle = (uint8_t)fields_number(&f, "bundle", 0, UINT8_MAX, 0);
    s->ptime = (int)fields_number(&f, "ptime", 0, INT_MAX, 0);
    read_payloads(in, &f, s);
    read_ssrcs(in, &f, s);
    record_read_link(in, &f, &s->link);
    check_side(&f, s);
    return s;
}

void record_read_sections(struct record_in *in, const struct fields *f, struct party *p)
{
    struct fields_list list = fields_list(f, "sections", NG_DICT, CALL_MAX_SECTIONS);
    struct fields entry;
    while (fields_next(f, &list, &entry)) {
        struct section *s = &p->sections[p->section_count];
        s->line = (int)fields_number(
            &entry, "line", -1, CALL_MAX_SECTIONS - 1, (int64_t)p->section_count);
        s->stream = (uint32_t)fields_number(&entry, "stream", 0, RECORD_MAX_ID, 0);
        s->current = read_side(in, &entry, "current", p);
        s->pending = read_side(in, &entry, "pending", p);
        if (s->current == NULL && s->pending == NULL && !in->reader.failed)
            fields_refuse(&entry, "current", "missing, and \"pending\" too");
        if (side_is_open(section_side(s)) != (s->stream != 0))
            fields_refuse(
                &entry, "stream", s->stream != 0 ? "the section has no use for one" : "missing");
        p->line_count += s->line >= 0;
        p->section_count++;
    }
}
