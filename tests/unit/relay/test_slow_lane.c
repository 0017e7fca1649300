/* SPDX-License-Identifier: Apache-2.0 */
/* What waits, in which order it goes, and how long a turn lasts; the clock is scripted. */
#include "relay/slow_lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

enum { MANY = 2 * SLOW_LANE_MAX, STUN = SLOW_STUN, DTLS = SLOW_DTLS };

static struct packet packets[MANY];
static uint64_t now_ns, cost_ns;
static unsigned handled[MANY], handled_count;
static bool is_reentrant;

static uint64_t clock_ns(void)
{
    return now_ns;
}

static struct slow_lane lane;

static void handle(void *owner, struct packet *packet)
{
    assert_ptr_equal(owner, &lane);
    now_ns += cost_ns;
    handled[handled_count++] = (unsigned)(packet - packets);
    if (is_reentrant)
        assert_true(slow_lane_put(&lane, packet, SLOW_STUN));
}

static int set_up(void **state)
{
    (void)state;
    lane = (struct slow_lane){.owner = &lane, .clock_ns = clock_ns, .handle = handle};
    slow_lane_init(&lane);
    now_ns = 5;
    cost_ns = 0;
    handled_count = 0;
    for (unsigned i = 0; i < MANY; i++)
        packets[i] = (struct packet){
            .peer = {.family = ADDRESS_IP4, .port = (uint16_t)(1000 + i), .ip = {10, 0, 0, 1}}};
    return 0;
}

/* All from one source. */
static void from_one_source(void)
{
    for (unsigned i = 0; i < MANY; i++)
        packets[i].peer.port = 7;
}

