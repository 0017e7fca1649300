/* SPDX-License-Identifier: Apache-2.0 */
/* A phone with SDES keys (SRTP without DTLS) and one with plain RTP. */
#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "gen.h"

static struct scene scene;
static struct browser secure; /* its SRTP only */
static struct phone phone;
static uint8_t keys[4][PLAN_MAX_KEY]; /* rx, tx, and two more */

static struct plan_transport *sdes(void)
{
    return &scene.transports[0];
}

static void set_keys(enum rtpsec_suite_id id, unsigned rx, unsigned tx)
{
    const struct rtpsec_suite *suite = rtpsec_suite(id);
    sdes()->srtp_rx->suite = sdes()->srtp_tx->suite = suite;
    memcpy(sdes()->srtp_rx->key, keys[rx], PLAN_MAX_KEY);
    memcpy(sdes()->srtp_tx->key, keys[tx], PLAN_MAX_KEY);
    browser_use_keys(&secure, suite, keys[tx], keys[rx]);
}

static int secure_and_plain(void **state)
{
    (void)state;
    struct gen g = {.state = 42};
    gen_fill(&g, &keys[0][0], sizeof(keys));
    scene_open(&scene);
    browser_join(&secure, "192.0.2.1:5000", RELAY_IP ":30002", NULL);
    phone_join(&phone, "192.0.2.2:6000", RELAY_IP ":30004");
    scene_leased(&scene, 1, "192.0.2.1:5000")->security = PLAN_SDES;
    scene_leased(&scene, 2, "192.0.2.2:6000");
    struct plan_stream *a = scene_stream(&scene, 11, 1);
    struct plan_stream *b = scene_stream(&scene, 12, 2);
    scene_connect(a, b);
    set_keys(RTPSEC_AES_128_CM_80, 0, 1);
    scene_apply(&scene);
    return 0;
}

static int close_scene(void **state)
{
    (void)state;
    scene_check_sums(&scene);
    browser_leave(&secure);
    sim_leave(&phone.peer);
    scene_close(&scene);
    return 0;
}

static struct speech there = {.ssrc = 0xb, .seq = 7, .payload = "as long as a tag"};
static struct speech back = {.ssrc = 0xc, .seq = 9, .payload = "from the phone"};

static void assert_talk(void)
{
    size_t heard = phone.inbox.count, seen = secure.inbox.count;
    there.seq++;
    back.seq++;
    browser_say(&secure, &there);
    phone_say(&phone, &back);
    sim_settle();
    assert_int_equal(phone.inbox.count, heard + 1);
    assert_true(bytes_equal(inbox_back(&phone.inbox, 0), speech_bytes(&there)));
    assert_int_equal(secure.inbox.count, seen + 1);
    assert_true(bytes_equal(inbox_back(&secure.inbox, 0), speech_bytes(&back)));
}

static void every_suite_works(void **state)
{
    (void)state;
    for (int id = 0; id < RTPSEC_SUITES; id++) {
        set_keys((enum rtpsec_suite_id)id, 0, 1);
        scene_apply(&scene);
        assert_talk();
        assert_talk();
    }
    assert_int_equal(sim_drops_in_all(), 0);
}

static void sessions_stay_while_keys_do(void **state)
{
    (void)state;
    there.seq = 65530; /* the ROC must outlive the updates */
    for (int i = 0; i < 12; i++) {
        sdes()->signalled++;
        scene_apply(&scene);
        assert_talk();
    }
    struct bytes sent =
        browser_send(&secure, speech_bytes(&(struct speech){.ssrc = 0xb, .seq = 99}));
    uint8_t copy[200];
    memcpy(copy, sent.data, sent.len);
    scene_apply(&scene);
    sim_send(&secure.peer.address, &secure.relay, bytes_of(copy, sent.len));
    sim_settle();
    assert_int_equal(sim_drops(DROP_SRTP_REPLAY), 1); /* so must the replay window */
    there.seq = 200;
}

static void a_new_key_takes_over(void **state)
{
    (void)state;
    assert_talk();
    set_keys(RTPSEC_AES_128_CM_80, 2, 3);
    there.seq++;
    browser_say(&secure, &there); /* before the relay knows the key */
    sim_settle();
    assert_int_equal(sim_drops(DROP_SRTP_AUTH), 1);
    scene_apply(&scene);
    assert_talk();
}

