/* SPDX-License-Identifier: Apache-2.0 */
/* Plans, leases, timeouts and what a query tells. */
#include "scene.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct scene scene;
static struct phone alice, bob, alice_rtcp, bob_rtcp;

static int two_phones(void **state)
{
    (void)state;
    scene_open(&scene);
    phone_join(&alice, "192.0.2.1:5000", RELAY_IP ":30002");
    phone_join(&bob, "192.0.2.2:6000", RELAY_IP ":30004");
    phone_join(&alice_rtcp, "192.0.2.1:5001", RELAY_IP ":30002");
    phone_join(&bob_rtcp, "192.0.2.2:6001", RELAY_IP ":30004");
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
    sim_leave(&alice_rtcp.peer);
    sim_leave(&bob_rtcp.peer);
    scene_close(&scene);
    return 0;
}

static const struct relay_counters *counters(void)
{
    return relay_counters(scene.relay);
}

static size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static void say(struct phone *from, uint16_t seq)
{
    phone_say(
        from, &(struct speech){.ssrc = 0xa, .seq = seq, .timestamp = seq * 160u, .payload = "x"});
    sim_settle();
}

static void the_same_plan_changes_nothing(void **state)
{
    (void)state;
    say(&alice, 1);
    size_t descriptors = open_descriptors();
    for (int i = 0; i < 3; i++)
        scene_apply(&scene);
    assert_int_equal(open_descriptors(), descriptors);
    assert_int_equal(sim_open_sockets(), 2 + 4);
    assert_int_equal(counter_get(&counters()->transports), 2);
    assert_int_equal(counter_get(&counters()->streams), 2);
    assert_int_equal(scene.closed[1] + scene.closed[2], 0);
    say(&alice, 2);
    scene_query(&scene);
    assert_int_equal(scene_stream_state(&scene, 11)->in[0].packets, 2);
}

static void a_lease_is_closed_once(void **state)
{
    (void)state;
    size_t descriptors = open_descriptors();
    scene_end_call(&scene);
    assert_int_equal(scene.closed[1], 1);
    assert_int_equal(scene.closed[2], 1);
    assert_int_equal(sim_open_sockets(), 2);
    assert_int_equal(open_descriptors(), descriptors - 4);
    assert_int_equal(counter_get(&counters()->calls), 0);
    assert_int_equal(counter_get(&counters()->transports), 0);
    assert_int_equal(counter_get(&counters()->streams), 0);
    scene_end_call(&scene); /* ended twice: nothing is left to tell */
    assert_int_equal(scene.closed[1] + scene.closed[2], 2);
    say(&alice, 1);
}

static void a_lease_may_move_to_another_transport(void **state)
{
    (void)state;
    scene.transports[0].id = 5;
    scene.streams[0].transport = 5;
    scene_apply(&scene);
    assert_int_equal(scene.closed[1], 0);
    assert_int_equal(sim_open_sockets(), 2 + 4);
    say(&alice, 1);
    assert_int_equal(bob.inbox.count, 1);
}

static void sockets_for_a_call_that_ended_are_given_back(void **state)
{
    (void)state;
    size_t descriptors = open_descriptors();
    scene_leased(&scene, 3, NULL);
    scene_leased(&scene, 4, NULL);
    scene.plan.transport_count = 2; /* leased, but not in the plan */
    scene_apply(&scene);
    assert_int_equal(scene.closed[3], 1);
    scene_end_call(&scene);
    scene_leased(&scene, 5, NULL);
    scene.plan.transport_count = 0;
    scene_apply(&scene); /* and no call at all */
    assert_int_equal(scene.closed[4], 1);
    assert_int_equal(scene.closed[5], 1);
    assert_int_equal(open_descriptors(), descriptors - 4);
}

static void closing_the_relay_closes_the_leases(void **state)
{
    (void)state;
    scene_stays();
    size_t descriptors = open_descriptors();
    worker_stop(scene.worker);
    relay_close(scene.relay);
    scene.worker = NULL;
    scene.relay = NULL;
    sim_end();
    assert_int_equal(scene.closed[1], 1);
    assert_int_equal(scene.closed[2], 1);
    assert_int_equal(open_descriptors(), descriptors - 4 - 2);
}

static int close_what_is_left(void **state)
{
    (void)state;
    scene_close(&scene);
    return 0;
}

