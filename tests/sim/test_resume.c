/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call that goes on in another relay, where time has passed or the clock is another one. That
 * nobody notices a move in an instant is what all other scenes show when they run with SIM_MOVES.
 */
#include "moves.h"
#include "web_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define NAT "203.0.113.9:12345"
#define STRANGER "203.0.113.66:666"

static int browser_and_phone(void **state)
{
    (void)state;
    web_call_begin();
    scene.streams[1].feedback = true;
    scene_apply(&scene);
    return 0;
}

static int browser_connected(void **state)
{
    browser_and_phone(state);
    browser_connect(&browser);
    return 0;
}

/* The relay is away for so long, and the next one's clock shows `now_ms`. */
static void move_for(uint64_t gap_ms, uint64_t now_ms)
{
    scene_save(&scene, RELAY_SAVE_AND_END);
    assert_true(scene.saved != NULL && scene.saved->exact);
    scene_close_relay(&scene);
    sim_set_clock(now_ms);
    scene_open_relay(&scene);
    scene_resume(&scene, gap_ms);
}

static void assert_rtcp(void)
{
    size_t heard = phone_rtcp.inbox.count, seen = browser.inbox.count;
    browser_send(&browser, compound(0xb));
    phone_send(&phone_rtcp, &phone.relay_rtcp, compound(0xc));
    sim_settle();
    assert_int_equal(phone_rtcp.inbox.count, heard + 1);
    assert_int_equal(browser.inbox.count, seen + 1);
    assert_int_equal(browser.undecipherable, 0);
}

/* --- asking ------------------------------------------------------------------------------------
 */

static void a_call_that_is_not_there_gives_nothing(void **state)
{
    (void)state;
    scene_end_call(&scene);
    scene_save(&scene, RELAY_SAVE_COPY);
    scene_save(&scene, RELAY_SAVE_AND_END);
    assert_int_equal(scene.saves, 2);
    assert_null(scene.saved);
}

static void a_copy_changes_nothing(void **state)
{
    (void)state;
    size_t sockets = sim_open_sockets();
    assert_talk();
    scene_save(&scene, RELAY_SAVE_COPY);
    assert_non_null(scene.saved);
    assert_false(scene.saved->exact);
    assert_int_equal(sim_open_sockets(), sockets);
    assert_int_equal(scene.closed[2], 0);
    assert_int_equal(counter_get(&counters()->dtls_released), 0);
    assert_talk();
}

static void the_end_is_silent_and_gives_the_ports_back(void **state)
{
    (void)state;
    size_t heard = browser.dtls_datagrams;
    uint64_t sent = sim_sent();
    scene_save(&scene, RELAY_SAVE_AND_END);
    assert_int_equal(scene.closed[2], 1);
    assert_int_equal(sim_open_sockets(), 2); /* the shared ones */
    assert_int_equal(sim_sent(), sent);
    assert_int_equal(browser.dtls_datagrams, heard);
    assert_int_equal(counter_get(&counters()->calls), 0);
    assert_int_equal(counter_get(&counters()->dtls_associations), 0);
    browser_say(&browser, &there);
    phone_say(&phone, &back);
    sim_settle();
    assert_int_equal(sim_sent(), sent);
}

/* The farewell was made by one relay and is said by another. */
static void the_last_relay_says_farewell(void **state)
{
    (void)state;
    scene_move(&scene);
    scene_move(&scene);
    assert_true(browser_is_connected(&browser));
    assert_talk();
    scene_end_call(&scene);
    assert_int_equal(dtls_association_state(browser.dtls), DTLS_CLOSED);
}

static void a_call_that_is_there_already_stays_as_it_is(void **state)
{
    (void)state;
    assert_talk();
    scene_save(&scene, RELAY_SAVE_COPY);
    assert_talk();
    struct relay_resume *old = scene.saved;
    scene.saved = NULL;
    scene_apply_resume(&scene, old);
    assert_talk();
}

/* --- learning ----------------------------------------------------------------------------------
 */

static void two_phones(enum plan_learning learning)
{
    web()->security = pbx()->security = PLAN_PLAIN;
    scene.plan.transport_count = scene.plan.stream_count = 0;
    scene.socket_count = 0;
    scene_leased(&scene, 3, "10.0.0.3:4000")->learning = learning; /* behind a NAT */
    scene_leased(&scene, 4, "192.0.2.2:6000");
    scene_connect(scene_stream(&scene, 13, 3), scene_stream(&scene, 14, 4));
    scene_apply(&scene);
    phone.relay_rtp = addr(RELAY_IP ":30008");
    phone.relay_rtcp = addr(RELAY_IP ":30009");
}

