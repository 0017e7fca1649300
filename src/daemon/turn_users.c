/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of who may use TURN. Their entries hold secrets: messages show names only. */
#include <errno.h>
#include <stdlib.h>

#include "daemon/turn_list.h"
#include "daemon/turn_lists.h"

static bool holds(const struct turn_texts *texts, struct text wanted)
{
    for (size_t i = 0; i < texts->count; i++)
        if (text_equal(texts->list[i], wanted))
            return true;
    return false;
}

int turn_read_origins(
    struct text list, const struct turn_texts *realms, struct turn_origins *out, struct str *why)
{
    struct text entry;
    out->list = calloc(turn_list_count(list) + 1, sizeof(out->list[0]));
    if (out->list == NULL)
        return -ENOMEM;
    while (turn_list_next(&list, &entry)) {
        struct text realm = entry;
        struct text origin = text_trim(text_cut(&realm, '='));
        realm = text_trim(realm);
        if (origin.len == 0 || realm.len == 0)
            return turn_list_refuse(why, entry, "is not ORIGIN=REALM");
        if (!holds(realms, realm))
            return turn_list_refuse(why, realm, "is not one of the realms");
        out->list[out->count++] = (struct auth_origin_config){.origin = origin, .realm = realm};
    }
    return 0;
}

/* Tells which entry is meant without showing it. */
static int refuse_number(struct str *why, size_t number, const char *problem)
{
    str_addf(why, "entry %zu %s", number, problem);
    return -EINVAL;
}

static bool is_key(struct text stored)
{
    return text_starts_with(stored, "0x");
}

static bool is_md5_key(struct text stored)
{
    struct text digits = text_skip(stored, strlen("0x"));
    for (size_t i = 0; i < digits.len; i++)
        if (strchr("0123456789abcdefABCDEF", digits.data[i]) == NULL)
            return false;
    return digits.len == 2 * LONG_TERM_MD5_SIZE;
}

static bool knows_user(const struct turn_users *users, struct text name)
{
    for (size_t i = 0; i < users->count; i++)
        if (text_equal(users->list[i].name, name))
            return true;
    return false;
}

int turn_read_users(struct text list, struct turn_users *out, struct str *why)
{
    struct text entry;
    out->list = calloc(turn_list_count(list) + 1, sizeof(out->list[0]));
    if (out->list == NULL)
        return -ENOMEM;
    while (turn_list_next(&list, &entry)) {
        struct text stored = entry;
        struct text name = text_cut(&stored, ':');
        if (name.len == 0 || stored.len == 0)
            return refuse_number(why, out->count + 1, "is not NAME:PASSWORD or NAME:0xKEY");
        if (name.len > LONG_TERM_MAX_NAME)
            return refuse_number(why, out->count + 1, "has a name that is too long");
        if (is_key(stored) && !is_md5_key(stored))
            return turn_list_refuse(why, name, "has a key that is not 0x and 32 hex digits");
        if (knows_user(out, name))
            return turn_list_refuse(why, name, "is there twice");
        out->list[out->count++] = (struct auth_user_config){.name = name, .stored = stored};
    }
    return 0;
}

/* ":TIMESTAMP:LIFETIME", or nothing. */
static bool read_validity(struct text rest, struct oauth_key *out)
{
    uint64_t from, lifetime;
    if (rest.len == 0)
        return true;
    struct text timestamp = text_cut(&rest, ':');
    if (!text_to_u64(timestamp, INT64_MAX, &from) || !text_to_u64(rest, INT32_MAX, &lifetime))
        return false;
    out->from_s = (int64_t)from;
    out->lifetime_s = (int64_t)lifetime;
    return true;
}

static const char *read_oauth_key(struct text entry, struct oauth_key *out)
{
    struct text rest = entry;
    *out = (struct oauth_key){.kid = text_cut(&rest, ':')};
    if (out->kid.len == 0 || out->kid.len > LONG_TERM_MAX_NAME)
        return "has no name before the first ':', or one that is too long";
    if (!oauth_algorithm_from_name(text_cut(&rest, ':'), &out->algorithm))
        return "names an algorithm that is neither A256GCM nor A128GCM";
    if (!oauth_key_read(text_cut(&rest, ':'), out->algorithm, out->key))
        return "has a key that is not base64 of 32 bytes (A256GCM) or 16 bytes (A128GCM), or more";
    if (!read_validity(rest, out))
        return "has something else than :TIMESTAMP:LIFETIME behind the key";
    return NULL;
}

int turn_read_oauth_keys(struct text list, struct turn_oauth_keys *out, struct str *why)
{
    struct text entry;
    out->list = calloc(turn_list_count(list) + 1, sizeof(out->list[0]));
    if (out->list == NULL)
        return -ENOMEM;
    while (turn_list_next(&list, &entry)) {
        const char *problem = read_oauth_key(entry, &out->list[out->count++]);
        if (problem != NULL)
            return refuse_number(why, out->count, problem);
    }
    return 0;
}
