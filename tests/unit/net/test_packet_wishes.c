/* SPDX-License-Identifier: Apache-2.0 */
/* What sockets may want beyond plain datagrams: classes, ICMP errors, the DF bit. Both families, in
 * a network of their own, which is as narrow as Ethernet. */
#include "net/packet_io.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "back_ends.h"
#include "net/sockaddr.h"
#include "net/udp_socket.h"

enum { EF = 46 << 2, CE = 3 };

struct family {
    enum address_family of;
    bool is_ip6;
    int protocol, send_class, receive_class;                /* options of the kernel */
    uint8_t too_long[2], port_unreachable[2], hop_limit[2]; /* ICMP type and code */
};

/* What a test gets: one back end, one family. */
struct kind {
    const struct back_end *back_end;
    const struct family *family;
};

static const struct family families[] = {
    {ADDRESS_IP4, false, IPPROTO_IP, IP_TOS, IP_RECVTOS, {3, 4}, {3, 3}, {11, 0}},
    {ADDRESS_IP6, true, IPPROTO_IPV6, IPV6_TCLASS, IPV6_RECVTCLASS, {2, 0}, {1, 4}, {3, 0}},
};

static bool has_namespace;
static const struct family *family;
static struct pool pool;
static struct packet_io_counters counters;
static struct packet_io *io;
static struct packet_batch batch;
static int peer_fd;
static struct address peer;

static void set_option(int fd, int name, int value)
{
    assert_int_equal(setsockopt(fd, family->protocol, name, &value, sizeof(value)), 0);
}

static int set_up_with(const struct kind *kind, size_t packets)
{
    family = kind->family;
    packet_pool_init(&pool, packets);
    memset(&counters, 0, sizeof(counters));
    batch.count = 0;
    assert_int_equal(kind->back_end->make(kind->back_end->context, &pool, &counters, &io), 0);
    packet_io_start(io);
    peer_fd = open_far_udp(family->of, &peer);
    set_option(peer_fd, family->receive_class, 1);
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(*state, 1024);
}

static int set_up_poor(void **state)
{
    return set_up_with(*state, 2);
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
    close(peer_fd);
    pool_done(&pool);
    return 0;
}

/* Opens with the wishes of `config`. */
static struct packet_socket *open_socket(struct packet_socket_config config)
{
    struct packet_socket *socket;
    config.fd = open_near_udp(family->of, &config.local);
    config.user = "user";
    set_option(config.fd, family->send_class, config.tos);
    assert_int_equal(packet_io_open_socket(io, &config, &socket), 0);
    return socket;
}

