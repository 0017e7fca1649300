/* SPDX-License-Identifier: Apache-2.0 */
/* The words of the list `flags`. */
#include "ng/option_reader.h"

#include "mediaferry/sdp.h"

static const struct option_switch switches[] = {
    OPTION_SWITCH("trust-address", trust_address),
    OPTION_SWITCH("SIP-source-address", sip_source_address),
    OPTION_SWITCH("asymmetric", asymmetric),
    OPTION_SWITCH("strict-source", strict_source),
    OPTION_SWITCH("media-handover", media_handover),
    OPTION_SWITCH("port-latching", port_latching),
    OPTION_SWITCH("no-port-latching", no_port_latching),
    OPTION_SWITCH("ICE-reject", ice_reject),
    OPTION_SWITCH("reject-ICE", ice_reject),
    OPTION_SWITCH("fragment", fragment),
    OPTION_SWITCH("WebRTC", web_rtc),
    OPTION_SWITCH("no-tls-id", no_tls_id),
    OPTION_SWITCH("pad-crypto", sdes.pad),
    OPTION_SWITCH("full-rtcp-attribute", full_rtcp_attribute),
    OPTION_SWITCH("no-rtcp-attribute", no_rtcp_attribute),
    OPTION_SWITCH("original-sendrecv", original_sendrecv),
    OPTION_SWITCH("generate-mid", generate_mid),
    OPTION_SWITCH("loop-protect", loop_protect),
    OPTION_SWITCH("reset", reset),
    OPTION_SWITCH("single-codec", single_codec),
    OPTION_SWITCH("allow-no-codec-media", allow_no_codec_media),
    OPTION_SWITCH("fatal", fatal),
    OPTION_SWITCH("to-tag", to_tag_counts),
    OPTION_SWITCH("fast", fast),
    OPTION_SWITCH("provisional", provisional),
};

/* Words that ask for what is done anyway, or mean nothing any more. */
static const char *const without_effect[] = {
    "symmetric",
    "trickle-ICE",
    "debug",
    "new-branch",
    "force",
    "directional",
    "unidirectional",
    "no-redis-update",
    "recrypt",
    "no-passthrough",
    "allow-transcoding",
    "allow-asymmetric-codecs",
    "asymmetric-codecs",
    "symmetric-codecs",
    "reorder-codecs",
    "reuse-codecs",
    "no-codec-renegotiation",
    "static-codecs",
    "no-jitter-buffer",
};

/* Keys whose words may stand in `flags` too: `rtcp-mux-offer`. */
static const struct {
    const char *prefix;
    option_word_fn *handle;
} prefixes[] = {
    {"rtcp-mux-", option_mux},
    {"SDES-", option_sdes},
    {"OSRTP-", option_osrtp},
    {"replace-", option_replace},
    {"bundle-", option_bundle},
    {"codec-", option_codec},
    {"transcode-", option_transcode},
    {"endpoint-learning-", option_learning},
    {"sdp-attr-", option_sdp_attr},
};

bool option_mux(struct option_reader *r, struct text word)
{
    static const struct option_switch table[] = {
        OPTION_SWITCH("offer", mux.offer),
        OPTION_SWITCH("require", mux.require),
        OPTION_SWITCH("demux", mux.demux),
        OPTION_SWITCH("accept", mux.accept),
        OPTION_SWITCH("reject", mux.reject),
    };
    return option_switch_on(r->flags, table, COUNT_OF(table), word);
}

bool option_replace(struct option_reader *r, struct text word)
{
    static const struct option_switch table[] = {
        OPTION_SWITCH("origin", replace.origin),
        OPTION_SWITCH("origin-full", replace.origin_full),
        OPTION_SWITCH("session-name", replace.session_name),
        OPTION_SWITCH("username", replace.username),
        OPTION_SWITCH("SDP-version", replace.sdp_version),
        OPTION_SWITCH("force-increment-sdp-ver", replace.force_increment),
        OPTION_SWITCH("force-increment-SDP-version", replace.force_increment),
        OPTION_SWITCH("zero-address", replace.zero_address),
    };
    return ng_name_is(word, "session-connection") ||
           option_switch_on(r->flags, table, COUNT_OF(table), word);
}

bool option_bundle(struct option_reader *r, struct text word)
{
    static const struct option_switch table[] = {
        OPTION_SWITCH("accept", bundle.accept),
        OPTION_SWITCH("offer", bundle.offer),
        OPTION_SWITCH("require", bundle.require),
        OPTION_SWITCH("strict", bundle.strict),
        OPTION_SWITCH("reject", bundle.reject),
    };
    return option_switch_on(r->flags, table, COUNT_OF(table), word);
}

bool option_osrtp(struct option_reader *r, struct text word)
{
    static const struct option_switch table[] = {
        OPTION_SWITCH("offer", osrtp_offer),
        OPTION_SWITCH("offer-RFC", osrtp_offer),
        OPTION_SWITCH("accept", osrtp_accept),
        OPTION_SWITCH("accept-RFC", osrtp_accept),
    };
    return option_switch_on(r->flags, table, COUNT_OF(table), word);
}

bool option_learning(struct option_reader *r, struct text word)
{
    static const struct {
        const char *name;
        enum call_learning learning;
    } table[] = {
        {"off", CALL_LEARN_OFF},
        {"immediate", CALL_LEARN_IMMEDIATE},
        {"delayed", CALL_LEARN_DELAYED},
        {"heuristic", CALL_LEARN_HEURISTIC},
    };
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        if (!ng_name_is(word, table[i].name))
            continue;
        r->flags->learning = table[i].learning;
        return true;
    }
    return false;
}

bool option_protocol(struct option_reader *r, struct text word)
{
    enum sdp_protocol protocol = sdp_protocol_of(word);
    if (protocol == SDP_PROTOCOL_OTHER)
        return ng_name_is(word, "accept"); /* a change of protocol always passes */
    r->flags->protocol = protocol;
    return true;
}

static bool prefixed(struct option_reader *r, struct text word)
{
    struct text rest;
    for (size_t i = 0; i < COUNT_OF(prefixes); i++)
        if (ng_name_starts(word, prefixes[i].prefix, &rest))
            return prefixes[i].handle(r, rest);
    return false;
}

static bool is_without_effect(struct text word)
{
    for (size_t i = 0; i < COUNT_OF(without_effect); i++)
        if (ng_name_is(word, without_effect[i]))
            return true;
    return false;
}

static bool plain_word(struct option_reader *r, struct text word)
{
    if (ng_name_is(word, "strip-extmap")) {
        option_add_name(r, &r->flags->extmap_strip, TEXT("all"));
        return true;
    }
    if (ng_name_is(word, "plain-sdp")) {
        r->flags->plain_sdp = CALL_PLAIN_SDP_ON;
        return true;
    }
    if (ng_name_is(word, "no-plain-sdp")) {
        r->flags->plain_sdp = CALL_PLAIN_SDP_OFF;
        return true;
    }
    return false;
}

bool option_flag(struct option_reader *r, struct text word)
{
    return option_switch_on(r->flags, switches, COUNT_OF(switches), word) || plain_word(r, word) ||
           is_without_effect(word) || option_protocol(r, word) || prefixed(r, word);
}
