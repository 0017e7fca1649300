/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/turn_users.h"

#include <stdlib.h>

#include "base/container.h"
#include "base/log.h"
#include "redis/turn_find.h"
#include "redis/turn_refresh.h"

enum { LINES_PER_SECOND = 5 };

static const char channel_start[] = "turn/realm/", channel_end[] = "/revoke";

struct redis_turn {
    uv_loop_t *loop;
    unsigned refresh_ms;
    void (*on_lists)(void *owner, const struct redis_realm_lists *lists);
    void (*on_revoked)(void *owner, struct text realm, struct text user);
    void (*on_available)(void *owner, bool is_available);
    void *owner;

    struct redis_client *client;
    struct redis_client *subscriber;
    struct redis_refresh *refresh;
    uv_timer_t timer;
    bool is_available;
    struct log_limit limit; /* of lines about values */
};

static void set_available(struct redis_turn *turn, bool is_available)
{
    if (turn->is_available == is_available)
        return;
    turn->is_available = is_available;
    if (turn->on_available != NULL)
        turn->on_available(turn->owner, is_available);
}

/* --- lists --- */

static void on_timer(uv_timer_t *timer)
{
    struct redis_turn *turn = CONTAINER_OF(timer, struct redis_turn, timer);
    redis_refresh_start(turn->refresh);
}

static void on_round(void *owner, bool is_whole)
{
    struct redis_turn *turn = owner;
    if (!redis_client_is_ready(turn->client))
        return;
    if (is_whole)
        set_available(turn, true);
    uv_timer_start(&turn->timer, on_timer, turn->refresh_ms, 0);
}

static void on_lists(void *owner, const struct redis_realm_lists *lists)
{
    struct redis_turn *turn = owner;
    turn->on_lists(turn->owner, lists);
}

static void on_revoked(void *owner, struct text realm, struct text user)
{
    struct redis_turn *turn = owner;
    turn->on_revoked(turn->owner, realm, user);
}

static void on_ready(void *owner, bool is_ready)
{
    struct redis_turn *turn = owner;
    if (is_ready) {
        redis_refresh_start(turn->refresh);
        return;
    }
    uv_timer_stop(&turn->timer);
    set_available(turn, false);
}

/* --- revocations --- */

/* What was published while nobody listened is in the set, if the operator keeps it there. */
static void on_subscribed(void *owner, bool is_ready)
{
    struct redis_turn *turn = owner;
    if (is_ready && redis_client_is_ready(turn->client))
        redis_refresh_start(turn->refresh);
}

static void on_message(void *owner, struct text channel, struct text payload)
{
    struct redis_turn *turn = owner;
    size_t around = sizeof(channel_start) - 1 + sizeof(channel_end) - 1;
    if (channel.len < around || payload.len == 0)
        return;
    struct text realm = text_of(channel.data + sizeof(channel_start) - 1, channel.len - around);
    log_event(LOG_INFO, LOG_NO_CALL, "redis-revoke", "realm=%s user=%s", LOG_QUOTED(realm),
        LOG_QUOTED(payload));
    turn->on_revoked(turn->owner, realm, payload);
}

static int open_subscriber(
    struct redis_turn *turn, const struct redis_turn_config *config, struct text *channels)
{
    struct redis_client_config subscriber = {
        .endpoint = config->endpoint,
        .name = "turn-revocations",
        .command_timeout_ms = config->command_timeout_ms,
        .tls = config->tls,
        .channels = channels,
        .channel_count = config->realm_count,
        .on_message = on_message,
        .on_ready = on_subscribed,
        .owner = turn,
    };
    for (size_t i = 0; i < config->realm_count; i++) {
        struct str name = {.data = NULL};
        str_add_string(&name, channel_start);
        str_add(&name, config->realms[i]);
        str_add_string(&name, channel_end);
        size_t len = name.len;
        channels[i] = text_of(str_take(&name), len);
        if (channels[i].data == NULL)
            return -ENOMEM;
    }
    return redis_client_open(turn->loop, &subscriber, &turn->subscriber);
}

static int open_clients(struct redis_turn *turn, const struct redis_turn_config *config)
{
    struct redis_client_config users = {
        .endpoint = config->endpoint,
        .name = "turn-users",
        .command_timeout_ms = config->command_timeout_ms,
        .tls = config->tls,
        .on_ready = on_ready,
        .owner = turn,
    };
    int error = redis_client_open(turn->loop, &users, &turn->client);
    if (error != 0 || config->realm_count == 0)
        return error;
    struct text *channels = calloc(config->realm_count, sizeof(*channels));
    if (channels == NULL)
        return -ENOMEM;
    error = open_subscriber(turn, config, channels);
    for (size_t i = 0; i < config->realm_count; i++)
        free((char *)channels[i].data);
    free(channels);
    return error;
}

/* --- life --- */

int redis_turn_open(
    uv_loop_t *loop, const struct redis_turn_config *config, struct redis_turn **out)
{
    struct redis_turn *turn = calloc(1, sizeof(*turn));
    if (turn == NULL)
        return -ENOMEM;
    turn->loop = loop;
    turn->refresh_ms = config->refresh_ms > 0 ? config->refresh_ms : REDIS_TURN_DEFAULT_REFRESH_MS;
    turn->on_lists = config->on_lists;
    turn->on_revoked = config->on_revoked;
    turn->on_available = config->on_available;
    turn->owner = config->owner;
    int error = uv_timer_init(loop, &turn->timer);
    if (error != 0) {
        free(turn);
        return error;
    }
    error = open_clients(turn, config);
    struct redis_refresh_config refresh = {
        .client = turn->client,
        .realms = config->realms,
        .realm_count = config->realm_count,
        .on_lists = on_lists,
        .on_revoked = on_revoked,
        .on_round = on_round,
        .owner = turn,
    };
    if (error == 0)
        turn->refresh = redis_refresh_new(&refresh);
    if (error != 0 || turn->refresh == NULL) {
        redis_turn_close(turn);
        return error != 0 ? error : -ENOMEM;
    }
    *out = turn;
    return 0;
}

struct redis_client *redis_turn_client(struct redis_turn *turn)
{
    return turn->client;
}

void redis_turn_say_unusable(struct redis_turn *turn, struct text key, struct text why)
{
    unsigned suppressed;
    if (log_limit_passes(&turn->limit, LINES_PER_SECOND, uv_now(turn->loop), &suppressed))
        log_event(LOG_ERR, LOG_NO_CALL, "redis-bad-value", "key=%s why=%s suppressed=%u",
            LOG_QUOTED(key), LOG_QUOTED(why), suppressed);
}

bool redis_turn_is_available(const struct redis_turn *turn)
{
    return turn->is_available;
}

const struct redis_counters *redis_turn_counters(const struct redis_turn *turn)
{
    return redis_client_counters(turn->client);
}

const struct redis_counters *redis_turn_subscriber_counters(const struct redis_turn *turn)
{
    return turn->subscriber != NULL ? redis_client_counters(turn->subscriber) : NULL;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(CONTAINER_OF((uv_timer_t *)handle, struct redis_turn, timer));
}

void redis_turn_close(struct redis_turn *turn)
{
    if (turn == NULL)
        return;
    redis_client_close(turn->subscriber);
    redis_client_close(turn->client); /* ends a round that is under way */
    redis_refresh_free(turn->refresh);
    uv_close((uv_handle_t *)&turn->timer, on_timer_closed);
}
