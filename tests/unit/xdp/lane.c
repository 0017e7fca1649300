/* SPDX-License-Identifier: Apache-2.0 */
#include "lane.h"

#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct lane_kind {
    const char *name;
    enum device_attach attach;
};

static const struct lane_kind kinds[BACK_ENDS_MAX] = {
    {"XDP in the driver", DEVICE_ATTACH_NATIVE}, {"XDP behind it", DEVICE_ATTACH_GENERIC}};

const int network_ms = 10;
struct xdp_common lane;
struct xdp_worker lane_worker = {.common = &lane};

static const struct lane_kind *open_kind;

static void check_use(void)
{
    if (counter_get(&lane_worker.counters.received_packets) > 0 &&
        counter_get(&lane_worker.counters.sent_packets) > 0)
        return;
    fputs("nothing was received or sent by AF_XDP\n", stderr);
    _exit(EXIT_FAILURE);
}

static void add_address(const struct address *ip)
{
    int index = xdp_maps_add_address(lane.maps, ip);
    assert_int_equal(index, lane.address_count);
    lane.addresses[lane.address_count++] = *ip;
}

static void open_once(void)
{
    struct str why = {.data = NULL};
    veth_world_open(2);
    run_far("sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0");
    assert_int_equal(xdp_maps_open(&lane.maps, &why), 0);
    add_address(&near4);
    add_address(&near6);
    lane.workers = 1;
    lane.device_count = 1;
    lane.ip4 = (struct xdp_manner){.hop_limit = 64, .dont_fragment = true};
    lane.ip6.hop_limit = 64;
    lane_forget_next_hops();
    atexit(check_use);
}

static void choose(const struct lane_kind *kind)
{
    if (open_kind == kind)
        return;
    struct str why = {.data = NULL};
    struct device_config device = {.interface = NEAR_NAME, .attach = kind->attach, .workers = 1};
    device_close(lane.devices[0]);
    if (device_open(lane.maps, &device, &lane.devices[0], &why) != 0)
        fail_msg("%s", str_string(&why));
    let_far_finish(kind->attach == DEVICE_ATTACH_GENERIC);
    open_kind = kind;
}

/* What a worker would have found out when it has sent some packets. */
static void learn_usual(void)
{
    lane_forget_next_hops();
    lane_learn(&near4, &far4, NETWORK_MTU, 0);
    lane_learn(&near6, &far6, NETWORK_MTU, 0);
}

static int make(
    void *context, struct pool *pool, struct packet_io_counters *counters, struct packet_io **out)
{
    choose(context);
    learn_usual();
    return packet_io_new_xdp(&lane_worker, pool, counters, out);
}

bool back_ends_enter_namespace(void)
{
    return veth_world_is_possible();
}

size_t back_ends_find(struct back_end out[BACK_ENDS_MAX])
{
    if (!veth_world_is_possible()) {
        (void)skip_all();
        return 0;
    }
    open_once();
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        out[i] =
            (struct back_end){.name = kinds[i].name, .make = make, .context = (void *)&kinds[i]};
    return COUNT_OF(kinds);
}

static int unblock(int fd)
{
    assert_return_code(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

int open_near_udp(enum address_family family, struct address *local)
{
    local->family = family;
    return unblock(open_near(local));
}

int open_far_udp(enum address_family family, struct address *local)
{
    local->family = family;
    return unblock(open_far(local));
}

/* The namespaces are the world's: a socket there tells its own. */
static int open_far_socket(int domain, int type, int protocol)
{
    struct address local = far4;
    int there = open_far(&local), here = open_near(&local);
    int far_ns = ioctl(there, SIOCGSKNS), near_ns = ioctl(here, SIOCGSKNS);
    assert_return_code(setns(far_ns, CLONE_NEWNET), 0);
    int fd = socket(domain, type | SOCK_CLOEXEC, protocol);
    assert_return_code(setns(near_ns, CLONE_NEWNET), 0);
    assert_true(fd >= 0);
    close(there);
    close(here);
    close(far_ns);
    close(near_ns);
    return fd;
}

int open_far_raw(enum address_family family, int protocol)
{
    return open_far_socket(family == ADDRESS_IP6 ? AF_INET6 : AF_INET, SOCK_RAW, protocol);
}

int open_far_frames(void)
{
    return unblock(open_far_socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
}

static int far_ifindex(int fd)
{
    struct ifreq request = {.ifr_name = "far"};
    assert_return_code(ioctl(fd, SIOCGIFINDEX, &request), 0);
    return request.ifr_ifindex;
}

void send_far_frame(int fd, struct bytes frame)
{
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = far_ifindex(fd)};
    assert_int_equal(
        sendto(fd, frame.data, frame.len, 0, (struct sockaddr *)&to, sizeof(to)), frame.len);
}

void lane_forget_next_hops(void)
{
    next_hops_free(lane.hops);
    lane.hops = next_hops_new(0);
    assert_non_null(lane.hops);
}

static void answer(const struct next_hop_request *request, uint16_t mtu, uint64_t now_ms)
{
    struct next_hop_answer answer = {.state = NEXT_HOP_WAITING,
        .via = {.ifindex = if_nametoindex(NEAR_NAME), .ip = request->key.remote},
        .mtu = mtu};
    uint8_t mac[ETH_ALEN];
    read_macs(answer.source, mac);
    next_hops_answer(lane.hops, request, &answer, now_ms);
    next_hops_set_neighbour(lane.hops, &answer.via, mac);
}

void lane_learn(
    const struct address *near, const struct address *far, uint16_t mtu, unsigned age_ms)
{
    uint64_t now_ms = xdp_now_ms() - age_ms;
    struct next_hop_request request;
    struct next_hop_cache *cache = next_hop_cache_new(lane.hops);
    assert_non_null(cache);
    (void)next_hop_find(cache, near, far, now_ms);
    while (next_hops_take(lane.hops, &request, 1) == 1)
        answer(&request, mtu, now_ms);
    next_hop_cache_free(cache);
}
