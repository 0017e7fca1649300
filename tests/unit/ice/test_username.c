/* SPDX-License-Identifier: Apache-2.0 */
#include "ice/username.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "browser.h"
#include "hex.h"

static void splits_at_the_first_colon(void **state)
{
    static const struct {
        const char *value, *receiver, *sender; /* NULL: refused */
    } cases[] = {
        {"a:b", "a", "b"},
        {"a:", "a", ""},
        {"a:b:c", "a", "b:c"},
        {":b", NULL, NULL},
        {"a", NULL, NULL},
        {"", NULL, NULL},
        {":", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct text receiver, sender;
        bool ok = ice_split_username(text_bytes(text_from(cases[i].value)), &receiver, &sender);
        assert_int_equal(ok, cases[i].receiver != NULL);
        if (ok) {
            assert_true(text_is(receiver, cases[i].receiver));
            assert_true(text_is(sender, cases[i].sender));
        }
    }
}

#define COOKIE_AND_ID "2112a442 0102030405060708090a0b0c"

static void peeks_into_requests_only(void **state)
{
    static const struct {
        const char *hex, *ufrag; /* NULL: none */
    } cases[] = {
        {"0001 0010" COOKIE_AND_ID "0006 0009 6576746a3a68367659000000", "evtj"},
        {"0011 0010" COOKIE_AND_ID "0006 0009 6576746a3a68367659000000", NULL},
        {"0101 0010" COOKIE_AND_ID "0006 0009 6576746a3a68367659000000", NULL},
        {"0003 0010" COOKIE_AND_ID "0006 0009 6576746a3a68367659000000", NULL},
        {"0001 0008" COOKIE_AND_ID "0006 0004 6576746a", NULL}, /* no colon */
        {"0001 0000" COOKIE_AND_ID, NULL},
        {"0001 0010" COOKIE_AND_ID "0006 0019 6576746a3a68367659000000", NULL},
        {"0001 0010 00000000 0102030405060708090a0b0c 0006 0009 6576746a3a68367659000000", NULL},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes datagram = from_hex(cases[i].hex);
        struct text ufrag;
        bool ok = ice_peek_ufrag(datagram, &ufrag);
        assert_int_equal(ok, cases[i].ufrag != NULL);
        if (ok)
            assert_true(text_is(ufrag, cases[i].ufrag));
        free((void *)datagram.data);
    }
}

static void peeks_into_what_browsers_send(void **state)
{
    uint8_t memory[512];
    struct text ufrag;
    (void)state;
    assert_true(ice_peek_ufrag(browser_write(&good_check, memory), &ufrag));
    assert_true(text_is(ufrag, LOCAL_UFRAG));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_at_the_first_colon),
        cmocka_unit_test(peeks_into_requests_only),
        cmocka_unit_test(peeks_into_what_browsers_send),
    };
    return cmocka_run_group_tests_name("ice usernames", tests, NULL, NULL);
}
