/* SPDX-License-Identifier: Apache-2.0 */
#include "dtls/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"

#define HELLO "16 feff 0000 000000000000 0003 010000 "
#define SEALED "17 fefd 0001 000000000007 0002 beef "

static const struct {
    const char *what, *hex;
    size_t records;
    bool starts_with_hello;
} cases[] = {
    {"nothing", "", 0, false},
    {"a ClientHello", HELLO, 1, true},
    {"two records", HELLO SEALED, 2, true},
    {"an empty body", "16 fefd 0000 000000000000 0000", 1, false},
    {"an encrypted handshake message", "16 fefd 0001 000000000000 0001 01", 1, false},
    {"a ServerHello", "16 fefd 0000 000000000000 0001 02", 1, false},
    {"a body cut short", "16 fefd 0000 000000000000 0004 010000", 0, false},
    {"a header cut short", "16 fefd 0000 0000000000", 0, false},
    {"rest that is no record", HELLO "16fe", 1, true},
    {"TLS", "16 0303 0000 000000000000 0001 01", 0, false},
    {"a type too low", "13 fefd 0000 000000000000 0000", 0, false},
    {"a type too high", "18 fefd 0000 000000000000 0000", 0, false},
};

static void walks_over_records(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes datagram = from_hex(cases[i].hex);
        struct reader r = reader_over(datagram);
        struct dtls_record record;
        size_t count = 0, len = 0;
        bool hello = false;
        while (dtls_next_record(&r, &record)) {
            hello = hello || (count == 0 && dtls_has_client_hello(record.whole));
            assert_ptr_equal(record.whole.data, datagram.data + len);
            assert_int_equal(record.whole.len, record.body.len + 13);
            len += record.whole.len;
            count++;
        }
        assert_int_equal(count, cases[i].records);
        assert_int_equal(hello, cases[i].starts_with_hello);
        free((void *)datagram.data);
    }
}

static void reads_type_and_epoch(void **state)
{
    (void)state;
    struct bytes datagram = from_hex(HELLO SEALED);
    struct reader r = reader_over(datagram);
    struct dtls_record record;
    assert_true(dtls_next_record(&r, &record));
    assert_int_equal(record.type, DTLS_RECORD_HANDSHAKE);
    assert_int_equal(record.epoch, 0);
    assert_true(dtls_next_record(&r, &record));
    assert_int_equal(record.type, DTLS_RECORD_APPLICATION_DATA);
    assert_int_equal(record.epoch, 1);
    assert_int_equal(record.body.data[1], 0xef);
    assert_false(dtls_next_record(&r, &record));
    free((void *)datagram.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_over_records),
        cmocka_unit_test(reads_type_and_epoch),
    };
    return cmocka_run_group_tests_name("dtls record", tests, NULL, NULL);
}
