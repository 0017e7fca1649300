/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mediaferry/sdp.h - session descriptions (RFC 8866) and trickle fragments (RFC 8840), read.
 *
 * A parse fills the caller's `struct sdp` with views into the text: nothing is allocated, and the
 * text must outlive the result. Reading is tolerant where the field is sloppy: LF or CRLF, any
 * order of the session lines, missing o= s= t=, names in place of addresses. It stops quietly at
 * the first blank line. Attributes stay text: they are iterated (sdp_next_attr) and read one by
 * one (sdp_attr.h), so that one broken attribute spoils nothing else.
 *
 * No view of a parsed session holds CR, LF or NUL.
 */
#ifndef MEDIAFERRY_SDP_H
#define MEDIAFERRY_SDP_H

#include "mediaferry/address.h"

enum { SDP_MAX_MEDIA = 32 };

enum sdp_status {
    SDP_OK,
    SDP_EMPTY,          /* no line before the end or the first blank line */
    SDP_BAD_VERSION,    /* the first line is not v=0 */
    SDP_BAD_LINE,       /* not `letter=value`, or a letter that does not exist */
    SDP_BAD_CHARACTER,  /* NUL or a lone CR inside a line */
    SDP_MISPLACED,      /* o= s= t= u= e= or p= inside a media section */
    SDP_BAD_ORIGIN,     /* o= without its six fields */
    SDP_BAD_CONNECTION, /* c= that is not `IN IP4|IP6 host` */
    SDP_BAD_MEDIA,      /* m= without type, port and protocol */
    SDP_TOO_MANY,       /* more than SDP_MAX_MEDIA sections */
    SDP_INCOMPLETE,     /* a section has no c=, nor has the session */
};

/* Where and why a parse failed; `line` counts from 1, `offset` is the start of that line. */
struct sdp_error {
    enum sdp_status status;
    unsigned line;
    size_t offset;
};

/* A short English sentence for the log. */
const char *sdp_status_text(enum sdp_status status);

/* The profiles of RTP that this library knows; the rest is SDP_PROTOCOL_OTHER. */
enum sdp_protocol {
    SDP_PROTOCOL_OTHER,
    SDP_RTP_AVP,
    SDP_RTP_SAVP,
    SDP_RTP_AVPF,
    SDP_RTP_SAVPF,
    SDP_UDP_TLS_RTP_SAVP,
    SDP_UDP_TLS_RTP_SAVPF,
};

/* What a profile is made of; SDP_DTLS comes with SDP_SECURE. */
enum { SDP_SECURE = 1, SDP_FEEDBACK = 2, SDP_DTLS = 4 };

/* Case does not matter. */
enum sdp_protocol sdp_protocol_of(struct text name);

/* The name as it is written in m=, terminated; "" for SDP_PROTOCOL_OTHER. */
const char *sdp_protocol_name(enum sdp_protocol protocol);

/* The bits SDP_SECURE, SDP_FEEDBACK and SDP_DTLS of a profile; 0 for SDP_PROTOCOL_OTHER. */
unsigned sdp_protocol_bits(enum sdp_protocol protocol);

/* The profile with these bits; SDP_DTLS alone implies SDP_SECURE. */
enum sdp_protocol sdp_protocol_from_bits(unsigned bits);

/* `IN IP4 192.0.2.1` or `IN IP6 host.example`, as in c=, o= and a=rtcp. */
struct sdp_connection {
    enum address_family family; /* the literal's, else as announced; ADDRESS_NONE: no c= at all */
    struct text host;           /* as written, without a multicast /ttl */
    struct address address;     /* port 0; its family is ADDRESS_NONE when `host` is a name */
};

/* o=; all views empty when the line is missing. */
struct sdp_origin {
    struct text user;
    struct text session_id;
    struct text version;
    struct text net_type;  /* normally "IN" */
    struct text addr_type; /* normally "IP4" or "IP6" */
    struct text host;
};

struct sdp_media {
    struct text type; /* "audio", "video", ...; empty for a fragment's section without m= */
    uint16_t port;
    uint16_t port_count; /* of `m=audio 5004/2`; 1 when not given */
    enum sdp_protocol protocol;
    struct text protocol_name;        /* as written */
    struct text formats;              /* the whole list: see sdp_next_word() */
    struct text info;                 /* i= */
    struct sdp_connection connection; /* its own, else the session's */
    bool has_own_connection;
    struct text lines; /* everything after m=, for the iterators below */
    unsigned line;     /* the number of its m= line */
};

