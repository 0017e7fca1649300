/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "daemon/operation_state.h"

void operation_answer(struct operation *o, uint64_t request, json_t *document)
{
    struct str body = {0};
    char *text = document != NULL ? json_dumps(document, JSON_COMPACT) : NULL;
    json_decref(document);
    if (text == NULL) {
        admin_answer_error(o->admin, request, ADMIN_UNAVAILABLE, TEXT("out of memory"));
        return;
    }
    str_add_string(&body, text);
    free(text);
    admin_answer_json(o->admin, request, &body);
}

json_t *operation_text(struct text t)
{
    json_t *string = json_stringn(t.len > 0 ? t.data : "", t.len);
    if (string != NULL)
        return string;
    struct str clean = {0};
    for (size_t i = 0; i < t.len; i++)
        str_add_char(&clean, (unsigned char)t.data[i] < 0x80 ? t.data[i] : '?');
    string = json_stringn(str_string(&clean), str_text(&clean).len);
    str_done(&clean);
    return string;
}
