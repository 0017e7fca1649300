/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every engine is given the same arrays of packets and comes to the same verdicts and bytes.
 *
 * The first byte chooses suite, flags and MKI. Then come steps: a byte saying what to do, a byte of
 * length, and as many bytes of packet, which go through the sender and on to the receiver, or to
 * the receiver right away. Steps wait for one that does not say so, and are one array then.
 */
#include "rtpsec/session.h"

#include "../require.h"

enum { ENGINES = 3, ARRAY_MAX = 24, STEPS_MAX = 96, ROOM = 256 + RTPSEC_MAX_TRAILER };
enum { RTCP = 1, MADE_UP = 2, DAMAGED = 4, TWICE = 8, WAITS = 16 };

struct step {
    uint8_t what;
    struct bytes packet;
};

struct array {
    size_t count;
    struct rtpsec_packet packets[2 * ARRAY_MAX];
    _Alignas(4) uint8_t memory[2 * ARRAY_MAX][ROOM];
};

static const struct rtpsec_engine *engines[ENGINES];
static size_t engine_count;
static struct rtpsec_session *tx[ENGINES], *rx[ENGINES];
static struct array sent[ENGINES], received[ENGINES];

static void find_engines(void)
{
    static const char *const names[ENGINES] = {"libsrtp2", "openssl", "ipsec-mb"};
    if (engine_count > 0)
        return;
    require(rtpsec_init());
    for (size_t i = 0; i < ENGINES; i++) {
        const struct rtpsec_engine *engine = rtpsec_engine_choose(names[i]).engine;
        if (engine != NULL)
            engines[engine_count++] = engine;
    }
}

static void open_sessions(uint8_t choice)
{
    static const uint8_t secret[RTPSEC_MAX_KEY] = {1, 2, 3, 4, 5, 6, 7, 8};
    const struct rtpsec_suite *suite = rtpsec_suite((enum rtpsec_suite_id)(choice % RTPSEC_SUITES));
    struct rtpsec_session_config config = {
        .suite = suite,
        .key = bytes_of(secret, suite->key_len),
        .salt = bytes_of(secret, suite->salt_len),
        .mki = bytes_of(secret, (choice & 16) != 0 ? 4 : 0),
        .flags = {.unencrypted_srtp = (choice & 32) != 0 && !suite->is_aead,
            .unencrypted_srtcp = (choice & 64) != 0,
            .unauthenticated_srtp = (choice & 128) != 0 && !suite->is_aead},
    };
    for (size_t e = 0; e < engine_count; e++) {
        config.engine = engines[e];
        config.direction = RTPSEC_TX;
        tx[e] = rtpsec_session_new(&config);
        config.direction = RTPSEC_RX;
        rx[e] = rtpsec_session_new(&config);
        require(tx[e] != NULL && rx[e] != NULL);
    }
}

static void close_sessions(void)
{
    for (size_t e = 0; e < engine_count; e++) {
        rtpsec_session_free(tx[e]);
        rtpsec_session_free(rx[e]);
    }
}

static void put(struct array *a, struct rtpsec_session *session, struct bytes packet, bool is_rtcp)
{
    uint8_t *memory = a->memory[a->count];
    if (packet.len > 0)
        memcpy(memory, packet.data, packet.len);
    a->packets[a->count++] = (struct rtpsec_packet){.session = session,
        .data = memory,
        .len = packet.len,
        .capacity = ROOM,
        .is_rtcp = is_rtcp};
}

static void compare(const struct array *arrays)
{
    for (size_t i = 0; i < arrays[0].count; i++) {
        const struct rtpsec_packet *expected = &arrays[0].packets[i];
        for (size_t e = 1; e < engine_count; e++) {
            const struct rtpsec_packet *p = &arrays[e].packets[i];
            require(p->verdict == expected->verdict);
            if (p->verdict == RTPSEC_OK)
                require(bytes_equal(
                    bytes_of(p->data, p->len), bytes_of(expected->data, expected->len)));
        }
    }
}

static void deliver(size_t e, const struct step *step, struct rtpsec_packet *packet)
{
    if (packet->verdict != RTPSEC_OK)
        return;
    if ((step->what & DAMAGED) != 0)
        packet->data[(size_t)(step->what >> 5) * 0x9e3779b1 % packet->len] ^= 0x10;
    for (int i = 0; i < ((step->what & TWICE) != 0 ? 2 : 1); i++)
        put(&received[e], rx[e], bytes_of(packet->data, packet->len), packet->is_rtcp);
}

static void run(const struct step *steps, size_t count)
{
    for (size_t e = 0; e < engine_count; e++) {
        sent[e].count = received[e].count = 0;
        for (size_t i = 0; i < count; i++)
            put(&sent[e], (steps[i].what & MADE_UP) != 0 ? NULL : tx[e], steps[i].packet,
                (steps[i].what & RTCP) != 0);
        rtpsec_protect(sent[e].packets, count);
    }
    compare(sent);
    for (size_t e = 0; e < engine_count; e++) {
        for (size_t i = 0; i < count; i++) {
            if ((steps[i].what & MADE_UP) != 0)
                put(&received[e], rx[e], steps[i].packet, (steps[i].what & RTCP) != 0);
            else
                deliver(e, &steps[i], &sent[e].packets[i]);
        }
        rtpsec_unprotect(received[e].packets, received[e].count);
    }
    compare(received);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r = reader_over(bytes_of(data, size));
    struct step steps[ARRAY_MAX];
    size_t count = 0;

    find_engines();
    open_sessions(reader_u8(&r));
    for (unsigned made = 0; made < STEPS_MAX && reader_left(&r) > 2; made++) {
        struct step *step = &steps[count++];
        step->what = reader_u8(&r);
        size_t len = reader_u8(&r);
        step->packet = reader_take(&r, len < reader_left(&r) ? len : reader_left(&r));
        if ((step->what & WAITS) != 0 && count < ARRAY_MAX)
            continue;
        run(steps, count);
        count = 0;
    }
    run(steps, count);
    close_sessions();
    return 0;
}
