/* SPDX-License-Identifier: Apache-2.0 */
/* The program in the kernel, run over frames: which it takes and which it leaves. */
#include "xdp/program.h"

#include <errno.h>
#include <net/if.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "veth_world.h"
#include "xdp/frame.h"

enum { WORKER = 5, PORT = 40000, OTHER_PORT = 40001 };

static const uint8_t near_mac[6] = {2, 0, 0, 0, 0, 11};
static const uint8_t far_mac[6] = {2, 0, 0, 0, 0, 10};

static struct xdp_maps *maps;
static struct xdp_program program;
static struct str why;
static unsigned device;
static int address4, address6;
static int socket_fd; /* the worker's, at both queues */

static void put_socket(uint32_t index)
{
    assert_int_equal(bpf_map_update_elem(program.sockets_fd, &index, &socket_fd, BPF_ANY), 0);
}

static void set_card(bool generic)
{
    struct xdp_card card = {.ifindex = device, .generic = generic};
    memcpy(card.mac, near_mac, sizeof(card.mac));
    assert_int_equal(xdp_program_set_card(&program, &card), 0);
}

static int set_up(void **state)
{
    (void)state;
    veth_world_open(2);
    device = if_nametoindex(NEAR_NAME);
    if (xdp_maps_open(&maps, &why) != 0)
        fail_msg("%s", str_string(&why));
    address4 = xdp_maps_add_address(maps, &near4);
    address6 = xdp_maps_add_address(maps, &near6);
    xdp_maps_set_port(maps, (unsigned)address4, PORT, WORKER);
    xdp_maps_set_port(maps, (unsigned)address6, PORT, WORKER);
    if (xdp_program_load(maps, 2, &program, &why) != 0)
        fail_msg("%s", str_string(&why));
    set_card(false);
    socket_fd = socket(AF_XDP, SOCK_RAW, 0);
    assert_true(socket_fd >= 0);
    put_socket(WORKER);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    close(socket_fd);
    xdp_program_unload(&program);
    xdp_maps_close(maps);
    str_done(&why);
    veth_world_close();
    return 0;
}

/* What comes back of a frame. */
struct ran {
    uint32_t verdict;
    struct bytes out; /* from its stamp on, if it got one */
};

static uint8_t result[4096];

static struct ran run_at(struct bytes frame, unsigned ifindex, unsigned queue)
{
    struct xdp_md context = {
        .data_end = (uint32_t)frame.len,
        .ingress_ifindex = ifindex,
        .rx_queue_index = queue,
    };
    struct bpf_test_run_opts options;
    memset(&options, 0, sizeof(options));
    options.sz = sizeof(options);
    options.data_in = frame.data;
    options.data_size_in = (uint32_t)frame.len;
    options.data_out = result;
    options.data_size_out = sizeof(result);
    options.ctx_in = &context;
    options.ctx_size_in = sizeof(context);
    assert_int_equal(bpf_prog_test_run_opts(program.program_fd, &options), 0);
    return (struct ran){options.retval, bytes_of(result, options.data_size_out)};
}

static uint32_t run(struct bytes frame)
{
    return run_at(frame, device, 0).verdict;
}

/* A frame that is taken, with `payload_len` bytes in it. */
static struct bytes make_frame(enum address_family family, size_t payload_len, uint8_t *out)
{
    static const uint8_t payload[2048];
    struct address from = family == ADDRESS_IP4 ? far4 : far6;
    struct address to = family == ADDRESS_IP4 ? near4 : near6;
    from.port = 5004;
    to.port = PORT;
    struct frame_out how = {
        .source_mac = far_mac,
        .destination_mac = near_mac,
        .from = &from,
        .to = &to,
        .tos = 0xb8,
        .hop_limit = 64,
        .dont_fragment = true,
    };
    size_t len = frame_write(out, 2048, &how, bytes_of(payload, payload_len));
    assert_int_not_equal(len, 0);
    return bytes_of(out, len);
}