static void ports_go_on_while_a_branch_goes(void **state)
{
    (void)state;
    scene_leased(&scene, 3, "192.0.2.3:7000");
    scene_sink(scene_stream(&scene, 13, 3), &scene.streams[0]);
    scene_sink(&scene.streams[0], &scene.streams[2]);
    scene_apply(&scene);
    scene.plan.transport_count = scene.plan.stream_count = 2;
    scene.streams[0].sink_count = 1;
    scene_apply(&scene);
    assert_int_equal(scene.closed[3], 1);
    say(&alice, 1);
    assert_int_equal(bob.inbox.count, 1);
}

static void a_silent_call_times_out_once(void **state)
{
    (void)state;
    scene_stays(); /* another relay would tell, too */
    say(&alice, 1);
    sim_run(59000);
    assert_int_equal(scene.timeouts, 0);
    sim_run(3000);
    assert_int_equal(scene.timeouts, 1);
    assert_int_equal(scene.why, PLAN_TIMEOUT_MEDIA);
    sim_run(10000);
    assert_int_equal(scene.timeouts, 1);
    assert_int_equal(counter_get(&counters()->timeouts), 1);
}

static void one_live_direction_holds_a_call(void **state)
{
    (void)state;
    for (uint16_t i = 0; i < 10; i++) {
        sim_run(30000);
        say(&alice, i);
    }
    assert_int_equal(scene.timeouts, 0);
}

static void hold_has_a_timeout_of_its_own(void **state)
{
    (void)state;
    scene.streams[0].timeout = scene.streams[1].timeout = PLAN_TIMEOUT_SILENT;
    scene_apply(&scene);
    sim_run(600000);
    assert_int_equal(scene.timeouts, 0);
    scene.streams[0].timeout = scene.streams[1].timeout = PLAN_TIMEOUT_MEDIA;
    scene_apply(&scene);
    sim_run(50000);
    assert_int_equal(scene.timeouts, 0); /* counts from here, not from the start of the hold */
    sim_run(12000);
    assert_int_equal(scene.timeouts, 1);
}

static void an_unanswered_call_has_the_offer_timeout(void **state)
{
    (void)state;
    scene.streams[0].timeout = scene.streams[1].timeout = PLAN_TIMEOUT_OFFER;
    scene_apply(&scene);
    sim_run(299000);
    assert_int_equal(scene.timeouts, 0);
    sim_run(3000);
    assert_int_equal(scene.timeouts, 1);
    assert_int_equal(scene.why, PLAN_TIMEOUT_OFFER);
}

static void a_query_tells_what_passed(void **state)
{
    (void)state;
    for (uint16_t i = 0; i < 10; i++) {
        if (i != 4)
            say(&alice, (uint16_t)(65530 + i));
        sim_run(20);
    }
    scene_query(&scene);
    assert_int_equal(scene.snapshots, 1);
    assert_int_equal(scene.token, 99);
    assert_true(scene.found);
    const struct relay_stream_state *a = scene_stream_state(&scene, 11);
    const struct relay_stream_state *b = scene_stream_state(&scene, 12);
    assert_int_equal(a->in[0].packets, 9);
    assert_int_equal(a->in[0].bytes, 9 * 13);
    assert_int_equal(b->out[0].packets, 9);
    assert_int_equal(b->in[0].packets + a->out[0].packets + a->in[1].packets, 0);
    assert_true(a->last_packet_us[0] > INT64_C(1500000000000000));
    assert_int_equal(b->last_packet_us[0], 0);
    assert_int_equal(a->ssrc_in_count, 1);
    assert_int_equal(a->ssrc_in[0].ssrc, 0xa);
    assert_int_equal(a->ssrc_in[0].packets, 9);
    assert_int_equal(a->ssrc_in[0].lost, 1);
    assert_int_equal(a->ssrc_in[0].last_sequence, 65536 + 3);
    assert_int_equal(b->ssrc_out[0].packets, 9);

    const struct relay_transport_state *t = scene_transport_state(&scene, 1);
    assert_true(address_equal(&t->local[0], &alice.relay_rtp));
    assert_true(address_equal(&t->local[1], &alice.relay_rtcp));
    assert_true(address_equal(&t->remote[0], &alice.peer.address));
    assert_true(t->confirmed);
    assert_null(t->suite);
    assert_int_equal(t->dtls, RELAY_DTLS_NONE);
}

static void a_query_for_nobody_is_answered_too(void **state)
{
    (void)state;
    scene_end_call(&scene);
    scene_query(&scene);
    assert_int_equal(scene.snapshots, 1);
    assert_false(scene.found);
}

