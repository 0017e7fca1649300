/* SPDX-License-Identifier: Apache-2.0 */
/* Records as bytes: the media of a call, whatever it is, comes back as it was; what breaks a bound
 * is refused with its name. */
#include "session/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/str.h"
#include "dtls/certificate.h"
#include "gen.h"
#include "mediaferry/bencode.h"
#include "session/record_media.h"

enum { ARENA = 16 << 20 };

/* --- any media --- */

static struct address any_address(struct gen *g)
{
    uint8_t ip[16];
    gen_fill(g, ip, sizeof(ip));
    enum address_family family = gen_below(g, 2) == 0 ? ADDRESS_IP4 : ADDRESS_IP6;
    return address_from_ip(family, ip, (uint16_t)(1 + gen_below(g, 65535)));
}

static struct address maybe_address(struct gen *g)
{
    return gen_below(g, 3) == 0 ? (struct address){0} : any_address(g);
}

static bool any_bool(struct gen *g)
{
    return gen_below(g, 2) == 0;
}

/* Small ones and zeros too. */
static uint64_t any_number(struct gen *g)
{
    return gen_u64(g) >> gen_below(g, 65) % 64;
}

static uint8_t any_word(struct gen *g, char *out, size_t min, size_t max)
{
    size_t len = min + gen_below(g, max - min + 1);
    for (size_t i = 0; i < len; i++)
        out[i] = (char)('!' + gen_below(g, 90));
    return (uint8_t)len;
}

static void any_name(struct gen *g, struct ice_name *out)
{
    out->len = any_word(g, out->data, 1, 200);
}

static void any_session(
    struct gen *g, struct relay_resume *resume, struct relay_resume_session *out, size_t max_marks)
{
    if (gen_below(g, 4) == 0)
        return;
    out->suite = rtpsec_suite((enum rtpsec_suite_id)gen_below(g, RTPSEC_SUITES));
    gen_fill(g, out->key, out->suite->key_len);
    gen_fill(g, out->salt, out->suite->salt_len);
    size_t count = gen_below(g, 8) == 0 ? max_marks : gen_below(g, 4);
    out->marks = relay_resume_alloc(resume, count, sizeof(*out->marks));
    for (; out->mark_count < count; out->mark_count++)
        out->marks[out->mark_count] = (struct rtpsec_mark){
            .ssrc = out->mark_count * 0x01010101u + (uint32_t)gen_below(g, 0x01010101u),
            .has_rtp = any_bool(g),
            .has_rtcp = any_bool(g),
            .seq = (uint16_t)any_number(g),
            .roc = (uint32_t)any_number(g),
            .rtcp_index = (uint32_t)any_number(g),
        };
}

static struct dtls_saved *any_dtls(struct gen *g, struct relay_resume *resume)
{
    static const enum dtls_state states[] = {DTLS_CONNECTED_UNVERIFIED, DTLS_VERIFIED, DTLS_CLOSED};
    static const uint16_t profiles[] = {1, 2, 7, 8};
    struct dtls_saved *saved = relay_resume_alloc(resume, 1, sizeof(*saved));
    const struct rtpsec_suite *suite =
        rtpsec_suite_by_dtls_profile(profiles[gen_below(g, COUNT_OF(profiles))]);
    saved->state = states[gen_below(g, COUNT_OF(states))];
    saved->role = any_bool(g) ? DTLS_ROLE_ACTIVE : DTLS_ROLE_PASSIVE;
    for (unsigned i = 0; i < DTLS_HASHES; i++)
        gen_fill(g, saved->digests[i], dtls_hash_len((enum dtls_hash)i));
    saved->keys.profile = suite->dtls_profile;
    saved->keys.key_len = suite->key_len;
    saved->keys.salt_len = suite->salt_len;
    gen_fill(g, saved->keys.tx_key, suite->key_len);
    gen_fill(g, saved->keys.tx_salt, suite->salt_len);
    gen_fill(g, saved->keys.rx_key, suite->key_len);
    gen_fill(g, saved->keys.rx_salt, suite->salt_len);
    saved->flight_len = (uint16_t)gen_below(g, DTLS_FLIGHT_MAX + 1);
    saved->farewell_len = (uint16_t)gen_below(g, DTLS_FAREWELL_MAX + 1);
    gen_fill(g, saved->flight, saved->flight_len);
    gen_fill(g, saved->farewell, saved->farewell_len);
    return saved;
}