/* A frame that is taken but for one thing. */
struct frame_case {
    const char *name;
    enum address_family family;
    uint32_t verdict;
    size_t offset; /* of what is changed */
    size_t len;    /* of that */
    uint8_t bytes[16];
};

enum { ETHERNET = 14, UDP4 = 34, UDP6 = 54 };
enum { PASS = XDP_PASS, TAKE = XDP_REDIRECT };

/* All with 40 bytes of payload: 68 of IPv4 (0x44), 48 of UDP (0x30). */
static const struct frame_case frames[] = {
    {"IPv4", ADDRESS_IP4, TAKE, 0, 0, {0}},
    {"IPv6", ADDRESS_IP6, TAKE, 0, 0, {0}},

    {"other hardware address", ADDRESS_IP4, PASS, 0, 6, {2, 0, 0, 0, 0, 12}},
    {"first byte of it", ADDRESS_IP6, PASS, 0, 1, {0}},
    {"broadcast", ADDRESS_IP4, PASS, 0, 6, {255, 255, 255, 255, 255, 255}},
    {"VLAN", ADDRESS_IP4, PASS, 12, 6, {0x81, 0, 0, 1, 8, 0}},
    {"ARP", ADDRESS_IP4, PASS, 12, 2, {8, 6}},
    {"IPv6 as IPv4", ADDRESS_IP6, PASS, 12, 2, {8, 0}},
    {"IPv4 as IPv6", ADDRESS_IP4, PASS, 12, 2, {0x86, 0xdd}},
    {"length of IEEE 802.3", ADDRESS_IP4, PASS, 12, 2, {0, 68}},

    {"version", ADDRESS_IP4, PASS, ETHERNET, 1, {0x65}},
    {"options", ADDRESS_IP4, PASS, ETHERNET, 1, {0x46}},
    {"header too short", ADDRESS_IP4, PASS, ETHERNET, 1, {0x44}},
    {"other class", ADDRESS_IP4, TAKE, ETHERNET + 1, 1, {0x03}},
    {"IP longer than the frame", ADDRESS_IP4, PASS, ETHERNET + 2, 2, {0, 69}},
    {"IP shorter than UDP", ADDRESS_IP4, PASS, ETHERNET + 2, 2, {0, 67}},
    {"IP shorter than its header", ADDRESS_IP4, PASS, ETHERNET + 2, 2, {0, 19}},
    {"IP of no length", ADDRESS_IP4, PASS, ETHERNET + 2, 2, {0, 0}},
    {"may be fragmented", ADDRESS_IP4, TAKE, ETHERNET + 6, 2, {0, 0}},
    {"first fragment", ADDRESS_IP4, PASS, ETHERNET + 6, 2, {0x20, 0}},
    {"middle fragment", ADDRESS_IP4, PASS, ETHERNET + 6, 2, {0x20, 1}},
    {"last fragment", ADDRESS_IP4, PASS, ETHERNET + 6, 2, {0, 1}},
    {"last fragment, far", ADDRESS_IP4, PASS, ETHERNET + 6, 2, {0x1f, 0}},
    {"reserved flag", ADDRESS_IP4, PASS, ETHERNET + 6, 2, {0x80, 0}},
    {"TCP", ADDRESS_IP4, PASS, ETHERNET + 9, 1, {6}},
    {"ICMP", ADDRESS_IP4, PASS, ETHERNET + 9, 1, {1}},
    {"from nowhere", ADDRESS_IP4, PASS, ETHERNET + 12, 1, {0}},
    {"from the loopback", ADDRESS_IP4, PASS, ETHERNET + 12, 1, {127}},
    {"from multicast", ADDRESS_IP4, PASS, ETHERNET + 12, 1, {224}},
    {"from below multicast", ADDRESS_IP4, TAKE, ETHERNET + 12, 1, {223}},
    {"from broadcast", ADDRESS_IP4, PASS, ETHERNET + 12, 4, {255, 255, 255, 255}},
    {"to another", ADDRESS_IP4, PASS, ETHERNET + 16, 4, {192, 0, 2, 3}},

    {"version", ADDRESS_IP6, PASS, ETHERNET, 1, {0x4b}},
    {"other class and flow", ADDRESS_IP6, TAKE, ETHERNET, 4, {0x60, 0x12, 0x34, 0x56}},
    {"IP longer than the frame", ADDRESS_IP6, PASS, ETHERNET + 4, 2, {0, 49}},
    {"IP shorter than UDP", ADDRESS_IP6, PASS, ETHERNET + 4, 2, {0, 47}},
    {"jumbogram", ADDRESS_IP6, PASS, ETHERNET + 4, 2, {0, 0}},
    {"hop by hop options", ADDRESS_IP6, PASS, ETHERNET + 6, 1, {0}},
    {"fragment", ADDRESS_IP6, PASS, ETHERNET + 6, 1, {44}},
    {"destination options", ADDRESS_IP6, PASS, ETHERNET + 6, 1, {60}},
    {"ICMP", ADDRESS_IP6, PASS, ETHERNET + 6, 1, {58}},
    {"from nowhere", ADDRESS_IP6, PASS, ETHERNET + 8, 16, {0}},
    {"from the loopback", ADDRESS_IP6, PASS, ETHERNET + 8, 16, {[15] = 1}},
    {"from beside the loopback", ADDRESS_IP6, TAKE, ETHERNET + 8, 16, {[15] = 2}},
    {"from multicast", ADDRESS_IP6, PASS, ETHERNET + 8, 1, {0xff}},
    {"to another", ADDRESS_IP6, PASS, ETHERNET + 39, 1, {2}},

    {"UDP longer than IP", ADDRESS_IP4, PASS, UDP4 + 4, 2, {0, 49}},
    {"UDP shorter than IP", ADDRESS_IP4, PASS, UDP4 + 4, 2, {0, 47}},
    {"UDP of no length", ADDRESS_IP4, PASS, UDP4 + 4, 2, {0, 0}},
    {"other source port", ADDRESS_IP4, TAKE, UDP4, 2, {0, 1}},
    {"other port", ADDRESS_IP4, PASS, UDP4 + 2, 2, {0x9c, 0x41}},
    {"port below", ADDRESS_IP4, PASS, UDP4 + 2, 2, {0x9c, 0x3f}},
    {"port 0", ADDRESS_IP4, PASS, UDP4 + 2, 2, {0, 0}},
    {"last port", ADDRESS_IP4, PASS, UDP4 + 2, 2, {0xff, 0xff}},
    {"UDP longer than IP", ADDRESS_IP6, PASS, UDP6 + 4, 2, {0, 49}},
    {"UDP shorter than IP", ADDRESS_IP6, PASS, UDP6 + 4, 2, {0, 47}},
    {"other port", ADDRESS_IP6, PASS, UDP6 + 2, 2, {0x9c, 0x41}},
};