static void talks_to_a_learned_address_at_once(void **state)
{
    (void)state;
    static const uint64_t clocks_ms[] = {0, 5, 1000, 4000000};
    struct phone nat, nat_rtcp;
    two_phones(PLAN_LEARN_HEURISTIC);
    phone_join(&nat, NAT, RELAY_IP ":30006");
    phone_join(&nat_rtcp, "203.0.113.9:12399", RELAY_IP ":30006");
    phone_say(&nat, &there);
    phone_send(&nat_rtcp, &nat.relay_rtcp, compound(1));
    sim_run(4000);
    phone_say(&nat, &there);
    phone_send(&nat_rtcp, &nat.relay_rtcp, compound(1));
    sim_settle();
    for (size_t i = 0; i < COUNT_OF(clocks_ms); i++) {
        move_for(20000, clocks_ms[i]);
        phone_say(&phone, &back);
        phone_send(&phone_rtcp, &phone.relay_rtcp, compound(2));
        sim_settle();
        assert_int_equal(nat.inbox.count, i + 1);
        assert_int_equal(nat_rtcp.inbox.count, i + 1);
        scene_query(&scene);
        assert_true(scene_transport_state(&scene, 3)->confirmed);
        assert_true(address_equal(&scene_transport_state(&scene, 3)->remote[0], &nat.peer.address));

        struct address stranger = addr(STRANGER); /* the window stays shut */
        sim_send(&stranger, &nat.relay_rtp, speech_bytes(&there));
        sim_settle();
    }
    sim_leave(&nat.peer);
    sim_leave(&nat_rtcp.peer);
}

static void say_from(const char *source, const struct phone *like)
{
    struct address from = addr(source);
    sim_send(&from, &like->relay_rtp, speech_bytes(&there));
    sim_settle();
}

/* Opened for 3 s, of which 1 s is over when the relay goes away, for 1 s. */
static void a_window_ends_when_it_would_have(void **state)
{
    (void)state;
    static const struct {
        uint64_t later_ms;
        bool learns;
    } cases[] = {{900, true}, {1100, false}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct phone nat;
        two_phones(PLAN_LEARN_HEURISTIC);
        phone_join(&nat, NAT, RELAY_IP ":30006");
        say_from(STRANGER, &nat); /* better than nothing */
        sim_run(1000);
        move_for(1000, 777777);
        sim_run(cases[i].later_ms);
        say_from("10.0.0.3:777", &nat); /* the signalled address, another port */
        scene_query(&scene);
        bool learned = scene_transport_state(&scene, 3)->remote[0].port == 777;
        assert_int_equal(learned, cases[i].learns);
        sim_leave(&nat.peer);
        scene_end_call(&scene);
    }
}

static void a_strict_source_stays_strict(void **state)
{
    (void)state;
    two_phones(PLAN_LEARN_IMMEDIATE);
    scene.transports[0].strict_source = true;
    scene_apply(&scene);
    struct phone nat;
    phone_join(&nat, NAT, RELAY_IP ":30006");
    phone_say(&nat, &there);
    sim_settle();
    assert_int_equal(phone.inbox.count, 1);
    move_for(0, 5000);
    say_from(STRANGER, &nat);
    assert_int_equal(sim_drops(DROP_SOURCE_REFUSED), 1);
    say_from("10.0.0.3:4000", &nat); /* as signalled, but not as learned */
    assert_int_equal(sim_drops(DROP_SOURCE_REFUSED), 2);
    phone_say(&nat, &there);
    phone_say(&phone, &back);
    sim_settle();
    assert_int_equal(phone.inbox.count, 2);
    assert_int_equal(nat.inbox.count, 1);
    sim_leave(&nat.peer);
}

/* A record whose model is younger than its media: another offer came in between. */
static void a_later_offer_opens_a_window_of_its_own(void **state)
{
    (void)state;
    enum { THE_SAME, FIXED, ELSEWHERE };
    for (int offer = THE_SAME; offer <= ELSEWHERE; offer++) {
        struct phone nat;
        two_phones(PLAN_LEARN_HEURISTIC);
        phone_join(&nat, NAT, RELAY_IP ":30006");
        phone_say(&nat, &there);
        sim_run(4000);
        phone_say(&nat, &there);
        sim_settle();
        scene_save(&scene, RELAY_SAVE_COPY);
        scene.transports[0].signalled++;
        scene.transports[0].asymmetric = offer == FIXED;
        if (offer == ELSEWHERE)
            scene.transports[0].remote_rtp = addr("10.0.0.3:4444");
        scene_apply(&scene); /* what the crash leaves of it is the plan */
        scene_crash(&scene);
        scene_resume(&scene, 0);
        scene_query(&scene);
        const struct relay_transport_state *state_of_3 = scene_transport_state(&scene, 3);
        static const uint16_t ports[] = {12345, 4000, 4444};
        assert_false(state_of_3->confirmed);
        assert_int_equal(state_of_3->remote[0].port, ports[offer]);
        sim_leave(&nat.peer);
        scene_end_call(&scene);
    }
}