static struct ice_saved *any_ice(struct gen *g, struct relay_resume *resume)
{
    struct ice_saved *saved = relay_resume_alloc(resume, 1, sizeof(*saved));
    saved->generation = (uint32_t)any_number(g);
    if (any_bool(g)) {
        saved->previous_generation = (uint32_t)any_number(g);
        saved->previous_left_ms = any_bool(g) ? ICE_SAVED_NEVER : 1 + any_number(g) / 2;
        any_name(g, &saved->previous.local_ufrag);
        any_name(g, &saved->previous.local_pwd);
        any_name(g, &saved->previous.remote_ufrag);
    }
    saved->pair_count = (uint32_t)gen_below(g, ICE_MAX_PAIRS + 1);
    for (uint32_t i = 0; i < saved->pair_count; i++) {
        struct ice_saved_pair *pair = &saved->pairs[i];
        *pair = (struct ice_saved_pair){
            .local = {.component = (uint8_t)(1 + gen_below(g, 2)), .index = (uint8_t)any_number(g)},
            .remote = any_address(g),
            .priority = any_number(g),
            .checked_ago_ms = any_number(g),
            .nominated_ago_ms = any_number(g),
            .media_ago_ms = any_bool(g) ? ICE_SAVED_NEVER : any_number(g),
            .generation = (uint32_t)any_number(g),
            .nominated = any_bool(g),
            .nominating = any_bool(g),
            .signalled = any_bool(g),
            .selected = any_bool(g),
        };
        pair->sender_len = any_word(g, pair->sender, 0, ICE_EARLY_UFRAG_MAX);
    }
    return saved;
}

static void any_component(
    struct gen *g, struct relay_resume *resume, struct relay_resume_component *out)
{
    *out = (struct relay_resume_component){
        .local = (uint8_t)any_number(g),
        .consent_expired = any_bool(g),
        .learning = {.signalled = maybe_address(g),
            .target = maybe_address(g),
            .source = maybe_address(g),
            .best = (enum learning_rank)gen_below(g, RANK_NONE + 1),
            .settled = any_bool(g),
            .window_left_ms = any_number(g)},
        .dtls = any_bool(g) ? any_dtls(g, resume) : NULL,
        .dtls_peer = maybe_address(g),
        .dtls_local = (uint8_t)any_number(g),
    };
    any_session(g, resume, &out->rx, RTPSEC_RX_SSRCS);
    any_session(g, resume, &out->tx, RTPSEC_TX_SSRCS);
}

static void any_transport(struct gen *g, struct relay_resume *resume, uint32_t id)
{
    struct relay_resume_transport *t = &resume->transports[resume->transport_count++];
    *t = (struct relay_resume_transport){
        .transport = id,
        .signalled = (uint32_t)any_number(g),
        .ice_generation = (uint32_t)any_number(g),
        .dtls_generation = (uint32_t)any_number(g),
        .ice_idle_ms = any_number(g),
        .ice = any_bool(g) ? any_ice(g, resume) : NULL,
        .tuple_count = (uint32_t)gen_below(g, RELAY_MAX_TUPLES + 1),
        .learned_count = (uint32_t)gen_below(g, RELAY_MAX_LEARNED + 1),
    };
    for (unsigned i = 0; i < COUNT_OF(t->components); i++)
        any_component(g, resume, &t->components[i]);
    t->tuples = relay_resume_alloc(resume, t->tuple_count, sizeof(*t->tuples));
    for (uint32_t i = 0; i < t->tuple_count; i++)
        t->tuples[i] = (struct relay_resume_tuple){any_address(g), (uint8_t)any_number(g)};
    t->learned = relay_resume_alloc(resume, t->learned_count, sizeof(*t->learned));
    for (uint32_t i = 0; i < t->learned_count; i++)
        t->learned[i] =
            (struct relay_resume_learned){(uint32_t)any_number(g), (uint32_t)any_number(g)};
}

