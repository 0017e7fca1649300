/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrays of packets on their way through the engine and back. Each is looked at twice: before, to
 * find its stream and index, and after, to let it through. The stream found before is handed on.
 */
#include "rtpsec/packet.h"
#include "rtpsec/state.h"

enum { SRTCP_INDEX_SIZE = 4 };

/* Packets of one kind that an engine takes at once, and how far ahead memory is fetched. */
enum { RTP_AT_ONCE = 256, RTCP_AT_ONCE = 32, AHEAD = 4, CONTEXT_FETCHED = 448 };

/* So far from the highest one of its stream, a sequence number stands for the same index whatever
 * becomes of the packets waiting: RTP_AT_ONCE of these are less than half a turn. */
enum { NEAR = 64 };

struct passenger {
    struct rtpsec_packet *packet;
    struct rtpsec_stream *stream; /* NULL: an SSRC that is not known yet */
};

/* What a packet claims to be, or is to become. */
struct claim {
    struct rtpsec_header header;
    struct rtpsec_stream *stream;
    uint64_t index;
    bool goes_alone; /* what follows it rests on what becomes of it */
};

/* Packets for one engine, all RTP or all RTCP. */
struct batch {
    const struct rtpsec_engine *engine;
    size_t count;
    size_t room;
    struct rtpsec_job *jobs;
    struct passenger *passengers;
};

struct round {
    enum rtpsec_direction direction;
    struct batch batches[2]; /* of RTP, of RTCP */
};

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

static size_t trailer_len(const struct rtpsec_session *s, bool is_rtcp)
{
    return (size_t)s->tag_len[is_rtcp] + s->mki_len + (is_rtcp ? SRTCP_INDEX_SIZE : 0);
}

static bool read_header(const struct rtpsec_packet *p, struct rtpsec_header *out)
{
    struct bytes packet = bytes_of(p->data, p->len);
    if (p->is_rtcp)
        return rtpsec_read_rtcp(packet, out);
    if (p->header_len == 0)
        return rtpsec_read_rtp(packet, out);
    *out = (struct rtpsec_header){.ssrc = p->ssrc, .seq = p->seq, .len = p->header_len};
    return true;
}

static struct rtpsec_window *window_of(struct rtpsec_stream *stream, bool is_rtcp)
{
    return is_rtcp ? &stream->rtcp : &stream->rtp;
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

static void take_in(
    struct rtpsec_session *s, struct rtpsec_stream *stream, bool is_rtcp, uint64_t index)
{
    rtpsec_window_add(window_of(stream, is_rtcp), index);
    rtpsec_streams_touch(&s->streams, stream);
    s->left[is_rtcp]--;
}

static void flush(struct round *r, bool is_rtcp);

/* The index that a sequence number stands for, which rests on those before it: where that matters,
 * they are dealt with first. */
static void estimate(struct round *r, struct claim *claim)
{
    const struct rtpsec_window *window = &claim->stream->rtp;
    claim->index = rtpsec_window_estimate(window, claim->header.seq);
    uint64_t away = claim->index > window->highest ? claim->index - window->highest
                                                   : window->highest - claim->index;
    if (away <= NEAR)
        return;
    flush(r, false);
    claim->index = rtpsec_window_estimate(window, claim->header.seq);
    claim->goes_alone = true;
}

/* Finds out what an incoming packet claims to be, and whether it is worth the cryptography. */
static enum rtpsec_verdict prepare_rx(struct round *r, struct rtpsec_packet *p, struct claim *out)
{
    struct rtpsec_session *s = p->session;
    if (!read_header(p, &out->header) || p->len - out->header.len < trailer_len(s, p->is_rtcp))
        return RTPSEC_MALFORMED;

    out->stream = rtpsec_streams_find(&s->streams, out->header.ssrc);
    out->goes_alone = out->stream == NULL;
    out->index = out->header.seq;
    if (out->stream == NULL && rtpsec_streams_full(&s->streams) && s->tag_len[p->is_rtcp] == 0)
        return RTPSEC_TOO_MANY_SSRC;

