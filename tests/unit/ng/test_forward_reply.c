/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/forward_reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"
#include "mediaferry/bencode.h"

static const struct {
    const char *document;
    enum ng_reply_kind kind;
    const char *out; /* what is passed on */
    const char *reason;
} cases[] = {
    {"d6:result2:oke", NG_REPLY_OK, "de", ""},
    {"d3:sdp3:v=06:result2:oke", NG_REPLY_OK, "d3:sdp3:v=0e", ""},
    {"d6:result2:ok3:sdp3:v=07:warning1:wl1:ad1:bi7eee", NG_REPLY_INVALID, "de", NULL},
    {"d6:result2:ok3:sdp3:v=07:warning1:w1:xl1:ad1:bi7eeee", NG_REPLY_OK,
        "d3:sdp3:v=07:warning1:w1:xl1:ad1:bi7eeee", ""},
    {"d7:message4:full6:result10:load limite", NG_REPLY_LOAD_LIMIT, "d7:message4:fulle", ""},
    {"d6:result5:error12:error-reason16:Ran out of portse", NG_REPLY_ERROR, "de",
        "Ran out of ports"},
    {"d6:result5:error7:warning1:w12:error-reason15:Unknown call-ide", NG_REPLY_UNKNOWN,
        "d7:warning1:we", "Unknown call-id"},
    {"d6:result5:error12:error-reason0:e", NG_REPLY_ERROR, "de", ""},
    {"d6:result5:errore", NG_REPLY_INVALID, "de", NULL},
    {"d6:result4:ponge", NG_REPLY_INVALID, "de", NULL},
    {"d6:result3:oke", NG_REPLY_INVALID, "de", NULL},
    {"d6:resulti1ee", NG_REPLY_INVALID, "de", NULL},
    {"d3:sdp3:v=0e", NG_REPLY_INVALID, "de", NULL},
    {"l6:result2:oke", NG_REPLY_INVALID, "de", NULL},
    {"6:result", NG_REPLY_INVALID, "de", NULL},
    {"d6:result2:ok", NG_REPLY_INVALID, "de", NULL},
    {"d6:result2:okex", NG_REPLY_INVALID, "de", NULL},
    {"{\"result\":\"ok\"}", NG_REPLY_INVALID, "de", NULL},
    {"", NG_REPLY_INVALID, "de", NULL},
};

static void reads_replies(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ng_arena arena;
        char written[128];
        const char *reason = NULL;
        ng_arena_init(&arena, 1 << 20);
        struct ng_value *out = ng_dict(&arena);
        struct bytes document = exact_copy(text_bytes(text_from(cases[i].document)));
        enum ng_reply_kind kind = ng_forward_reply_read(document, &arena, out, &reason);
        struct writer w = writer_over((uint8_t *)written, sizeof(written) - 1);
        bencode_write(&w, out);
        written[w.len] = '\0';
        if (kind != cases[i].kind || strcmp(written, cases[i].out) != 0)
            fail_msg("%s gives %d and %s", cases[i].document, (int)kind, written);
        if (cases[i].reason == NULL)
            assert_null(reason);
        else
            assert_string_equal(reason, cases[i].reason);
        free((void *)document.data);
        ng_arena_done(&arena);
    }
}

/* Memory that is short spoils the whole reply. */
static void needs_memory(void **state)
{
    (void)state;
    struct ng_arena arena;
    const char *reason;
    static const char document[] = "d3:sdp3:v=06:result2:oke";
    ng_arena_init(&arena, 0);
    assert_int_equal(
        ng_forward_reply_read(bytes_of(document, sizeof(document) - 1), &arena, NULL, &reason),
        NG_REPLY_INVALID);
    ng_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_replies),
        cmocka_unit_test(needs_memory),
    };
    return cmocka_run_group_tests_name("forward_reply", tests, NULL, NULL);
}