static void expect(const unsigned *numbers, unsigned count)
{
    assert_int_equal(handled_count, count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(handled[i], numbers[i]);
    handled_count = 0;
}

static void checks_go_first_and_each_kind_keeps_its_order(void **state)
{
    (void)state;
    assert_true(slow_lane_is_empty(&lane));
    assert_true(slow_lane_put(&lane, &packets[0], SLOW_DTLS));
    assert_true(slow_lane_put(&lane, &packets[1], SLOW_STUN));
    assert_true(slow_lane_put(&lane, &packets[2], SLOW_DTLS));
    assert_true(slow_lane_put(&lane, &packets[3], SLOW_STUN));
    assert_false(slow_lane_is_empty(&lane));
    slow_lane_turn(&lane);
    expect((unsigned[]){1, 3, 0, 2}, 4);
    assert_true(slow_lane_is_empty(&lane));
    slow_lane_turn(&lane);
    expect(NULL, 0);
}

static const struct {
    uint64_t cost_us;
    unsigned stun, dtls;           /* that wait */
    unsigned stun_done, dtls_done; /* in the first turn */
    unsigned turns;                /* until all is done */
} turns[] = {
    {0, 100, 100, 100, 100, 1},
    {10, 20, 0, 20, 0, 1},
    {10, 40, 0, 30, 0, 2},
    {10, 40, 1, 30, 1, 2}, /* one of each kind in any turn */
    {10, 20, 20, 20, 10, 2},
    {1000, 0, 5, 0, 1, 5}, /* slow handshakes: one a turn */
    {1000, 2, 3, 1, 1, 3},
    {200, 0, 5, 0, 2, 3},
};

static void a_turn_is_bounded_by_time(void **state)
{
    for (size_t i = 0; i < COUNT_OF(turns); i++) {
        set_up(state);
        cost_ns = turns[i].cost_us * 1000;
        for (unsigned n = 0; n < turns[i].stun; n++)
            assert_true(slow_lane_put(&lane, &packets[n], SLOW_STUN));
        for (unsigned n = 0; n < turns[i].dtls; n++)
            assert_true(slow_lane_put(&lane, &packets[500 + n], SLOW_DTLS));
        slow_lane_turn(&lane);
        assert_int_equal(lane.queues[STUN].count, turns[i].stun - turns[i].stun_done);
        assert_int_equal(lane.queues[DTLS].count, turns[i].dtls - turns[i].dtls_done);
        unsigned count = 1;
        for (; !slow_lane_is_empty(&lane); count++)
            slow_lane_turn(&lane);
        assert_int_equal(count, turns[i].turns);
        assert_int_equal(handled_count, turns[i].stun + turns[i].dtls);
    }
}

static void the_whole_is_bounded(void **state)
{
    (void)state;
    unsigned taken = 0;
    for (unsigned i = 0; i < MANY; i++)
        taken += slow_lane_put(&lane, &packets[i], SLOW_DTLS);
    assert_int_equal(taken, SLOW_LANE_MAX);
    /* The other kinds are apart. */
    assert_true(slow_lane_put(&lane, &packets[MANY - 1], SLOW_STUN));
    assert_true(slow_lane_put(&lane, &packets[MANY - 2], SLOW_PLAIN));
    cost_ns = SLOW_LANE_TURN_US * 1000;
    slow_lane_turn(&lane);
    expect((unsigned[]){MANY - 1, 0, MANY - 2}, 3);
}

static void one_source_cannot_crowd_out_the_others(void **state)
{
    (void)state;
    unsigned taken = 0;
    from_one_source();
    for (unsigned i = 0; i < 100; i++)
        taken += slow_lane_put(&lane, &packets[i], SLOW_DTLS);
    assert_int_equal(taken, SLOW_LANE_PER_SOURCE);
    packets[200].peer.ip[3] = 2;
    packets[201].peer.ip[3] = 3; /* two, lest one has the same hash */
    assert_true(slow_lane_put(&lane, &packets[200], SLOW_DTLS) ||
                slow_lane_put(&lane, &packets[201], SLOW_DTLS));
    slow_lane_turn(&lane);
    handled_count = 0;
    assert_true(slow_lane_put(&lane, &packets[0], SLOW_DTLS)); /* it has been served */
}

static void what_comes_meanwhile_waits_its_turn(void **state)
{
    (void)state;
    cost_ns = 100 * 1000;
    is_reentrant = true;
    assert_true(slow_lane_put(&lane, &packets[0], SLOW_STUN));
    slow_lane_turn(&lane); /* would go on for ever, but for the clock */
    is_reentrant = false;
    expect((unsigned[]){0, 0, 0}, 3);
}

static void a_closed_socket_takes_its_packets_along(void **state)
{
    (void)state;
    struct packet_socket *one = (struct packet_socket *)&packets[800];
    struct packet_socket *two = (struct packet_socket *)&packets[801];
    for (unsigned i = 0; i < 6; i++) {
        packets[i].socket = i % 3 == 0 ? two : one;
        assert_true(slow_lane_put(&lane, &packets[i], i < 4 ? SLOW_STUN : SLOW_DTLS));
    }
    unsigned taken = 0;
    for (struct packet *p; (p = slow_lane_take_back(&lane, one)) != NULL; taken++)
        assert_ptr_equal(p->socket, one);
    assert_int_equal(taken, 4);
    assert_null(slow_lane_take_back(&lane, one));
    assert_true(slow_lane_put(&lane, &packets[6], SLOW_STUN)); /* the end was the one taken out */
    assert_true(slow_lane_put(&lane, &packets[7], SLOW_DTLS));
    slow_lane_turn(&lane);
    expect((unsigned[]){0, 3, 6, 7}, 4);
    assert_true(slow_lane_is_empty(&lane));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(checks_go_first_and_each_kind_keeps_its_order, set_up),
        cmocka_unit_test_setup(a_turn_is_bounded_by_time, set_up),
        cmocka_unit_test_setup(the_whole_is_bounded, set_up),
        cmocka_unit_test_setup(one_source_cannot_crowd_out_the_others, set_up),
        cmocka_unit_test_setup(what_comes_meanwhile_waits_its_turn, set_up),
        cmocka_unit_test_setup(a_closed_socket_takes_its_packets_along, set_up),
    };
    return cmocka_run_group_tests_name("slow_lane", tests, NULL, NULL);
}
