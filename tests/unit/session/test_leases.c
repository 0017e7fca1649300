/* SPDX-License-Identifier: Apache-2.0 */
/* Leases on loopback addresses: steps that commit or roll back, and ports that come home. */
#include "session/leases.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

struct fixture {
    struct host_addresses host;
    struct interfaces *interfaces;
    struct leases *leases;
};

static void open_fixture(struct fixture *f, const char *spec, uint16_t min, uint16_t max)
{
    struct str why = {0};
    *f = (struct fixture){0};
    assert_int_equal(host_addresses_read(&f->host), 0);
    assert_int_equal(interfaces_parse(text_from(spec), &f->host, &f->interfaces, &why), 0);
    struct leases_config config = {.port_min = min, .port_max = max};
    assert_int_equal(leases_open(&f->leases, &config, f->interfaces), 0);
    str_done(&why);
}

static void close_fixture(struct fixture *f)
{
    leases_close(f->leases);
    interfaces_free(f->interfaces);
    host_addresses_done(&f->host);
}

/* Leases one pair on the named interface; gives the number of locals. */
static size_t lease(struct call_ports *ports, struct call_lease_request request,
    struct call_lease_local out[PLAN_MAX_LOCALS], enum call_status *why)
{
    *why = CALL_OK;
    return ports->lease(ports->owner, &request, out, why);
}

static void take(const struct relay_sockets *sockets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        close(sockets[i].rtp_fd);
        if (sockets[i].rtcp_fd >= 0)
            close(sockets[i].rtcp_fd);
    }
}

static void a_pair_is_even_and_comes_home(void **state)
{
    (void)state;
    struct fixture f;
    struct call_lease_local local[PLAN_MAX_LOCALS];
    enum call_status why;
    size_t count;

    open_fixture(&f, "default/127.0.0.1!203.0.113.9", 23100, 23103);
    struct call_ports ports = leases_begin(f.leases, 0);
    assert_int_equal(lease(&ports, (struct call_lease_request){.pair = true}, local, &why), 1);
    assert_int_equal(local[0].bound_rtp.port % 2, 0);
    assert_int_equal(local[0].bound_rtcp.port, local[0].bound_rtp.port + 1);
    char text[ADDRESS_TEXT_SIZE];
    assert_string_equal(address_ip_text(&local[0].advertised_rtp, text), "203.0.113.9");
    assert_int_equal(local[0].advertised_rtcp.port, local[0].bound_rtcp.port);
    assert_true(local[0].lease != 0);

    const struct relay_sockets *sockets = leases_new_sockets(f.leases, &count);
    assert_int_equal(count, 1);
    assert_int_equal(sockets[0].lease, local[0].lease);
    assert_string_equal(address_ip_text(&sockets[0].advertised, text), "203.0.113.9");
    take(sockets, count);
    leases_commit(f.leases);
    assert_int_equal(leases_usage(f.leases, 0).used, 2);
    leases_returned(f.leases, 999); /* a number never given */
    assert_int_equal(leases_outstanding(f.leases), 1);
    leases_returned(f.leases, local[0].lease);
    leases_returned(f.leases, local[0].lease);
    assert_int_equal(leases_usage(f.leases, 0).used, 0);
    close_fixture(&f);
}

static void what_is_rolled_back_is_free_again(void **state)
{
    (void)state;
    struct fixture f;
    struct call_lease_local local[PLAN_MAX_LOCALS];
    enum call_status why;

    open_fixture(&f, "127.0.0.1", 23100, 23103);
    for (int round = 0; round < 3; round++) {
        struct call_ports ports = leases_begin(f.leases, 0);
        for (int i = 0; i < 2; i++)
            assert_int_equal(
                lease(&ports, (struct call_lease_request){.pair = true}, local, &why), 1);
        assert_int_equal(lease(&ports, (struct call_lease_request){.pair = true}, local, &why), 0);
        assert_int_equal(why, CALL_NO_PORTS);
        ports.release(ports.owner, local[0].lease); /* the step may also give back one by one */
        leases_rollback(f.leases);
        assert_int_equal(leases_outstanding(f.leases), 0);
    }
    close_fixture(&f);
}

