/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/json.h"

#include <jansson.h>
#include <stdio.h>

enum { MAX_DEPTH = 32 };

/* --- reading --- */

static struct ng_value *read_value(const json_t *json, struct ng_arena *arena, unsigned depth);

static struct text string_of(const json_t *json)
{
    return text_of(json_string_value(json), json_string_length(json));
}

static struct ng_value *read_list(const json_t *json, struct ng_arena *arena, unsigned depth)
{
    struct ng_value *list = ng_list(arena);
    for (size_t i = 0; i < json_array_size(json); i++) {
        struct ng_value *item = read_value(json_array_get(json, i), arena, depth);
        if (item == NULL || list == NULL)
            return NULL;
        ng_add(list, item);
    }
    return list;
}

static struct ng_value *read_dict(json_t *json, struct ng_arena *arena, unsigned depth)
{
    struct ng_value *dict = ng_dict(arena);
    for (void *it = json_object_iter(json); it != NULL; it = json_object_iter_next(json, it)) {
        struct ng_value *item = read_value(json_object_iter_value(it), arena, depth);
        if (item == NULL || dict == NULL)
            return NULL;
        ng_put(arena, dict, text_from(json_object_iter_key(it)), item);
    }
    return dict;
}

static struct ng_value *read_real(double number, struct ng_arena *arena)
{
    char printed[64];
    int len = snprintf(printed, sizeof(printed), "%g", number);
    return ng_string(arena, text_of(printed, (size_t)len));
}

static struct ng_value *read_value(const json_t *json, struct ng_arena *arena, unsigned depth)
{
    if (depth == MAX_DEPTH)
        return NULL;
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return read_dict((json_t *)json, arena, depth + 1);
    case JSON_ARRAY:
        return read_list(json, arena, depth + 1);
    case JSON_STRING:
        return ng_string(arena, string_of(json));
    case JSON_INTEGER:
        return ng_int(arena, json_integer_value(json));
    case JSON_REAL:
        return read_real(json_real_value(json), arena);
    case JSON_TRUE:
        return ng_int(arena, 1);
    case JSON_FALSE:
        return ng_int(arena, 0);
    case JSON_NULL:
        return ng_null(arena);
    }
    return NULL;
}

enum json_status json_parse(struct text document, struct ng_arena *arena, struct ng_value **out)
{
    json_error_t error;
    json_t *json = json_loadb(document.data, document.len, 0, &error);
    if (json == NULL)
        return JSON_INVALID;
    struct ng_value *value = json_is_object(json) ? read_value(json, arena, 0) : NULL;
    json_decref(json);
    if (value == NULL || !ng_arena_ok(arena))
        return JSON_UNSUITABLE;
    *out = value;
    return JSON_OK;
}

/* --- writing --- */

static void put(struct writer *w, const char *string)
{
    writer_put(w, text_bytes(text_from(string)));
}

/* The length of the UTF-8 sequence at the start of `t` (RFC 3629, section 4); 0 when it is none. */
static size_t utf8_sequence(struct text t)
{
    const uint8_t *s = (const uint8_t *)t.data;
    size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (s[0] > 0xf4 || len > t.len)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xed && s[1] > 0x9f;
    bool too_high = s[0] == 0xf4 && s[1] > 0x8f;
    return overlong || surrogate || too_high ? 0 : len;
}

static void write_string(struct writer *w, struct text t)
{
    put(w, "\"");
    while (t.len > 0) {
        unsigned char c = (unsigned char)t.data[0];
        size_t len = utf8_sequence(t);
        char escaped[8];
        if (len == 0) {
            put(w, "?");
        } else if (c < 0x20 || c == 0x7f) {
            snprintf(escaped, sizeof(escaped), "\\u%04x", c);
            put(w, escaped);
        } else {
            if (c == '"' || c == '\\')
                put(w, "\\");
            writer_put(w, bytes_of(t.data, len));
        }
        t = text_skip(t, len > 0 ? len : 1);
    }
    put(w, "\"");
}

static void write_value(struct writer *w, const struct ng_value *value, unsigned depth)
{
    if (depth == MAX_DEPTH) {
        w->failed = true;
        return;
    }
    char number[24];
    switch (value->kind) {
    case NG_STRING:
        write_string(w, value->string);
        return;
    case NG_INT:
        snprintf(number, sizeof(number), "%lld", (long long)value->integer);
        put(w, number);
        return;
    case NG_NULL:
        put(w, "null");
        return;
    case NG_LIST:
    case NG_DICT:
        break;
    }
    put(w, value->kind == NG_DICT ? "{" : "[");
    for (const struct ng_value *item = value->first; item != NULL; item = item->next) {
        if (item != value->first)
            put(w, ",");
        if (value->kind == NG_DICT) {
            write_string(w, item->key);
            put(w, ":");
        }
        write_value(w, item, depth + 1);
    }
    put(w, value->kind == NG_DICT ? "}" : "]");
}

void json_write(struct writer *w, const struct ng_value *value)
{
    write_value(w, value, 0);
}