/* One that is known by another name now, or leaves RTCP in the clear: it is still the same key. */
static void parameters_may_change_under_a_key(void **state)
{
    (void)state;
    set_keys(RTPSEC_AEAD_AES_128_GCM, 0, 1);
    scene_apply(&scene);
    there.seq = back.seq = 65533;
    for (int i = 0; i < 6; i++)
        assert_talk();
    uint8_t memory[64], copy[200];
    struct writer w = writer_over(memory, sizeof(memory));
    rtcp_write_rr(&w, 0xb, NULL, 0);
    sdes()->rtcp_mux = true;
    scene_apply(&scene);
    struct bytes sent = browser_send(&secure, writer_bytes(&w));
    memcpy(copy, sent.data, sent.len);
    sim_settle();
    sdes()->srtp_rx->unencrypted_srtcp = true;
    sdes()->srtp_tx->unencrypted_srtcp = true;
    scene_apply(&scene);
    for (int i = 0; i < 3; i++)
        assert_talk(); /* in the second turn */
    sim_send(&secure.peer.address, &secure.relay, bytes_of(copy, sent.len));
    sim_settle();
    assert_int_equal(sim_drops(DROP_SRTP_REPLAY), 1);
    assert_int_equal(secure.undecipherable, 0);
    there.seq = back.seq = 200;
}

static void without_a_key_nothing_passes(void **state)
{
    (void)state;
    sdes()->srtp_rx->suite = sdes()->srtp_tx->suite = NULL;
    scene_apply(&scene);
    browser_say(&secure, &there);
    phone_say(&phone, &back);
    sim_settle();
    assert_int_equal(sim_drops(DROP_NO_KEYS), 2);
    assert_int_equal(phone.inbox.count + secure.inbox.count + secure.undecipherable, 0);
}

/* Plain RTP to a port that expects SRTP neither passes nor moves anything. */
static void plain_packets_are_not_believed(void **state)
{
    (void)state;
    struct address stranger = addr("203.0.113.66:666");
    uint64_t unreachable = sim_unreachable();
    sim_send(&stranger, &secure.relay, speech_bytes(&there));
    phone_say(&phone, &back);
    sim_settle();
    assert_int_equal(sim_drops(DROP_SRTP_AUTH), 1);
    assert_int_equal(phone.inbox.count, 0);
    assert_int_equal(secure.inbox.count, 1);
    assert_int_equal(sim_unreachable(), unreachable);
}

/* A phone that changes its network is followed at any time: its packets prove themselves. */
static void an_authentic_source_is_followed(void **state)
{
    (void)state;
    assert_talk();
    sim_run(10000);
    secure.peer.address = addr("203.0.113.5:5555");
    assert_talk();
}

/* With UNAUTHENTICATED_SRTP anybody's packets pass, so they prove nobody's address. */
static void packets_without_a_tag_move_nothing(void **state)
{
    (void)state;
    struct address stranger = addr("203.0.113.66:666");
    sdes()->srtp_rx->unauthenticated_srtp = true;
    scene_apply(&scene);
    assert_int_equal(phone.inbox.count, 0);
    browser_say(&secure, &there);
    sim_run(10000);
    sim_send(&stranger, &secure.relay, speech_bytes(&back));
    sim_settle();
    assert_int_equal(phone.inbox.count, 2);

    phone_say(&phone, &back);
    sim_settle();
    assert_int_equal(secure.inbox.count, 1);
}

static uint16_t last_seq_seen(void)
{
    struct rtp_packet rtp;
    assert_int_equal(rtp_parse(inbox_back(&secure.inbox, 0), &rtp), RTP_OK);
    return rtp.seq;
}

/* A PBX that puts another source under the same SSRC: SRTP must not go back, so the numbers go on
 * where they stopped. */
