/* SPDX-License-Identifier: Apache-2.0 */
/* What the back end of AF_XDP does beside what all of them do: which way a packet takes. */
#include "xdp/packet_io.h"

#include <net/if.h>
#include <poll.h>
#include <unistd.h>

#include "lane.h"
#include "net/udp_socket.h"
#include "xdp/frame.h"

static struct pool pool;
static struct packet_io_counters counters;
static struct packet_io *io;
static struct packet_batch batch;
static struct xdp_counters before;
static int far_fd;
static struct address far;

static int set_up(void **state)
{
    const struct back_end *back_end = *state;
    packet_pool_init(&pool, 4096);
    memset(&counters, 0, sizeof(counters));
    batch.count = 0;
    assert_int_equal(back_end->make(back_end->context, &pool, &counters, &io), 0);
    packet_io_start(io);
    far_fd = open_far_udp(ADDRESS_IP4, &far);
    before = lane_worker.counters;
    return 0;
}

static void give_back(void)
{
    while (batch.count > 0)
        packet_give(&pool, batch.packets[--batch.count]);
}

static int tear_down(void **state)
{
    (void)state;
    give_back();
    packet_io_free(io);
    close(far_fd);
    pool_done(&pool);
    return 0;
}

/* How many more there were in this test. */
static uint64_t received_frames(void)
{
    return counter_get(&lane_worker.counters.received_packets) -
           counter_get(&before.received_packets);
}

static uint64_t sent_frames(void)
{
    return counter_get(&lane_worker.counters.sent_packets) - counter_get(&before.sent_packets);
}

static uint64_t detours(unsigned detour)
{
    return counter_get(&lane_worker.counters.detours[detour]) -
           counter_get(&before.detours[detour]);
}

static uint64_t dropped(enum drop_reason reason)
{
    return counter_get(&counters.drops.by_reason[reason]);
}

static struct packet_socket *open_socket(struct packet_socket_config config)
{
    struct packet_socket *socket;
    config.user = "user";
    config.fd = open_near_udp(ADDRESS_IP4, &config.local);
    assert_int_equal(packet_io_open_socket(io, &config, &socket), 0);
    return socket;
}

static struct packet_socket *open_plain(void)
{
    return open_socket((struct packet_socket_config){.tos = 0});
}

static struct packet *add(struct packet_socket *socket, const struct address *to, size_t len)
{
    static const uint8_t data[PACKET_DATA_MAX] = "payload";
    struct packet *p = packet_take(&pool);
    assert_non_null(p);
    assert_true(packet_set(p, bytes_of(data, len)));
    p->socket = socket;
    p->peer = *to;
    batch.packets[batch.count++] = p;
    return p;
}

static void send_one(struct packet_socket *socket, const struct address *to, size_t len)
{
    add(socket, to, len);
    packet_io_send(io, &batch);
    assert_int_equal(batch.count, 0);
}

static bool is_readable(int fd, int timeout_ms)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    return poll(&wait, 1, timeout_ms) == 1;
}

static void receive(void)
{
    give_back();
    for (int looks = 0;
         batch.count < PACKET_BATCH_MAX && is_readable(packet_io_poll_fd(io), network_ms);
         looks++) {
        assert_true(looks < 1000);
        packet_io_receive(io, &batch);
    }
}

static void send_from_far(const struct packet_socket *socket, const void *data, size_t len)
{
    assert_int_equal(udp_socket_send(far_fd, bytes_of(data, len), NULL, &socket->local), 0);
}

/* What the far end hears next, cut to a byte. */
static uint8_t hear(size_t *len)
{
    struct udp_datagram datagram;
    static uint8_t data[PACKET_DATA_MAX];
    assert_true(is_readable(far_fd, 2000));
    assert_int_equal(udp_socket_receive(far_fd, data, sizeof(data), &datagram), 0);
    if (len != NULL)
        *len = datagram.bytes.len;
    return data[0];
}

static void packets_pass_the_stack_by(void **state)
{
    (void)state;
    struct packet_socket *socket = open_plain();
    for (int i = 0; i < 10; i++)
        send_from_far(socket, "x", 1);
    receive();
    assert_int_equal(batch.count, 10);
    assert_int_equal(received_frames(), 10);
    packet_io_send(io, &batch);
    assert_int_equal(sent_frames(), 10);
    assert_int_equal(counter_get(&counters.received_packets), 10);
    assert_int_equal(counter_get(&counters.received_bytes), 10);
    assert_int_equal(counter_get(&counters.sent_packets), 10);
    assert_int_equal(counter_get(&counters.sent_bytes), 10);
    for (int i = 0; i < 10; i++)
        assert_int_equal(hear(NULL), 'x');
}

