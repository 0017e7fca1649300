/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "journal.h"

enum { FLOWS = 3, DEPTH = 5, SLOTS = 8, FIRST = 1000 };

static int set_up(void **state)
{
    struct journal *j = calloc(1, sizeof(*j));
    assert_non_null(j);
    assert_true(journal_init(j, FLOWS, DEPTH));
    assert_int_equal(j->slots, SLOTS);
    *state = j;
    return 0;
}

static int tear_down(void **state)
{
    journal_done(*state);
    free(*state);
    return 0;
}

static void tells_once_when_a_packet_was_sent(void **state)
{
    struct journal *j = *state;
    uint64_t sent_ns = 0;
    journal_put(j, 1, FIRST, 77);
    journal_put(j, 1, FIRST + 1, 88);
    assert_int_equal(journal_take(j, 1, FIRST + 1, &sent_ns), JOURNAL_FIRST);
    assert_int_equal(sent_ns, 88);
    assert_int_equal(journal_take(j, 1, FIRST, &sent_ns), JOURNAL_FIRST);
    assert_int_equal(sent_ns, 77);
    sent_ns = 5;
    assert_int_equal(journal_take(j, 1, FIRST, &sent_ns), JOURNAL_AGAIN);
    assert_int_equal(sent_ns, 5);
}

static void knows_nothing_of_others(void **state)
{
    struct journal *j = *state;
    uint64_t sent_ns;
    journal_put(j, 1, FIRST, 77);
    assert_int_equal(journal_take(j, 1, FIRST + 1, &sent_ns), JOURNAL_UNKNOWN);
    assert_int_equal(journal_take(j, 0, FIRST, &sent_ns), JOURNAL_UNKNOWN);
    assert_int_equal(journal_take(j, 2, FIRST, &sent_ns), JOURNAL_UNKNOWN);
    assert_int_equal(journal_take(j, FLOWS, FIRST, &sent_ns), JOURNAL_UNKNOWN);
}

static void forgets_the_oldest(void **state)
{
    struct journal *j = *state;
    uint64_t sent_ns;
    for (uint64_t i = 0; i <= SLOTS; i++)
        journal_put(j, 2, FIRST + i, 100 + i);
    assert_int_equal(journal_take(j, 2, FIRST, &sent_ns), JOURNAL_UNKNOWN);
    for (uint64_t i = 1; i <= SLOTS; i++) {
        assert_int_equal(journal_take(j, 2, FIRST + i, &sent_ns), JOURNAL_FIRST);
        assert_int_equal(sent_ns, 100 + i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tells_once_when_a_packet_was_sent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(knows_nothing_of_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forgets_the_oldest, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
