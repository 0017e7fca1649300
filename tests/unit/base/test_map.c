/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "gen.h"

enum { MANY = 1000 };

struct named {
    char name[16];
    struct map_node node;
};

static void finds_by_name_while_it_grows(void **state)
{
    (void)state;
    static struct named named[MANY];
    struct map map;
    map_init(&map);
    for (size_t i = 0; i < MANY; i++) {
        snprintf(named[i].name, sizeof(named[i].name), "call-%zu", i);
        assert_null(map_find(&map, text_bytes(text_from(named[i].name))));
        map_put(&map, &named[i].node, text_bytes(text_from(named[i].name)));
    }
    assert_int_equal(map.count, MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_ptr_equal(map_find(&map, text_bytes(text_from(named[i].name))), &named[i].node);
    assert_null(map_find(&map, text_bytes(TEXT("call-"))));

    for (size_t i = 0; i < MANY; i += 2)
        map_remove(&map, &named[i].node);
    assert_int_equal(map.count, MANY / 2);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(map_find(&map, text_bytes(text_from(named[i].name))) != NULL, i % 2 == 1);
    map_done(&map);
}

/* Every operation against a plain array that is always right. */
static void agrees_with_a_plain_array(void **state)
{
    (void)state;
    static struct u64_node nodes[64];
    struct gen gen = gen_start();
    struct map map;
    size_t count = 0;
    map_init(&map);
    memset(nodes, 0, sizeof(nodes));

    for (int step = 0; step < 20000; step++) {
        size_t i = gen_below(&gen, COUNT_OF(nodes));
        bool was_in = nodes[i].link.linked;
        if (was_in)
            u64_map_remove(&map, &nodes[i]);
        else
            u64_map_put(&map, &nodes[i], i * 1000);
        count = was_in ? count - 1 : count + 1;
        assert_int_equal(map.count, count);
        assert_ptr_equal(u64_map_find(&map, i * 1000), was_in ? NULL : &nodes[i]);

        size_t walked = 0;
        if (step % 100 == 0) {
            map_for_each (at, &map)
                walked++;
            assert_int_equal(walked, count);
        }
    }
    map_done(&map);
}

static void may_be_emptied_while_walking(void **state)
{
    (void)state;
    static struct u64_node nodes[100];
    struct map map;
    map_init(&map);
    for (size_t i = 0; i < COUNT_OF(nodes); i++)
        u64_map_put(&map, &nodes[i], i);
    map_for_each (at, &map)
        map_remove_link(&map, at);
    assert_int_equal(map.count, 0);
    map_for_each (at, &map)
        fail();
    u64_map_remove(&map, &nodes[0]); /* harmless */
    map_done(&map);
}

static void tells_addresses_apart(void **state)
{
    (void)state;
    struct address_node nodes[3] = {0};
    struct address a[3];
    struct map map;
    map_init(&map);
    assert_true(address_parse_with_port(TEXT("192.0.2.1:5004"), 0, &a[0]));
    assert_true(address_parse_with_port(TEXT("192.0.2.1:5005"), 0, &a[1]));
    assert_true(address_parse_with_port(TEXT("[2001:db8::1]:5004"), 0, &a[2]));
    for (size_t i = 0; i < 3; i++)
        address_map_put(&map, &nodes[i], &a[i]);
    for (size_t i = 0; i < 3; i++)
        assert_ptr_equal(address_map_find(&map, &a[i]), &nodes[i]);
    address_map_remove(&map, &nodes[1]);
    assert_null(address_map_find(&map, &a[1]));
    map_done(&map);
}

static void walks_equal_addresses(void **state)
{
    (void)state;
    static struct address_node nodes[40];
    struct map map;
    map_init(&map);
    /* Five each of eight addresses, so that chains have strangers in them. */
    for (size_t i = 0; i < COUNT_OF(nodes); i++) {
        struct address a = {.family = ADDRESS_IP4, .port = (uint16_t)(i % 8)};
        address_map_put(&map, &nodes[i], &a);
    }
    for (size_t i = 0; i < 8; i++) {
        struct address_node *at = address_map_find(&map, &nodes[i].key);
        for (size_t age = 0; age < 5; age++, at = address_map_next(at))
            assert_ptr_equal(at, &nodes[i + 8 * (4 - age)]);
        assert_null(at);
    }
    map_done(&map);
}

static void the_youngest_of_equal_keys_is_found(void **state)
{
    (void)state;
    static struct u64_node nodes[20]; /* one growth with both in it */
    struct map map;
    map_init(&map);
    u64_map_put(&map, &nodes[0], 7);
    u64_map_put(&map, &nodes[1], 7);
    for (size_t i = 2; i < COUNT_OF(nodes); i++)
        u64_map_put(&map, &nodes[i], 100 + i); /* grows on the way */
    assert_ptr_equal(u64_map_find(&map, 7), &nodes[1]);
    u64_map_remove(&map, &nodes[1]);
    assert_ptr_equal(u64_map_find(&map, 7), &nodes[0]);
    map_done(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_by_name_while_it_grows),
        cmocka_unit_test(agrees_with_a_plain_array),
        cmocka_unit_test(may_be_emptied_while_walking),
        cmocka_unit_test(tells_addresses_apart),
        cmocka_unit_test(walks_equal_addresses),
        cmocka_unit_test(the_youngest_of_equal_keys_is_found),
    };
    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
