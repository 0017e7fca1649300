/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/worker_cores.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/* Cores 0 to 5 and 8 are there. */
static cpu_set_t allowed;

static const struct {
    const char *text;
    const char *cores; /* of the first workers */
} good[] = {
    {"off", ""},
    {"OFF", ""},
    {"auto", "0 1 2 3 4 5 8 0 1 "},
    {"Auto", "0 1 2 3 4 5 8 0 1 "},
    {"3", "3 3 3 3 3 3 3 3 3 "},
    {"2-5,8", "2 3 4 5 8 2 3 4 5 "},
    {" 8 , 0 - 1 ", "8 0 1 8 0 1 8 0 1 "},
    {"1,1,2", "1 1 2 1 1 2 1 1 2 "}, /* two on one core, if that is wanted */
    {"4-4", "4 4 4 4 4 4 4 4 4 "},
};

static void reads_which_core_is_whose(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        struct worker_cores cores;
        struct str why = {0};
        char text[64] = "";
        assert_int_equal(worker_cores_parse(text_from(good[i].text), &allowed, &cores, &why), 0);
        for (size_t n = 0; cores.count > 0 && n < 9; n++)
            snprintf(
                text + strlen(text), sizeof(text) - strlen(text), "%u ", worker_core(&cores, n));
        assert_string_equal(text, good[i].cores);
        assert_int_equal(why.len, 0);
    }
}

#define NEITHER " is neither off, auto, a core nor a range of cores"

static const struct {
    const char *text;
    const char *why;
} bad[] = {
    {"", "''" NEITHER},
    {"on", "'on'" NEITHER},
    {"0,", "''" NEITHER},
    {",0", "''" NEITHER},
    {"0-", "'0-'" NEITHER},
    {"-3", "'-3'" NEITHER},
    {"3-1", "'3-1'" NEITHER},
    {"0-1-2", "'0-1-2'" NEITHER},
    {"0,auto", "'auto'" NEITHER},
    {"1024", "'1024'" NEITHER},
    {"6", "core 6 is not there, or not for this process"},
    {"0-8", "core 6 is not there, or not for this process"},
};

static void tells_what_is_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct worker_cores cores;
        struct str why = {0};
        assert_int_equal(
            worker_cores_parse(text_from(bad[i].text), &allowed, &cores, &why), -EINVAL);
        assert_string_equal(str_string(&why), bad[i].why);
        str_done(&why);
    }
}

static void has_an_end(void **state)
{
    (void)state;
    struct worker_cores cores;
    struct str why = {0};
    cpu_set_t all;
    memset(&all, 0xff, sizeof(all));
    assert_int_equal(worker_cores_parse(TEXT("0-255"), &all, &cores, &why), 0);
    assert_int_equal(cores.count, WORKER_CORES_MAX);
    assert_int_equal(worker_cores_parse(TEXT("auto"), &all, &cores, &why), 0);
    assert_int_equal(cores.count, WORKER_CORES_MAX);
    assert_int_equal(worker_cores_parse(TEXT("0-255,1"), &all, &cores, &why), -EINVAL);
    assert_string_equal(str_string(&why), "more than 256 cores");
    str_done(&why);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_which_core_is_whose),
        cmocka_unit_test(tells_what_is_wrong),
        cmocka_unit_test(has_an_end),
    };
    CPU_ZERO(&allowed);
    for (unsigned core = 0; core < 6; core++)
        CPU_SET(core, &allowed);
    CPU_SET(8, &allowed);
    return cmocka_run_group_tests_name("worker_cores", tests, NULL, NULL);
}
