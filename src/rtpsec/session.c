/* SPDX-License-Identifier: Apache-2.0 */
#include "rtpsec/session.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "rtpsec/packet.h"
#include "rtpsec/streams.h"

_Static_assert((int)RTPSEC_WINDOW == (int)RTPSEC_WINDOW_BITS, "one window size");

/* RFC 3711, section 9.2. */
#define MAX_RTP_LIFETIME (UINT64_C(1) << 48)
#define MAX_RTCP_LIFETIME (UINT64_C(1) << 31)

enum { SRTCP_INDEX_MAX = 0x7fffffff, SRTCP_INDEX_SIZE = 4, BATCH_SIZE = 64 };

struct rtpsec_session {
    const struct rtpsec_engine *engine;
    void *context; /* NULL until the first packet */
    const struct rtpsec_suite *suite;
    enum rtpsec_direction direction;
    struct rtpsec_flags flags;
    uint64_t rtp_left; /* packets this key may still serve */
    uint64_t rtcp_left;
    struct rtpsec_streams streams;
    size_t mki_len;
    uint8_t mki[RTPSEC_MAX_MKI];
    uint8_t key[RTPSEC_MAX_KEY];
    uint8_t salt[RTPSEC_MAX_SALT];
};

static const char *const verdict_names[RTPSEC_VERDICTS] = {
    [RTPSEC_OK] = "ok",
    [RTPSEC_AUTH_FAILED] = "auth-failed",
    [RTPSEC_REPLAYED] = "replayed",
    [RTPSEC_TOO_OLD] = "too-old",
    [RTPSEC_MALFORMED] = "malformed",
    [RTPSEC_NO_ROOM] = "no-room",
    [RTPSEC_NO_KEY] = "no-key",
    [RTPSEC_KEY_EXPIRED] = "key-expired",
    [RTPSEC_TOO_MANY_SSRC] = "too-many-ssrc",
    [RTPSEC_NOT_READY] = "not-ready",
    [RTPSEC_ENGINE_FAILED] = "engine-failed",
};

const char *rtpsec_verdict_name(enum rtpsec_verdict verdict)
{
    return verdict_names[verdict];
}

static bool fits(const struct rtpsec_session_config *config)
{
    const struct rtpsec_suite *suite = config->suite;
    bool weakened = config->flags.unencrypted_srtp || config->flags.unauthenticated_srtp;
    return config->key.len == suite->key_len && config->salt.len == suite->salt_len &&
           config->mki.len <= RTPSEC_MAX_MKI && !(suite->is_aead && weakened);
}

static uint64_t lifetime(uint64_t wanted, uint64_t most)
{
    return wanted == 0 || wanted > most ? most : wanted;
}

struct rtpsec_session *rtpsec_session_new(const struct rtpsec_session_config *config)
{
    struct rtpsec_session *s = fits(config) ? calloc(1, sizeof(*s)) : NULL;
    if (s == NULL)
        return NULL;
    s->engine = config->engine != NULL ? config->engine : &rtpsec_engine_libsrtp2;
    s->suite = config->suite;
    s->direction = config->direction;
    s->flags = config->flags;
    s->rtp_left = lifetime(config->rtp_lifetime, MAX_RTP_LIFETIME);
    s->rtcp_left = lifetime(config->rtcp_lifetime, MAX_RTCP_LIFETIME);
    s->streams.limit = config->direction == RTPSEC_RX ? RTPSEC_RX_SSRCS : RTPSEC_TX_SSRCS;
    memcpy(s->key, config->key.data, config->key.len);
    memcpy(s->salt, config->salt.data, config->salt.len);
    if (config->mki.len > 0)
        memcpy(s->mki, config->mki.data, config->mki.len);
    s->mki_len = config->mki.len;
    return s;
}

void rtpsec_session_free(struct rtpsec_session *s)
{
    if (s == NULL)
        return;
    if (s->context != NULL)
        s->engine->close_context(s->context);
    rtpsec_streams_done(&s->streams);
    OPENSSL_cleanse(s, sizeof(*s));
    free(s);
}

const struct rtpsec_suite *rtpsec_session_suite(const struct rtpsec_session *s)
{
    return s->suite;
}

