/* SPDX-License-Identifier: Apache-2.0 */
#include "rings_world.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/sockaddr.h"
#include "xdp/frame.h"

struct device *device;
struct xdp_maps *maps;

static uint8_t near_mac[6], far_mac[6];

static void register_ports(const struct address *ip, size_t workers)
{
    int index = xdp_maps_add_address(maps, ip);
    assert_true(index >= 0);
    for (size_t i = 0; i < workers; i++)
        xdp_maps_set_port(maps, (unsigned)index, (uint16_t)(FIRST_PORT + i), (int)i);
}

void rings_world_open(const struct rings_world *config)
{
    struct str why = {0};
    struct device_config device_config = {
        .interface = NEAR_NAME,
        .attach = config->attach,
        .workers = config->workers,
        .receive_frames = config->receive_frames,
        .send_frames = config->send_frames,
    };
    veth_world_open(config->queues);
    read_macs(near_mac, far_mac);
    if (xdp_maps_open(&maps, &why) != 0 || device_open(maps, &device_config, &device, &why) != 0)
        fail_msg("%s", str_string(&why));
    assert_int_equal(device_is_native(device), config->attach != DEVICE_ATTACH_GENERIC);
    let_far_finish(
        config->attach == DEVICE_ATTACH_GENERIC); /* else these packets are the kernel's */
    register_ports(&near4, config->workers);
    register_ports(&near6, config->workers);
}

void rings_world_close(void)
{
    device_close(device);
    xdp_maps_close(maps);
    device = NULL;
    maps = NULL;
    veth_world_close();
}

int open_far_of(enum address_family family, struct address *local)
{
    local->family = family;
    return open_far(local);
}

bool send_from_far(int fd, enum address_family family, uint16_t port, const void *data, size_t len)
{
    struct address to = family == ADDRESS_IP6 ? near6 : near4;
    struct sockaddr_storage sockaddr;
    to.port = port;
    socklen_t sockaddr_len = sockaddr_from_address(&to, &sockaddr);
    return sendto(fd, data, len, 0, (struct sockaddr *)&sockaddr, sockaddr_len) == (ssize_t)len;
}

bool write_to_far(
    struct rings *rings, size_t worker, const struct address *to, const void *data, size_t len)
{
    struct address from = to->family == ADDRESS_IP6 ? near6 : near4;
    from.port = (uint16_t)(FIRST_PORT + worker);
    struct frame_out how = {
        .source_mac = near_mac,
        .destination_mac = far_mac,
        .from = &from,
        .to = to,
        .hop_limit = 64,
    };
    uint8_t *frame = rings_reserve(rings);
    if (frame == NULL)
        return false;
    rings_commit(rings, frame_write(frame, XDP_FRAME_SIZE, &how, bytes_of(data, len)));
    return true;
}

void expect_datagram(int fd, const void *data, size_t len, struct address *from)
{
    uint8_t buffer[4096];
    struct sockaddr_storage source;
    socklen_t source_len = sizeof(source);
    ssize_t got = recvfrom(fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&source, &source_len);
    assert_int_equal(got, len);
    assert_memory_equal(buffer, data, len);
    assert_true(address_from_sockaddr(&source, from));
}

bool wait_for_frames(const struct rings *rings, int timeout_ms)
{
    struct pollfd waiting = {.fd = rings_fd(rings), .events = POLLIN};
    return poll(&waiting, 1, timeout_ms) == 1;
}

void kick_all(struct rings *rings)
{
    for (int tries = 0;
         rings_kick(rings) != 0 || rings->unused.count < rings->queue->config.send_frames;
         tries++) {
        assert_in_range(tries, 0, 1000);
        poll(NULL, 0, 1);
        queue_collect(rings->queue, rings->sender, &rings->unused);
    }
}

struct rings_statistics read_statistics(struct rings *rings)
{
    struct rings_statistics statistics;
    assert_int_equal(rings_statistics(rings, &statistics), 0);
    return statistics;
}
