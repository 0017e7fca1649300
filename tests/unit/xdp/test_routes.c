/* SPDX-License-Identifier: Apache-2.0 */
#include "xdp/routes.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/sockaddr.h"
#include "veth_world.h"

enum { PATIENCE_MS = 10000, TICK_MS = 2, TINY_BUFFER = 1 };

static uv_loop_t loop;
static uv_timer_t tick; /* a worker sends a packet */
static struct next_hops *hops;
static struct next_hop_cache *cache;
static struct routes *routes;
static struct next_hop found; /* by the last until() */
static struct routes_device told;
static unsigned tellings;

static uint64_t clock_ms(void)
{
    return uv_hrtime() / 1000000;
}

static void on_tick(uv_timer_t *timer)
{
    (void)timer;
}

static void on_device(void *owner, const struct routes_device *device)
{
    assert_ptr_equal(owner, &told);
    told = *device;
    tellings++;
}

static void open_routes(int receive_buffer)
{
    unsigned ifindex = if_nametoindex(NEAR_NAME);
    struct routes_config config = {
        .hops = hops,
        .ifindexes = &ifindex,
        .count = 1,
        .receive_buffer = receive_buffer,
        .on_device = on_device,
        .owner = &told,
    };
    assert_int_equal(routes_open(&loop, &config, &routes), 0);
}

static int set_up(void **state)
{
    (void)state;
    veth_world_open(1);
    /* Their check for duplicates ends at any time, with events that nobody waits for. */
    run_near("ip -6 addr flush dev " NEAR_NAME " scope link");
    assert_int_equal(uv_loop_init(&loop), 0);
    uv_timer_init(&loop, &tick);
    uv_timer_start(&tick, on_tick, TICK_MS, TICK_MS);
    hops = next_hops_new(0);
    cache = next_hop_cache_new(hops);
    assert_non_null(cache);
    tellings = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    routes_close(routes);
    routes_close(NULL);
    routes = NULL;
    next_hop_cache_free(cache);
    next_hops_free(hops);
    uv_close((uv_handle_t *)&tick, NULL);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&loop), 0);
    veth_world_close();
    return 0;
}

static struct address ip(const char *literal)
{
    struct address a = {.family = ADDRESS_NONE};
    assert_true(address_parse(text_from(literal), &a));
    return a;
}

/* From the address of its family at "near". */
static const struct next_hop *find(const char *remote)
{
    struct address to = ip(remote);
    return next_hop_find(cache, to.family == ADDRESS_IP4 ? &near4 : &near6, &to, clock_ms());
}

/* Runs the loop until a packet to `remote` is in this state. */
static void until(const char *remote, enum next_hop_state state)
{
    uint64_t end_ms = clock_ms() + PATIENCE_MS;
    for (found = *find(remote); found.state != state; found = *find(remote)) {
        if (clock_ms() > end_ms)
            fail_msg("%s is %s", remote, next_hop_state_name(found.state));
        uv_run(&loop, UV_RUN_ONCE);
    }
}

static void until_mtu(const char *remote, unsigned mtu)
{
    uint64_t end_ms = clock_ms() + PATIENCE_MS;
    do {
        until(remote, NEXT_HOP_READY);
        if (clock_ms() > end_ms)
            fail_msg("the MTU to %s is %u", remote, found.mtu);
    } while (found.mtu != mtu && uv_run(&loop, UV_RUN_ONCE) != 0);
}

/* `mac` ends in this byte: that of a neighbour, which the others have zeros before. */
static void until_mac(const char *remote, uint8_t last)
{
    const uint8_t mac[ETH_ALEN] = {2, 0, 0, 0, 0, last};
    uint64_t end_ms = clock_ms() + PATIENCE_MS;
    do {
        until(remote, NEXT_HOP_READY);
        if (clock_ms() > end_ms)
            fail_msg("%s is sent to ...%02x", remote, found.destination[5]);
    } while (memcmp(found.destination, mac, sizeof(mac)) != 0 && uv_run(&loop, UV_RUN_ONCE) != 0);
}