/* A phone that came to the second of two addresses hears from there. */
static void answers_from_the_address_that_was_used(void **state)
{
    (void)state;
    two_phones(PLAN_LEARN_HEURISTIC);
    struct plan_transport *t = &scene.transports[0];
    struct plan_transport *other = scene_leased(&scene, 5, NULL);
    t->locals[1] = other->locals[0];
    t->local_count = 2;
    scene.plan.transport_count--;
    scene_apply(&scene);
    struct phone nat;
    phone_join(&nat, "10.0.0.3:4000", RELAY_IP ":30010");
    phone_say(&nat, &there);
    sim_settle();
    move_for(0, 5000);
    phone_say(&phone, &back);
    sim_settle();
    assert_int_equal(nat.inbox.count, 1);
    assert_int_equal(nat.inbox.kept[0].from.port, 30010);
    sim_leave(&nat.peer);
}

/* --- SRTP --------------------------------------------------------------------------------------
 */

static uint8_t keys[2][PLAN_MAX_KEY];

static struct rtpsec_session *session(const struct rtpsec_suite *suite,
    enum rtpsec_direction direction, const uint8_t *material, size_t mki_len)
{
    struct rtpsec_session_config config = {
        .suite = suite,
        .direction = direction,
        .key = bytes_of(material, suite->key_len),
        .salt = bytes_of(material + suite->key_len, suite->salt_len),
        .mki = bytes_of("mki!", mki_len),
    };
    struct rtpsec_session *s = rtpsec_session_new(&config);
    assert_non_null(s);
    return s;
}

/* The browser has SDES keys in place of all the rest, on the ports of lease 3. */
static void use_sdes(enum rtpsec_suite_id id, uint8_t mki_len)
{
    const struct rtpsec_suite *suite = rtpsec_suite(id);
    scene_end_call(&scene);
    scene.socket_count = 0;
    struct plan_transport *t = scene_leased(&scene, 3, BROWSER);
    t->security = PLAN_SDES;
    t->rtcp_mux = true;
    *t->srtp_rx = (struct plan_srtp){.suite = suite, .mki = "mki!", .mki_len = mki_len};
    *t->srtp_tx = *t->srtp_rx;
    for (unsigned i = 0; i < PLAN_MAX_KEY; i++) {
        keys[0][i] = t->srtp_rx->key[i] = (uint8_t)(i * 7 + id);
        keys[1][i] = t->srtp_tx->key[i] = (uint8_t)(i * 11 + id);
    }
    scene_leased(&scene, 2, "192.0.2.2:6000");
    scene_connect(scene_stream(&scene, 11, 3), scene_stream(&scene, 12, 2));
    scene_apply(&scene);
    browser.relay = t->locals[0].rtp;
    rtpsec_session_free(browser.rx);
    rtpsec_session_free(browser.tx);
    browser.rx = session(suite, RTPSEC_RX, keys[1], mki_len);
    browser.tx = session(suite, RTPSEC_TX, keys[0], mki_len);
}

enum { STEP = 2500 /* no number as far away is a stray one */ };

static void talk_at(uint64_t index)
{
    there.seq = back.seq = (uint16_t)(index - 1);
    assert_talk();
}

/* Brings the numbers of both to `index`, the ROC included. */
static void talk_up_to(uint64_t index)
{
    for (uint64_t at = index % STEP; at <= index; at += STEP)
        talk_at(at);
}

