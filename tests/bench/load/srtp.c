/* SPDX-License-Identifier: Apache-2.0 */
#include "srtp.h"

#include "mediaferry/base64.h"

static struct rtpsec_session *open_session(const struct rtpsec_suite *suite,
    enum rtpsec_direction direction, struct bytes key, struct bytes salt)
{
    struct rtpsec_session_config config = {.engine = rtpsec_engine_choose(NULL).engine,
        .suite = suite,
        .direction = direction,
        .key = key,
        .salt = salt};
    return rtpsec_session_new(&config);
}

bool srtp_set_keys(struct flow *flow, const struct rtpsec_suite *suite, struct bytes tx_key,
    struct bytes tx_salt, struct bytes rx_key, struct bytes rx_salt)
{
    rtpsec_session_free(flow->tx);
    rtpsec_session_free(flow->rx);
    flow->tx = open_session(suite, RTPSEC_TX, tx_key, tx_salt);
    flow->rx = open_session(suite, RTPSEC_RX, rx_key, rx_salt);
    return flow->tx != NULL && flow->rx != NULL;
}

struct sdes_key {
    uint8_t space[RTPSEC_MAX_KEY + RTPSEC_MAX_SALT];
    struct bytes key, salt;
};

static bool read_key(struct text base64, const struct rtpsec_suite *suite, struct sdes_key *out)
{
    struct writer w = writer_over(out->space, sizeof(out->space));
    return base64_decode(&w, base64) &&
           rtpsec_suite_split(suite, writer_bytes(&w), &out->key, &out->salt);
}

static const char *parse(struct flow *flow, struct text rest)
{
    const struct rtpsec_suite *suite = rtpsec_suite_by_name(text_word(&rest, ' '));
    struct sdes_key tx, rx;
    if (suite == NULL)
        return "no such SRTP suite";
    if (!read_key(text_word(&rest, ' '), suite, &tx) ||
        !read_key(text_word(&rest, ' '), suite, &rx))
        return "not a key of this SRTP suite";
    return srtp_set_keys(flow, suite, tx.key, tx.salt, rx.key, rx.salt) ? NULL : "out of memory";
}

const struct flow_kind flow_sdes = {.name = "sdes", .parse = parse};
