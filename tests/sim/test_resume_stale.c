/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A relay that went on after its last save and is gone. The next one knows only what was saved, and
 * must not use an index that may have served: everything that reaches the parties is tapped, and
 * the key stream of each packet compared with all before it.
 */
#include "moves.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gen.h"
#include "resume_copy.h"
#include "rtpsec/packet.h"

enum { HEADER = 12, BLOCK = 16, TAP_MAX = 4096, STEP = 2500, SKIPPED = 1 << 13 };

static struct scene scene;
static struct browser alice, bob; /* their SRTP only */
static struct phone phone, phone_rtcp;
static uint8_t keys[4][PLAN_MAX_KEY];

/* --- the tap -----------------------------------------------------------------------------------
 */

struct tapped {
    uint32_t ssrc;
    bool is_rtcp;
    uint8_t nonce[BLOCK]; /* or what depends on it alone */
    size_t len;
    uint8_t datagram[200];
};

static struct tapped *tap;
static size_t tap_count;
static size_t reused;

static void (*pass_on)(struct sim_peer *self, const struct address *from, struct bytes datagram);

/* A payload is BLOCK times the low byte of its timestamp, so the key stream shows. */
static struct tapped read_nonce(struct bytes datagram)
{
    struct tapped t = {.is_rtcp = rtp_is_rtcp(datagram), .len = datagram.len};
    struct reader r = reader_over(datagram);
    assert_in_range(datagram.len, HEADER + BLOCK, sizeof(t.datagram));
    memcpy(t.datagram, datagram.data, datagram.len);
    if (t.is_rtcp) {
        reader_take(&r, 4);
        t.ssrc = reader_u32(&r);
        uint32_t index = rtpsec_read_rtcp_index(rtpsec_suite(RTPSEC_AEAD_AES_128_GCM), datagram);
        memcpy(t.nonce, &index, sizeof(index));
        return t;
    }
    reader_take(&r, 8);
    t.ssrc = reader_u32(&r);
    for (int i = 0; i < BLOCK; i++)
        t.nonce[i] = reader_u8(&r) ^ datagram.data[7];
    return t;
}

static bool same_nonce(const struct tapped *a, const struct tapped *b)
{
    return a->ssrc == b->ssrc && a->is_rtcp == b->is_rtcp && memcmp(a->nonce, b->nonce, BLOCK) == 0;
}

static bool same_packet(const struct tapped *a, const struct tapped *b)
{
    return a->len == b->len && memcmp(a->datagram, b->datagram, a->len) == 0;
}

static void listen_in(struct sim_peer *self, const struct address *from, struct bytes datagram)
{
    struct tapped t = read_nonce(datagram);
    for (size_t i = 0; i < tap_count; i++)
        reused += same_nonce(&tap[i], &t) && !same_packet(&tap[i], &t);
    assert_true(tap_count < TAP_MAX);
    tap[tap_count++] = t;
    pass_on(self, from, datagram);
}

/* --- the scene ---------------------------------------------------------------------------------
 */

static void give_keys(struct plan_transport *t, struct browser *b, unsigned rx, unsigned tx)
{
    const struct rtpsec_suite *suite = rtpsec_suite(RTPSEC_AEAD_AES_128_GCM);
    t->security = PLAN_SDES;
    t->rtcp_mux = true;
    t->srtp_rx->suite = t->srtp_tx->suite = suite;
    memcpy(t->srtp_rx->key, keys[rx], PLAN_MAX_KEY);
    memcpy(t->srtp_tx->key, keys[tx], PLAN_MAX_KEY);
    browser_use_keys(b, suite, keys[tx], keys[rx]);
    b->relay = t->locals[0].rtp;
}

/* Alice hears Bob, who has SRTP, and a phone in the clear; both hear Alice. */
static int three_parties(void **state)
{
    (void)state;
    struct gen g = {.state = 42};
    gen_fill(&g, &keys[0][0], sizeof(keys));
    scene_open(&scene);
    browser_join(&alice, "192.0.2.1:5000", RELAY_IP ":30002", NULL);
    browser_join(&bob, "192.0.2.3:5000", RELAY_IP ":30006", NULL);
    phone_join(&phone, "192.0.2.2:6000", RELAY_IP ":30004");
    phone_join(&phone_rtcp, "192.0.2.2:6001", RELAY_IP ":30004");
    give_keys(scene_leased(&scene, 1, "192.0.2.1:5000"), &alice, 0, 1);
    scene_leased(&scene, 2, "192.0.2.2:6000");
    give_keys(scene_leased(&scene, 3, "192.0.2.3:5000"), &bob, 2, 3);
    struct plan_stream *a = scene_stream(&scene, 11, 1);
    struct plan_stream *b = scene_stream(&scene, 12, 2);
    struct plan_stream *c = scene_stream(&scene, 13, 3);
    scene_connect(a, b);
    scene_connect(a, c);
    scene_apply(&scene);
    pass_on = alice.peer.receive;
    alice.peer.receive = listen_in;
    tap_count = reused = 0;
    return 0;
}

