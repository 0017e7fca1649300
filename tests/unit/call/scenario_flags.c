/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario_flags.h"

void scenario_default_flags(struct call_flags *flags)
{
    *flags = (struct call_flags){.tos = -1, .delete_delay = -1};
}

static void put_names(struct call_names *names, struct text list)
{
    while (list.len > 0 && names->count < CALL_MAX_NAMES)
        names->names[names->count++] = text_cut(&list, ',');
}

struct bool_flag {
    const char *name;
    size_t offset;
};

#define FLAG(word, field)                                                                          \
    {                                                                                              \
        word, offsetof(struct call_flags, field)                                                   \
    }

static const struct bool_flag bools[] = {
    FLAG("trust-address", trust_address),
    FLAG("sip-source-address", sip_source_address),
    FLAG("asymmetric", asymmetric),
    FLAG("strict-source", strict_source),
    FLAG("media-handover", media_handover),
    FLAG("port-latching", port_latching),
    FLAG("no-port-latching", no_port_latching),
    FLAG("ice-reject", ice_reject),
    FLAG("fragment", fragment),
    FLAG("webrtc", web_rtc),
    FLAG("no-tls-id", no_tls_id),
    FLAG("sdes-off", sdes.off),
    FLAG("sdes-prefer", sdes.prefer),
    FLAG("sdes-nonew", sdes.nonew),
    FLAG("osrtp-offer", osrtp_offer),
    FLAG("osrtp-accept", osrtp_accept),
    FLAG("mux-offer", mux.offer),
    FLAG("mux-require", mux.require),
    FLAG("mux-demux", mux.demux),
    FLAG("mux-accept", mux.accept),
    FLAG("mux-reject", mux.reject),
    FLAG("full-rtcp-attribute", full_rtcp_attribute),
    FLAG("no-rtcp-attribute", no_rtcp_attribute),
    FLAG("replace-origin", replace.origin),
    FLAG("replace-origin-full", replace.origin_full),
    FLAG("replace-session-name", replace.session_name),
    FLAG("replace-username", replace.username),
    FLAG("replace-sdp-version", replace.sdp_version),
    FLAG("force-increment-sdp-ver", replace.force_increment),
    FLAG("replace-zero-address", replace.zero_address),
    FLAG("bundle-accept", bundle.accept),
    FLAG("bundle-offer", bundle.offer),
    FLAG("bundle-require", bundle.require),
    FLAG("bundle-strict", bundle.strict),
    FLAG("bundle-reject", bundle.reject),
    FLAG("original-sendrecv", original_sendrecv),
    FLAG("generate-mid", generate_mid),
    FLAG("loop-protect", loop_protect),
    FLAG("reset", reset),
    FLAG("single-codec", single_codec),
    FLAG("to-tag-counts", to_tag_counts),
    FLAG("provisional", provisional),
    FLAG("final", is_reply_final),
};

struct names_flag {
    const char *name;
    size_t offset;
};

static const struct names_flag lists[] = {
    FLAG("strip", strip),
    FLAG("offer", offer),
    FLAG("except", except),
    FLAG("mask", mask),
    FLAG("ignore", ignore),
    FLAG("transcode", transcode),
    FLAG("media-remove", media_remove),
    FLAG("extmap-strip", extmap_strip),
    FLAG("sdes-only", sdes.only),
    FLAG("sdes-no", sdes.no),
    FLAG("sdes-order", sdes.order),
};

static bool word_among(struct text value, const char *const *words, size_t count, int *out)
{
    for (size_t i = 0; i < count; i++)
        if (text_is(value, words[i])) {
            *out = (int)i;
            return true;
        }
    return false;
}

