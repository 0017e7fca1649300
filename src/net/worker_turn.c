/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "net/worker_state.h"

/* Full batches taken in one go before timers and messages get their turn. Packets that stayed
 * inside the process fill no more than half of one. */
enum { BATCHES_PER_TURN = 4, INSIDE_PER_BATCH = PACKET_BATCH_MAX / 2 };

void worker_turn_flush(struct worker *w)
{
    struct packet_batch out;
    out.count = 0;
    while (w->queue != NULL) {
        struct packet *p = w->queue;
        w->queue = p->next;
        if (inside_may_take(&w->inside, p) && inside_take(&w->inside, p))
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
    worker_turn_flush(
        w); /* receive() may free sockets that packets waiting to be sent still name */
    if (is_first)
        w->inside_left = w->inside.waiting;
    w->in.count = 0;
    w->inside_left -= inside_receive(
        &w->inside, &w->in, w->inside_left < INSIDE_PER_BATCH ? w->inside_left : INSIDE_PER_BATCH);
    packet_io_receive(w->io, &w->in);
    if (w->in.count == 0)
        return false;

    run_modules(w);
    give_back_batch(w);
    worker_turn_flush(w);
    return true;
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
    worker_turn_flush(w);
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

/* Those that ask again meanwhile have their turn in the next one. */
static void run_again(struct worker *w)
{
    bool asked[WORKER_MAX_MODULES];
    for (size_t m = 0; m < w->module_count; m++) {
        asked[m] = w->modules[m].wants_again;
        w->modules[m].wants_again = false;
    }
    for (size_t m = 0; m < w->module_count; m++)
        if (asked[m])
            w->modules[m].hooks->on_again(w->modules[m].state, worker_now_ms(w));
    worker_turn_flush(w);
}

static bool has_work_left(const struct worker *w)
{
    for (size_t m = 0; m < w->module_count; m++)
        if (w->modules[m].wants_again)
            return true;
    return w->inside.waiting > 0;
}

static void on_before_poll(uv_prepare_t *before_poll)
{
    struct worker *w = before_poll->data;
    worker_turn_flush(w);
    w->has_received = false;
    if (has_work_left(w))
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
    worker_turn_flush(w);
    if (w->inside.waiting > 0 && !w->has_received)
        receive(w);
    if (!uv_is_closing((uv_handle_t *)&w->readable))
        run_again(w);
}

static void close_others(struct worker *w)
{
    uv_close((uv_handle_t *)&w->wakeup, NULL);
    uv_close((uv_handle_t *)&w->before_poll, NULL);
    uv_close((uv_handle_t *)&w->after_poll, NULL);
    uv_close((uv_handle_t *)&w->awake, NULL);
}

int worker_turn_start(struct worker *w)
{
    uv_timer_init(&w->loop, &w->wakeup);
    uv_prepare_init(&w->loop, &w->before_poll);
    uv_check_init(&w->loop, &w->after_poll);
    uv_idle_init(&w->loop, &w->awake);
    w->readable.data = w->wakeup.data = w->before_poll.data = w->after_poll.data = w;
    int error = uv_poll_init(&w->loop, &w->readable, packet_io_poll_fd(w->io));
    if (error != 0) {
        close_others(w);
        return error;
    }
    uv_poll_start(&w->readable, UV_READABLE, on_readable);
    uv_prepare_start(&w->before_poll, on_before_poll);
    uv_check_start(&w->after_poll, on_after_poll);
    return 0;
}

void worker_turn_close(struct worker *w)
{
    uv_close((uv_handle_t *)&w->readable, NULL);
    close_others(w);
}