static int close_scene(void **state)
{
    (void)state;
    scene_check_sums(&scene);
    browser_leave(&alice);
    browser_leave(&bob);
    sim_leave(&phone.peer);
    sim_leave(&phone_rtcp.peer);
    scene_close(&scene);
    return 0;
}

static struct speech speech(uint32_t ssrc, uint64_t index)
{
    static uint32_t timestamp;
    static char payload[BLOCK + 1];
    timestamp += timestamp % 256 == 255 ? 2 : 1; /* a payload has no zero */
    memset(payload, (int)(timestamp & 0xff), BLOCK);
    return (struct speech){
        .ssrc = ssrc, .seq = (uint16_t)index, .timestamp = timestamp, .payload = payload};
}

enum { SSRC_BOB = 0xb, SSRC_PHONE = 0xc };

static void bob_says(uint64_t index)
{
    struct speech s = speech(SSRC_BOB, index);
    browser_say(&bob, &s);
    sim_settle();
}

static void phone_says(uint64_t index)
{
    struct speech s = speech(SSRC_PHONE, index);
    phone_say(&phone, &s);
    sim_settle();
}

static void says_rtcp(struct phone *who, uint32_t ssrc)
{
    static uint64_t ntp;
    uint8_t memory[200];
    struct writer w = writer_over(memory, sizeof(memory));
    struct rtcp_sender sender = {.ssrc = ssrc, .ntp = ++ntp};
    rtcp_write_sr(&w, &sender, NULL, 0);
    phone_send(who, &who->relay_rtcp, writer_bytes(&w));
    sim_settle();
}

static struct rtp_packet last_heard(void)
{
    struct rtp_packet rtp;
    assert_int_equal(rtp_parse(inbox_back(&alice.inbox, 0), &rtp), RTP_OK);
    return rtp;
}

static void crash_and_resume(uint64_t age_ms)
{
    scene_crash(&scene);
    scene_resume(&scene, age_ms);
}

/* --- SRTP from end to end ----------------------------------------------------------------------
 */

/* Whatever the saver has sent since, the next packet of the sender is deciphered at once. */
static void goes_on_behind_what_was_sent_since(void **state)
{
    (void)state;
    static const uint64_t saves[] = {100, 40000, 65535, 65536, 3 * 65536 + 20000};
    static const uint64_t later[] = {1, 2, 30, 5000, 25536, 32000};
    for (size_t i = 0; i < COUNT_OF(saves) * COUNT_OF(later); i++) {
        uint64_t save = saves[i % COUNT_OF(saves)], at = save % STEP;
        uint64_t next = save + later[i / COUNT_OF(saves)];
        for (; at < save; at += STEP)
            bob_says(at);
        bob_says(save);
        scene_save(&scene, RELAY_SAVE_COPY);
        for (at = save + STEP; at < next - 1; at += STEP)
            bob_says(at);
        if (next - 1 > save)
            bob_says(next - 1);
        crash_and_resume(1000);

        size_t heard = alice.inbox.count;
        bob_says(next + 2);
        bob_says(next + 3);
        assert_int_equal(alice.inbox.count, heard + 2);
        assert_int_equal(last_heard().seq, (uint16_t)(next + 3));
        assert_int_equal(alice.undecipherable + reused, 0);

        close_scene(NULL); /* and from the beginning */
        three_parties(NULL);
    }
}