static bool ensure_context(struct rtpsec_session *s)
{
    if (s->context == NULL)
        s->context = s->engine->open_context(&(struct rtpsec_engine_key){.suite = s->suite,
            .direction = s->direction,
            .key = s->key,
            .salt = s->salt,
            .flags = s->flags});
    return s->context != NULL;
}

static size_t tag_len(const struct rtpsec_session *s, bool is_rtcp)
{
    if (is_rtcp)
        return s->suite->rtcp_tag_len;
    return s->flags.unauthenticated_srtp ? 0 : s->suite->rtp_tag_len;
}

/* The length of a tag that has the MKI in front of it. */
static size_t tag_behind_mki(const struct rtpsec_session *s, bool is_rtcp)
{
    return s->suite->is_aead ? 0 : tag_len(s, is_rtcp);
}

static size_t trailer_len(const struct rtpsec_session *s, bool is_rtcp)
{
    return tag_len(s, is_rtcp) + s->mki_len + (is_rtcp ? SRTCP_INDEX_SIZE : 0);
}

static bool read_header(const struct rtpsec_packet *p, struct rtpsec_header *out)
{
    if (!p->is_rtcp && p->header_len > 0) {
        *out = (struct rtpsec_header){.ssrc = p->ssrc, .seq = p->seq, .len = p->header_len};
        return true;
    }
    struct bytes packet = bytes_of(p->data, p->len);
    return p->is_rtcp ? rtpsec_read_rtcp(packet, out) : rtpsec_read_rtp(packet, out);
}

static struct rtpsec_window *window_of(struct rtpsec_stream *stream, bool is_rtcp)
{
    return is_rtcp ? &stream->rtcp : &stream->rtp;
}

static uint64_t *left_of(struct rtpsec_session *s, bool is_rtcp)
{
    return is_rtcp ? &s->rtcp_left : &s->rtp_left;
}

static enum rtpsec_verdict verdict_of(enum rtpsec_freshness freshness)
{
    switch (freshness) {
    case RTPSEC_FRESH:
        return RTPSEC_OK;
    case RTPSEC_SEEN:
        return RTPSEC_REPLAYED;
    case RTPSEC_BEYOND:
        break;
    }
    return RTPSEC_TOO_OLD;
}

/* Packets on their way through the engine: of one engine, and all RTP or all RTCP. */
struct batch {
    enum rtpsec_direction direction;
    const struct rtpsec_engine *engine;
    bool is_rtcp;
    size_t count;
    struct rtpsec_job jobs[BATCH_SIZE];
    struct rtpsec_packet *packets[BATCH_SIZE];
};

/* Finds out what an incoming packet claims to be, and whether it is worth the cryptography. */
static enum rtpsec_verdict prepare_rx(
    struct rtpsec_session *s, struct rtpsec_packet *p, struct rtpsec_job *job)
{
    struct rtpsec_header header;
    if (!read_header(p, &header) || p->len - header.len < trailer_len(s, p->is_rtcp))
        return RTPSEC_MALFORMED;

    struct rtpsec_stream *stream = rtpsec_streams_find(&s->streams, header.ssrc);
    if (stream == NULL && rtpsec_streams_full(&s->streams) && tag_len(s, p->is_rtcp) == 0)
        return RTPSEC_TOO_MANY_SSRC;

    p->len = rtpsec_remove_mki(p->data, p->len, s->mki_len, tag_behind_mki(s, p->is_rtcp));
    job->ssrc = header.ssrc;
    if (p->is_rtcp)
        job->index = rtpsec_read_rtcp_index(s->suite, bytes_of(p->data, p->len));
    else
        job->index = stream == NULL ? header.seq : rtpsec_window_estimate(&stream->rtp, header.seq);
    if (stream == NULL)
        return RTPSEC_OK;
    return verdict_of(rtpsec_window_check(window_of(stream, p->is_rtcp), job->index));
}

/* An SSRC that has just proven itself gets its place. */
static struct rtpsec_stream *admit(struct rtpsec_session *s, uint32_t ssrc)
{
    if (rtpsec_streams_full(&s->streams))
        s->engine->forget(s->context, rtpsec_streams_evict(&s->streams));
    return rtpsec_streams_add(&s->streams, ssrc);
}

