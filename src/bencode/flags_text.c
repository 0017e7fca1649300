/* SPDX-License-Identifier: Apache-2.0 */
#include "bencode/flags_text.h"

#include "mediaferry/bencode.h"

struct cursor {
    struct text rest;
    struct ng_arena *arena;
    unsigned depth; /* of brackets */
    enum ng_flags_status status;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A closing bracket ends a word only where one is open. */
static bool ends_word(const struct cursor *c, char at)
{
    return is_space(at) || (c->depth > 0 && at == ']');
}

static bool next_is(const struct cursor *c, char expected)
{
    return c->rest.len > 0 && c->rest.data[0] == expected;
}

static void skip_spaces(struct cursor *c)
{
    while (c->rest.len > 0 && is_space(c->rest.data[0]))
        c->rest = text_skip(c->rest, 1);
}

/* The word ahead; with `until_equals` only the part before its `=`. */
static struct text peek_word(const struct cursor *c, bool until_equals)
{
    size_t len = 0;
    while (len < c->rest.len && !ends_word(c, c->rest.data[len]) &&
           !(until_equals && c->rest.data[len] == '='))
        len++;
    return text_of(c->rest.data, len);
}

static struct text take_word(struct cursor *c)
{
    struct text word = peek_word(c, false);
    c->rest = text_skip(c->rest, word.len);
    return word;
}

/* Whether the item ahead is `key=...`; then its key is taken, with the `=`. */
static bool take_key(struct cursor *c, struct text *key)
{
    struct text head = peek_word(c, true);
    if (head.len == 0 || head.len == c->rest.len || c->rest.data[head.len] != '=')
        return false;
    c->rest = text_skip(c->rest, head.len + 1);
    *key = head;
    return true;
}

static struct ng_value *take_brackets(struct cursor *c);

static struct ng_value *take_value(struct cursor *c)
{
    if (next_is(c, '['))
        return take_brackets(c);
    return ng_string(c->arena, take_word(c));
}

/* One entry of a list, or of a dictionary: a word without `=` is a key without a value there. */
static void take_entry(struct cursor *c, struct ng_value *into)
{
    if (into->kind == NG_LIST) {
        ng_add(into, take_value(c));
        return;
    }
    struct text key;
    if (take_key(c, &key)) {
        ng_put(c->arena, into, key, take_value(c));
        return;
    }
    if (next_is(c, '[')) {
        ng_put(c->arena, into, text_of(NULL, 0), take_brackets(c));
        return;
    }
    key = take_word(c);
    ng_put_string(c->arena, into, key, text_of(NULL, 0));
}

/* `[a b]` is a list, `[k=v k2=[..]]` a dictionary: the first entry tells. */
static struct ng_value *take_brackets(struct cursor *c)
{
    if (c->depth == BENCODE_MAX_DEPTH - 1) {
        c->status = NG_FLAGS_TOO_DEEP;
        return NULL;
    }
    c->depth++;
    c->rest = text_skip(c->rest, 1);
    skip_spaces(c);
    struct cursor ahead = *c;
    struct text key;
    bool has_keys = !next_is(c, '[') && take_key(&ahead, &key);
    struct ng_value *value = has_keys ? ng_dict(c->arena) : ng_list(c->arena);

    while (c->status == NG_FLAGS_OK && value != NULL && !next_is(c, ']')) {
        if (c->rest.len == 0) {
            c->status = NG_FLAGS_UNBALANCED;
            return NULL;
        }
        take_entry(c, value);
        skip_spaces(c);
    }
    c->rest = text_skip(c->rest, 1);
    c->depth--;
    return value;
}

enum ng_flags_status flags_next(struct text *rest, struct ng_arena *arena, struct flag_item *out)
{
    struct cursor c = {.rest = *rest, .arena = arena};
    struct flag_item item = {.value = NULL};

    skip_spaces(&c);
    if (next_is(&c, ']') || next_is(&c, '['))
        return NG_FLAGS_UNBALANCED;
    item.word = peek_word(&c, false);
    if (take_key(&c, &item.key))
        item.value = take_value(&c);
    else
        take_word(&c);

    if (c.status != NG_FLAGS_OK)
        return c.status;
    if (!ng_arena_ok(arena))
        return NG_FLAGS_NO_MEMORY;
    *rest = c.rest;
    *out = item;
    return NG_FLAGS_OK;
}
