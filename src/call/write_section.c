/* SPDX-License-Identifier: Apache-2.0 */
#include "call/write.h"

#include "call/attributes.h"
#include "call/formats.h"
#include "call/negotiate.h"
#include "mediaferry/sdp_write.h"

enum {
    /* RFC 8445, section 5.1.2.1 */
    HOST_PREFERENCE = 126,
    BEST_LOCAL_PREFERENCE = 65535,
    COMPONENT_LIMIT = 256,
};

/* What is written about a section, gathered once. */
struct section_out {
    const struct side *side; /* the receiver's */
    const struct side *lead;
    const struct side *from; /* the sender's; NULL: it has no such section */
    const struct sdp_media *source;
    bool hold_address; /* c=0.0.0.0 is passed on */
    bool bundle_only;  /* in offers (RFC 9143, section 6) */
};

const struct call_lease_local *write_local(const struct side *side)
{
    const struct transport *t = side->transport;
    for (uint8_t i = 0; i < t->local_count; i++)
        if (t->locals[i].advertised_rtp.family == side->family)
            return &t->locals[i];
    return &t->locals[0];
}

struct address write_advertised(const struct work *w, struct address ours)
{
    struct address given;
    if (w->flags.media_address.len == 0 || !address_parse(w->flags.media_address, &given))
        return ours;
    given.port = ours.port;
    return given;
}

void write_bandwidths(struct writer *out, struct text lines)
{
    static const char *const order[] = {"AS", "RR", "RS", "CT", "TIAS"};
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        struct text it = lines;
        struct sdp_bandwidth b;
        while (sdp_next_bandwidth(&it, &b))
            if (text_is(b.type, order[i]))
                sdp_write_bandwidth(out, &b);
    }
}

static void write_media_line(
    struct work *w, struct writer *out, const struct section_out *s, const struct codecs *codecs)
{
    char text[CODECS_MAX * 4];
    struct writer formats = writer_over(text, sizeof(text));
    struct text list = s->source != NULL ? s->source->formats : s->side->formats;
    if (codecs != NULL && codecs->count > 0) {
        codecs_write_formats(&formats, codecs);
        list = text_from_bytes(writer_bytes(&formats));
    }
    bool has_port = !s->side->rejected && !s->bundle_only;
    struct sdp_media_line line = {
        .type = s->side->type,
        .port = has_port ? write_local(s->side)->advertised_rtp.port : 0,
        .port_count = 1,
        .protocol = s->side->protocol_name,
        .formats = list,
    };
    sdp_write_media(out, &line);
    if (s->source != NULL && s->source->info.len > 0)
        sdp_write_line(out, 'i', s->source->info);

    struct address shown = {.family = s->side->family == ADDRESS_IP6 ? ADDRESS_IP6 : ADDRESS_IP4};
    if (!s->side->rejected && !s->hold_address)
        shown = write_advertised(w, write_local(s->side)->advertised_rtp);
    sdp_write_connection(out, &shown);
    if (s->source != NULL)
        write_bandwidths(out, s->source->lines);
}

static void write_names(struct writer *out, const struct section_out *s)
{
    struct sdp_attr label;
    if (s->side->mid.len > 0 && !s->side->plain)
        sdp_write_attr(out, "mid", s->side->mid);
    if (s->source != NULL && sdp_find_attr(s->source->lines, SDP_ATTR_LABEL, &label))
        sdp_write_attr(out, "label", label.value);
    if (s->bundle_only)
        sdp_write_attr(out, "bundle-only", text_of(NULL, 0));
}

static void write_extmaps(const struct work *w, struct writer *out, const struct section_out *s)
{
    struct sdp_attr attr;
    if (s->side->plain)
        return;
    if (sdp_find_attr(s->source->lines, SDP_ATTR_EXTMAP_ALLOW_MIXED, &attr))
        sdp_write_attr(out, "extmap-allow-mixed", attr.value);
    struct text it = s->source->lines;
    while (sdp_next_attr(&it, &attr))
        if (attr.kind == SDP_ATTR_EXTMAP && attributes_extmap_passes(w, attr.value, s->side->plain))
            sdp_write_attr(out, "extmap", attr.value);
}

static void write_passed(struct writer *out, const struct section_out *s)
{
    enum attributes_level level = side_is_rtp(s->side) ? ATTRIBUTES_RTP : ATTRIBUTES_RAW;
    struct text it = s->source->lines;
    struct sdp_attr attr;
    while (sdp_next_attr(&it, &attr))
        if (attributes_pass(&attr, level, s->side->plain))
            sdp_write_line(out, 'a', attr.whole);
}

static enum sdp_direction direction_of(bool sends, bool receives)
{
    if (sends)
        return receives ? SDP_SENDRECV : SDP_SENDONLY;
    return receives ? SDP_RECVONLY : SDP_INACTIVE;
}