/* As the back end does with what is not READY. */
static void send_by_kernel(const char *remote, size_t len)
{
    static const uint8_t packet[2000];
    struct sockaddr_storage to;
    struct address address = ip(remote), local = {.family = address.family};
    int fd = open_near(&local), discover = IP_PMTUDISC_DO;
    address.port = 9;
    socklen_t to_len = sockaddr_from_address(&address, &to);
    if (address.family == ADDRESS_IP4)
        assert_return_code(
            setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof(discover)), 0);
    assert_int_equal(sendto(fd, packet, len, 0, (struct sockaddr *)&to, to_len), len);
    close(fd);
}

static void know_neighbours(void)
{
    run_near("ip neigh add 192.0.2.3 lladdr 02:00:00:00:00:03 dev " NEAR_NAME);
    run_near("ip neigh add 192.0.2.4 lladdr 02:00:00:00:00:04 dev " NEAR_NAME);
    run_near("ip neigh add 2001:db8::3 lladdr 02:00:00:00:00:03 dev " NEAR_NAME);
    run_near("ip neigh add 2001:db8::4 lladdr 02:00:00:00:00:04 dev " NEAR_NAME);
}

static void check_macs(void)
{
    uint8_t near[ETH_ALEN], far[ETH_ALEN];
    read_macs(near, far);
    assert_memory_equal(found.source, near, ETH_ALEN);
    assert_memory_equal(found.destination, far, ETH_ALEN);
    assert_int_equal(found.ifindex, if_nametoindex(NEAR_NAME));
}

/* --- where packets go ----------------------------------------------------------------------------
 */

static void finds_a_peer_on_the_link(void **state)
{
    static const char *const peers[] = {"192.0.2.2", "2001:db8::2"};
    (void)state;
    open_routes(0);
    for (size_t i = 0; i < COUNT_OF(peers); i++) {
        assert_int_equal(find(peers[i])->state, NEXT_HOP_UNKNOWN);
        until(peers[i], NEXT_HOP_WAITING);
        send_by_kernel(peers[i], 100);
        until(peers[i], NEXT_HOP_READY);
        assert_int_equal(found.family, ip(peers[i]).family);
        assert_int_equal(found.mtu, 1500);
        check_macs();
    }
    assert_true(counter_get(&routes_counters(routes)->requests) >= COUNT_OF(peers));
    assert_int_equal(counter_get(&routes_counters(routes)->failures), 0);
    assert_int_equal(counter_get(&routes_counters(routes)->resyncs), 0);
}

static void knows_neighbours_of_before(void **state)
{
    (void)state;
    know_neighbours();
    open_routes(0);
    until("192.0.2.3", NEXT_HOP_READY);
    until("2001:db8::3", NEXT_HOP_READY);
}

static void knows_more_neighbours_than_fit_a_datagram(void **state)
{
    (void)state;
    run_near("for i in $(seq 1 20); do for j in $(seq 1 100); do echo"
             " neigh add 10.0.$i.$j lladdr 02:00:00:00:00:05 dev " NEAR_NAME
             "; done; done | ip -batch - && ip route add 10.0.0.0/16 dev " NEAR_NAME);
    open_routes(0);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 2000; i++) {
            char remote[32];
            snprintf(remote, sizeof(remote), "10.0.%d.%d", 1 + i / 100, 1 + i % 100);
            until(remote, round == 0 ? NEXT_HOP_UNKNOWN : NEXT_HOP_READY);
        }
    }
}

static void finds_the_gateway(void **state)
{
    static const char *const peers[] = {"198.51.100.7", "198.18.0.9", "2001:db8:1::5"};
    (void)state;
    open_routes(0);
    know_neighbours();
    run_near("ip route add 198.51.100.0/24 via 192.0.2.3");
    run_near("ip route add 198.18.0.0/15 via inet6 2001:db8::3 dev " NEAR_NAME);
    run_near("ip -6 route add 2001:db8:1::/48 via 2001:db8::3");
    for (size_t i = 0; i < COUNT_OF(peers); i++)
        until_mac(peers[i], 3);
}

