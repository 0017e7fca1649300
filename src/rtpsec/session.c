/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a session; packets are in rtpsec/turn.c. */
#include "rtpsec/session.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "rtpsec/state.h"

_Static_assert((int)RTPSEC_WINDOW == (int)RTPSEC_WINDOW_WORDS * 64, "one window size");
_Static_assert((int)RTPSEC_RTCP_WINDOW == (int)RTPSEC_RTCP_WINDOW_WORDS * 64, "one window size");

/* RFC 3711, section 9.2. */
#define MAX_RTP_LIFETIME (UINT64_C(1) << 48)
#define MAX_RTCP_LIFETIME (UINT64_C(1) << 31)

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

static void set_lengths(struct rtpsec_session *s)
{
    s->tag_len[0] = s->flags.unauthenticated_srtp ? 0 : s->suite->rtp_tag_len;
    s->tag_len[1] = s->suite->rtcp_tag_len;
    for (size_t i = 0; i < 2; i++)
        s->behind_mki[i] = s->suite->is_aead ? 0 : s->tag_len[i];
}

struct rtpsec_session *rtpsec_session_new(const struct rtpsec_session_config *config)
{
    struct rtpsec_session *s = fits(config) ? calloc(1, sizeof(*s) + config->mki.len) : NULL;
    if (s == NULL)
        return NULL;
    s->engine = config->engine != NULL ? config->engine : &rtpsec_engine_libsrtp2;
    s->suite = config->suite;
    s->direction = config->direction;
    s->flags = config->flags;
    s->left[0] = lifetime(config->rtp_lifetime, MAX_RTP_LIFETIME);
    s->left[1] = lifetime(config->rtcp_lifetime, MAX_RTCP_LIFETIME);
    s->streams.limit = config->direction == RTPSEC_RX ? RTPSEC_RX_SSRCS : RTPSEC_TX_SSRCS;
    memcpy(s->key, config->key.data, config->key.len);
    memcpy(s->salt, config->salt.data, config->salt.len);
    if (config->mki.len > 0)
        memcpy(s->mki, config->mki.data, config->mki.len);
    s->mki_len = (uint8_t)config->mki.len;
    set_lengths(s);
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

struct bytes rtpsec_session_key(const struct rtpsec_session *s)
{
    return bytes_of(s->key, s->suite->key_len);
}

struct bytes rtpsec_session_salt(const struct rtpsec_session *s)
{
    return bytes_of(s->salt, s->suite->salt_len);
}

static int by_use(const void *a, const void *b)
{
    const struct rtpsec_stream *const *first = a, *const *second = b;
    return ((*first)->used > (*second)->used) - ((*first)->used < (*second)->used);
}

static struct rtpsec_mark mark_of(const struct rtpsec_stream *stream)
{
    return (struct rtpsec_mark){.ssrc = stream->ssrc,
        .has_rtp = stream->rtp.started,
        .has_rtcp = stream->rtcp.started,
        .seq = (uint16_t)stream->rtp.highest,
        .roc = (uint32_t)(stream->rtp.highest >> 16),
        .rtcp_index = (uint32_t)stream->rtcp.highest};
}

size_t rtpsec_session_save(const struct rtpsec_session *s, struct rtpsec_mark *out, size_t max)
{
    const struct rtpsec_stream *streams[RTPSEC_TX_SSRCS];
    size_t count = s->streams.count < max ? s->streams.count : max;
    for (size_t i = 0; i < s->streams.count; i++)
        streams[i] = s->streams.list[i].stream;
    qsort(streams, s->streams.count, sizeof(*streams), by_use);
    for (size_t i = 0; i < count; i++)
        out[i] = mark_of(streams[s->streams.count - count + i]);
    return count;
}

/* What others have used of a sender's key is not left any more. */
static void spend(struct rtpsec_session *s, bool is_rtcp, uint64_t packets)
{
    if (s->direction == RTPSEC_TX)
        s->left[is_rtcp] -= packets < s->left[is_rtcp] ? packets : s->left[is_rtcp];
}

bool rtpsec_session_restore(struct rtpsec_session *s, const struct rtpsec_mark *mark)
{
    if (rtpsec_streams_full(&s->streams) || rtpsec_streams_find(&s->streams, mark->ssrc) != NULL)
        return false;
    struct rtpsec_stream *stream = rtpsec_streams_add(&s->streams, mark->ssrc);
    if (stream == NULL)
        return false;
    if (mark->has_rtp) {
        rtpsec_window_restore(&stream->rtp, (uint64_t)mark->roc << 16 | mark->seq);
        spend(s, false, stream->rtp.highest + 1);
    }
    if (mark->has_rtcp)
        rtpsec_window_restore(&stream->rtcp, mark->rtcp_index & RTPSEC_RTCP_INDEX_MAX);
    else
        rtpsec_streams_skip_rtcp(stream, s->rtcp_begin);
    spend(s, true, stream->rtcp.highest);
    return true;
}

void rtpsec_session_doubt(struct rtpsec_session *s, uint32_t rtcp_skipped)
{
    uint32_t skipped = s->direction == RTPSEC_TX ? rtcp_skipped : 0;
    rtpsec_session_begin_rtcp(s, s->rtcp_begin + skipped);
    for (size_t i = 0; i < s->streams.count; i++) {
        struct rtpsec_stream *stream = s->streams.list[i].stream;
        rtpsec_streams_skip_rtcp(stream, skipped);
        rtpsec_window_doubt(&stream->rtp);
        rtpsec_window_doubt(&stream->rtcp);
        spend(s, true, skipped);
    }
}

bool rtpsec_session_is_unsure(const struct rtpsec_session *s)
{
    for (size_t i = 0; i < s->streams.count; i++)
        if (s->streams.list[i].stream->rtp.unsure || s->streams.list[i].stream->rtcp.unsure)
            return true;
    return false;
}

uint32_t rtpsec_session_rtcp_begin(const struct rtpsec_session *s)
{
    return s->rtcp_begin;
}

void rtpsec_session_begin_rtcp(struct rtpsec_session *s, uint32_t index)
{
    if (s->direction == RTPSEC_TX)
        s->rtcp_begin = index < RTPSEC_RTCP_INDEX_MAX ? index : RTPSEC_RTCP_INDEX_MAX;
}