/* The sender's own word with `original-sendrecv`, also when it is none. */
static void write_original_direction(
    const struct work *w, struct writer *out, const struct section_out *s)
{
    const struct text levels[] = {s->source->lines, w->sdp.lines};
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        struct text it = levels[i];
        struct sdp_attr attr;
        enum sdp_direction direction;
        while (sdp_next_attr(&it, &attr))
            if (sdp_direction_of(attr.kind, &direction)) {
                sdp_write_attr(out, sdp_direction_name(direction), text_of(NULL, 0));
                return;
            }
    }
}

static void write_direction(const struct work *w, struct writer *out, const struct section_out *s)
{
    if (w->flags.original_sendrecv) {
        write_original_direction(w, out, s);
        return;
    }
    bool sends = s->from->sends, receives = s->from->receives;
    if (!w->is_offer) {
        /* RFC 3264, section 6.1: an answer keeps within the offer. */
        sends = sends && s->side->receives;
        receives = receives && s->side->sends;
    }
    const char *name = sdp_direction_name(direction_of(sends, receives));
    sdp_write_attr(out, name, text_of(NULL, 0));
}

static void write_rtcp(struct work *w, struct writer *out, const struct section_out *s)
{
    const struct link *link = &s->lead->link;
    const struct call_lease_local *local = write_local(s->side);
    struct address own = local->advertised_rtcp;
    bool fallback = w->is_offer && !link->mux_required;
    if (own.family == ADDRESS_NONE || (link->mux && !fallback))
        own = local->advertised_rtp;
    struct address shown = write_advertised(w, own);
    char ip[ADDRESS_TEXT_SIZE];
    if (w->flags.full_rtcp_attribute && !w->flags.no_rtcp_attribute)
        sdp_write_attrf(out, "rtcp", "%u IN %s %s", own.port,
            shown.family == ADDRESS_IP6 ? "IP6" : "IP4", address_ip_text(&shown, ip));
    else if (!w->flags.no_rtcp_attribute)
        sdp_write_attrf(out, "rtcp", "%u", own.port);
    if (link->mux)
        sdp_write_attr(out, "rtcp-mux", text_of(NULL, 0));
}

static void write_sdes(const struct work *w, struct writer *out, const struct link *link)
{
    if (w->is_offer && link->sdes_offered != NULL)
        for (uint8_t i = 0; i < link->sdes_offered->count; i++)
            sdes_write(out, &link->sdes_offered->keys[i], &w->flags);
    if (!w->is_offer && link->security == PLAN_SDES && link->sdes != NULL)
        sdes_write(out, &link->sdes->ours, &w->flags);
}

static void write_setup(const struct work *w, struct writer *out, const struct dtls_state *dtls)
{
    enum sdp_setup setup = SDP_SETUP_ACTPASS;
    if (!w->is_offer && dtls->role == PLAN_DTLS_UNDECIDED)
        setup = SDP_SETUP_HOLDCONN;
    else if (!w->is_offer)
        setup = dtls->role == PLAN_DTLS_ACTIVE ? SDP_SETUP_ACTIVE : SDP_SETUP_PASSIVE;
    sdp_write_attr(out, "setup", text_from(sdp_setup_name(setup)));
}

/* The hash asked for, the party's own, or sha-256; false when there is no certificate. */
static bool write_fingerprint(
    const struct work *w, struct writer *out, const struct dtls_state *dtls)
{
    const char *theirs = dtls->theirs ? sdp_hash_name(dtls->hash) : "";
    struct text asked = w->is_offer ? w->flags.dtls_fingerprint : text_of(NULL, 0);
    const struct text names[] = {asked, text_from(theirs), TEXT("sha-256")};
    struct sdp_fingerprint f = {0};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        size_t len = sizeof(f.bytes);
        f.hash = sdp_hash_of(names[i]);
        f.hash_name = text_from(sdp_hash_name(f.hash));
        if (f.hash == SDP_HASH_OTHER ||
            !w->env->fingerprint(w->env->fingerprint_owner, f.hash_name, f.bytes, &len))
            continue;
        f.len = (uint8_t)len;
        sdp_write_fingerprint(out, &f);
        return true;
    }
    return false;
}

static void write_dtls(const struct work *w, struct writer *out, const struct link *link)
{
    const struct dtls_state *dtls = &link->dtls;
    if (w->is_offer ? !dtls->offered : link->security != PLAN_DTLS)
        return;
    write_setup(w, out, dtls);
    if (!write_fingerprint(w, out, dtls))
        out->failed = true;
    /* RFC 8842, section 5.3: in an answer only to those who use it. */
    bool wanted = w->is_offer || dtls->tls_id.len > 0;
    if (wanted && !w->flags.no_tls_id)
        sdp_write_attr(out, "tls-id", text_from(dtls->our_tls_id));
}

