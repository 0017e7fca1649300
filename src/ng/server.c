/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/server.h"

#include <stdlib.h>

#include "base/str.h"
#include "mediaferry/bencode.h"
#include "ng/hold.h"
#include "ng/json.h"
#include "ng/state.h"

enum { CACHE_BYTES = 64 << 20, ARENA_BYTES = 16 << 20 };

struct ng_server *ng_server_new(const struct ng_server_config *config)
{
    struct ng_server *server = calloc(1, sizeof(*server));
    if (server == NULL)
        return NULL;
    server->config = *config;
    server->cache = cookie_cache_new(config->cache_bytes > 0 ? config->cache_bytes : CACHE_BYTES);
    list_init(&server->requests);
    map_init(&server->holds);
    if (config->elsewhere != NULL)
        server->forwards =
            ng_forward_loop_new(config->loop, config->now_us, &server->counters.elsewhere);
    if (server->cache == NULL || (config->elsewhere != NULL && server->forwards == NULL)) {
        ng_server_free(server);
        return NULL;
    }
    return server;
}

void ng_server_free(struct ng_server *server)
{
    if (server == NULL)
        return;
    ng_hold_drop_all(server);
    map_done(&server->holds);
    for (struct list *at; (at = list_first(&server->requests)) != NULL;)
        ng_request_free(CONTAINER_OF(at, struct ng_request, link));
    ng_forward_loop_close(server->forwards);
    cookie_cache_free(server->cache);
    free(server);
}

void ng_server_drop_held(struct ng_server *server)
{
    ng_hold_drop_all(server);
}

const struct ng_counters *ng_server_counters(const struct ng_server *server)
{
    return &server->counters;
}

static struct ng_request *new_request(
    struct ng_server *server, struct bytes datagram, const struct ng_source *source)
{
    struct ng_request *request = calloc(1, sizeof(*request));
    if (request == NULL)
        return NULL;
    list_push_back(&server->requests, &request->link);
    request->server = server;
    request->source = *source;
    request->started_us = server->config.now_us();
    ng_arena_init(&request->arena, ARENA_BYTES);
    request->out = ng_dict(&request->arena);
    request->datagram = bytes_dup(datagram);
    if (request->datagram == NULL) {
        ng_request_free(request);
        return NULL;
    }
    return request;
}

/* Reads the document into `in`; else says what is wrong with it. */
static const char *decode(struct ng_request *request, struct bytes document)
{
    struct ng_value *in;
    char first = document.len > 0 ? (char)document.data[0] : '\0';
    if (document.len == 0)
        return "Invalid data (no payload)";
    if (first != 'd' && first != '{')
        return "Invalid NG data format";

    if (first == 'd') {
        enum bencode_status status = bencode_parse(document, &request->arena, &in, NULL);
        if (status != BENCODE_OK) {
            request->why = bencode_status_text(status);
            return "Could not decode bencode dictionary";
        }
    } else {
        request->is_json = true;
        enum json_status status = json_parse(text_from_bytes(document), &request->arena, &in);
        if (status != JSON_OK)
            return status == JSON_INVALID ? "Failed to parse JSON document"
                                          : "Could not decode JSON dictionary";
    }
    request->in = in;
    return NULL;
}

static void carry_out(struct ng_request *request, struct bytes document)
{
    const char *wrong = decode(request, document);
    if (wrong != NULL) {
        ng_fail(request, wrong);
        return;
    }
    if (!ng_get_text(request->in, "call-id", &request->call_id))
        request->call_id = LOG_NO_CALL;
    if (!ng_get_text(request->in, "command", &request->command_name)) {
        ng_fail(request, "Dictionary contains no key \"command\"");
        return;
    }
    request->command = ng_command_find(request->command_name);
    if (request->command == NULL) {
        ng_fail(request, "Unrecognized command");
        return;
    }
    request->command->run(request);
}

static void drop_malformed(struct ng_server *server, const struct ng_source *source, size_t len)
{
    unsigned suppressed;
    char remote[ADDRESS_TEXT_SIZE];
    counter_add(&server->counters.malformed, 1);
    if (log_limit_passes(&server->malformed_limit, MALFORMED_LINES_PER_SECOND,
            server->config.now_us() / 1000, &suppressed))
        log_event(LOG_WARNING, LOG_NO_CALL, "ng-malformed", "bytes=%zu source=%s suppressed=%u",
            len, address_text(&source->peer.remote, remote), suppressed);
}

static void start(struct ng_server *server, struct bytes datagram, size_t cookie_len,
    const struct ng_source *source)
{
    struct ng_request *request = new_request(server, datagram, source);
    uint64_t now_ms = server->config.now_us() / 1000;
    struct bytes cookie = bytes_of(datagram.data, cookie_len), reply;
    enum cookie_state state =
        request == NULL ? COOKIE_REFUSED
                        : cookie_cache_begin(server->cache, cookie, source, now_ms, &reply);
    if (state == COOKIE_NEW) {
        request->cookie = bytes_of(request->datagram, cookie_len);
        carry_out(
            request, bytes_of(request->datagram + cookie_len + 1, datagram.len - cookie_len - 1));
        return;
    }
    counter_add(
        state == COOKIE_REFUSED ? &server->counters.refused : &server->counters.duplicates, 1);
    if (state == COOKIE_ANSWERED)
        source->send(source, reply);
    if (request != NULL)
        ng_request_free(request);
}

void ng_server_receive(
    struct ng_server *server, struct bytes datagram, const struct ng_source *source)
{
    const uint8_t *space = datagram.len > 0 ? memchr(datagram.data, ' ', datagram.len) : NULL;
    if (space == NULL || space == datagram.data) {
        drop_malformed(server, source, datagram.len);
        return;
    }
    start(server, datagram, (size_t)(space - datagram.data), source);
}
