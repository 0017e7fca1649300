/* SPDX-License-Identifier: Apache-2.0 */
#include "net/outside.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "mediaferry/stun.h"
#include "net/interfaces.h"
#include "net/udp_socket.h"

enum { WAIT_MS = 1200, SILENCE_MS = 100, REQUEST_SIZE = 600, REPLY_SIZE = 200 };

enum manner {
    TELLS,
    TELLS_IN_MAPPED_ADDRESS,
    HEARS_THE_SECOND,
    TELLS_AFTER_LIES, /* of others: another id, another port, a request, no STUN at all */
    REFUSES,
    TELLS_NOTHING,
    TELLS_OF_ANOTHER_FAMILY,
    TELLS_THE_UNSPECIFIED,
    TELLS_A_GROUP,
    MEANS_MORE, /* with an attribute that must be understood */
    IS_SILENT,
};

struct server {
    enum manner manner;
    struct address address, told;
    int fd, stranger;
    unsigned heard;
    atomic_bool is_over;
    pthread_t thread;
};

static struct address literal(const char *text)
{
    struct address a;
    assert_true(address_parse_with_port(text_from(text), 0, &a));
    return a;
}

static void send_back(int fd, const struct writer *w, const struct address *to)
{
    if (udp_socket_send(fd, writer_bytes(w), NULL, to) != 0)
        abort();
}

static void begin(struct writer *w, enum stun_class class, struct bytes id)
{
    stun_begin(w, stun_type(STUN_BINDING, class), id);
}

/* What somebody else might send; each would tell 198.51.100.66. */
static void lie(const struct server *s, struct bytes id, const struct address *to)
{
    static const uint8_t other_id[STUN_ID_SIZE] = {1};
    struct address wrong = literal("198.51.100.66");
    uint8_t buffer[REPLY_SIZE];
    struct writer w = writer_over(buffer, sizeof(buffer));
    begin(&w, STUN_SUCCESS, bytes_of(other_id, sizeof(other_id)));
    stun_write_xor_address(&w, STUN_XOR_MAPPED_ADDRESS, &wrong);
    send_back(s->fd, &w, to);

    w = writer_over(buffer, sizeof(buffer));
    begin(&w, STUN_SUCCESS, id);
    stun_write_xor_address(&w, STUN_XOR_MAPPED_ADDRESS, &wrong);
    send_back(s->stranger, &w, to);

    w = writer_over(buffer, sizeof(buffer));
    begin(&w, STUN_REQUEST, id);
    stun_write_xor_address(&w, STUN_XOR_MAPPED_ADDRESS, &wrong);
    send_back(s->fd, &w, to);

    w = writer_over(buffer, sizeof(buffer));
    writer_put(&w, bytes_of("nonsense", 8));
    send_back(s->fd, &w, to);
}

static void answer(struct server *s, struct bytes id, const struct address *to)
{
    uint8_t buffer[REPLY_SIZE];
    struct writer w = writer_over(buffer, sizeof(buffer));
    bool is_refused = s->manner == REFUSES;
    if (s->manner == IS_SILENT || (s->manner == HEARS_THE_SECOND && s->heard == 1))
        return;
    if (s->manner == TELLS_AFTER_LIES)
        lie(s, id, to);
    begin(&w, is_refused ? STUN_ERROR : STUN_SUCCESS, id);
    if (is_refused)
        stun_write_error(&w, STUN_UNAUTHORIZED, TEXT("who are you"));
    else if (s->manner == TELLS_IN_MAPPED_ADDRESS)
        stun_write_address(&w, STUN_MAPPED_ADDRESS, &s->told);
    else if (s->manner != TELLS_NOTHING)
        stun_write_xor_address(&w, STUN_XOR_MAPPED_ADDRESS, &s->told);
    if (s->manner == MEANS_MORE)
        stun_write_u32(&w, 0x7f00, 1);
    send_back(s->fd, &w, to);
}

static void *serve(void *arg)
{
    struct server *s = arg;
    uint8_t buffer[REQUEST_SIZE];
    struct udp_datagram datagram;
    struct stun_message m;
    while (!atomic_load(&s->is_over)) {
        struct pollfd polled = {.fd = s->fd, .events = POLLIN};
        if (poll(&polled, 1, 10) != 1 ||
            udp_socket_receive(s->fd, buffer, sizeof(buffer), &datagram) != 0)
            continue;
        s->heard++;
        if (stun_parse(datagram.bytes, &m) != STUN_OK ||
            m.type != stun_type(STUN_BINDING, STUN_REQUEST))
            abort();
        answer(s, m.id, &datagram.remote);
    }
    return NULL;
}

