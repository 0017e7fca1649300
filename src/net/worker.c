/* SPDX-License-Identifier: Apache-2.0 */
#include "net/worker.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "net/inside.h"

/* Full batches taken in one go before timers and messages get their turn. Packets that stayed
 * inside the process fill no more than half of one. */
enum {
    BATCHES_PER_TURN = 4,
    INSIDE_PER_BATCH = PACKET_BATCH_MAX / 2,
    TICK_MS = 1000,
    DEFAULT_PACKET_LIMIT = 4096
};

struct worker_module {
    struct worker *worker;
    const struct worker_hooks *hooks;
    void *state;
};

struct worker {
    struct worker_config config;
    struct worker_module modules[WORKER_MAX_MODULES];
    size_t module_count;
    bool has_thread;
    uv_thread_t thread;
    uv_loop_t loop;
    uv_poll_t readable;
    uv_timer_t wakeup; /* for the earliest of `timers` */
    uv_prepare_t before_poll;
    uv_check_t after_poll;
    uv_idle_t awake; /* while packets wait inside: the loop does not sleep */
    struct mailbox mailbox;
    struct inside inside;
    unsigned inside_left; /* of what waited when the turn began */
    bool has_received;    /* in this turn */
    struct timers timers;
    struct timer tick;
    struct pool packets;
    struct packet_io_counters counters;
    struct packet_io *io;
    struct packet_batch in;
    struct packet_batch part; /* of `in`, for one module */
    struct packet *queue;     /* to be sent, the oldest first */
    struct packet **queue_end;
    uint64_t wakeup_due_ms; /* what `wakeup` is armed for; TIMERS_NEVER: not armed */
};

struct stop_message {
    struct message message;
    struct worker *worker;
};

static void flush(struct worker *w)
{
    struct packet_batch out;
    out.count = 0;
    while (w->queue != NULL) {
        struct packet *p = w->queue;
        w->queue = p->next;
        if (w->inside.own != NULL && inside_take(&w->inside, p))
            continue;
        out.packets[out.count++] = p;
        if (out.count == PACKET_BATCH_MAX)
            packet_io_send(w->io, &out);
    }
    if (out.count > 0)
        packet_io_send(w->io, &out);
    w->queue_end = &w->queue;
    inside_post(&w->inside);
}

/* Each module gets its packets at once, in the order they came. */
static void run_modules(struct worker *w)
{
    for (size_t m = 0; m < w->module_count; m++) {
        const struct worker_module *module = &w->modules[m];
        w->part.count = 0;
        for (size_t i = 0; i < w->in.count; i++)
            if (w->in.packets[i]->socket->module == module)
                w->part.packets[w->part.count++] = w->in.packets[i];
        if (w->part.count > 0)
            module->hooks->packets(module->state, &w->part, worker_now_ms(w));
    }
}

/* Packets handed to worker_send() are in the queue by now. */
static void give_back_batch(struct worker *w)
{
    for (size_t i = 0; i < w->in.count; i++)
        if (!w->in.packets[i]->queued)
            worker_discard(w, w->in.packets[i]);
    w->in.count = 0;
}

/* Messages first: the packets may be what a message was posted for. A command is answered when its
 * message is posted, so the phone that was told to send is heard from at once. */
static bool receive_batch(struct worker *w, bool is_first)
{
    mailbox_deliver(&w->mailbox);
    if (uv_is_closing((uv_handle_t *)&w->readable))
        return false;
    flush(w); /* receive() may free sockets that packets waiting to be sent still name */
    if (is_first)
        w->inside_left = w->inside.waiting;
    w->in.count = 0;
    w->inside_left -= inside_receive(
        &w->inside, &w->in, w->inside_left < INSIDE_PER_BATCH ? w->inside_left : INSIDE_PER_BATCH);
    packet_io_receive(w->io, &w->in);
    if (w->in.count == 0)
        return false;

    bool may_have_more = w->in.count == PACKET_BATCH_MAX || w->inside_left > 0;
    run_modules(w);
    give_back_batch(w);
    flush(w);
    return may_have_more;
}

/* One wake-up for all that arrives within the wait, instead of one for each packet. */
static void gather(const struct worker *w)
{
    if (w->config.batch_wait_us == 0)
        return;
    struct timespec wait = {.tv_nsec = (long)w->config.batch_wait_us * 1000};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, NULL);
}

static void receive(struct worker *w)
{
    w->has_received = true;
    flush(w);
    gather(w);
    for (int i = 0; i < BATCHES_PER_TURN; i++)
        if (!receive_batch(w, i == 0))
            return;
}

static void on_readable(uv_poll_t *readable, int status, int events)
{
    (void)status, (void)events;
    receive(readable->data);
}

static void on_awake(uv_idle_t *awake)
{
    (void)awake; /* that it runs is all: what waits is received when the sockets had their say */
}

static void on_wakeup(uv_timer_t *wakeup)
{
    struct worker *w = wakeup->data;
    w->wakeup_due_ms = TIMERS_NEVER;
    timers_run(&w->timers, worker_now_ms(w));
}

