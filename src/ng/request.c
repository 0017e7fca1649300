/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: how they end. */
#include "ng/request.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "ng/encode.h"
#include "ng/state.h"

enum { OPTIONAL_SIZE = LOG_QUOTED_SIZE + 16 };

const struct ng_server_config *ng_config(const struct ng_request *request)
{
    return &request->server->config;
}

struct sessions *ng_sessions(const struct ng_request *request)
{
    return request->server->config.sessions;
}

int64_t ng_wall_us(const struct ng_request *request)
{
    return request->server->config.wall_us();
}

const struct ng_counters *ng_counters(const struct ng_request *request)
{
    return &request->server->counters;
}

void ng_read_options(struct ng_request *request)
{
    ng_options_read(request->in, &request->arena, &request->options, &request->ignored);
}

void ng_request_free(struct ng_request *request)
{
    const struct ng_elsewhere *elsewhere = request->server->config.elsewhere;
    if (request->asks_elsewhere)
        elsewhere->cancel(elsewhere->owner, request);
    ng_forward_cancel(&request->held.forward);
    if (request->server->forwards != NULL)
        ng_forwarder_not_later(
            ng_forward_loop_forwarder(request->server->forwards), &request->held.look_again);
    list_remove(&request->link);
    ng_arena_done(&request->arena);
    free(request->datagram);
    free(request);
}

/* --- the log --- */

static void log_ignored(const struct ng_request *request)
{
    unsigned suppressed;
    if (request->ignored.words[0] == '\0' ||
        !log_limit_passes(&request->server->ignored_limit, IGNORED_LINES_PER_SECOND,
            request->server->config.now_us() / 1000, &suppressed))
        return;
    log_event(LOG_NOTICE, request->call_id, "ng-ignored", "command=%s words=%s suppressed=%u",
        LOG_QUOTED(request->command_name), LOG_QUOTED(text_from(request->ignored.words)),
        suppressed);
}

/* " key=value", or nothing when there is no value. */
static const char *optional(const char *key, struct text value, char out[OPTIONAL_SIZE])
{
    out[0] = '\0';
    if (value.len > 0)
        snprintf(out, OPTIONAL_SIZE, " %s=%s", key, LOG_QUOTED(value));
    return out;
}

/* Which nodes have had a part in it. */
static const char *ways(const struct ng_request *request, char out[2 * OPTIONAL_SIZE])
{
    char from[OPTIONAL_SIZE], to[OPTIONAL_SIZE];
    struct text sender = TEXT("");
    if (!ng_get_text(request->in, NG_FORWARDED_KEY, &sender))
        sender = TEXT("");
    snprintf(out, 2 * OPTIONAL_SIZE, "%s%s", optional("forwarded-from", sender, from),
        optional("forwarded-to", request->held.node, to));
    return out;
}

static void log_end(
    const struct ng_request *request, const char *result, const char *reason, uint64_t us)
{
    char source[ADDRESS_TEXT_SIZE], why[OPTIONAL_SIZE], warned[OPTIONAL_SIZE];
    char nodes[2 * OPTIONAL_SIZE];
    const struct ng_command *command = request->command;
    bool is_ping = command != NULL && command->verb == NG_VERB_PING;
    struct text warning = TEXT("");
    int level = is_ping ? LOG_DEBUG : LOG_INFO;
    if (ng_get_text(request->out, "warning", &warning))
        level = LOG_NOTICE;
    address_text(&request->source.peer.remote, source);
    log_ignored(request);
    if (reason == NULL)
        log_event(level, request->call_id, "ng", "command=%s result=%s%s%s ms=%.3f source=%s",
            LOG_QUOTED(request->command_name), LOG_QUOTED(text_from(result)),
            optional("warning", warning, warned), ways(request, nodes), (double)us / 1000, source);
    else
        log_event(LOG_NOTICE, request->call_id, "ng",
            "command=%s result=%s reason=%s%s%s ms=%.3f source=%s",
            LOG_QUOTED(request->command_name), result, LOG_QUOTED(text_from(reason)),
            optional("why", text_from(request->why), why), ways(request, nodes), (double)us / 1000,
            source);
}

/* --- ends --- */

static void encode(struct ng_request *request, struct writer *w)
{
    bool truncated = false;
    if (request->out != NULL && ng_arena_ok(&request->arena))
        ng_encode(w, request->cookie, request->is_json, &request->arena, request->out, &truncated);
    else
        w->failed = true;
    counter_add(&request->server->counters.truncated, truncated);
}

/* A reply for when there is no memory for a better one, or none that fits. */
static void encode_bare_error(const struct ng_request *request, struct writer *w)
{
    static const char bencode[] = " d6:result5:error12:error-reason15:Reply too largee";
    static const char json[] = " {\"result\":\"error\",\"error-reason\":\"Reply too large\"}";
    *w = writer_over(w->data, w->capacity);
    writer_put(w, request->cookie);
    writer_put(w, text_bytes(text_from(request->is_json ? json : bencode)));
}

static void end(struct ng_request *request, const char *result, const char *reason)
{
    struct ng_server *server = request->server;
    struct writer w = writer_over(server->reply, sizeof(server->reply));

    ng_put_string(&request->arena, request->out, TEXT("result"), text_from(result));
    if (reason != NULL)
        ng_put_string(&request->arena, request->out, TEXT("error-reason"), text_from(reason));
    encode(request, &w);
    if (!writer_ok(&w)) {
        reason = "Reply too large";
        result = "error";
        encode_bare_error(request, &w);
    }

    uint64_t now_us = server->config.now_us();
    uint64_t us = now_us - request->started_us;
    ng_counters_add(&server->counters, &request->source.peer.remote,
        request->command != NULL ? &request->command->verb : NULL, reason != NULL, us);
    log_end(request, result, reason, us);
    cookie_cache_finish(server->cache, request->cookie, writer_bytes(&w), now_us / 1000);
    ng_request_free(request);
}

void ng_finish(struct ng_request *request, const char *result)
{
    end(request, result, NULL);
}

void ng_fail(struct ng_request *request, const char *reason)
{
    end(request, "error", reason);
}

static bool supports_load_limit(const struct ng_request *request)
{
    struct ng_items it = ng_items_of(ng_get(request->in, "supports"));
    struct text item;
    while (ng_next_item(&it, &item))
        if (ng_name_is(item, "load limit"))
            return true;
    return false;
}

void ng_refuse(struct ng_request *request, const char *reason)
{
    if (!supports_load_limit(request)) {
        ng_fail(request, reason);
        return;
    }
    ng_put_string(&request->arena, request->out, TEXT("message"), text_from(reason));
    ng_finish(request, "load limit");
}