static struct quality_sums any_sums(struct gen *g)
{
    return (struct quality_sums){
        any_number(g), any_number(g), any_number(g), any_number(g), any_number(g), any_number(g)};
}

static struct quality_sample any_sample(struct gen *g)
{
    return (struct quality_sample){any_number(g), (uint32_t)any_number(g), (uint32_t)any_number(g),
        (uint32_t)any_number(g), (uint32_t)any_number(g), (uint32_t)any_number(g)};
}

static struct quality *any_quality(struct gen *g, struct relay_resume *resume)
{
    struct quality *q = relay_resume_alloc(resume, 1, sizeof(*q));
    *q = (struct quality){
        .all = any_sums(g),
        .lowest = any_sample(g),
        .highest = any_sample(g),
        .lost = (int32_t)any_number(g),
        .started_ms = any_number(g),
        .last_ms = any_number(g),
        .interval_ms = any_number(g),
        .progression_count = gen_below(g, QUALITY_PROGRESSION_MAX + 1),
    };
    for (size_t i = 0; i < q->progression_count; i++)
        q->progression[i] = any_sums(g);
    return q;
}

static struct relay_resume_ssrc *any_ssrcs(
    struct gen *g, struct relay_resume *resume, uint32_t *count)
{
    *count = (uint32_t)gen_below(g, RELAY_MAX_SSRCS + 1);
    struct relay_resume_ssrc *ssrcs = relay_resume_alloc(resume, *count, sizeof(*ssrcs));
    for (uint32_t i = 0; i < *count; i++) {
        ssrcs[i] = (struct relay_resume_ssrc){
            .ssrc = i * 0x10000000u + (uint32_t)gen_below(g, 0x10000000),
            .packets = any_number(g),
            .bytes = any_number(g),
            .last_timestamp = (uint32_t)any_number(g),
            .idle_ms = any_number(g),
            .reported_lost = (int32_t)any_number(g),
            .seq_known = any_bool(g),
            .seq_last = (uint16_t)any_number(g),
            .seq_shift = (uint16_t)any_number(g),
            .reception = {.started = any_bool(g),
                .highest = (uint16_t)any_number(g),
                .wraps = (uint32_t)any_number(g),
                .first = (uint32_t)any_number(g),
                .next_bad = (uint32_t)any_number(g),
                .seen = any_number(g),
                .clock_rate = (uint32_t)any_number(g),
                .transit = (uint32_t)any_number(g),
                .jitter_16 = (uint32_t)any_number(g),
                .received = any_number(g),
                .duplicates = any_number(g),
                .reordered = any_number(g),
                .restarts = any_number(g),
                .lost_before = any_number(g),
                .expected_prior = (uint32_t)any_number(g),
                .received_prior = (uint32_t)any_number(g),
                .received_now = (uint32_t)any_number(g),
                .duplicates_now = (uint32_t)any_number(g)},
            .quality = any_bool(g) ? any_quality(g, resume) : NULL,
        };
    }
    return ssrcs;
}

static void any_stream(struct gen *g, struct relay_resume *resume, uint32_t id)
{
    struct relay_resume_stream *s = &resume->streams[resume->stream_count++];
    *s = (struct relay_resume_stream){
        .stream = id,
        .last_packet_us = {(int64_t)any_number(g), (int64_t)any_number(g)},
        .idle_ms = any_number(g),
        .rtt_us = (uint32_t)any_number(g),
    };
    for (unsigned c = 0; c < COUNT_OF(s->in); c++) {
        s->in[c] = (struct relay_counts){any_number(g), any_number(g), any_number(g)};
        s->out[c] = (struct relay_counts){any_number(g), any_number(g), any_number(g)};
    }
    s->ssrc_in = any_ssrcs(g, resume, &s->ssrc_in_count);
    s->ssrc_out = any_ssrcs(g, resume, &s->ssrc_out_count);
}