/* --- as the kernel would have sent it ----------------------------------------------------------
 */

/* The next frame of UDP that arrives from near. */
static size_t catch_frame(int fd, uint8_t *out, size_t capacity)
{
    for (;;) {
        assert_true(is_readable(fd, 2000));
        ssize_t len = read(fd, out, capacity);
        assert_true(len > 0);
        struct frame_in in;
        if (frame_read(bytes_of(out, (size_t)len), &in) == DROP_NONE &&
            !address_same_ip(&in.from, &far4) && !address_same_ip(&in.from, &far6))
            return (size_t)len;
    }
}

/* Sums and identifications may differ. */
static void forget_what_may_differ(uint8_t *frame, bool is_ip6)
{
    if (!is_ip6) {
        memset(frame + FRAME_ETHERNET_SIZE + 4, 0, 2);
        memset(frame + FRAME_ETHERNET_SIZE + 10, 0, 2);
    } else {
        frame[FRAME_ETHERNET_SIZE + 1] &= 0xf0; /* the flow label */
        memset(frame + FRAME_ETHERNET_SIZE + 2, 0, 2);
    }
    size_t udp = FRAME_ETHERNET_SIZE + (size_t)(is_ip6 ? FRAME_IP6_SIZE : FRAME_IP4_SIZE);
    memset(frame + udp + 6, 0, 2);
}

static const struct manner_case {
    const char *name;
    bool is_ip6, want_tos, want_df, dont_fragment;
    uint8_t tos, own_tos;
} manners[] = {
    {.name = "plain"},
    {.name = "class of the socket", .tos = 0xb8, .own_tos = 0x20},
    {.name = "class of the packet", .want_tos = true, .tos = 0xb8, .own_tos = 0x21},
    {.name = "whole", .want_df = true, .dont_fragment = true},
    {.name = "not whole", .want_df = true},
    {.name = "plain, IPv6", .is_ip6 = true},
    {.name = "class of the packet, IPv6", .is_ip6 = true, .want_tos = true, .own_tos = 0xb9},
    {.name = "whole, IPv6", .is_ip6 = true, .want_df = true, .dont_fragment = true},
};

static struct packet_socket *open_as(const struct manner_case *c)
{
    struct packet_socket_config config = {
        .user = "user", .tos = c->tos, .want_tos = c->want_tos, .want_df = c->want_df};
    struct udp_socket_config udp = {.bind = c->is_ip6 ? near6 : near4, .tos = c->tos};
    struct packet_socket *socket;
    assert_int_equal(udp_socket_open(&udp, &config.fd), 0);
    assert_int_equal(udp_socket_local(config.fd, &config.local), 0);
    assert_int_equal(packet_io_open_socket(io, &config, &socket), 0);
    return socket;
}

static void compare_with_kernel(const struct manner_case *c, int frames_fd)
{
    uint8_t ours[200], theirs[200];
    struct packet_socket *socket = open_as(c);
    struct address to = c->is_ip6 ? far6 : far4;
    to.port = 9;
    uint64_t sent = sent_frames();
    for (int by_kernel = 0; by_kernel <= 1; by_kernel++) {
        struct packet *p = add(socket, &to, 33);
        p->tos = c->own_tos;
        p->dont_fragment = c->dont_fragment;
        if (by_kernel != 0)
            next_hops_forget_routes(lane.hops);
        packet_io_send(io, &batch);
        uint8_t *frame = by_kernel != 0 ? theirs : ours;
        size_t len = catch_frame(frames_fd, frame, sizeof(ours));
        assert_int_equal(len, 33 + FRAME_ETHERNET_SIZE + frame_packet_size(to.family, 0));
        forget_what_may_differ(frame, c->is_ip6);
        if (by_kernel != 0 && memcmp(ours, theirs, len) != 0)
            fail_msg("%s", c->name);
    }
    assert_int_equal(sent_frames(), sent + 1);
    packet_io_close_socket(io, socket);
}

static void frames_are_what_the_kernel_sends(void **state)
{
    (void)state;
    int fd = open_far_frames();
    for (size_t i = 0; i < COUNT_OF(manners); i++) {
        next_hops_forget_routes(lane.hops);
        lane_learn(
            manners[i].is_ip6 ? &near6 : &near4, manners[i].is_ip6 ? &far6 : &far4, NETWORK_MTU, 0);
        compare_with_kernel(&manners[i], fd);
    }
    close(fd);
}

/* --- detours -----------------------------------------------------------------------------------
 */