/* More than are asked in a portion, and all before the loop runs. */
static void finds_many(void **state)
{
    char remote[32];
    (void)state;
    know_neighbours();
    run_near("ip route add 10.0.0.0/8 via 192.0.2.3");
    open_routes(0);
    for (int i = 0; i < 1000; i++) {
        snprintf(remote, sizeof(remote), "10.1.%d.%d", i / 250, 1 + i % 250);
        assert_int_equal(find(remote)->state, NEXT_HOP_UNKNOWN);
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(remote, sizeof(remote), "10.1.%d.%d", i / 250, 1 + i % 250);
        until_mac(remote, 3);
    }
    assert_int_equal(counter_get(&routes_counters(routes)->requests), 1000);
    assert_int_equal(counter_get(&routes_counters(routes)->failures), 0);
}

static void leaves_the_rest_to_the_kernel(void **state)
{
    static const struct {
        const char *remote;
        enum next_hop_state state;
    } cases[] = {
        {"203.0.113.1", NEXT_HOP_NO_ROUTE},
        {"2001:db9::1", NEXT_HOP_NO_ROUTE},
        {"198.51.100.1", NEXT_HOP_NO_ROUTE},
        {"198.51.101.1", NEXT_HOP_NO_ROUTE},
        {"198.51.102.1", NEXT_HOP_NO_ROUTE},
        {"2001:db8:2::1", NEXT_HOP_NO_ROUTE},
        {"2001:db8:3::1", NEXT_HOP_NO_ROUTE},
        {"192.0.2.1", NEXT_HOP_LOCAL},
        {"127.0.0.1", NEXT_HOP_LOCAL},
        {"2001:db8::1", NEXT_HOP_LOCAL},
        {"192.0.2.255", NEXT_HOP_SPECIAL},
        {"255.255.255.255", NEXT_HOP_SPECIAL},
        {"224.0.0.9", NEXT_HOP_SPECIAL},
        {"ff02::1", NEXT_HOP_SPECIAL},
        {"fe80::5", NEXT_HOP_SPECIAL},
        {"::ffff:192.0.2.2", NEXT_HOP_SPECIAL},
    };
    (void)state;
    run_near("ip route add unreachable 198.51.100.0/24");
    run_near("ip route add blackhole 198.51.101.0/24");
    run_near("ip route add prohibit 198.51.102.0/24");
    run_near("ip -6 route add unreachable 2001:db8:2::/48");
    run_near("ip -6 route add blackhole 2001:db8:3::/48");
    open_routes(0);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        until(cases[i].remote, cases[i].state);
}

static void asks_by_source_address(void **state)
{
    struct address second = ip("192.0.2.11"), remote = ip("203.0.113.5");
    (void)state;
    know_neighbours();
    run_near("ip addr add 192.0.2.11/24 dev " NEAR_NAME);
    run_near("ip route add default via 192.0.2.3");
    run_near("ip route add default via 192.0.2.4 table 9");
    open_routes(0);
    until_mac("203.0.113.5", 3);
    run_near("ip rule add from 192.0.2.11 table 9");
    for (uint64_t end_ms = clock_ms() + PATIENCE_MS; clock_ms() < end_ms;) {
        found = *next_hop_find(cache, &second, &remote, clock_ms());
        if (found.state == NEXT_HOP_READY && found.destination[5] == 4)
            break;
        uv_run(&loop, UV_RUN_ONCE);
    }
    assert_int_equal(found.destination[5], 4);
    until_mac("203.0.113.5", 3);
    run_near("ip rule add to 203.0.113.0/24 table 9");
    until_mac("203.0.113.5", 4);
    run_near("ip rule del to 203.0.113.0/24 table 9");
    until_mac("203.0.113.5", 3);
}

/* --- neighbours change
 * ---------------------------------------------------------------------------- */