static void sorts_frames(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(frames); i++) {
        const struct frame_case *c = &frames[i];
        uint8_t memory[2048];
        struct bytes frame = make_frame(c->family, 40, memory);
        memcpy(memory + c->offset, c->bytes, c->len);
        uint32_t verdict = run(frame);
        if (verdict != c->verdict)
            fail_msg("%s, IPv%d: %u", c->name, c->family == ADDRESS_IP4 ? 4 : 6, verdict);
    }
}

/* Cut off anywhere, a frame is the kernel's; with bytes behind it, it is not. */
static void a_frame_must_be_whole(void **state)
{
    (void)state;
    for (enum address_family family = ADDRESS_IP4; family <= ADDRESS_IP6; family++) {
        uint8_t memory[2048] = {0};
        struct bytes frame = make_frame(family, 0, memory);
        assert_int_equal(run(frame), TAKE);
        for (size_t len = ETHERNET; len < frame.len; len++)
            assert_int_equal(run(bytes_of(memory, len)), PASS);
        assert_int_equal(run(bytes_of(memory, frame.len + 1)), TAKE);
        assert_int_equal(run(bytes_of(memory, XDP_FRAME_MAX)), TAKE);
        assert_int_equal(run(bytes_of(memory, XDP_FRAME_MAX + 1)), PASS);

        /* UDP that does not hold its own header. */
        size_t udp = frame.len - 8;
        memory[udp + 5] = 7;
        memory[family == ADDRESS_IP4 ? ETHERNET + 3 : ETHERNET + 5] =
            family == ADDRESS_IP4 ? 27 : 7;
        assert_int_equal(run(frame), PASS);
    }
}