    if (s->mki_len > 0)
        p->len = rtpsec_remove_mki(p->data, p->len, s->mki_len, s->behind_mki[p->is_rtcp]);
    if (p->is_rtcp)
        out->index = rtpsec_read_rtcp_index(s->suite, bytes_of(p->data, p->len));
    else if (out->stream != NULL)
        estimate(r, out);
    if (out->stream == NULL)
        return RTPSEC_OK;
    if (out->index > RTPSEC_RTP_INDEX_MAX)
        return RTPSEC_KEY_EXPIRED;
    return verdict_of(rtpsec_window_check(window_of(out->stream, p->is_rtcp), out->index));
}

/* An SSRC that has just proven itself gets its place. */
static struct rtpsec_stream *admit(struct rtpsec_session *s, uint32_t ssrc)
{
    if (rtpsec_streams_full(&s->streams))
        s->engine->forget(s->context, rtpsec_streams_evict(&s->streams));
    return rtpsec_streams_add(&s->streams, ssrc);
}

/* Since it was prepared, others of its array may have spent the key, or been the same packet. */
static enum rtpsec_verdict check_again(const struct passenger *at, const struct rtpsec_job *job)
{
    bool is_rtcp = at->packet->is_rtcp;
    if (at->packet->session->left[is_rtcp] == 0)
        return RTPSEC_KEY_EXPIRED;
    if (at->stream == NULL)
        return RTPSEC_OK;
    return verdict_of(rtpsec_window_check(window_of(at->stream, is_rtcp), job->index));
}

static enum rtpsec_verdict commit_rx(const struct passenger *at, const struct rtpsec_job *job)
{
    struct rtpsec_session *s = at->packet->session;
    struct rtpsec_stream *stream = at->stream;
    if (stream == NULL && (stream = admit(s, job->ssrc)) == NULL)
        return RTPSEC_ENGINE_FAILED;
    take_in(s, stream, at->packet->is_rtcp, job->index);
    return RTPSEC_OK;
}

/* Gives an outgoing packet its index, which is used up by that, whatever the engine says. */
static enum rtpsec_verdict prepare_tx(struct rtpsec_packet *p, struct claim *out)
{
    struct rtpsec_session *s = p->session;
    if (!read_header(p, &out->header))
        return RTPSEC_MALFORMED;
    if (p->len > p->capacity || p->capacity - p->len < trailer_len(s, p->is_rtcp))
        return RTPSEC_NO_ROOM;

    struct rtpsec_stream *stream = rtpsec_streams_find(&s->streams, out->header.ssrc);
    if (stream == NULL) {
        if (rtpsec_streams_full(&s->streams))
            return RTPSEC_TOO_MANY_SSRC;
        stream = rtpsec_streams_add(&s->streams, out->header.ssrc);
        if (stream == NULL)
            return RTPSEC_ENGINE_FAILED;
        rtpsec_streams_skip_rtcp(stream, s->rtcp_begin);
    }
    const struct rtpsec_window *window = window_of(stream, p->is_rtcp);
    out->stream = stream;
    out->goes_alone = false;
    out->index = p->is_rtcp ? window->highest + 1 : rtpsec_window_estimate(window, out->header.seq);
    if (out->index > (p->is_rtcp ? RTPSEC_RTCP_INDEX_MAX : RTPSEC_RTP_INDEX_MAX))
        return RTPSEC_KEY_EXPIRED;

