/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"
#include "mediaferry/rtp.h"

#define HEAD "9000 0007 000000a0 11223344"

/* What a walk meets, as "id:length" words. */
static const struct {
    const char *hex, *expected;
} cases[] = {
    {"8000 0007 000000a0 11223344", ""},
    {HEAD "bede0000", ""},
    {HEAD "bede0001 10ff0000", "1:1 "},
    {HEAD "bede0002 10ff0022 01020300", "1:1 2:3 "}, /* padding between */
    {HEAD "bede0001 00000000", ""},
    {HEAD "bede0002 10ff f000 20ff 0000", "1:1 "}, /* 15 ends the walk */
    {HEAD "bede0002 10ff 0100 20ff 0000", "1:1 "}, /* so does 0 with a length */
    {HEAD "bede0002 10ff 2f01 02030405", "1:1 "},  /* 2 overruns */
    {HEAD "bede0001 000000 1f", ""},
    {HEAD "bede0005 ef 000102030405060708090a0b0c0d0e0f 000000", "14:16 "},
    {HEAD "10000001 0100 0200", "1:0 2:0 "},
    {HEAD "10000003 0103 010203 00 0f01 ff 000000", "1:3 15:1 "}, /* 15 is an id like others here */
    {HEAD "100f0001 ff02 0102", "255:2 "}, /* the low bits are the application's */
    {HEAD "10000001 0103 0102", ""},
    {HEAD "10000001 000000 01", ""},
    {HEAD "abcd0001 10ff0000", ""}, /* somebody else's profile */
    {HEAD "10100001 0100 0200", ""},
};

static void walks_as_expected(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes packet = from_hex(cases[i].hex);
        struct rtp_packet p;
        struct rtp_element e;
        char met[128] = "";
        assert_int_equal(rtp_parse(packet, &p), RTP_OK);
        for (struct rtp_elements walk = rtp_elements(&p); rtp_next_element(&walk, &e);) {
            size_t len = strlen(met);
            snprintf(met + len, sizeof(met) - len, "%u:%zu ", e.id, e.value.len);
        }
        assert_string_equal(met, cases[i].expected);
        free((void *)packet.data);
    }
}

static void finds_by_id(void **state)
{
    struct bytes packet = from_hex(HEAD "bede0002 10aa 21bbcc 10dd 00");
    struct rtp_packet p;
    struct bytes value;
    (void)state;
    assert_int_equal(rtp_parse(packet, &p), RTP_OK);
    assert_true(rtp_find_element(&p, 1, &value));
    assert_int_equal(value.len, 1);
    assert_int_equal(value.data[0], 0xaa); /* the first of two */
    assert_true(rtp_find_element(&p, 2, &value));
    assert_int_equal(value.data[1], 0xcc);
    assert_false(rtp_find_element(&p, 3, &value));
    assert_false(rtp_find_element(&p, 0, &value));
    free((void *)packet.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_as_expected),
        cmocka_unit_test(finds_by_id),
    };
    return cmocka_run_group_tests_name("rtp header extensions", tests, NULL, NULL);
}
