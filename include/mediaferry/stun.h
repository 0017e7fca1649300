/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mediaferry/stun.h - STUN messages on the wire (RFC 8489, sections 5 and 14).
 *
 * Pure functions over memory the caller owns: no allocation, no clock, no logging.
 * A parsed message borrows its datagram and must not outlive it. A message is written into an
 * empty writer; its length field is right after every call, a failure shows in the writer.
 * MESSAGE-INTEGRITY, which needs a cryptographic library, is in stun/integrity.h.
 */
#ifndef MEDIAFERRY_STUN_H
#define MEDIAFERRY_STUN_H

#include "mediaferry/address.h"
#include "mediaferry/bytes.h"

enum {
    STUN_COOKIE = 0x2112a442,
    STUN_HEADER_SIZE = 20,
    STUN_ID_SIZE = 12,
    STUN_INTEGRITY_SIZE = 20,            /* the value of MESSAGE-INTEGRITY */
    STUN_INTEGRITY_SHA256_SIZE = 32,     /* the value of MESSAGE-INTEGRITY-SHA256 */
    STUN_INTEGRITY_SHA256_MIN_SIZE = 16, /* the same, cut as short as a usage may allow */
    STUN_FINGERPRINT_SIZE = 4,           /* the value of FINGERPRINT */
    STUN_ATTR_HEADER_SIZE = 4,
};

enum stun_class { STUN_REQUEST, STUN_INDICATION, STUN_SUCCESS, STUN_ERROR };

/* RFC 8489; TURN: RFC 8656, RFC 6062. */
enum stun_method {
    STUN_BINDING = 0x001,
    STUN_ALLOCATE = 0x003,
    STUN_REFRESH = 0x004,
    STUN_SEND = 0x006,
    STUN_DATA = 0x007,
    STUN_CREATE_PERMISSION = 0x008,
    STUN_CHANNEL_BIND = 0x009,
    STUN_CONNECT = 0x00a,
    STUN_CONNECTION_BIND = 0x00b,
    STUN_CONNECTION_ATTEMPT = 0x00c,
};

/* From 0x8000 on an attribute may be ignored by who does not know it (RFC 8489, section 14). */
enum stun_attr_type {
    STUN_MAPPED_ADDRESS = 0x0001,
    STUN_CHANGE_REQUEST = 0x0003, /* RFC 5780 */
    STUN_USERNAME = 0x0006,
    STUN_MESSAGE_INTEGRITY = 0x0008,
    STUN_ERROR_CODE = 0x0009,
    STUN_UNKNOWN_ATTRIBUTES = 0x000a,
    STUN_CHANNEL_NUMBER = 0x000c,
    STUN_LIFETIME = 0x000d,
    STUN_XOR_PEER_ADDRESS = 0x0012,
    STUN_DATA_ATTR = 0x0013,
    STUN_REALM = 0x0014,
    STUN_NONCE = 0x0015,
    STUN_XOR_RELAYED_ADDRESS = 0x0016,
    STUN_REQUESTED_ADDRESS_FAMILY = 0x0017,
    STUN_EVEN_PORT = 0x0018,
    STUN_REQUESTED_TRANSPORT = 0x0019,
    STUN_DONT_FRAGMENT = 0x001a,
    STUN_ACCESS_TOKEN = 0x001b, /* RFC 7635 */
    STUN_MESSAGE_INTEGRITY_SHA256 = 0x001c,
    STUN_PASSWORD_ALGORITHM = 0x001d,
    STUN_USERHASH = 0x001e,
    STUN_XOR_MAPPED_ADDRESS = 0x0020,
    STUN_RESERVATION_TOKEN = 0x0022,
    STUN_PRIORITY = 0x0024,      /* RFC 8445 */
    STUN_USE_CANDIDATE = 0x0025, /* RFC 8445 */
    STUN_PADDING = 0x0026,       /* RFC 5780 */
    STUN_RESPONSE_PORT = 0x0027, /* RFC 5780 */
    STUN_CONNECTION_ID = 0x002a, /* RFC 6062 */
    STUN_ADDITIONAL_ADDRESS_FAMILY = 0x8000,
    STUN_ADDRESS_ERROR_CODE = 0x8001,
    STUN_PASSWORD_ALGORITHMS = 0x8002,
    STUN_ALTERNATE_DOMAIN = 0x8003,
    STUN_ICMP = 0x8004,
    STUN_SOFTWARE = 0x8022,
    STUN_ALTERNATE_SERVER = 0x8023,
    STUN_FINGERPRINT = 0x8028,
    STUN_ICE_CONTROLLED = 0x8029,            /* RFC 8445 */
    STUN_ICE_CONTROLLING = 0x802a,           /* RFC 8445 */
    STUN_RESPONSE_ORIGIN = 0x802b,           /* RFC 5780 */
    STUN_OTHER_ADDRESS = 0x802c,             /* RFC 5780 */
    STUN_THIRD_PARTY_AUTHORIZATION = 0x802e, /* RFC 7635 */
    STUN_ORIGIN = 0x802f,                    /* draft-ietf-tram-stun-origin */
    STUN_MOBILITY_TICKET = 0x8030,           /* RFC 8016 */
};