/* Between the mark and the first packet lies what the saver may have sent. */
static void what_lies_between_is_never_sent(void **state)
{
    (void)state;
    bob_says(1000);
    scene_save(&scene, RELAY_SAVE_COPY);
    for (uint64_t at = 1001; at < 1050; at++)
        bob_says(at);
    crash_and_resume(0);
    bob_says(1060);
    size_t heard = alice.inbox.count;
    uint64_t replays = sim_drops(DROP_SRTP_REPLAY);
    bob_says(1059); /* was under way, or never came: nobody knows */
    assert_int_equal(alice.inbox.count, heard);
    assert_int_equal(sim_drops(DROP_SRTP_REPLAY), replays + 1);
    bob_says(1062);
    bob_says(1061);
    assert_int_equal(alice.inbox.count, heard + 2);
    assert_int_equal(alice.undecipherable + reused, 0);
}

/* Nor is it heard again by those who have no SRTP to tell a replay. */
static void what_lies_between_is_never_heard(void **state)
{
    (void)state;
    struct speech first = speech(0xa, 1000), late = speech(0xa, 1059), next = speech(0xa, 1060);
    browser_say(&alice, &first);
    sim_settle();
    scene_save(&scene, RELAY_SAVE_COPY);
    crash_and_resume(0);
    browser_say(&alice, &next);
    sim_settle();
    browser_say(&alice, &late);
    sim_settle();
    assert_int_equal(phone.inbox.count, 2);
    assert_int_equal(sim_drops(DROP_SRTP_REPLAY), 1);
}

/* The next relay has said nothing yet, and its call moves on. */
static void doubts_move_on_with_the_call(void **state)
{
    (void)state;
    bob_says(1000);
    phone_says(1000);
    says_rtcp(&phone_rtcp, 0x77);
    scene_save(&scene, RELAY_SAVE_COPY);
    for (uint64_t at = 1001; at < 1050; at++) {
        bob_says(at);
        phone_says(at);
        says_rtcp(&phone_rtcp, 0x77);
        says_rtcp(&phone_rtcp, 0x88);
    }
    crash_and_resume(0);
    scene_move(&scene);
    bob_says(1060);
    size_t heard = alice.inbox.count;
    bob_says(1059);
    assert_int_equal(alice.inbox.count, heard);
    for (uint64_t at = 1001; at < 1060; at++)
        phone_says(at);
    says_rtcp(&phone_rtcp, 0x77);
    says_rtcp(&phone_rtcp, 0x88);
    assert_int_equal(alice.inbox.count, heard + 59 + 2);
    assert_int_equal(alice.undecipherable + reused, 0);
}

/* A stranger repeats what he has seen on its way to the saver: it gives the same packets again. */
static void a_replay_gives_the_same_packet(void **state)
{
    (void)state;
    uint8_t copies[20][200];
    size_t lens[20];
    bob_says(1000);
    scene_save(&scene, RELAY_SAVE_COPY);
    for (uint64_t i = 0; i < 20; i++) {
        struct speech s = speech(SSRC_BOB, 1001 + i);
        struct bytes sent = browser_send(&bob, speech_bytes(&s));
        lens[i] = sent.len;
        memcpy(copies[i], sent.data, sent.len);
        sim_settle();
    }
    crash_and_resume(0);
    size_t heard = alice.inbox.count;
    for (size_t i = 0; i < 20; i++)
        sim_send(&bob.peer.address, &bob.relay, bytes_of(copies[i], lens[i]));
    sim_settle();
    assert_int_equal(alice.inbox.count, heard);
    assert_int_equal(tap_count, 41);
    assert_int_equal(reused, 0);
    bob_says(1021);
    assert_int_equal(alice.inbox.count, heard + 1);
}

/* --- from the clear to SRTP --------------------------------------------------------------------
 */

static void numbers_of_a_plain_sender_jump(void **state)
{
    (void)state;
    static const uint64_t saves[] = {100, 50000, 65535, 100000};
    for (size_t i = 0; i < COUNT_OF(saves); i++) {
        for (uint64_t at = saves[i] % STEP; at < saves[i]; at += STEP)
            phone_says(at);
        phone_says(saves[i]);
        scene_save(&scene, RELAY_SAVE_COPY);
        for (uint64_t at = 1; at < 40; at++)
            phone_says(saves[i] + at);
        crash_and_resume(3000);
        uint64_t first = saves[i] + 50;
        for (uint64_t at = 0; at < 10; at++) {
            phone_says(first + at);
            assert_int_equal(last_heard().seq, (uint16_t)(saves[i] + SKIPPED + 1 + at));
        }
        phone_says(first + 11); /* overtakes one: from here on all as ever */
        assert_int_equal(last_heard().seq, (uint16_t)(saves[i] + SKIPPED + 1 + 11));
        phone_says(first + 10);
        assert_int_equal(last_heard().seq, (uint16_t)(saves[i] + SKIPPED + 1 + 10));
        assert_int_equal(alice.undecipherable + reused, 0);
        close_scene(NULL);
        three_parties(NULL);
    }
}

