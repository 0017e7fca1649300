/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/sentinels.h"

#include <errno.h>
#include <stdlib.h>

#include "base/container.h"
#include "base/log.h"

enum {
    CALM_MS = 1000,
    HURRY_MS = 200,
    ROUND_MS = 300, /* who has not answered by then has no vote */
    ANSWER_MS = 1000,
    MAX_HOST = 255,
};

struct sentinel {
    struct redis_sentinels *all;
    struct redis_client *client;
    bool is_asked; /* in this round or one before, and has not answered */
    bool has_vote; /* in this round */
    uint16_t port;
    char host[MAX_HOST + 1];
};

struct redis_sentinels {
    struct redis_sentinels_config config;
    uv_timer_t timer; /* until the end of a round, or the start of the next */
    char *name;       /* in the log */
    bool in_round;
    bool in_a_hurry;
    bool is_closing;
    bool said_unknown;
    size_t count;
    struct sentinel list[REDIS_MAX_HOSTS];
};

static void on_timer(uv_timer_t *timer);

static void wait(struct redis_sentinels *all, uint64_t ms)
{
    if (!all->is_closing)
        uv_timer_start(&all->timer, on_timer, ms, 0);
}

/* --- votes --- */

static bool agree(const struct sentinel *a, const struct sentinel *b)
{
    return a->has_vote && b->has_vote && a->port == b->port && strcmp(a->host, b->host) == 0;
}

static const struct sentinel *choose(const struct redis_sentinels *all)
{
    const struct sentinel *best = NULL;
    unsigned most = 0;
    for (size_t i = 0; i < all->count; i++) {
        unsigned votes = 0;
        for (size_t j = 0; j < all->count; j++)
            votes += agree(&all->list[i], &all->list[j]);
        if (votes > most) {
            most = votes;
            best = &all->list[i];
        }
    }
    return best;
}

static void end_round(struct redis_sentinels *all)
{
    const struct sentinel *best = choose(all);
    all->in_round = false;
    wait(all, all->in_a_hurry ? HURRY_MS : CALM_MS);
    if (best != NULL)
        all->config.on_master(all->config.owner, best->host, best->port);
}

static void end_round_when_all_have_answered(struct redis_sentinels *all)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].is_asked)
            return;
    if (all->in_round)
        end_round(all);
}

/* --- asking --- */

/* Once, not in each round. */
static void say_unknown(struct redis_sentinels *all, struct text why)
{
    if (!all->said_unknown)
        log_event(LOG_ERR, LOG_NO_CALL, "redis-sentinel", "for=%s service=%s why=%s", all->name,
            LOG_QUOTED(text_from(all->config.router->target.service)), LOG_QUOTED(why));
    all->said_unknown = true;
}

static bool read_master(struct sentinel *sentinel, const struct redis_reply *reply)
{
    uint64_t port;
    if (reply->kind != REDIS_ARRAY || reply->count != 2)
        return false;
    struct text host = reply->items[0]->text;
    if (host.len == 0 || host.len > MAX_HOST || memchr(host.data, '\0', host.len) != NULL ||
        !text_to_u64(reply->items[1]->text, UINT16_MAX, &port) || port == 0)
        return false;
    memcpy(sentinel->host, host.data, host.len);
    sentinel->host[host.len] = '\0';
    sentinel->port = (uint16_t)port;
    return true;
}

static void on_answer(void *owner, const struct redis_reply *reply)
{
    struct sentinel *sentinel = owner;
    struct redis_sentinels *all = sentinel->all;
    sentinel->is_asked = false;
    if (all->is_closing)
        return;
    if (reply != NULL && all->in_round) {
        sentinel->has_vote = read_master(sentinel, reply);
        if (sentinel->has_vote)
            all->said_unknown = false;
        else
            say_unknown(all,
                reply->kind == REDIS_ERROR ? reply->text : TEXT("the Sentinel does not know it"));
    }
    end_round_when_all_have_answered(all);
}

