/* SPDX-License-Identifier: Apache-2.0 */
/* Rings at one end of a cable and a kernel's sockets at the other. */
#include "xdp/rings.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "rings_world.h"
#include "xdp/frame.h"

static int open_one(enum device_attach attach)
{
    struct rings_world world = {.attach = attach, .queues = 1, .workers = 1};
    rings_world_open(&world);
    return 0;
}

static int set_up(void **state)
{
    return open_one(*(enum device_attach *)*state);
}

/* Small enough to be used up. */
static int set_up_small(void **state)
{
    struct rings_world world = {*(enum device_attach *)*state, 1, 1, 64, 64};
    rings_world_open(&world);
    return 0;
}

static int set_up_two_workers(void **state)
{
    struct rings_world world = {*(enum device_attach *)*state, 1, 2, 128, 64};
    rings_world_open(&world);
    return 0;
}

static int set_up_two_queues(void **state)
{
    struct rings_world world = {*(enum device_attach *)*state, 2, 2, 0, 0};
    rings_world_open(&world);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rings_world_close();
    return 0;
}

static uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Receives one frame, which holds this datagram. */
static void expect_frame(
    struct rings *rings, const struct address *from, uint16_t port, const void *data, size_t len)
{
    struct rings_frame frame;
    struct frame_in in;
    assert_true(wait_for_frames(rings, PATIENCE_MS));
    assert_int_equal(rings_receive(rings, &frame, 1), 1);
    assert_int_equal(frame_read(frame.bytes, &in), DROP_NONE);
    assert_true(address_equal(&in.from, from));
    assert_int_equal(in.to.port, port);
    assert_int_equal(in.payload.len, len);
    assert_memory_equal(in.payload.data, data, len);
    rings_release(rings);
}

static void datagrams_arrive_as_frames(void **state)
{
    (void)state;
    struct rings *rings = device_rings(device, 0, 0);
    struct rings_frame frame;
    assert_int_equal(rings_receive(rings, &frame, 1), 0);
    for (enum address_family family = ADDRESS_IP4; family <= ADDRESS_IP6; family++) {
        struct address far;
        int fd = open_far_of(family, &far);
        assert_true(send_from_far(fd, family, FIRST_PORT, "hello", 5));
        expect_frame(rings, &far, FIRST_PORT, "hello", 5);
        assert_false(wait_for_frames(rings, 0));
        close(fd);
    }
}

static void frames_arrive_as_datagrams(void **state)
{
    (void)state;
    struct rings *rings = device_send_rings(device, 0);
    for (enum address_family family = ADDRESS_IP4; family <= ADDRESS_IP6; family++) {
        struct address far, from;
        int fd = open_far_of(family, &far);
        assert_true(write_to_far(rings, 0, &far, "one", 3));
        assert_true(write_to_far(rings, 0, &far, "second", 6));
        assert_int_equal(rings_kick(rings), 0);
        expect_datagram(fd, "one", 3, &from);
        assert_int_equal(from.port, FIRST_PORT);
        expect_datagram(fd, "second", 6, &from);
        close(fd);
    }
    kick_all(rings);
}

static void says_when_frames_arrived(void **state)
{
    (void)state;
    struct rings *rings = device_rings(device, 0, 0);
    struct rings_frame frames[8];
    struct address far;
    int fd = open_far_of(ADDRESS_IP4, &far);
    uint64_t before = monotonic_ns();
    for (int i = 0; i < 3; i++)
        assert_true(send_from_far(fd, ADDRESS_IP4, FIRST_PORT, "x", 1));
    size_t count = 0;
    while (count < 3) {
        assert_true(wait_for_frames(rings, PATIENCE_MS));
        count += rings_receive(rings, frames + count, 8 - count);
    }
    uint64_t after = monotonic_ns();
    assert_int_equal(count, 3);
    assert_in_range(frames[0].arrival_ns, before, after);
    assert_in_range(frames[1].arrival_ns, frames[0].arrival_ns, after);
    assert_in_range(frames[2].arrival_ns, frames[1].arrival_ns, after);
    rings_release(rings);
    rings_release(rings);
    close(fd);
}