static void the_roc_goes_on(void **state)
{
    (void)state;
    static const uint64_t moves[] = {100, 32767, 65534, 65535, 65536, 65537, 2 * 65536 - 1, 200000};
    static const struct {
        enum rtpsec_suite_id suite;
        uint8_t mki_len;
    } kinds[] = {{RTPSEC_AES_128_CM_80, 0}, {RTPSEC_AES_128_CM_32, 4}, {RTPSEC_AEAD_AES_128_GCM, 0},
        {RTPSEC_AEAD_AES_256_GCM, 4}};
    for (size_t i = 0; i < COUNT_OF(moves) * COUNT_OF(kinds); i++) {
        use_sdes(kinds[i % COUNT_OF(kinds)].suite, kinds[i % COUNT_OF(kinds)].mki_len);
        talk_up_to(moves[i / COUNT_OF(kinds)]);
        assert_rtcp();
        uint64_t replays = sim_drops(DROP_SRTP_REPLAY);
        struct bytes sent = browser_send(&browser, compound(0xb));
        uint8_t copy[200];
        size_t len = sent.len;
        memcpy(copy, sent.data, len);
        sim_settle();
        move_for(0, 12345);
        assert_talk();
        assert_rtcp();
        sim_send(&browser.peer.address, &browser.relay, bytes_of(copy, len));
        sim_settle();
        assert_int_equal(sim_drops(DROP_SRTP_REPLAY), replays + 1);
        for (uint64_t at = there.seq; at < 2 * 65536; at += STEP) /* and wraps as ever */
            talk_at(at + STEP);
    }
}

static void what_was_heard_is_a_replay_elsewhere(void **state)
{
    (void)state;
    uint8_t copies[5][200];
    size_t lens[5];
    use_sdes(RTPSEC_AEAD_AES_128_GCM, 0);
    talk_up_to(65534);
    for (int i = 0; i < 5; i++) {
        there.seq++;
        struct bytes sent = browser_send(&browser, speech_bytes(&there));
        lens[i] = sent.len;
        memcpy(copies[i], sent.data, sent.len);
        sim_settle();
    }
    size_t heard = phone.inbox.count;
    move_for(0, 99);
    for (int i = 0; i < 5; i++)
        sim_send(&browser.peer.address, &browser.relay, bytes_of(copies[i], lens[i]));
    sim_settle();
    assert_int_equal(phone.inbox.count, heard);
    assert_int_equal(sim_drops(DROP_SRTP_REPLAY), 5);
    assert_talk();
}

/* The phone's number behind the move is the next one, though it has long begun anew. */
static void numbers_that_were_shifted_stay_so(void **state)
{
    (void)state;
    use_sdes(RTPSEC_AEAD_AES_128_GCM, 0);
    back.seq = 999;
    assert_talk();
    for (int i = 0; i < 20; i++) {
        back.seq = (uint16_t)(40000 + i);
        phone_say(&phone, &back);
        sim_settle();
    }
    struct rtp_packet rtp;
    assert_int_equal(rtp_parse(inbox_back(&browser.inbox, 0), &rtp), RTP_OK);
    uint16_t before = rtp.seq;
    move_for(500, 99);
    phone_say(&phone, &(struct speech){.ssrc = back.ssrc, .seq = 40020, .payload = "x"});
    sim_settle();
    assert_int_equal(rtp_parse(inbox_back(&browser.inbox, 0), &rtp), RTP_OK);
    assert_int_equal(rtp.seq, before + 1);
    assert_int_equal(browser.undecipherable, 0);
}

/* The record has a key that the media state knows nothing of. */
static void marks_belong_to_their_key(void **state)
{
    (void)state;
    use_sdes(RTPSEC_AES_128_CM_80, 0);
    talk_up_to(3 * 65536);
    scene_save(&scene, RELAY_SAVE_AND_END);
    struct relay_resume *saved = scene.saved;
    scene.saved = NULL;
    scene_close_relay(&scene);
    scene_open_relay(&scene);
    use_sdes(RTPSEC_AEAD_AES_128_GCM, 0); /* the call of the plan from here on */
    scene_crash(&scene);
    scene.saved = saved;
    scene_resume(&scene, 0);
    there.seq = back.seq = 10;
    assert_talk();
}

/* A session that cannot have all its marks sends nothing: it might send an index again. */
static void marks_that_contradict_each_other_are_no_keys(void **state)
{
    (void)state;
    for (int tx = 0; tx < 2; tx++) {
        use_sdes(RTPSEC_AEAD_AES_128_GCM, 0);
        talk_up_to(100);
        back.ssrc ^= 1; /* a second one */
        there.ssrc ^= 1;
        assert_talk();
        scene_save(&scene, RELAY_SAVE_AND_END);
        struct relay_resume_component *c = &scene.saved->transports[0].components[0];
        struct relay_resume_session *s = tx ? &c->tx : &c->rx;
        assert_int_equal(s->mark_count, 2);
        s->marks[1].ssrc = s->marks[0].ssrc;
        scene_close_relay(&scene);
        scene_open_relay(&scene);
        scene_resume(&scene, 0);
        uint64_t drops = sim_drops(DROP_NO_KEYS);
        there.seq++;
        browser_say(&browser, &there);
        phone_say(&phone, &back);
        sim_settle();
        assert_int_equal(sim_drops(DROP_NO_KEYS), drops + 1);
        assert_int_equal(counter_get(&counters()->errors), 1 + (unsigned)tx);
    }
}

