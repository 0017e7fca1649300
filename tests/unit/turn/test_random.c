/* SPDX-License-Identifier: Apache-2.0 */
/* The property of the fuzz target, over random scripts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "../../fuzz/require.h"
#include "gen.h"

static void holds_for_random_scripts(void **state)
{
    struct gen g = gen_start();
    (void)state;
    for (int i = 0; i < 1000; i++) {
        uint8_t script[1200];
        size_t len = gen_below(&g, sizeof(script));
        gen_fill(&g, script, len);
        assert_int_equal(LLVMFuzzerTestOneInput(script, len), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(holds_for_random_scripts)};
    return cmocka_run_group_tests_name("turn random", tests, NULL, NULL);
}
