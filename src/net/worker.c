/* SPDX-License-Identifier: Apache-2.0 */
#include "net/worker.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "net/worker_state.h"

enum { TICK_MS = 1000, DEFAULT_PACKET_LIMIT = 4096 };

/* Each socket is asked for what the kernel dropped once in so many ticks, of many sockets. */
enum { SAMPLE_TICKS = 16, SAMPLE_MIN = 64 };

struct stop_message {
    struct message message;
    struct worker *worker;
};

static void on_tick(struct timer *tick, uint64_t now_ms)
{
    struct worker *w = CONTAINER_OF(tick, struct worker, tick);
    timer_arm(&w->timers, tick,
        tick->due_ms + TICK_MS > now_ms ? tick->due_ms + TICK_MS : now_ms + TICK_MS);
    packet_io_sample(w->io, SAMPLE_MIN + counter_get(&w->counters.sockets) / SAMPLE_TICKS);
    for (size_t i = 0; i < w->module_count; i++)
        if (w->modules[i].hooks->on_tick != NULL)
            w->modules[i].hooks->on_tick(w->modules[i].state, now_ms);
}

/* In the worker's thread: the last message there is. */
static void stop(struct message *message, void *owner)
{
    struct worker *w = ((struct stop_message *)message)->worker;
    (void)owner;
    timer_cancel(&w->timers, &w->tick);
    for (size_t i = w->module_count; i-- > 0;)
        if (w->modules[i].hooks->on_stop != NULL)
            w->modules[i].hooks->on_stop(w->modules[i].state);
    worker_turn_flush(w);
    if (w->inside.own != NULL)
        own_sockets_leave(w->inside.own, w->config.index);
    worker_turn_close(w);
    mailbox_close(&w->parcels, NULL);
    mailbox_close(&w->mailbox, NULL);
}

/* A core that has gone since the configuration was checked is no reason to stop. */
static void stay_on_core(unsigned cpu)
{
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(cpu, &only);
    sched_setaffinity(0, sizeof(only), &only);
}

static void run(void *argument)
{
    struct worker *w = argument;
    char name[16];
    snprintf(name, sizeof(name), "media-%u", w->config.index);
    pthread_setname_np(pthread_self(), name);
    if (w->config.is_pinned)
        stay_on_core(w->config.cpu);
    /* A wait of some hundred microseconds means what it says. */
    prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
    packet_io_start(w->io);
    uv_run(&w->loop, UV_RUN_DEFAULT);
}