static void many_ssrcs_take_the_place_of_the_oldest(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 40; i++) {
        phone_say(&alice, &(struct speech){.ssrc = 100 + i, .seq = 1, .payload = "x"});
        sim_run(20);
    }
    scene_query(&scene);
    const struct relay_stream_state *a = scene_stream_state(&scene, 11);
    assert_int_equal(a->ssrc_in_count, RELAY_MAX_SSRCS);
    for (uint32_t i = 0; i < RELAY_MAX_SSRCS; i++)
        assert_true(a->ssrc_in[i].ssrc >= 100 + 40 - RELAY_MAX_SSRCS);
    assert_int_equal(a->in[0].packets, 40);
}

/* `who` sends a sender report; the other side answers `delay_ms` later, with what it lost. */
static void report(struct phone *who, struct phone *other, uint32_t ssrc, uint64_t delay_ms)
{
    static uint32_t seconds = 1;
    uint8_t memory[100];
    struct writer w = writer_over(memory, sizeof(memory));
    struct rtcp_sender sender = {.ssrc = ssrc, .ntp = (uint64_t)++seconds << 32};
    rtcp_write_sr(&w, &sender, NULL, 0);
    phone_send(who, &who->relay_rtcp, writer_bytes(&w));
    sim_settle();
    sim_run(delay_ms);
    w = writer_over(memory, sizeof(memory));
    struct rtcp_report block = {.ssrc = ssrc,
        .last_sr = seconds << 16,
        .jitter = 80,
        .fraction_lost = 26,
        .lost = 7,
        .delay_last_sr = 0};
    rtcp_write_rr(&w, 99, &block, 1);
    phone_send(other, &other->relay_rtcp, writer_bytes(&w));
    sim_settle();
}

static void reports_give_round_trips_and_quality(void **state)
{
    (void)state;
    scene_stays(); /* what answers a report that the relay before has sent shows no distance */
    phone_say(&alice, &(struct speech){.ssrc = 1, .payload = "x"});
    phone_say(&bob, &(struct speech){.ssrc = 2, .payload = "x"});
    sim_settle();
    report(&bob_rtcp, &alice_rtcp, 2, 40); /* Alice is 40 ms away, Bob 100 ms */
    report(&alice_rtcp, &bob_rtcp, 1, 100);
    scene_query(&scene);
    const struct relay_ssrc *sent = &scene_stream_state(&scene, 11)->ssrc_in[0];
    assert_int_equal(sent->ssrc, 1);
    assert_int_equal(sent->average.samples, 1);
    assert_int_equal(sent->average.rtt_leg_us, 100000);
    assert_int_equal(sent->average.rtt_us, 140000);
    assert_int_equal(sent->average.jitter_ms, 10);
    assert_int_equal(sent->average.loss_percent, 10);
    assert_int_equal(sent->cumulative_loss, 7);
    assert_in_range(sent->average.mos_x10, 20, 30); /* a tenth is lost */
    assert_int_equal(sent->lowest.mos_x10, sent->average.mos_x10);
    assert_true(sent->lowest.reported_at > 1500000000);
    assert_int_equal(sent->progression_count, 1);
    assert_int_equal(
        scene_stream_state(&scene, 12)->ssrc_out[0].average.mos_x10, sent->average.mos_x10);
    /* Bob's stream: when Alice reported on it, Bob's leg was not measured yet. */
    assert_int_equal(scene_stream_state(&scene, 12)->ssrc_in[0].average.samples, 0);
}

#define test(f) cmocka_unit_test_setup_teardown(f, two_phones, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_same_plan_changes_nothing),
        test(a_lease_is_closed_once),
        test(a_lease_may_move_to_another_transport),
        test(sockets_for_a_call_that_ended_are_given_back),
        cmocka_unit_test_setup_teardown(
            closing_the_relay_closes_the_leases, two_phones, close_what_is_left),
        test(ports_go_on_while_a_branch_goes),
        test(a_silent_call_times_out_once),
        test(one_live_direction_holds_a_call),
        test(hold_has_a_timeout_of_its_own),
        test(an_unanswered_call_has_the_offer_timeout),
        test(a_query_tells_what_passed),
        test(a_query_for_nobody_is_answered_too),
        test(many_ssrcs_take_the_place_of_the_oldest),
        test(reports_give_round_trips_and_quality),
    };
    return cmocka_run_group_tests_name("calls", tests, NULL, NULL);
}