static void open_server(struct server *s, const char *ip, enum manner manner, const char *told)
{
    struct udp_socket_config config = {.bind = literal(ip)};
    *s = (struct server){.manner = manner, .told = literal(told)};
    assert_int_equal(udp_socket_open(&config, &s->fd), 0);
    assert_int_equal(udp_socket_open(&config, &s->stranger), 0);
    assert_int_equal(udp_socket_local(s->fd, &s->address), 0);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void close_server(struct server *s)
{
    atomic_store(&s->is_over, true);
    pthread_join(s->thread, NULL);
    close(s->fd);
    close(s->stranger);
}

static const struct {
    const char *ip;
    enum manner manner;
    const char *told, *seen;
    const char *problem;
} manners[] = {
    {"127.0.0.1", TELLS, "203.0.113.5", "203.0.113.5", ""},
    {"::1", TELLS, "2001:db8::5", "2001:db8::5", ""},
    {"127.0.0.1", TELLS_IN_MAPPED_ADDRESS, "203.0.113.5", "203.0.113.5", ""},
    {"127.0.0.1", HEARS_THE_SECOND, "203.0.113.5", "203.0.113.5", ""},
    {"127.0.0.1", TELLS_AFTER_LIES, "203.0.113.5", "203.0.113.5", ""},
    {"127.0.0.1", REFUSES, "203.0.113.5", "-", "refuses with 401"},
    {"127.0.0.1", TELLS_NOTHING, "203.0.113.5", "-", "answers without an address"},
    {"127.0.0.1", TELLS_OF_ANOTHER_FAMILY, "2001:db8::5", "-", "answers without an address"},
    {"127.0.0.1", TELLS_THE_UNSPECIFIED, "0.0.0.0", "-", "answers without an address"},
    {"127.0.0.1", TELLS_A_GROUP, "224.0.0.5", "-", "answers without an address"},
    {"127.0.0.1", MEANS_MORE, "203.0.113.5", "-", "answers what is not understood"},
    {"127.0.0.1", IS_SILENT, "203.0.113.5", "-", "does not answer"},
};

static void believes_the_server_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(manners); i++) {
        struct server s;
        char name[ADDRESS_TEXT_SIZE], seen[ADDRESS_TEXT_SIZE];
        open_server(&s, manners[i].ip, manners[i].manner, manners[i].told);
        address_text(&s.address, name);
        struct outside_question q = {.bind = literal(manners[i].ip), .server = text_from(name)};
        bool is_silent = manners[i].manner == IS_SILENT;
        size_t answered = outside_ask(&q, 1, is_silent ? SILENCE_MS : WAIT_MS);
        assert_string_equal(address_ip_text(&q.seen, seen), manners[i].seen);
        assert_int_equal(answered, manners[i].seen[0] != '-');
        if (answered == 0)
            assert_string_equal(q.problem, manners[i].problem);
        assert_int_equal(q.seen.port, 0);
        close_server(&s);
        assert_int_equal(s.heard, manners[i].manner == HEARS_THE_SECOND ? 2 : 1);
    }
}

static void asks_all_at_the_same_time(void **state)
{
    (void)state;
    struct server good, silent;
    char good_name[ADDRESS_TEXT_SIZE], silent_name[ADDRESS_TEXT_SIZE], seen[ADDRESS_TEXT_SIZE];
    open_server(&good, "127.0.0.1", TELLS, "203.0.113.5");
    open_server(&silent, "127.0.0.1", IS_SILENT, "203.0.113.5");
    struct outside_question list[] = {
        {.bind = literal("127.0.0.1"),
            .server = text_from(address_text(&silent.address, silent_name))},
        {.bind = literal("127.0.0.2"), .server = text_from(address_text(&good.address, good_name))},
        /* not an address of this machine */
        {.bind = literal("192.0.2.77"),
            .server = text_from(address_text(&good.address, good_name))},
        {.bind = literal("::1"), .server = text_from(address_text(&good.address, good_name))},
        {.bind = literal("127.0.0.1"), .server = TEXT("no.such.host.invalid:3478")},
    };
    assert_int_equal(outside_ask(list, COUNT_OF(list), SILENCE_MS), 1);
    assert_string_equal(list[0].problem, "does not answer");
    assert_string_equal(address_ip_text(&list[1].seen, seen), "203.0.113.5");
    assert_non_null(strstr(list[2].problem, "cannot be asked from there"));
    assert_non_null(strstr(list[3].problem, "of the family"));
    assert_string_equal(list[4].problem, "is not known by that name");
    assert_int_equal(outside_ask(NULL, 0, WAIT_MS), 0);
    close_server(&good);
    close_server(&silent);
}

