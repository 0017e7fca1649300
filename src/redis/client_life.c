/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "base/container.h"
#include "redis/client_state.h"

static void free_client(struct redis_client *client)
{
    for (size_t i = 0; i < client->channel_count; i++)
        free((char *)client->channels[i].data);
    free(client->channels);
    redis_queue_done(&client->pending);
    redis_endpoint_done(&client->endpoint);
    redis_tls_unref(client->tls);
    str_done(&client->failure);
    free(client);
}

static bool copy_channels(struct redis_client *client, const struct text *channels, size_t count)
{
    client->channels = calloc(count > 0 ? count : 1, sizeof(struct text));
    if (client->channels == NULL)
        return false;
    for (; client->channel_count < count; client->channel_count++) {
        size_t i = client->channel_count;
        client->channels[i] = text_of(text_dup(channels[i]), channels[i].len);
        if (client->channels[i].data == NULL)
            return false;
    }
    return true;
}

static size_t or_default(size_t value, size_t otherwise)
{
    return value > 0 ? value : otherwise;
}

static void set_limits(struct redis_client *client, const struct redis_client_config *config)
{
    size_t greeting = REDIS_GREETING_COMMANDS + config->channel_count;
    struct redis_limits *limits = &client->limits;

    *limits = config->limits;
    limits->command = or_default(limits->command, REDIS_DEFAULT_MAX_COMMAND);
    limits->unsent = or_default(limits->unsent, REDIS_DEFAULT_MAX_UNSENT);
    limits->pending = (unsigned)or_default(limits->pending, REDIS_DEFAULT_MAX_PENDING);
    if (limits->pending < greeting)
        limits->pending = (unsigned)greeting;
    client->idle_ms = (unsigned)or_default(config->idle_ms, REDIS_DEFAULT_IDLE_MS);
    client->back_off_ms = (unsigned)or_default(config->back_off_ms, REDIS_DEFAULT_BACK_OFF_MS);
    client->command_timeout_ms =
        (unsigned)or_default(config->command_timeout_ms, REDIS_DEFAULT_COMMAND_TIMEOUT_MS);
    client->endpoint.connect_timeout_ms =
        (unsigned)or_default(client->endpoint.connect_timeout_ms, REDIS_DEFAULT_CONNECT_TIMEOUT_MS);
}

static bool build(struct redis_client *client, const struct redis_client_config *config)
{
    if (redis_endpoint_copy(config->endpoint, &client->endpoint) != 0)
        return false;
    set_limits(client, config);
    return redis_queue_init(&client->pending, client->limits.pending) &&
           copy_channels(client, config->channels, config->channel_count);
}

int redis_client_open(
    uv_loop_t *loop, const struct redis_client_config *config, struct redis_client **out)
{
    if (config->endpoint->tls.is_wanted && config->tls == NULL)
        return -EINVAL; /* never in the open what was to be sealed */
    struct redis_client *client = calloc(1, sizeof(*client));
    if (client == NULL)
        return -ENOMEM;
    if (!build(client, config)) {
        free_client(client);
        return -ENOMEM;
    }
    client->loop = loop;
    client->name = config->name;
    client->tls = redis_tls_ref(config->tls);
    client->needs_master = config->needs_master;
    client->counters = config->counters != NULL ? config->counters : &client->own_counters;
    client->on_message = config->on_message;
    client->on_ready = config->on_ready;
    client->on_error = config->on_error;
    client->owner = config->owner;
    int error = uv_timer_init(loop, &client->timer);
    if (error != 0) {
        free_client(client);
        return error;
    }
    redis_client_connect(client);
    *out = client;
    return 0;
}

bool redis_client_is_ready(const struct redis_client *client)
{
    return client->state == CLIENT_READY;
}

const struct redis_counters *redis_client_counters(const struct redis_client *client)
{
    return client->counters;
}

const struct redis_endpoint *redis_client_endpoint(const struct redis_client *client)
{
    return &client->endpoint;
}

uint64_t redis_client_oldest_ms(const struct redis_client *client)
{
    const struct redis_pending *oldest = redis_queue_first(&client->pending);
    uint64_t now = uv_now(client->loop);
    return oldest != NULL && now > oldest->sent_ms ? now - oldest->sent_ms : 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
    free_client(CONTAINER_OF((uv_timer_t *)handle, struct redis_client, timer));
}

void redis_client_close(struct redis_client *client)
{
    if (client == NULL || client->is_closed)
        return;
    if (client->state == CLIENT_READY)
        counter_subtract(&client->counters->is_ready, 1);
    client->is_closed = true;
    client->state = CLIENT_WAITING;
    redis_client_disconnect(client);
    uv_close((uv_handle_t *)&client->timer, on_timer_closed);
}
