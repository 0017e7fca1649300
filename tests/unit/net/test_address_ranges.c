/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gen.h"
#include "net/address_ranges.h"

static const struct {
    const char *text;
    const char *first, *last; /* NULL: no range */
} forms[] = {
    {"1.2.3.4", "1.2.3.4", "1.2.3.4"},
    {" 1.2.3.4\t", "1.2.3.4", "1.2.3.4"},
    {"::1", "::1", "::1"},
    {"10.0.0.0/8", "10.0.0.0", "10.255.255.255"},
    {"1.2.3.4/32", "1.2.3.4", "1.2.3.4"},
    {"1.2.3.4/31", "1.2.3.4", "1.2.3.5"},
    {"0.0.0.0/0", "0.0.0.0", "255.255.255.255"},
    {"172.16.0.0/12", "172.16.0.0", "172.31.255.255"},
    {"::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"fc00::/7", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
    {"2001:db8::/128", "2001:db8::", "2001:db8::"},
    {"10.0.0.0 / 8", "10.0.0.0", "10.255.255.255"},
    {"10.0.0.1-10.0.0.9", "10.0.0.1", "10.0.0.9"},
    {"10.0.0.1 - 10.0.0.9", "10.0.0.1", "10.0.0.9"},
    {"10.0.0.1-10.0.0.1", "10.0.0.1", "10.0.0.1"},
    {"::1-::ffff", "::1", "::ffff"},
    {"", NULL, NULL},
    {" ", NULL, NULL},
    {"-", NULL, NULL},
    {"/", NULL, NULL},
    {"1.2.3", NULL, NULL},
    {"1.2.3.4.5", NULL, NULL},
    {"example.org", NULL, NULL},
    {"1.2.3.4 5.6.7.8", NULL, NULL},
    {"1.2.3.4/33", NULL, NULL},
    {"1.2.3.4/-1", NULL, NULL},
    {"1.2.3.4/", NULL, NULL},
    {"/8", NULL, NULL},
    {"1.2.3.4/8/8", NULL, NULL},
    {"::/129", NULL, NULL},
    {"10.0.0.1/8", NULL, NULL}, /* a network, or an address? */
    {"10.0.0.9-10.0.0.1", NULL, NULL},
    {"10.0.0.1-::1", NULL, NULL},
    {"10.0.0.1-", NULL, NULL},
    {"-10.0.0.1", NULL, NULL},
    {"10.0.0.1-10.0.0.2-10.0.0.3", NULL, NULL},
    {"10.0.0.0-10.0.0.0/8", NULL, NULL},
};

static struct address ip(const char *text)
{
    struct address a;
    assert_true(address_parse(text_from(text), &a));
    return a;
}

static void texts_are_read_or_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        struct address_range range = {.first = {.port = 77}};
        const char *wrong = address_range_parse(text_from(forms[i].text), &range);
        if ((wrong == NULL) != (forms[i].first != NULL))
            fail_msg("'%s' %s", forms[i].text, wrong != NULL ? wrong : "is read");
        if (wrong != NULL) {
            assert_int_equal(range.first.port, 77);
            continue;
        }
        struct address first = ip(forms[i].first), last = ip(forms[i].last);
        assert_true(address_equal(&range.first, &first));
        assert_true(address_equal(&range.last, &last));
    }
}

static struct address_ranges set_of(const char *list)
{
    struct address_ranges set = {.list = NULL};
    struct text rest = text_from(list);
    while (rest.len > 0) {
        struct address_range range;
        assert_null(address_range_parse(text_cut(&rest, ','), &range));
        assert_int_equal(address_ranges_add(&set, &range), 0);
    }
    address_ranges_seal(&set);
    return set;
}