/* Beyond the last index there is nothing to skip to. */
static void the_last_turn_has_an_end(void **state)
{
    (void)state;
    phone_says(60000);
    scene_save(&scene, RELAY_SAVE_COPY);
    scene.saved->transports[0].components[0].tx.marks[0].roc = UINT32_MAX;
    crash_and_resume(0);
    for (uint64_t at = 60001; at < 60010; at++)
        phone_says(at);
    assert_int_equal(tap_count, 1);
    assert_true(sim_drops(DROP_SRTP_FAILED) + sim_drops(DROP_SRTP_REPLAY) >= 9);
}

/* Anybody can choose the number of a packet in the clear: one that the saver has used, say. */
static void a_plain_sender_can_repeat_no_index(void **state)
{
    (void)state;
    phone_says(1000);
    scene_save(&scene, RELAY_SAVE_COPY);
    for (uint64_t at = 1001; at < 1100; at++)
        phone_says(at);
    crash_and_resume(0);
    for (uint64_t at = 1001; at < 1100; at++)
        phone_says(at);
    for (uint64_t at = 900; at < 1200; at++)
        phone_says(at - SKIPPED);
    for (uint64_t at = 900; at < 1200; at++)
        phone_says(at + 40000);
    for (uint64_t at = 900; at < 1200; at++)
        phone_says(at);
    assert_true(tap_count > 600);
    assert_int_equal(alice.undecipherable + reused, 0);
}

/* And so can a sender that has begun anew, before or after. */
static void a_plain_sender_may_begin_anew(void **state)
{
    (void)state;
    for (uint64_t at = 1000; at < 1010; at++)
        phone_says(at);
    scene_save(&scene, RELAY_SAVE_COPY);
    for (uint64_t at = 30000; at < 30050; at++) /* goes on at 1010 */
        phone_says(at);
    assert_int_equal(last_heard().seq, 1009 + 49);
    crash_and_resume(0);
    for (uint64_t at = 30050; at < 30100; at++)
        phone_says(at);
    for (uint64_t at = 5; at < 50; at++)
        phone_says(at);
    assert_true(tap_count > 140);
    assert_int_equal(alice.undecipherable + reused, 0);
}

/* --- SRTCP -------------------------------------------------------------------------------------
 */

static void no_index_of_rtcp_serves_twice(void **state)
{
    (void)state;
    phone_says(1); /* has sent no RTCP when it is saved */
    says_rtcp(&phone_rtcp, 0x77);
    for (int crash = 0; crash < 3; crash++) {
        scene_save(&scene, RELAY_SAVE_COPY);
        for (int i = 0; i < 20; i++) {
            says_rtcp(&phone_rtcp, SSRC_PHONE);
            says_rtcp(&phone_rtcp, 0x77);
            says_rtcp(&phone_rtcp, 0x88); /* is not known when it is saved */
        }
        crash_and_resume(0);
    }
    says_rtcp(&phone_rtcp, 0x88);
    assert_int_equal(tap_count, 1 + 1 + 3 * 60 + 1);
    assert_int_equal(alice.inbox.count, tap_count);
    assert_int_equal(alice.undecipherable + reused, 0);
}

/* --- several from one save ---------------------------------------------------------------------
 */

/* Its numbers go on as far as they may before the next save. */
static void says_all_that_it_may(uint64_t phones, uint64_t bobs)
{
    static const uint64_t steps[] = {1, 2, STEP, 2 * STEP, 3 * STEP, SKIPPED - 1};
    for (size_t i = 0; i < COUNT_OF(steps); i++)
        phone_says(phones + steps[i]);
    for (uint64_t at = 1; at < 20; at++) {
        bob_says(bobs + at);
        says_rtcp(&phone_rtcp, SSRC_PHONE);
        says_rtcp(&phone_rtcp, 0x77);
        says_rtcp(&phone_rtcp, 0x88); /* is not known when it is saved */
    }
}

struct heirs {
    uint64_t mark;
    bool exact;     /* the saver did nothing more */
    unsigned quiet; /* bit n: the n-th of them hears nothing that it could hand on */
};