/* --- ICE and DTLS ------------------------------------------------------------------------------
 */

static void media_goes_on_without_check_or_handshake(void **state)
{
    (void)state;
    static const uint64_t clocks_ms[] = {3, 100, 5000, 4000000};
    assert_talk();
    assert_rtcp();
    size_t datagrams = browser.dtls_datagrams;
    for (size_t i = 0; i < COUNT_OF(clocks_ms); i++) {
        move_for(5000, clocks_ms[i]);
        assert_talk();
        assert_rtcp();
        unsigned answers = browser.answers;
        browser_check(&browser, CHECK_PLAIN);
        sim_settle();
        assert_int_equal(browser.answers, answers + 1);
    }
    assert_int_equal(browser.dtls_datagrams, datagrams);
    assert_int_equal(sim_drops_in_all(), 0);
}

static void consent_counts_the_time_away(void **state)
{
    (void)state;
    sim_run(10000);
    move_for(15000, 600000);
    assert_talk();
    sim_run(4900);
    assert_talk();
    sim_run(200);
    phone_say(&phone, &back);
    sim_settle();
    assert_int_equal(sim_drops(DROP_NO_CONSENT), 1);
    move_for(0, 50); /* and it stays lost */
    phone_say(&phone, &back);
    sim_settle();
    assert_int_equal(sim_drops(DROP_NO_CONSENT), 2);
    scene_query(&scene);
    assert_true(scene_transport_state(&scene, 1)->consent_expired);
    browser_check(&browser, CHECK_NOMINATE);
    sim_settle();
    back.seq += 2;
    assert_talk();
}

/* Who was away for too long has no consent, until the browser checks again. */
static void consent_may_end_while_away(void **state)
{
    (void)state;
    move_for(31000, 600000);
    sim_run(10);
    phone_say(&phone, &back);
    sim_settle();
    assert_int_equal(sim_drops(DROP_NO_CONSENT), 1);
    browser_check(&browser, CHECK_NOMINATE);
    sim_settle();
    back.seq++;
    assert_talk();
}

static void restart_ice(void)
{
    web()->ice->generation++;
    strcpy(web()->ice->local_ufrag, "fresh");
    strcpy(web()->ice->local_pwd, "freshpasswordfreshpassword");
    strcpy(web()->ice->remote_ufrag, "BRW2");
    scene_apply(&scene);
}

static void old_credentials_go_on_beside_the_new_ones(void **state)
{
    (void)state;
    char old_ufrag[16], old_pwd[64];
    strcpy(old_ufrag, web()->ice->local_ufrag);
    strcpy(old_pwd, web()->ice->local_pwd);
    restart_ice();
    move_for(1000, 5000);
    assert_talk();
    browser.relay_ufrag = old_ufrag;
    browser.relay_pwd = old_pwd;
    browser_check(&browser, CHECK_PLAIN); /* finds its transport on the shared port */
    sim_settle();
    assert_int_equal(browser.answers, 2);

    scene_point_browser(&browser, web());
    browser.ufrag = "BRW2";
    browser.peer.address = addr(NAT);
    browser_check(&browser, CHECK_NOMINATE);
    sim_settle();
    assert_talk();
    sim_run(10000);
    move_for(10000, 5000); /* 10 s are left */
    browser.relay_ufrag = old_ufrag;
    browser.relay_pwd = old_pwd;
    browser.ufrag = "BRWS";
    sim_run(9900);
    browser_check(&browser, CHECK_PLAIN);
    sim_settle();
    assert_int_equal(browser.answers, 4);
    sim_run(200);
    browser_check(&browser, CHECK_PLAIN);
    sim_settle();
    assert_int_equal(browser.answers, 4);
    browser.ufrag = "BRW2";
}

