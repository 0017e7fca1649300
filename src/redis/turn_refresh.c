/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/turn_refresh.h"

#include <stdlib.h>

#include "base/log.h"

/* One command of the realm being read; the client's callback owns a pointer to it. */
struct fetch {
    struct redis_refresh *refresh;
    enum redis_realm_item item;
    bool is_good; /* its reply was read into `incoming` */
};

struct realm {
    struct redis_realm_lists lists;
    bool said_bad[REALM_ITEMS]; /* logged that the value cannot be used */
};

struct redis_refresh {
    struct redis_client *client;
    void (*on_lists)(void *owner, const struct redis_realm_lists *lists);
    void (*on_revoked)(void *owner, struct text realm, struct text user);
    void (*on_round)(void *owner, bool is_whole);
    void *owner;

    struct realm *realms; /* owned; the names in their lists too */
    size_t realm_count;

    bool is_running;
    bool again;
    bool is_lost; /* the connection, or the memory: the round is over */
    size_t at;    /* the realm being read */
    struct redis_realm_lists incoming;
    struct fetch fetches[REALM_ITEMS];
    unsigned outstanding;
};

static void read_realm(struct redis_refresh *refresh);

static const char *item_name(enum redis_realm_item item)
{
    static const char *const names[REALM_ITEMS] = {
        [REALM_SECRETS] = "secret",
        [REALM_ALLOWED] = "allowed-peer-ip",
        [REALM_DENIED] = "denied-peer-ip",
        [REALM_REVOKED] = "revoked",
        [REALM_NUMBERS] = "max-bps, total-quota, user-quota",
    };
    return names[item];
}

static void say_usable(struct realm *realm, enum redis_realm_item item, bool is_good)
{
    if (!is_good && !realm->said_bad[item])
        log_event(LOG_ERR, LOG_NO_CALL, "redis-bad-value",
            "realm=%s key=\"%s\" why=\"not of the right kind, or too large: the last good value "
            "stays\"",
            LOG_QUOTED(realm->lists.realm), item_name(item));
    realm->said_bad[item] = !is_good;
}

/* `former` is the set before. */
static void tell_revoked(
    struct redis_refresh *refresh, const struct realm *realm, const struct redis_names *former)
{
    const struct redis_names *names = &realm->lists.revoked;
    for (size_t i = 0; i < names->count; i++)
        if (!redis_names_hold(former, names->list[i]))
            refresh->on_revoked(refresh->owner, realm->lists.realm, names->list[i]);
}

/* `incoming` gets what was there before. */
static void take_over(struct redis_refresh *refresh, struct realm *realm)
{
    bool changed = false, more_revoked = false;
    for (size_t i = 0; i < REALM_ITEMS; i++) {
        enum redis_realm_item item = refresh->fetches[i].item;
        bool is_good = refresh->fetches[i].is_good;
        say_usable(realm, item, is_good);
        if (!is_good || redis_lists_item_equal(&realm->lists, &refresh->incoming, item))
            continue;
        redis_lists_item_swap(&realm->lists, &refresh->incoming, item);
        changed = true;
        more_revoked = more_revoked || item == REALM_REVOKED;
    }
    if (changed)
        refresh->on_lists(refresh->owner, &realm->lists);
    if (more_revoked)
        tell_revoked(refresh, realm, &refresh->incoming.revoked);
}

static void finish_round(struct redis_refresh *refresh)
{
    bool again = refresh->again && !refresh->is_lost;
    refresh->is_running = false;
    refresh->again = false;
    refresh->on_round(refresh->owner, !refresh->is_lost);
    if (again)
        redis_refresh_start(refresh);
}

static void finish_realm(struct redis_refresh *refresh)
{
    if (!refresh->is_lost)
        take_over(refresh, &refresh->realms[refresh->at]);
    redis_lists_done(&refresh->incoming);
    refresh->at++;
    if (refresh->is_lost || refresh->at == refresh->realm_count)
        finish_round(refresh);
    else
        read_realm(refresh);
}

static void on_fetched(void *owner, const struct redis_reply *reply)
{
    struct fetch *fetch = owner;
    struct redis_refresh *refresh = fetch->refresh;
    if (reply == NULL)
        refresh->is_lost = true;
    else
        fetch->is_good = redis_lists_read(&refresh->incoming, fetch->item, reply);
    if (--refresh->outstanding == 0)
        finish_realm(refresh);
}

static bool ask(struct redis_refresh *refresh, struct text realm, struct fetch *fetch)
{
    struct redis_callback callback = {.done = on_fetched, .owner = fetch};
    struct redis_realm_command command;
    bool sent = redis_realm_command_init(&command, realm, fetch->item) &&
                redis_client_send(refresh->client, command.words, command.count, callback) == 0;
    redis_realm_command_done(&command);
    return sent;
}

static void read_realm(struct redis_refresh *refresh)
{
    struct text realm = refresh->realms[refresh->at].lists.realm;
    redis_lists_init(&refresh->incoming, realm);
    refresh->outstanding = 0;
    for (size_t i = 0; i < REALM_ITEMS && !refresh->is_lost; i++) {
        refresh->fetches[i] = (struct fetch){.refresh = refresh, .item = (enum redis_realm_item)i};
        if (ask(refresh, realm, &refresh->fetches[i]))
            refresh->outstanding++;
        else
            refresh->is_lost = true;
    }
    if (refresh->outstanding == 0)
        finish_realm(refresh);
}

void redis_refresh_start(struct redis_refresh *refresh)
{
    if (refresh->is_running) {
        refresh->again = true;
        return;
    }
    refresh->is_running = true;
    refresh->is_lost = false;
    refresh->at = 0;
    if (refresh->realm_count == 0)
        finish_round(refresh);
    else
        read_realm(refresh);
}

struct redis_refresh *redis_refresh_new(const struct redis_refresh_config *config)
{
    struct redis_refresh *refresh = calloc(1, sizeof(*refresh));
    size_t count = config->realm_count;
    if (refresh == NULL)
        return NULL;
    refresh->client = config->client;
    refresh->on_lists = config->on_lists;
    refresh->on_revoked = config->on_revoked;
    refresh->on_round = config->on_round;
    refresh->owner = config->owner;
    refresh->realms = calloc(count > 0 ? count : 1, sizeof(struct realm));
    if (refresh->realms == NULL) {
        free(refresh);
        return NULL;
    }
    for (; refresh->realm_count < count; refresh->realm_count++) {
        struct realm *realm = &refresh->realms[refresh->realm_count];
        struct text name = config->realms[refresh->realm_count];
        const char *copy = text_dup(name);
        if (copy == NULL) {
            redis_refresh_free(refresh);
            return NULL;
        }
        redis_lists_init(&realm->lists, text_of(copy, name.len));
    }
    return refresh;
}

void redis_refresh_free(struct redis_refresh *refresh)
{
    if (refresh == NULL)
        return;
    for (size_t i = 0; i < refresh->realm_count; i++) {
        free((char *)refresh->realms[i].lists.realm.data);
        redis_lists_done(&refresh->realms[i].lists);
    }
    free(refresh->realms);
    free(refresh);
}