static void hears_of_neighbours(void **state)
{
    (void)state;
    know_neighbours();
    open_routes(0);
    until_mac("192.0.2.3", 3);
    run_near("ip neigh replace 192.0.2.3 lladdr 02:00:00:00:00:33 dev " NEAR_NAME);
    until_mac("192.0.2.3", 0x33);
    run_near("ip neigh del 192.0.2.3 dev " NEAR_NAME);
    until("192.0.2.3", NEXT_HOP_WAITING);
    run_near("ip neigh add 192.0.2.3 lladdr 02:00:00:00:00:34 nud stale dev " NEAR_NAME);
    until_mac("192.0.2.3", 0x34);
    run_near("ip neigh change 192.0.2.3 nud failed dev " NEAR_NAME);
    until("192.0.2.3", NEXT_HOP_WAITING);
    until_mac("2001:db8::3", 3);
    run_near("ip neigh replace 2001:db8::3 lladdr 02:00:00:00:00:35 nud stale dev " NEAR_NAME);
    until_mac("2001:db8::3", 0x35);
    assert_int_equal(counter_get(&routes_counters(routes)->changes), 0);
}

static void hears_that_a_peer_is_gone(void **state)
{
    (void)state;
    run_near("sysctl -qw net.ipv4.neigh." NEAR_NAME ".retrans_time_ms=20");
    open_routes(0);
    until("192.0.2.2", NEXT_HOP_WAITING);
    send_by_kernel("192.0.2.2", 100);
    until("192.0.2.2", NEXT_HOP_READY);
    run_far("ip addr del 192.0.2.2/24 dev far");
    run_near("ip neigh change 192.0.2.2 nud probe dev " NEAR_NAME);
    until("192.0.2.2", NEXT_HOP_WAITING);
}

/* --- routes change
 * -------------------------------------------------------------------------------- */

static void lay_second_cable(void)
{
    run_near("ip link add other type veth peer name other_far &&"
             " sysctl -qw net.ipv6.conf.other.disable_ipv6=1"
             " net.ipv6.conf.other_far.disable_ipv6=1 && ip link set other_far up &&"
             " ip addr add 198.18.0.1/24 dev other && ip link set other up &&"
             " ip neigh add 198.18.0.3 lladdr 02:00:00:00:00:66 dev other");
}

static void hears_of_routes(void **state)
{
    (void)state;
    know_neighbours();
    open_routes(0);
    until("203.0.113.5", NEXT_HOP_NO_ROUTE);
    run_near("ip route add 203.0.113.0/24 via 192.0.2.3");
    until_mac("203.0.113.5", 3);
    run_near("ip route replace 203.0.113.0/24 via 192.0.2.4");
    until_mac("203.0.113.5", 4);
    run_near("ip route del 203.0.113.0/24");
    until("203.0.113.5", NEXT_HOP_NO_ROUTE);
    run_near("sysctl -qw net.ipv4.nexthop_compat_mode=0"); /* no event of each route */
    run_near("ip nexthop add id 7 via 192.0.2.3 dev " NEAR_NAME
             " && ip route add 203.0.113.0/24 nhid 7");
    until_mac("203.0.113.5", 3);
    run_near("ip nexthop replace id 7 via 192.0.2.4 dev " NEAR_NAME);
    until_mac("203.0.113.5", 4);
    run_near("ip addr del 192.0.2.1/24 dev " NEAR_NAME);
    until("203.0.113.5", NEXT_HOP_NO_ROUTE);
    assert_true(counter_get(&routes_counters(routes)->changes) >= 6);
}

static void hears_of_routes_of_ip6(void **state)
{
    (void)state;
    know_neighbours();
    run_near("ip -6 route add 2001:db8:1::/48 via 2001:db8::3");
    run_near("ip -6 route add 2001:db8:1::/48 via 2001:db8::4 table 9");
    open_routes(0);
    until_mac("2001:db8:1::5", 3);
    run_near("ip -6 rule add to 2001:db8:1::/48 table 9");
    until_mac("2001:db8:1::5", 4);
    run_near("ip -6 rule del to 2001:db8:1::/48 table 9");
    until_mac("2001:db8:1::5", 3);
    run_near("ip -6 route replace 2001:db8:1::/48 via 2001:db8::4");
    until_mac("2001:db8:1::5", 4);
    run_near("ip -6 route del 2001:db8:1::/48");
    until("2001:db8:1::5", NEXT_HOP_NO_ROUTE);
}