static void what_is_not_known_goes_by_the_socket(void **state)
{
    (void)state;
    struct packet_socket *socket = open_plain();
    next_hops_forget_routes(lane.hops);
    send_one(socket, &far, 7);
    assert_int_equal(sent_frames(), 0);
    assert_int_equal(detours(NEXT_HOP_UNKNOWN), 1);
    assert_int_equal(counter_get(&counters.sent_packets), 1);
    assert_int_equal(hear(NULL), 'p');
    lane_learn(&near4, &far4, NETWORK_MTU, 0);
    usleep(30000); /* what is not known is not asked for each time */
    send_one(socket, &far, 7);
    assert_int_equal(sent_frames(), 1);
    assert_int_equal(counter_get(&counters.sent_packets), 2);
}

static void what_is_too_long_goes_by_the_socket(void **state)
{
    (void)state;
    static const size_t headers = FRAME_IP4_SIZE + FRAME_UDP_SIZE;
    struct packet_socket *socket = open_socket((struct packet_socket_config){.want_icmp = true});
    size_t len;
    send_one(socket, &far, NETWORK_MTU - headers);
    assert_int_equal(sent_frames(), 1);
    send_one(socket, &far, NETWORK_MTU - headers + 1);
    assert_int_equal(sent_frames(), 1);
    assert_int_equal(detours(XDP_DETOUR_TOO_LONG), 1);
    hear(&len);
    assert_int_equal(len, NETWORK_MTU - headers);
    hear(&len);
    assert_int_equal(len, NETWORK_MTU - headers + 1);
}

/* What a router says of a narrow path reaches the kernel and sockets that want ICMP errors. */
static void what_may_be_too_long_goes_by_the_socket(void **state)
{
    (void)state;
    enum { SURE = 1280 - FRAME_IP4_SIZE - FRAME_UDP_SIZE };
    struct packet_socket *socket = open_plain();
    send_one(socket, &far, SURE);
    assert_int_equal(sent_frames(), 1);
    send_one(socket, &far, SURE + 1);
    assert_int_equal(sent_frames(), 1);
    assert_int_equal(detours(XDP_DETOUR_TOO_LONG), 1);
    assert_int_equal(hear(NULL), 'p');
    assert_int_equal(hear(NULL), 'p');
}

/* A path of a jumbo network; a frame's memory is no longer. */
static void what_is_longer_than_a_frame_goes_by_the_socket(void **state)
{
    (void)state;
    struct packet_socket *socket = open_plain();
    next_hops_forget_routes(lane.hops);
    lane_learn(&near4, &far4, 9000, 0);
    send_one(socket, &far, 2100);
    assert_int_equal(detours(XDP_DETOUR_TOO_LONG), 1);
    assert_int_equal(hear(NULL), 'p');
}

static void what_can_be_no_frame_is_left_to_the_kernel(void **state)
{
    (void)state;
    struct packet_socket *socket = open_plain();
    struct packet_socket_config any = {.user = "any"};
    struct packet_socket *of_any;
    struct udp_socket_config udp = {.bind = {.family = ADDRESS_IP4}};
    assert_int_equal(udp_socket_open(&udp, &any.fd), 0);
    assert_int_equal(udp_socket_local(any.fd, &any.local), 0);
    assert_int_equal(packet_io_open_socket(io, &any, &of_any), 0);
    struct address nowhere = far, other_family = far6;
    nowhere.port = 0;
    other_family.port = 9;
    send_one(of_any, &far, 7);
    assert_int_equal(hear(NULL), 'p');
    send_one(socket, &nowhere, 7);
    send_one(socket, &other_family, 7);
    assert_int_equal(sent_frames(), 0);
    assert_int_equal(detours(XDP_DETOUR_ADDRESS), 3);
    assert_int_equal(counter_get(&counters.sent_packets), 1);
    assert_int_equal(dropped(DROP_SEND_FAILED), 2);
}

/* The packet that keeps the kernel's neighbour alive stays in its place. */
static void a_confirming_packet_keeps_the_order(void **state)
{
    (void)state;
    packet_io_free(io);
    lane_forget_next_hops();
    lane_learn(&near4, &far4, NETWORK_MTU, NEXT_HOP_CONFIRM_MS + 1000);
    assert_int_equal(packet_io_new_xdp(&lane_worker, &pool, &counters, &io), 0);
    struct packet_socket *socket = open_plain();
    for (uint8_t i = 0; i < 20; i++)
        add(socket, &far, 1)->data[0] = i;
    packet_io_send(io, &batch);
    assert_int_equal(detours(NEXT_HOP_CONFIRM), 1);
    assert_int_equal(sent_frames(), 19);
    for (uint8_t i = 0; i < 20; i++)
        assert_int_equal(hear(NULL), i);
}