/* What is not registered is the kernel's, as are ARP, neighbour discovery and fragments, without
 * which none of this would come about. */
static void all_else_reaches_the_kernel(void **state)
{
    (void)state;
    static uint8_t big[4000];
    struct address far, near = {.family = ADDRESS_IP4}, from;
    int fd = open_far_of(ADDRESS_IP4, &far);
    int near_fd = open_near(&near);
    assert_true(send_from_far(fd, ADDRESS_IP4, near.port, "hello", 5));
    expect_datagram(near_fd, "hello", 5, &from);
    assert_true(address_equal(&from, &far));

    /* Registered, but in fragments. */
    int index = xdp_maps_add_address(maps, &near4);
    xdp_maps_set_port(maps, (unsigned)index, near.port, 0);
    assert_true(send_from_far(fd, ADDRESS_IP4, near.port, big, sizeof(big)));
    expect_datagram(near_fd, big, sizeof(big), &from);
    assert_false(wait_for_frames(device_rings(device, 0, 0), 0));

    assert_true(send_from_far(fd, ADDRESS_IP4, near.port, "hello", 5));
    expect_frame(device_rings(device, 0, 0), &far, near.port, "hello", 5);
    close(near_fd);
    close(fd);
}

/* A sender may leave the cutting to the card. It is done before a driver runs a program; behind the
 * driver the kernel does it, and with that the packets are its own. */
static void cut_datagrams_arrive_apart(void **state)
{
    (void)state;
    static const char *parts[] = {"first", " seco", "nd"};
    struct rings *rings = device_rings(device, 0, 0);
    int size = 5;
    struct address far, near = {.family = ADDRESS_IP4}, from;
    let_far_finish(false);
    int near_fd = open_near(&near);
    xdp_maps_set_port(maps, (unsigned)xdp_maps_add_address(maps, &near4), near.port, 0);
    int fd = open_far_of(ADDRESS_IP4, &far);
    assert_return_code(setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)), 0);
    assert_true(send_from_far(fd, ADDRESS_IP4, near.port, "first second", 12));
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (device_is_native(device))
            expect_frame(rings, &far, near.port, parts[i], strlen(parts[i]));
        else
            expect_datagram(near_fd, parts[i], strlen(parts[i]), &from);
    close(fd);
    close(near_fd);
}

/* The memory is used over and over: no frame is lost on the way. */
static void the_memory_comes_back(void **state)
{
    (void)state;
    enum { BATCH = 48, ROUNDS = 300 };
    struct rings *rings = device_rings(device, 0, 0);
    struct rings_frame frames[BATCH];
    struct address far, from;
    int fd = open_far_of(ADDRESS_IP4, &far);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < BATCH; i++) {
            assert_true(send_from_far(fd, ADDRESS_IP4, FIRST_PORT, &round, sizeof(round)));
            assert_true(write_to_far(rings, 0, &far, &round, sizeof(round)));
        }
        kick_all(rings);
        for (size_t count = 0; count < BATCH;) {
            assert_true(wait_for_frames(rings, PATIENCE_MS));
            count += rings_receive(rings, frames, 1 + round % BATCH);
            rings_release(rings);
        }
        for (size_t i = 0; i < BATCH; i++)
            expect_datagram(fd, &round, sizeof(round), &from);
    }
    assert_false(wait_for_frames(rings, 0));
    struct rings_statistics statistics = read_statistics(rings);
    assert_int_equal(statistics.no_frame + statistics.ring_full + statistics.send_dropped, 0);
    assert_int_equal(statistics.bad_entries + statistics.kick_errors, 0);
    close(fd);
}