static const struct {
    const char *list;
    size_t count;
    const char *inside, *outside;
} sets[] = {
    {"", 0, "", "0.0.0.0 1.2.3.4 ::"},
    {"1.2.3.4", 1, "1.2.3.4", "1.2.3.3 1.2.3.5 ::102:304"},
    {"10.0.0.0/9,10.128.0.0/9", 1, "10.0.0.0 10.127.255.255 10.128.0.0 10.255.255.255",
        "9.255.255.255 11.0.0.0"},
    {"10.0.0.9,10.0.0.1-10.0.0.3,10.0.0.2-10.0.0.5", 2, "10.0.0.1 10.0.0.5 10.0.0.9",
        "10.0.0.0 10.0.0.6 10.0.0.8 10.0.0.10"},
    {"10.0.0.0/8,10.1.0.0/16", 1, "10.1.0.0 10.2.0.0", "11.0.0.0"},
    {"255.255.255.255,255.255.255.254,::,0.0.0.0", 3, "255.255.255.254 255.255.255.255 :: 0.0.0.0",
        "255.255.255.253 ::1 0.0.0.1"},
    {"::/0", 1, ":: 2600::1 ::ffff:1.2.3.4", "0.0.0.0 1.2.3.4"},
};

static void check(const struct address_ranges *set, const char *list, bool expected)
{
    struct text rest = text_from(list);
    while (rest.len > 0) {
        struct text text = text_cut(&rest, ' ');
        struct address a;
        assert_true(address_parse(text, &a));
        a.port = 99;
        if (address_ranges_contain(set, &a) != expected)
            fail_msg("%.*s", TEXT_ARG(text));
    }
}

static void sets_hold_what_they_were_given(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        struct address_ranges set = set_of(sets[i].list);
        assert_int_equal(set.count, sets[i].count);
        check(&set, sets[i].inside, true);
        check(&set, sets[i].outside, false);
        address_ranges_done(&set);
    }
}

static void sets_can_be_joined(void **state)
{
    (void)state;
    struct address_ranges set = set_of("10.0.0.0/8"), more = set_of("::1,9.0.0.0/8"),
                          empty = {.list = NULL};

    assert_int_equal(address_ranges_add_all(&set, &more), 0);
    assert_int_equal(address_ranges_add_all(&set, &empty), 0);
    address_ranges_seal(&set);
    assert_int_equal(set.count, 2);
    check(&set, "9.0.0.0 10.255.255.255 ::1", true);
    address_ranges_done(&set);
    address_ranges_done(&more);
}

/* Against a plain walk through all ranges, in a space so small that they meet. */
static void sets_agree_with_a_plain_search(void **state)
{
    (void)state;
    struct gen g = gen_start();
    for (unsigned round = 0; round < 200; round++) {
        struct address_ranges set = {.list = NULL};
        bool expected[512] = {false}; /* 256 addresses of each family */

        for (size_t n = gen_below(&g, 12); n > 0; n--) {
            enum address_family family = gen_below(&g, 2) ? ADDRESS_IP4 : ADDRESS_IP6;
            size_t last_byte = family == ADDRESS_IP4 ? 3 : 15;
            size_t first = gen_below(&g, 256), last = first + gen_below(&g, 256 - first);
            struct address_range range = {.first = {.family = family}, .last = {.family = family}};
            range.first.ip[last_byte] = (uint8_t)first;
            range.last.ip[last_byte] = (uint8_t)last;
            assert_int_equal(address_ranges_add(&set, &range), 0);
            for (size_t i = first; i <= last; i++)
                expected[(family == ADDRESS_IP6 ? 256 : 0) + i] = true;
        }
        address_ranges_seal(&set);
        for (size_t i = 0; i < 512; i++) {
            struct address a = {.family = i < 256 ? ADDRESS_IP4 : ADDRESS_IP6};
            a.ip[i < 256 ? 3 : 15] = (uint8_t)i;
            assert_int_equal(address_ranges_contain(&set, &a), expected[i]);
        }
        address_ranges_done(&set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_read_or_refused),
        cmocka_unit_test(sets_hold_what_they_were_given),
        cmocka_unit_test(sets_can_be_joined),
        cmocka_unit_test(sets_agree_with_a_plain_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