static void ask(struct sentinel *sentinel)
{
    const struct redis_callback callback = {.done = on_answer, .owner = sentinel};
    const struct text words[] = {TEXT("SENTINEL"), TEXT("get-master-addr-by-name"),
        text_from(sentinel->all->config.router->target.service)};
    sentinel->has_vote = false;
    if (!sentinel->is_asked)
        sentinel->is_asked =
            redis_client_send(sentinel->client, words, COUNT_OF(words), callback) == 0;
}

static void start_round(struct redis_sentinels *all)
{
    bool any = false;
    for (size_t i = 0; i < all->count; i++) {
        ask(&all->list[i]);
        any = any || all->list[i].is_asked;
    }
    all->in_round = any;
    wait(all, any ? ROUND_MS : CALM_MS);
}

static void on_timer(uv_timer_t *timer)
{
    struct redis_sentinels *all = CONTAINER_OF(timer, struct redis_sentinels, timer);
    if (all->in_round)
        end_round(all);
    else
        start_round(all);
}

/* The first that can be asked is asked at once. */
static void on_ready(void *owner, bool is_ready)
{
    struct sentinel *sentinel = owner;
    if (is_ready && !sentinel->all->in_round)
        wait(sentinel->all, 0);
}

void redis_sentinels_hurry(struct redis_sentinels *all, bool in_a_hurry)
{
    if (in_a_hurry && !all->in_a_hurry && !all->in_round)
        wait(all, 0);
    all->in_a_hurry = in_a_hurry;
}

/* --- life --- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct redis_sentinels *all = CONTAINER_OF((uv_timer_t *)handle, struct redis_sentinels, timer);
    free(all->name);
    free(all);
}

void redis_sentinels_close(struct redis_sentinels *all)
{
    if (all == NULL)
        return;
    all->is_closing = true;
    for (size_t i = 0; i < all->count; i++)
        redis_client_close(all->list[i].client);
    uv_close((uv_handle_t *)&all->timer, on_timer_closed);
}

static int open_one(struct redis_sentinels *all, const struct redis_host *host)
{
    struct redis_router *router = all->config.router;
    struct sentinel *sentinel = &all->list[all->count];
    struct redis_endpoint endpoint;
    struct redis_client_config config =
        redis_router_client(router, host->name, host->port, &endpoint);

    endpoint.db = 0;
    endpoint.user = router->target.sentinel_user;
    endpoint.password = router->target.sentinel_password;
    config.name = all->name;
    config.counters = NULL;
    config.limits = (struct redis_limits){0};
    if (config.command_timeout_ms > ANSWER_MS)
        config.command_timeout_ms = ANSWER_MS;
    config.on_ready = on_ready;
    config.owner = sentinel;
    sentinel->all = all;
    int error = redis_client_open(router->loop, &config, &sentinel->client);
    if (error == 0)
        all->count++;
    return error;
}

static char *name_of(const struct redis_router *router)
{
    struct str name = {.data = NULL};
    str_addf(&name, "%s-sentinel", router->config.name);
    return str_take(&name);
}

int redis_sentinels_open(const struct redis_sentinels_config *config, struct redis_sentinels **out)
{
    const struct redis_target *target = &config->router->target;
    struct redis_sentinels *all = calloc(1, sizeof(*all));
    if (all == NULL)
        return -ENOMEM;
    all->config = *config;
    all->in_a_hurry = true;
    all->name = name_of(config->router);
    int error = all->name != NULL ? uv_timer_init(config->router->loop, &all->timer) : -ENOMEM;
    if (error != 0) {
        free(all->name);
        free(all);
        return error;
    }
    for (size_t i = 0; i < target->host_count && error == 0; i++)
        error = open_one(all, &target->hosts[i]);
    if (error != 0)
        redis_sentinels_close(all);
    else
        *out = all;
    return error;
}
