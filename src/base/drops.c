/* SPDX-License-Identifier: Apache-2.0 */
#include "base/drops.h"

#include <assert.h>

static const struct {
    const char *name;
    const char *text;
} reasons[] = {[DROP_NONE] = {"none", "not dropped"},
#define X(constant, name, text) [constant] = {name, text},
    DROP_REASONS(X)
#undef X
};

const char *drop_name(enum drop_reason reason)
{
    assert(reason < DROP_REASON_COUNT);
    return reasons[reason].name;
}

const char *drop_text(enum drop_reason reason)
{
    assert(reason < DROP_REASON_COUNT);
    return reasons[reason].text;
}
