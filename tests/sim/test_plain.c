/* SPDX-License-Identifier: Apache-2.0 */
/* Plain RTP to plain RTP: what does not need ICE, DTLS or SRTP. */
#include "scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct scene scene;
static struct phone alice, bob, carol;

/* Alice on transport 1, Bob on transport 2, one audio stream each. */
static int two_phones(void **state)
{
    (void)state;
    scene_open(&scene);
    phone_join(&alice, "192.0.2.1:5000", RELAY_IP ":30002");
    phone_join(&bob, "192.0.2.2:6000", RELAY_IP ":30004");
    scene_leased(&scene, 1, "192.0.2.1:5000");
    scene_leased(&scene, 2, "192.0.2.2:6000");
    struct plan_stream *a = scene_stream(&scene, 11, 1);
    struct plan_stream *b = scene_stream(&scene, 12, 2);
    scene_connect(a, b);
    scene_apply(&scene);
    return 0;
}

static int close_scene(void **state)
{
    (void)state;
    scene_check_sums(&scene);
    sim_leave(&alice.peer);
    sim_leave(&bob.peer);
    sim_leave(&carol.peer);
    scene_close(&scene);
    return 0;
}

static const struct speech hello = {
    .ssrc = 0xa, .seq = 65535, .timestamp = 160, .payload = "hello"};

static void carries_rtp_both_ways_unchanged(void **state)
{
    (void)state;
    phone_say(&alice, &hello);
    sim_settle();
    assert_int_equal(bob.inbox.count, 1);
    assert_true(bytes_equal(inbox_back(&bob.inbox, 0), speech_bytes(&hello)));
    assert_true(address_equal(&bob.inbox.kept[0].from, &bob.relay_rtp));

    phone_say(&bob, &hello);
    sim_settle();
    assert_int_equal(alice.inbox.count, 1);
    assert_true(bytes_equal(inbox_back(&alice.inbox, 0), speech_bytes(&hello)));
    assert_int_equal(sim_drops_in_all(), 0);
}

static void keeps_the_order_of_a_large_batch(void **state)
{
    (void)state;
    struct speech s = hello;
    for (unsigned i = 0; i < 600; i++) {
        s.seq = (uint16_t)i;
        phone_say(&alice, &s);
    }
    sim_settle();
    assert_int_equal(bob.inbox.count, 600);
    for (size_t n = 0; n < INBOX_MAX; n++) {
        struct rtp_packet rtp;
        assert_int_equal(rtp_parse(inbox_back(&bob.inbox, n), &rtp), RTP_OK);
        assert_int_equal(rtp.seq, 599 - n);
    }
}

static struct bytes rr(uint32_t ssrc)
{
    static uint8_t memory[64];
    struct writer w = writer_over(memory, sizeof(memory));
    rtcp_write_rr(&w, ssrc, NULL, 0);
    return writer_bytes(&w);
}

static void carries_rtcp_on_its_own_ports(void **state)
{
    (void)state;
    struct phone alice_rtcp;
    phone_join(&alice_rtcp, "192.0.2.1:5001", RELAY_IP ":30002");
    phone_send(&bob, &bob.relay_rtcp, rr(5));
    sim_settle();
    assert_int_equal(alice.inbox.count, 0);
    assert_int_equal(alice_rtcp.inbox.count, 1);
    assert_true(bytes_equal(inbox_back(&alice_rtcp.inbox, 0), rr(5)));
    assert_true(address_equal(&alice_rtcp.inbox.kept[0].from, &alice.relay_rtcp));
    sim_leave(&alice_rtcp.peer);
}

static void joins_mux_and_two_ports(void **state)
{
    (void)state;
    struct phone bob_rtcp;
    phone_join(&bob_rtcp, "192.0.2.2:6001", RELAY_IP ":30004");
    scene.transports[0].rtcp_mux = true;
    scene_apply(&scene);

    phone_send(&bob_rtcp, &bob.relay_rtcp, rr(5)); /* two ports -> one */
    sim_settle();
    assert_int_equal(alice.inbox.count, 1);
    assert_true(address_equal(&alice.inbox.kept[0].from, &alice.relay_rtp));

    phone_send(&alice, &alice.relay_rtp, rr(6)); /* one port -> two */
    sim_settle();
    assert_int_equal(bob.inbox.count, 0);
    assert_int_equal(bob_rtcp.inbox.count, 1);
    sim_leave(&bob_rtcp.peer);
}

