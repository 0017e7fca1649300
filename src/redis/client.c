/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "base/container.h"
#include "base/log.h"
#include "base/random.h"
#include "redis/client_state.h"

enum {
    BACK_OFF_MIN_MS = 100,
    STABLE_MS = 10000, /* a connection that lived so long starts the back-off anew */
};

static void give_up(struct redis_client *client, struct text why);
static void on_timer(uv_timer_t *timer);

static bool is_subscriber(const struct redis_client *client)
{
    return client->channel_count > 0;
}

/* --- time --- */

static uint64_t next_due(const struct redis_client *client)
{
    if (client->state != CLIENT_READY)
        return client->deadline_ms;
    if (client->is_spoiled)
        return 0;
    const struct redis_pending *oldest = redis_queue_first(&client->pending);
    return oldest != NULL ? oldest->sent_ms + client->command_timeout_ms
                          : client->heard_ms + client->idle_ms;
}

static void arm(struct redis_client *client)
{
    uint64_t now = uv_now(client->loop);
    uint64_t due = next_due(client);
    uv_timer_start(&client->timer, on_timer, due > now ? due - now : 0, 0);
}

/* Half of it is chance, so that the daemons of a fleet do not all come back at once. */
static uint64_t back_off_ms(const struct redis_client *client)
{
    uint64_t longest = (uint64_t)BACK_OFF_MIN_MS << (client->attempts < 10 ? client->attempts : 10);
    if (longest > client->back_off_ms)
        longest = client->back_off_ms;
    return longest / 2 + random_below((uint32_t)longest / 2 + 1);
}

/* --- sending --- */

/* Sends and expects one reply. */
static int send_block(
    struct redis_client *client, struct redis_block *command, struct redis_callback callback)
{
    struct redis_pending entry = {.callback = callback, .sent_ms = uv_now(client->loop)};
    size_t unsent = redis_link_unsent(client->link);
    if (unsent > 0 && unsent + command->len > client->limits.unsent)
        return -EAGAIN;
    if (!redis_queue_push(&client->pending, entry))
        return -EAGAIN;
    int error = redis_link_write(client->link, command);
    if (error != 0) {
        redis_queue_unpush(&client->pending);
        client->is_spoiled = true;
        arm(client);
        return error;
    }
    counter_add(&client->counters->commands, 1);
    return 0;
}

static int send_words(struct redis_client *client, const struct text *words, size_t count,
    struct redis_callback callback)
{
    if (!redis_words_fit(words, count, client->limits.command))
        return -E2BIG;
    struct redis_block *command = redis_command_new(words, count);
    int error = command != NULL ? send_block(client, command, callback) : -ENOMEM;
    redis_block_unref(command);
    return error;
}

static int taken_or_refused(struct redis_client *client, int error)
{
    if (error != 0)
        counter_add(&client->counters->refused, 1);
    else
        arm(client);
    return error;
}

static bool takes_commands(const struct redis_client *client)
{
    return client->state == CLIENT_READY && !is_subscriber(client);
}

int redis_client_send(struct redis_client *client, const struct text *words, size_t count,
    struct redis_callback callback)
{
    return taken_or_refused(
        client, takes_commands(client) ? send_words(client, words, count, callback) : -ENOTCONN);
}

int redis_client_send_block(
    struct redis_client *client, struct redis_block *command, struct redis_callback callback)
{
    return taken_or_refused(
        client, takes_commands(client) ? send_block(client, command, callback) : -ENOTCONN);
}

/* --- the greeting --- */

static void become_ready(struct redis_client *client)
{
    client->state = CLIENT_READY;
    client->ready_since_ms = uv_now(client->loop);
    counter_add(&client->counters->connects, 1);
    counter_add(&client->counters->is_ready, 1);
    log_event(LOG_NOTICE, LOG_NO_CALL, "redis-ready", "for=%s host=%s port=%u db=%u", client->name,
        LOG_QUOTED(text_from(client->endpoint.host)), client->endpoint.port, client->endpoint.db);
    str_reset(&client->failure);
    if (client->on_ready != NULL)
        client->on_ready(client->owner, true);
}