static enum rtpsec_verdict commit_rx(
    struct rtpsec_session *s, const struct rtpsec_packet *p, const struct rtpsec_job *job)
{
    struct rtpsec_stream *stream = rtpsec_streams_find(&s->streams, job->ssrc);
    if (stream == NULL && (stream = admit(s, job->ssrc)) == NULL)
        return RTPSEC_ENGINE_FAILED;

    /* Once more: the array may hold the same packet twice, or outlive the key. */
    if (*left_of(s, p->is_rtcp) == 0)
        return RTPSEC_KEY_EXPIRED;
    struct rtpsec_window *window = window_of(stream, p->is_rtcp);
    enum rtpsec_verdict verdict = verdict_of(rtpsec_window_check(window, job->index));
    if (verdict == RTPSEC_OK) {
        rtpsec_window_add(window, job->index);
        rtpsec_streams_touch(&s->streams, stream);
        (*left_of(s, p->is_rtcp))--;
    }
    return verdict;
}

/* Gives an outgoing packet its index, which is used up by that, whatever the engine says. */
static enum rtpsec_verdict prepare_tx(
    struct rtpsec_session *s, struct rtpsec_packet *p, struct rtpsec_job *job)
{
    struct rtpsec_header header;
    if (!read_header(p, &header))
        return RTPSEC_MALFORMED;
    if (p->len > p->capacity || p->capacity - p->len < trailer_len(s, p->is_rtcp))
        return RTPSEC_NO_ROOM;

    struct rtpsec_stream *stream = rtpsec_streams_find(&s->streams, header.ssrc);
    if (stream == NULL) {
        if (rtpsec_streams_full(&s->streams))
            return RTPSEC_TOO_MANY_SSRC;
        stream = rtpsec_streams_add(&s->streams, header.ssrc);
        if (stream == NULL)
            return RTPSEC_ENGINE_FAILED;
    }
    struct rtpsec_window *window = window_of(stream, p->is_rtcp);
    uint64_t index = p->is_rtcp ? window->highest + 1 : rtpsec_window_estimate(window, header.seq);
    if (p->is_rtcp && index > SRTCP_INDEX_MAX)
        return RTPSEC_KEY_EXPIRED;

    enum rtpsec_verdict verdict = verdict_of(rtpsec_window_check(window, index));
    if (verdict == RTPSEC_OK) {
        rtpsec_window_add(window, index);
        rtpsec_streams_touch(&s->streams, stream);
        (*left_of(s, p->is_rtcp))--;
        job->ssrc = header.ssrc;
        job->index = index;
    }
    return verdict;
}

static enum rtpsec_verdict commit_tx(const struct rtpsec_session *s, struct rtpsec_packet *p)
{
    p->len = rtpsec_insert_mki(
        p->data, p->len, bytes_of(s->mki, s->mki_len), tag_behind_mki(s, p->is_rtcp));
    return RTPSEC_OK;
}

static enum rtpsec_verdict conclude(
    const struct batch *b, struct rtpsec_packet *p, const struct rtpsec_job *job)
{
    switch (job->result) {
    case RTPSEC_JOB_OK:
        p->len = job->len;
        return b->direction == RTPSEC_RX ? commit_rx(p->session, p, job) : commit_tx(p->session, p);
    case RTPSEC_JOB_AUTH_FAILED:
        return b->direction == RTPSEC_RX ? RTPSEC_AUTH_FAILED : RTPSEC_ENGINE_FAILED;
    case RTPSEC_JOB_REPLAYED:
        return RTPSEC_REPLAYED;
    case RTPSEC_JOB_NOT_READY:
        return RTPSEC_NOT_READY;
    case RTPSEC_JOB_FAILED:
        break;
    }
    return RTPSEC_ENGINE_FAILED;
}

