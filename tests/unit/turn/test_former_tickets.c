/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets that other processes have sealed. */
#include "turn/former_tickets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct former_tickets *tickets;

static int start(void **state)
{
    (void)state;
    tickets = former_tickets_new();
    return tickets == NULL;
}

static int stop(void **state)
{
    (void)state;
    former_tickets_free(tickets);
    return 0;
}

static struct turn_saved_ticket from(uint8_t process, uint64_t allocation)
{
    struct turn_saved_ticket ticket = {.allocation = allocation};
    memset(ticket.key, process, sizeof(ticket.key));
    return ticket;
}

/* What a client that has the ticket finds; 0: nothing. */
static uint64_t found(uint8_t process, uint64_t allocation)
{
    const struct turn_saved_ticket ticket = from(process, allocation);
    const struct ticket says = {.allocation = allocation, .serial = 7};
    uint8_t sealed[TICKET_SIZE];
    struct ticket out;
    assert_true(ticket_seal(ticket.key, &says, sealed));
    if (!former_tickets_open(tickets, bytes_of(sealed, sizeof(sealed)), &out))
        return 0;
    assert_int_equal(out.serial, 7);
    return out.allocation;
}

static bool add(uint8_t process, uint64_t allocation, uint64_t id)
{
    const struct turn_saved_ticket ticket = from(process, allocation);
    return former_tickets_add(tickets, &ticket, id);
}

static void drop(uint8_t process, uint64_t allocation, uint64_t id)
{
    const struct turn_saved_ticket ticket = from(process, allocation);
    former_tickets_remove(tickets, &ticket, id);
}

static void each_process_has_its_own(void **state)
{
    (void)state;
    assert_int_equal(found(1, 10), 0);
    assert_true(add(1, 10, 100));
    assert_true(add(1, 11, 101));
    assert_true(add(2, 10, 102));
    assert_int_equal(found(1, 10), 100);
    assert_int_equal(found(1, 11), 101);
    assert_int_equal(found(2, 10), 102);
    assert_int_equal(found(2, 11), 0);
    assert_int_equal(found(3, 10), 0);
}

static void the_last_one_counts(void **state)
{
    (void)state;
    assert_true(add(1, 10, 100));
    assert_true(add(1, 10, 200));
    drop(1, 10, 100);
    assert_int_equal(found(1, 10), 200);
    drop(1, 10, 200);
    assert_int_equal(found(1, 10), 0);
    drop(1, 10, 200);
    drop(9, 10, 200);
}

static void keys_are_bounded_and_come_back(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < FORMER_TICKETS_MAX_KEYS; i++)
        assert_true(add(i, 10, i + 1));
    assert_true(add(0, 11, 500));
    assert_false(add(200, 10, 600));
    drop(3, 10, 4);
    assert_true(add(200, 10, 600));
    assert_int_equal(found(200, 10), 600);
    assert_int_equal(found(FORMER_TICKETS_MAX_KEYS - 1, 10), FORMER_TICKETS_MAX_KEYS);
}

static void nonsense_is_none(void **state)
{
    uint8_t nonsense[TICKET_SIZE + 1] = {0};
    struct ticket out;
    (void)state;
    assert_true(add(1, 10, 100));
    for (size_t len = 0; len <= sizeof(nonsense); len++)
        assert_false(former_tickets_open(tickets, bytes_of(nonsense, len), &out));
    former_tickets_free(NULL);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_process_has_its_own),
        CASE(the_last_one_counts),
        CASE(keys_are_bounded_and_come_back),
        CASE(nonsense_is_none),
    };
    return cmocka_run_group_tests_name("turn former_tickets", tests, NULL, NULL);
}
