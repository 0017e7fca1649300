/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/ini.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/str.h"
#include "hex.h"

static const struct {
    const char *text;
    const char
        *expected; /* "LINE SECTION NAME=VALUE|", or "LINE not-a-pair|", "LINE no-section|" */
} cases[] = {
    {"", ""},
    {"[a]\nx=1\ny = 2 \n", "2 a x=1|3 a y=2|"},
    {"[a]\nx=1\n[ b ]\nx=2", "2 a x=1|4 b x=2|"},
    {"\n# comment\n ; comment\n[a]\r\n\tx\t=\t1\r\n", "5 a x=1|"},
    {"[a]\nlist = 1; 2 ;3 # 4\n", "2 a list=1; 2 ;3 # 4|"}, /* no comments inside a line */
    {"[a]\nx=\ny==\nz=a=b\n", "2 a x=|3 a y==|4 a z=a=b|"},
    {"x=1\n[a]\n", "1 no-section|"},
    {"[a]\nnonsense\nx=1\n", "2 not-a-pair|3 a x=1|"},
    {"[a]\n=1\n", "2 not-a-pair|"},
    {"[a\n[]\nx=1\n", "1 not-a-pair|2 not-a-pair|3 no-section|"},
    {"[a]\n[x]=1\n", "2 a [x]=1|"},
};

static void reads_the_dialect(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes exact = exact_copy(text_bytes(text_from(cases[i].text)));
        struct ini ini = ini_over(text_from_bytes(exact));
        struct ini_pair pair;
        struct str found = {0};
        for (enum ini_status status; (status = ini_next(&ini, &pair)) != INI_END;) {
            str_addf(&found, "%u ", pair.line);
            if (status == INI_PAIR)
                str_addf(&found, "%.*s %.*s=%.*s|", TEXT_ARG(pair.section), TEXT_ARG(pair.name),
                    TEXT_ARG(pair.value));
            else
                str_add_string(&found, status == INI_NO_SECTION ? "no-section|" : "not-a-pair|");
        }
        assert_string_equal(str_string(&found), cases[i].expected);
        str_done(&found);
        free((void *)exact.data);
    }
}

static void a_nul_byte_is_not_a_pair(void **state)
{
    (void)state;
    struct ini ini = ini_over(text_of("[a]\nx=1\0 2\n", 11));
    struct ini_pair pair;
    assert_int_equal(ini_next(&ini, &pair), INI_NOT_A_PAIR);
    assert_int_equal(pair.line, 2);
    assert_int_equal(ini_next(&ini, &pair), INI_END);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_dialect),
        cmocka_unit_test(a_nul_byte_is_not_a_pair),
    };
    return cmocka_run_group_tests_name("ini", tests, NULL, NULL);
}
