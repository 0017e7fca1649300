/* SPDX-License-Identifier: Apache-2.0 */
#include "back_ends.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/packet_io_choose.h"
#include "net/udp_socket.h"

const int network_ms = 0;

bool back_ends_enter_namespace(void)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_mtu = NETWORK_MTU};
    if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
        return false;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool done = ioctl(fd, SIOCSIFMTU, &lo) == 0;
    lo.ifr_flags = IFF_UP;
    done = done && ioctl(fd, SIOCSIFFLAGS, &lo) == 0;
    close(fd);
    return done;
}

static struct back_end back_end_of(const struct packet_io_choice *choice)
{
    return (struct back_end){
        .name = choice->name, .make = choice->make, .keeps_sockets_apart = true};
}

size_t back_ends_find(struct back_end out[BACK_ENDS_MAX])
{
    struct packet_io_choice choice;
    size_t count = 0;
    assert_true(packet_io_choose(PACKET_IO_EPOLL, &choice));
    out[count++] = back_end_of(&choice);
    if (packet_io_choose(PACKET_IO_URING, &choice))
        out[count++] = back_end_of(&choice);
    else
        print_message("# without io_uring: %s\n", choice.reason);
    return count;
}

int open_near_udp(enum address_family family, struct address *local)
{
    struct udp_socket_config config = {.receive_buffer = 1 << 20};
    int fd;
    assert_true(
        address_parse(family == ADDRESS_IP6 ? TEXT("::1") : TEXT("127.0.0.1"), &config.bind));
    assert_int_equal(udp_socket_open(&config, &fd), 0);
    assert_int_equal(udp_socket_local(fd, local), 0);
    return fd;
}

int open_far_udp(enum address_family family, struct address *local)
{
    return open_near_udp(family, local);
}

int open_far_raw(enum address_family family, int protocol)
{
    int fd = socket(family == ADDRESS_IP6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, protocol);
    assert_true(fd >= 0);
    return fd;
}
