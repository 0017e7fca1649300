/* SPDX-License-Identifier: Apache-2.0 */
/* Workers that share a queue, each in its thread, while statistics are read: nothing is lost. */
#include "xdp/rings.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include "rings_world.h"
#include "xdp/frame.h"

enum { WORKERS = 3, WINDOW = 16, ROUNDS = 400 };

static atomic_bool stopped;

struct echo {
    uv_thread_t thread;
    size_t worker;
    uint64_t echoed;
};

/* Kept while there is no room to send them: tests must not drop. */
static void send_back(struct echo *echo, struct rings *rings, struct bytes frame)
{
    struct frame_in in;
    if (frame_read(frame, &in) != DROP_NONE)
        return;
    while (!write_to_far(rings, echo->worker, &in.from, in.payload.data, in.payload.len))
        (void)rings_kick(rings);
    echo->echoed++;
}

static void run_echo(void *argument)
{
    struct echo *echo = argument;
    struct rings *rings = device_rings(device, 0, echo->worker);
    struct rings_frame frames[WINDOW / 2];
    while (!atomic_load(&stopped)) {
        if (!wait_for_frames(rings, 10))
            continue;
        size_t count = rings_receive(rings, frames, COUNT_OF(frames));
        for (size_t i = 0; i < count; i++)
            send_back(echo, rings, frames[i].bytes);
        rings_release(rings);
        (void)rings_kick(rings);
    }
}

/* A window for each worker is under way at a time. */
static void exchange(int fd, uint32_t round)
{
    struct address from;
    for (uint16_t worker = 0; worker < WORKERS; worker++)
        for (int i = 0; i < WINDOW; i++)
            assert_true(send_from_far(
                fd, ADDRESS_IP4, (uint16_t)(FIRST_PORT + worker), &round, sizeof(round)));
    for (int i = 0; i < WORKERS * WINDOW; i++)
        expect_datagram(fd, &round, sizeof(round), &from);
}

static void threads_share_a_queue(void **state)
{
    (void)state;
    struct rings_world world = {DEVICE_ATTACH_NATIVE, 1, WORKERS, 64, 32};
    struct echo echoes[WORKERS];
    struct address far;
    rings_world_open(&world);
    int fd = open_far_of(ADDRESS_IP4, &far);
    for (size_t i = 0; i < WORKERS; i++) {
        echoes[i] = (struct echo){.worker = i};
        assert_int_equal(uv_thread_create(&echoes[i].thread, run_echo, &echoes[i]), 0);
    }
    for (uint32_t round = 0; round < ROUNDS; round++) {
        exchange(fd, round);
        (void)read_statistics(device_rings(device, 0, round % WORKERS));
    }
    atomic_store(&stopped, true);

    for (size_t i = 0; i < WORKERS; i++) {
        uv_thread_join(&echoes[i].thread);
        assert_int_equal(echoes[i].echoed, ROUNDS * WINDOW);
        struct rings *rings = device_rings(device, 0, i);
        kick_all(rings); /* finds all of them */
        struct rings_statistics statistics = read_statistics(rings);
        assert_int_equal(statistics.no_frame + statistics.ring_full + statistics.send_dropped, 0);
        assert_int_equal(statistics.bad_entries + statistics.kick_errors, 0);
    }
    close(fd);
    rings_world_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(threads_share_a_queue)};
    if (!veth_world_is_possible())
        return skip_all();
    return cmocka_run_group_tests_name("xdp/rings_threads", tests, NULL, NULL);
}
