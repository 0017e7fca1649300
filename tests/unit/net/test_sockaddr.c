/* SPDX-License-Identifier: Apache-2.0 */
#include "net/sockaddr.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/un.h>
#include <cmocka.h>

static void goes_there_and_back(void **state)
{
    (void)state;
    static const char *const literals[] = {"192.0.2.1:5004", "[2001:db8::1]:65535", "0.0.0.0:1"};
    for (size_t i = 0; i < COUNT_OF(literals); i++) {
        struct sockaddr_storage storage;
        struct address a, b;
        assert_true(address_parse_with_port(text_from(literals[i]), 0, &a));
        socklen_t len = sockaddr_from_address(&a, &storage);
        assert_int_equal(len,
            a.family == ADDRESS_IP4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        assert_true(address_from_sockaddr(&storage, &b));
        assert_true(address_equal(&a, &b));
    }
}

static void refuses_other_families(void **state)
{
    (void)state;
    struct sockaddr_storage storage = {.ss_family = AF_UNIX};
    struct address a = {.port = 7};
    assert_false(address_from_sockaddr(&storage, &a));
    assert_int_equal(a.port, 7);
    struct address none = {.family = ADDRESS_NONE};
    assert_int_equal(sockaddr_from_address(&none, &storage), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_there_and_back),
        cmocka_unit_test(refuses_other_families),
    };
    return cmocka_run_group_tests_name("sockaddr", tests, NULL, NULL);
}