static struct relay_resume *any_media(struct gen *g)
{
    struct relay_resume *resume = relay_resume_new();
    size_t transports = gen_below(g, 4), streams = gen_below(g, 4);
    resume->exact = any_bool(g);
    resume->transports = relay_resume_alloc(resume, transports, sizeof(*resume->transports));
    resume->streams = relay_resume_alloc(resume, streams, sizeof(*resume->streams));
    for (uint32_t i = 0; i < transports; i++)
        any_transport(g, resume, 1 + 3 * i + (uint32_t)gen_below(g, 3));
    for (uint32_t i = 0; i < streams; i++)
        any_stream(g, resume, 1 + 3 * i + (uint32_t)gen_below(g, 3));
    return resume;
}

/* --- the same media --- */

#define SAME(member) assert_true(a->member == b->member)
#define SAME_BYTES(member, len) assert_memory_equal(a->member, b->member, (len))
#define SAME_ADDRESS(member) assert_true(address_equal(&a->member, &b->member))

static void same_session(const struct relay_resume_session *a, const struct relay_resume_session *b)
{
    SAME(suite);
    SAME_BYTES(key, sizeof(a->key));
    SAME_BYTES(salt, sizeof(a->salt));
    SAME(mark_count);
    for (uint32_t i = 0; i < a->mark_count; i++) {
        SAME(marks[i].ssrc);
        SAME(marks[i].has_rtp);
        SAME(marks[i].has_rtcp);
        SAME(marks[i].seq);
        SAME(marks[i].roc);
        SAME(marks[i].rtcp_index);
    }
}

static void same_dtls(const struct dtls_saved *a, const struct dtls_saved *b)
{
    assert_true((a == NULL) == (b == NULL));
    if (a == NULL)
        return;
    SAME(state);
    SAME(role);
    SAME_BYTES(digests, sizeof(a->digests));
    SAME(keys.profile);
    SAME(keys.key_len);
    SAME(keys.salt_len);
    SAME_BYTES(keys.tx_key, sizeof(a->keys.tx_key));
    SAME_BYTES(keys.tx_salt, sizeof(a->keys.tx_salt));
    SAME_BYTES(keys.rx_key, sizeof(a->keys.rx_key));
    SAME_BYTES(keys.rx_salt, sizeof(a->keys.rx_salt));
    SAME(flight_len);
    SAME(farewell_len);
    SAME_BYTES(flight, sizeof(a->flight));
    SAME_BYTES(farewell, sizeof(a->farewell));
}

static void same_name(const struct ice_name *a, const struct ice_name *b)
{
    SAME(len);
    SAME_BYTES(data, a->len);
}

static void same_pair(const struct ice_saved_pair *a, const struct ice_saved_pair *b)
{
    SAME(local.component);
    SAME(local.index);
    SAME_ADDRESS(remote);
    SAME(priority);
    SAME(checked_ago_ms);
    SAME(nominated_ago_ms);
    SAME(media_ago_ms);
    SAME(generation);
    SAME(nominated);
    SAME(nominating);
    SAME(signalled);
    SAME(selected);
    SAME(sender_len);
    SAME_BYTES(sender, sizeof(a->sender));
}

static void same_ice(const struct ice_saved *a, const struct ice_saved *b)
{
    assert_true((a == NULL) == (b == NULL));
    if (a == NULL)
        return;
    SAME(generation);
    SAME(previous_generation);
    SAME(previous_left_ms);
    same_name(&a->previous.local_ufrag, &b->previous.local_ufrag);
    same_name(&a->previous.local_pwd, &b->previous.local_pwd);
    same_name(&a->previous.remote_ufrag, &b->previous.remote_ufrag);
    SAME(pair_count);
    for (uint32_t i = 0; i < a->pair_count; i++)
        same_pair(&a->pairs[i], &b->pairs[i]);
}

static void same_component(
    const struct relay_resume_component *a, const struct relay_resume_component *b)
{
    SAME(local);
    SAME(consent_expired);
    SAME_ADDRESS(learning.signalled);
    SAME_ADDRESS(learning.target);
    SAME_ADDRESS(learning.source);
    SAME(learning.best);
    SAME(learning.settled);
    SAME(learning.window_left_ms);
    same_session(&a->rx, &b->rx);
    same_session(&a->tx, &b->tx);
    same_dtls(a->dtls, b->dtls);
    SAME_ADDRESS(dtls_peer);
    SAME(dtls_local);
}

