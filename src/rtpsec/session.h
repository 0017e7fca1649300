/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtpsec/session.h - SRTP and SRTCP of one transport in one direction (RFC 3711).
 *
 * A session holds one master key and, for each SSRC seen with it, the rollover counter, the replay
 * windows and the SRTCP index. Cryptography is done by an engine (rtpsec/engine.h), opened with the
 * first packet: that costs microseconds, with libsrtp2 milliseconds. A session of one SSRC has 1
 * KiB at most with the engines of our own, and tens of KiB with libsrtp2.
 *
 * Packets are turned in place, a whole array at a time, which may mix sessions, SSRCs, RTP and
 * RTCP. Packet by packet the outcome is what it would be one after the other.
 *
 * State follows authenticated packets only: nothing about an SSRC is kept before one of its packets
 * has proven itself. A receiver knows up to RTPSEC_RX_SSRCS of them and forgets the one idle
 * longest for a new one, but only when packets are authenticated. A sender never forgets, since a
 * forgotten index would be used twice.
 *
 * Senders refuse a sequence number they already used, or one too old to tell: its receiver would
 * drop it as a replay anyway, and one nonce for two packets would give GCM's key away.
 *
 * Rekeying means a new session. Marks carry over by rtpsec_session_save() and
 * rtpsec_session_restore() when the ROC is to go on, as in a takeover or an MKI rekey; after a new
 * DTLS handshake or a new SDES key everything starts at 0.
 *
 * One session is used by one thread. Lowest layer: allocates, never logs, no clock.
 */
#ifndef RTPSEC_SESSION_H
#define RTPSEC_SESSION_H

#include "rtpsec/engine.h"

enum rtpsec_verdict {
    RTPSEC_OK,
    RTPSEC_AUTH_FAILED,
    RTPSEC_REPLAYED,    /* this index was seen (rx) or used (tx) before */
    RTPSEC_TOO_OLD,     /* before the replay window */
    RTPSEC_MALFORMED,   /* not RTP or RTCP, or too short for its header and trailer */
    RTPSEC_NO_ROOM,     /* protect: `capacity` does not hold the trailer */
    RTPSEC_NO_KEY,      /* no session, or one of the other direction */
    RTPSEC_KEY_EXPIRED, /* the key or the indices of an SSRC are spent (RFC 3711, section 9.2) */
    RTPSEC_TOO_MANY_SSRC,
    RTPSEC_NOT_READY, /* tx RTCP after a restore: engine catches up, drop the packet */
    RTPSEC_ENGINE_FAILED,
};
enum { RTPSEC_VERDICTS = RTPSEC_ENGINE_FAILED + 1 };

enum {
    RTPSEC_WINDOW = 1024, /* packets of an SSRC that may be told from replays */
    RTPSEC_RTCP_WINDOW = 128,
    RTPSEC_RX_SSRCS = 32,
    RTPSEC_TX_SSRCS = 256,
};

struct rtpsec_session;

/* The caller's view of a packet. Unless the verdict is OK its bytes are garbage afterwards. */
struct rtpsec_packet {
    struct rtpsec_session *session; /* NULL gives RTPSEC_NO_KEY */
    uint8_t *data;                  /* 4-byte aligned */
    size_t len;                     /* updated */
    size_t
        capacity; /* protect: bytes usable from `data`; RTPSEC_MAX_TRAILER more is always enough */
    bool is_rtcp;
    /* RTP: what the caller has read of the header already, so that it is not read again; 0 bytes:
     * nothing. `header_len` reaches to the payload, extension included, and lies within `len`. */
    uint16_t header_len;
    uint16_t seq;
    uint32_t ssrc;
    enum rtpsec_verdict verdict; /* written */
};

struct rtpsec_session_config {
    const struct rtpsec_engine *engine; /* NULL: rtpsec_engine_libsrtp2 */
    const struct rtpsec_suite *suite;
    enum rtpsec_direction direction;
    struct bytes key;  /* suite->key_len bytes, copied */
    struct bytes salt; /* suite->salt_len bytes, copied */
    /* RTPSEC_MAX_MKI bytes at most, copied. Sent with each packet (tx); on receipt as many bytes
     * are skipped, whatever they are: a wrong key shows by its tag. */
    struct bytes mki;
    struct rtpsec_flags flags;
    uint64_t rtp_lifetime;  /* packets under this key; 0 or more than 2^48: 2^48 */
    uint64_t rtcp_lifetime; /* packets under this key; 0 or more than 2^31: 2^31 */
};

/* Returns a new session; NULL when out of memory, when a length does not fit the suite, or when the
 * suite cannot do what the flags ask (AEAD: neither unencrypted nor unauthenticated SRTP). */
NODISCARD struct rtpsec_session *rtpsec_session_new(const struct rtpsec_session_config *config);

/* Wipes the key. Accepts NULL. */
void rtpsec_session_free(struct rtpsec_session *s);

const struct rtpsec_suite *rtpsec_session_suite(const struct rtpsec_session *s);

/* Checks and decrypts; each packet gets its verdict. */
void rtpsec_unprotect(struct rtpsec_packet *packets, size_t count);

/* Encrypts and signs; each packet gets its verdict. */
void rtpsec_protect(struct rtpsec_packet *packets, size_t count);

/* How far a stream has got: all that a takeover must know beside the key. */
struct rtpsec_mark {
    uint32_t ssrc;
    bool has_rtp;  /* `roc` and `seq` mean something */
    bool has_rtcp; /* `rtcp_index` means something */
    uint16_t seq;  /* the highest */
    uint32_t roc;
    uint32_t rtcp_index; /* the highest */
};

/* Key and salt as they were given; borrowed. */
struct bytes rtpsec_session_key(const struct rtpsec_session *s);
struct bytes rtpsec_session_salt(const struct rtpsec_session *s);

/* Writes up to `max` marks and returns how many: the longest idle first, and without room for all
 * these are left out. RTPSEC_TX_SSRCS is room for all. */
size_t rtpsec_session_save(const struct rtpsec_session *s, struct rtpsec_mark *out, size_t max);

/* Continues behind the mark: all up to it counts as seen. For a session that has no packet of this
 * SSRC yet. False when there is no room, or the SSRC is known. */
NODISCARD bool rtpsec_session_restore(struct rtpsec_session *s, const struct rtpsec_mark *mark);

/*
 * After all marks are restored: they may be old, others may have gone on with this key. What lies
 * between a mark and the first packet behind it counts as seen, too. A sender skips the next
 * `rtcp_skipped` indices of SRTCP, also of every SSRC to come.
 */
void rtpsec_session_doubt(struct rtpsec_session *s, uint32_t rtcp_skipped);

/* Whether it is still so for any SSRC; and the index of SRTCP behind which a sender begins with an
 * SSRC that it does not know. Both belong to what a takeover must know. */
bool rtpsec_session_is_unsure(const struct rtpsec_session *s);
uint32_t rtpsec_session_rtcp_begin(const struct rtpsec_session *s);

/* Before the marks are restored: what rtpsec_session_rtcp_begin() said. */
void rtpsec_session_begin_rtcp(struct rtpsec_session *s, uint32_t index);

const char *rtpsec_verdict_name(enum rtpsec_verdict verdict);

#endif
