/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call/flags.h - what the proxy asks for in one ng message, as types.
 *
 * `ng` fills it from the dictionary; the defaults are all zero. Texts borrow the message. The names
 * are those of the ng protocol; what a flag means stands where it is carried out.
 */
#ifndef CALL_FLAGS_H
#define CALL_FLAGS_H

#include "mediaferry/sdp.h"

enum { CALL_MAX_NAMES = 32 };

/* A list of names, such as the codecs to strip. */
struct call_names {
    uint8_t count;
    struct text names[CALL_MAX_NAMES];
};

enum call_ice {
    CALL_ICE_DEFAULT,
    CALL_ICE_REMOVE,
    CALL_ICE_FORCE,
    CALL_ICE_OPTIONAL,
    CALL_ICE_FORCE_RELAY
};

enum call_dtls { CALL_DTLS_DEFAULT, CALL_DTLS_PASSIVE, CALL_DTLS_ACTIVE, CALL_DTLS_OFF };

enum call_learning {
    CALL_LEARN_DEFAULT,
    CALL_LEARN_OFF,
    CALL_LEARN_IMMEDIATE,
    CALL_LEARN_DELAYED,
    CALL_LEARN_HEURISTIC,
};

/* `sdp-attr`: textual edits of the written SDP, per kind of section. */
struct call_sdp_edit {
    struct text media; /* "none", "global", "audio", "video" ... */
    enum { CALL_SDP_ADD, CALL_SDP_REMOVE, CALL_SDP_SUBSTITUTE } action;
    struct text from;
    struct text to; /* with CALL_SDP_SUBSTITUTE */
};

struct call_flags {
    /* addresses and interfaces */
    struct text from_interface, to_interface; /* `direction`, `from-interface`, `to-interface` */
    enum address_family address_family;       /* NONE: as the sender */
    struct text media_address;
    struct address received_from;
    bool trust_address, sip_source_address;
    bool asymmetric, strict_source, media_handover, port_latching, no_port_latching;
    enum call_learning learning;
    int tos; /* -1: keep; above 255: as configured */

    /* ICE, DTLS, SDES */
    enum call_ice ice;
    bool ice_reject, fragment, web_rtc;
    enum call_dtls dtls, dtls_reverse;
    struct text dtls_fingerprint; /* hash to announce */
    bool no_tls_id;
    struct {
        bool off, nonew, pad, lifetime, is_static, prefer;
        bool unencrypted_srtp, encrypted_srtp, unencrypted_srtcp, encrypted_srtcp;
        bool unauthenticated_srtp, authenticated_srtp;
        struct call_names no, only, order, offerer_pref;
    } sdes;
    bool osrtp_offer, osrtp_accept;

    /* RTCP */
    struct {
        bool offer, require, demux, accept, reject;
    } mux;
    bool full_rtcp_attribute, no_rtcp_attribute;

    /* SDP shaping */
    enum sdp_protocol protocol; /* SDP_PROTOCOL_OTHER: keep what the sender has */
    struct {
        bool origin, origin_full, session_name, username, sdp_version, force_increment,
            zero_address;
    } replace;
    struct {
        bool accept, offer, require, strict, reject;
    } bundle;
    bool original_sendrecv, generate_mid, loop_protect, reset;
    enum { CALL_PLAIN_SDP_CONFIGURED, CALL_PLAIN_SDP_ON, CALL_PLAIN_SDP_OFF } plain_sdp;
    struct call_names media_remove;
    struct call_names extmap_strip, extmap_mask;
    uint8_t edit_count;
    struct call_sdp_edit edits[CALL_MAX_NAMES];

    /* codecs, without transcoding */
    struct call_names strip, offer, except, mask, ignore, consume, transcode;
    bool single_codec, allow_no_codec_media;
    int ptime, ptime_reverse; /* ms; 0: as it is */

    /* dialog and deleting */
    struct text label, metadata;
    bool fatal, to_tag_counts, fast, provisional, is_reply_final;
    int delete_delay; /* s; -1: as configured */
};

#endif
