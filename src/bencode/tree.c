/* SPDX-License-Identifier: Apache-2.0 */
#include "bencode/tree.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

struct ng_value *ng_value_new(struct ng_arena *arena, enum ng_kind kind)
{
    struct ng_value *value = ng_arena_take(arena, sizeof(*value));
    if (value != NULL)
        value->kind = kind;
    return value;
}

void ng_value_append(struct ng_value *parent, struct ng_value *value)
{
    if (parent->last == NULL)
        parent->first = value;
    else
        parent->last->next = value;
    parent->last = value;
}

struct text ng_arena_copy(struct ng_arena *arena, struct text t)
{
    char *copy = ng_arena_take(arena, t.len);
    if (copy == NULL)
        return text_of(NULL, 0);
    if (t.len > 0)
        memcpy(copy, t.data, t.len);
    return text_of(copy, t.len);
}

struct ng_value *ng_entry(struct ng_value *dict, struct text key)
{
    for (struct ng_value *entry = dict->first; entry != NULL; entry = entry->next)
        if (text_equal(entry->key, key))
            return entry;
    return NULL;
}

struct ng_value *ng_string(struct ng_arena *arena, struct text string)
{
    struct ng_value *value = ng_value_new(arena, NG_STRING);
    if (value != NULL)
        value->string = ng_arena_copy(arena, string);
    return value;
}

struct ng_value *ng_int(struct ng_arena *arena, int64_t integer)
{
    struct ng_value *value = ng_value_new(arena, NG_INT);
    if (value != NULL)
        value->integer = integer;
    return value;
}

struct ng_value *ng_list(struct ng_arena *arena)
{
    return ng_value_new(arena, NG_LIST);
}

struct ng_value *ng_dict(struct ng_arena *arena)
{
    return ng_value_new(arena, NG_DICT);
}

struct ng_value *ng_null(struct ng_arena *arena)
{
    return ng_value_new(arena, NG_NULL);
}

void ng_put(struct ng_arena *arena, struct ng_value *dict, struct text key, struct ng_value *value)
{
    if (dict == NULL || value == NULL)
        return;
    assert(dict->kind == NG_DICT);
    value->key = ng_arena_copy(arena, key);
    ng_value_append(dict, value);
}

void ng_put_string(
    struct ng_arena *arena, struct ng_value *dict, struct text key, struct text string)
{
    ng_put(arena, dict, key, ng_string(arena, string));
}

void ng_put_int(struct ng_arena *arena, struct ng_value *dict, struct text key, int64_t integer)
{
    ng_put(arena, dict, key, ng_int(arena, integer));
}

struct ng_value *ng_put_dict(struct ng_arena *arena, struct ng_value *dict, struct text key)
{
    struct ng_value *value = ng_dict(arena);
    ng_put(arena, dict, key, value);
    return value;
}

struct ng_value *ng_put_list(struct ng_arena *arena, struct ng_value *dict, struct text key)
{
    struct ng_value *value = ng_list(arena);
    ng_put(arena, dict, key, value);
    return value;
}

void ng_put_stringf(
    struct ng_arena *arena, struct ng_value *dict, struct text key, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    assert(len >= 0);

    struct ng_value *value = ng_value_new(arena, NG_STRING);
    char *string = ng_arena_take(arena, (size_t)len + 1);
    if (value == NULL || string == NULL)
        return;
    va_start(args, format);
    vsnprintf(string, (size_t)len + 1, format, args);
    va_end(args);
    value->string = text_of(string, (size_t)len);
    ng_put(arena, dict, key, value);
}

void ng_add(struct ng_value *list, struct ng_value *value)
{
    if (list == NULL || value == NULL)
        return;
    assert(list->kind == NG_LIST);
    ng_value_append(list, value);
}

void ng_add_string(struct ng_arena *arena, struct ng_value *list, struct text string)
{
    ng_add(list, ng_string(arena, string));
}

void ng_add_int(struct ng_arena *arena, struct ng_value *list, int64_t integer)
{
    ng_add(list, ng_int(arena, integer));
}

struct ng_value *ng_add_dict(struct ng_arena *arena, struct ng_value *list)
{
    struct ng_value *value = ng_dict(arena);
    ng_add(list, value);
    return value;
}

struct ng_value *ng_add_list(struct ng_arena *arena, struct ng_value *list)
{
    struct ng_value *value = ng_list(arena);
    ng_add(list, value);
    return value;
}