static void same_transport(
    const struct relay_resume_transport *a, const struct relay_resume_transport *b)
{
    SAME(transport);
    SAME(signalled);
    SAME(ice_generation);
    SAME(dtls_generation);
    SAME(ice_idle_ms);
    same_ice(a->ice, b->ice);
    for (unsigned i = 0; i < COUNT_OF(a->components); i++)
        same_component(&a->components[i], &b->components[i]);
    SAME(tuple_count);
    for (uint32_t i = 0; i < a->tuple_count; i++) {
        SAME_ADDRESS(tuples[i].remote);
        SAME(tuples[i].local);
    }
    SAME(learned_count);
    for (uint32_t i = 0; i < a->learned_count; i++) {
        SAME(learned[i].ssrc);
        SAME(learned[i].stream);
    }
}

static void same_sums(const struct quality_sums *a, const struct quality_sums *b)
{
    assert_memory_equal(a, b, sizeof(*a)); /* six numbers of one size */
}

static void same_sample(const struct quality_sample *a, const struct quality_sample *b)
{
    SAME(at_ms);
    SAME(mos_10);
    SAME(rtt_us);
    SAME(rtt_leg_us);
    SAME(jitter_ms);
    SAME(loss_percent);
}

static void same_quality(const struct quality *a, const struct quality *b)
{
    assert_true((a == NULL) == (b == NULL));
    if (a == NULL)
        return;
    same_sums(&a->all, &b->all);
    same_sample(&a->lowest, &b->lowest);
    same_sample(&a->highest, &b->highest);
    SAME(lost);
    SAME(started_ms);
    SAME(last_ms);
    SAME(interval_ms);
    SAME(progression_count);
    for (size_t i = 0; i < a->progression_count; i++)
        same_sums(&a->progression[i], &b->progression[i]);
}

static void same_reception(const struct reception *a, const struct reception *b)
{
    SAME(started);
    SAME(highest);
    SAME(wraps);
    SAME(first);
    SAME(next_bad);
    SAME(seen);
    SAME(clock_rate);
    SAME(transit);
    SAME(jitter_16);
    SAME(received);
    SAME(duplicates);
    SAME(reordered);
    SAME(restarts);
    SAME(lost_before);
    SAME(expected_prior);
    SAME(received_prior);
    SAME(received_now);
    SAME(duplicates_now);
}

static void same_ssrc(const struct relay_resume_ssrc *a, const struct relay_resume_ssrc *b)
{
    SAME(ssrc);
    SAME(packets);
    SAME(bytes);
    SAME(last_timestamp);
    SAME(idle_ms);
    SAME(reported_lost);
    SAME(seq_known);
    SAME(seq_last);
    SAME(seq_shift);
    same_reception(&a->reception, &b->reception);
    same_quality(a->quality, b->quality);
}

static void same_stream(const struct relay_resume_stream *a, const struct relay_resume_stream *b)
{
    SAME(stream);
    SAME_BYTES(in, sizeof(a->in));
    SAME_BYTES(out, sizeof(a->out));
    SAME_BYTES(last_packet_us, sizeof(a->last_packet_us));
    SAME(idle_ms);
    SAME(rtt_us);
    SAME(ssrc_in_count);
    SAME(ssrc_out_count);
    for (uint32_t i = 0; i < a->ssrc_in_count; i++)
        same_ssrc(&a->ssrc_in[i], &b->ssrc_in[i]);
    for (uint32_t i = 0; i < a->ssrc_out_count; i++)
        same_ssrc(&a->ssrc_out[i], &b->ssrc_out[i]);
}

static void same_media(const struct relay_resume *a, const struct relay_resume *b)
{
    SAME(exact);
    SAME(transport_count);
    SAME(stream_count);
    for (uint32_t i = 0; i < a->transport_count; i++)
        same_transport(&a->transports[i], &b->transports[i]);
    for (uint32_t i = 0; i < a->stream_count; i++)
        same_stream(&a->streams[i], &b->streams[i]);
}

/* --- the tests --- */

/* Reads the dictionary "media" of what was parsed. */
static struct relay_resume *read_media(const struct ng_value *record, struct call_record_why *why)
{
    struct fields_reader reader = {.why = why->text};
    const struct fields f = {.reader = &reader, .index = -1, .value = record};
    return record_read_media(&f);
}