/* A group that is used up is used up: the default interface may be on the wrong shore. */
static void a_full_group_is_out_of_ports(void **state)
{
    (void)state;
    struct fixture f;
    struct call_lease_local local[PLAN_MAX_LOCALS];
    struct call_lease_request request = {.interface = TEXT("out"), .pair = true};
    enum call_status why;

    open_fixture(&f, "in/127.0.0.1;out:1/127.0.0.2;out:2/127.0.0.3", 23100, 23101);
    struct call_ports ports = leases_begin(f.leases, 40001);
    assert_int_equal(lease(&ports, request, local, &why), 1);
    assert_int_equal(lease(&ports, request, local, &why), 1);
    assert_int_equal(lease(&ports, request, local, &why), 0);
    assert_int_equal(why, CALL_NO_PORTS);
    request.ice = request.shared = true; /* these need none */
    assert_int_equal(lease(&ports, request, local, &why), 1);
    assert_true(local[0].bound_rtp.ip[3] != 1);
    leases_rollback(f.leases);
    close_fixture(&f);
}

static void ice_gets_every_address_and_the_shared_port(void **state)
{
    (void)state;
    struct fixture f;
    struct call_lease_local local[PLAN_MAX_LOCALS];
    enum call_status why;
    struct call_lease_request request = {
        .interface = TEXT("out"), .ice = true, .shared = true, .family = ADDRESS_IP6};

    open_fixture(&f, "in/127.0.0.1;out/127.0.0.2;out/::1", 23100, 23109);
    struct call_ports ports = leases_begin(f.leases, 40001);
    assert_int_equal(lease(&ports, request, local, &why), 2);
    assert_int_equal(local[0].bound_rtp.family, ADDRESS_IP6); /* the family asked for comes first */
    assert_int_equal(local[1].bound_rtp.family, ADDRESS_IP4);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(local[i].lease, 0);
        assert_int_equal(local[i].advertised_rtp.port, 40001);
        assert_int_equal(local[i].bound_rtcp.family, ADDRESS_NONE);
        assert_int_equal(strlen(local[i].foundation), 16);
    }
    leases_commit(f.leases);
    assert_int_equal(leases_outstanding(f.leases), 0); /* nothing of the ranges is used */

    ports = leases_begin(f.leases, 0); /* webrtc-port = 0: own ports */
    assert_int_equal(lease(&ports, request, local, &why), 2);
    assert_true(local[0].lease != 0 && local[1].lease != local[0].lease);
    leases_rollback(f.leases);
    close_fixture(&f);
}

static void an_unknown_interface_means_the_default(void **state)
{
    (void)state;
    struct fixture f;
    struct call_lease_local local[PLAN_MAX_LOCALS];
    enum call_status why;
    char text[ADDRESS_TEXT_SIZE];

    open_fixture(&f, "in/127.0.0.3;out/127.0.0.2", 23100, 23109);
    struct call_ports ports = leases_begin(f.leases, 0);
    assert_false(ports.has_interface(ports.owner, TEXT("nowhere")));
    assert_true(ports.has_interface(ports.owner, TEXT("out")));
    assert_int_equal(
        lease(&ports, (struct call_lease_request){.interface = TEXT("nowhere")}, local, &why), 1);
    assert_string_equal(address_ip_text(&local[0].bound_rtp, text), "127.0.0.3");
    /* A family that the interface lacks: still an address rather than no call. */
    assert_int_equal(
        lease(&ports, (struct call_lease_request){.interface = TEXT("out"), .family = ADDRESS_IP6},
            local, &why),
        1);
    assert_string_equal(address_ip_text(&local[0].bound_rtp, text), "127.0.0.2");
    leases_rollback(f.leases);
    close_fixture(&f);
}

static void an_address_of_no_one_is_not_a_lack_of_ports(void **state)
{
    (void)state;
    struct fixture f;
    struct call_lease_local local[PLAN_MAX_LOCALS];
    enum call_status why;

    open_fixture(&f, "192.0.2.77", 23100, 23109);
    struct call_ports ports = leases_begin(f.leases, 0);
    assert_int_equal(lease(&ports, (struct call_lease_request){.pair = true}, local, &why), 0);
    assert_int_equal(why, CALL_BIND_FAILED);
    leases_rollback(f.leases);
    close_fixture(&f);
}

