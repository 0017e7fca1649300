/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/encode.h"

#include "mediaferry/bencode.h"
#include "ng/json.h"

static bool try_encode(
    struct writer *w, struct bytes cookie, bool is_json, const struct ng_value *reply)
{
    *w = writer_over(w->data, w->capacity);
    writer_put(w, cookie);
    writer_u8(w, ' ');
    if (is_json)
        json_write(w, reply);
    else
        bencode_write(w, reply);
    return writer_ok(w);
}

/* Empties every list or dictionary named `key`, at any depth; false when there was none. */
static bool empty_all(struct ng_value *value, const char *key)
{
    bool found = false;
    for (struct ng_value *item = value->first; item != NULL; item = item->next) {
        if (item->kind != NG_DICT && item->kind != NG_LIST)
            continue;
        if (text_is(item->key, key) && item->first != NULL) {
            item->first = item->last = NULL;
            found = true;
        } else if (empty_all(item, key)) {
            found = true;
        }
    }
    return found;
}

void ng_encode(struct writer *w, struct bytes cookie, bool is_json, struct ng_arena *arena,
    struct ng_value *reply, bool *truncated)
{
    static const char *const bulky[] = {
        "entries", "egress SSRCs", "ingress SSRCs", "SSRC", "medias", "tags", "calls"};
    *truncated = false;
    for (size_t i = 0; !try_encode(w, cookie, is_json, reply) && i < COUNT_OF(bulky); i++) {
        if (!empty_all(reply, bulky[i]))
            continue;
        if (!*truncated)
            ng_put_string(arena, reply, TEXT("warning"), TEXT("Reply truncated to fit"));
        *truncated = true;
    }
}