static void write_ptime(struct writer *out, const struct section_out *s)
{
    static const struct {
        enum sdp_attr_kind kind;
        const char *name;
    } both[] = {{SDP_ATTR_PTIME, "ptime"}, {SDP_ATTR_MAXPTIME, "maxptime"}};
    for (size_t i = 0; i < COUNT_OF(both); i++) {
        struct sdp_attr attr;
        if (both[i].kind == SDP_ATTR_PTIME && s->side->ptime > 0)
            sdp_write_attrf(out, "ptime", "%d", s->side->ptime);
        else if (sdp_find_attr(s->source->lines, both[i].kind, &attr))
            sdp_write_attr(out, both[i].name, attr.value);
    }
}

static void write_candidates(
    const struct work *w, struct writer *out, const struct section_out *s, uint16_t component)
{
    const struct transport *t = s->lead->transport;
    for (uint8_t i = 0; i < t->local_count; i++) {
        const struct call_lease_local *local = &t->locals[i];
        struct address own = component == 1 ? local->advertised_rtp : local->advertised_rtcp;
        if (own.family == ADDRESS_NONE)
            continue;
        struct sdp_candidate candidate = {
            .foundation = text_from(local->foundation),
            .component = component,
            .transport = SDP_CANDIDATE_UDP,
            .priority = (uint32_t)HOST_PREFERENCE << 24 |
                        (uint32_t)(BEST_LOCAL_PREFERENCE - i) << 8 |
                        (uint32_t)(COMPONENT_LIMIT - component),
            .address = write_advertised(w, own),
            .type = SDP_CANDIDATE_HOST,
        };
        sdp_write_candidate(out, &candidate);
    }
}

static void write_ice(const struct work *w, struct writer *out, const struct section_out *s)
{
    const struct link *link = &s->lead->link;
    if (!link->ice.used)
        return;
    sdp_write_attr(out, "ice-ufrag", text_from(link->ice.ufrag));
    sdp_write_attr(out, "ice-pwd", text_from(link->ice.pwd));
    sdp_write_attr(out, "ice-options", TEXT("trickle"));
    write_candidates(w, out, s, 1);
    if (!link->mux || (w->is_offer && !link->mux_required))
        write_candidates(w, out, s, 2);
    sdp_write_attr(out, "end-of-candidates", text_of(NULL, 0));
}

static void write_open(
    struct work *w, struct writer *out, const struct section_out *s, const struct codecs *codecs)
{
    if (codecs != NULL) {
        codecs_write_attributes(out, codecs, !s->side->plain);
        write_extmaps(w, out, s);
    }
    write_passed(out, s);
    write_direction(w, out, s);
    if (codecs == NULL)
        return;
    write_rtcp(w, out, s);
    write_sdes(w, out, &s->lead->link);
    write_dtls(w, out, &s->lead->link);
    write_ptime(out, s);
    write_ice(w, out, s);
}

/* As the sender wrote it, with its own address. */
static void write_as_sent(struct writer *out, const struct sdp_media *source)
{
    struct sdp_media_line line = {
        .type = source->type,
        .port = source->port,
        .port_count = source->port_count,
        .protocol = source->protocol_name,
        .formats = source->formats,
    };
    const struct sdp_connection *own = &source->connection;
    const char *family = own->family == ADDRESS_IP6 ? "IP6" : "IP4";
    static const char letters[] = {'b', 'a'};

    sdp_write_media(out, &line);
    if (source->info.len > 0)
        sdp_write_line(out, 'i', source->info);
    sdp_write_linef(out, 'c', "IN %s %.*s", family, (int)own->host.len, own->host.data);
    for (size_t i = 0; i < COUNT_OF(letters); i++) {
        struct text it = source->lines, value;
        while (sdp_next_line(&it, letters[i], &value))
            sdp_write_line(out, letters[i], value);
    }
}

void write_section(struct work *w, struct writer *out, uint32_t section, const struct sdp *offered)
{
    struct side *side = work_side(w->receiver, section);
    struct section_out s = {
        .side = side,
        .lead = work_lead(w->receiver, side),
        .from = work_side(w->sender, section),
        .source = work_source(w, section),
        .bundle_only = w->is_offer && side->bundle_only,
    };
    struct codecs codecs;
    bool is_open = !side->rejected && s.source != NULL && s.from != NULL;
    bool is_rtp = is_open && side_is_rtp(side);
    if (is_open && side_passes_by(side)) {
        write_as_sent(out, s.source);
        return;
    }
    if (is_open)
        s.hold_address =
            s.from->zero_address && !w->flags.replace.zero_address && !side->link.ice.used;
    if (is_rtp)
        formats_exchange(w, section, offered, &codecs);
    write_media_line(w, out, &s, is_rtp ? &codecs : NULL);
    write_names(out, &s);
    if (is_open)
        write_open(w, out, &s, is_rtp ? &codecs : NULL);
}