static void hears_of_another_interface(void **state)
{
    (void)state;
    know_neighbours();
    lay_second_cable();
    run_near("ip route add 203.0.113.0/24 via 192.0.2.3");
    open_routes(0);
    until_mac("203.0.113.5", 3);
    run_near("ip route replace 203.0.113.0/24 via 198.18.0.3");
    until("203.0.113.5", NEXT_HOP_INTERFACE);

    unsigned both[] = {if_nametoindex(NEAR_NAME), if_nametoindex("other")};
    assert_int_equal(routes_set_devices(routes, both, 2), 0);
    until_mac("203.0.113.5", 0x66);
    assert_int_equal(found.ifindex, both[1]);
    assert_int_equal(routes_set_devices(routes, both, 1), 0);
    until("203.0.113.5", NEXT_HOP_INTERFACE);
    until_mac("192.0.2.3", 3);
}

/* The kernel says nothing of IPv4 routes that go with their interface. */
static void hears_that_another_interface_is_down(void **state)
{
    (void)state;
    know_neighbours();
    lay_second_cable();
    run_near("ip route add 203.0.113.0/24 via 198.18.0.3 metric 10");
    run_near("ip route add 203.0.113.0/24 via 192.0.2.3 metric 20");
    open_routes(0);
    until("203.0.113.5", NEXT_HOP_INTERFACE);
    run_near("ip link set other down");
    until_mac("203.0.113.5", 3);
    assert_int_equal(tellings, 0);
}

/* --- the device changes
 * --------------------------------------------------------------------------- */

static void hears_that_it_is_down(void **state)
{
    struct routes_device device;
    (void)state;
    know_neighbours();
    open_routes(0);
    until_mac("192.0.2.3", 3);
    assert_true(routes_device(routes, if_nametoindex(NEAR_NAME), &device));
    assert_true(device.is_up);
    assert_false(routes_device(routes, if_nametoindex("lo"), &device));

    run_far("ip link set far down"); /* no carrier */
    until("192.0.2.3", NEXT_HOP_INTERFACE);
    assert_true(told.exists && !told.is_up);
    run_far("ip link set far up");
    until_mac("192.0.2.3", 3);
    assert_true(told.is_up);

    run_near("ip link set " NEAR_NAME " down");
    until("192.0.2.3", NEXT_HOP_NO_ROUTE);
    assert_true(told.exists && !told.is_up);
    run_near("ip link set " NEAR_NAME " up");
    until("192.0.2.3", NEXT_HOP_WAITING); /* its neighbours are forgotten */
    run_near("ip neigh add 192.0.2.3 lladdr 02:00:00:00:00:03 dev " NEAR_NAME);
    until_mac("192.0.2.3", 3);

    unsigned ifindex = if_nametoindex(NEAR_NAME);
    run_near("ip link del " NEAR_NAME);
    until("192.0.2.3", NEXT_HOP_NO_ROUTE);
    assert_false(told.exists);
    assert_int_equal(told.ifindex, ifindex);
    assert_false(routes_device(routes, ifindex, &device));
}

static void hears_of_its_address(void **state)
{
    const uint8_t mac[ETH_ALEN] = {2, 0, 0, 0, 0, 0x55};
    (void)state;
    know_neighbours();
    open_routes(0);
    until("192.0.2.3", NEXT_HOP_READY);
    assert_memory_not_equal(found.source, mac, ETH_ALEN);
    run_near("ip link set " NEAR_NAME " address 02:00:00:00:00:55");
    know_neighbours(); /* the kernel has forgotten them */
    for (uint64_t end_ms = clock_ms() + PATIENCE_MS; clock_ms() < end_ms;) {
        until("192.0.2.3", NEXT_HOP_READY);
        if (memcmp(found.source, mac, ETH_ALEN) == 0)
            break;
        uv_run(&loop, UV_RUN_ONCE);
    }
    assert_memory_equal(found.source, mac, ETH_ALEN);
    assert_memory_equal(told.mac, mac, ETH_ALEN);
    assert_int_equal(tellings, 1);
}

