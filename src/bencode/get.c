/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/ng.h"

#include <errno.h>
#include <stdlib.h>

/* Scripts and proxies spell `call-id`, `call id`, `call_ID`. */
static char loose(char c)
{
    return c == '_' || c == ' ' ? '-' : text_lower(c);
}

bool ng_name_starts(struct text key, const char *prefix, struct text *rest)
{
    size_t len = strlen(prefix);
    if (key.len < len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (loose(key.data[i]) != loose(prefix[i]))
            return false;
    *rest = text_skip(key, len);
    return true;
}

bool ng_name_is(struct text key, const char *name)
{
    struct text rest;
    return ng_name_starts(key, name, &rest) && rest.len == 0;
}

const struct ng_value *ng_get(const struct ng_value *dict, const char *name)
{
    if (dict == NULL || dict->kind != NG_DICT)
        return NULL;
    for (const struct ng_value *entry = dict->first; entry != NULL; entry = entry->next)
        if (ng_name_is(entry->key, name))
            return entry;
    return NULL;
}

bool ng_get_text(const struct ng_value *dict, const char *name, struct text *out)
{
    const struct ng_value *value = ng_get(dict, name);
    if (value == NULL || value->kind != NG_STRING)
        return false;
    *out = value->string;
    return true;
}

static bool string_to_int(struct text string, int64_t *out)
{
    char digits[32];
    char *end;

    string = text_trim(string);
    if (string.len == 0 || string.len >= sizeof(digits))
        return false;
    memcpy(digits, string.data, string.len);
    digits[string.len] = '\0';

    errno = 0;
    long long number = strtoll(digits, &end, 0);
    if (errno != 0 || end != digits + string.len)
        return false;
    *out = number;
    return true;
}

bool ng_value_int(const struct ng_value *value, int64_t *out)
{
    if (value == NULL)
        return false;
    if (value->kind == NG_STRING)
        return string_to_int(value->string, out);
    if (value->kind != NG_INT)
        return false;
    *out = value->integer;
    return true;
}

bool ng_get_int(const struct ng_value *dict, const char *name, int64_t *out)
{
    return ng_value_int(ng_get(dict, name), out);
}

struct ng_items ng_items_of(const struct ng_value *value)
{
    struct ng_items it = {.next = NULL};
    if (value != NULL && value->kind == NG_LIST)
        it.next = value->first;
    if (value != NULL && value->kind == NG_STRING)
        it.rest = value->string;
    return it;
}

bool ng_next_item(struct ng_items *it, struct text *out)
{
    while (it->rest.len > 0) {
        struct text item = text_trim(text_cut(&it->rest, ','));
        if (item.len == 0)
            continue;
        *out = item;
        return true;
    }
    while (it->next != NULL) {
        const struct ng_value *value = it->next;
        it->next = value->next;
        if (value->kind != NG_STRING)
            continue;
        *out = value->string;
        return true;
    }
    return false;
}

void ng_unescape(struct writer *w, struct text escaped)
{
    while (escaped.len > 0) {
        bool equals = text_starts_with(escaped, "--");
        bool space = text_starts_with(escaped, "..");
        writer_u8(w, equals ? '=' : space ? ' ' : (uint8_t)escaped.data[0]);
        escaped = text_skip(escaped, equals || space ? 2 : 1);
    }
}
