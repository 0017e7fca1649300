/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/turn_find.h"

#include <stdlib.h>

enum { MAX_NAME = 1024, MAX_VALUE = 1024, USERHASH_SIZE = 32, MD5_HEX = 32 };

/* The index of the byte behind the longest value: if it comes, the value is too long. */
static const char behind_longest[] = "1024";

/* One look-up under way; what was asked for is kept for the answer. */
struct look_up {
    struct redis_turn *turn;
    struct str key; /* being asked for */
    struct str realm;
    struct str name; /* user, kid or origin */
    union {
        void (*user)(void *owner, const struct redis_user *user);
        void (*oauth_key)(void *owner, const struct redis_oauth_key *key);
        void (*origin)(void *owner, const struct redis_origin *found);
    } done;
    void *owner;
};

static void look_up_done(struct look_up *look)
{
    str_done(&look->key);
    str_done(&look->realm);
    str_done(&look->name);
    free(look);
}

/* --- asking --- */

/* Asks for the start of a string: a value of any size does no harm. */
static bool get_string(
    struct look_up *look, void (*done)(void *owner, const struct redis_reply *reply))
{
    const struct text words[] = {
        TEXT("GETRANGE"), str_text(&look->key), TEXT("0"), text_from(behind_longest)};
    struct redis_callback callback = {.done = done, .owner = look};
    return str_ok(&look->key) &&
           redis_client_send(redis_turn_client(look->turn), words, COUNT_OF(words), callback) == 0;
}

static void say_unusable(struct look_up *look, const struct redis_reply *reply)
{
    redis_turn_say_unusable(look->turn, str_text(&look->key),
        reply->kind == REDIS_ERROR ? reply->text : TEXT("not of the right kind, or too long"));
}

/* Redis has no empty strings to GETRANGE's mind. */
static enum redis_found read_string(
    struct look_up *look, const struct redis_reply *reply, struct text *out)
{
    if (reply == NULL)
        return REDIS_AWAY;
    if (reply->kind != REDIS_STRING || reply->text.len > MAX_VALUE) {
        say_unusable(look, reply);
        return REDIS_AWAY;
    }
    *out = reply->text;
    return reply->text.len > 0 ? REDIS_FOUND : REDIS_ABSENT;
}

static bool is_name(struct text name)
{
    return name.len > 0 && name.len <= MAX_NAME;
}

/* --- users --- */

static void tell_user(struct look_up *look, enum redis_found found, struct text stored)
{
    struct redis_user user = {
        .found = found,
        .realm = str_text(&look->realm),
        .name = str_text(&look->name),
        .stored = stored,
    };
    look->done.user(look->owner, &user);
    look_up_done(look);
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
    tell_user(look, found, found == REDIS_FOUND ? value : text_of(NULL, 0));
}

/* Takes the look-up, whose realm and name are known. */
static void ask_for_user(struct look_up *look)
{
    str_reset(&look->key);
    str_add_string(&look->key, "turn/realm/");
    str_add(&look->key, str_text(&look->realm));
    str_add_string(&look->key, "/user/");
    str_add(&look->key, str_text(&look->name));
    str_add_string(&look->key, "/key");
    if (!str_ok(&look->realm) || !str_ok(&look->name) || !get_string(look, on_user))
        tell_user(look, REDIS_AWAY, text_of(NULL, 0));
}

void redis_turn_find_user(struct redis_turn *turn, struct text realm, struct text name,
    void (*done)(void *owner, const struct redis_user *user), void *owner)
{
    struct redis_user user = {.found = REDIS_ABSENT, .realm = realm, .name = name};
    struct look_up *look = is_name(name) ? calloc(1, sizeof(*look)) : NULL;
    if (look == NULL) {
        user.found = is_name(name) ? REDIS_AWAY : REDIS_ABSENT;
        done(owner, &user);
        return;
    }
    look->turn = turn;
    look->done.user = done;
    look->owner = owner;
    str_add(&look->realm, realm);
    str_add(&look->name, name);
    ask_for_user(look);
}

static void on_userhash(void *owner, const struct redis_reply *reply)
{
    struct look_up *look = owner;
    struct text name = {.len = 0};
    enum redis_found found = read_string(look, reply, &name);
    if (found != REDIS_FOUND) {
        tell_user(look, found, text_of(NULL, 0));
        return;
    }
    str_add(&look->name, name);
    ask_for_user(look);
}

void redis_turn_find_userhash(struct redis_turn *turn, struct text realm, const uint8_t hash[32],
    void (*done)(void *owner, const struct redis_user *user), void *owner)
{
    struct look_up *look = calloc(1, sizeof(*look));
    if (look == NULL) {
        done(owner, &(struct redis_user){.found = REDIS_AWAY, .realm = realm});
        return;
    }
    look->turn = turn;
    look->done.user = done;
    look->owner = owner;
    str_add(&look->realm, realm);
    str_add_string(&look->key, "turn/realm/");
    str_add(&look->key, realm);
    str_add_string(&look->key, "/userhash/");
    for (size_t i = 0; i < USERHASH_SIZE; i++)
        str_addf(&look->key, "%02x", hash[i]);
    if (!str_ok(&look->realm) || !get_string(look, on_userhash))
        tell_user(look, REDIS_AWAY, text_of(NULL, 0));
}