static void takes_the_smallest_mtu(void **state)
{
    (void)state;
    know_neighbours();
    run_near("ip route add 203.0.113.0/24 via 192.0.2.3 mtu 1400");
    run_near("ip -6 route add 2001:db8:1::/48 via 2001:db8::3");
    open_routes(0);
    until_mtu("192.0.2.3", 1500);
    until_mtu("203.0.113.5", 1400);
    run_near("ip link set " NEAR_NAME " mtu 1300");
    until_mtu("192.0.2.3", 1300);
    until_mtu("203.0.113.5", 1300);
    until_mtu("2001:db8::3", 1300);
    run_near("ip link set " NEAR_NAME " mtu 9000");
    until_mtu("192.0.2.3", 9000);
    until_mtu("2001:db8::3", 9000);
    until_mtu("203.0.113.5", 1400);
    run_near("ip route replace 203.0.113.0/24 via 192.0.2.3");
    until_mtu("203.0.113.5", 9000);
    run_near("sysctl -qw net.ipv6.conf." NEAR_NAME ".mtu=1280"); /* as a router may */
    run_near("ip route add 198.18.0.0/15 via 192.0.2.3");
    until_mtu("2001:db8::3", 1280);
    until_mtu("192.0.2.3", 9000);
}

/* Routers say by ICMP what they cannot pass on; the kernel learns it, and the back end asks again
 * when it hears of it. */
static void learns_the_path_mtu(void **state)
{
    struct address remote = ip("198.51.100.7");
    (void)state;
    run_far("sysctl -qw net.ipv4.ip_forward=1 && ip link add out type veth peer name out_far &&"
            " ip addr add 198.51.100.1/24 dev out && ip link set out_far up &&"
            " ip link set out mtu 1300 up");
    run_near("ip route add 198.51.100.0/24 via 192.0.2.2");
    open_routes(0);
    until("198.51.100.7", NEXT_HOP_WAITING);
    send_by_kernel("198.51.100.7", 1400);
    until_mtu("198.51.100.7", 1500);
    for (uint64_t end_ms = clock_ms() + PATIENCE_MS; clock_ms() < end_ms && found.mtu != 1300;) {
        next_hop_ask_again(cache, &near4, &remote, clock_ms());
        until("198.51.100.7", NEXT_HOP_READY);
        uv_run(&loop, UV_RUN_ONCE);
    }
    assert_int_equal(found.mtu, 1300);
}

/* --- events are lost
 * ------------------------------------------------------------------------------ */

static void reads_all_anew_when_events_are_lost(void **state)
{
    (void)state;
    know_neighbours();
    run_near("ip route add 203.0.113.0/24 via 192.0.2.3");
    open_routes(TINY_BUFFER);
    until_mac("203.0.113.5", 3);
    until_mac("192.0.2.3", 3);

    /* All while the loop stands still; what comes first is heard of, the rest is lost. */
    run_near("ip neigh replace 192.0.2.4 lladdr 02:00:00:00:00:43 dev " NEAR_NAME);
    run_near("for i in $(seq 1 200); do echo neigh replace 192.0.2.$i"
             " lladdr 02:00:00:00:01:01 dev " NEAR_NAME "; done | ip -batch -");
    run_near("ip route replace 203.0.113.0/24 via 192.0.2.4");
    run_near("ip neigh replace 192.0.2.4 lladdr 02:00:00:00:00:44 dev " NEAR_NAME);
    run_near("ip neigh del 192.0.2.3 dev " NEAR_NAME);
    run_near("ip link set " NEAR_NAME " mtu 1400");
    until_mac("203.0.113.5", 0x44);
    until_mtu("203.0.113.5", 1400);
    until("192.0.2.3", NEXT_HOP_WAITING);

    /* And it hears again, but not what is long over. */
    run_near("ip neigh add 192.0.2.3 lladdr 02:00:00:00:00:45 dev " NEAR_NAME);
    until_mac("192.0.2.3", 0x45);
    until_mac("203.0.113.5", 0x44);
    assert_int_equal(counter_get(&routes_counters(routes)->resyncs), 1);
}