/* To ROLE, which alone is answered so. */
static bool says_replica(const struct redis_client *client, const struct redis_reply *reply)
{
    return client->needs_master && reply->kind == REDIS_ARRAY &&
           (reply->count == 0 || !text_is(reply->items[0]->text, "master"));
}

/* Who does not know AUTH repeats what came with it. */
static struct text without_arguments(struct text error)
{
    static const char start[] = ", with args";
    const char *at = memmem(error.data, error.len, start, sizeof(start) - 1);
    return at != NULL ? text_of(error.data, (size_t)(at - error.data)) : error;
}

/* Each reply of the greeting; the last makes it READY. */
static void on_greeted(void *owner, const struct redis_reply *reply)
{
    struct redis_client *client = owner;
    if (reply == NULL || client->state != CLIENT_GREETING)
        return;
    if (reply->kind == REDIS_ERROR)
        give_up(client, without_arguments(reply->text));
    else if (says_replica(client, reply))
        give_up(client, TEXT("not a master"));
    else if (client->pending.count == 0)
        become_ready(client);
}

static void on_ponged(void *owner, const struct redis_reply *reply)
{
    (void)owner;
    (void)reply; /* that it came is enough */
}

static int greet(struct redis_client *client)
{
    const struct redis_callback callback = {.done = on_greeted, .owner = client};
    struct text user = text_from(client->endpoint.user);
    struct text password = text_from(client->endpoint.password);
    char db[16];
    int error = 0;

    if (user.len > 0)
        error = send_words(client, (struct text[]){TEXT("AUTH"), user, password}, 3, callback);
    else if (password.len > 0)
        error = send_words(client, (struct text[]){TEXT("AUTH"), password}, 2, callback);
    if (error == 0 && client->endpoint.db != 0) {
        snprintf(db, sizeof(db), "%u", client->endpoint.db);
        error = send_words(client, (struct text[]){TEXT("SELECT"), text_from(db)}, 2, callback);
    }
    if (error == 0 && client->needs_master)
        error = send_words(client, (struct text[]){TEXT("ROLE")}, 1, callback);
    for (size_t i = 0; i < client->channel_count && error == 0; i++)
        error = send_words(
            client, (struct text[]){TEXT("SUBSCRIBE"), client->channels[i]}, 2, callback);
    /* Also tells a Redis that wants a password, or is still loading its data. */
    return error == 0 ? send_words(client, (struct text[]){TEXT("PING")}, 1, callback) : error;
}

static void on_connected(void *owner)
{
    struct redis_client *client = owner;
    client->state = CLIENT_GREETING;
    int error = greet(client);
    if (error != 0)
        give_up(client, text_from(uv_strerror(error)));
}

/* --- receiving --- */

static bool is_message(const struct redis_reply *reply)
{
    return reply->kind == REDIS_ARRAY && reply->count == 3 &&
           text_is(reply->items[0]->text, "message");
}

static void handle_reply(struct redis_client *client, const struct redis_reply *reply)
{
    if (is_subscriber(client) && is_message(reply)) {
        counter_add(&client->counters->messages, 1);
        client->on_message(client->owner, reply->items[1]->text, reply->items[2]->text);
        return;
    }
    if (client->pending.count == 0) {
        give_up(client, TEXT("a reply to nothing"));
        return;
    }
    struct redis_pending entry = redis_queue_pop(&client->pending);
    if (reply->kind == REDIS_ERROR) {
        counter_add(&client->counters->errors, 1);
        if (client->on_error != NULL)
            client->on_error(client->owner, reply->text);
    }
    entry.callback.done(entry.callback.owner, reply);
}

static void on_received(void *owner, struct bytes data)
{
    struct redis_client *client = owner;
    bool broken = !redis_stream_feed(client->stream, data);

    client->heard_ms = uv_now(client->loop);
    while (!broken) {
        struct redis_reply *reply = redis_stream_next(client->stream, &broken);
        if (reply == NULL)
            break;
        handle_reply(client, reply);
        redis_reply_free(reply);
        if (client->link == NULL)
            return; /* given up */
    }
    if (broken)
        give_up(client, TEXT("no Redis, or a reply over the limits"));
    else
        arm(client);
}

