/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "net/worker_state.h"

/* Full batches taken in one go before timers get their turn. Packets that stayed inside the process
 * fill no more than half of one. Messages, those from modules in other threads, may take so long in
 * a turn: the media waits for them. So many times in a row packets that stayed inside are not
 * waited with; more often only those do that go round for ever. */
enum {
    BATCHES_PER_TURN = 4,
    INSIDE_PER_BATCH = PACKET_BATCH_MAX / 2,
    MESSAGES_NS = 300 * 1000,
    HOPS_INSIDE = 3,
};

#define SECOND_NS UINT64_C(1000000000)

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
    for (size_t m = 0; m < w->module_count; m++)
        w->parts[m].count = 0;
    for (size_t i = 0; i < w->in.count; i++) {
        const struct worker_module *module = w->in.packets[i]->socket->module;
        if (module == NULL)
            continue;
        struct packet_batch *part = &w->parts[module - w->modules];
        part->packets[part->count++] = w->in.packets[i];
    }
    for (size_t m = 0; m < w->module_count; m++)
        if (w->parts[m].count > 0)
            w->modules[m].hooks->packets(w->modules[m].state, &w->parts[m], worker_now_ms(w));
}

/* Packets handed to worker_send() are in the queue by now. */
static void give_back_batch(struct worker *w)
{
    for (size_t i = 0; i < w->in.count; i++)
        if (!w->in.packets[i]->queued)
            worker_discard(w, w->in.packets[i]);
    w->in.count = 0;
}

static bool is_stopped(const struct worker *w)
{
    return uv_is_closing((const uv_handle_t *)&w->before_poll);
}

/* The worker may have stopped after this. */
static void deliver(struct worker *w)
{
    mailbox_deliver(&w->parcels);
    if (w->messages_left_ns == 0)
        return;
    uint64_t spent_ns = mailbox_deliver_for(&w->mailbox, w->messages_left_ns);
    w->messages_left_ns -= spent_ns < w->messages_left_ns ? spent_ns : w->messages_left_ns;
}

/* Returns whether there may be more. */
static bool receive_batch(struct worker *w, size_t *count)
{
    w->in.count = 0;
    w->inside_left -= inside_receive(
        &w->inside, &w->in, w->inside_left < INSIDE_PER_BATCH ? w->inside_left : INSIDE_PER_BATCH);
    packet_io_receive(w->io, &w->in);
    bool has_more = w->in.count == PACKET_BATCH_MAX || w->inside_left > 0;
    *count += w->in.count;
    if (w->in.count == 0)
        return false;

    run_modules(w);
    give_back_batch(w);
    worker_turn_flush(w);
    return has_more;
}

/* Messages first: the packets may be what a message was posted for. A command is answered when its
 * message is posted, so the phone that was told to send is heard from at once. */
static void receive(struct worker *w)
{
    uint64_t began_ns = uv_hrtime();
    size_t count = 0;
    bool has_more = true;
    w->has_received = true;
    for (int i = 0; i < BATCHES_PER_TURN && has_more; i++) {
        deliver(w);
        if (is_stopped(w))
            return;
        worker_turn_flush(w); /* receive() may free sockets that packets to be sent still name */
        if (i == 0)
            w->inside_left = w->inside.waiting;
        has_more = receive_batch(w, &count);
    }
    gather_note(&w->gather, began_ns, count, has_more);
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
    unsigned asked = w->again;
    w->again = 0;
    for (size_t m = 0; asked != 0 && m < w->module_count; m++)
        if ((asked & (1U << m)) != 0)
            w->modules[m].hooks->on_again(w->modules[m].state, worker_now_ms(w));
    worker_turn_flush(w);
}

static bool has_work_left(const struct worker *w)
{
    return w->again != 0 || w->inside.waiting > 0 || mailbox_has_left(&w->mailbox);
}

/* The descriptor of the back end lies in the loop's own poll set only while the worker is idle:
 * each packet that arrives costs a notice to both. */
static void follow_load(struct worker *w)
{
    bool is_polled = uv_is_active((uv_handle_t *)&w->readable);
    if (w->gather.is_busy && is_polled)
        uv_poll_stop(&w->readable);
    else if (!w->gather.is_busy && !is_polled)
        uv_poll_start(&w->readable, UV_READABLE, on_readable);

    if (w->gather.is_busy || has_work_left(w))
        uv_idle_start(&w->awake, on_awake);
    else
        uv_idle_stop(&w->awake);
}

/* One wake-up for all that arrives within the wait, instead of one for each packet. */
static void let_packets_gather(struct worker *w)
{
    uint64_t until_ns = w->gather.is_busy ? gather_until(&w->gather, uv_hrtime()) : 0;
    if (until_ns == 0)
        return;
    struct timespec until = {
        .tv_sec = (time_t)(until_ns / SECOND_NS), .tv_nsec = (long)(until_ns % SECOND_NS)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    counter_add(&w->counters.gather_waits, 1);
    uv_update_time(&w->loop);
}

static void arm_wakeup(struct worker *w)
{
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

static bool may_wait(struct worker *w)
{
    if (w->again != 0 || mailbox_has_left(&w->mailbox))
        return false;
    bool goes_on = w->inside.waiting > 0 && w->hops_inside < HOPS_INSIDE;
    w->hops_inside = goes_on ? w->hops_inside + 1 : 0;
    return !goes_on;
}

static void on_before_poll(uv_prepare_t *before_poll)
{
    struct worker *w = before_poll->data;
    worker_turn_flush(w);
    w->has_received = false;
    w->messages_left_ns = MESSAGES_NS;
    follow_load(w);
    if (may_wait(w))
        let_packets_gather(w);
    arm_wakeup(w);
}

static void on_after_poll(uv_check_t *after_poll)
{
    struct worker *w = after_poll->data;
    worker_turn_flush(w);
    if (!w->has_received && (w->gather.is_busy || w->inside.waiting > 0))
        receive(w);
    if (!is_stopped(w))
        deliver(w);
    if (is_stopped(w))
        return;
    worker_turn_flush(w);
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
