/* SPDX-License-Identifier: Apache-2.0 */
#include "net/name_lookup.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/str.h"

struct name_lookup {
    uv_async_t answered;
    struct question *question;
    name_lookup_fn *done;
    void *owner;
};

/* What the thread has. It is the thread's own once nobody waits, and the loop's once answered. */
struct question {
    pthread_mutex_t lock;
    struct name_lookup *asker; /* NULL: nobody waits */
    bool is_answered;
    int status; /* of getaddrinfo() */
    struct addrinfo *found;
    char *host, *service;
};

static atomic_uint under_way;

static void free_question(struct question *q)
{
    if (q == NULL)
        return;
    if (q->found != NULL)
        freeaddrinfo(q->found);
    pthread_mutex_destroy(&q->lock);
    free(q->host);
    free(q->service);
    free(q);
}

static struct question *new_question(
    struct name_lookup *asker, const char *host, const char *service)
{
    struct question *q = calloc(1, sizeof(*q));
    if (q == NULL)
        return NULL;
    pthread_mutex_init(&q->lock, NULL);
    q->asker = asker;
    q->host = text_dup(text_from(host));
    q->service = service != NULL ? text_dup(text_from(service)) : NULL;
    if (q->host != NULL && (service == NULL || q->service != NULL))
        return q;
    free_question(q);
    return NULL;
}

/* --- the thread --- */

static void *look_up(void *argument)
{
    struct question *q = argument;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int status = getaddrinfo(q->host, q->service, &hints, &found);
    atomic_fetch_sub(&under_way, 1);
    pthread_mutex_lock(&q->lock);
    bool is_wanted = q->asker != NULL;
    q->found = status == 0 ? found : NULL;
    q->status = status;
    q->is_answered = true;
    if (is_wanted)
        uv_async_send(&q->asker->answered);
    pthread_mutex_unlock(&q->lock);
    if (!is_wanted)
        free_question(q);
    return NULL;
}

/* Signals are for the other threads. */
static int start_thread(struct question *q)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all, before;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, &attributes, look_up, q);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return -error;
}

/* --- the loop --- */

static int words_of(int status)
{
    switch (status) {
    case 0:
        return 0;
    case EAI_NONAME:
        return UV_EAI_NONAME;
    case EAI_MEMORY:
        return UV_EAI_MEMORY;
    case EAI_AGAIN:
        return UV_EAI_AGAIN;
    default:
        return UV_EAI_FAIL;
    }
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_answered(uv_async_t *answered)
{
    struct name_lookup *lookup = answered->data;
    struct question *q = lookup->question;
    pthread_mutex_lock(&q->lock);
    bool is_answered = q->is_answered;
    pthread_mutex_unlock(&q->lock);
    if (!is_answered)
        return;
    int status = words_of(q->status);
    struct addrinfo *found = q->found;
    q->found = NULL;
    free_question(q);
    uv_close((uv_handle_t *)answered, on_closed);
    lookup->done(lookup->owner, status, found);
}

static int ask(struct name_lookup *lookup, const char *host, const char *service)
{
    if (atomic_fetch_add(&under_way, 1) < NAME_LOOKUPS_MAX) {
        lookup->question = new_question(lookup, host, service);
        int error = lookup->question != NULL ? start_thread(lookup->question) : -ENOMEM;
        if (error == 0)
            return 0;
        free_question(lookup->question);
        atomic_fetch_sub(&under_way, 1);
        return error;
    }
    atomic_fetch_sub(&under_way, 1);
    return UV_EAI_AGAIN;
}

int name_lookup_start(uv_loop_t *loop, const char *host, const char *service, name_lookup_fn *done,
    void *owner, struct name_lookup **out)
{
    struct name_lookup *lookup = calloc(1, sizeof(*lookup));
    if (lookup == NULL)
        return -ENOMEM;
    lookup->done = done;
    lookup->owner = owner;
    int error = uv_async_init(loop, &lookup->answered, on_answered);
    if (error != 0) {
        free(lookup);
        return error;
    }
    lookup->answered.data = lookup;
    error = ask(lookup, host, service);
    if (error != 0) {
        uv_close((uv_handle_t *)&lookup->answered, on_closed);
        return error;
    }
    *out = lookup;
    return 0;
}

void name_lookup_cancel(struct name_lookup *lookup)
{
    if (lookup == NULL)
        return;
    struct question *q = lookup->question;
    pthread_mutex_lock(&q->lock);
    bool is_answered = q->is_answered;
    q->asker = NULL;
    pthread_mutex_unlock(&q->lock);
    if (is_answered)
        free_question(q);
    uv_close((uv_handle_t *)&lookup->answered, on_closed);
}