static void on_failed(void *owner, const char *why)
{
    give_up(owner, text_from(why));
}

/* --- states --- */

void redis_client_connect(struct redis_client *client)
{
    const struct redis_link_events events = {
        .connected = on_connected,
        .received = on_received,
        .failed = on_failed,
        .owner = client,
    };
    const struct redis_reply_limits limits = {client->limits.string, client->limits.reply};
    client->state = CLIENT_CONNECTING;
    client->is_spoiled = false;
    client->deadline_ms = uv_now(client->loop) + client->endpoint.connect_timeout_ms;
    client->heard_ms = uv_now(client->loop);
    client->stream = redis_stream_new(limits);
    int error = client->stream == NULL
                    ? -ENOMEM
                    : redis_link_open(client->loop, client->endpoint.host, client->endpoint.port,
                          client->tls, &events, &client->link);
    if (error != 0)
        give_up(client, text_from(uv_strerror(error)));
    else
        arm(client);
}

void redis_client_disconnect(struct redis_client *client)
{
    redis_link_close(client->link);
    redis_stream_free(client->stream);
    client->link = NULL;
    client->stream = NULL;
    /* Only those of now: a callback cannot add one, for there is no connection. */
    while (client->pending.count > 0) {
        struct redis_pending entry = redis_queue_pop(&client->pending);
        entry.callback.done(entry.callback.owner, NULL);
    }
}

/* Once for each reason, not for each attempt. */
static void say_failure(struct redis_client *client, struct text why)
{
    if (text_equal(str_text(&client->failure), why))
        return;
    str_reset(&client->failure);
    str_add(&client->failure, why);
    log_event(LOG_WARNING, LOG_NO_CALL, "redis-away", "for=%s host=%s port=%u why=%s", client->name,
        LOG_QUOTED(text_from(client->endpoint.host)), client->endpoint.port, LOG_QUOTED(why));
}

static void give_up(struct redis_client *client, struct text why)
{
    bool was_ready = client->state == CLIENT_READY;
    uint64_t now = uv_now(client->loop);

    counter_add(&client->counters->failures, 1);
    if (was_ready)
        counter_subtract(&client->counters->is_ready, 1);
    say_failure(client, why);
    if (was_ready && now - client->ready_since_ms >= STABLE_MS)
        client->attempts = 0;
    client->state = CLIENT_WAITING;
    client->deadline_ms = now + back_off_ms(client);
    client->attempts++;
    redis_client_disconnect(client);
    if (client->is_closed)
        return; /* by one of those called back */
    arm(client);
    if (was_ready && client->on_ready != NULL)
        client->on_ready(client->owner, false);
}

void redis_client_drop(struct redis_client *client, struct text why)
{
    if (client->state != CLIENT_WAITING)
        give_up(client, why);
}

static void check_ready(struct redis_client *client, uint64_t now)
{
    const struct redis_callback ponged = {.done = on_ponged, .owner = client};
    if (now < next_due(client)) {
        arm(client);
        return;
    }
    if (client->is_spoiled) {
        give_up(client, TEXT("out of memory"));
        return;
    }
    if (client->pending.count > 0) {
        counter_add(&client->counters->timeouts, 1);
        give_up(client, TEXT("no answer in time"));
        return;
    }
    int error = send_words(client, (struct text[]){TEXT("PING")}, 1, ponged);
    if (error != 0)
        give_up(client, text_from(uv_strerror(error)));
    else
        arm(client);
}

static void on_timer(uv_timer_t *timer)
{
    struct redis_client *client = CONTAINER_OF(timer, struct redis_client, timer);
    switch (client->state) {
    case CLIENT_WAITING:
        redis_client_connect(client);
        break;
    case CLIENT_CONNECTING:
    case CLIENT_GREETING:
        counter_add(&client->counters->timeouts, 1);
        give_up(client, TEXT("no answer in time"));
        break;
    case CLIENT_READY:
        check_ready(client, uv_now(client->loop));
        break;
    }
}