static void any_media_comes_back_as_it_was(void **state)
{
    (void)state;
    static uint8_t bytes[1 << 20];
    struct gen g = gen_start();
    for (int round = 0; round < 300; round++) {
        struct relay_resume *media = any_media(&g);
        struct ng_arena arena;
        struct call_record_why why = {""};
        ng_arena_init(&arena, ARENA);
        struct ng_value *written = ng_dict(&arena), *read;
        record_put_media(&arena, written, media);
        assert_true(ng_arena_ok(&arena));
        struct writer w = writer_over(bytes, sizeof(bytes));
        bencode_write(&w, written);
        assert_int_equal(
            bencode_parse_up_to(writer_bytes(&w), sizeof(bytes), &arena, &read, NULL), BENCODE_OK);
        struct relay_resume *again = read_media(read, &why);
        assert_string_equal(why.text, "");
        assert_non_null(again);
        same_media(media, again);
        relay_resume_free(again);
        relay_resume_free(media);
        ng_arena_done(&arena);
    }
}

struct refusal {
    const char *media; /* the dictionary */
    const char *why;
};

#define IN_TRANSPORT(rest) "d10:transportsld2:idi1e" rest "eee"
#define IN_COMPONENT(rest) IN_TRANSPORT("10:componentsld" rest "ee")
#define IN_PAIR(rest) IN_TRANSPORT("3:iced5:pairsld" rest "eee")
#define IN_STREAM(rest) "d7:streamsld2:idi1e" rest "eee"
#define KEY_AND_SALT "3:key16:0123456789abcdef4:salt14:0123456789abcd"
#define SUITE "5:suite23:AES_CM_128_HMAC_SHA1_80"

static const struct refusal refusals[] = {
    {"i1e", "media: not a dictionary"},
    {"d5:exacti2ee", "media.exact: 2 is not within 0 and 1"},
    {"d10:transportsi1ee", "media.transports: not a list"},
    {"d10:transportsli1eee", "media.transports: entry 0 is not a dictionary"},
    {"d10:transportsldeee", "media.transports[0].id: missing"},
    {"d10:transportsld2:idi0eeee", "media.transports[0].id: 0 is not within 1 and 4294967295"},
    {"d10:transportsld2:idi7eed2:idi7eeee", "media.transports[1].id: 7 is the id of two"},
    {IN_TRANSPORT("9:signalledi-1e"),
        "media.transports[0].signalled: -1 is not within 0 and 4294967295"},
    {IN_TRANSPORT("10:componentsldededee"), "media.transports[0].components: more than 2 entries"},
    {IN_TRANSPORT("6:tuplesldee"), "media.transports[0].tuples[0].remote: missing"},
    {IN_TRANSPORT("6:tuplesld6:remote3:abcee"),
        "media.transports[0].tuples[0].remote: not an address with a port"},
    {IN_TRANSPORT("6:tuplesld6:remote9:192.0.2.1ee"),
        "media.transports[0].tuples[0].remote: not an address with a port"},
    {IN_COMPONENT("5:locali256e"),
        "media.transports[0].components[0].local: 256 is not within 0 and 255"},
    {IN_COMPONENT("8:learningd4:best4:goode"),
        "media.transports[0].components[0].learning.best: not a word that is known"},
    {IN_COMPONENT("2:rxde"), "media.transports[0].components[0].rx.suite: not one that is known"},
    {IN_COMPONENT("2:rxd" SUITE "3:key15:0123456789abcdee"),
        "media.transports[0].components[0].rx.key: not of 16 bytes"},
    {IN_COMPONENT("2:rxd" SUITE "3:key17:0123456789abcdefge"),
        "media.transports[0].components[0].rx.key: longer than 16 bytes"},
    {IN_COMPONENT("2:txd" SUITE KEY_AND_SALT "5:marksld4:ssrci9eed4:ssrci9eeee"),
        "media.transports[0].components[0].tx.marks[1].ssrc: 9 is the SSRC of two"},
    {IN_COMPONENT("2:txd" SUITE KEY_AND_SALT "5:marksld3:seqi65536eeee"),
        "media.transports[0].components[0].tx.marks[0].seq: 65536 is not within 0 and 65535"},
    {IN_COMPONENT("4:dtlsde"),
        "media.transports[0].components[0].dtls.state: the handshake is not complete"},
    {IN_COMPONENT("4:dtlsd5:state8:verifiede"),
        "media.transports[0].components[0].dtls.role: missing"},
    {IN_COMPONENT("4:dtlsd5:state8:verified4:role7:passivee"),
        "media.transports[0].components[0].dtls.suite: not one of DTLS that is known"},
    {IN_COMPONENT("4:dtlsd5:state6:failed4:role7:passivee"),
        "media.transports[0].components[0].dtls.state: the handshake is not complete"},
    {IN_COMPONENT("4:dtlsd5:state8:verified4:role7:passive5:suite23:AES_256_CM_HMAC_SHA1_80e"),
        "media.transports[0].components[0].dtls.suite: not one of DTLS that is known"},
    {IN_PAIR(""), "media.transports[0].ice.pairs[0].remote: missing"},
    {IN_PAIR("6:remote11:192.0.2.1:59:componenti3e"),
        "media.transports[0].ice.pairs[0].component: not 1 or 2"},
    {IN_PAIR("6:remote11:192.0.2.1:59:componenti1e6:sender33:012345678901234567890123456789012"),
        "media.transports[0].ice.pairs[0].sender: longer than 32 bytes"},
    {IN_STREAM("8:ssrcs-inld4:ssrci1eed4:ssrci1eee"),
        "media.streams[0].ssrcs-in[1].ssrc: 1 is the SSRC of two"},
    {IN_STREAM("8:ssrcs-inld7:qualityi1eee"),
        "media.streams[0].ssrcs-in[0].quality: not a dictionary"},
    {IN_STREAM("3:rtti-1e"), "media.streams[0].rtt: -1 is not within 0 and 4294967295"},
    {"d7:streamsldeee", "media.streams[0].id: missing"},
    {"d7:streamsld2:idi2eed2:idi2eeee", "media.streams[1].id: 2 is the id of two"},
};

