/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtpsec/engine.h - the seam to the code that does the cryptography: one table of functions.
 *
 * An engine turns packets in place, arrays of them, and decides nothing: which index a packet has,
 * whether it is a replay and when a key is spent is decided in rtpsec/session.c, so that it can be
 * stored and restored. A job says all there is to know. An engine may keep state a stream inside
 * its context, but must follow the indices it is given. MKI never reaches an engine.
 *
 * A context belongs to one thread at a time. Different contexts may be used at once.
 */
#ifndef RTPSEC_ENGINE_H
#define RTPSEC_ENGINE_H

#include "rtpsec/suite.h"

enum rtpsec_direction { RTPSEC_RX, RTPSEC_TX };

/* The session parameters of RFC 4568, section 6.3. */
struct rtpsec_flags {
    bool unencrypted_srtp;
    bool unencrypted_srtcp;
    bool unauthenticated_srtp;
};

struct rtpsec_engine_key {
    const struct rtpsec_suite *suite;
    enum rtpsec_direction direction;
    const uint8_t *key;  /* suite->key_len bytes, borrowed for the call */
    const uint8_t *salt; /* suite->salt_len bytes, borrowed for the call */
    struct rtpsec_flags flags;
};

enum rtpsec_job_result {
    RTPSEC_JOB_OK,
    RTPSEC_JOB_AUTH_FAILED,
    RTPSEC_JOB_REPLAYED,  /* twice in one array */
    RTPSEC_JOB_NOT_READY, /* tx RTCP: still catching up with a restored index; drop the packet */
    RTPSEC_JOB_FAILED,    /* out of memory or a fault of the engine */
};

/* One packet with a sound header. Unless the result is OK its bytes are garbage afterwards. */
struct rtpsec_job {
    void *context;
    uint8_t *data;
    size_t len;        /* updated */
    size_t capacity;   /* protect: holds the trailer, the session has checked */
    size_t header_len; /* what is never encrypted */
    uint32_t ssrc;
    uint64_t index; /* RTP: ROC and sequence number, 48 bits; RTCP: the SRTCP index, 31 bits */
    enum rtpsec_job_result result;
};

struct rtpsec_engine {
    const char *name;
    void *(*open_context)(
        const struct rtpsec_engine_key *key); /* NULL: out of memory, no such suite */
    void (*close_context)(void *context);
    void (*forget)(void *context, uint32_t ssrc); /* the session drops this stream */
    void (*protect_rtp)(struct rtpsec_job *jobs, size_t count);
    void (*unprotect_rtp)(struct rtpsec_job *jobs, size_t count);
    void (*protect_rtcp)(struct rtpsec_job *jobs, size_t count);
    void (*unprotect_rtcp)(struct rtpsec_job *jobs, size_t count);
};

extern const struct rtpsec_engine rtpsec_engine_libsrtp2; /* the reference */
extern const struct rtpsec_engine rtpsec_engine_openssl;
extern const struct rtpsec_engine
    rtpsec_engine_ipsec_mb; /* where it was built: ask for it by name */

struct rtpsec_choice {
    const struct rtpsec_engine *engine; /* NULL: there is none */
    const char *why;                    /* static text: why this one, or why none */
};

/* Picks an engine by name ("libsrtp2", ...); NULL, "" and "auto" mean the fastest one that was
 * built and that this CPU can run. Callable from any thread, before rtpsec_init() too. */
struct rtpsec_choice rtpsec_engine_choose(const char *name);

/* Both from the main thread: once before the first session of rtpsec_engine_libsrtp2, the others
 * need nothing; and once after the last session of any. */
NODISCARD bool rtpsec_init(void);
void rtpsec_done(void);

#endif