/* Two transports that claim the same 5-tuple: who has it keeps it. */
static void nobody_takes_anothers_path(void **state)
{
    (void)state;
    struct plan_transport *other = scene_webrtc(&scene, 3);
    scene_know_browser(other, &browser);
    scene_stream(&scene, 13, 3);
    scene_apply(&scene);
    assert_talk();
    scene_save(&scene, RELAY_SAVE_AND_END);
    struct relay_resume_transport *saved = scene.saved->transports;
    assert_int_equal(saved[0].tuple_count, 1);
    assert_int_equal(saved[2].tuple_count, 0);
    saved[2].tuples = saved[0].tuples;
    saved[2].tuple_count = 1;
    scene_close_relay(&scene);
    scene_open_relay(&scene);
    scene_resume(&scene, 0);
    assert_talk();
}

/* The restart is in the record, its media state is older: nobody has proven anything yet. */
static void pairs_of_another_generation_are_not_used(void **state)
{
    (void)state;
    assert_talk();
    scene_save(&scene, RELAY_SAVE_COPY);
    struct relay_resume *saved = scene.saved;
    scene.saved = NULL;
    saved->exact = true; /* that is another story */
    restart_ice();
    web()->ice->remote_ufrag[0] = '\0'; /* and the restart is not answered yet */
    scene_apply(&scene);
    scene.saved = saved;
    scene_crash(&scene);
    scene_resume(&scene, 0);
    phone_say(&phone, &back);
    sim_settle();
    assert_int_equal(sim_drops(DROP_NO_REMOTE), 1);
    browser.ufrag = "BRW2";
    browser_check(&browser, CHECK_NOMINATE);
    sim_settle();
    back.seq++;
    assert_talk();
}

/* While ICE and DTLS are at work, checks keep the call alive. */
static void checks_before_the_move_count(void **state)
{
    (void)state;
    web()->dtls->generation++;
    web()->id = 3; /* another transport, without keys */
    strcpy(web()->ice->local_ufrag, "another");
    scene.streams[0].transport = 3;
    scene.streams[1].timeout = PLAN_TIMEOUT_MEDIA;
    scene_apply(&scene);
    for (int i = 0; i < 55; i++) {
        browser_check(&browser, CHECK_NOMINATE);
        sim_run(1000);
    }
    move_for(0, 900000);
    sim_run(30000);
    assert_int_equal(scene.timeouts, 0);
    sim_run(31000);
    assert_int_equal(scene.timeouts, 1);
}

/* Without ICE, from another port than the one that was signalled and that media goes to. */
static void the_farewell_goes_to_where_the_handshake_came_from(void **state)
{
    (void)state;
    for (int nonsense = 0; nonsense < 2; nonsense++) {
        struct browser other;
        struct plan_transport dtls = *web();
        struct plan_transport *t = scene_leased(&scene, 3, "192.0.2.7:7000");
        t->security = PLAN_DTLS;
        t->asymmetric = true;
        *t->dtls = *dtls.dtls;
        t->rtcp_mux = true;
        scene.streams[0].transport = 3;
        scene_apply(&scene);
        browser_join(&other, "192.0.2.7:7777", RELAY_IP ":30006", NULL);
        browser_start_dtls(&other, DTLS_ROLE_ACTIVE);
        sim_settle();
        assert_true(browser_is_connected(&other));
        scene_save(&scene, RELAY_SAVE_AND_END);
        struct relay_resume_transport *saved = &scene.saved->transports[2];
        assert_int_equal(saved->transport, 3);
        if (nonsense)
            saved->components[0].dtls_local = 200;
        scene_close_relay(&scene);
        scene_open_relay(&scene);
        scene_resume(&scene, 0);
        scene.plan.transport_count--;
        scene.streams[0].transport = 1;
        scene_apply(&scene);
        assert_int_equal(
            dtls_association_state(other.dtls), nonsense ? DTLS_VERIFIED : DTLS_CLOSED);
        browser_leave(&other);
    }
}

/* The keys of a handshake that is to be done anew serve until then. */
static void a_handshake_that_is_due_comes_elsewhere(void **state)
{
    (void)state;
    assert_talk();
    web()->dtls->generation++;
    scene_apply(&scene);
    move_for(100, 5000);
    assert_talk();
    browser_renew_dtls(&browser, NULL);
    there.seq = 5;
    browser_connect(&browser);
    assert_talk();
    assert_int_equal(counter_get(&counters()->dtls_connected), 2);
}

static void a_new_generation_after_the_move_is_a_new_handshake(void **state)
{
    (void)state;
    move_for(0, 5000);
    assert_talk();
    web()->dtls->generation++;
    scene_apply(&scene);
    assert_talk();
    browser_renew_dtls(&browser, NULL);
    browser_connect(&browser);
    assert_talk();
}