static void drops_what_it_should_and_says_why(void **state)
{
    (void)state;
    static const uint8_t garbage[] = {0xff, 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    static const uint8_t short_rtp[] = {0x8f, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1};
    static const uint8_t bad_rtcp[] = {0x81, 200, 0, 9, 1, 2, 3, 4};
    static const uint8_t dtls[] = {22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0};
    const struct {
        struct bytes datagram;
        const struct address *to;
        enum drop_reason reason;
    } cases[] = {
        {bytes_of(garbage, sizeof(garbage)), &alice.relay_rtp, DROP_UNKNOWN_PROTOCOL},
        {bytes_of(NULL, 0), &alice.relay_rtp, DROP_UNKNOWN_PROTOCOL},
        {bytes_of(short_rtp, sizeof(short_rtp)), &alice.relay_rtp, DROP_RTP_MALFORMED},
        {bytes_of(bad_rtcp, sizeof(bad_rtcp)), &alice.relay_rtcp, DROP_RTCP_MALFORMED},
        {speech_bytes(&hello), &alice.relay_rtcp, DROP_WRONG_PORT},
        {bytes_of(dtls, sizeof(dtls)), &alice.relay_rtp, DROP_DTLS_UNEXPECTED},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t before = sim_drops(cases[i].reason), all = sim_drops_in_all();
        phone_send(&alice, cases[i].to, cases[i].datagram);
        sim_settle();
        assert_int_equal(sim_drops(cases[i].reason), before + 1);
        assert_int_equal(sim_drops_in_all(), all + 1);
    }
    assert_int_equal(bob.inbox.count, 0);
}

static void hold_stops_rtp_but_not_rtcp(void **state)
{
    (void)state;
    struct phone bob_rtcp;
    phone_join(&bob_rtcp, "192.0.2.2:6001", RELAY_IP ":30004");
    scene.streams[0].party_sends = false;
    scene.streams[0].party_receives = false;
    scene_apply(&scene);
    phone_say(&alice, &hello);
    phone_say(&bob, &hello);
    phone_send(&alice, &alice.relay_rtcp, rr(1));
    sim_settle();
    assert_int_equal(sim_drops(DROP_NOT_SENDING), 1);
    assert_int_equal(sim_drops(DROP_NOT_RECEIVING), 1);
    assert_int_equal(alice.inbox.count + bob.inbox.count, 0);
    assert_int_equal(bob_rtcp.inbox.count, 1);

    scene.streams[0].party_sends = scene.streams[0].party_receives = true;
    scene_apply(&scene);
    phone_say(&alice, &hello);
    sim_settle();
    assert_int_equal(bob.inbox.count, 1);
    sim_leave(&bob_rtcp.peer);
}

static void learns_where_a_phone_behind_nat_is(void **state)
{
    (void)state;
    alice.peer.address = addr("203.0.113.9:12345");
    phone_say(&bob, &hello);
    sim_settle();
    assert_int_equal(alice.inbox.count, 0); /* SDP lied, nothing learned yet */
    phone_say(&alice, &hello);
    phone_say(&bob, &hello);
    sim_settle();
    assert_int_equal(alice.inbox.count, 1);
}

static void strict_source_refuses_strangers(void **state)
{
    (void)state;
    struct phone mallory;
    phone_join(&mallory, "203.0.113.66:666", RELAY_IP ":30002");
    scene.transports[0].strict_source = true;
    scene_apply(&scene);
    phone_say(&alice, &hello);
    phone_say(&mallory, &hello);
    sim_settle();
    assert_int_equal(bob.inbox.count, 1);
    assert_int_equal(sim_drops(DROP_SOURCE_REFUSED), 1);
    sim_leave(&mallory.peer);
}

static void a_stranger_cannot_pull_media_away(void **state)
{
    (void)state;
    struct phone mallory;
    phone_join(&mallory, "203.0.113.66:666", RELAY_IP ":30002");
    phone_say(&alice, &hello); /* the signalled address settles at once */
    phone_say(&mallory, &hello);
    phone_say(&bob, &hello);
    sim_run(4000);
    phone_say(&mallory, &hello);
    phone_say(&bob, &hello);
    sim_settle();
    assert_int_equal(mallory.inbox.count, 0);
    assert_int_equal(alice.inbox.count, 2);
    sim_leave(&mallory.peer);
}

static void sends_to_several_sinks(void **state)
{
    (void)state;
    phone_join(&carol, "192.0.2.3:7000", RELAY_IP ":30006");
    scene_leased(&scene, 3, "192.0.2.3:7000");
    struct plan_stream *c = scene_stream(&scene, 13, 3);
    c->strip_extensions = true;
    scene_sink(&scene.streams[0], c);
    scene_apply(&scene);

    struct speech s = hello;
    s.mid = "a0";
    phone_say(&alice, &s);
    sim_settle();
    assert_true(bytes_equal(inbox_back(&bob.inbox, 0), speech_bytes(&s)));
    s.mid = NULL; /* what Carol does not understand is taken out of her copy only */
    struct bytes got = inbox_back(&carol.inbox, 0);
    struct rtp_packet rtp;
    assert_int_equal(rtp_parse(got, &rtp), RTP_OK);
    assert_false(rtp.has_extension);
    assert_int_equal(rtp.seq, s.seq);
    assert_int_equal(rtp.ssrc, s.ssrc);
    assert_true(bytes_equal(rtp.payload, bytes_of("hello", 5)));
    assert_int_equal(counter_get(&relay_counters(scene.relay)->copies), 1);
}

static void a_sink_without_an_address_costs_no_copy(void **state)
{
    (void)state;
    scene_leased(&scene, 3, NULL);
    struct plan_stream *c = scene_stream(&scene, 13, 3);
    scene_sink(&scene.streams[0], c);
    scene_apply(&scene);
    phone_say(&alice, &hello);
    sim_settle();
    assert_int_equal(bob.inbox.count, 1);
    assert_int_equal(counter_get(&relay_counters(scene.relay)->copies), 0);
    scene.streams[0].sink_count = 0;
    scene_sink(&scene.streams[0], c);
    scene_apply(&scene);
    phone_say(&alice, &hello);
    sim_settle();
    assert_int_equal(sim_drops(DROP_NO_REMOTE), 1);
}

static void survives_running_out_of_packets(void **state)
{
    (void)state;
    phone_join(&carol, "192.0.2.3:7000", RELAY_IP ":30006");
    scene_leased(&scene, 3, "192.0.2.3:7000");
    scene_sink(&scene.streams[0], scene_stream(&scene, 13, 3));
    scene_apply(&scene);
    sim_limit_packets(1);
    phone_say(&alice, &hello);
    sim_settle();
    sim_limit_packets(SIZE_MAX);
    assert_int_equal(bob.inbox.count + carol.inbox.count, 1);
    assert_int_equal(sim_drops(DROP_NO_MEMORY), 1);
}

static void takes_feedback_out_for_avp(void **state)
{
    (void)state;
    struct phone bob_rtcp;
    /* An RR, and a picture loss indication (RFC 4585, section 6.3.1) behind it. */
    static const uint8_t compound[] = {
        0x80, 201, 0, 1, 0, 0, 0, 1, 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2};
    phone_join(&bob_rtcp, "192.0.2.2:6001", RELAY_IP ":30004");

    phone_send(&alice, &alice.relay_rtcp, bytes_of(compound, sizeof(compound)));
    sim_settle();
    assert_true(bytes_equal(inbox_back(&bob_rtcp.inbox, 0), bytes_of(compound, 8)));
    phone_send(&alice, &alice.relay_rtcp, bytes_of(compound + 8, 12));
    sim_settle();
    assert_int_equal(bob_rtcp.inbox.count, 1);
    assert_int_equal(sim_drops(DROP_FEEDBACK), 1);
    scene_query(&scene);
    assert_int_equal(scene_stream_state(&scene, 12)->out[1].errors, 0); /* as it should be */

    scene.streams[1].feedback = true;
    scene_apply(&scene);
    phone_send(&alice, &alice.relay_rtcp, bytes_of(compound, sizeof(compound)));
    sim_settle();
    assert_true(bytes_equal(inbox_back(&bob_rtcp.inbox, 0), bytes_of(compound, 20)));
    sim_leave(&bob_rtcp.peer);
}

static void passes_what_is_not_rtp_as_it_is(void **state)
{
    (void)state;
    static const uint8_t udptl[] = {0, 1, 2, 3, 4};
    scene.streams[0].kind = scene.streams[1].kind = PLAN_STREAM_RAW;
    scene_apply(&scene);
    phone_send(&alice, &alice.relay_rtp, bytes_of(udptl, sizeof(udptl)));
    sim_settle();
    assert_true(bytes_equal(inbox_back(&bob.inbox, 0), bytes_of(udptl, sizeof(udptl))));
}

static void follows_the_local_address_that_a_party_uses(void **state)
{
    (void)state;
    /* Two local addresses, as for a dual-homed interface. */
    struct plan_transport *t = &scene.transports[0];
    scene_leased(&scene, 3, NULL);
    t->locals[t->local_count++] = scene.transports[2].locals[0];
    scene.plan.transport_count--;
    scene_apply(&scene);

    phone_say(&bob, &hello);
    sim_settle();
    assert_true(address_equal(&alice.inbox.kept[0].from, &t->locals[0].rtp));
    phone_send(&alice, &t->locals[1].rtp, speech_bytes(&hello));
    phone_say(&bob, &hello);
    sim_settle();
    assert_true(address_equal(&alice.inbox.kept[1].from, &t->locals[1].rtp));
}

/* Two calls whose phones are each other's relay: the packets take both, and stay inside between
 * them, from the address in the form in which the other one was addressed. */
static void relays_to_itself(bool advertised)
{
    struct address from = addr(advertised ? ADVERTISED : RELAY_IP);
    scene_leased(&scene, 3, advertised ? ADVERTISED ":30004" : RELAY_IP ":30004");
    scene_leased(&scene, 4, "192.0.2.3:7000");
    struct plan_stream *c = scene_stream(&scene, 13, 3);
    struct plan_stream *d = scene_stream(&scene, 14, 4);
    scene_connect(c, d);
    scene.transports[1].remote_rtp = from; /* in Bob's place */
    scene.transports[1].remote_rtp.port = 30006;
    scene.transports[1].learning = scene.transports[2].learning = PLAN_LEARN_OFF;
    scene.transports[1].strict_source = scene.transports[2].strict_source = true;
    scene_apply(&scene);
    phone_join(&carol, "192.0.2.3:7000", RELAY_IP ":30008");

    phone_say(&alice, &hello);
    sim_settle();
    assert_int_equal(carol.inbox.count, 1);
    assert_true(bytes_equal(inbox_back(&carol.inbox, 0), speech_bytes(&hello)));
    phone_say(&carol, &hello);
    sim_settle();
    assert_int_equal(alice.inbox.count, 1);
    assert_int_equal(sim_unreachable(), 0);
    assert_int_equal(sim_drops_in_all(), 0);
}

static void relays_to_itself_by_its_own_address(void **state)
{
    (void)state;
    relays_to_itself(false);
}

static void relays_to_itself_by_its_advertised_address(void **state)
{
    (void)state;
    relays_to_itself(true);
}

#define test(f) cmocka_unit_test_setup_teardown(f, two_phones, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(carries_rtp_both_ways_unchanged),
        test(keeps_the_order_of_a_large_batch),
        test(carries_rtcp_on_its_own_ports),
        test(joins_mux_and_two_ports),
        test(drops_what_it_should_and_says_why),
        test(hold_stops_rtp_but_not_rtcp),
        test(learns_where_a_phone_behind_nat_is),
        test(strict_source_refuses_strangers),
        test(a_stranger_cannot_pull_media_away),
        test(sends_to_several_sinks),
        test(a_sink_without_an_address_costs_no_copy),
        test(survives_running_out_of_packets),
        test(takes_feedback_out_for_avp),
        test(passes_what_is_not_rtp_as_it_is),
        test(follows_the_local_address_that_a_party_uses),
        test(relays_to_itself_by_its_own_address),
        test(relays_to_itself_by_its_advertised_address),
    };
    return cmocka_run_group_tests_name("plain", tests, NULL, NULL);
}