/* Exactly as many frames wait as there are, also after they were used. */
static void what_does_not_fit_is_counted(void **state)
{
    (void)state;
    struct rings *rings = device_rings(device, 0, 0);
    struct rings_frame frames[128];
    struct address far;
    uint64_t lost = 0;
    int fd = open_far_of(ADDRESS_IP4, &far);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 64 + 5; i++)
            assert_true(send_from_far(fd, ADDRESS_IP4, FIRST_PORT, "x", 1));
        lost += 5;
        struct rings_statistics statistics = read_statistics(rings);
        for (int i = 0; statistics.no_frame + statistics.ring_full < lost; i++) {
            assert_in_range(i, 0, 200);
            usleep(5000);
            statistics = read_statistics(rings);
        }
        assert_int_equal(statistics.no_frame + statistics.ring_full, lost);
        assert_int_equal(rings_receive(rings, frames, 128), 64);
        rings_release(rings);
    }
    close(fd);
}

static void frames_to_send_run_out(void **state)
{
    (void)state;
    struct rings *rings = device_send_rings(device, 0);
    struct address far, from;
    int fd = open_far_of(ADDRESS_IP4, &far);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 64; i++)
            assert_true(write_to_far(rings, 0, &far, &i, sizeof(i)));
        assert_null(rings_reserve(rings));
        assert_null(rings_reserve(rings));
        kick_all(rings);
        for (int i = 0; i < 64; i++)
            expect_datagram(fd, &i, sizeof(i), &from);
    }
    /* A frame that was reserved is the same until it is committed. */
    uint8_t *frame = rings_reserve(rings);
    assert_non_null(frame);
    assert_ptr_equal(rings_reserve(rings), frame);
    assert_true(write_to_far(rings, 0, &far, "x", 1));
    assert_ptr_not_equal(rings_reserve(rings), frame);
    close(fd);
}

/* Held frames of several calls are given back together. */
static void receives_more_before_it_releases(void **state)
{
    (void)state;
    enum { COUNT = 40, ROUNDS = 20 };
    struct rings *rings = device_rings(device, 0, 0);
    struct rings_frame frames[COUNT];
    struct address far;
    int fd = open_far_of(ADDRESS_IP4, &far);
    for (uint8_t round = 0; round < ROUNDS; round++) {
        for (uint8_t i = 0; i < COUNT; i++)
            assert_true(send_from_far(fd, ADDRESS_IP4, FIRST_PORT, &i, 1));
        size_t count = 0;
        while (count < COUNT) {
            assert_true(wait_for_frames(rings, PATIENCE_MS));
            count += rings_receive(rings, frames + count, count < 30 ? 7 : COUNT - count);
        }
        for (uint8_t i = 0; i < COUNT; i++) {
            struct frame_in in;
            assert_int_equal(frame_read(frames[i].bytes, &in), DROP_NONE);
            assert_int_equal(in.payload.data[0], i);
        }
        rings_release(rings);
    }
    close(fd);
}

/* What other workers found sent is there for one that had nothing left. */
static void finds_what_others_collected(void **state)
{
    (void)state;
    struct rings *rings = device_send_rings(device, 0);
    struct address far;
    int fd = open_far_of(ADDRESS_IP4, &far);
    while (write_to_far(rings, 0, &far, "x", 1))
        ;
    kick_all(rings);
    struct frame_stack *returned = &rings->queue->returned[rings->sender];
    memcpy(returned->addresses, rings->unused.addresses,
        rings->unused.count * sizeof(*returned->addresses));
    returned->count = rings->unused.count;
    rings->unused.count = 0;
    assert_true(write_to_far(rings, 0, &far, "x", 1));
    kick_all(rings);
    close(fd);
}

