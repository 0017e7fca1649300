/* SPDX-License-Identifier: Apache-2.0 */
/* Users, secrets, peer lists and revocations from Redis. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/container.h"
#include "base/log.h"
#include "daemon/turn_state.h"
#include "net/name_lookup.h"
#include "net/sockaddr.h"
#include "redis/target.h"

/* How long an answer is good. A user that was not there may be made any moment. */
enum { PRESENT_S = 60, ABSENT_S = 3 };

/* --- one user ----------------------------------------------------------------------------------
 */

struct question {
    struct turn_service *service;
    struct turnserver_lookup *lookup;
};

static void on_user(void *owner, const struct redis_user *user)
{
    struct question *q = owner;
    struct user_cache *cache = q->service->circumstances.cache;
    int64_t now_s = time(NULL);

    if (user->found == REDIS_FOUND &&
        !user_cache_put(cache, user->realm, user->name, user->stored, now_s + PRESENT_S))
        log_event(LOG_WARNING, LOG_NO_CALL, "turn-user",
            "user=%s realm=%s why=\"neither a password nor a key\"", LOG_QUOTED(user->name),
            LOG_QUOTED(user->realm));
    if (user->found == REDIS_ABSENT)
        user_cache_put_absent(cache, user->realm, user->name, now_s + ABSENT_S);
    turnserver_lookup_done(q->lookup);
    free(q);
}

void turn_redis_lookup(void *owner, struct turnserver_lookup *lookup)
{
    struct turn_service *s = owner;
    struct question *q = s->redis == NULL ? NULL : malloc(sizeof(*q));
    if (q == NULL) {
        turnserver_lookup_done(lookup);
        return;
    }
    *q = (struct question){.service = s, .lookup = lookup};
    redis_turn_find_user(
        s->redis, turnserver_lookup_realm(lookup), turnserver_lookup_username(lookup), on_user, q);
}

/* --- lists of a realm --------------------------------------------------------------------------
 */

static void read_ranges(
    const struct redis_names *names, struct text realm, struct address_ranges *out)
{
    address_ranges_done(out);
    for (size_t i = 0; i < names->count; i++) {
        struct address_range range;
        const char *wrong = address_range_parse(names->list[i], &range);
        if (wrong != NULL)
            log_event(LOG_WARNING, LOG_NO_CALL, "turn-peers", "realm=%s entry=%s why=\"%s\"",
                LOG_QUOTED(realm), LOG_QUOTED(names->list[i]), wrong);
        else if (address_ranges_add(out, &range) != 0)
            break;
    }
    address_ranges_seal(out);
}

/* Peer lists and limits are those of the default realm; secrets and users of each. */
static void on_lists(void *owner, const struct redis_realm_lists *lists)
{
    struct turn_service *s = owner;
    struct turn_circumstances *c = &s->circumstances;
    bool is_default = text_equal(lists->realm, s->own.config->turn_lists.realms.list[0]);

    if (!user_cache_set_secrets(c->cache, lists->realm, lists->secrets.list, lists->secrets.count))
        log_event(LOG_ERR, LOG_NO_CALL, "turn-secrets", "realm=%s why=\"out of memory\"",
            LOG_QUOTED(lists->realm));
    turn_revoked_set(&s->revoked, lists->realm, lists->revoked.list, lists->revoked.count);
    log_event(LOG_INFO, LOG_NO_CALL, "turn-lists",
        "realm=%s secrets=%zu allowed-peers=%zu denied-peers=%zu revoked=%zu",
        LOG_QUOTED(lists->realm), lists->secrets.count, lists->allowed_peers.count,
        lists->denied_peers.count, lists->revoked.count);
    if (!is_default)
        return;
    read_ranges(&lists->allowed_peers, lists->realm, &c->allowed);
    read_ranges(&lists->denied_peers, lists->realm, &c->denied);
    c->max_bps = lists->max_bps;
    c->total_quota = lists->total_quota;
    c->user_quota = lists->user_quota;
    turn_service_refresh(s, "redis");
}

static void on_killed(void *owner, size_t count)
{
    (void)owner;
    log_event(LOG_NOTICE, LOG_NO_CALL, "turn-revoked", "allocations=%zu", count);
}

