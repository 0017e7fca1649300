/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

struct item {
    int number;
    struct list link;
};

static int numbers(const struct list *list)
{
    int all = 0;
    for (const struct list *at = list->next; at != list; at = at->next)
        all = all * 10 + CONTAINER_OF(at, struct item, link)->number;
    return all;
}

static void keeps_order(void **state)
{
    (void)state;
    struct item items[] = {{.number = 1}, {.number = 2}, {.number = 3}};
    struct list list;
    list_init(&list);
    assert_true(list_is_empty(&list));
    assert_null(list_first(&list));

    list_push_back(&list, &items[1].link);
    list_push_back(&list, &items[2].link);
    list_push_front(&list, &items[0].link);
    assert_int_equal(numbers(&list), 123);
    assert_int_equal(list_count(&list), 3);

    list_remove(&items[1].link);
    assert_false(list_is_linked(&items[1].link));
    assert_int_equal(numbers(&list), 13);
    list_insert_after(&items[0].link, &items[1].link);
    assert_int_equal(numbers(&list), 123);
    assert_ptr_equal(list_pop_front(&list), &items[0].link);
    assert_int_equal(numbers(&list), 23);
}

static void removing_what_is_in_no_list_is_harmless(void **state)
{
    (void)state;
    struct item item = {.number = 1};
    struct list list;
    list_init(&list);
    list_remove(&item.link); /* never linked */
    list_push_back(&list, &item.link);
    list_remove(&item.link);
    list_remove(&item.link); /* twice */
    assert_true(list_is_empty(&list));
    assert_null(list_pop_front(&list));
}

static void survives_removal_while_walking(void **state)
{
    (void)state;
    struct item items[] = {{.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}};
    struct list list;
    list_init(&list);
    for (size_t i = 0; i < 4; i++)
        list_push_back(&list, &items[i].link);
    list_for_each_safe (at, &list)
        if (CONTAINER_OF(at, struct item, link)->number % 2 == 0)
            list_remove(at);
    assert_int_equal(numbers(&list), 13);
}

static void moves_all(void **state)
{
    (void)state;
    struct item items[] = {{.number = 1}, {.number = 2}, {.number = 3}};
    struct list from, to;
    list_init(&from);
    list_init(&to);
    list_move_all(&to, &from);
    assert_true(list_is_empty(&to));
    list_push_back(&to, &items[0].link);
    list_push_back(&from, &items[1].link);
    list_push_back(&from, &items[2].link);
    list_move_all(&to, &from);
    assert_int_equal(numbers(&to), 123);
    assert_true(list_is_empty(&from));
    list_remove(&items[2].link);
    assert_int_equal(numbers(&to), 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_order),
        cmocka_unit_test(removing_what_is_in_no_list_is_harmless),
        cmocka_unit_test(survives_removal_while_walking),
        cmocka_unit_test(moves_all),
    };
    return cmocka_run_group_tests_name("list", tests, NULL, NULL);
}