/* The same few frames are used again and again. */
static void a_kick_takes_back_what_was_sent(void **state)
{
    (void)state;
    struct rings *rings = device_send_rings(device, 0);
    struct address far;
    int fd = open_far_of(ADDRESS_IP4, &far);
    for (int i = 0; i < 100; i++) {
        assert_true(write_to_far(rings, 0, &far, "x", 1));
        assert_int_equal(rings_kick(rings), 0);
    }
    assert_in_range(rings->unused.count, rings->queue->config.send_frames - 10,
        rings->queue->config.send_frames);
    kick_all(rings);
    close(fd);
}

static void workers_share_a_queue(void **state)
{
    (void)state;
    struct address far, from;
    int fd = open_far_of(ADDRESS_IP4, &far);
    for (int i = 0; i < 500; i++)
        for (uint16_t worker = 0; worker < 2; worker++) {
            struct rings *rings = device_rings(device, 0, worker);
            uint16_t port = (uint16_t)(FIRST_PORT + worker);
            assert_true(send_from_far(fd, ADDRESS_IP4, port, &i, sizeof(i)));
            expect_frame(rings, &far, port, &i, sizeof(i));
            assert_true(write_to_far(rings, worker, &far, &i, sizeof(i)));
            assert_int_equal(rings_kick(rings), 0);
            expect_datagram(fd, &i, sizeof(i), &from);
            assert_int_equal(from.port, port);
        }
    kick_all(device_rings(device, 0, 0));
    kick_all(device_rings(device, 0, 1));
    close(fd);
}

/* One that does not come by leaves memory for the other. */
static void a_worker_does_not_starve_the_other(void **state)
{
    (void)state;
    struct rings *slow = device_rings(device, 0, 0);
    struct rings_frame frames[128];
    struct address far;
    int fd = open_far_of(ADDRESS_IP4, &far);
    for (int i = 0; i < 128; i++)
        assert_true(send_from_far(fd, ADDRESS_IP4, FIRST_PORT, "x", 1));
    for (int i = 0; i < 64; i++) {
        assert_true(send_from_far(fd, ADDRESS_IP4, FIRST_PORT + 1, &i, sizeof(i)));
        expect_frame(device_rings(device, 0, 1), &far, FIRST_PORT + 1, &i, sizeof(i));
    }
    assert_int_equal(rings_receive(slow, frames, 128), 64);
    rings_release(slow);
    assert_int_equal(read_statistics(slow).ring_full, 64);
    assert_int_equal(read_statistics(device_rings(device, 0, 1)).ring_full, 0);
    close(fd);
}

/* Frames of one flow arrive at one queue, and those of several at both. */
static void queues_have_rings_of_their_own(void **state)
{
    (void)state;
    size_t seen[2] = {0};
    for (uint8_t flow = 0; flow < 32; flow++) {
        struct address far;
        struct rings_frame frame;
        int fd = open_far_of(ADDRESS_IP4, &far);
        assert_true(send_from_far(fd, ADDRESS_IP4, FIRST_PORT + 1, &flow, 1));
        struct rings *first = device_rings(device, 0, 1), *second = device_rings(device, 1, 1);
        size_t queue = 0;
        for (int i = 0; !wait_for_frames(first, 1) && !wait_for_frames(second, 1); i++)
            assert_in_range(i, 0, PATIENCE_MS / 2);
        queue = wait_for_frames(second, 0);
        assert_int_equal(rings_receive(device_rings(device, queue, 1), &frame, 1), 1);
        rings_release(device_rings(device, queue, 1));
        seen[queue]++;
        close(fd);
    }
    assert_int_equal(seen[0] + seen[1], 32);
    if (device_is_native(device)) { /* else this driver puts all into the first */
        assert_int_not_equal(seen[0], 0);
        assert_int_not_equal(seen[1], 0);
    }
}

