/* SPDX-License-Identifier: Apache-2.0 */
#include "veth_world.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/sockios.h>

#include "net/sockaddr.h"
#include "net/udp_socket.h"
#include "xdp/program.h"

const struct address near4 = {.family = ADDRESS_IP4, .ip = {192, 0, 2, 1}};
const struct address far4 = {.family = ADDRESS_IP4, .ip = {192, 0, 2, 2}};
const struct address near6 = {.family = ADDRESS_IP6, .ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
const struct address far6 = {.family = ADDRESS_IP6, .ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 2}};

static int home_ns = -1;
static int near_ns = -1;
static int far_ns = -1;

static int open_this_ns(void)
{
    int fd = open("/proc/self/ns/net", O_RDONLY);
    assert_true(fd >= 0);
    return fd;
}

static void enter(int ns)
{
    assert_return_code(setns(ns, CLONE_NEWNET), 0);
}

static void run(const char *command)
{
    if (system(command) != 0)
        fail_msg("%s", command);
}

void run_near(const char *command)
{
    run(command);
}

void run_far(const char *command)
{
    enter(far_ns);
    run(command);
    enter(near_ns);
}

static void lay_cable(unsigned queues)
{
    char command[256];
    snprintf(command, sizeof(command),
        "ip link add " NEAR_NAME " numrxqueues %u numtxqueues %u type veth"
        " peer name far numrxqueues %u numtxqueues %u && ip link set far netns /proc/%d/fd/%d",
        queues, queues, queues, queues, (int)getpid(), far_ns);
    run_near(command);
    run_near(
        "ip link set lo up && ip addr add 192.0.2.1/24 dev " NEAR_NAME
        " && ip addr add 2001:db8::1/64 dev " NEAR_NAME " nodad && ip link set " NEAR_NAME " up");
    run_far("ip link set lo up && ip addr add 192.0.2.2/24 dev far"
            " && ip addr add 2001:db8::2/64 dev far nodad && ip link set far up");
}

bool veth_world_is_possible(void)
{
    struct xdp_maps *maps = NULL;
    struct str why = {0};
    home_ns = open("/proc/self/ns/net", O_RDONLY);
    bool possible = home_ns >= 0 && unshare(CLONE_NEWNET) == 0 &&
                    setns(home_ns, CLONE_NEWNET) == 0 && xdp_maps_open(&maps, &why) == 0;
    xdp_maps_close(maps);
    str_done(&why);
    close(home_ns);
    return possible;
}

int skip_all(void)
{
    puts("1..0 # SKIP needs network namespaces and BPF");
    return 0;
}

void veth_world_open(unsigned queues)
{
    home_ns = open_this_ns();
    assert_return_code(unshare(CLONE_NEWNET), 0);
    far_ns = open_this_ns();
    assert_return_code(unshare(CLONE_NEWNET), 0);
    near_ns = open_this_ns();
    lay_cable(queues);
}

void veth_world_close(void)
{
    enter(home_ns);
    close(near_ns);
    close(far_ns);
    close(home_ns);
}

static int open_bound(const struct address *ip, struct address *local)
{
    int fd = -1;
    struct timeval patience = {.tv_sec = 2};
    struct udp_socket_config config = {.bind = *ip, .receive_buffer = 8 << 20};
    assert_int_equal(udp_socket_open(&config, &fd), 0);
    assert_return_code(fcntl(fd, F_SETFL, 0), 0);
    assert_return_code(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    assert_int_equal(udp_socket_local(fd, local), 0);
    return fd;
}

int open_near(struct address *local)
{
    return open_bound(local->family == ADDRESS_IP6 ? &near6 : &near4, local);
}

int open_far(struct address *local)
{
    enter(far_ns);
    int fd = open_bound(local->family == ADDRESS_IP6 ? &far6 : &far4, local);
    enter(near_ns);
    return fd;
}

static void read_mac(const char *name, uint8_t mac[6])
{
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_return_code(ioctl(fd, SIOCGIFHWADDR, &request), 0);
    memcpy(mac, request.ifr_hwaddr.sa_data, 6);
    close(fd);
}

void let_far_finish(bool finish)
{
    struct ethtool_value value = {.cmd = ETHTOOL_STXCSUM, .data = !finish};
    struct ifreq request = {.ifr_name = "far", .ifr_data = (char *)&value};
    enter(far_ns);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_return_code(ioctl(fd, SIOCETHTOOL, &request), 0);
    close(fd);
    enter(near_ns);
}

void read_macs(uint8_t near[6], uint8_t far[6])
{
    read_mac(NEAR_NAME, near);
    enter(far_ns);
    read_mac("far", far);
    enter(near_ns);
}