enum stun_error {
    STUN_TRY_ALTERNATE = 300,
    STUN_BAD_REQUEST = 400,
    STUN_UNAUTHORIZED = 401,
    STUN_FORBIDDEN = 403,
    STUN_MOBILITY_FORBIDDEN = 405, /* RFC 8016 */
    STUN_UNKNOWN_ATTRIBUTE = 420,
    STUN_ALLOCATION_MISMATCH = 437,
    STUN_STALE_NONCE = 438,
    STUN_ADDRESS_FAMILY_NOT_SUPPORTED = 440,
    STUN_WRONG_CREDENTIALS = 441,
    STUN_UNSUPPORTED_TRANSPORT = 442,
    STUN_PEER_FAMILY_MISMATCH = 443,
    STUN_CONNECTION_ALREADY_EXISTS = 446, /* RFC 6062 */
    STUN_CONNECTION_FAILED = 447,         /* RFC 6062: timed out or refused */
    STUN_ALLOCATION_QUOTA_REACHED = 486,
    STUN_ROLE_CONFLICT = 487,
    STUN_SERVER_ERROR = 500,
    STUN_INSUFFICIENT_CAPACITY = 508,
};

enum stun_status {
    STUN_OK,
    STUN_TRUNCATED,     /* fewer bytes than the header announces */
    STUN_NOT_STUN,      /* wrong leading bits, cookie or alignment */
    STUN_TRAILING,      /* more bytes than the header announces */
    STUN_BAD_ATTRIBUTE, /* an attribute overruns the message */
};

struct stun_attr {
    uint16_t type;
    struct bytes value; /* without padding */
};

/* Only stun_parse() makes one, so a reader over `attrs` never fails. */
struct stun_message {
    uint16_t type;
    struct bytes id; /* transaction id, 12 bytes */
    struct bytes attrs;
    struct bytes whole; /* the datagram: what integrity and fingerprint are computed over */
};

/* What became of a check value (FINGERPRINT, MESSAGE-INTEGRITY). */
enum stun_check { STUN_CHECK_ABSENT, STUN_CHECK_WRONG, STUN_CHECK_RIGHT };

/* The 14 bits of a message type interleave method and class (RFC 8489, section 5). */
static inline uint16_t stun_type(enum stun_method method, enum stun_class kind)
{
    unsigned m = (unsigned)method, c = (unsigned)kind;
    return (uint16_t)((m & 0xf) | (m & 0x70) << 1 | (m & 0xf80) << 2 | (c & 1) << 4 | (c & 2) << 7);
}

static inline enum stun_class stun_class_of(uint16_t type)
{
    return (enum stun_class)((type >> 4 & 1) | (type >> 7 & 2));
}

/* May be a method that the enum does not name. */
static inline unsigned stun_method_of(uint16_t type)
{
    return (type & 0xfu) | (type >> 1 & 0x70u) | (type >> 2 & 0xf80u);
}

/* Reads one whole datagram. `out` is written only on STUN_OK. */
NODISCARD enum stun_status stun_parse(struct bytes datagram, struct stun_message *out);

/* Reads the next attribute; false at the end, or when `r` has failed. */
NODISCARD bool stun_next_attr(struct reader *r, struct stun_attr *out);

/* Finds the first attribute of `type`. What follows a MESSAGE-INTEGRITY is not protected and does
 * not count, save MESSAGE-INTEGRITY-SHA256 and FINGERPRINT (RFC 8489, section 14.5). */
