/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/forward_reply.h"

#include "mediaferry/bencode.h"

static enum ng_reply_kind kind_of(const struct ng_value *reply)
{
    struct text result, reason;
    if (!ng_get_text(reply, "result", &result))
        return NG_REPLY_INVALID;
    if (text_is(result, "ok"))
        return NG_REPLY_OK;
    if (text_is(result, "load limit"))
        return NG_REPLY_LOAD_LIMIT;
    if (!text_is(result, "error") || !ng_get_text(reply, "error-reason", &reason))
        return NG_REPLY_INVALID;
    return text_is(reason, NG_UNKNOWN_CALL_ID) ? NG_REPLY_UNKNOWN : NG_REPLY_ERROR;
}

/* Bytes behind a zero, which no reason has, are left out. */
static const char *terminated(struct ng_arena *arena, const struct ng_value *reply)
{
    struct text reason = TEXT("");
    if (!ng_get_text(reply, "error-reason", &reason))
        return "";
    char *copy = ng_arena_take(arena, reason.len + 1);
    if (copy == NULL)
        return "";
    memcpy(copy, reason.data, reason.len);
    return copy;
}

static void move_entries(struct ng_arena *arena, struct ng_value *reply, struct ng_value *out)
{
    struct ng_value *next;
    for (struct ng_value *entry = reply->first; entry != NULL; entry = next) {
        next = entry->next;
        entry->next = NULL;
        if (!ng_name_is(entry->key, "result") && !ng_name_is(entry->key, "error-reason"))
            ng_put(arena, out, entry->key, entry);
    }
}

enum ng_reply_kind ng_forward_reply_read(
    struct bytes document, struct ng_arena *arena, struct ng_value *out, const char **reason)
{
    struct ng_value *reply;
    if (bencode_parse(document, arena, &reply, NULL) != BENCODE_OK || reply->kind != NG_DICT)
        return NG_REPLY_INVALID;
    enum ng_reply_kind kind = kind_of(reply);
    if (kind == NG_REPLY_INVALID)
        return kind;
    *reason = terminated(arena, reply);
    move_entries(arena, reply, out);
    return ng_arena_ok(arena) ? kind : NG_REPLY_INVALID;
}
