/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/proxy_protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"

#define SIGNATURE "0d0a0d0a000d0a515549540a"
#define IP4 "c0000201 c6336402 0d96 0d97"
#define IP6                                                                                        \
    "20010db8000000000000000000000001 20010db8000000000000000000000002"                            \
    "0d96 0d97"

static void headers_are_read_or_refused(void **state)
{
    static const struct {
        const char *name, *hex;
        enum proxy_status status;
        size_t size; /* of the header, or what is needed */
        enum proxy_transport transport;
        const char *source, *destination;
    } cases[] = {
        {"TCP over IPv4", SIGNATURE "21 11 000c" IP4, PROXY_OK, 28, PROXY_STREAM, "192.0.2.1:3478",
            "198.51.100.2:3479"},
        {"UDP over IPv4, payload behind", SIGNATURE "21 12 000c" IP4 "00010000", PROXY_OK, 28,
            PROXY_DATAGRAM, "192.0.2.1:3478", "198.51.100.2:3479"},
        {"TCP over IPv6", SIGNATURE "21 21 0024" IP6, PROXY_OK, 52, PROXY_STREAM,
            "[2001:db8::1]:3478", "[2001:db8::2]:3479"},
        {"UDP over IPv6", SIGNATURE "21 22 0024" IP6, PROXY_OK, 52, PROXY_DATAGRAM,
            "[2001:db8::1]:3478", "[2001:db8::2]:3479"},
        {"with extensions", SIGNATURE "21 11 0013" IP4 "03 0004 01020304", PROXY_OK, 35,
            PROXY_STREAM, "192.0.2.1:3478", "198.51.100.2:3479"},
        {"health check", SIGNATURE "20 00 0000", PROXY_OK, 16, PROXY_UNSPECIFIED, "-:0", "-:0"},
        {"health check with addresses", SIGNATURE "20 11 000c" IP4, PROXY_OK, 28, PROXY_UNSPECIFIED,
            "-:0", "-:0"},
        {"of no known family", SIGNATURE "21 00 0003 010203", PROXY_OK, 19, PROXY_UNSPECIFIED,
            "-:0", "-:0"},
        {"of a UNIX socket", SIGNATURE "21 31 0002 6161", PROXY_OK, 18, PROXY_STREAM, "-:0", "-:0"},
        {"nothing yet", "", PROXY_NEED_MORE, 16, 0, NULL, NULL},
        {"part of the signature", "0d0a0d0a00", PROXY_NEED_MORE, 16, 0, NULL, NULL},
        {"without its length", SIGNATURE "21 11 00", PROXY_NEED_MORE, 16, 0, NULL, NULL},
        {"without its end",
            SIGNATURE "21 11 000c"
                      "c0000201",
            PROXY_NEED_MORE, 28, 0, NULL, NULL},
        {"the longest", SIGNATURE "21 11 0ff0", PROXY_NEED_MORE, 4096, 0, NULL, NULL},
        {"STUN", "0001 0000 2112a442", PROXY_NOT_PROXY, 0, 0, NULL, NULL},
        {"version 1", "50524f585920", PROXY_NOT_PROXY, 0, 0, NULL, NULL},
        {"wrong end of the signature", "0d0a0d0a000d0a515549540b", PROXY_NOT_PROXY, 0, 0, NULL,
            NULL},
        {"too long", SIGNATURE "21 11 0ff1", PROXY_BAD, 0, 0, NULL, NULL},
        {"version 3", SIGNATURE "31 11 000c" IP4, PROXY_BAD, 0, 0, NULL, NULL},
        {"unknown command", SIGNATURE "22 11 000c" IP4, PROXY_BAD, 0, 0, NULL, NULL},
        {"unknown family", SIGNATURE "21 41 000c" IP4, PROXY_BAD, 0, 0, NULL, NULL},
        {"unknown transport", SIGNATURE "21 13 000c" IP4, PROXY_BAD, 0, 0, NULL, NULL},
        {"too short for its family", SIGNATURE "21 21 000c" IP4, PROXY_BAD, 0, 0, NULL, NULL},
        {"one byte short", SIGNATURE "21 11 000b c0000201 c6336402 0d96 0d", PROXY_BAD, 0, 0, NULL,
            NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes input = from_hex(cases[i].hex);
        struct proxy_header h = {0};
        size_t needed = 0;
        char text[ADDRESS_TEXT_SIZE];

        if (proxy_parse(input, &h, &needed) != cases[i].status)
            fail_msg("%s", cases[i].name);
        assert_int_equal(cases[i].status == PROXY_NEED_MORE ? needed : h.size, cases[i].size);
        assert_int_equal(h.transport, cases[i].transport);
        if (cases[i].source != NULL) {
            assert_string_equal(address_text(&h.source, text), cases[i].source);
            assert_string_equal(address_text(&h.destination, text), cases[i].destination);
        }
        free((void *)input.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(headers_are_read_or_refused)};
    return cmocka_run_group_tests_name("proxy protocol", tests, NULL, NULL);
}