static struct call_record_port port_of(const char *ip, uint16_t port, bool pair)
{
    struct call_record_port wanted = {.transport = 1};
    assert_true(address_parse(text_from(ip), &wanted.rtp));
    wanted.rtp.port = port;
    if (pair) {
        wanted.rtcp = wanted.rtp;
        wanted.rtcp.port++;
    }
    assert_true(address_parse(TEXT("203.0.113.9"), &wanted.told));
    wanted.told.port = port;
    return wanted;
}

static void the_ports_of_another_process_are_taken_as_they_are(void **state)
{
    (void)state;
    struct fixture f;
    struct call_record_port pair = port_of("127.0.0.2", 23102, true);
    struct call_record_port single = port_of("127.0.0.1", 23101, false);
    struct call_record_port muxed = port_of("127.0.0.1", 23102, true);
    uint32_t numbers[3];
    size_t count;

    open_fixture(&f, "in/127.0.0.1;out/127.0.0.2", 23100, 23103);
    leases_begin(f.leases, 0);
    muxed.rtcp_given_up = true;
    assert_int_equal(leases_take(f.leases, &pair, &numbers[0]), 0);
    assert_int_equal(leases_take(f.leases, &single, &numbers[1]), 0);
    assert_int_equal(leases_take(f.leases, &muxed, &numbers[2]), 0);
    const struct relay_sockets *sockets = leases_new_sockets(f.leases, &count);
    assert_int_equal(count, 3);
    for (size_t i = 0; i < count; i++) {
        char text[ADDRESS_TEXT_SIZE];
        assert_int_equal(sockets[i].lease, numbers[i]);
        assert_true(sockets[i].lease != 0 && sockets[i].rtp_fd >= 0);
        assert_string_equal(address_text(&sockets[i].advertised, text), "203.0.113.9:0");
    }
    assert_true(sockets[0].rtcp_fd >= 0 && sockets[1].rtcp_fd < 0 && sockets[2].rtcp_fd < 0);
    assert_int_equal(leases_usage(f.leases, 0).used, 3); /* the closed one too: SDP told of it */
    assert_int_equal(leases_usage(f.leases, 1).used, 2);
    take(sockets, count);
    leases_commit(f.leases);
    for (size_t i = 0; i < 3; i++)
        leases_returned(f.leases, numbers[i]);
    assert_int_equal(leases_usage(f.leases, 0).used + leases_usage(f.leases, 1).used, 0);
    close_fixture(&f);
}

static void ports_that_cannot_be_had_are_told_apart(void **state)
{
    (void)state;
    struct fixture f;
    struct call_record_port stranger = port_of("127.0.0.9", 23100, true);
    struct call_record_port outside = port_of("127.0.0.1", 23104, true);
    struct call_record_port odd = port_of("127.0.0.1", 23101, true);
    struct call_record_port good = port_of("127.0.0.1", 23100, true);
    uint32_t number;

    open_fixture(&f, "127.0.0.1", 23100, 23103);
    leases_begin(f.leases, 0);
    assert_false(leases_have_address(f.leases, &stranger.rtp));
    assert_true(leases_have_address(f.leases, &good.rtp));
    assert_int_equal(leases_take(f.leases, &stranger, &number), -EADDRNOTAVAIL);
    assert_int_equal(leases_take(f.leases, &outside, &number), -ERANGE);
    assert_int_equal(leases_take(f.leases, &odd, &number), -ERANGE);
    assert_int_equal(leases_take(f.leases, &good, &number), 0);
    assert_int_equal(leases_take(f.leases, &good, &number), -EBUSY);
    assert_int_equal(leases_outstanding(f.leases), 1);
    leases_rollback(f.leases);
    assert_int_equal(leases_outstanding(f.leases), 0);
    leases_begin(f.leases, 0);
    assert_int_equal(leases_take(f.leases, &good, &number), 0); /* it came back */
    leases_rollback(f.leases);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_is_even_and_comes_home),
        cmocka_unit_test(what_is_rolled_back_is_free_again),
        cmocka_unit_test(a_full_group_is_out_of_ports),
        cmocka_unit_test(ice_gets_every_address_and_the_shared_port),
        cmocka_unit_test(an_unknown_interface_means_the_default),
        cmocka_unit_test(an_address_of_no_one_is_not_a_lack_of_ports),
        cmocka_unit_test(the_ports_of_another_process_are_taken_as_they_are),
        cmocka_unit_test(ports_that_cannot_be_had_are_told_apart),
    };
    return cmocka_run_group_tests_name("leases", tests, NULL, NULL);
}
