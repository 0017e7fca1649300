/* SPDX-License-Identifier: Apache-2.0 */
#include "redis_process.h"

#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../fuzz/require.h"

enum { START_TRIES = 200, TRY_US = 25000, MAX_WORDS = 64, SAY_TRIES = 400 };

uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    require(bind(fd, (struct sockaddr *)&address, len) == 0);
    require(getsockname(fd, (struct sockaddr *)&address, &len) == 0);
    close(fd);
    return ntohs(address.sin_port);
}

static redisContext *connect_to(const struct redis_process *process)
{
    redisContext *context = redisConnect("127.0.0.1", process->port);
    if (context == NULL || context->err != 0) {
        if (context != NULL)
            redisFree(context);
        return NULL;
    }
    const char *words[] = {"AUTH", process->password};
    if (process->password != NULL)
        freeReplyObject(redisCommandArgv(context, 2, words, NULL));
    return context;
}

static bool wait_until_it_answers(const struct redis_process *process)
{
    for (int i = 0; i < START_TRIES; i++) {
        redisContext *context = connect_to(process);
        if (context != NULL) {
            redisFree(context);
            return true;
        }
        if (waitpid(process->pid, NULL, WNOHANG) == process->pid)
            return false; /* not installed, or the port was taken */
        usleep(TRY_US);
    }
    return false;
}

static bool spawn(struct redis_process *process, char *const *argv)
{
    signal(SIGPIPE, SIG_IGN); /* it may be killed any time, as the daemon knows */
    if (posix_spawnp(&process->pid, argv[0], NULL, NULL, argv, environ) != 0) {
        process->pid = 0;
        return false;
    }
    if (wait_until_it_answers(process))
        return true;
    redis_process_kill(process);
    return false;
}

bool redis_process_start(struct redis_process *process)
{
    char port[8];
    char *const argv[] = {"redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "",
        "--appendonly", "no", "--loglevel", "warning", "--logfile", "/dev/null", "--requirepass",
        (char *)(process->password != NULL ? process->password : ""), NULL};
    snprintf(port, sizeof(port), "%u", process->port);
    return spawn(process, argv);
}

static void write_config(
    const struct redis_process *process, const struct redis_setup *setup, const char *path)
{
    FILE *f = fopen(path, "w");
    require(f != NULL);
    fprintf(f, "port %u\nbind 127.0.0.1\ndir %s\nlogfile %s/%u.log\n%s\n", process->port,
        setup->directory, setup->directory, process->port, setup->lines);
    if (process->password != NULL)
        fprintf(f, "requirepass %s\nmasterauth %s\n", process->password, process->password);
    if (!setup->is_sentinel)
        fprintf(f, "save \"\"\nappendonly no\nrepl-diskless-sync-delay 0\n");
    fclose(f);
}

bool redis_process_start_with(struct redis_process *process, const struct redis_setup *setup)
{
    char path[256];
    char *const argv[] = {"redis-server", path, setup->is_sentinel ? "--sentinel" : NULL, NULL};
    snprintf(path, sizeof(path), "%s/%u.conf", setup->directory, process->port);
    write_config(process, setup, path);
    return spawn(process, argv);
}

void redis_process_kill(struct redis_process *process)
{
    if (process->pid == 0)
        return;
    kill(process->pid, SIGKILL);
    waitpid(process->pid, NULL, 0);
    process->pid = 0;
}

void redis_process_freeze(struct redis_process *process)
{
    require(kill(process->pid, SIGSTOP) == 0);
}

void redis_process_thaw(struct redis_process *process)
{
    require(kill(process->pid, SIGCONT) == 0);
}

/* The caller frees what it returns. */
static redisReply *command(
    const struct redis_process *process, const struct text *words, size_t count)
{
    const char *data[MAX_WORDS];
    size_t lens[MAX_WORDS];
    redisContext *context = connect_to(process);
    require(count <= MAX_WORDS);
    if (context == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        data[i] = words[i].data;
        lens[i] = words[i].len;
    }
    redisReply *reply = redisCommandArgv(context, (int)count, data, lens);
    redisFree(context);
    return reply;
}

void redis_process_do_words(
    const struct redis_process *process, const struct text *words, size_t count)
{
    redisReply *reply = command(process, words, count);
    require(reply != NULL && reply->type != REDIS_REPLY_ERROR);
    freeReplyObject(reply);
}

static size_t split(const char *words, struct text *out)
{
    struct text rest = text_from(words);
    size_t count = 0;
    while (rest.len > 0 && count < MAX_WORDS)
        out[count++] = text_cut(&rest, '|');
    return count;
}

void redis_process_do(const struct redis_process *process, const char *words)
{
    struct text list[MAX_WORDS];
    redis_process_do_words(process, list, split(words, list));
}

void redis_process_ask(
    const struct redis_process *process, const char *words, char *out, size_t size)
{
    struct text list[MAX_WORDS];
    size_t count = split(words, list);
    redisReply *reply = command(process, list, count);
    out[0] = '\0';
    if (reply == NULL)
        return;
    if (reply->type == REDIS_REPLY_INTEGER)
        snprintf(out, size, "%lld", reply->integer);
    else if (reply->str != NULL)
        snprintf(out, size, "%s", reply->str);
    else if (reply->elements > 0 && reply->element[0]->str != NULL)
        snprintf(out, size, "%s", reply->element[0]->str);
    freeReplyObject(reply);
}

bool redis_process_comes_to_say(
    const struct redis_process *process, const char *words, const char *wanted)
{
    char said[16384];
    for (int i = 0; i < SAY_TRIES; i++) {
        redis_process_ask(process, words, said, sizeof(said));
        if (strstr(said, wanted) != NULL)
            return true;
        usleep(TRY_US);
    }
    return false;
}