static void the_longest_frame_is_taken(void **state)
{
    (void)state;
    uint8_t memory[2048];
    assert_int_equal(run(make_frame(ADDRESS_IP4, XDP_FRAME_MAX - 42, memory)), TAKE);
    assert_int_equal(run(make_frame(ADDRESS_IP4, XDP_FRAME_MAX - 41, memory)), PASS);
}

/* The sum of the pseudo header alone, as RFC 768 and RFC 8200, 8.1 have it, of a frame that was
 * made here: the addresses, the protocol and the length of 48. */
static void unfinish(enum address_family family, uint8_t *frame)
{
    size_t ip_len = family == ADDRESS_IP4 ? 4 : 16;
    uint8_t *udp = frame + (family == ADDRESS_IP4 ? UDP4 : UDP6);
    const uint8_t *addresses = udp - 2 * ip_len;
    uint32_t sum = 17 + 48;
    for (size_t i = 0; i < 2 * ip_len; i += 2)
        sum += (uint32_t)(addresses[i] << 8 | addresses[i + 1]);
    sum = (sum & 0xffff) + (sum >> 16);
    udp[6] = (uint8_t)(sum >> 8);
    udp[7] = (uint8_t)sum;
}

/* Behind the driver, a packet without its whole checksum may be several. */
static void unfinished_packets_are_taken_in_the_driver_only(void **state)
{
    (void)state;
    for (enum address_family family = ADDRESS_IP4; family <= ADDRESS_IP6; family++) {
        uint8_t memory[2048];
        struct bytes frame = make_frame(family, 40, memory);
        set_card(true);
        assert_int_equal(run(frame), TAKE);
        unfinish(family, memory);
        assert_int_equal(run(frame), PASS);
        set_card(false);
        assert_int_equal(run(frame), TAKE);

        set_card(true);
        memory[(family == ADDRESS_IP4 ? UDP4 : UDP6) + 7] ^= 1;
        assert_int_equal(run(frame), TAKE);
        memset(memory + (family == ADDRESS_IP4 ? UDP4 : UDP6) + 6, 0, 2); /* none at all */
        assert_int_equal(run(frame), TAKE);
        set_card(false);
    }
}

static uint64_t monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void says_when_a_frame_arrived(void **state)
{
    (void)state;
    uint8_t memory[2048];
    struct xdp_stamp stamp;
    struct bytes frame = make_frame(ADDRESS_IP4, 40, memory);
    uint64_t before = monotonic_ns();
    struct ran ran = run_at(frame, device, 0);
    uint64_t after = monotonic_ns();

    assert_int_equal(ran.out.len, sizeof(stamp) + frame.len);
    memcpy(&stamp, ran.out.data, sizeof(stamp));
    assert_int_equal(stamp.magic, XDP_STAMP_MAGIC);
    assert_in_range(stamp.arrival_ns, before, after);
    assert_memory_equal(ran.out.data + sizeof(stamp), frame.data, frame.len);
}

/* A queue has sockets of its own; where there is none, the kernel goes on. */
static void looks_for_the_socket_of_the_queue(void **state)
{
    (void)state;
    uint8_t memory[2048];
    struct bytes frame = make_frame(ADDRESS_IP4, 40, memory);
    assert_int_equal(run_at(frame, device, 1).verdict, PASS);
    put_socket(XDP_WORKERS_MAX + WORKER);
    assert_int_equal(run_at(frame, device, 1).verdict, TAKE);
}

