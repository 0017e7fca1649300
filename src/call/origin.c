/* SPDX-License-Identifier: Apache-2.0 */
#include "call/origin.h"

#include <inttypes.h>
#include <stdio.h>

#include "call/write.h"
#include "mediaferry/sdp_write.h"

/* Keeps the first value for this receiver and gives it ever after. */
static struct text pinned(struct work *w, struct text *kept, struct text now)
{
    if (kept->len == 0)
        *kept = arena_text(&w->call->arena, now);
    return *kept;
}

struct text origin_name(struct work *w)
{
    struct text name = w->sdp.name.len > 0 ? w->sdp.name : TEXT("-");
    return w->flags.replace.session_name ? pinned(w, &w->receiver->origin.session_name, name)
                                         : name;
}

/* The advertised address of the first section that is open. */
static struct address own_address(struct work *w)
{
    struct address *kept = &w->receiver->origin.address;
    for (uint32_t i = 0; kept->family == ADDRESS_NONE && i < w->receiver->section_count; i++) {
        const struct side *s = work_side(w->receiver, i);
        if (side_is_open(s))
            *kept = write_advertised(w, write_local(s)->advertised_rtp);
    }
    return *kept;
}

static uint64_t next_version(struct work *w, uint64_t theirs, bool changed)
{
    struct origin_state *o = &w->receiver->origin;
    if (!o->has_version)
        o->version = theirs;
    else if (changed || w->flags.replace.force_increment)
        o->version++;
    o->has_version = true;
    return o->version;
}

static bool is_missing(const struct sdp_origin *o)
{
    return o->session_id.len == 0 || o->version.len == 0;
}

void origin_write(struct work *w, struct writer *out, bool changed)
{
    struct sdp_origin o = w->sdp.origin;
    const struct call_flags *flags = &w->flags;
    struct origin_state *kept = &w->receiver->origin;
    bool full = flags->replace.origin_full;
    bool made_up = is_missing(&o);
    char id[24], version[24], ip[ADDRESS_TEXT_SIZE];
    uint64_t number;

    if (made_up) {
        snprintf(id, sizeof(id), "%" PRId64, w->call->created_us);
        o = (struct sdp_origin){.user = TEXT("-"),
            .session_id = text_from(id),
            .version = TEXT("1"),
            .net_type = TEXT("IN")};
    }
    if (flags->replace.username || full)
        o.user = pinned(w, &kept->user, o.user);
    if (full)
        o.session_id = pinned(w, &kept->session_id, o.session_id);
    if ((flags->replace.sdp_version || flags->replace.force_increment || full || made_up) &&
        text_to_u64(o.version, UINT64_MAX, &number)) {
        snprintf(version, sizeof(version), "%" PRIu64, next_version(w, number, changed));
        o.version = text_from(version);
    }
    struct address own = own_address(w);
    if (flags->replace.origin || full || made_up) {
        if (own.family == ADDRESS_NONE)
            own.family = ADDRESS_IP4; /* every section is rejected */
        o.addr_type = own.family == ADDRESS_IP6 ? TEXT("IP6") : TEXT("IP4");
        o.host = text_from(address_ip_text(&own, ip));
    }
    sdp_write_line(out, 'v', TEXT("0"));
    sdp_write_origin(out, &o);
}
