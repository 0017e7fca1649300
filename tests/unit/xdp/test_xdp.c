/* SPDX-License-Identifier: Apache-2.0 */
/* The process's one: what it opens, what it says when it cannot, and that all of it works together.
 */
#include "xdp/xdp.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/udp_socket.h"
#include "veth_world.h"

static uv_loop_t loop;
static struct str why;

static int set_up(void **state)
{
    (void)state;
    why = (struct str){.data = NULL};
    return uv_loop_init(&loop);
}

static int tear_down(void **state)
{
    (void)state;
    str_done(&why);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop);
}

static struct xdp_config usual(const char *const *interfaces, size_t count)
{
    static struct address addresses[2];
    addresses[0] = near4;
    addresses[1] = near6;
    return (struct xdp_config){.loop = &loop,
        .interfaces = interfaces,
        .interface_count = count,
        .addresses = addresses,
        .address_count = COUNT_OF(addresses),
        .workers = 1};
}

static void it_says_why_it_cannot(void **state)
{
    (void)state;
    const char *const interfaces[] = {"nothing0", "lo"};
    struct xdp_config config = usual(interfaces, 2);
    struct xdp *xdp = NULL;
    assert_true(xdp_open(&config, &xdp, &why) < 0);
    assert_non_null(strstr(str_string(&why), "nothing0"));
    assert_non_null(strstr(str_string(&why), "; lo"));
}

static void workers_are_counted(void **state)
{
    (void)state;
    const char *const interfaces[] = {NEAR_NAME};
    struct xdp_config config = usual(interfaces, 1);
    struct xdp *xdp = NULL;
    config.workers = XDP_WORKERS_MAX + 1;
    assert_int_equal(xdp_open(&config, &xdp, &why), -E2BIG);
    assert_string_equal(str_string(&why), "more than 64 workers");
}

static void one_interface_is_enough(void **state)
{
    (void)state;
    const char *const interfaces[] = {"nothing0", NEAR_NAME};
    struct xdp_config config = usual(interfaces, 2);
    struct xdp *xdp = NULL;
    assert_int_equal(xdp_open(&config, &xdp, &why), 0);
    assert_non_null(strstr(str_string(&why), "nothing0"));
    assert_int_equal(xdp_device_count(xdp), 1);
    assert_string_equal(device_name(xdp_device(xdp, 0)), NEAR_NAME);
    xdp_close(xdp);
}

/* Too many, those that are told twice, and the one that is none. */
static void addresses_that_do_not_fit_are_the_kernels(void **state)
{
    (void)state;
    const char *const interfaces[] = {NEAR_NAME};
    struct xdp_config config = usual(interfaces, 1);
    struct address many[XDP_ADDRESSES_MAX + 3];
    struct xdp *xdp = NULL;
    for (size_t i = 0; i < COUNT_OF(many); i++) {
        many[i] = near4;
        many[i].ip[3] = (uint8_t)(i < 3 ? 1 : i);
        many[i].port = 7;
    }
    many[0] = (struct address){.family = ADDRESS_IP6};
    config.addresses = many;
    config.address_count = COUNT_OF(many) - 1;
    assert_int_equal(xdp_open(&config, &xdp, &why), 0);
    assert_string_equal(str_string(&why), "");
    xdp_close(xdp);
    config.address_count++;
    assert_int_equal(xdp_open(&config, &xdp, &why), 0);
    assert_non_null(strstr(str_string(&why), "address"));
    xdp_close(xdp);
}

/* The packet comes back from where the answer goes. */
static void echo(struct packet_io *io, int far_fd, const struct packet_socket *socket)
{
    struct packet_batch batch = {.count = 0};
    struct pollfd wait = {.fd = packet_io_poll_fd(io), .events = POLLIN};
    char byte = 'x';
    assert_int_equal(udp_socket_send(far_fd, bytes_of(&byte, 1), NULL, &socket->local), 0);
    assert_int_equal(poll(&wait, 1, 2000), 1);
    packet_io_receive(io, &batch);
    assert_int_equal(batch.count, 1);
    packet_io_send(io, &batch);
    assert_int_equal(recv(far_fd, &byte, 1, 0), 1);
    uv_run(&loop, UV_RUN_NOWAIT);
}

static void packets_find_their_way(void **state)
{
    (void)state;
    const char *const interfaces[] = {NEAR_NAME};
    struct xdp_config config = usual(interfaces, 1);
    struct packet_io_counters counters = {.sockets = {0}};
    struct packet_socket_config at = {.local = near4, .user = "user"};
    struct address far = far4;
    struct xdp_counters sum;
    struct packet_socket *socket;
    struct packet_io *io;
    struct pool pool;
    struct xdp *xdp;

    packet_pool_init(&pool, 64);
    assert_int_equal(xdp_open(&config, &xdp, &why), 0);
    assert_int_equal(packet_io_new_xdp(xdp_worker(xdp, 0), &pool, &counters, &io), 0);
    packet_io_start(io);
    at.fd = open_near(&at.local);
    assert_int_equal(packet_io_open_socket(io, &at, &socket), 0);
    int far_fd = open_far(&far);
    unsigned rounds = 0;
    do {
        echo(io, far_fd, socket);
        usleep(10000);
        xdp_sum(xdp, &sum);
        assert_true(++rounds < 100);
    } while (counter_get(&sum.sent_packets) < 3);
    assert_int_equal(counter_get(&sum.received_packets), rounds);
    assert_int_not_equal(counter_get(&sum.detours[NEXT_HOP_UNKNOWN]), 0);
    size_t states[NEXT_HOP_STATE_COUNT];
    xdp_next_hops(xdp, states);
    assert_int_equal(states[NEXT_HOP_READY], 1);
    close(far_fd);
    packet_io_free(io);
    xdp_close(xdp);
    pool_done(&pool);
}

static void every_detour_has_a_name(void **state)
{
    (void)state;
    for (unsigned detour = 0; detour < XDP_DETOUR_COUNT; detour++)
        for (unsigned other = 0; other < detour; other++)
            assert_string_not_equal(xdp_detour_name(detour), xdp_detour_name(other));
}

int main(void)
{
    if (!veth_world_is_possible())
        return skip_all();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_says_why_it_cannot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(workers_are_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_interface_is_enough, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            addresses_that_do_not_fit_are_the_kernels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(packets_find_their_way, set_up, tear_down),
        cmocka_unit_test(every_detour_has_a_name),
    };
    veth_world_open(1);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    veth_world_close();
    return failed;
}