static void takes_only_what_enters_by_the_device(void **state)
{
    (void)state;
    uint8_t memory[2048];
    struct bytes frame = make_frame(ADDRESS_IP4, 40, memory);
    assert_int_equal(run_at(frame, if_nametoindex("lo"), 0).verdict, PASS);
}

/* Each port by itself, also its neighbours in memory, and each worker. */
static void ports_are_registered(void **state)
{
    (void)state;
    uint8_t memory[2048];
    struct bytes frame = make_frame(ADDRESS_IP4, 40, memory);
    for (unsigned port = 0; port < 65536; port += 4369) {
        memory[UDP4 + 2] = (uint8_t)(port >> 8);
        memory[UDP4 + 3] = (uint8_t)port;
        assert_int_equal(run(frame), PASS);
        xdp_maps_set_port(maps, (unsigned)address4, (uint16_t)port, WORKER);
        assert_int_equal(run(frame), TAKE);
        xdp_maps_set_port(maps, (unsigned)address4, (uint16_t)(port ^ 1), WORKER);
        xdp_maps_set_port(maps, (unsigned)address4, (uint16_t)port, -1);
        assert_int_equal(run(frame), PASS);
        xdp_maps_set_port(maps, (unsigned)address4, (uint16_t)(port ^ 1), -1);
    }

    frame = make_frame(ADDRESS_IP4, 40, memory);
    xdp_maps_set_port(maps, (unsigned)address4, PORT, XDP_WORKERS_MAX - 1);
    assert_int_equal(run(frame), PASS); /* it has no socket */
    put_socket(XDP_WORKERS_MAX - 1);
    assert_int_equal(run(frame), TAKE);
    xdp_maps_set_port(maps, (unsigned)address4, PORT, -1);
    assert_int_equal(run(frame), PASS);
    assert_int_equal(run(make_frame(ADDRESS_IP6, 40, memory)), TAKE);
}

static void there_are_so_many_addresses(void **state)
{
    (void)state;
    struct address ip = {.family = ADDRESS_IP4, .ip = {198, 51, 100, 0}};
    assert_int_equal(xdp_maps_add_address(maps, &near6), address6);
    for (int i = 2; i < XDP_ADDRESSES_MAX; i++, ip.ip[3]++)
        assert_int_equal(xdp_maps_add_address(maps, &ip), i);
    assert_int_equal(xdp_maps_add_address(maps, &ip), -ENOSPC);
    ip.port = 1; /* only the IP counts */
    ip.ip[3]--;
    assert_int_equal(xdp_maps_add_address(maps, &ip), XDP_ADDRESSES_MAX - 1);
    struct address none = {.family = ADDRESS_NONE};
    assert_int_equal(xdp_maps_add_address(maps, &none), -EAFNOSUPPORT);

    /* The last one has its ports too, up to the last. */
    uint8_t memory[2048];
    struct bytes frame = make_frame(ADDRESS_IP4, 40, memory);
    memcpy(memory + ETHERNET + 16, ip.ip, 4);
    memset(memory + UDP4 + 2, 0xff, 2);
    assert_int_equal(run(frame), PASS);
    xdp_maps_set_port(maps, XDP_ADDRESSES_MAX - 1, 65535, WORKER);
    assert_int_equal(run(frame), TAKE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sorts_frames, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_frame_must_be_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_longest_frame_is_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            unfinished_packets_are_taken_in_the_driver_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_when_a_frame_arrived, set_up, tear_down),
        cmocka_unit_test_setup_teardown(looks_for_the_socket_of_the_queue, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_only_what_enters_by_the_device, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ports_are_registered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(there_are_so_many_addresses, set_up, tear_down),
    };
    if (!veth_world_is_possible())
        return skip_all();
    return cmocka_run_group_tests_name("xdp/program", tests, NULL, NULL);
}
