/* SPDX-License-Identifier: Apache-2.0 */
#include "net/udp_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static struct address literal(const char *text)
{
    struct address a;
    assert_true(address_parse_with_port(text_from(text), 0, &a));
    return a;
}

static int open_at(const char *text, bool tell_local, struct address *local)
{
    struct udp_socket_config config = {.bind = literal(text), .tell_local = tell_local};
    int fd;
    assert_int_equal(udp_socket_open(&config, &fd), 0);
    assert_int_equal(udp_socket_local(fd, local), 0);
    assert_int_not_equal(local->port, 0);
    return fd;
}

static struct udp_datagram receive(int fd, void *buffer, size_t capacity)
{
    struct udp_datagram datagram;
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 5000), 1);
    assert_int_equal(udp_socket_receive(fd, buffer, capacity, &datagram), 0);
    return datagram;
}

/* A question to 127.0.0.2 on a socket bound to all addresses is answered by 127.0.0.2. */
static void answers_from_the_address_asked(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"0.0.0.0", "127.0.0.2"}, {"[::]", "::1"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct address server, client, asked = literal(cases[i][1]);
        char buffer[16];
        int server_fd = open_at(cases[i][0], true, &server);
        int client_fd = open_at(i == 0 ? "127.0.0.1" : "::1", false, &client);
        asked.port = server.port;

        assert_int_equal(udp_socket_send(client_fd, bytes_of("hi", 2), NULL, &asked), 0);
        struct udp_datagram request = receive(server_fd, buffer, sizeof(buffer));
        assert_int_equal(request.bytes.len, 2);
        assert_true(address_equal(&request.remote, &client));
        assert_true(address_same_ip(&request.local, &asked));

        assert_int_equal(
            udp_socket_send(server_fd, bytes_of("yes", 3), &request.local, &request.remote), 0);
        struct udp_datagram reply = receive(client_fd, buffer, sizeof(buffer));
        assert_true(address_equal(&reply.remote, &asked));
        close(server_fd);
        close(client_fd);
    }
}

static void says_when_a_datagram_is_cut(void **state)
{
    (void)state;
    struct address a, b;
    char buffer[4];
    int to = open_at("127.0.0.1", false, &a), from = open_at("127.0.0.1", false, &b);
    assert_int_equal(udp_socket_send(from, bytes_of("12345", 5), NULL, &a), 0);
    struct udp_datagram datagram = receive(to, buffer, sizeof(buffer));
    assert_true(datagram.truncated);
    assert_int_equal(datagram.bytes.len, 4);
    assert_int_equal(udp_socket_receive(to, buffer, sizeof(buffer), &datagram), -EAGAIN);
    close(to);
    close(from);
}

static void passes_errors_on(void **state)
{
    (void)state;
    struct address taken;
    int fd = open_at("127.0.0.1", false, &taken), other = -7;
    struct udp_socket_config config = {.bind = taken};
    assert_int_equal(udp_socket_open(&config, &other), -EADDRINUSE);
    config.bind = literal("192.0.2.1");
    assert_int_equal(udp_socket_open(&config, &other), -EADDRNOTAVAIL);
    config.bind.family = ADDRESS_NONE;
    assert_int_equal(udp_socket_open(&config, &other), -EAFNOSUPPORT);
    assert_int_equal(other, -7);
    close(fd);
}

static void shares_a_port_when_asked(void **state)
{
    (void)state;
    struct udp_socket_config config = {.bind = literal("127.0.0.1"), .reuse_port = true};
    int first, second;
    assert_int_equal(udp_socket_open(&config, &first), 0);
    assert_int_equal(udp_socket_local(first, &config.bind), 0);
    assert_int_equal(udp_socket_open(&config, &second), 0);
    close(first);
    close(second);
}

/* Documentation addresses (RFC 5737, 3849), which no machine has. */
static void binds_to_an_address_of_later_when_asked(void **state)
{
    (void)state;
    static const char *const cases[] = {"192.0.2.77", "[2001:db8::77]"};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct udp_socket_config config = {.bind = literal(cases[i])};
        int fd;
        assert_int_equal(udp_socket_open(&config, &fd), -EADDRNOTAVAIL);
        config.free_bind = true;
        assert_int_equal(udp_socket_open(&config, &fd), 0);
        close(fd);
    }
}

static void marks_its_packets(void **state)
{
    (void)state;
    int value = 0, fd;
    socklen_t len = sizeof(value);
    struct udp_socket_config config = {.bind = literal("127.0.0.1"), .tos = 184};
    assert_int_equal(udp_socket_open(&config, &fd), 0);
    assert_int_equal(getsockopt(fd, IPPROTO_IP, IP_TOS, &value, &len), 0);
    assert_int_equal(value, 184);
    close(fd);
    config.bind = literal("::1");
    assert_int_equal(udp_socket_open(&config, &fd), 0);
    assert_int_equal(getsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &value, &len), 0);
    assert_int_equal(value, 184);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_from_the_address_asked),
        cmocka_unit_test(says_when_a_datagram_is_cut),
        cmocka_unit_test(passes_errors_on),
        cmocka_unit_test(shares_a_port_when_asked),
        cmocka_unit_test(binds_to_an_address_of_later_when_asked),
        cmocka_unit_test(marks_its_packets),
    };
    return cmocka_run_group_tests_name("udp_socket", tests, NULL, NULL);
}
