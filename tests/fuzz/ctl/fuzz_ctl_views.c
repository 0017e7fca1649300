/* SPDX-License-Identifier: Apache-2.0 */
/* Any document, in any view: nothing in it commands the terminal, and every line is ended. */
#include <jansson.h>

#include "../require.h"
#include "ctl/views.h"

static void check(struct str *out)
{
    require(str_ok(out));
    for (size_t i = 0; i < out->len; i++) {
        unsigned char c = (unsigned char)out->data[i];
        require(c >= 0x20 || c == '\n');
        require(c != 0x7f);
        if (c == 0xc2 && i + 1 < out->len)
            require((unsigned char)out->data[i + 1] >= 0xa0);
    }
    require(out->len > 0 && out->data[out->len - 1] == '\n');
    str_reset(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const views[])(const json_t *document, struct str *out) = {view_status, view_call,
        view_drain, view_turn_drain, view_ended, view_allocations, view_credentials};
    struct str out = {.data = NULL};
    json_error_t error;
    json_t *document = json_loadb((const char *)data, size, 0, &error);
    if (document == NULL)
        return 0;
    for (size_t i = 0; i < COUNT_OF(views); i++) {
        views[i](document, &out);
        check(&out);
    }
    view_calls(json_object_get(document, "calls"), 1000, &out);
    check(&out);
    json_decref(document);
    str_done(&out);
    return 0;
}