/* --- keys of access tokens --- */

enum { OAUTH_IKM, OAUTH_TIMESTAMP, OAUTH_LIFETIME, OAUTH_ALGORITHM, OAUTH_REALM, OAUTH_FIELDS };

static void tell_oauth_key(struct look_up *look, struct redis_oauth_key *key)
{
    key->kid = str_text(&look->name);
    look->done.oauth_key(look->owner, key);
    look_up_done(look);
}

static bool read_field(const struct redis_reply *field, struct text *out)
{
    *out = field->text;
    return field->kind == REDIS_NIL ||
           (field->kind == REDIS_STRING && field->text.len <= MAX_VALUE);
}

static bool read_time(const struct redis_reply *field, int64_t *out)
{
    uint64_t number = 0;
    bool ok = field->kind == REDIS_NIL ||
              (field->kind == REDIS_STRING && text_to_u64(field->text, INT64_MAX, &number));
    *out = (int64_t)number;
    return ok;
}

static bool read_oauth_key(const struct redis_reply *reply, struct redis_oauth_key *out)
{
    if (reply->kind != REDIS_ARRAY || reply->count != OAUTH_FIELDS)
        return false;
    struct redis_reply *const *fields = reply->items;
    if (!read_field(fields[OAUTH_IKM], &out->ikm_key) ||
        !read_field(fields[OAUTH_ALGORITHM], &out->as_rs_alg) ||
        !read_field(fields[OAUTH_REALM], &out->realm) ||
        !read_time(fields[OAUTH_TIMESTAMP], &out->timestamp_s) ||
        !read_time(fields[OAUTH_LIFETIME], &out->lifetime_s))
        return false;
    out->found = out->ikm_key.len > 0 ? REDIS_FOUND : REDIS_ABSENT;
    return true;
}

static void on_oauth_key(void *owner, const struct redis_reply *reply)
{
    struct look_up *look = owner;
    struct redis_oauth_key key = {.found = REDIS_AWAY};
    if (reply != NULL && !read_oauth_key(reply, &key)) {
        say_unusable(look, reply);
        key = (struct redis_oauth_key){.found = REDIS_AWAY};
    }
    tell_oauth_key(look, &key);
}

void redis_turn_find_oauth_key(struct redis_turn *turn, struct text kid,
    void (*done)(void *owner, const struct redis_oauth_key *key), void *owner)
{
    struct redis_oauth_key key = {.found = REDIS_AWAY, .kid = kid};
    struct look_up *look = is_name(kid) ? calloc(1, sizeof(*look)) : NULL;
    if (look == NULL) {
        key.found = is_name(kid) ? REDIS_AWAY : REDIS_ABSENT;
        done(owner, &key);
        return;
    }
    look->turn = turn;
    look->done.oauth_key = done;
    look->owner = owner;
    str_add(&look->name, kid);
    str_add_string(&look->key, "turn/oauth/kid/");
    str_add(&look->key, kid);

    const struct text words[] = {TEXT("HMGET"), str_text(&look->key), TEXT("ikm_key"),
        TEXT("timestamp"), TEXT("lifetime"), TEXT("as_rs_alg"), TEXT("realm")};
    struct redis_callback callback = {.done = on_oauth_key, .owner = look};
    if (!str_ok(&look->key) || !str_ok(&look->name) ||
        redis_client_send(redis_turn_client(turn), words, COUNT_OF(words), callback) != 0)
        tell_oauth_key(look, &key);
}

/* --- web origins --- */

static void on_origin(void *owner, const struct redis_reply *reply)
{
    struct look_up *look = owner;
    struct redis_origin found = {.origin = str_text(&look->name)};
    found.found = read_string(look, reply, &found.realm);
    if (found.found != REDIS_FOUND)
        found.realm = text_of(NULL, 0);
    look->done.origin(look->owner, &found);
    look_up_done(look);
}

void redis_turn_find_origin(struct redis_turn *turn, struct text origin,
    void (*done)(void *owner, const struct redis_origin *found), void *owner)
{
    struct redis_origin away = {.found = REDIS_AWAY, .origin = origin};
    struct look_up *look = is_name(origin) ? calloc(1, sizeof(*look)) : NULL;
    if (look == NULL) {
        away.found = is_name(origin) ? REDIS_AWAY : REDIS_ABSENT;
        done(owner, &away);
        return;
    }
    look->turn = turn;
    look->done.origin = done;
    look->owner = owner;
    str_add(&look->name, origin);
    str_add_string(&look->key, "turn/origin/");
    str_add(&look->key, origin);
    if (str_ok(&look->name) && get_string(look, on_origin))
        return;
    done(owner, &away);
    look_up_done(look);
}
