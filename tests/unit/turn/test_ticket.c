/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "turn/ticket.h"

static const uint8_t key[TICKET_KEY_SIZE] = {1, 2, 3}, other_key[TICKET_KEY_SIZE] = {1, 2, 4};
static const struct ticket plain = {.allocation = 0x0003000000001234, .serial = 77};

static void opens_what_it_sealed(void **state)
{
    (void)state;
    uint8_t sealed[TICKET_SIZE], again[TICKET_SIZE];
    struct ticket ticket;

    assert_true(ticket_seal(key, &plain, sealed));
    assert_true(ticket_open(key, bytes_of(sealed, sizeof(sealed)), &ticket));
    assert_int_equal(ticket.allocation, plain.allocation);
    assert_int_equal(ticket.serial, plain.serial);

    /* Two of them have nothing in common. */
    assert_true(ticket_seal(key, &plain, again));
    assert_memory_not_equal(sealed, again, 12);
    assert_memory_not_equal(sealed + 12, again + 12, 12);
}

static void refuses_everything_else(void **state)
{
    (void)state;
    uint8_t sealed[TICKET_SIZE + 1] = {0};
    struct ticket ticket;

    assert_true(ticket_seal(key, &plain, sealed));
    assert_false(ticket_open(other_key, bytes_of(sealed, TICKET_SIZE), &ticket));
    assert_false(ticket_open(key, bytes_of(sealed, TICKET_SIZE - 1), &ticket));
    assert_false(ticket_open(key, bytes_of(sealed, TICKET_SIZE + 1), &ticket));
    assert_false(ticket_open(key, bytes_of(NULL, 0), &ticket));
    for (size_t bit = 0; bit < TICKET_SIZE * 8; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(ticket_open(key, bytes_of(sealed, TICKET_SIZE), &ticket));
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(ticket_open(key, bytes_of(sealed, TICKET_SIZE), &ticket));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_what_it_sealed),
        cmocka_unit_test(refuses_everything_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