static void what_breaks_a_bound_is_refused_by_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        char bytes[1024];
        struct ng_arena arena;
        struct ng_value *record;
        struct call_record_why why = {""};
        int len = snprintf(bytes, sizeof(bytes), "d5:media%se", refusals[i].media);
        ng_arena_init(&arena, ARENA);
        if (bencode_parse(bytes_of(bytes, (size_t)len), &arena, &record, NULL) != BENCODE_OK)
            fail_msg("not bencode: %s", bytes);
        assert_null(read_media(record, &why));
        assert_string_equal(why.text, refusals[i].why);
        ng_arena_done(&arena);
    }
}

static void lists_have_a_length(void **state)
{
    static const struct {
        const char *before, *entry, *after, *why;
        unsigned max;
    } lists[] = {
        {"d7:streamsl", "de", "ee", "media.streams: more than 64 entries", 64},
        {"d10:transportsl", "de", "ee", "media.transports: more than 64 entries", 64},
        {"d10:transportsld2:idi1e7:learnedl", "de", "eeee",
            "media.transports[0].learned: more than 64 entries", 64},
        {"d10:transportsld2:idi1e6:tuplesl", "de", "eeee",
            "media.transports[0].tuples: more than 16 entries", 16},
        {"d7:streamsld2:idi1e9:ssrcs-outl", "de", "eeee",
            "media.streams[0].ssrcs-out: more than 16 entries", 16},
        {"d10:transportsld2:idi1e3:iced5:pairsl", "de", "eeeee",
            "media.transports[0].ice.pairs: more than 16 entries", 16},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        struct str bytes = {0};
        struct ng_arena arena;
        struct ng_value *record;
        struct call_record_why why = {""};
        str_addf(&bytes, "d5:media%s", lists[i].before);
        for (unsigned n = 0; n <= lists[i].max; n++)
            str_add_string(&bytes, lists[i].entry);
        str_addf(&bytes, "%se", lists[i].after);
        ng_arena_init(&arena, ARENA);
        assert_int_equal(
            bencode_parse(text_bytes(str_text(&bytes)), &arena, &record, NULL), BENCODE_OK);
        assert_null(read_media(record, &why));
        assert_string_equal(why.text, lists[i].why);
        ng_arena_done(&arena);
        str_done(&bytes);
    }
}