static void on_before_poll(uv_prepare_t *before_poll)
{
    struct worker *w = before_poll->data;
    flush(w);
    w->has_received = false;
    if (w->inside.waiting > 0)
        uv_idle_start(&w->awake, on_awake);
    else
        uv_idle_stop(&w->awake);
    uint64_t due = timers_next_due(&w->timers);
    uint64_t now = worker_now_ms(w);
    if (due == w->wakeup_due_ms)
        return;
    w->wakeup_due_ms = due;
    if (due == TIMERS_NEVER)
        uv_timer_stop(&w->wakeup);
    else
        uv_timer_start(&w->wakeup, on_wakeup, due > now ? due - now : 0, 0);
}

static void on_after_poll(uv_check_t *after_poll)
{
    struct worker *w = after_poll->data;
    flush(w);
    if (w->inside.waiting > 0 && !w->has_received)
        receive(w);
}

static void on_tick(struct timer *tick, uint64_t now_ms)
{
    struct worker *w = CONTAINER_OF(tick, struct worker, tick);
    timer_arm(&w->timers, tick,
        tick->due_ms + TICK_MS > now_ms ? tick->due_ms + TICK_MS : now_ms + TICK_MS);
    for (size_t i = 0; i < w->module_count; i++)
        if (w->modules[i].hooks->on_tick != NULL)
            w->modules[i].hooks->on_tick(w->modules[i].state, now_ms);
}

static void close_handles(struct worker *w)
{
    uv_close((uv_handle_t *)&w->readable, NULL);
    uv_close((uv_handle_t *)&w->wakeup, NULL);
    uv_close((uv_handle_t *)&w->before_poll, NULL);
    uv_close((uv_handle_t *)&w->after_poll, NULL);
    uv_close((uv_handle_t *)&w->awake, NULL);
    mailbox_close(&w->mailbox, NULL);
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
    flush(w);
    if (w->inside.own != NULL)
        own_sockets_leave(w->inside.own, w->config.index);
    close_handles(w);
}

static void run(void *argument)
{
    struct worker *w = argument;
    char name[16];
    snprintf(name, sizeof(name), "media-%u", w->config.index);
    pthread_setname_np(pthread_self(), name);
    /* A wait of some hundred microseconds means what it says. */
    prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
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

static int open_handles(struct worker *w)
{
    int error = mailbox_open(&w->mailbox, &w->loop, &w->inside);
    if (error != 0)
        return error;
    uv_timer_init(&w->loop, &w->wakeup);
    uv_prepare_init(&w->loop, &w->before_poll);
    uv_check_init(&w->loop, &w->after_poll);
    uv_idle_init(&w->loop, &w->awake);
    w->readable.data = w->wakeup.data = w->before_poll.data = w->after_poll.data = w;
    error = uv_poll_init(&w->loop, &w->readable, packet_io_poll_fd(w->io));
    if (error != 0) {
        uv_close((uv_handle_t *)&w->wakeup, NULL);
        uv_close((uv_handle_t *)&w->before_poll, NULL);
        uv_close((uv_handle_t *)&w->after_poll, NULL);
        uv_close((uv_handle_t *)&w->awake, NULL);
        mailbox_close(&w->mailbox, NULL);
        uv_run(&w->loop, UV_RUN_DEFAULT);
        return error;
    }
    uv_poll_start(&w->readable, UV_READABLE, on_readable);
    uv_prepare_start(&w->before_poll, on_before_poll);
    uv_check_start(&w->after_poll, on_after_poll);
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
    struct worker *w = calloc(1, sizeof(*w));
    if (w == NULL)
        return -ENOMEM;
    w->config = *config;
    int error = uv_loop_init(&w->loop);
    if (error != 0) {
        free(w);
        return error;
    }
    timers_init(&w->timers);
    w->wakeup_due_ms = TIMERS_NEVER;
    w->queue_end = &w->queue;
    packet_pool_init(
        &w->packets, config->packet_limit > 0 ? config->packet_limit : DEFAULT_PACKET_LIMIT);

    error = inside_init(&w->inside, config->own, config->index, &w->packets, &w->counters);
    packet_io_maker *make_io = config->make_io != NULL ? config->make_io : packet_io_new_epoll;
    if (error == 0)
        error = make_io(&w->packets, &w->counters, &w->io);
    if (error == 0)
        error = open_handles(w);
    if (error != 0) {
        free_worker(w);
        return error;
    }
    if (config->own != NULL)
        own_sockets_join(config->own, config->index, &w->mailbox);
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
    if (config->reachable && w->inside.own != NULL)
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

void worker_flush(struct worker *w)
{
    assert(w->in.count == 0);
    flush(w);
}

void worker_discard(struct worker *w, struct packet *p)
{
    if (p->drop != DROP_NONE)
        drop_count(&w->counters.drops, p->drop);
    packet_give(&w->packets, p);
}
