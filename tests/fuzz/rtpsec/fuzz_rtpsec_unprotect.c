/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets under a known key: made by the sender and passed on whole, damaged or twice, or made up.
 *
 * The first byte chooses suite and engine. Then come steps: a byte saying what to do, a byte of
 * length, and as many bytes of packet. What the receiver accepts is what the sender was given,
 * once.
 */
#include "rtpsec/session.h"

#include "../require.h"

enum { ROOM = 256 + RTPSEC_MAX_TRAILER, MADE_MAX = 64 };
enum { RTCP = 1, MADE_UP = 2, DAMAGED = 4, TWICE = 8 };

/* Not those of 32 bits of tag: luck could open them. */
static const enum rtpsec_suite_id suites[] = {
    RTPSEC_AES_128_CM_80, RTPSEC_AES_256_CM_80, RTPSEC_AEAD_AES_128_GCM, RTPSEC_AEAD_AES_256_GCM};

static const char *const engines[] = {"libsrtp2", "openssl", "auto"};

/* Aligned, and exactly as long as it says, so that ASan sees one byte too many. */
static uint8_t *exact(const uint8_t *data, size_t len, size_t capacity)
{
    uint8_t *block = malloc(capacity > 0 ? capacity : 1);
    require(block != NULL);
    if (len > 0)
        memcpy(block, data, len);
    return block;
}

static struct rtpsec_session *open_session(const struct rtpsec_engine *engine,
    const struct rtpsec_suite *suite, enum rtpsec_direction direction)
{
    static const uint8_t secret[RTPSEC_MAX_KEY] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct rtpsec_session *s = rtpsec_session_new(&(struct rtpsec_session_config){.engine = engine,
        .suite = suite,
        .direction = direction,
        .key = bytes_of(secret, suite->key_len),
        .salt = bytes_of(secret, suite->salt_len)});
    require(s != NULL);
    return s;
}

static enum rtpsec_verdict receive(
    struct rtpsec_session *rx, struct bytes wire, bool is_rtcp, uint8_t **out, size_t *out_len)
{
    *out = exact(wire.data, wire.len, wire.len);
    struct rtpsec_packet p = {
        .session = rx, .data = *out, .len = wire.len, .capacity = wire.len, .is_rtcp = is_rtcp};
    rtpsec_unprotect(&p, 1);
    require(p.len <= wire.len);
    *out_len = p.len;
    return p.verdict;
}

static void receive_and_expect_refusal(struct rtpsec_session *rx, struct bytes wire, bool is_rtcp)
{
    uint8_t *out;
    size_t len;
    require(receive(rx, wire, is_rtcp, &out, &len) != RTPSEC_OK);
    free(out);
}

static void step(
    struct rtpsec_session *tx, struct rtpsec_session *rx, uint8_t what, struct bytes plain)
{
    bool is_rtcp = (what & RTCP) != 0;
    if ((what & MADE_UP) != 0) {
        receive_and_expect_refusal(rx, plain, is_rtcp);
        return;
    }
    uint8_t *wire = exact(plain.data, plain.len, ROOM);
    struct rtpsec_packet p = {
        .session = tx, .data = wire, .len = plain.len, .capacity = ROOM, .is_rtcp = is_rtcp};
    rtpsec_protect(&p, 1);
    if (p.verdict == RTPSEC_OK) {
        struct bytes sealed = bytes_of(wire, p.len);
        uint8_t *out;
        size_t len;
        if ((what & DAMAGED) != 0) {
            size_t at = (size_t)(what >> 4) * 0x9e3779b1 % p.len;
            wire[at] ^= 0x10;
            receive_and_expect_refusal(rx, sealed, is_rtcp);
            wire[at] ^= 0x10;
            receive_and_expect_refusal(rx, bytes_of(wire, p.len - 1), is_rtcp);
        }
        enum rtpsec_verdict verdict = receive(rx, sealed, is_rtcp, &out, &len);
        /* The sender and the receiver see the same packets, so they agree on every index. */
        require(verdict == RTPSEC_OK);
        require(bytes_equal(bytes_of(out, len), plain));
        free(out);
        if ((what & TWICE) != 0)
            receive_and_expect_refusal(rx, sealed, is_rtcp);
    }
    free(wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    struct reader r = reader_over(bytes_of(data, size));
    uint8_t choice = reader_u8(&r);
    const struct rtpsec_suite *suite = rtpsec_suite(suites[choice % COUNT_OF(suites)]);
    const struct rtpsec_engine *engine =
        rtpsec_engine_choose(engines[choice / COUNT_OF(suites) % COUNT_OF(engines)]).engine;

    if (!ready)
        require(rtpsec_init());
    ready = true;
    struct rtpsec_session *tx = open_session(engine, suite, RTPSEC_TX);
    struct rtpsec_session *rx = open_session(engine, suite, RTPSEC_RX);
    for (unsigned made = 0; made < MADE_MAX && reader_left(&r) > 2; made++) {
        uint8_t what = reader_u8(&r);
        size_t len = reader_u8(&r);
        step(tx, rx, what, reader_take(&r, len < reader_left(&r) ? len : reader_left(&r)));
    }
    rtpsec_session_free(tx);
    rtpsec_session_free(rx);
    return 0;
}