static void knows_what_can_be_a_server(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_server;
    } cases[] = {
        {"stun.example.org", true},
        {"stun.example.org:3479", true},
        {"192.0.2.1", true},
        {"192.0.2.1:3479", true},
        {"2001:db8::1", true},
        {"[2001:db8::1]", true},
        {"[2001:db8::1]:3479", true},
        {"", false},
        {":3478", false},
        {"stun.example.org:", false},
        {"stun.example.org:0", false},
        {"stun.example.org:65536", false},
        {"stun.example.org:1:2", false},
        {"192.0.2.1:0", false},
        {"[stun.example.org]", false},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        if (outside_is_server(text_from(cases[i].text)) != cases[i].is_server)
            fail_msg("%s", cases[i].text);
}

/* --- the option --------------------------------------------------------------------------------
 */

static struct interfaces *parse(const char *format, const struct server *server)
{
    const struct host_addresses host = {.count = 0};
    struct interfaces *set = NULL;
    struct str why = {0};
    char name[ADDRESS_TEXT_SIZE], spec[400];
    address_text(&server->address, name);
    snprintf(spec, sizeof(spec), format, name, name);
    assert_int_equal(interfaces_parse(text_from(spec), &host, &set, &why), 0);
    str_done(&why);
    return set;
}

static void expect(const struct interfaces *set, const char *name, const char *advertised)
{
    char text[ADDRESS_TEXT_SIZE];
    const struct interface *found = interfaces_find(set, text_from(name));
    assert_string_equal(address_ip_text(&found->addresses[0].advertised, text), advertised);
}

static void advertises_what_is_told(void **state)
{
    (void)state;
    struct server s;
    struct str why = {0};
    open_server(&s, "127.0.0.1", TELLS, "203.0.113.5");
    struct interfaces *set =
        parse("pub/127.0.0.1!stun:%s;six/::1 ! stun:%s;in/127.0.0.1;out/127.0.0.2!192.0.2.1", &s);
    expect(set, "pub", "127.0.0.1");
    assert_int_equal(interfaces_ask(set, WAIT_MS, &why), 0);
    expect(set, "pub", "203.0.113.5");
    expect(set, "six", "::1"); /* the server has no IPv6 */
    expect(set, "in", "127.0.0.1");
    expect(set, "out", "192.0.2.1");
    close_server(&s);
    interfaces_free(set);
    str_done(&why);
}

static void says_who_did_not_tell(void **state)
{
    (void)state;
    struct server s;
    struct str why = {0};
    open_server(&s, "127.0.0.1", REFUSES, "203.0.113.5");
    struct interfaces *set = parse("in/127.0.0.1;pub/127.0.0.1!stun:%s", &s);
    assert_int_equal(interfaces_ask(set, WAIT_MS, &why), -EINVAL);
    assert_non_null(
        strstr(str_string(&why), "what 127.0.0.1 is seen as from outside is not known"));
    assert_non_null(strstr(str_string(&why), "refuses with 401"));
    close_server(&s);
    interfaces_free(set);

    str_reset(&why);
    set = parse("six/::1!stun:%s", &s); /* with no IPv4 one told, this one is missed */
    assert_int_equal(interfaces_ask(set, WAIT_MS, &why), -EINVAL);
    interfaces_free(set);
    str_done(&why);
}

static void count_moved(void *owner, const struct interface *interface,
    const struct local_address *local, const struct address *before)
{
    char text[ADDRESS_TEXT_SIZE];
    assert_string_equal(interface->name, "pub");
    assert_string_equal(address_ip_text(before, text), "127.0.0.1");
    assert_string_equal(address_ip_text(&local->advertised, text), "203.0.113.5");
    ++*(unsigned *)owner;
}

static void tells_what_has_moved(void **state)
{
    (void)state;
    struct server s;
    unsigned moved = 0;
    size_t count;
    open_server(&s, "127.0.0.1", TELLS, "203.0.113.5");
    struct interfaces *set = parse("in/127.0.0.1;pub/127.0.0.1!stun:%s", &s);
    struct outside_question *questions = interfaces_questions(set, &count);
    assert_int_equal(count, 1);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(outside_ask(questions, count, WAIT_MS), 1);
        interfaces_answer(set, questions, count_moved, &moved);
        assert_int_equal(moved, 1); /* the second time nothing is new */
    }
    questions[0].seen.family = ADDRESS_NONE;
    interfaces_answer(set, questions, count_moved, &moved);
    expect(set, "pub", "203.0.113.5");
    close_server(&s);
    free(questions);
    interfaces_free(set);

    set = parse("in/127.0.0.1", &s);
    assert_null(interfaces_questions(set, &count));
    assert_int_equal(count, 0);
    interfaces_free(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(believes_the_server_alone),
        cmocka_unit_test(asks_all_at_the_same_time),
        cmocka_unit_test(knows_what_can_be_a_server),
        cmocka_unit_test(advertises_what_is_told),
        cmocka_unit_test(says_who_did_not_tell),
        cmocka_unit_test(tells_what_has_moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
