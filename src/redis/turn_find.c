/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/turn_find.h"

#include <stdlib.h>

enum { MAX_NAME = 1024, MAX_VALUE = 1024, MD5_HEX = 32 };

/* The index of the byte behind the longest value: if it comes, the value is too long. */
static const char behind_longest[] = "1024";

/* One look-up under way; what was asked for is kept for the answer. */
struct look_up {
    struct redis_turn *turn;
    struct str key; /* being asked for */
    struct str realm;
    struct str name;
    void (*done)(void *owner, const struct redis_user *user);
    void *owner;
};

static void tell_user(struct look_up *look, enum redis_found found, struct text stored)
{
    struct redis_user user = {
        .found = found,
        .realm = str_text(&look->realm),
        .name = str_text(&look->name),
        .stored = stored,
    };
    look->done(look->owner, &user);
    str_done(&look->key);
    str_done(&look->realm);
    str_done(&look->name);
    free(look);
}

/* Redis has no empty strings to GETRANGE's mind. */
static enum redis_found read_string(
    struct look_up *look, const struct redis_reply *reply, struct text *out)
{
    if (reply == NULL)
        return REDIS_AWAY;
    if (reply->kind != REDIS_STRING || reply->text.len > MAX_VALUE) {
        redis_turn_say_unusable(look->turn, str_text(&look->key),
            reply->kind == REDIS_ERROR ? reply->text : TEXT("not of the right kind, or too long"));
        return REDIS_AWAY;
    }
    *out = reply->text;
    return reply->text.len > 0 ? REDIS_FOUND : REDIS_ABSENT;
}

static bool is_md5_key(struct text value)
{
    for (size_t i = 0; i < value.len; i++)
        if (memchr("0123456789abcdef", text_lower(value.data[i]), 16) == NULL)
            return false;
    return value.len == MD5_HEX;
}

static void on_user(void *owner, const struct redis_reply *reply)
{
    struct look_up *look = owner;
    struct text value = {.len = 0};
    char key[2 + MD5_HEX] = "0x";
    enum redis_found found = read_string(look, reply, &value);
    if (found == REDIS_FOUND && is_md5_key(value)) {
        memcpy(key + 2, value.data, MD5_HEX);
        value = text_of(key, sizeof(key));
    }
    tell_user(look, found, value);
}

/* Asks for the start of the value: one of any size does no harm. */
static bool ask(struct look_up *look)
{
    struct redis_callback callback = {.done = on_user, .owner = look};
    str_add_string(&look->key, "turn/realm/");
    str_add(&look->key, str_text(&look->realm));
    str_add_string(&look->key, "/user/");
    str_add(&look->key, str_text(&look->name));
    str_add_string(&look->key, "/key");

    const struct text words[] = {
        TEXT("GETRANGE"), str_text(&look->key), TEXT("0"), text_from(behind_longest)};
    return str_ok(&look->realm) && str_ok(&look->name) && str_ok(&look->key) &&
           redis_client_send(redis_turn_client(look->turn), words, COUNT_OF(words), callback) == 0;
}

void redis_turn_find_user(struct redis_turn *turn, struct text realm, struct text name,
    void (*done)(void *owner, const struct redis_user *user), void *owner)
{
    bool is_name = name.len > 0 && name.len <= MAX_NAME;
    struct look_up *look = is_name ? calloc(1, sizeof(*look)) : NULL;
    if (look == NULL) {
        struct redis_user user = {
            .found = is_name ? REDIS_AWAY : REDIS_ABSENT, .realm = realm, .name = name};
        done(owner, &user);
        return;
    }
    look->turn = turn;
    look->done = done;
    look->owner = owner;
    str_add(&look->realm, realm);
    str_add(&look->name, name);
    if (!ask(look))
        tell_user(look, REDIS_AWAY, text_of(NULL, 0));
}
