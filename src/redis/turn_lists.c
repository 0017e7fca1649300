/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/turn_lists.h"

#include <stdlib.h>

/* --- names --- */

static int compare_texts(const void *left, const void *right)
{
    const struct text *a = left, *b = right;
    size_t common = a->len < b->len ? a->len : b->len;
    int difference = common > 0 ? memcmp(a->data, b->data, common) : 0;
    if (difference != 0)
        return difference;
    return a->len < b->len ? -1 : a->len > b->len;
}

static void names_done(struct redis_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free((char *)names->list[i].data);
    free(names->list);
    *names = (struct redis_names){.list = NULL};
}

static bool names_add(struct redis_names *names, struct text name)
{
    char *copy = text_dup(name);
    if (copy == NULL)
        return false;
    names->list[names->count++] = text_of(copy, name.len);
    return true;
}

/* A set; Redis has no empty ones, so an absent key is an empty array. */
static bool names_read(struct redis_names *out, const struct redis_reply *reply)
{
    struct redis_names names = {.list = NULL};
    if (reply->kind != REDIS_ARRAY)
        return false;
    names.list = calloc(reply->count > 0 ? reply->count : 1, sizeof(struct text));
    if (names.list == NULL)
        return false;
    for (size_t i = 0; i < reply->count; i++) {
        const struct redis_reply *item = reply->items[i];
        if (item->kind == REDIS_STRING && item->text.len == 0)
            continue;
        if (item->kind != REDIS_STRING || !names_add(&names, item->text)) {
            names_done(&names);
            return false;
        }
    }
    qsort(names.list, names.count, sizeof(struct text), compare_texts);
    names_done(out);
    *out = names;
    return true;
}

static bool names_equal(const struct redis_names *a, const struct redis_names *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!text_equal(a->list[i], b->list[i]))
            return false;
    return true;
}

bool redis_names_hold(const struct redis_names *names, struct text name)
{
    return names->count > 0 &&
           bsearch(&name, names->list, names->count, sizeof(struct text), compare_texts) != NULL;
}

/* --- commands --- */

static const char *const set_names[] = {
    [REALM_SECRETS] = "secret",
    [REALM_ALLOWED] = "allowed-peer-ip",
    [REALM_DENIED] = "denied-peer-ip",
    [REALM_REVOKED] = "revoked",
};

static const char *const number_names[] = {"max-bps", "total-quota", "user-quota"};

static bool add_key(struct redis_realm_command *command, struct text realm, const char *name)
{
    struct str *key = &command->keys[command->count - 1];
    str_add_string(key, "turn/realm/");
    str_add(key, realm);
    str_add_char(key, '/');
    str_add_string(key, name);
    command->words[command->count++] = str_text(key);
    return str_ok(key);
}

bool redis_realm_command_init(
    struct redis_realm_command *command, struct text realm, enum redis_realm_item item)
{
    *command = (struct redis_realm_command){.count = 1};
    if (item != REALM_NUMBERS) {
        command->words[0] = TEXT("SMEMBERS");
        return add_key(command, realm, set_names[item]);
    }
    command->words[0] = TEXT("MGET");
    for (size_t i = 0; i < COUNT_OF(number_names); i++)
        if (!add_key(command, realm, number_names[i]))
            return false;
    return true;
}

void redis_realm_command_done(struct redis_realm_command *command)
{
    for (size_t i = 0; i < COUNT_OF(command->keys); i++)
        str_done(&command->keys[i]);
}

/* --- lists --- */

void redis_lists_init(struct redis_realm_lists *lists, struct text realm)
{
    *lists = (struct redis_realm_lists){
        .realm = realm, .max_bps = -1, .total_quota = -1, .user_quota = -1};
}

void redis_lists_done(struct redis_realm_lists *lists)
{
    names_done(&lists->secrets);
    names_done(&lists->allowed_peers);
    names_done(&lists->denied_peers);
    names_done(&lists->revoked);
}

/* NULL for the numbers. */
static struct redis_names *names_of(struct redis_realm_lists *lists, enum redis_realm_item item)
{
    switch (item) {
    case REALM_SECRETS:
        return &lists->secrets;
    case REALM_ALLOWED:
        return &lists->allowed_peers;
    case REALM_DENIED:
        return &lists->denied_peers;
    case REALM_REVOKED:
        return &lists->revoked;
    case REALM_NUMBERS:
        break;
    }
    return NULL;
}

static const struct redis_names *const_names_of(
    const struct redis_realm_lists *lists, enum redis_realm_item item)
{
    return names_of((struct redis_realm_lists *)lists, item);
}

static bool read_number(const struct redis_reply *reply, int64_t *out)
{
    uint64_t number;
    *out = -1;
    if (reply->kind == REDIS_NIL)
        return true;
    if (reply->kind != REDIS_STRING || !text_to_u64(reply->text, INT64_MAX, &number))
        return false;
    *out = (int64_t)number;
    return true;
}

static bool read_numbers(struct redis_realm_lists *lists, const struct redis_reply *reply)
{
    int64_t numbers[COUNT_OF(number_names)];
    if (reply->kind != REDIS_ARRAY || reply->count != COUNT_OF(numbers))
        return false;
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        if (!read_number(reply->items[i], &numbers[i]))
            return false;
    lists->max_bps = numbers[0];
    lists->total_quota = numbers[1];
    lists->user_quota = numbers[2];
    return true;
}

bool redis_lists_read(
    struct redis_realm_lists *lists, enum redis_realm_item item, const struct redis_reply *reply)
{
    struct redis_names *names = names_of(lists, item);
    return names != NULL ? names_read(names, reply) : read_numbers(lists, reply);
}

bool redis_lists_item_equal(const struct redis_realm_lists *a, const struct redis_realm_lists *b,
    enum redis_realm_item item)
{
    const struct redis_names *names = const_names_of(a, item);
    if (names != NULL)
        return names_equal(names, const_names_of(b, item));
    return a->max_bps == b->max_bps && a->total_quota == b->total_quota &&
           a->user_quota == b->user_quota;
}

static void swap_numbers(int64_t *a, int64_t *b)
{
    int64_t former = *a;
    *a = *b;
    *b = former;
}

void redis_lists_item_swap(
    struct redis_realm_lists *a, struct redis_realm_lists *b, enum redis_realm_item item)
{
    struct redis_names *names = names_of(a, item);
    if (names == NULL) {
        swap_numbers(&a->max_bps, &b->max_bps);
        swap_numbers(&a->total_quota, &b->total_quota);
        swap_numbers(&a->user_quota, &b->user_quota);
        return;
    }
    struct redis_names former = *names;
    *names = *names_of(b, item);
    *names_of(b, item) = former;
}
