/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/keys.h"

#include "dtls/association.h"
#include "relay/call_media.h"
#include "rtpsec/session.h"

void keys_free(struct component *c)
{
    rtpsec_session_free(c->rx);
    rtpsec_session_free(c->tx);
    c->rx = c->tx = NULL;
}

void keys_failed(const struct transport *t)
{
    counter_add(&t->relay->counters.errors, 1);
    log_event(LOG_ERR, call_media_id(t->call), "srtp-failed",
        "transport=%u reason=\"no session could be made\"", t->plan.id);
}

static bool same_key(const struct plan_srtp *a, const struct plan_srtp *b)
{
    return a->suite == b->suite && memcmp(a->key, b->key, sizeof(a->key)) == 0;
}

static bool same_parameters(const struct plan_srtp *a, const struct plan_srtp *b)
{
    return a->mki_len == b->mki_len && memcmp(a->mki, b->mki, a->mki_len) == 0 &&
           a->unencrypted_srtp == b->unencrypted_srtp &&
           a->unencrypted_srtcp == b->unencrypted_srtcp &&
           a->unauthenticated_srtp == b->unauthenticated_srtp;
}

/* Under the same key no index serves twice, whatever else has changed. False without memory. */
static bool carry_marks(const struct rtpsec_session *from, struct rtpsec_session *to)
{
    struct rtpsec_mark marks[RTPSEC_TX_SSRCS];
    size_t count = rtpsec_session_save(from, marks, COUNT_OF(marks));
    rtpsec_session_begin_rtcp(to, rtpsec_session_rtcp_begin(from));
    for (size_t i = 0; i < count; i++)
        if (!rtpsec_session_restore(to, &marks[i]))
            return false;
    if (rtpsec_session_is_unsure(from))
        rtpsec_session_doubt(to, 0);
    return true;
}

static void apply_sdes(const struct transport *t, struct rtpsec_session **session,
    enum rtpsec_direction direction, const struct plan_srtp *old, const struct plan_srtp *srtp)
{
    bool goes_on = *session != NULL && old != NULL && srtp != NULL && same_key(old, srtp);
    if (goes_on && same_parameters(old, srtp))
        return;
    struct rtpsec_session *before = *session;
    *session = NULL;
    if (srtp == NULL || srtp->suite == NULL) {
        rtpsec_session_free(before);
        return;
    }
    struct rtpsec_session_config config = {
        .engine = t->relay->srtp_engine,
        .suite = srtp->suite,
        .direction = direction,
        .key = bytes_of(srtp->key, srtp->suite->key_len),
        .salt = bytes_of(srtp->key + srtp->suite->key_len, srtp->suite->salt_len),
        .mki = bytes_of(srtp->mki, srtp->mki_len),
        .flags =
            {
                .unencrypted_srtp = srtp->unencrypted_srtp,
                .unencrypted_srtcp = srtp->unencrypted_srtcp,
                .unauthenticated_srtp = srtp->unauthenticated_srtp,
            },
    };
    *session = rtpsec_session_new(&config);
    if (goes_on && *session != NULL && !carry_marks(before, *session)) {
        rtpsec_session_free(*session);
        *session = NULL;
    }
    rtpsec_session_free(before);
    if (*session == NULL)
        keys_failed(t);
}

void keys_apply(struct transport *t, const struct plan_transport *old)
{
    struct component *c = &t->components[0];
    if (t->plan.security != old->security) {
        keys_free(&t->components[0]);
        keys_free(&t->components[1]);
    }
    if (t->plan.security != PLAN_SDES)
        return;
    apply_sdes(t, &c->rx, RTPSEC_RX, old->srtp_rx, t->plan.srtp_rx);
    apply_sdes(t, &c->tx, RTPSEC_TX, old->srtp_tx, t->plan.srtp_tx);
}

const struct rtpsec_suite *keys_from_dtls(struct component *c)
{
    struct dtls_srtp_keys keys;
    if (!dtls_keys(c->dtls, &keys))
        return NULL;
    struct rtpsec_session_config config = {
        .engine = c->transport->relay->srtp_engine,
        .suite = rtpsec_suite_by_dtls_profile(keys.profile),
        .direction = RTPSEC_RX,
        .key = bytes_of(keys.rx_key, keys.key_len),
        .salt = bytes_of(keys.rx_salt, keys.salt_len),
    };
    keys_free(c);
    if (config.suite != NULL) {
        c->rx = rtpsec_session_new(&config);
        config.direction = RTPSEC_TX;
        config.key = bytes_of(keys.tx_key, keys.key_len);
        config.salt = bytes_of(keys.tx_salt, keys.salt_len);
        c->tx = rtpsec_session_new(&config);
    }
    explicit_bzero(&keys, sizeof(keys));
    if (c->rx != NULL && c->tx != NULL)
        return config.suite;
    keys_free(c);
    keys_failed(c->transport);
    return NULL;
}

static struct rtpsec_session *restored(const struct component *c, enum rtpsec_direction direction,
    const struct relay_resume_session *saved)
{
    struct rtpsec_session_config config = {
        .engine = c->transport->relay->srtp_engine,
        .suite = saved->suite,
        .direction = direction,
        .key = bytes_of(saved->key, saved->suite->key_len),
        .salt = bytes_of(saved->salt, saved->suite->salt_len),
    };
    return rtpsec_session_new(&config);
}

void keys_restore(struct component *c, const struct relay_resume_session *rx,
    const struct relay_resume_session *tx)
{
    if (rx->suite == NULL || tx->suite == NULL)
        return;
    keys_free(c);
    c->rx = restored(c, RTPSEC_RX, rx);
    c->tx = restored(c, RTPSEC_TX, tx);
    if (c->rx != NULL && c->tx != NULL)
        return;
    keys_free(c);
    keys_failed(c->transport);
}
