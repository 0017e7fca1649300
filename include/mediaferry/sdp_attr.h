/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mediaferry/sdp_attr.h - single SDP attributes, read into types.
 *
 * Each reader takes the value of one attribute (what follows the colon) and gives false for a
 * broken one, which the caller skips; `out` is written only on true. Views borrow the value.
 */
#ifndef MEDIAFERRY_SDP_ATTR_H
#define MEDIAFERRY_SDP_ATTR_H

#include "mediaferry/sdp.h"

/* `IN IP4 192.0.2.1`, optionally with /ttl. */
NODISCARD bool sdp_read_connection(struct text value, struct sdp_connection *out);

/* a=rtpmap (RFC 8866, section 6.6) */
struct sdp_rtpmap {
    uint8_t payload_type;
    struct text encoding; /* compare without regard to case */
    uint32_t clock;       /* Hz */
    uint8_t channels;     /* 1 when not given */
};

NODISCARD bool sdp_read_rtpmap(struct text value, struct sdp_rtpmap *out);

/* The static payload types of RFC 3551, section 6; false for the others. */
NODISCARD bool sdp_static_rtpmap(unsigned payload_type, struct sdp_rtpmap *out);

/* a=fmtp (RFC 8866, section 6.15) for RTP formats */
struct sdp_fmtp {
    uint8_t payload_type;
    struct text params; /* `minptime=10;useinbandfec=1`, `0-15`, ... */
};

NODISCARD bool sdp_read_fmtp(struct text value, struct sdp_fmtp *out);

/* The value of `name` in `a=1; name=2`, names without regard to case; false when it is missing. */
NODISCARD bool sdp_fmtp_param(struct text params, const char *name, struct text *out);

/* a=rtcp-fb (RFC 4585, section 4.2) */
struct sdp_rtcp_fb {
    bool any_payload_type; /* `*` */
    uint8_t payload_type;
    struct text id;    /* "nack", "ccm", "goog-remb", ... */
    struct text param; /* "pli", "fir", ... or empty */
};

NODISCARD bool sdp_read_rtcp_fb(struct text value, struct sdp_rtcp_fb *out);

/* a=rtcp (RFC 3605) */
struct sdp_rtcp {
    uint16_t port;
    bool has_connection;
    struct sdp_connection connection; /* its address carries `port` */
};

NODISCARD bool sdp_read_rtcp(struct text value, struct sdp_rtcp *out);

enum sdp_candidate_transport { SDP_CANDIDATE_UDP, SDP_CANDIDATE_TCP, SDP_CANDIDATE_OTHER };
enum sdp_candidate_type {
    SDP_CANDIDATE_HOST,
    SDP_CANDIDATE_SRFLX,
    SDP_CANDIDATE_PRFLX,
    SDP_CANDIDATE_RELAY,
    SDP_CANDIDATE_UNKNOWN,
};

enum sdp_tcp_type { SDP_TCP_NONE, SDP_TCP_ACTIVE, SDP_TCP_PASSIVE, SDP_TCP_SO };

/* a=candidate (RFC 8839, section 5.1; RFC 6544 for TCP) */
struct sdp_candidate {
    struct text foundation;
    uint16_t component; /* 1..256 */
    enum sdp_candidate_transport transport;
    struct text transport_name;
    uint32_t priority;
    struct text host;       /* as written: an address, a domain name or an mDNS name */
    bool is_mdns;           /* `host` ends in .local */
    struct address address; /* with its port; the family is ADDRESS_NONE when `host` is a name */
    enum sdp_candidate_type type;
    struct text type_name;
    struct address related; /* raddr and rport; ADDRESS_NONE when missing or a name */
    enum sdp_tcp_type tcp_type;
    struct text extensions; /* `generation 0 network-id 1 ...` as written */
};

NODISCARD bool sdp_read_candidate(struct text value, struct sdp_candidate *out);

/* The value of the extension `name` (`generation`, `ufrag`, ...); false when it is missing. */
NODISCARD bool sdp_candidate_extension(
    const struct sdp_candidate *c, const char *name, struct text *out);

/* The crypto suites of RFC 4568, 6188 and 7714. */
struct sdp_suite {
    const char *name;
    uint8_t key_len;  /* bytes of the master key */
    uint8_t salt_len; /* bytes of the master salt */
};

