/* SPDX-License-Identifier: Apache-2.0 */
#include "bencode/fields.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* --- reading --- */

static void put_name(struct writer *w, const char *name, int index)
{
    char part[80];
    int len = snprintf(part, sizeof(part), "%s%s", w->len > 0 ? "." : "", name);
    if (index >= 0)
        len += snprintf(part + len, sizeof(part) - (size_t)len, "[%d]", index);
    writer_put(w, bytes_of(part, (size_t)len));
}

static void put_place(struct writer *w, const struct fields *f)
{
    if (f->outer == NULL)
        return;
    put_place(w, f->outer);
    put_name(w, f->name, f->index);
}

void fields_refuse(const struct fields *f, const char *name, const char *format, ...)
{
    struct fields_reader *reader = f->reader;
    if (reader->failed)
        return;
    reader->failed = true;

    char what[100];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    char place[96];
    struct writer w = writer_over(place, sizeof(place));
    put_place(&w, f);
    if (name != NULL)
        put_name(&w, name, -1);
    snprintf(reader->why, FIELDS_WHY_SIZE, "%.*s: %s", (int)w.len, place, what);
}

static const struct ng_value *entry(
    const struct fields *f, const char *name, enum ng_kind kind, const char *kind_name)
{
    const struct ng_value *value = ng_get(f->value, name);
    if (value == NULL || value->kind == kind)
        return value;
    fields_refuse(f, name, "not a %s", kind_name);
    return NULL;
}

bool fields_has(const struct fields *f, const char *name)
{
    return ng_get(f->value, name) != NULL;
}

void fields_require(const struct fields *f, const char *name)
{
    if (!fields_has(f, name))
        fields_refuse(f, name, "missing");
}

struct fields fields_inner(const struct fields *f, const char *name)
{
    return (struct fields){.reader = f->reader,
        .outer = f,
        .name = name,
        .index = -1,
        .value = entry(f, name, NG_DICT, "dictionary")};
}

int64_t fields_number(
    const struct fields *f, const char *name, int64_t min, int64_t max, int64_t usual)
{
    const struct ng_value *value = entry(f, name, NG_INT, "number");
    if (value == NULL)
        return usual;
    if (value->integer >= min && value->integer <= max)
        return value->integer;
    fields_refuse(
        f, name, "%" PRId64 " is not within %" PRId64 " and %" PRId64, value->integer, min, max);
    return usual;
}

struct text fields_text(const struct fields *f, const char *name, size_t max)
{
    const struct ng_value *value = entry(f, name, NG_STRING, "string");
    if (value == NULL)
        return text_of(NULL, 0);
    if (value->string.len <= max)
        return value->string;
    fields_refuse(f, name, "longer than %zu bytes", max);
    return text_of(NULL, 0);
}

static struct text text_without(
    const struct fields *f, const char *name, size_t max, struct text forbidden)
{
    struct text text = fields_text(f, name, max);
    for (size_t i = 0; i < text.len; i++)
        if (memchr(forbidden.data, text.data[i], forbidden.len) != NULL) {
            fields_refuse(f, name, "holds a byte 0x%02x", (uint8_t)text.data[i]);
            return text_of(NULL, 0);
        }
    return text;
}

struct text fields_line(const struct fields *f, const char *name, size_t max)
{
    return text_without(f, name, max, TEXT("\r\n\0"));
}

struct text fields_word(const struct fields *f, const char *name, size_t max)
{
    return text_without(f, name, max, TEXT("\r\n\0 \t"));
}

struct address fields_address(const struct fields *f, const char *name)
{
    struct address a = {0};
    struct text text = fields_text(f, name, ADDRESS_TEXT_SIZE);
    if (text.len > 0 && (!address_parse_with_port(text, 0, &a) || a.port == 0)) {
        fields_refuse(f, name, "not an address with a port");
        return (struct address){0};
    }
    return a;
}

unsigned fields_choice(const struct fields *f, const char *name, const char *const words[],
    size_t count, unsigned usual)
{
    const struct ng_value *value = entry(f, name, NG_STRING, "string");
    for (size_t i = 0; value != NULL && i < count; i++)
        if (text_is(value->string, words[i]))
            return (unsigned)i;
    if (value != NULL)
        fields_refuse(f, name, "not a word that is known");
    return usual;
}

void fields_flags(
    const struct fields *f, const struct fields_flag flags[], size_t count, void *base)
{
    struct ng_items it = ng_items_of(entry(f, "flags", NG_STRING, "string"));
    struct text word;
    while (ng_next_item(&it, &word))
        for (size_t i = 0; i < count; i++)
            if (text_is(word, flags[i].word))
                *((bool *)base + flags[i].offset / sizeof(bool)) = true;
}

struct fields_list fields_list(
    const struct fields *f, const char *name, enum ng_kind kind, uint32_t max)
{
    static const char *const kinds[] = {
        [NG_STRING] = "string", [NG_INT] = "number", [NG_DICT] = "dictionary"};
    struct fields_list out = {.name = name};
    const struct ng_value *list = entry(f, name, NG_LIST, "list");
    for (const struct ng_value *at = list != NULL ? list->first : NULL; at != NULL; at = at->next) {
        if (at->kind != kind || out.count == max) {
            if (at->kind != kind)
                fields_refuse(f, name, "entry %u is not a %s", out.count, kinds[kind]);
            else
                fields_refuse(f, name, "more than %u entries", max);
            return (struct fields_list){.name = name};
        }
        out.count++;
    }
    out.next = list != NULL ? list->first : NULL;
    return out;
}

bool fields_next(const struct fields *f, struct fields_list *it, struct fields *out)
{
    if (it->next == NULL || f->reader->failed)
        return false;
    *out = (struct fields){
        .reader = f->reader, .outer = f, .name = it->name, .index = it->index++, .value = it->next};
    it->next = it->next->next;
    return true;
}

/* --- writing --- */

void fields_put(
    struct ng_arena *arena, struct ng_value *dict, const char *name, struct ng_value *inner)
{
    if (inner != NULL && inner->first != NULL)
        ng_put(arena, dict, text_from(name), inner);
}

void fields_put_number(
    struct ng_arena *arena, struct ng_value *dict, const char *name, int64_t number, int64_t usual)
{
    if (number != usual)
        ng_put_int(arena, dict, text_from(name), number);
}

void fields_put_text(
    struct ng_arena *arena, struct ng_value *dict, const char *name, struct text text)
{
    if (text.len > 0)
        ng_put_string(arena, dict, text_from(name), text);
}

void fields_put_address(
    struct ng_arena *arena, struct ng_value *dict, const char *name, const struct address *a)
{
    char text[ADDRESS_TEXT_SIZE];
    if (a->family != ADDRESS_NONE)
        fields_put_text(arena, dict, name, text_from(address_text(a, text)));
}

void fields_put_choice(struct ng_arena *arena, struct ng_value *dict, const char *name,
    const char *const words[], unsigned which, unsigned usual)
{
    if (which != usual)
        fields_put_text(arena, dict, name, text_from(words[which]));
}

void fields_put_flags(struct ng_arena *arena, struct ng_value *dict,
    const struct fields_flag flags[], size_t count, const void *base)
{
    char words[256];
    struct writer w = writer_over(words, sizeof(words));
    for (size_t i = 0; i < count; i++) {
        if (!*((const bool *)base + flags[i].offset / sizeof(bool)))
            continue;
        if (w.len > 0)
            writer_u8(&w, ',');
        writer_put(&w, text_bytes(text_from(flags[i].word)));
    }
    fields_put_text(arena, dict, "flags", text_from_bytes(writer_bytes(&w)));
}