/* --- arrivals ----------------------------------------------------------------------------------
 */

static void a_socket_that_closes_is_forgotten(void **state)
{
    (void)state;
    struct packet_socket *socket = open_plain();
    struct packet_socket_config again = {.user = "again", .local = socket->local};
    struct udp_socket_config udp = {.bind = socket->local};
    for (int i = 0; i < 3; i++)
        send_from_far(socket, "x", 1);
    assert_true(is_readable(packet_io_poll_fd(io), 2000));
    packet_io_close_socket(io, socket);
    receive();
    assert_int_equal(batch.count, 0);
    assert_int_equal(dropped(DROP_FRAME_NO_SOCKET), 3);

    assert_int_equal(udp_socket_open(&udp, &again.fd), 0);
    assert_int_equal(udp_socket_send(far_fd, bytes_of("y", 1), NULL, &again.local), 0);
    usleep(1000 * (unsigned)network_ms);
    assert_int_equal(packet_io_open_socket(io, &again, &socket), 0);
    send_from_far(socket, "z", 1);
    receive();
    assert_int_equal(batch.count, 2); /* one by the kernel, before */
    assert_int_equal(received_frames(), 1);
}

/* Sockets at a port of several workers get what the kernel finds is theirs. */
static void shared_ports_stay_with_the_kernel(void **state)
{
    (void)state;
    struct packet_socket_config config = {.user = "shared"};
    struct udp_socket_config udp = {.bind = near4, .reuse_port = true};
    struct packet_socket *shared, *alone;
    lane.workers = 2;
    assert_int_equal(udp_socket_open(&udp, &config.fd), 0);
    assert_int_equal(udp_socket_local(config.fd, &config.local), 0);
    assert_int_equal(packet_io_open_socket(io, &config, &shared), 0);
    alone = open_plain();
    lane.workers = 1;
    send_from_far(shared, "x", 1);
    send_from_far(alone, "y", 1);
    receive();
    assert_int_equal(batch.count, 2);
    assert_int_equal(received_frames(), 1);
}

/* A frame as a stranger may send it from far. */
static void inject(
    int fd, const struct address *from, const struct packet_socket *socket, uint8_t checksum_error)
{
    uint8_t near_mac[6], far_mac[6], frame[100];
    read_macs(near_mac, far_mac);
    struct frame_out how = {.source_mac = far_mac,
        .destination_mac = near_mac,
        .from = from,
        .to = &socket->local,
        .hop_limit = 9,
        .dont_fragment = true};
    size_t len = frame_write(frame, sizeof(frame), &how, bytes_of("xx", 2));
    frame[len - 1] ^= checksum_error;
    send_far_frame(fd, bytes_of(frame, len));
}

static void what_the_kernel_would_drop_is_dropped(void **state)
{
    (void)state;
    int fd = open_far_frames();
    struct packet_socket *socket = open_plain();
    struct address ourselves = near4;
    ourselves.port = 7;
    inject(fd, &far, socket, 0);
    inject(fd, &far, socket, 1);
    inject(fd, &ourselves, socket, 0);
    receive();
    assert_int_equal(batch.count, 1);
    assert_int_equal(received_frames(), 1);
    assert_int_equal(dropped(DROP_FRAME_CHECKSUM), 1);
    assert_int_equal(dropped(DROP_FRAME_SOURCE), 1);
    close(fd);
}

/* Both ways share a batch; neither keeps the other out of it. */
static void frames_leave_room_for_others(void **state)
{
    (void)state;
    static const uint8_t large[2000];
    struct packet_socket *socket = open_plain();
    send_from_far(socket, large, sizeof(large)); /* comes in pieces, by the kernel */
    for (int i = 0; i < 600; i++)
        send_from_far(socket, "x", 1);
    usleep(1000 * (unsigned)network_ms);
    packet_io_receive(io, &batch);
    assert_int_equal(batch.count, PACKET_BATCH_MAX);
    size_t large_ones = 0;
    for (size_t i = 0; i < batch.count; i++)
        large_ones += batch.packets[i]->len == sizeof(large);
    assert_int_equal(large_ones, 1);
    assert_int_equal(counter_get(&counters.batches), 1);
    receive();
    assert_int_equal(batch.count, PACKET_BATCH_MAX);
    receive();
    assert_int_equal(batch.count, 601 - 2 * PACKET_BATCH_MAX);
    assert_int_equal(counter_get(&counters.received_packets), 601);
    assert_int_equal(received_frames(), 600);
}