static void hears_that_devices_went_while_events_were_lost(void **state)
{
    (void)state;
    know_neighbours();
    open_routes(TINY_BUFFER);
    until_mac("192.0.2.3", 3);
    run_near("for i in $(seq 1 200); do echo neigh replace 192.0.2.$i"
             " lladdr 02:00:00:00:01:01 dev " NEAR_NAME "; done | ip -batch -");
    run_near("ip link del " NEAR_NAME);
    until("192.0.2.3", NEXT_HOP_NO_ROUTE);
    assert_false(told.exists);
    assert_true(counter_get(&routes_counters(routes)->resyncs) > 0);
}

/* --- opening and closing
 * -------------------------------------------------------------------------- */

static void a_closed_one_leaves_all_to_the_kernel(void **state)
{
    (void)state;
    know_neighbours();
    open_routes(0);
    until_mac("192.0.2.3", 3);
    routes_close(routes);
    routes = NULL;
    size_t counts[NEXT_HOP_STATE_COUNT];
    next_hops_count(hops, counts);
    assert_int_equal(counts[NEXT_HOP_READY], 0);
    while (loop.active_handles > 1)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(find("192.0.2.3")->state, NEXT_HOP_UNKNOWN);
    assert_int_equal(find("192.0.2.4")->state, NEXT_HOP_UNKNOWN);

    open_routes(0); /* and finds what waits */
    until_mac("192.0.2.3", 3);
    until_mac("192.0.2.4", 4);
}

/* Each of the descriptors that it needs may be missing. */
static void is_not_opened_without_descriptors(void **state)
{
    unsigned ifindex = if_nametoindex(NEAR_NAME);
    struct routes_config config = {.hops = hops, .ifindexes = &ifindex, .count = 1};
    struct rlimit before, limit;
    int error = -1;
    (void)state;
    assert_return_code(getrlimit(RLIMIT_NOFILE, &before), errno);
    int lowest = dup(0);
    close(lowest);
    for (int more = 0; error != 0; more++) {
        assert_true(more < 20);
        limit = (struct rlimit){.rlim_cur = (rlim_t)(lowest + more), .rlim_max = before.rlim_max};
        assert_return_code(setrlimit(RLIMIT_NOFILE, &limit), errno);
        error = routes_open(&loop, &config, &routes);
        assert_return_code(setrlimit(RLIMIT_NOFILE, &before), errno);
        if (error != 0)
            assert_int_equal(error, -EMFILE);
        uv_run(&loop, UV_RUN_NOWAIT);
        assert_true(more > 1 || error != 0);
    }
}

#define ROUTES_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROUTES_TEST(finds_a_peer_on_the_link),
        ROUTES_TEST(knows_neighbours_of_before),
        ROUTES_TEST(knows_more_neighbours_than_fit_a_datagram),
        ROUTES_TEST(finds_the_gateway),
        ROUTES_TEST(finds_many),
        ROUTES_TEST(leaves_the_rest_to_the_kernel),
        ROUTES_TEST(asks_by_source_address),
        ROUTES_TEST(hears_of_neighbours),
        ROUTES_TEST(hears_that_a_peer_is_gone),
        ROUTES_TEST(hears_of_routes),
        ROUTES_TEST(hears_of_routes_of_ip6),
        ROUTES_TEST(hears_of_another_interface),
        ROUTES_TEST(hears_that_another_interface_is_down),
        ROUTES_TEST(hears_that_it_is_down),
        ROUTES_TEST(hears_of_its_address),
        ROUTES_TEST(takes_the_smallest_mtu),
        ROUTES_TEST(learns_the_path_mtu),
        ROUTES_TEST(reads_all_anew_when_events_are_lost),
        ROUTES_TEST(hears_that_devices_went_while_events_were_lost),
        ROUTES_TEST(a_closed_one_leaves_all_to_the_kernel),
        ROUTES_TEST(is_not_opened_without_descriptors),
    };
    if (!veth_world_is_possible())
        return skip_all();
    return cmocka_run_group_tests_name("routes", tests, NULL, NULL);
}