static void workers_send_by_their_queues(void **state)
{
    (void)state;
    struct address far, from;
    int fd = open_far_of(ADDRESS_IP4, &far);
    for (size_t worker = 0; worker < 2; worker++) {
        struct rings *rings = device_send_rings(device, worker);
        assert_true(write_to_far(rings, worker, &far, "hello", 5));
        assert_int_equal(rings_kick(rings), 0);
        expect_datagram(fd, "hello", 5, &from);
        assert_int_equal(from.port, FIRST_PORT + worker);
        assert_int_equal(rings_kick(device_rings(device, 1 - worker, worker)), 0);
    }
    close(fd);
}

/* No carrier: frames are dropped, nothing piles up, and all is well when it is back. */
static void the_far_end_goes_down_and_up(void **state)
{
    (void)state;
    struct rings *rings = device_send_rings(device, 0);
    struct address far, from;
    int fd = open_far_of(ADDRESS_IP4, &far);
    run_far("ip link set far down");
    for (int i = 0; i < 40; i++)
        assert_true(write_to_far(rings, 0, &far, "lost", 4));
    assert_int_equal(rings_kick(rings), 0);
    kick_all(rings);
    assert_int_equal(read_statistics(rings).send_dropped, 40);
    run_far("ip link set far up");
    for (int i = 0; i < 40; i++)
        assert_true(write_to_far(rings, 0, &far, &i, sizeof(i)));
    kick_all(rings);
    for (int i = 0; i < 40; i++)
        expect_datagram(fd, &i, sizeof(i), &from);
    close(fd);
}

static void the_near_end_goes_down_and_up(void **state)
{
    (void)state;
    struct rings *rings = device_send_rings(device, 0);
    struct address far, from;
    int fd = open_far_of(ADDRESS_IP4, &far);
    run_near("ip link set " NEAR_NAME " down");
    assert_true(write_to_far(rings, 0, &far, "late", 4));
    assert_int_equal(rings_kick(rings), -ENETDOWN);
    assert_null(rings_reserve(rings));
    assert_int_equal(rings_kick(rings), -ENETDOWN);
    assert_int_equal(read_statistics(rings).kick_errors, 2);
    run_near("ip link set " NEAR_NAME " up");
    assert_int_equal(rings_kick(rings), 0);
    expect_datagram(fd, "late", 4, &from);
    assert_true(write_to_far(rings, 0, &far, "next", 4));
    kick_all(rings);
    expect_datagram(fd, "next", 4, &from);
    assert_true(send_from_far(fd, ADDRESS_IP4, FIRST_PORT, "hello", 5));
    expect_frame(rings, &far, FIRST_PORT, "hello", 5);
    close(fd);
}

static void the_device_goes_away(void **state)
{
    (void)state;
    struct rings *rings = device_send_rings(device, 0);
    struct rings_frame frame;
    struct address far;
    int fd = open_far_of(ADDRESS_IP4, &far);
    assert_true(send_from_far(fd, ADDRESS_IP4, FIRST_PORT, "hello", 5));
    assert_true(wait_for_frames(rings, PATIENCE_MS));
    assert_int_equal(rings_receive(rings, &frame, 1), 1);
    assert_true(write_to_far(rings, 0, &far, "lost", 4));
    run_near("ip link del " NEAR_NAME);
    rings_release(rings);
    assert_int_equal(rings_kick(rings), -ENXIO);
    assert_int_equal(rings_kick(rings), -ENXIO);
    assert_null(rings_reserve(rings));
    assert_int_equal(rings_receive(rings, &frame, 1), 0);
    assert_int_equal(read_statistics(rings).kick_errors, 1);
    assert_false(wait_for_frames(rings, 0)); /* a loop that waits for it is not kept busy */
    close(fd);
}

