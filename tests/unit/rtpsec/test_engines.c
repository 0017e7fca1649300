/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All engines side by side: the same arrays of packets, mixed from sessions of every suite and all
 * flags, some damaged, twice, out of order, from strangers. Same verdicts, same bytes.
 */
#include "packets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gen.h"
#include "rtpsec/packet.h"

enum {
    SETS = 36, /* of suite and flags that go together */
    ENGINES = COUNT_OF(all_engines) - 1,
    ARRAY_MAX = 150,
    KEPT = 24, /* packets of a set that may still be delivered */
    SIZE_MAX_ = 1700,
    ROOM = SIZE_MAX_ + RTPSEC_MAX_TRAILER,
    SSRCS = 40, /* more than a receiver keeps */
    ROUNDS = 400,
};

struct sample {
    size_t set;
    bool is_rtcp;
    size_t len;
    uint8_t data[ROOM];
};

struct set {
    const struct rtpsec_suite *suite;
    struct rtpsec_flags flags;
    uint16_t seqs[SSRCS];
    struct rtpsec_session *tx[ENGINES], *rx[ENGINES];
    size_t kept;
    struct sample wires[KEPT];
};

static struct set *sets;
static size_t set_count, engine_count;
static struct gen gen;
static size_t verdicts[2][RTPSEC_VERDICTS];

static struct rtpsec_session *open_one(
    const struct set *set, size_t number, size_t engine, enum rtpsec_direction direction)
{
    static const uint8_t mki[RTPSEC_MAX_MKI] = {0x4d, 0x4b, 0x49};
    static const size_t mki_lens[] = {0, 4, 1, RTPSEC_MAX_MKI, 0};
    struct rtpsec_session *s = rtpsec_session_new(&(struct rtpsec_session_config){
        .engine = all_engines[engine],
        .suite = set->suite,
        .direction = direction,
        .key = test_key(set->suite),
        .salt = test_salt(set->suite),
        .mki = bytes_of(mki, mki_lens[number % COUNT_OF(mki_lens)]),
        .flags = set->flags,
    });
    assert_non_null(s);
    /* One stream has been going on for long. */
    assert_true(rtpsec_session_restore(
        s, &(struct rtpsec_mark){.ssrc = 0, .has_rtp = true, .roc = 0x12345678, .seq = 0xfff0}));
    return s;
}

static void add_set(const struct rtpsec_suite *suite, unsigned bits)
{
    struct set *set = &sets[set_count];
    set->suite = suite;
    set->flags = (struct rtpsec_flags){.unencrypted_srtp = (bits & 1) != 0,
        .unauthenticated_srtp = (bits & 2) != 0,
        .unencrypted_srtcp = (bits & 4) != 0};
    for (size_t i = 0; i < SSRCS; i++)
        set->seqs[i] = (uint16_t)gen_below(&gen, 65536);
    set->seqs[0] = 0xfff1;
    for (size_t e = 0; e < engine_count; e++) {
        set->tx[e] = open_one(set, set_count, e, RTPSEC_TX);
        set->rx[e] = open_one(set, set_count, e, RTPSEC_RX);
    }
    set_count++;
}

static void open_sets(void)
{
    sets = calloc(SETS, sizeof(*sets));
    assert_non_null(sets);
    set_count = 0;
    for (engine_count = 0; all_engines[engine_count] != NULL;)
        engine_count++;
    for (unsigned id = 0; id < RTPSEC_SUITES; id++) {
        const struct rtpsec_suite *suite = rtpsec_suite((enum rtpsec_suite_id)id);
        for (unsigned bits = 0; bits < 8; bits++)
            if (!suite->is_aead || (bits & 3) == 0)
                add_set(suite, bits);
    }
    assert_int_equal(set_count, SETS);
}

static void close_sets(void)
{
    for (size_t i = 0; i < set_count; i++) {
        for (size_t e = 0; e < engine_count; e++) {
            rtpsec_session_free(sets[i].tx[e]);
            rtpsec_session_free(sets[i].rx[e]);
        }
    }
    free(sets);
}

static size_t some_size(void)
{
    static const uint32_t limits[] = {2, 40, 200, 1500};
    return gen_below(&gen, limits[gen_below(&gen, COUNT_OF(limits))]);
}

static void make_rtp(struct set *set, struct writer *w)
{
    uint32_t ssrc = (uint32_t)gen_below(&gen, gen_below(&gen, 4) == 0 ? SSRCS : 3);
    uint16_t *seq = &set->seqs[ssrc];
    unsigned sources = gen_below(&gen, 8) == 0 ? (unsigned)gen_below(&gen, 16) : 0;
    bool extension = gen_below(&gen, 4) == 0;
    if (gen_below(&gen, 20) == 0)
        *seq = (uint16_t)(*seq + gen_below(&gen, 30000));
    else if (gen_below(&gen, 10) == 0)
        *seq = (uint16_t)(*seq - gen_below(&gen, 1100));
    writer_u8(w, (uint8_t)(0x80 | (extension ? 0x10 : 0) | sources));
    writer_u8(w, 8);
    writer_u16(w, *seq);
    writer_u32(w, 1);
    writer_u32(w, ssrc);
    for (unsigned i = 0; i < sources; i++)
        writer_u32(w, i);
    if (extension) {
        uint16_t words = (uint16_t)gen_below(&gen, 5);
        writer_u32(w, 0xbede0000U | words);
        for (unsigned i = 0; i < words; i++)
            writer_u32(w, i);
    }
    if (gen_below(&gen, 12) != 0)
        ++*seq;
}