/* NULL for an unknown one; case does not matter. */
const struct sdp_suite *sdp_suite_find(struct text name);

enum { SDP_MAX_CRYPTO_KEYS = 4, SDP_MAX_CRYPTO_KEY_SIZE = 64 };

struct sdp_crypto_key {
    uint8_t bytes[SDP_MAX_CRYPTO_KEY_SIZE]; /* master key, then master salt */
    uint8_t len;
    uint64_t lifetime; /* packets; 0 when not given */
    uint64_t mki;      /* meaningful when `mki_len` is not 0 */
    uint8_t mki_len;   /* 1..128 bytes on the wire; 0 when there is no MKI */
};

/* a=crypto (RFC 4568, section 9). A suite known here has keys of its exact length. */
struct sdp_crypto {
    uint32_t tag;
    struct text suite_name;
    const struct sdp_suite *suite; /* NULL when not known */
    struct sdp_crypto_key keys[SDP_MAX_CRYPTO_KEYS];
    size_t key_count;   /* at least 1 */
    struct text params; /* the session parameters as written */
    bool unencrypted_srtp;
    bool unencrypted_srtcp;
    bool unauthenticated_srtp;
    bool has_unknown_params; /* the line must not be accepted: RFC 4568, section 6.3.7 */
    uint8_t kdr;             /* key derivation rate as a power of 2; 0 when not given */
    uint32_t wsh;            /* window size hint; 0 when not given */
};

NODISCARD bool sdp_read_crypto(struct text value, struct sdp_crypto *out);

enum sdp_hash {
    SDP_HASH_OTHER,
    SDP_HASH_SHA_1,
    SDP_HASH_SHA_224,
    SDP_HASH_SHA_256,
    SDP_HASH_SHA_384,
    SDP_HASH_SHA_512,
};

enum sdp_hash sdp_hash_of(struct text name);   /* case does not matter */
const char *sdp_hash_name(enum sdp_hash hash); /* "sha-256"; "" for SDP_HASH_OTHER */
size_t sdp_hash_len(enum sdp_hash hash);       /* bytes; 0 for SDP_HASH_OTHER */

/* a=fingerprint (RFC 8122, section 5). A hash known here has a value of its exact length. */
struct sdp_fingerprint {
    enum sdp_hash hash;
    struct text hash_name;
    uint8_t bytes[64];
    uint8_t len;
};

NODISCARD bool sdp_read_fingerprint(struct text value, struct sdp_fingerprint *out);

enum sdp_setup { SDP_SETUP_ACTIVE, SDP_SETUP_PASSIVE, SDP_SETUP_ACTPASS, SDP_SETUP_HOLDCONN };

/* a=setup (RFC 4145, section 4) */
NODISCARD bool sdp_read_setup(struct text value, enum sdp_setup *out);
const char *sdp_setup_name(enum sdp_setup setup);

enum sdp_direction { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE };

/* From the kind of a direction attribute; false for other kinds. */
NODISCARD bool sdp_direction_of(enum sdp_attr_kind kind, enum sdp_direction *out);
const char *sdp_direction_name(enum sdp_direction direction);

/* a=extmap (RFC 8285, section 8) */
struct sdp_extmap {
    uint16_t id; /* 1..255, or 4096..4351 */
    bool has_direction;
    enum sdp_direction direction;
    struct text uri;
    struct text params;
};

NODISCARD bool sdp_read_extmap(struct text value, struct sdp_extmap *out);

/* a=group (RFC 5888, section 5) */
struct sdp_group {
    struct text semantics; /* "BUNDLE", "LS", ... */
    struct text mids;      /* walk with sdp_next_word(); may be empty */
};

NODISCARD bool sdp_read_group(struct text value, struct sdp_group *out);

/* a=ssrc (RFC 5576, section 4.1) */
struct sdp_ssrc {
    uint32_t ssrc;
    struct text name;  /* "cname", "msid", ... */
    struct text value; /* may be empty */
};

NODISCARD bool sdp_read_ssrc(struct text value, struct sdp_ssrc *out);

/* a=ptime and a=maxptime: 1..65535 ms; a fraction is cut off. */
NODISCARD bool sdp_read_ptime(struct text value, unsigned *out_ms);

/* a=mid, a=tls-id, a=ice-ufrag, a=ice-pwd, a=label: one word, without spaces. */
NODISCARD bool sdp_read_word(struct text value, struct text *out);

#endif