NODISCARD bool stun_find(const struct stun_message *m, uint16_t type, struct bytes *out);
NODISCARD bool stun_has(const struct stun_message *m, uint16_t type);

/* Collects the comprehension-required types that are not among `known`, each once and `capacity`
 * of them at most; returns how many. */
size_t stun_unknown_required(const struct stun_message *m, const uint16_t *known,
    size_t known_count, uint16_t *out, size_t capacity);

/* Values of the common shapes; false, with `out` untouched, when the value has another shape. */
NODISCARD bool stun_read_u32(struct bytes value, uint32_t *out);
NODISCARD bool stun_read_u64(struct bytes value, uint64_t *out);
NODISCARD bool stun_read_address(struct bytes value, struct address *out);
NODISCARD bool stun_read_xor_address(
    const struct stun_message *m, struct bytes value, struct address *out);
NODISCARD bool stun_read_error(struct bytes value, unsigned *code, struct text *reason);

/* An ICMP error that a peer's packet met (RFC 8656, section 18.13). */
struct stun_icmp {
    uint8_t type;  /* 7 bits on the wire */
    uint16_t code; /* 9 bits on the wire */
    uint32_t data; /* the error's own field, as the MTU of "packet too big" */
};
NODISCARD bool stun_read_icmp(struct bytes value, struct stun_icmp *out);

/* FINGERPRINT must be right and the last attribute (RFC 8489, section 14.7). */
NODISCARD enum stun_check stun_check_fingerprint(const struct stun_message *m);

/* Starts a message in an empty writer; `id` has STUN_ID_SIZE bytes. */
void stun_begin(struct writer *w, uint16_t type, struct bytes id);

void stun_write_attr(struct writer *w, uint16_t type, struct bytes value);
void stun_write_u32(struct writer *w, uint16_t type, uint32_t value);
void stun_write_u64(struct writer *w, uint16_t type, uint64_t value);
void stun_write_address(struct writer *w, uint16_t type, const struct address *a);

/* The transaction id, which hides an IPv6 address, is taken from the message begun in `w`. */
void stun_write_xor_address(struct writer *w, uint16_t type, const struct address *a);
void stun_write_error(struct writer *w, enum stun_error code, struct text reason);
void stun_write_icmp(struct writer *w, const struct stun_icmp *icmp);

/* Why there is no relayed address of `family` beside the other (RFC 8656, section 18.12). */
void stun_write_address_error(struct writer *w, enum address_family family, enum stun_error code);
void stun_write_unknown(struct writer *w, const uint16_t *types, size_t count);

/* Nothing may be written behind it. */
void stun_write_fingerprint(struct writer *w);

enum stun_answer {
    STUN_ANSWER_NONE, /* no request for us: nothing was written */
    STUN_ANSWER_SUCCESS,
    STUN_ANSWER_UNKNOWN_ATTRIBUTE, /* refused with 420 */
    STUN_ANSWER_BAD_REQUEST,       /* refused with 400 */
};

/* The public Binding service (RFC 8489, sections 6.3 and 12): answers `datagram`, which came from
 * `source`, into the empty `reply`. `software` may be empty, and is sent only when the reply is
 * then no longer than the request: nobody gains by a forged source. */
NODISCARD enum stun_answer stun_answer_binding(struct bytes datagram, const struct address *source,
    struct text software, struct writer *reply);

/* What else there is to an answer, mostly RFC 5780, section 6.1; all zeros: nothing. */
struct stun_binding_manner {
    struct text software;
    bool knows_discovery;  /* CHANGE-REQUEST, RESPONSE-PORT and PADDING are no unknown attributes */
    bool is_bad;           /* refuse with 400 */
    bool is_padded;        /* PADDING, as much as makes the answer no longer than the request */
    struct address origin; /* RESPONSE-ORIGIN, and then MAPPED-ADDRESS; family NONE: not sent */
    struct address other;  /* OTHER-ADDRESS; family NONE: not sent */
};

/* The same for a message already read. */
NODISCARD enum stun_answer stun_answer_binding_request(const struct stun_message *m,
    const struct address *source, const struct stun_binding_manner *manner, struct writer *reply);

#endif