/* Signals are the control thread's. */
int worker_start(struct worker *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = uv_thread_create(&w->thread, run, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    w->has_thread = error == 0;
    return error;
}

static int open_mailboxes(struct worker *w)
{
    int error = mailbox_open(&w->mailbox, &w->loop, NULL);
    if (error != 0)
        return error;
    error = mailbox_open(&w->parcels, &w->loop, &w->inside);
    if (error != 0) {
        mailbox_close(&w->mailbox, NULL);
        return error;
    }
    mailbox_hold(&w->mailbox);
    mailbox_hold(&w->parcels);
    return 0;
}

static int open_handles(struct worker *w)
{
    int error = open_mailboxes(w);
    if (error == 0) {
        error = worker_turn_start(w);
        if (error != 0) {
            mailbox_close(&w->parcels, NULL);
            mailbox_close(&w->mailbox, NULL);
        }
    }
    if (error != 0) {
        uv_run(&w->loop, UV_RUN_DEFAULT);
        return error;
    }
    timer_init(&w->tick, on_tick);
    timer_arm(&w->timers, &w->tick, worker_now_ms(w) + TICK_MS);
    return 0;
}

static void free_worker(struct worker *w)
{
    inside_done(&w->inside);
    packet_io_free(w->io);
    int error = uv_loop_close(&w->loop);
    assert(error == 0);
    (void)error;
    pool_done(&w->packets);
    free(w);
}

int worker_new(const struct worker_config *config, struct worker **out)
{
    struct worker *w = cache_line_calloc(1, sizeof(*w));
    if (w == NULL)
        return -ENOMEM;
    w->config = *config;
    int error = uv_loop_init(&w->loop);
    if (error != 0) {
        free(w);
        return error;
    }
    timers_init(&w->timers);
    gather_init(&w->gather, config->batch_wait_us);
    w->wakeup_due_ms = TIMERS_NEVER;
    w->queue_end = &w->queue;
    packet_pool_init(
        &w->packets, config->packet_limit > 0 ? config->packet_limit : DEFAULT_PACKET_LIMIT);

    error = inside_init(&w->inside, config->own, config->index, &w->packets, &w->counters);
    packet_io_maker *make_io = config->make_io != NULL ? config->make_io : packet_io_new_epoll;
    if (error == 0)
        error = make_io(config->io_context, &w->packets, &w->counters, &w->io);
    if (error == 0)
        error = open_handles(w);
    if (error != 0) {
        free_worker(w);
        return error;
    }
    if (config->own != NULL)
        own_sockets_join(config->own, config->index, &w->parcels);
    *out = w;
    return 0;
}

void worker_stop(struct worker *w)
{
    if (w == NULL)
        return;
    struct stop_message last = {.message.deliver = stop, .worker = w};
    mailbox_post(&w->mailbox, &last.message);
    if (w->has_thread)
        uv_thread_join(&w->thread);
    else
        uv_run(&w->loop, UV_RUN_DEFAULT);
    free_worker(w);
}

struct worker_module *worker_add(struct worker *w, const struct worker_hooks *hooks, void *state)
{
    assert(w->module_count < WORKER_MAX_MODULES && !w->has_thread);
    struct worker_module *module = &w->modules[w->module_count++];
    *module = (struct worker_module){.worker = w, .hooks = hooks, .state = state};
    return module;
}

void worker_remove(struct worker_module *module)
{
    struct worker *w = module->worker;
    assert(!w->has_thread && module == &w->modules[w->module_count - 1]);
    w->module_count--;
}

void worker_post(struct worker_module *module, struct message *message)
{
    mailbox_post_to(&module->worker->mailbox, module->state, message);
}

struct worker *worker_of(const struct worker_module *module)
{
    return module->worker;
}

void worker_count_drop(struct worker *w, enum drop_reason reason)
{
    drop_count(&w->counters.drops, reason);
}

const struct packet_io_counters *worker_counters(const struct worker *w)
{
    return &w->counters;
}

uint64_t worker_now_ms(const struct worker *w)
{
    return uv_now(&w->loop);
}

struct timers *worker_timers(struct worker *w)
{
    return &w->timers;
}

uv_loop_t *worker_loop(struct worker *w)
{
    return &w->loop;
}

/* Also those that are not reachable have an address by which others see them. */
static void make_known(
    struct worker *w, const struct packet_socket_config *config, struct packet_socket *socket)
{
    socket->own.bound = config->local;
    socket->own.advertised =
        config->advertised.family != ADDRESS_NONE ? config->advertised : config->local;
    socket->own.advertised.port = config->local.port;
    if (config->reachable && w->inside.own != NULL && !address_is_unspecified(&config->local))
        own_sockets_add(w->inside.own, w->config.index, &socket->own);
}

int worker_open_socket(struct worker_module *module, const struct packet_socket_config *config,
    struct packet_socket **out)
{
    struct packet_socket_config own = *config;
    own.module = module;
    int error = packet_io_open_socket(module->worker->io, &own, out);
    if (error == 0)
        make_known(module->worker, config, *out);
    return error;
}

void worker_close_socket(struct worker *w, struct packet_socket *socket)
{
    if (socket == NULL)
        return;
    inside_forget(&w->inside, socket);
    if (socket->own.is_listed)
        own_sockets_remove(w->inside.own, &socket->own);
    packet_io_close_socket(w->io, socket);
}

static struct packet *counted(struct worker *w, struct packet *p)
{
    if (p == NULL)
        drop_count(&w->counters.drops, DROP_NO_MEMORY);
    return p;
}

struct packet *worker_packet(struct worker *w)
{
    return counted(w, packet_take(&w->packets));
}

struct packet *worker_packet_copy(struct worker *w, const struct packet *p)
{
    return counted(w, packet_copy(&w->packets, p));
}

void worker_send(struct worker *w, struct packet *p)
{
    assert(!p->queued && p->socket != NULL);
    p->queued = true;
    p->next = NULL;
    *w->queue_end = p;
    w->queue_end = &p->next;
}

void worker_keep(struct worker *w, struct packet *p)
{
    (void)w;
    assert(!p->queued);
    p->queued = true; /* not to be given back with its batch */
}

void worker_flush(struct worker *w)
{
    assert(w->in.count == 0);
    worker_turn_flush(w);
}

void worker_stay_awake(struct worker_module *module)
{
    assert(module->hooks->on_again != NULL);
    struct worker *w = module->worker;
    w->again |= 1U << (module - w->modules);
}

void worker_discard(struct worker *w, struct packet *p)
{
    if (p->drop != DROP_NONE)
        drop_count(&w->counters.drops, p->drop);
    packet_give(&w->packets, p);
}