/* Saved before the new fingerprint came, which is in the record: nobody has shown it yet. */
static void keys_of_another_generation_are_not_used(void **state)
{
    (void)state;
    assert_talk();
    scene_save(&scene, RELAY_SAVE_COPY);
    struct relay_resume *saved = scene.saved;
    scene.saved = NULL;
    web()->dtls->generation++;
    scene_apply(&scene);
    scene.saved = saved;
    scene_crash(&scene);
    scene_resume(&scene, 0);
    there.seq++;
    browser_say(&browser, &there);
    phone_say(&phone, &back);
    sim_settle();
    assert_int_equal(sim_drops(DROP_NO_KEYS), 2);
    browser_renew_dtls(&browser, NULL);
    browser_connect(&browser);
    assert_talk();
}

static void another_certificate_is_nobody_to_go_on_with(void **state)
{
    (void)state;
    for (int missing = 0; missing < 2; missing++) {
        assert_talk();
        scene_save(&scene, RELAY_SAVE_AND_END);
        for (unsigned hash = 0; hash < DTLS_HASHES; hash++)
            memset(scene.saved->transports[0].components[0].dtls->digests[hash], 7, 64);
        if (missing)
            scene.saved->transports[0].components[0].dtls->role = DTLS_ROLE_UNDECIDED;
        scene_close_relay(&scene);
        scene_open_relay(&scene);
        scene_resume(&scene, 0);
        uint64_t drops = sim_drops(DROP_NO_KEYS);
        there.seq++;
        browser_say(&browser, &there);
        phone_say(&phone, &back);
        sim_settle();
        assert_int_equal(sim_drops(DROP_NO_KEYS), drops + 2);
        browser_renew_dtls(&browser, NULL);
        browser_connect(&browser);
    }
}

/* --- numbers -----------------------------------------------------------------------------------
 */

static void assert_same_states(
    const struct relay_stream_state *a, const struct relay_stream_state *b)
{
    assert_memory_equal(a->in, b->in, sizeof(a->in));
    assert_memory_equal(a->out, b->out, sizeof(a->out));
    assert_memory_equal(a->last_packet_us, b->last_packet_us, sizeof(a->last_packet_us));
    assert_int_equal(a->ssrc_in_count, b->ssrc_in_count);
    assert_int_equal(a->ssrc_out_count, b->ssrc_out_count);
    assert_memory_equal(a->ssrc_in, b->ssrc_in, sizeof(a->ssrc_in));
    assert_memory_equal(a->ssrc_out, b->ssrc_out, sizeof(a->ssrc_out));
}

/* A report of the phone on what it has heard; the browser's own leg is measured likewise. */
static void report(uint32_t seconds)
{
    uint8_t memory[100];
    struct writer w = writer_over(memory, sizeof(memory));
    struct rtcp_sender sender = {.ssrc = 0xb, .ntp = (uint64_t)seconds << 32};
    rtcp_write_sr(&w, &sender, NULL, 0);
    browser_send(&browser, writer_bytes(&w));
    w = writer_over(memory, sizeof(memory));
    sender.ssrc = 0xc;
    rtcp_write_sr(&w, &sender, NULL, 0);
    phone_send(&phone_rtcp, &phone.relay_rtcp, writer_bytes(&w));
    sim_run(60);
    struct rtcp_report block = {
        .ssrc = 0xc, .last_sr = seconds << 16, .jitter = 80, .fraction_lost = 26, .lost = 7};
    w = writer_over(memory, sizeof(memory));
    rtcp_write_rr(&w, 0xb, &block, 1);
    browser_send(&browser, writer_bytes(&w));
    block.ssrc = 0xb;
    w = writer_over(memory, sizeof(memory));
    rtcp_write_rr(&w, 0xc, &block, 1);
    phone_send(&phone_rtcp, &phone.relay_rtcp, writer_bytes(&w));
    sim_run(2000);
}

static void a_query_tells_the_same(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 30; i++) {
        there.seq++; /* one of two is lost */
        there.timestamp += 320;
        sim_run(20);
        assert_talk();
        if (i % 10 == 0)
            report(i);
    }
    scene_query(&scene);
    const struct scene before = scene;
    assert_true(scene_stream_state(&before, 12)->ssrc_in[0].average.samples >= 2);
    assert_true(scene_stream_state(&before, 11)->ssrc_in[0].lost >= 29);
    scene_move(&scene);
    scene_query(&scene);
    for (uint32_t id = 11; id <= 12; id++)
        assert_same_states(scene_stream_state(&before, id), scene_stream_state(&scene, id));
    for (uint32_t id = 1; id <= 2; id++)
        assert_memory_equal(scene_transport_state(&before, id), scene_transport_state(&scene, id),
            sizeof(struct relay_transport_state));

    /* And goes on from there: with a report on what this relay has sent, though it has measured
     * nothing itself yet. */
    report(31);
    scene_query(&scene);
    assert_int_equal(scene_stream_state(&scene, 12)->ssrc_in[0].average.samples,
        scene_stream_state(&before, 12)->ssrc_in[0].average.samples + 1);
}