/* With a new hardware address the kernel has all, until the device is told. */
static void the_hardware_address_changes(void **state)
{
    (void)state;
    struct rings *rings = device_rings(device, 0, 0);
    struct address far, near = {.family = ADDRESS_IP4}, from;
    uint8_t near_mac[6], far_mac[6];
    int fd = open_far_of(ADDRESS_IP4, &far);
    int near_fd = open_near(&near);
    xdp_maps_set_port(maps, (unsigned)xdp_maps_add_address(maps, &near4), near.port, 0);
    run_near("ip link set " NEAR_NAME " address 02:00:00:00:00:99");
    run_far("ip neigh flush dev far");
    assert_true(send_from_far(fd, ADDRESS_IP4, near.port, "hello", 5));
    expect_datagram(near_fd, "hello", 5, &from);

    read_macs(near_mac, far_mac);
    assert_int_equal(device_set_mac(device, near_mac), 0);
    assert_true(send_from_far(fd, ADDRESS_IP4, near.port, "again", 5));
    expect_frame(rings, &far, near.port, "again", 5);
    close(near_fd);
    close(fd);
}

static void statistics_begin_at_nothing(void **state)
{
    (void)state;
    struct rings_statistics none = {0};
    struct rings_statistics now = read_statistics(device_rings(device, 0, 0));
    assert_memory_equal(&now, &none, sizeof(none));
}

static const struct rings_test {
    const char *name;
    CMUnitTestFunction run;
    CMFixtureFunction set_up;
} tests[] = {
    {"datagrams_arrive_as_frames", datagrams_arrive_as_frames, set_up},
    {"frames_arrive_as_datagrams", frames_arrive_as_datagrams, set_up},
    {"says_when_frames_arrived", says_when_frames_arrived, set_up},
    {"all_else_reaches_the_kernel", all_else_reaches_the_kernel, set_up},
    {"cut_datagrams_arrive_apart", cut_datagrams_arrive_apart, set_up},
    {"the_memory_comes_back", the_memory_comes_back, set_up_small},
    {"what_does_not_fit_is_counted", what_does_not_fit_is_counted, set_up_small},
    {"frames_to_send_run_out", frames_to_send_run_out, set_up_small},
    {"receives_more_before_it_releases", receives_more_before_it_releases, set_up_small},
    {"finds_what_others_collected", finds_what_others_collected, set_up_small},
    {"a_kick_takes_back_what_was_sent", a_kick_takes_back_what_was_sent, set_up_small},
    {"workers_share_a_queue", workers_share_a_queue, set_up_two_workers},
    {"a_worker_does_not_starve_the_other", a_worker_does_not_starve_the_other, set_up_two_workers},
    {"queues_have_rings_of_their_own", queues_have_rings_of_their_own, set_up_two_queues},
    {"workers_send_by_their_queues", workers_send_by_their_queues, set_up_two_queues},
    {"the_far_end_goes_down_and_up", the_far_end_goes_down_and_up, set_up},
    {"the_near_end_goes_down_and_up", the_near_end_goes_down_and_up, set_up},
    {"the_device_goes_away", the_device_goes_away, set_up},
    {"the_hardware_address_changes", the_hardware_address_changes, set_up},
    {"statistics_begin_at_nothing", statistics_begin_at_nothing, set_up},
};

/* Each test in the driver and behind it. */
int main(void)
{
    static enum device_attach modes[] = {DEVICE_ATTACH_NATIVE, DEVICE_ATTACH_GENERIC};
    static char names[COUNT_OF(modes) * COUNT_OF(tests)][64];
    struct CMUnitTest all[COUNT_OF(modes) * COUNT_OF(tests)];
    size_t count = 0;
    for (size_t m = 0; m < COUNT_OF(modes); m++)
        for (size_t i = 0; i < COUNT_OF(tests); i++, count++) {
            snprintf(names[count], sizeof(names[count]), "%s%s", tests[i].name,
                modes[m] == DEVICE_ATTACH_GENERIC ? ", generic" : "");
            all[count] = (struct CMUnitTest){
                names[count], tests[i].run, tests[i].set_up, tear_down, &modes[m]};
        }
    if (!veth_world_is_possible())
        return skip_all();
    return cmocka_run_group_tests_name("xdp/rings", all, NULL, NULL);
}
