/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "flow.h"
#include "srtp.h"

#define KEY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd" /* 30 bytes */
#define ENDS "127.0.0.1 10000 127.0.0.2 30000 "

static const struct flow_kind *const kinds[] = {&flow_plain, &flow_sdes, NULL};

struct flow_case {
    const char *name, *words, *wrong;
};

static const struct flow_case cases[] = {
    {"plain", "a0 " ENDS "plain", NULL},
    {"between blanks", "  a0   " ENDS "  plain ", NULL},
    {"IPv6", "a0 ::1 10000 ::1 30000 plain", NULL},
    {"SDES", "a0 " ENDS "sdes AES_CM_128_HMAC_SHA1_80 " KEY " " KEY, NULL},
    {"nothing", "", "a flow needs its own IP and port and those of the relay"},
    {"no IP", "a0 localhost 10000 127.0.0.1 30000 plain",
        "a flow needs its own IP and port and those of the relay"},
    {"port too large", "a0 127.0.0.1 10000 127.0.0.1 65536 plain",
        "a flow needs its own IP and port and those of the relay"},
    {"no kind", "a0 " ENDS, "no such kind of flow"},
    {"another kind", "a0 " ENDS "zrtp", "no such kind of flow"},
    {"another suite", "a0 " ENDS "sdes F8_128_HMAC_SHA1_80 " KEY " " KEY, "no such SRTP suite"},
    {"one key", "a0 " ENDS "sdes AES_CM_128_HMAC_SHA1_80 " KEY, "not a key of this SRTP suite"},
    {"short key", "a0 " ENDS "sdes AES_CM_128_HMAC_SHA1_80 AAEC " KEY,
        "not a key of this SRTP suite"},
    {"key of another suite", "a0 " ENDS "sdes AES_256_CM_HMAC_SHA1_80 " KEY " " KEY,
        "not a key of this SRTP suite"},
};

static void is_read(void **state)
{
    const struct flow_case *c = *state;
    struct flow_set flows = {0};
    const char *wrong = flow_set_add(&flows, text_from(c->words), kinds);
    if (c->wrong == NULL)
        assert_null(wrong);
    else
        assert_string_equal(wrong, c->wrong);
    assert_int_equal(flows.count, c->wrong == NULL);
    flow_set_done(&flows);
}

static void keeps_what_was_told(void **state)
{
    (void)state;
    struct flow_set flows = {0};
    char ip[ADDRESS_TEXT_SIZE];
    assert_null(flow_set_add(&flows, TEXT("a0 " ENDS "plain"), kinds));
    assert_null(flow_set_add(&flows,
        TEXT("b0 " ENDS "sdes AEAD_AES_128_GCM "
             "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw== "
             "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw=="),
        kinds));
    const struct flow *a = flows.list[0], *b = flows.list[1];
    assert_string_equal(a->name, "a0");
    assert_string_equal(address_text(&a->local, ip), "127.0.0.1:10000");
    assert_string_equal(address_text(&a->remote, ip), "127.0.0.2:30000");
    assert_null(a->tx);
    assert_int_equal(a->fd, -1);
    assert_int_equal(b->index, 1);
    assert_ptr_equal(rtpsec_session_suite(b->tx), rtpsec_suite(RTPSEC_AEAD_AES_128_GCM));
    assert_ptr_equal(rtpsec_session_suite(b->rx), rtpsec_suite(RTPSEC_AEAD_AES_128_GCM));
    assert_int_not_equal(a->ssrc, b->ssrc);
    flow_set_done(&flows);
    assert_int_equal(flows.count, 0);
}

static void there_may_be_many(void **state)
{
    (void)state;
    struct flow_set flows = {0};
    for (uint32_t i = 0; i < 1000; i++)
        assert_null(flow_set_add(&flows, TEXT("a " ENDS "plain"), kinds));
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(flows.list[i]->index, i);
    flow_set_done(&flows);
}

int main(void)
{
    struct CMUnitTest tests[COUNT_OF(cases) + 2] = {
        cmocka_unit_test(keeps_what_was_told),
        cmocka_unit_test(there_may_be_many),
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        tests[i + 2] = (struct CMUnitTest){.name = cases[i].name,
            .test_func = is_read,
            .initial_state = (void *)(uintptr_t)&cases[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