static void on_revoked(void *owner, struct text realm, struct text user)
{
    struct turn_service *s = owner;
    user_cache_forget(s->circumstances.cache, realm, user);
    if (turnserver_kill(s->server, 0, user, realm, on_killed, s) != 0)
        log_event(LOG_ERR, LOG_NO_CALL, "turn-revoked", "user=%s why=\"out of memory\"",
            LOG_QUOTED(user));
}

/* --- where it is --- */

struct named_host {
    struct list link; /* in turn_service.redis_hosts */
    struct turn_service *service;
    struct name_lookup *lookup;
    uint16_t port;
};

/* An address of Redis is protected: no client reaches it through a relayed address. */
static void protect(struct turn_service *s, struct address address, uint16_t port)
{
    struct turn_circumstances *c = &s->circumstances;
    if (c->redis_count == COUNT_OF(c->redis))
        return;
    address.port = port;
    c->redis[c->redis_count++] = address;
}

static void free_host(struct named_host *host)
{
    list_remove(&host->link);
    free(host);
}

static void on_host(void *owner, int status, struct addrinfo *found)
{
    struct named_host *host = owner;
    struct turn_service *s = host->service;
    for (const struct addrinfo *at = found; at != NULL; at = at->ai_next) {
        struct sockaddr_storage storage = {0};
        struct address address;
        memcpy(&storage, at->ai_addr, at->ai_addrlen);
        if (address_from_sockaddr(&storage, &address))
            protect(s, address, host->port);
    }
    free_host(host);
    if (status != 0)
        return;
    freeaddrinfo(found);
    turn_service_refresh(s, "redis-address");
}

static void note_address(struct turn_service *s, const char *name, uint16_t port)
{
    struct address address;
    if (address_parse(text_from(name), &address)) {
        protect(s, address, port);
        return;
    }
    struct named_host *host = calloc(1, sizeof(*host));
    if (host == NULL)
        return;
    *host = (struct named_host){.service = s, .port = port};
    list_push_back(&s->redis_hosts, &host->link);
    if (name_lookup_start(s->own.loop, name, NULL, on_host, host, &host->lookup) != 0)
        free_host(host);
}

/* Those that the fleet shares its calls in. What they lead to beyond is for denied-peer-ip. */
static void note_fleet(struct turn_service *s)
{
    const char *spec = s->own.config->fleet.redis;
    struct redis_target target = {.topology = REDIS_SINGLE};
    struct str why = {0};
    if (spec[0] != '\0' && redis_target_parse(text_from(spec), &target, &why) == 0)
        for (size_t i = 0; i < target.host_count; i++)
            note_address(s, target.hosts[i].name, target.hosts[i].port);
    redis_target_done(&target);
    str_done(&why);
}

static int open_turn(struct turn_service *s, const struct redis_endpoint *endpoint, struct str *why)
{
    const struct daemon_config *config = s->own.config;
    struct redis_tls *tls;
    int error = redis_tls_wanted(&endpoint->tls, NULL, &tls, why);
    if (error != 0)
        return error;
    struct redis_turn_config redis = {
        .endpoint = endpoint,
        .tls = tls,
        .realms = config->turn_lists.realms.list,
        .realm_count = config->turn_lists.realms.count,
        .refresh_ms = (unsigned)config->turn.redis_refresh_interval_s * 1000,
        .on_lists = on_lists,
        .on_revoked = on_revoked,
        .owner = s,
    };
    error = redis_turn_open(s->own.loop, &redis, &s->redis);
    redis_tls_unref(tls);
    if (error != 0)
        str_addf(why, "cannot start the Redis client: %s", uv_strerror(error));
    return error;
}

int turn_redis_open(struct turn_service *s, struct str *why)
{
    const struct daemon_config *config = s->own.config;
    struct redis_endpoint endpoint;
    note_fleet(s);
    if (config->turn.redis_userdb[0] == '\0')
        return 0;
    int error = redis_endpoint_parse(text_from(config->turn.redis_userdb), &endpoint, why);
    if (error != 0)
        return error;
    note_address(s, endpoint.host, endpoint.port);
    error = open_turn(s, &endpoint, why);
    redis_endpoint_done(&endpoint);
    return error;
}

void turn_redis_close(struct turn_service *s)
{
    struct redis_turn *redis = s->redis;
    list_for_each_safe (at, &s->redis_hosts) {
        struct named_host *host = CONTAINER_OF(at, struct named_host, link);
        name_lookup_cancel(host->lookup);
        free_host(host);
    }
    s->redis = NULL; /* look-ups that come now are done at once */
    redis_turn_close(redis);
}