static void flush(struct batch *b)
{
    if (b->count == 0)
        return;
    if (b->direction == RTPSEC_RX && b->is_rtcp)
        b->engine->unprotect_rtcp(b->jobs, b->count);
    else if (b->direction == RTPSEC_RX)
        b->engine->unprotect_rtp(b->jobs, b->count);
    else if (b->is_rtcp)
        b->engine->protect_rtcp(b->jobs, b->count);
    else
        b->engine->protect_rtp(b->jobs, b->count);
    for (size_t i = 0; i < b->count; i++)
        b->packets[i]->verdict = conclude(b, b->packets[i], &b->jobs[i]);
    b->count = 0;
}

static bool belongs(const struct batch *b, const struct rtpsec_packet *p)
{
    return b->count == 0 ||
           (b->count < BATCH_SIZE && b->engine == p->session->engine && b->is_rtcp == p->is_rtcp);
}

static void add(struct batch *b, struct rtpsec_packet *p, const struct rtpsec_job *job)
{
    b->engine = p->session->engine;
    b->is_rtcp = p->is_rtcp;
    b->packets[b->count] = p;
    b->jobs[b->count] = *job;
    b->jobs[b->count].context = p->session->context;
    b->jobs[b->count].data = p->data;
    b->jobs[b->count].len = p->len;
    b->jobs[b->count].capacity = p->capacity;
    b->count++;
}

static enum rtpsec_verdict prepare(
    const struct batch *b, struct rtpsec_packet *p, struct rtpsec_job *job)
{
    struct rtpsec_session *s = p->session;
    if (*left_of(s, p->is_rtcp) == 0)
        return RTPSEC_KEY_EXPIRED;
    if (!ensure_context(s))
        return RTPSEC_ENGINE_FAILED;
    return b->direction == RTPSEC_RX ? prepare_rx(s, p, job) : prepare_tx(s, p, job);
}

static void process(struct rtpsec_packet *packets, size_t count, enum rtpsec_direction direction)
{
    struct batch b = {.direction = direction};
    for (size_t i = 0; i < count; i++) {
        struct rtpsec_packet *p = &packets[i];
        struct rtpsec_job job = {0};
        if (p->session == NULL || p->session->direction != direction) {
            p->verdict = RTPSEC_NO_KEY;
            continue;
        }
        if (!belongs(&b, p))
            flush(&b);
        p->verdict = prepare(&b, p, &job);
        if (p->verdict != RTPSEC_OK)
            continue;
        add(&b, p, &job);
        /* The index of the next packet of a new SSRC rests on what becomes of this one. */
        if (direction == RTPSEC_RX && rtpsec_streams_find(&p->session->streams, job.ssrc) == NULL)
            flush(&b);
    }
    flush(&b);
}

void rtpsec_unprotect(struct rtpsec_packet *packets, size_t count)
{
    process(packets, count, RTPSEC_RX);
}

void rtpsec_protect(struct rtpsec_packet *packets, size_t count)
{
    process(packets, count, RTPSEC_TX);
}

size_t rtpsec_session_save(const struct rtpsec_session *s, struct rtpsec_mark *out, size_t max)
{
    size_t count = s->streams.count < max ? s->streams.count : max;
    for (size_t i = 0; i < count; i++) {
        const struct rtpsec_stream *stream = &s->streams.list[i];
        out[i] = (struct rtpsec_mark){.ssrc = stream->ssrc,
            .has_rtp = stream->rtp.started,
            .has_rtcp = stream->rtcp.started,
            .seq = (uint16_t)stream->rtp.highest,
            .roc = (uint32_t)(stream->rtp.highest >> 16),
            .rtcp_index = (uint32_t)stream->rtcp.highest};
    }
    return count;
}

bool rtpsec_session_restore(struct rtpsec_session *s, const struct rtpsec_mark *mark)
{
    if (rtpsec_streams_full(&s->streams) || rtpsec_streams_find(&s->streams, mark->ssrc) != NULL)
        return false;
    struct rtpsec_stream *stream = rtpsec_streams_add(&s->streams, mark->ssrc);
    if (stream == NULL)
        return false;
    if (mark->has_rtp)
        rtpsec_window_restore(&stream->rtp, (uint64_t)mark->roc << 16 | mark->seq);
    if (mark->has_rtcp)
        rtpsec_window_restore(&stream->rtcp, mark->rtcp_index & SRTCP_INDEX_MAX);
    return true;
}