/* Waits for something, and receives it all. */
static void receive(void)
{
    struct pollfd wait = {.fd = packet_io_poll_fd(io), .events = POLLIN};
    give_back();
    for (int looks = 0; poll(&wait, 1, batch.count == 0 ? 5000 : network_ms) == 1; looks++) {
        assert_true(looks < 1000);
        packet_io_receive(io, &batch);
    }
    assert_int_not_equal(batch.count, 0);
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

static struct address dead_address(void)
{
    struct address dead;
    close(open_far_udp(family->of, &dead));
    return dead;
}

static uint64_t dropped(enum drop_reason reason)
{
    return counter_get(&counters.drops.by_reason[reason]);
}

/* The class of the next datagram at the peer. */
static int hear_class(void)
{
    char data[PACKET_DATA_MAX], control[64];
    struct iovec in = {.iov_base = data, .iov_len = sizeof(data)};
    struct msghdr message = {
        .msg_iov = &in, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct pollfd wait = {.fd = peer_fd, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 5000), 1);
    assert_true(recvmsg(peer_fd, &message, 0) >= 0);
    const struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    assert_non_null(c);
    return family->is_ip6 ? *(const int *)(const void *)CMSG_DATA(c) : *CMSG_DATA(c);
}

static void packets_tell_their_class(void **state)
{
    (void)state;
    static const uint8_t classes[] = {EF, EF | CE, 0, 1};
    struct packet_socket *asks = open_socket((struct packet_socket_config){.want_tos = true});
    struct packet_socket *does_not = open_socket((struct packet_socket_config){.tos = EF});
    for (size_t i = 0; i < COUNT_OF(classes); i++) {
        set_option(peer_fd, family->send_class, classes[i]);
        struct bytes datagram = bytes_of(&classes[i], 1);
        assert_int_equal(udp_socket_send(peer_fd, datagram, NULL, &asks->local), 0);
        assert_int_equal(udp_socket_send(peer_fd, datagram, NULL, &does_not->local), 0);
    }
    receive();
    assert_int_equal(batch.count, 2 * COUNT_OF(classes));
    for (size_t i = 0; i < batch.count; i++) {
        const struct packet *p = batch.packets[i];
        assert_int_equal(p->kind, PACKET_DATAGRAM);
        assert_int_equal(p->tos, p->socket == asks ? p->data[0] : 0);
    }
}

static void packets_leave_with_their_class(void **state)
{
    (void)state;
    static const uint8_t classes[] = {EF, 0, EF | CE, EF, 8, 8, EF};
    struct packet_socket *asks =
        open_socket((struct packet_socket_config){.want_tos = true, .tos = EF});
    struct packet_socket *does_not = open_socket((struct packet_socket_config){.tos = EF});
    for (size_t i = 0; i < COUNT_OF(classes); i++)
        add(asks, &peer, 7)->tos = classes[i];
    for (size_t i = 0; i < COUNT_OF(classes); i++)
        add(does_not, &peer, 7)->tos = classes[i];
    packet_io_send(io, &batch);
    assert_int_equal(counter_get(&counters.sent_packets), 2 * COUNT_OF(classes));
    for (size_t i = 0; i < COUNT_OF(classes); i++)
        assert_int_equal(hear_class(), classes[i]);
    for (size_t i = 0; i < COUNT_OF(classes); i++)
        assert_int_equal(hear_class(), EF);
}

static void assert_error(const struct packet *p, const struct packet_socket *socket,
    const uint8_t type_and_code[2], const struct address *to)
{
    assert_int_equal(p->kind, PACKET_ICMP);
    assert_ptr_equal(p->socket, socket);
    assert_int_equal(p->icmp_type, type_and_code[0]);
    assert_int_equal(p->icmp_code, type_and_code[1]);
    assert_true(address_equal(&p->peer, to));
    assert_int_not_equal(p->arrival_ns, 0);
}

/* The errors of a dead peer are told, and take nothing from the others. */
static void a_dead_peer_is_told(void **state)
{
    (void)state;
    struct packet_socket *socket = open_socket((struct packet_socket_config){.want_icmp = true});
    struct address dead = dead_address();
    for (int i = 0; i < 10; i++) {
        add(socket, &dead, 7);
        packet_io_send(io, &batch);
        add(socket, &peer, 7); /* tries first what has become of the one before */
        packet_io_send(io, &batch);
        receive();
        assert_int_equal(batch.count, 1);
        assert_error(batch.packets[0], socket, family->port_unreachable, &dead);
        assert_true(bytes_equal(packet_bytes(batch.packets[0]), bytes_of("payload", 7)));
        assert_int_equal(batch.packets[0]->icmp_data, 0);
        give_back();
    }
    assert_int_equal(counter_get(&counters.sent_packets), 20);
    assert_int_equal(counter_get(&counters.received_packets), 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(hear_class(), 0);
}

static void only_who_asked_is_told(void **state)
{
    (void)state;
    struct packet_socket *socket = open_socket((struct packet_socket_config){.want_tos = true});
    struct address dead = dead_address();
    for (int i = 0; i < 10; i++)
        add(socket, i % 2 == 0 ? &dead : &peer, 7);
    packet_io_send(io, &batch);
    packet_io_receive(io, &batch);
    assert_int_equal(batch.count, 0);
    assert_int_equal(counter_get(&counters.sent_packets), 10);
}

/* Errors come in small portions, so that others have their turn; in the end all is quiet. */
static void a_flood_of_errors_is_taken_in_turns(void **state)
{
    (void)state;
    struct packet_socket *flooded = open_socket((struct packet_socket_config){.want_icmp = true});
    struct packet_socket *other = open_socket((struct packet_socket_config){.want_icmp = true});
    struct address dead = dead_address();
    for (int i = 0; i < 100; i++)
        add(flooded, &dead, 7);
    packet_io_send(io, &batch);
    for (int i = 0; i < 100; i++)
        assert_int_equal(udp_socket_send(peer_fd, bytes_of("x", 1), NULL, &other->local), 0);

    size_t errors = 0, datagrams = 0, row = 0, looks = 0;
    struct pollfd wait = {.fd = packet_io_poll_fd(io), .events = POLLIN};
    for (; poll(&wait, 1, 100) == 1; looks++) {
        give_back();
        packet_io_receive(io, &batch);
        for (size_t i = 0; i < batch.count; i++) {
            bool is_error = batch.packets[i]->kind == PACKET_ICMP;
            row = is_error ? row + 1 : 0;
            errors += is_error;
            datagrams += !is_error;
            assert_true(row <= 4 || datagrams == 100);
        }
        assert_true(looks < 1000);
    }
    assert_int_equal(datagrams, 100);
    assert_in_range(errors, 10, 100);
}

static void errors_without_buffers_are_dropped(void **state)
{
    (void)state;
    struct packet_socket *socket = open_socket((struct packet_socket_config){.want_icmp = true});
    struct address dead = dead_address();
    struct packet *taken[2];
    for (int i = 0; i < 5; i++) {
        add(socket, &dead, 7);
        packet_io_send(io, &batch);
    }
    for (int i = 0; i < 2; i++)
        taken[i] = packet_take(&pool);
    struct pollfd wait = {.fd = packet_io_poll_fd(io), .events = POLLIN};
    for (int looks = 0; poll(&wait, 1, 0) == 1; looks++) {
        packet_io_receive(io, &batch);
        assert_true(looks < 20);
    }
    assert_int_equal(batch.count, 0);
    assert_int_not_equal(dropped(DROP_NO_MEMORY), 0);
    for (int i = 0; i < 2; i++)
        packet_give(&pool, taken[i]);
}

static void needs_namespace(void)
{
    if (!has_namespace)
        skip();
}

/* Without the wish of the packet it is fragmented, with it it is refused and told, once. */
static void too_long_to_go_whole_is_told(void **state)
{
    (void)state;
    needs_namespace();
    struct packet_socket *socket =
        open_socket((struct packet_socket_config){.want_icmp = true, .want_df = true});
    struct address other_port = dead_address();
    add(socket, &peer, 2000);
    add(socket, &peer, 1400)->dont_fragment = true;
    add(socket, &peer, 2000)->dont_fragment = true;
    add(socket, &peer, 1400)->dont_fragment = true;
    add(socket, &peer, 2000);
    packet_io_send(io, &batch);
    for (int i = 0; i < 4; i++)
        assert_int_equal(hear_class(), 0);
    assert_int_equal(counter_get(&counters.sent_packets), 4);
    assert_int_equal(dropped(DROP_SEND_FAILED), 1);
    receive();
    assert_int_equal(batch.count, 1);
    assert_error(batch.packets[0], socket, family->too_long, &peer);
    assert_int_equal(batch.packets[0]->icmp_data, NETWORK_MTU);
    give_back();

    add(socket, &other_port, 1600)->dont_fragment = true;
    packet_io_send(io, &batch);
    receive();
    assert_int_equal(batch.count, 1);
    assert_error(batch.packets[0], socket, family->too_long, &other_port);
    packet_io_receive(io, &batch);
    assert_int_equal(batch.count, 1); /* no second one */
}

/* What the system does with datagrams of others stays as it is. */
static void df_is_for_sockets_that_want_it(void **state)
{
    (void)state;
    needs_namespace();
    struct packet_socket *socket = open_socket((struct packet_socket_config){.want_icmp = true});
    add(socket, &peer, 2000)->dont_fragment = true;
    packet_io_send(io, &batch);
    assert_int_equal(hear_class(), 0);
}

/* --- errors that routers would send, made by hand ----------------------------------------------
 */

static uint16_t checksum(const uint8_t *data, size_t len)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i += 2)
        sum += (uint32_t)data[i] << 8 | data[i + 1];
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t) ~((sum >> 16) + sum);
}