static bool set_choice(struct call_flags *f, struct text name, struct text value)
{
    static const char *const ice[] = {"default", "remove", "force", "optional", "force-relay"};
    static const char *const dtls[] = {"default", "passive", "active", "off"};
    static const char *const family[] = {"none", "IP4", "IP6"};
    static const char *const plain[] = {"configured", "on", "off"};
    static const char *const learning[] = {"default", "off", "immediate", "delayed", "heuristic"};
    int n = 0;
    if (text_is(name, "ice") && word_among(value, ice, COUNT_OF(ice), &n))
        f->ice = (enum call_ice)n;
    else if (text_is(name, "dtls") && word_among(value, dtls, COUNT_OF(dtls), &n))
        f->dtls = (enum call_dtls)n;
    else if (text_is(name, "dtls-reverse") && word_among(value, dtls, COUNT_OF(dtls), &n))
        f->dtls_reverse = (enum call_dtls)n;
    else if (text_is(name, "family") && word_among(value, family, COUNT_OF(family), &n))
        f->address_family = (enum address_family)n;
    else if (text_is(name, "plain-sdp") && word_among(value, plain, COUNT_OF(plain), &n))
        f->plain_sdp = (unsigned)n;
    else if (text_is(name, "learning") && word_among(value, learning, COUNT_OF(learning), &n))
        f->learning = (enum call_learning)n;
    else
        return false;
    return true;
}

static bool set_number(struct call_flags *f, struct text name, struct text value)
{
    uint64_t number;
    if (!text_to_u64(value, 100000, &number))
        return false;
    if (text_is(name, "tos"))
        f->tos = (int)number;
    else if (text_is(name, "ptime"))
        f->ptime = (int)number;
    else if (text_is(name, "ptime-reverse"))
        f->ptime_reverse = (int)number;
    else
        return false;
    return true;
}

static bool set_text(struct call_command *c, struct text name, struct text value)
{
    struct call_flags *f = &c->flags;
    const struct {
        const char *name;
        struct text *field;
    } texts[] = {
        {"from", &c->from_tag},
        {"to", &c->to_tag},
        {"branch", &c->via_branch},
        {"from-interface", &f->from_interface},
        {"to-interface", &f->to_interface},
        {"media-address", &f->media_address},
        {"dtls-fingerprint", &f->dtls_fingerprint},
        {"label", &f->label},
        {"metadata", &f->metadata},
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        if (text_is(name, texts[i].name)) {
            *texts[i].field = value;
            return true;
        }
    return false;
}

/* direction=internal,external */
static bool set_special(struct call_command *c, struct text name, struct text value)
{
    struct call_flags *f = &c->flags;
    if (text_is(name, "direction")) {
        f->from_interface = text_cut(&value, ',');
        f->to_interface = value;
        return true;
    }
    if (text_is(name, "received-from"))
        return address_parse(value, &f->received_from);
    if (!text_is(name, "protocol"))
        return false;
    f->protocol = sdp_protocol_of(value);
    return f->protocol != SDP_PROTOCOL_OTHER;
}

/* attr-add=audio,VALUE  attr-remove=audio,NAME  attr-substitute=audio,OLD>NEW; `_` is a space */
static bool set_edit(struct call_flags *f, struct text name, struct text value)
{
    struct call_sdp_edit edit = {.media = text_cut(&value, ',')};
    if (text_is(name, "attr-add")) {
        edit.action = CALL_SDP_ADD;
    } else if (text_is(name, "attr-remove")) {
        edit.action = CALL_SDP_REMOVE;
    } else if (text_is(name, "attr-substitute")) {
        edit.action = CALL_SDP_SUBSTITUTE;
    } else {
        return false;
    }
    edit.from = text_cut(&value, '>');
    edit.to = value;
    f->edits[f->edit_count++] = edit;
    return true;
}

bool scenario_flag(struct call_command *command, struct text word)
{
    struct call_flags *f = &command->flags;
    for (size_t i = 0; i < COUNT_OF(bools); i++)
        if (text_is(word, bools[i].name)) {
            *(bool *)((char *)f + bools[i].offset) = true;
            return true;
        }
    struct text value = word;
    struct text name = text_cut(&value, '=');
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        if (text_is(name, lists[i].name)) {
            put_names((struct call_names *)((char *)f + lists[i].offset), value);
            return true;
        }
    return set_choice(f, name, value) || set_number(f, name, value) ||
           set_text(command, name, value) || set_special(command, name, value) ||
           set_edit(f, name, value);
}