/* --- misfortune --------------------------------------------------------------------------------
 */

static void an_interface_that_is_down_comes_back(void **state)
{
    (void)state;
    struct packet_socket *socket = open_plain();
    run_near("ip link set " NEAR_NAME " down");
    for (int i = 0; i < 5; i++)
        send_one(socket, &far, 7);
    assert_int_equal(sent_frames(), 1); /* this one finds out, and waits */
    assert_int_equal(detours(XDP_DETOUR_RING_FULL), 4);
    assert_int_equal(dropped(DROP_SEND_FAILED), 4);
    run_near(
        "ip link set " NEAR_NAME " up && ip addr replace 2001:db8::1/64 dev " NEAR_NAME " nodad");
    for (int i = 0; i < 5; i++)
        send_one(socket, &far, 7);
    assert_true(sent_frames() >= 5);
    for (int i = 0; i < 5; i++)
        hear(NULL);
}

static void a_narrower_path_is_asked_for(void **state)
{
    (void)state;
    struct packet_socket *socket =
        open_socket((struct packet_socket_config){.want_icmp = true, .want_df = true});
    struct next_hop_request request;
    add(socket, &far, 1800)->dont_fragment = true;
    packet_io_send(io, &batch);
    receive();
    assert_int_equal(batch.count, 1);
    assert_int_equal(batch.packets[0]->kind, PACKET_ICMP);
    send_one(socket, &far, 7);
    usleep(50000);
    send_one(socket, &far, 7);
    assert_int_equal(next_hops_take(lane.hops, &request, 1), 1);
    assert_true(address_same_ip(&request.key.remote, &far4));
}

static void the_kernel_counts_what_found_no_room(void **state)
{
    (void)state;
    struct packet_socket *socket = open_plain();
    for (int i = 0; i < 10000; i++)
        send_from_far(socket, "x", 1);
    packet_io_sample(io, 1);
    uint64_t lost = counter_get(&counters.kernel_drops);
    assert_true(lost > 0);
    packet_io_sample(io, 1);
    assert_int_equal(counter_get(&counters.kernel_drops), lost);
    uint64_t received = 0;
    do {
        receive();
        received += batch.count;
    } while (batch.count > 0);
    assert_int_equal(received + lost, 10000);
}

/* The last test of all. */
static void an_interface_that_goes_away_hurts_nobody(void **state)
{
    (void)state;
    struct packet_socket *socket = open_plain();
    run_near("ip link del " NEAR_NAME);
    for (int i = 0; i < 5; i++)
        send_one(socket, &far, 7);
    assert_true(dropped(DROP_SEND_FAILED) >= 4);
    packet_io_receive(io, &batch);
    assert_int_equal(batch.count, 0);
    assert_false(is_readable(packet_io_poll_fd(io), 10));
    packet_io_sample(io, 1);
}

int main(void)
{
    static const struct CMUnitTest each[] = {
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
        TEST(packets_pass_the_stack_by),
        TEST(frames_are_what_the_kernel_sends),
        TEST(what_is_not_known_goes_by_the_socket),
        TEST(what_is_too_long_goes_by_the_socket),
        TEST(what_may_be_too_long_goes_by_the_socket),
        TEST(what_is_longer_than_a_frame_goes_by_the_socket),
        TEST(what_can_be_no_frame_is_left_to_the_kernel),
        TEST(a_confirming_packet_keeps_the_order),
        TEST(a_socket_that_closes_is_forgotten),
        TEST(shared_ports_stay_with_the_kernel),
        TEST(what_the_kernel_would_drop_is_dropped),
        TEST(frames_leave_room_for_others),
        TEST(a_narrower_path_is_asked_for),
        TEST(an_interface_that_is_down_comes_back),
        TEST(the_kernel_counts_what_found_no_room),
    };
    static struct back_end back_ends[BACK_ENDS_MAX];
    struct CMUnitTest tests[BACK_ENDS_MAX * COUNT_OF(each) + 1];
    size_t count = 0, back_end_count = back_ends_find(back_ends);
    for (size_t b = 0; b < back_end_count; b++)
        for (size_t i = 0; i < COUNT_OF(each); i++, count++) {
            tests[count] = each[i];
            tests[count].initial_state = &back_ends[b];
        }
    if (count == 0)
        return 0;
    tests[count] = (struct CMUnitTest)TEST(an_interface_that_goes_away_hurts_nobody);
    tests[count].initial_state = tests[count - 1].initial_state;
    return _cmocka_run_group_tests("xdp_packet_io", tests, count + 1, NULL, NULL);
}
