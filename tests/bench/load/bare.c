/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare.c - the least that a relay in user space can do, as a measure for all others: wait, fetch a
 * packet, send it on.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "load.h"
#include "net/sockaddr.h"
#include "script.h"
#include "udp.h"

enum { EVENTS = 256, INPUT = UINT16_MAX + 1 };

struct bare_port {
    int fd;
    socklen_t sender_len; /* 0: nobody has sent yet */
    struct sockaddr_storage sender;
};

struct bare {
    int epoll;
    bool is_pair;
    bool is_over;
    size_t count;
    struct bare_port *ports;
    uint64_t forwarded;
};

static void watch(struct bare *b, int fd, uint32_t number)
{
    struct epoll_event event = {.events = EPOLLIN, .data = {.u32 = number}};
    if (epoll_ctl(b->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        script_fail("epoll_ctl: %s", strerror(errno));
}

static void open_ports(struct bare *b, struct address local)
{
    for (size_t i = 0; i < b->count; i++, local.port++) {
        b->ports[i].fd = udp_bind(&local);
        if (b->ports[i].fd < 0)
            script_fail("cannot open port %u: %s", local.port, strerror(-b->ports[i].fd));
        watch(b, b->ports[i].fd, (uint32_t)i);
    }
}

static void forward(struct bare *b, size_t number)
{
    uint8_t packet[UDP_DATA_MAX];
    struct bare_port *in = &b->ports[number];
    struct bare_port *out = &b->ports[b->is_pair ? number ^ 1 : number];
    in->sender_len = sizeof(in->sender);
    ssize_t len = recvfrom(
        in->fd, packet, sizeof(packet), 0, (struct sockaddr *)&in->sender, &in->sender_len);
    if (len < 0 || out->sender_len == 0)
        return;
    if (sendto(out->fd, packet, (size_t)len, 0, (struct sockaddr *)&out->sender, out->sender_len) ==
        len)
        b->forwarded++;
}

/* Whatever comes is nothing to wait for: the end of the input, or `quit`. */
static void read_input(struct bare *b)
{
    char line[64];
    ssize_t len = read(STDIN_FILENO, line, sizeof(line));
    b->is_over = len == 0 || (len >= 4 && memcmp(line, "quit", 4) == 0);
}

static void serve(struct bare *b)
{
    struct epoll_event events[EVENTS];
    while (!b->is_over) {
        int ready = epoll_wait(b->epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++)
            if (events[i].data.u32 == INPUT)
                read_input(b);
            else
                forward(b, events[i].data.u32);
    }
}

int bare_main(int count, char **words)
{
    struct bare b = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
    struct address local;
    if (count < 3 || count > 4 || !address_parse(text_from(words[0]), &local))
        script_fail("bare IP FIRST-PORT COUNT [pair]");
    struct text first = text_from(words[1]), ports = text_from(words[2]);
    local.port = (uint16_t)script_number(&first, "port", 1, UINT16_MAX);
    b.count = script_number(&ports, "ports", 1, UINT16_MAX - local.port + 1u);
    b.is_pair = count == 4 && strcmp(words[3], "pair") == 0;
    if (count == 4 && (!b.is_pair || b.count % 2 != 0))
        script_fail("pair needs an even number of ports");
    b.ports = calloc(b.count, sizeof(*b.ports));
    if (b.ports == NULL || b.epoll < 0)
        script_fail("out of memory");

    udp_allow_many();
    open_ports(&b, local);
    watch(&b, STDIN_FILENO, INPUT);
    script_reply("{\"ready\": true}");
    serve(&b);
    script_reply("{\"forwarded\": %llu}", (unsigned long long)b.forwarded);
    for (size_t i = 0; i < b.count; i++)
        close(b.ports[i].fd);
    close(b.epoll);
    free(b.ports);
    return 0;
}