/* --- what is kept --- */

static const char *document, *folder; /* docs/store.md, tests/vectors/records/v1 */

static struct bytes read_file(const char *path)
{
    FILE *file = fopen(path, "re");
    struct str content = {0};
    char part[4096];
    if (file == NULL)
        fail_msg("no file %s", path);
    for (size_t len; (len = fread(part, 1, sizeof(part), file)) > 0;)
        str_add(&content, text_of(part, len));
    fclose(file);
    size_t len = content.len;
    return bytes_of(str_take(&content), len);
}

static void expect_documented(const struct ng_value *value, struct text all)
{
    char quoted[64];
    for (const struct ng_value *at = value->first; at != NULL; at = at->next) {
        snprintf(quoted, sizeof(quoted), "`%.*s`", TEXT_ARG(at->key));
        if (at->key.len > 0 && memmem(all.data, all.len, quoted, strlen(quoted)) == NULL)
            fail_msg("%s is not in the document", quoted);
        expect_documented(at, all);
    }
}

static void every_name_is_documented(void **state)
{
    (void)state;
    struct bytes all = read_file(document);
    struct gen g = gen_start();
    for (int round = 0; round < 50; round++) {
        struct relay_resume *media = any_media(&g);
        struct ng_arena arena;
        ng_arena_init(&arena, ARENA);
        struct ng_value *record = ng_dict(&arena);
        record_put_media(&arena, record, media);
        expect_documented(record, text_from_bytes(all));
        ng_arena_done(&arena);
        relay_resume_free(media);
    }
    free((void *)(uintptr_t)all.data);
}

/* What was written once is read, to the last number: it would be written the same. */
static void expect_kept(const char *path)
{
    struct bytes bytes = read_file(path);
    struct record record;
    struct record_buffer buffer = {.data = NULL};
    struct call_record_why why = {""};
    assert_int_equal(record_open(&record, bytes, &why), RECORD_OK);
    struct dtls_certificate *certificate = dtls_certificate_import(record.head.certificate);
    assert_non_null(certificate);
    struct call *call = call_record_read(record.tree, &why);
    struct relay_resume *media = record_media(&record, &why);
    if (call == NULL || media == NULL)
        fail_msg("%s: %s", path, why.text);
    struct bytes again = record_write(&buffer, &record.head, call, media);
    assert_int_equal(again.len, bytes.len);
    assert_memory_equal(again.data, bytes.data, bytes.len);
    record_buffer_done(&buffer);
    relay_resume_free(media);
    call_free(call);
    dtls_certificate_unref(certificate);
    record_close(&record);
    free((void *)(uintptr_t)bytes.data);
}

static void kept_records_are_read(void **state)
{
    static const char *const names[] = {"plain", "sdes", "browser", "bundle", "deleted"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/record-%s.bencode", folder, names[i]);
        expect_kept(path);
    }
}

static void a_record_may_be_too_large(void **state)
{
    (void)state;
    struct record record;
    struct call_record_why why = {""};
    size_t len = RECORD_MAX_SIZE + 2;
    char *list = malloc(len);
    memset(list, 'l', len);
    for (size_t i = 1; i < len - 2; i += 2)
        memcpy(list + i, "0:", 2);
    list[len - 1] = 'e';
    assert_int_equal(record_open(&record, bytes_of(list, len), &why), RECORD_MALFORMED);
    assert_non_null(strstr(why.text, "not bencode"));
    record_close(&record);
    free(list);
}

int main(int argc, char **argv)
{
    assert_int_equal(argc, 3);
    document = argv[1];
    folder = argv[2];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_media_comes_back_as_it_was),
        cmocka_unit_test(what_breaks_a_bound_is_refused_by_its_name),
        cmocka_unit_test(lists_have_a_length),
        cmocka_unit_test(every_name_is_documented),
        cmocka_unit_test(kept_records_are_read),
        cmocka_unit_test(a_record_may_be_too_large),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