/* Three relays go on from one save, and none of them leaves another. */
static void three_go_on_from_one_save(struct heirs heirs)
{
    uint64_t bobs = 1000;
    for (uint64_t at = heirs.mark % STEP; at < heirs.mark; at += STEP)
        phone_says(at);
    phone_says(heirs.mark);
    bob_says(bobs);
    says_rtcp(&phone_rtcp, SSRC_PHONE);
    says_rtcp(&phone_rtcp, 0x77);
    scene_save(&scene, RELAY_SAVE_COPY);
    struct relay_resume *save = resume_copy(scene.saved);
    save->exact = heirs.exact;
    if (!heirs.exact)
        says_all_that_it_may(heirs.mark, bobs);
    for (uint32_t heir = 0; heir < RELAY_MAX_JUMPS + (heirs.exact ? 1u : 0u); heir++) {
        relay_resume_free(scene.saved);
        scene.saved = resume_copy(save);
        scene.saved->earlier = heir;
        assert_int_equal(relay_resume_jumps(scene.saved), heir + (heirs.exact ? 0 : 1));
        crash_and_resume(1000);
        bobs += 40;
        if ((heirs.quiet >> heir & 1) != 0)
            continue;
        size_t before = tap_count;
        says_all_that_it_may(heirs.mark, bobs); /* the numbers that have been used already */
        assert_int_equal(tap_count, before + 6 + 4 * 19);
    }
    relay_resume_free(save);
    phone_says(heirs.mark + SKIPPED);
}

static void each_of_several_has_indices_of_its_own(void **state)
{
    (void)state;
    static const uint64_t marks[] = {100, 50000, 65535, 131000};
    for (unsigned i = 0; i < 2 * 8 * COUNT_OF(marks); i++) {
        struct heirs heirs = {.mark = marks[i / 16], .exact = i % 2 != 0, .quiet = i / 2 % 8};
        three_go_on_from_one_save(heirs);
        assert_int_equal(reused, 0);
        assert_int_equal(alice.undecipherable, 0);
        assert_int_equal(alice.inbox.count, tap_count);
        close_scene(NULL);
        three_parties(NULL);
    }
}

/* --- all together ------------------------------------------------------------------------------
 */

static uint16_t saved_seq(uint32_t ssrc)
{
    const struct relay_resume_session *tx = &scene.saved->transports[0].components[0].tx;
    for (uint32_t i = 0; i < tx->mark_count; i++)
        if (tx->marks[i].ssrc == ssrc)
            return tx->marks[i].seq;
    return 0;
}

/* Who has gone on too far for what was saved is saved again. Returns whether it was heard. */
static bool phone_says_and_is_saved(uint64_t index)
{
    size_t before = tap_count;
    phone_says(index);
    if (tap_count == before)
        return false;
    if ((uint16_t)(last_heard().seq - saved_seq(SSRC_PHONE)) >= SKIPPED)
        scene_save(&scene, RELAY_SAVE_COPY);
    return true;
}

/* A sender in the clear that does what it likes, and one of SRTP that keeps its numbers. */
static void whatever_is_sent_no_index_serves_twice(void **state)
{
    (void)state;
    struct gen g = gen_start();
    for (int round = 0; round < 12; round++) {
        uint64_t bobs = gen_below(&g, 65536), phones = gen_below(&g, 65536);
        int crashes = 0; /* since the phone was heard */
        bob_says(bobs);
        phone_says(phones);
        scene_save(&scene, RELAY_SAVE_COPY);
        for (int step = 0; step < 250; step++) {
            switch (gen_below(&g, 12)) {
            case 0:
                phones += gen_below(&g, 65536);
                break;
            case 1:
                phones -= gen_below(&g, 300);
                break;
            case 2:
                if (gen_below(&g, 5) == 0)
                    scene_save(&scene, RELAY_SAVE_COPY);
                break;
            case 3:
                if (gen_below(&g, 10) == 0 && crashes++ < 3) {
                    crash_and_resume(gen_below(&g, 5000));
                    scene_save(&scene, RELAY_SAVE_COPY);
                }
                break;
            case 4:
                says_rtcp(&phone_rtcp, gen_below(&g, 2) ? SSRC_PHONE : 0x77);
                break;
            case 5:
            case 6:
                bobs += 1 + gen_below(&g, 40);
                bob_says(bobs);
                break;
            default:
                if (phone_says_and_is_saved(phones++))
                    crashes = 0;
                break;
            }
        }
        assert_int_equal(alice.undecipherable + reused, 0);
        close_scene(NULL);
        three_parties(NULL);
    }
}

