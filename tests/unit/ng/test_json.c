/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "mediaferry/bencode.h"

static const struct {
    const char *json;
    enum json_status status;
    const char *bencode;
} reads[] = {
    {"{}", JSON_OK, "de"},
    {"{\"command\":\"ping\"}", JSON_OK, "d7:command4:pinge"},
    {"{\"b\":1,\"a\":[\"x\",-2,[]]}", JSON_OK, "d1:bi1e1:al1:xi-2eleee"},
    {"{\"t\":true,\"f\":false,\"n\":null,\"r\":1.5}", JSON_OK, "d1:ti1e1:fi0e1:n0:1:r3:1.5e"},
    {"{\"u\":\"\\u00e9\\r\\n\"}", JSON_OK, "d1:u4:\xc3\xa9\r\ne"},
    {"{", JSON_INVALID, NULL},
    {"{} x", JSON_INVALID, NULL},
    {"{\"a\":\"\xff\"}", JSON_INVALID, NULL},
    {"[]", JSON_UNSUITABLE, NULL},
    {"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}", JSON_UNSUITABLE,
        NULL},
};

static void reads_documents(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(reads); i++) {
        struct ng_arena arena;
        struct ng_value *value = NULL;
        uint8_t out[256];
        struct writer w = writer_over(out, sizeof(out));
        ng_arena_init(&arena, 1 << 20);
        enum json_status status = json_parse(text_from(reads[i].json), &arena, &value);
        if (status != reads[i].status)
            fail_msg("%s gives %d", reads[i].json, status);
        if (status == JSON_OK) {
            bencode_write(&w, value);
            assert_true(text_equal(text_from_bytes(writer_bytes(&w)), text_from(reads[i].bencode)));
        }
        ng_arena_done(&arena);
    }
}

static const struct {
    const char *bencode;
    const char *json;
} writes[] = {
    {"d6:result2:oke", "{\"result\":\"ok\"}"},
    {"d1:bi-1e1:ali1e0:dee4:\"\\\r\n1:xe",
        "{\"b\":-1,\"a\":[1,\"\",{}],\"\\\"\\\\\\u000d\\u000a\":\"x\"}"},
    {"d1:u2:\xc3\xa9"
     "1:v3:\xe2\x82\xac"
     "1:w4:\xf0\x9f\x98\x80"
     "e",
        "{\"u\":\"\xc3\xa9\",\"v\":\"\xe2\x82\xac\",\"w\":\"\xf0\x9f\x98\x80\"}"},
    {"d1:x2:\xc3"
     "1"
     "1:\xff"
     "3:\xed\xa0\x80"
     "e",
        "{\"x\":\"?1\",\"?\":\"???\"}"},
};

static void writes_documents(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(writes); i++) {
        struct ng_arena arena;
        struct ng_value *value = NULL;
        char out[256];
        struct writer w = writer_over(out, sizeof(out));
        ng_arena_init(&arena, 1 << 20);
        assert_int_equal(
            bencode_parse(text_bytes(text_from(writes[i].bencode)), &arena, &value, NULL),
            BENCODE_OK);
        json_write(&w, value);
        if (!text_equal(text_from_bytes(writer_bytes(&w)), text_from(writes[i].json)))
            fail_msg("%zu: %.*s", i, (int)w.len, out);

        struct writer small = writer_over(out, strlen(writes[i].json) - 1);
        json_write(&small, value);
        assert_false(writer_ok(&small));
        ng_arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_documents),
        cmocka_unit_test(writes_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