/* An ICMP error about a datagram from `from` to `to`; only the fields that the kernel looks at. */
static void send_router_error(const struct address *from, const struct address *to,
    const uint8_t type_and_code[2], uint32_t data)
{
    uint8_t m[8 + 40 + 8] = {type_and_code[0], type_and_code[1]};
    uint8_t *ip = m + 8;
    size_t ip_header = family->is_ip6 ? 40 : 20;
    uint8_t *udp = ip + ip_header;
    size_t len = 8 + ip_header + 8;

    for (size_t i = 0; i < 4; i++)
        m[4 + i] = (uint8_t)(data >> (24 - 8 * i));
    ip[0] = family->is_ip6 ? 0x60 : 0x45;
    ip[family->is_ip6 ? 6 : 9] = IPPROTO_UDP;
    ip[family->is_ip6 ? 5 : 3] = (uint8_t)(family->is_ip6 ? 8 : 28);
    memcpy(ip + (family->is_ip6 ? 8 : 12), from->ip, address_ip_len(from));
    memcpy(ip + (family->is_ip6 ? 24 : 16), to->ip, address_ip_len(to));
    uint8_t ports[] = {(uint8_t)(from->port >> 8), (uint8_t)from->port, (uint8_t)(to->port >> 8),
        (uint8_t)to->port, 0, 8};
    memcpy(udp, ports, sizeof(ports));
    uint16_t sum = checksum(m, len); /* for ICMPv6 the kernel does it */
    m[2] = (uint8_t)(sum >> 8);
    m[3] = (uint8_t)sum;

    struct sockaddr_storage target;
    struct address ip_of_socket = *from;
    ip_of_socket.port = 0;
    socklen_t target_len = sockaddr_from_address(&ip_of_socket, &target);
    int fd = open_far_raw(family->of, family->is_ip6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
    assert_int_equal(sendto(fd, m, len, 0, (struct sockaddr *)&target, target_len), len);
    close(fd);
}

static void errors_of_routers_are_told(void **state)
{
    (void)state;
    needs_namespace();
    struct packet_socket *socket =
        open_socket((struct packet_socket_config){.want_icmp = true, .want_df = true});
    for (int df = 0; df <= 1; df++) { /* also a late one, when the next packet went without DF */
        add(socket, &peer, 7)->dont_fragment = df != 0;
        packet_io_send(io, &batch);
        send_router_error(&socket->local, &peer, family->hop_limit, 0);
        add(socket, &peer, 7); /* not taken for the one that failed */
        packet_io_send(io, &batch);
        receive();
        assert_int_equal(batch.count, 1);
        assert_error(batch.packets[0], socket, family->hop_limit, &peer);
        give_back();
        send_router_error(&socket->local, &peer, family->too_long, 1300);
        receive();
        assert_int_equal(batch.count, 1);
        assert_error(batch.packets[0], socket, family->too_long, &peer);
        assert_int_equal(batch.packets[0]->icmp_data, 1300);
        give_back();
    }
    assert_int_equal(counter_get(&counters.sent_packets), 4);
}

static const struct {
    const char *name;
    CMUnitTestFunction run;
    CMFixtureFunction set_up;
} tests[] = {
#define TEST(test, set_up)                                                                         \
    {                                                                                              \
#test, test, set_up                                                                        \
    }
    TEST(packets_tell_their_class, set_up),
    TEST(packets_leave_with_their_class, set_up),
    TEST(a_dead_peer_is_told, set_up),
    TEST(only_who_asked_is_told, set_up),
    TEST(a_flood_of_errors_is_taken_in_turns, set_up),
    TEST(errors_without_buffers_are_dropped, set_up_poor),
    TEST(too_long_to_go_whole_is_told, set_up),
    TEST(df_is_for_sockets_that_want_it, set_up),
    TEST(errors_of_routers_are_told, set_up),
};

enum { KINDS = BACK_ENDS_MAX * COUNT_OF(families) };

/* Each back end that works here, with each family. */
static size_t find_kinds(struct kind out[KINDS])
{
    static struct back_end back_ends[BACK_ENDS_MAX];
    size_t back_end_count = back_ends_find(back_ends), count = 0;
    for (size_t b = 0; b < back_end_count; b++)
        for (size_t f = 0; f < COUNT_OF(families); f++)
            out[count++] = (struct kind){&back_ends[b], &families[f]};
    return count;
}

int main(void)
{
    static struct kind kinds[KINDS];
    static char names[KINDS * COUNT_OF(tests)][80];
    struct CMUnitTest all[KINDS * COUNT_OF(tests)];
    has_namespace = back_ends_enter_namespace();
    size_t kind_count = find_kinds(kinds), count = 0;
    /* The last test leaves the kernel with another path MTU. */
    for (size_t t = 0; t < COUNT_OF(tests); t++) {
        for (size_t k = 0; k < kind_count; k++, count++) {
            snprintf(names[count], sizeof(names[0]), "%s (%s, %s)", tests[t].name,
                kinds[k].back_end->name, kinds[k].family->is_ip6 ? "IPv6" : "IPv4");
            all[count] = (struct CMUnitTest){
                names[count], tests[t].run, tests[t].set_up, tear_down, &kinds[k]};
        }
    }
    return _cmocka_run_group_tests("packet_wishes", all, count, NULL, NULL);
}
