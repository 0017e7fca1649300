/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/relay_ports.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* Wishes for TCP bind nothing, so the numbers are all that is tested. */
static const struct relay_port_wish wish = {.tcp = true};

static struct relay_ports *new_ports(uint16_t min, uint16_t max)
{
    struct address loopback;
    assert_true(address_parse(TEXT("127.0.0.1"), &loopback));
    struct relay_ports *ports = relay_ports_new(&loopback, 1, min, max, 0);
    assert_non_null(ports);
    return ports;
}

static int take(struct relay_ports *ports, struct relay_port *out)
{
    uint8_t token[TURN_TOKEN_SIZE];
    return relay_ports_take(ports, &wish, 0, out, token);
}

static size_t take_all(struct relay_ports *ports)
{
    struct relay_port port;
    size_t count = 0;
    while (take(ports, &port) == 0)
        count++;
    return count;
}

/* Ranges that begin and end anywhere in the words of the set. */
static void a_single_free_port_is_found(void **state)
{
    static const struct {
        uint16_t min, max;
    } ranges[] = {{20000, 20099}, {20032, 20047}, {20000, 20000}, {49152, 49999}, {65000, 65535}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ranges); i++) {
        struct relay_ports *ports = new_ports(ranges[i].min, ranges[i].max);
        assert_int_equal(take_all(ports), ranges[i].max - ranges[i].min + 1);
        for (unsigned free = ranges[i].min; free <= ranges[i].max; free++) {
            struct relay_port port;
            relay_ports_give(ports, 0, (uint16_t)free);
            assert_int_equal(take(ports, &port), 0);
            assert_int_equal(port.port, free);
        }
        relay_ports_free(ports);
    }
}

/* Our own listeners share their TCP port with whoever else of us binds it. */
static void listening_ports_are_not_given_away(void **state)
{
    (void)state;
    struct relay_ports *ports = new_ports(3000, 3999);
    relay_ports_keep_out(ports, 3478);
    relay_ports_keep_out(ports, 3478);
    relay_ports_keep_out(ports, 2999);
    relay_ports_keep_out(ports, 4000);
    assert_int_equal(relay_ports_usage(ports).total, 999);
    for (unsigned i = 0; i < 999; i++) {
        struct relay_port port;
        assert_int_equal(take(ports, &port), 0);
        assert_int_not_equal(port.port, 3478);
    }
    assert_int_equal(relay_ports_usage(ports).used, 999);
    struct relay_port port;
    assert_int_not_equal(take(ports, &port), 0);
    relay_ports_free(ports);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_free_port_is_found),
        cmocka_unit_test(listening_ports_are_not_given_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