/* What SDP says of SSRCs comes with the plan. */
static void only_what_was_learned_of_a_bundle_is_saved(void **state)
{
    (void)state;
    struct plan_stream *video = scene_stream(&scene, 13, 1);
    video->payloads[0].type = 96;
    video->ssrc_count = 1;
    video->ssrcs[0] = 0x51;
    scene_connect(video, &scene.streams[1]);
    scene_apply(&scene);
    assert_talk();
    assert_talk();
    scene_save(&scene, RELAY_SAVE_COPY);
    const struct relay_resume_transport *saved = &scene.saved->transports[0];
    assert_int_equal(saved->learned_count, 1);
    assert_int_equal(saved->learned[0].ssrc, there.ssrc);
    assert_int_equal(saved->learned[0].stream, 11);
}

static void the_longest_idle_ssrc_goes_first(void **state)
{
    (void)state;
    struct speech s = there;
    for (uint32_t i = 0; i <= RELAY_MAX_SSRCS; i++) {
        s.ssrc = 1000 + i % RELAY_MAX_SSRCS; /* the first one once more */
        s.seq++;
        browser_say(&browser, &s);
        sim_run(10);
    }
    move_for(100, 5000);
    s.ssrc = 2000;
    browser_say(&browser, &s);
    sim_settle();
    scene_query(&scene);
    const struct relay_stream_state *in = scene_stream_state(&scene, 11);
    assert_int_equal(in->ssrc_in[0].ssrc, 1000);
    assert_int_equal(in->ssrc_in[1].ssrc, 2000);
    assert_int_equal(in->ssrc_in[2].ssrc, 1002);
}

static void silence_counts_on(void **state)
{
    (void)state;
    assert_talk();
    sim_run(30000);
    move_for(20000, 400000);
    sim_run(8000);
    assert_int_equal(scene.timeouts, 0);
    sim_run(4000);
    assert_int_equal(scene.timeouts, 1);
    assert_int_equal(scene.why, PLAN_TIMEOUT_MEDIA);
}

#define connected(f) cmocka_unit_test_setup_teardown(f, browser_connected, web_call_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        connected(a_call_that_is_not_there_gives_nothing),
        connected(a_copy_changes_nothing),
        connected(the_end_is_silent_and_gives_the_ports_back),
        connected(the_last_relay_says_farewell),
        connected(a_call_that_is_there_already_stays_as_it_is),
        connected(talks_to_a_learned_address_at_once),
        connected(a_window_ends_when_it_would_have),
        connected(a_strict_source_stays_strict),
        connected(a_later_offer_opens_a_window_of_its_own),
        connected(answers_from_the_address_that_was_used),
        connected(the_roc_goes_on),
        connected(what_was_heard_is_a_replay_elsewhere),
        connected(numbers_that_were_shifted_stay_so),
        connected(marks_belong_to_their_key),
        connected(marks_that_contradict_each_other_are_no_keys),
        connected(media_goes_on_without_check_or_handshake),
        connected(consent_counts_the_time_away),
        connected(consent_may_end_while_away),
        connected(old_credentials_go_on_beside_the_new_ones),
        connected(nobody_takes_anothers_path),
        connected(pairs_of_another_generation_are_not_used),
        connected(checks_before_the_move_count),
        connected(the_farewell_goes_to_where_the_handshake_came_from),
        connected(a_handshake_that_is_due_comes_elsewhere),
        connected(a_new_generation_after_the_move_is_a_new_handshake),
        connected(keys_of_another_generation_are_not_used),
        connected(another_certificate_is_nobody_to_go_on_with),
        connected(a_query_tells_the_same),
        connected(only_what_was_learned_of_a_bundle_is_saved),
        connected(the_longest_idle_ssrc_goes_first),
        connected(silence_counts_on),
    };
    if (!rtpsec_init())
        return 1;
    int failed = cmocka_run_group_tests_name("resume", tests, NULL, NULL);
    rtpsec_done();
    return failed;
}
