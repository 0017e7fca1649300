/* SPDX-License-Identifier: Apache-2.0 */
#include "call/write.h"

#include <inttypes.h>
#include <stdlib.h>

#include "call/attributes.h"
#include "call/edits.h"
#include "call/origin.h"
#include "mediaferry/sdp_write.h"

static void write_optional(struct writer *out, char letter, struct text value)
{
    if (value.len > 0)
        sdp_write_line(out, letter, value);
}

static bool any_ice(const struct party *p)
{
    for (uint32_t i = 0; i < p->section_count; i++) {
        const struct side *s = work_side(p, i);
        if (side_is_open(s) && p->sections[i].line >= 0 && s->link.ice.used)
            return true;
    }
    return false;
}

/* Nothing that only a browser understands: no section is for one. */
static bool all_plain(const struct party *p)
{
    bool any = false;
    for (uint32_t i = 0; i < p->section_count; i++) {
        const struct side *s = work_side(p, i);
        if (!side_is_open(s) || p->sections[i].line < 0)
            continue;
        if (!s->plain)
            return false;
        any = true;
    }
    return any;
}

/* The mids of the group, the tagged one first (RFC 9143, section 7.2.1). */
static void write_mids(
    const struct party *p, unsigned group, bool tag, struct text *space, struct writer *out)
{
    for (uint32_t i = 0; i < p->section_count; i++) {
        const struct side *s = work_side(p, i);
        if (s == NULL || s->rejected || s->mid.len == 0)
            continue;
        bool is_member =
            group == 0 ? s->bundle_offered : s->bundle == group && s->is_bundle_tag == tag;
        if (!is_member)
            continue;
        writer_put(out, text_bytes(*space));
        writer_put(out, text_bytes(s->mid));
        *space = TEXT(" ");
    }
}

static void write_group(const struct party *p, unsigned group, struct writer *out)
{
    char mids[CALL_MAX_SECTIONS * 64];
    struct writer list = writer_over(mids, sizeof(mids));
    struct text space = TEXT(" ");
    if (group != 0)
        write_mids(p, group, true, &space, &list);
    write_mids(p, group, false, &space, &list);
    struct bytes written = writer_bytes(&list);
    if (list.failed)
        out->failed = true;
    if (written.len > 0)
        sdp_write_attrf(out, "group", "BUNDLE%.*s", TEXT_ARG(text_from_bytes(written)));
}

static void write_groups(const struct party *p, struct writer *out)
{
    unsigned highest = 0;
    for (uint32_t i = 0; i < p->section_count; i++)
        if (work_side(p, i) != NULL && work_side(p, i)->bundle > highest)
            highest = work_side(p, i)->bundle;
    for (unsigned group = 0; group <= highest; group++)
        write_group(p, group, out);
}

static void write_session(struct work *w, struct writer *out)
{
    const struct sdp *sdp = &w->sdp;
    sdp_write_line(out, 's', origin_name(w));
    write_optional(out, 'i', sdp->info);
    write_optional(out, 'u', sdp->uri);
    write_optional(out, 'e', sdp->email);
    write_optional(out, 'p', sdp->phone);
    write_bandwidths(out, sdp->lines);
    sdp_write_line(out, 't', sdp->time.len > 0 ? sdp->time : TEXT("0 0"));
    if (w->flags.loop_protect)
        sdp_write_attrf(out, "rtpengine", "%012" PRIx64,
            (uint64_t)w->env->config->loop_id & UINT64_C(0xffffffffffff));
    if (any_ice(w->receiver))
        sdp_write_attr(out, "ice-lite", text_of(NULL, 0));
    write_groups(w->receiver, out);

    bool plain = all_plain(w->receiver);
    struct text it = sdp->lines;
    struct sdp_attr attr;
    while (sdp_next_attr(&it, &attr)) {
        bool mixed = attr.kind == SDP_ATTR_EXTMAP_ALLOW_MIXED && !plain;
        if (mixed || attributes_pass(&attr, ATTRIBUTES_SESSION, plain))
            sdp_write_line(out, 'a', attr.whole);
    }
}

/* Sections come in the order of the receiver's m= lines. */
static void write_sections(struct work *w, struct writer *out, const struct sdp *offered)
{
    struct party *p = w->receiver;
    for (uint32_t line = 0; line < p->line_count; line++)
        for (uint32_t i = 0; i < p->section_count; i++)
            if (p->sections[i].line == (int)line && work_side(p, i) != NULL)
                write_section(w, out, i, offered);
}

/* What follows o= in the last SDP to the party. */
static struct text without_origin(struct text sdp)
{
    text_cut(&sdp, '\n');
    text_cut(&sdp, '\n');
    return sdp;
}

static enum call_status finish(struct work *w, struct text body, struct writer *whole)
{
    bool changed = !text_equal(body, without_origin(w->receiver->sdp_out));
    origin_write(w, whole, changed);
    writer_put(whole, text_bytes(body));
    if (!writer_ok(whole))
        return work_fail(w, CALL_REWRITE_FAILED, "the new SDP cannot be written");
    w->receiver->sdp_out = arena_text(&w->call->arena, text_from_bytes(writer_bytes(whole)));
    w->out->sdp = w->receiver->sdp_out;
    return CALL_OK;
}

enum call_status write_sdp(struct work *w, const struct sdp *offered)
{
    char *room = malloc((size_t)3 * CALL_MAX_SDP);
    if (room == NULL)
        return CALL_OUT_OF_MEMORY;
    struct writer body = writer_over(room, CALL_MAX_SDP);
    struct writer edited = writer_over(room + CALL_MAX_SDP, CALL_MAX_SDP);
    struct writer whole = writer_over(room + (size_t)2 * CALL_MAX_SDP, CALL_MAX_SDP);
    write_session(w, &body);
    write_sections(w, &body, offered);
    if (w->flags.edit_count > 0)
        edits_apply(w, text_from_bytes(writer_bytes(&body)), &edited);
    struct writer *used = w->flags.edit_count > 0 ? &edited : &body;
    enum call_status status;
    if (writer_ok(&body) && writer_ok(used))
        status = finish(w, text_from_bytes(writer_bytes(used)), &whole);
    else
        status = work_fail(w, CALL_REWRITE_FAILED, "the new SDP cannot be written");
    free(room);
    return status;
}
