/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtp_load - G.711 phones by the hundred, for the bench: each sends 50 packets a second to its port
 * of the relay and counts what comes back.
 *
 *     rtp_load SECONDS < flows        flows: a line "OWN-PORT RELAY-PORT" for each phone, on
 * 127.0.0.1
 *
 * Prints one line of JSON: packets sent and received.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MAX_PHONES = 4096, PACKET_SIZE = 172, PERIOD_MS = 20, SLICES = 20 };

struct phone {
    int fd;
    uint16_t sequence;
};

static struct phone phones[MAX_PHONES];
static size_t phone_count;
static uint64_t sent, received;

static void fail(const char *what)
{
    fprintf(stderr, "rtp_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static struct sockaddr_in loopback(unsigned port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

static void open_phone(unsigned own_port, unsigned relay_port, int epoll)
{
    struct sockaddr_in own = loopback(own_port);
    struct sockaddr_in relay = loopback(relay_port);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)) != 0 ||
        connect(fd, (struct sockaddr *)&relay, sizeof(relay)) != 0)
        fail("cannot open a phone");
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        fail("epoll_ctl");
    phones[phone_count++] = (struct phone){.fd = fd};
}

static void send_one(struct phone *phone, uint32_t ssrc)
{
    uint8_t packet[PACKET_SIZE] = {0x80, 0};
    uint16_t sequence = htons(phone->sequence);
    uint32_t timestamp = htonl((uint32_t)phone->sequence * 160);
    ssrc = htonl(ssrc);
    memcpy(packet + 2, &sequence, sizeof(sequence));
    memcpy(packet + 4, &timestamp, sizeof(timestamp));
    memcpy(packet + 8, &ssrc, sizeof(ssrc));
    phone->sequence++;
    if (send(phone->fd, packet, sizeof(packet), 0) == PACKET_SIZE)
        sent++;
}

/* Each millisecond one slice of the phones speaks, as independent phones would. */
static void send_slice(unsigned slice)
{
    for (size_t i = slice; i < phone_count; i += SLICES)
        send_one(&phones[i], (uint32_t)i + 1);
}

static void receive_all(int fd)
{
    uint8_t packet[2048];
    while (recv(fd, packet, sizeof(packet), 0) > 0)
        received++;
}

static int open_timer(int epoll)
{
    struct itimerspec every = {
        .it_value = {.tv_nsec = 1000000}, .it_interval = {.tv_nsec = 1000000}};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
    if (fd < 0 || timerfd_settime(fd, 0, &every, NULL) != 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        fail("timer");
    return fd;
}

int main(int argc, char **argv)
{
    unsigned own_port, relay_port;
    int epoll = epoll_create1(0);
    if (argc != 2 || epoll < 0)
        fail("usage: rtp_load SECONDS < flows");
    while (phone_count < MAX_PHONES && scanf("%u %u", &own_port, &relay_port) == 2)
        open_phone(own_port, relay_port, epoll);

    int timer = open_timer(epoll);
    uint64_t ticks_left = strtoull(argv[1], NULL, 10) * 1000;
    uint64_t ticks_after = 200; /* what is still under way */
    unsigned slice = 0;
    while (ticks_left + ticks_after > 0) {
        struct epoll_event events[64];
        int ready = epoll_wait(epoll, events, 64, 1000);
        for (int i = 0; i < ready; i++) {
            uint64_t ticks = 0;
            if (events[i].data.fd != timer) {
                receive_all(events[i].data.fd);
                continue;
            }
            if (read(timer, &ticks, sizeof(ticks)) != sizeof(ticks))
                continue;
            for (; ticks > 0 && ticks_left > 0; ticks--, ticks_left--)
                send_slice(slice++ % SLICES);
            if (ticks_left == 0)
                ticks_after -= ticks < ticks_after ? ticks : ticks_after;
        }
    }
    printf("{\"sent\": %llu, \"received\": %llu}\n", (unsigned long long)sent,
        (unsigned long long)received);
    return 0;
}