struct sdp {
    struct sdp_origin origin;
    struct text name;  /* s= */
    struct text info;  /* i= */
    struct text uri;   /* u= */
    struct text email; /* e= */
    struct text phone; /* p= */
    struct text time;  /* the first t=; further ones come by sdp_next_line('t') */
    struct sdp_connection connection;
    struct text lines; /* everything before the first m=, for the iterators below */
    struct sdp_media media[SDP_MAX_MEDIA];
    size_t media_count;
    struct text rest; /* from a second `v=` on: another session, for another sdp_parse() */
};

/*
 * Reads one session. `out` is written only on SDP_OK; `error` (may be NULL) always. A repeated
 * i= u= e= p= s= o= or c= within one section is ignored after the first. k= r= and z= are dropped.
 */
NODISCARD enum sdp_status sdp_parse(struct text text, struct sdp *out, struct sdp_error *error);

/*
 * Reads the body of application/trickle-ice-sdpfrag (RFC 8840, section 9): as sdp_parse(), but v=
 * and c= may be missing, and an `a=mid` before any m= starts a section of its own.
 */
NODISCARD enum sdp_status sdp_parse_fragment(
    struct text text, struct sdp *out, struct sdp_error *error);

/* The attributes with a meaning here; the constants are spelled like the names. */
enum sdp_attr_kind {
    SDP_ATTR_OTHER,
    SDP_ATTR_BUNDLE_ONLY,
    SDP_ATTR_CANDIDATE,
    SDP_ATTR_CRYPTO,
    SDP_ATTR_END_OF_CANDIDATES,
    SDP_ATTR_EXTMAP,
    SDP_ATTR_EXTMAP_ALLOW_MIXED,
    SDP_ATTR_FINGERPRINT,
    SDP_ATTR_FMTP,
    SDP_ATTR_GROUP,
    SDP_ATTR_ICE_LITE,
    SDP_ATTR_ICE_MISMATCH,
    SDP_ATTR_ICE_OPTIONS,
    SDP_ATTR_ICE_PACING,
    SDP_ATTR_ICE_PWD,
    SDP_ATTR_ICE_UFRAG,
    SDP_ATTR_INACTIVE,
    SDP_ATTR_LABEL,
    SDP_ATTR_MAXPTIME,
    SDP_ATTR_MID,
    SDP_ATTR_MSID,
    SDP_ATTR_MSID_SEMANTIC,
    SDP_ATTR_PTIME,
    SDP_ATTR_RECVONLY,
    SDP_ATTR_REMOTE_CANDIDATES,
    SDP_ATTR_RID,
    SDP_ATTR_RTCP,
    SDP_ATTR_RTCP_FB,
    SDP_ATTR_RTCP_MUX,
    SDP_ATTR_RTCP_MUX_ONLY,
    SDP_ATTR_RTCP_RSIZE,
    SDP_ATTR_RTCP_XR,
    SDP_ATTR_RTPENGINE,
    SDP_ATTR_RTPMAP,
    SDP_ATTR_SENDONLY,
    SDP_ATTR_SENDRECV,
    SDP_ATTR_SETUP,
    SDP_ATTR_SIMULCAST,
    SDP_ATTR_SSRC,
    SDP_ATTR_SSRC_GROUP,
    SDP_ATTR_T38, /* every attribute whose name starts with T38 */
    SDP_ATTR_TLS_ID,
};

/* `a=name` or `a=name:value`. */
struct sdp_attr {
    enum sdp_attr_kind kind;
    struct text name;
    struct text value; /* empty without a colon */
    struct text whole; /* what follows `a=` */
};

enum sdp_attr_kind sdp_attr_kind_of(struct text name);

/* `b=type:value`, in kbit/s or bit/s as the type says. */
struct sdp_bandwidth {
    struct text type; /* "AS", "TIAS", "RR", "RS", "CT", ... */
    uint64_t value;
};

/*
 * Iterators: start with a copy of `lines` and call until false.
 *     struct text it = media->lines;
 *     struct sdp_attr attr;
 *     while (sdp_next_attr(&it, &attr)) ...
 */
NODISCARD bool sdp_next_attr(struct text *it, struct sdp_attr *out);

/* Skips b= lines that cannot be read. */
NODISCARD bool sdp_next_bandwidth(struct text *it, struct sdp_bandwidth *out);

/* The values of all lines with this letter. */
NODISCARD bool sdp_next_line(struct text *it, char letter, struct text *out);

/* The next word of a list separated by spaces or tabs, such as `formats`; false at the end. */
NODISCARD bool sdp_next_word(struct text *it, struct text *out);

/* Whether the words of `value` (ice-options, ...) contain `word`; case matters. */
bool sdp_has_word(struct text value, const char *word);

/* The first attribute of this kind; false when there is none. */
NODISCARD bool sdp_find_attr(struct text lines, enum sdp_attr_kind kind, struct sdp_attr *out);

#endif