static void make_plain(struct sample *p)
{
    struct writer w = writer_over(p->data, SIZE_MAX_);
    p->set = gen_below(&gen, SETS);
    p->is_rtcp = gen_below(&gen, 6) == 0;
    if (p->is_rtcp) {
        writer_u32(&w, 0x80c80000);
        writer_u32(&w, (uint32_t)gen_below(&gen, 3));
    } else {
        make_rtp(&sets[p->set], &w);
    }
    size_t body = p->is_rtcp ? some_size() / 4 * 4 : some_size();
    for (size_t i = 0; i < body; i++)
        writer_u8(&w, (uint8_t)gen_below(&gen, 256));
    assert_true(writer_ok(&w));
    p->len = w.len;
}

/* A packet that was sent, perhaps long ago, perhaps with other flags, perhaps damaged. */
static bool make_wire(struct sample *p)
{
    size_t number = gen_below(&gen, SETS);
    const struct set *set = &sets[number];
    if (set->kept == 0)
        return false;
    size_t kept = set->kept < KEPT ? set->kept : KEPT;
    *p = set->wires[(set->kept - 1 - gen_below(&gen, kept)) % KEPT];
    p->set = number;
    switch (gen_below(&gen, 16)) {
    case 0:
        p->data[gen_below(&gen, p->len)] ^= (uint8_t)(1U << gen_below(&gen, 8));
        break;
    case 1:
        p->len -= gen_below(&gen, p->len);
        break;
    case 2:
        p->set = gen_below(&gen, SETS);
        break;
    default:
        break;
    }
    return true;
}

/* Half of the packets come with their header read. */
static void tell_header(struct rtpsec_packet *view)
{
    struct rtpsec_header header;
    if (view->is_rtcp || view->len % 2 != 0 ||
        !rtpsec_read_rtp(bytes_of(view->data, view->len), &header))
        return;
    view->header_len = (uint16_t)header.len;
    view->seq = header.seq;
    view->ssrc = header.ssrc;
}

static struct rtpsec_packet view_of(const struct sample *s, uint8_t *copy, size_t engine, bool tx)
{
    memcpy(copy, s->data, s->len);
    const struct set *set = &sets[s->set];
    struct rtpsec_packet view = {.session = tx ? set->tx[engine] : set->rx[engine],
        .data = copy,
        .len = s->len,
        .capacity = ROOM,
        .is_rtcp = s->is_rtcp};
    tell_header(&view);
    return view;
}

static void keep(const struct sample *sample, const struct rtpsec_packet *view)
{
    struct set *set = &sets[sample->set];
    struct sample *to = &set->wires[set->kept++ % KEPT];
    to->set = sample->set;
    to->is_rtcp = sample->is_rtcp;
    to->len = view->len;
    memcpy(to->data, view->data, view->len);
}

static void run(const struct sample *samples, size_t count, bool tx)
{
    static _Alignas(4) uint8_t copies[ENGINES][ARRAY_MAX][(ROOM + 3) / 4 * 4];
    static struct rtpsec_packet views[ENGINES][ARRAY_MAX];
    for (size_t e = 0; e < engine_count; e++) {
        for (size_t i = 0; i < count; i++)
            views[e][i] = view_of(&samples[i], copies[e][i], e, tx);
        (tx ? rtpsec_protect : rtpsec_unprotect)(views[e], count);
    }
    for (size_t i = 0; i < count; i++) {
        const struct rtpsec_packet *expected = &views[0][i];
        verdicts[tx][expected->verdict]++;
        for (size_t e = 1; e < engine_count; e++) {
            assert_int_equal(views[e][i].verdict, expected->verdict);
            if (expected->verdict != RTPSEC_OK)
                continue;
            assert_int_equal(views[e][i].len, expected->len);
            assert_memory_equal(views[e][i].data, expected->data, expected->len);
        }
        if (tx && expected->verdict == RTPSEC_OK)
            keep(&samples[i], expected);
    }
}

static size_t some_count(void)
{
    static const uint32_t limits[] = {1, 4, 20, ARRAY_MAX};
    return 1 + gen_below(&gen, limits[gen_below(&gen, COUNT_OF(limits))]);
}

static void agree_on_every_packet(void **state)
{
    (void)state;
    static struct sample samples[ARRAY_MAX];
    gen = gen_start();
    open_sets();
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t count = some_count();
        for (size_t i = 0; i < count; i++)
            make_plain(&samples[i]);
        run(samples, count, true);
        count = 0;
        for (size_t tries = some_count(); tries > 0; tries--)
            count += make_wire(&samples[count]);
        run(samples, count, false);
    }
    close_sets();
    /* All that can happen has happened. */
    assert_true(verdicts[1][RTPSEC_OK] > 1000 && verdicts[0][RTPSEC_OK] > 1000);
    assert_true(verdicts[1][RTPSEC_REPLAYED] > 10 && verdicts[0][RTPSEC_REPLAYED] > 10);
    assert_true(verdicts[1][RTPSEC_TOO_OLD] > 10 && verdicts[0][RTPSEC_TOO_OLD] > 10);
    assert_true(verdicts[0][RTPSEC_AUTH_FAILED] > 10 && verdicts[0][RTPSEC_MALFORMED] > 10);
    for (size_t v = 0; v < RTPSEC_VERDICTS; v++)
        print_message("# %s: %zu sent, %zu received\n", rtpsec_verdict_name((enum rtpsec_verdict)v),
            verdicts[1][v], verdicts[0][v]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agree_on_every_packet),
    };
    return run_with_engine("rtpsec engines", tests, argc, argv);
}
