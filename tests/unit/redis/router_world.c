/* SPDX-License-Identifier: Apache-2.0 */
#include "router_world.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../fuzz/require.h"
#include "base/log.h"

enum { MAX_WORDS = 16, TRY_MS = 50, TRIES = 200 };

static void on_ready(void *owner, bool is_ready)
{
    struct world *w = owner;
    *(is_ready ? &w->ready : &w->lost) += 1;
    require(redis_router_is_ready(w->router) == is_ready);
}

void world_start(struct world *w)
{
    *w = (struct world){.log = memfd_create("log", 0)};
    log_start(w->log);
    require(uv_loop_init(&w->loop) == 0);
    w->config = (struct redis_router_config){
        .name = "test",
        .command_timeout_ms = 2000,
        .on_ready = on_ready,
        .owner = w,
    };
}

void world_close_router(struct world *w)
{
    redis_router_close(w->router);
    w->router = NULL;
}

void world_stop(struct world *w)
{
    world_close_router(w);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    require(uv_loop_close(&w->loop) == 0);
    log_start(STDERR_FILENO);
    close(w->log);
}

void world_open(struct world *w, const char *text)
{
    struct redis_target target = {.service = NULL};
    struct str why = {.data = NULL};
    require(redis_target_parse(text_from(text), &target, &why) == 0);
    w->config.target = &target;
    require(redis_router_open(&w->loop, &w->config, &w->router, &why) == 0);
    w->config.target = NULL;
    redis_target_done(&target);
    require(!redis_router_is_ready(w->router));
}

static void on_answer(void *owner, const struct redis_reply *reply)
{
    struct world *w = owner;
    w->done++;
    if (reply == NULL) {
        w->unanswered++;
        snprintf(w->last, sizeof(w->last), "(lost)");
        return;
    }
    w->answered++;
    w->last_kind = reply->kind;
    w->last_len = reply->text.len;
    if (reply->kind == REDIS_INTEGER)
        snprintf(w->last, sizeof(w->last), "%lld", (long long)reply->integer);
    else
        snprintf(w->last, sizeof(w->last), "%.*s",
            reply->text.len < sizeof(w->last) ? (int)reply->text.len : (int)sizeof(w->last) - 1,
            reply->text.len > 0 ? reply->text.data : "");
}

int world_send_words(struct world *w, struct text key, const struct text *words, size_t count)
{
    unsigned done = w->done;
    int error = redis_router_send(
        w->router, key, words, count, (struct redis_callback){.done = on_answer, .owner = w});
    require(w->done == done); /* never from within */
    return error;
}

int world_send(struct world *w, const char *sentence)
{
    struct text rest = text_from(sentence), words[MAX_WORDS];
    size_t count = 0;
    while (rest.len > 0 && count < MAX_WORDS)
        words[count++] = text_cut(&rest, '|');
    return world_send_words(w, count > 1 ? words[1] : TEXT(""), words, count);
}

const char *world_ask(struct world *w, const char *sentence)
{
    unsigned done = w->done;
    require(world_send(w, sentence) == 0);
    require(run_until(&w->loop, &w->done, done + 1));
    return w->last;
}

bool world_comes_to_say(struct world *w, const char *sentence, const char *wanted)
{
    for (int i = 0; i < TRIES; i++) {
        unsigned done = w->done;
        if (world_send(w, sentence) == 0) {
            require(run_until(&w->loop, &w->done, done + 1));
            if (strncmp(w->last, wanted, strlen(wanted)) == 0)
                return true;
        }
        run_for(&w->loop, TRY_MS);
    }
    return false;
}

unsigned world_log_lines(const struct world *w, const char *word)
{
    static char text[1 << 18];
    unsigned count = 0;
    ssize_t len = pread(w->log, text, sizeof(text) - 1, 0);
    text[len > 0 ? len : 0] = '\0';
    for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
        count++;
    return count;
}