static void a_plain_sender_may_start_anew(void **state)
{
    (void)state;
    back.seq = 29999;
    assert_talk();
    assert_int_equal(last_seq_seen(), 30000);
    for (uint16_t seq = 100; seq < 110; seq++) {
        back.seq = seq;
        phone_say(&phone, &back);
    }
    sim_settle();
    assert_int_equal(secure.inbox.count, 10); /* the first might have been a stray */
    assert_int_equal(last_seq_seen(), 30009);
    assert_int_equal(sim_drops(DROP_STRAY), 1);

    back.seq = 65000; /* and once more, forwards */
    phone_say(&phone, &back);
    for (int i = 0; i < 600; i++) {
        back.seq++;
        phone_say(&phone, &back);
        sim_settle();
    }
    assert_int_equal(secure.inbox.count, 610);
    assert_int_equal(last_seq_seen(), 30609);
    assert_int_equal(sim_drops(DROP_SRTP_REPLAY), 0);

    scene_query(&scene);
    const struct relay_ssrc *out = &scene_stream_state(&scene, 11)->ssrc_out[0];
    assert_int_equal(out->last_sequence, 30609);
    assert_int_equal(out->lost, 0);
}

/* Nobody hears it start anew: the other party is on hold. */
static void a_plain_sender_may_start_anew_on_hold(void **state)
{
    (void)state;
    back.seq = 29999;
    assert_talk();
    scene.streams[0].party_receives = false;
    scene_apply(&scene);
    for (back.seq = 100; back.seq < 110; back.seq++) {
        phone_say(&phone, &back);
        sim_settle();
    }
    assert_int_equal(secure.inbox.count, 1);
    scene.streams[0].party_receives = true;
    scene_apply(&scene);
    phone_say(&phone, &back);
    sim_settle();
    assert_int_equal(secure.inbox.count, 2);
    assert_int_equal(last_seq_seen(), 30001);
}

/* One packet with a number far ahead, by whoever, does not silence those that follow in order. */
static void a_stray_packet_does_not_silence_the_rest(void **state)
{
    (void)state;
    back.seq = 1000;
    assert_talk();
    struct speech stray = back;
    stray.seq = 30000;
    phone_say(&phone, &stray);
    sim_settle();
    for (int i = 0; i < 10; i++)
        assert_talk();
}

static void keys_of_rtp_serve_rtcp_too(void **state)
{
    (void)state;
    uint8_t memory[64];
    struct writer w = writer_over(memory, sizeof(memory));
    struct phone rtcp;
    phone_join(&rtcp, "192.0.2.2:6001", RELAY_IP ":30004");
    rtcp_write_rr(&w, 5, NULL, 0);
    secure.relay.port++;
    secure.peer.address.port++;
    browser_send(&secure, writer_bytes(&w));
    phone_send(&rtcp, &phone.relay_rtcp, writer_bytes(&w));
    sim_settle();
    assert_true(bytes_equal(inbox_back(&rtcp.inbox, 0), writer_bytes(&w)));
    assert_true(bytes_equal(inbox_back(&secure.inbox, 0), writer_bytes(&w)));
    sim_leave(&rtcp.peer);
}

static void security_can_be_switched(void **state)
{
    (void)state;
    assert_talk();
    sdes()->security = PLAN_PLAIN;
    scene_apply(&scene);
    sim_send(&secure.peer.address, &secure.relay, speech_bytes(&there));
    sim_settle();
    assert_true(bytes_equal(inbox_back(&phone.inbox, 0), speech_bytes(&there)));
    sdes()->security = PLAN_SDES;
    set_keys(RTPSEC_AEAD_AES_128_GCM, 2, 3);
    scene_apply(&scene);
    assert_talk();
}

#define test(f) cmocka_unit_test_setup_teardown(f, secure_and_plain, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(every_suite_works),
        test(sessions_stay_while_keys_do),
        test(a_new_key_takes_over),
        test(parameters_may_change_under_a_key),
        test(without_a_key_nothing_passes),
        test(plain_packets_are_not_believed),
        test(an_authentic_source_is_followed),
        test(packets_without_a_tag_move_nothing),
        test(a_plain_sender_may_start_anew),
        test(a_plain_sender_may_start_anew_on_hold),
        test(a_stray_packet_does_not_silence_the_rest),
        test(keys_of_rtp_serve_rtcp_too),
        test(security_can_be_switched),
    };
    if (!rtpsec_init())
        return 1;
    int failed = cmocka_run_group_tests_name("sdes", tests, NULL, NULL);
    rtpsec_done();
    return failed;
}