    enum rtpsec_verdict verdict = verdict_of(rtpsec_window_check(window, out->index));
    if (verdict == RTPSEC_OK)
        take_in(s, stream, p->is_rtcp, out->index);
    return verdict;
}

static void commit_tx(struct rtpsec_packet *p)
{
    const struct rtpsec_session *s = p->session;
    if (s->mki_len > 0)
        p->len = rtpsec_insert_mki(
            p->data, p->len, bytes_of(s->mki, s->mki_len), s->behind_mki[p->is_rtcp]);
}

static enum rtpsec_verdict conclude(
    enum rtpsec_direction direction, const struct passenger *at, const struct rtpsec_job *job)
{
    if (direction == RTPSEC_RX) {
        enum rtpsec_verdict verdict = check_again(at, job);
        if (verdict != RTPSEC_OK)
            return verdict;
    }
    switch (job->result) {
    case RTPSEC_JOB_OK:
        at->packet->len = job->len;
        if (direction == RTPSEC_RX)
            return commit_rx(at, job);
        commit_tx(at->packet);
        return RTPSEC_OK;
    case RTPSEC_JOB_AUTH_FAILED:
        return direction == RTPSEC_RX ? RTPSEC_AUTH_FAILED : RTPSEC_ENGINE_FAILED;
    case RTPSEC_JOB_REPLAYED:
        return RTPSEC_REPLAYED;
    case RTPSEC_JOB_NOT_READY:
        return RTPSEC_NOT_READY;
    case RTPSEC_JOB_FAILED:
        break;
    }
    return RTPSEC_ENGINE_FAILED;
}

static void flush(struct round *r, bool is_rtcp)
{
    struct batch *b = &r->batches[is_rtcp];
    if (b->count == 0)
        return;
    if (r->direction == RTPSEC_RX)
        (is_rtcp ? b->engine->unprotect_rtcp : b->engine->unprotect_rtp)(b->jobs, b->count);
    else
        (is_rtcp ? b->engine->protect_rtcp : b->engine->protect_rtp)(b->jobs, b->count);
    for (size_t i = 0; i < b->count; i++)
        b->passengers[i].packet->verdict = conclude(r->direction, &b->passengers[i], &b->jobs[i]);
    b->count = 0;
}

static enum rtpsec_verdict prepare(struct round *r, struct rtpsec_packet *p, struct claim *out)
{
    struct rtpsec_session *s = p->session;
    if (s->left[p->is_rtcp] == 0)
        return RTPSEC_KEY_EXPIRED;
    if (!ensure_context(s))
        return RTPSEC_ENGINE_FAILED;
    return r->direction == RTPSEC_RX ? prepare_rx(r, p, out) : prepare_tx(p, out);
}

static void add(struct batch *b, struct rtpsec_packet *p, const struct claim *claim)
{
    struct rtpsec_job *job = &b->jobs[b->count];
    job->context = p->session->context;
    job->data = p->data;
    job->len = p->len;
    job->capacity = p->capacity;
    job->header_len = claim->header.len;
    job->ssrc = claim->header.ssrc;
    job->index = claim->index;
    b->passengers[b->count++] = (struct passenger){p, claim->stream};
    b->engine = p->session->engine;
}

static void board(struct round *r, struct rtpsec_packet *p)
{
    struct batch *b = &r->batches[p->is_rtcp];
    struct claim claim;
    if (b->count == b->room || (b->count > 0 && b->engine != p->session->engine))
        flush(r, p->is_rtcp);
    p->verdict = prepare(r, p, &claim);
    if (p->verdict != RTPSEC_OK)
        return;
    add(b, p, &claim);
    if (!claim.goes_alone)
        return;
    /* The others go first: a new SSRC may push out a stream of theirs. */
    flush(r, !p->is_rtcp);
    flush(r, p->is_rtcp);
}

static void fetch(const void *memory, size_t size)
{
    const uint8_t *at = memory;
    for (size_t i = 0; i < size; i += 64)
        __builtin_prefetch(at + i);
}

/* With thousands of streams, none of what a packet needs is in the cache. */
static void fetch_ahead(const struct rtpsec_packet *packets, size_t left)
{
    if (left > 2 * AHEAD && packets[2 * AHEAD].session != NULL)
        fetch(packets[2 * AHEAD].session, offsetof(struct rtpsec_session, key));
    const struct rtpsec_session *s = left > AHEAD ? packets[AHEAD].session : NULL;
    if (s == NULL || s->context == NULL || s->streams.last == NULL)
        return;
    fetch(s->streams.last, sizeof(*s->streams.last));
    fetch(s->context, CONTEXT_FETCHED);
}

static void process(struct rtpsec_packet *packets, size_t count, enum rtpsec_direction direction)
{
    struct rtpsec_job rtp_jobs[RTP_AT_ONCE], rtcp_jobs[RTCP_AT_ONCE];
    struct passenger rtp_passengers[RTP_AT_ONCE], rtcp_passengers[RTCP_AT_ONCE];
    struct round r = {
        .direction = direction,
        .batches = {{.room = RTP_AT_ONCE, .jobs = rtp_jobs, .passengers = rtp_passengers},
            {.room = RTCP_AT_ONCE, .jobs = rtcp_jobs, .passengers = rtcp_passengers}},
    };
    for (size_t i = 0; i < count; i++) {
        struct rtpsec_packet *p = &packets[i];
        fetch_ahead(p, count - i);
        if (p->session == NULL || p->session->direction != direction)
            p->verdict = RTPSEC_NO_KEY;
        else
            board(&r, p);
    }
    flush(&r, false);
    flush(&r, true);
}

void rtpsec_unprotect(struct rtpsec_packet *packets, size_t count)
{
    process(packets, count, RTPSEC_RX);
}

void rtpsec_protect(struct rtpsec_packet *packets, size_t count)
{
    process(packets, count, RTPSEC_TX);
}
