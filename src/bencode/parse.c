/* SPDX-License-Identifier: Apache-2.0 */
#include "bencode/scan.h"
#include "bencode/tree.h"

const char *bencode_status_text(enum bencode_status status)
{
    static const char *const texts[] = {
        [BENCODE_OK] = "ok",
        [BENCODE_TRUNCATED] = "it ends too early",
        [BENCODE_BAD_TOKEN] = "not the start of a value",
        [BENCODE_BAD_INT] = "not an integer",
        [BENCODE_BAD_LENGTH] = "not the length of a string",
        [BENCODE_BAD_KEY] = "a key that is no string or has no value",
        [BENCODE_TOO_DEEP] = "nested too deeply",
        [BENCODE_TOO_LONG] = "too long",
        [BENCODE_TRAILING] = "more bytes follow the value",
        [BENCODE_NO_MEMORY] = "out of memory",
    };
    return texts[status];
}

struct builder {
    struct ng_arena *arena;
    struct ng_value *parents[BENCODE_MAX_DEPTH]; /* the open lists and dictionaries */
    size_t depth;
    bool has_key; /* the innermost dictionary waits for the value of `key` */
    struct text key;
    struct ng_value *root;
};

static struct ng_value *new_value(struct builder *b, const struct bencode_token *token)
{
    static const enum ng_kind kinds[] = {
        [TOKEN_STRING] = NG_STRING,
        [TOKEN_INT] = NG_INT,
        [TOKEN_LIST] = NG_LIST,
        [TOKEN_DICT] = NG_DICT,
    };
    struct ng_value *value = ng_value_new(b->arena, kinds[token->kind]);
    if (value == NULL)
        return NULL;
    value->string = token->string;
    value->integer = token->integer;
    return value;
}

static void attach(struct builder *b, struct ng_value *value)
{
    if (b->depth == 0) {
        b->root = value;
        return;
    }
    value->key = b->key;
    ng_value_append(b->parents[b->depth - 1], value);
    b->has_key = false;
    b->key = text_of(NULL, 0);
}

static bool wants_key(const struct builder *b)
{
    return b->depth > 0 && b->parents[b->depth - 1]->kind == NG_DICT && !b->has_key;
}

static enum bencode_status feed(struct builder *b, const struct bencode_token *token)
{
    if (token->kind == TOKEN_END) {
        if (b->depth == 0)
            return BENCODE_BAD_TOKEN;
        if (b->has_key)
            return BENCODE_BAD_KEY;
        b->depth--;
        return BENCODE_OK;
    }
    if (wants_key(b)) {
        if (token->kind != TOKEN_STRING)
            return BENCODE_BAD_KEY;
        b->key = token->string;
        b->has_key = true;
        return BENCODE_OK;
    }

    struct ng_value *value = new_value(b, token);
    if (value == NULL)
        return BENCODE_NO_MEMORY;
    attach(b, value);
    if (token->kind != TOKEN_LIST && token->kind != TOKEN_DICT)
        return BENCODE_OK;
    if (b->depth == BENCODE_MAX_DEPTH)
        return BENCODE_TOO_DEEP;
    b->parents[b->depth++] = value;
    return BENCODE_OK;
}

static bool is_blank(struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        if (memchr(" \t\r\n", t.data[i], 4) == NULL)
            return false;
    return true;
}

static enum bencode_status parse(struct builder *b, struct text *rest)
{
    do {
        struct bencode_token token;
        struct text after = *rest;
        enum bencode_status status = bencode_scan(&after, &token);
        if (status == BENCODE_OK)
            status = feed(b, &token);
        if (status != BENCODE_OK)
            return status;
        *rest = after;
    } while (b->depth > 0);
    return is_blank(*rest) ? BENCODE_OK : BENCODE_TRAILING;
}

enum bencode_status bencode_parse(
    struct bytes input, struct ng_arena *arena, struct ng_value **out, size_t *offset)
{
    return bencode_parse_up_to(input, BENCODE_MAX_SIZE, arena, out, offset);
}

enum bencode_status bencode_parse_up_to(
    struct bytes input, size_t max, struct ng_arena *arena, struct ng_value **out, size_t *offset)
{
    struct builder b = {.arena = arena};
    struct text rest = text_from_bytes(input);
    enum bencode_status status = parse(&b, &rest);

    if (status == BENCODE_OK && input.len - rest.len > max)
        status = BENCODE_TOO_LONG;
    if (offset != NULL)
        *offset = input.len - rest.len;
    if (status == BENCODE_OK)
        *out = b.root;
    return status;
}

enum bencode_status bencode_measure(struct bytes stream, size_t *len)
{
    struct text rest = text_from_bytes(stream);
    size_t depth = 0;

    do {
        struct bencode_token token;
        enum bencode_status status = bencode_scan(&rest, &token);
        if (status == BENCODE_TRUNCATED && stream.len > BENCODE_MAX_SIZE)
            return BENCODE_TOO_LONG;
        if (status != BENCODE_OK)
            return status;
        if (token.kind == TOKEN_END && depth == 0)
            return BENCODE_BAD_TOKEN;
        if (token.kind == TOKEN_END)
            depth--;
        if (token.kind == TOKEN_LIST || token.kind == TOKEN_DICT)
            depth++;
        if (depth > BENCODE_MAX_DEPTH)
            return BENCODE_TOO_DEEP;
    } while (depth > 0);

    if (stream.len - rest.len > BENCODE_MAX_SIZE)
        return BENCODE_TOO_LONG;
    *len = stream.len - rest.len;
    return BENCODE_OK;
}