/* --- ICE ---------------------------------------------------------------------------------------
 */

static struct browser browser;

static int browser_and_phone(void **state)
{
    (void)state;
    scene_open(&scene);
    browser_join(&browser, "192.0.2.1:5000", SHARED, NULL);
    phone_join(&phone, "192.0.2.2:6000", RELAY_IP ":30004");
    struct plan_transport *t = scene_webrtc(&scene, 1);
    scene_leased(&scene, 2, "192.0.2.2:6000");
    scene_know_browser(t, &browser);
    scene_point_browser(&browser, t);
    scene_connect(scene_stream(&scene, 11, 1), scene_stream(&scene, 12, 2));
    scene_apply(&scene);
    browser_connect(&browser);
    return 0;
}

static int close_browser(void **state)
{
    (void)state;
    scene_check_sums(&scene);
    browser_leave(&browser);
    sim_leave(&phone.peer);
    scene_close(&scene);
    return 0;
}

/* The saver may have been checked a moment before its end, an hour after its save. */
static void consent_has_ten_seconds_of_grace(void **state)
{
    (void)state;
    for (int checked = 0; checked < 2; checked++) {
        browser_check(&browser, CHECK_NOMINATE);
        sim_settle();
        scene_save(&scene, RELAY_SAVE_COPY);
        crash_and_resume(3600000);
        size_t heard = browser.inbox.count;
        phone_says((uint64_t)checked * 100);
        assert_int_equal(browser.inbox.count, heard + 1);
        sim_run(9900);
        if (checked)
            browser_check(&browser, CHECK_PLAIN);
        sim_run(200);
        phone_says((uint64_t)checked * 100 + 1);
        assert_int_equal(browser.inbox.count, heard + 1 + (size_t)checked);
        assert_int_equal(browser.undecipherable, 0);
    }
}

/* Its candidates come with the plan, also those that came up after the save. */
static void a_lite_peer_may_have_said_more(void **state)
{
    (void)state;
    struct plan_transport *t = &scene.transports[0];
    t->id = 3;
    strcpy(t->ice->local_ufrag, "tolite");
    t->ice->remote_lite = true;
    t->security = PLAN_PLAIN;
    scene.streams[0].transport = 3;
    scene_apply(&scene);
    scene_save(&scene, RELAY_SAVE_COPY);
    struct relay_resume *saved = scene.saved;
    scene.saved = NULL;
    t->ice->candidate_count = 1;
    t->ice->candidates[0] = (struct plan_candidate){
        .address = addr("192.0.2.77:7777"), .priority = 2130706431, .component = 1};
    scene_apply(&scene);
    scene.saved = saved;
    crash_and_resume(0);
    scene_query(&scene);
    assert_int_equal(scene_transport_state(&scene, 3)->remote[0].port, 7777);
}

#define tapped(f) cmocka_unit_test_setup_teardown(f, three_parties, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        tapped(goes_on_behind_what_was_sent_since),
        tapped(what_lies_between_is_never_sent),
        tapped(what_lies_between_is_never_heard),
        tapped(doubts_move_on_with_the_call),
        tapped(a_replay_gives_the_same_packet),
        tapped(numbers_of_a_plain_sender_jump),
        tapped(the_last_turn_has_an_end),
        tapped(a_plain_sender_can_repeat_no_index),
        tapped(a_plain_sender_may_begin_anew),
        tapped(no_index_of_rtcp_serves_twice),
        tapped(each_of_several_has_indices_of_its_own),
        tapped(whatever_is_sent_no_index_serves_twice),
        cmocka_unit_test_setup_teardown(
            consent_has_ten_seconds_of_grace, browser_and_phone, close_browser),
        cmocka_unit_test_setup_teardown(
            a_lite_peer_may_have_said_more, browser_and_phone, close_browser),
    };
    if (!rtpsec_init())
        return 1;
    tap = calloc(TAP_MAX, sizeof(*tap));
    int failed = tap == NULL ? 1 : cmocka_run_group_tests_name("resume stale", tests, NULL, NULL);
    free(tap);
    rtpsec_done();
    return failed;
}
