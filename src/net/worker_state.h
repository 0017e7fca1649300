/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/worker_state.h - a worker as its own files see it: worker.c has its life and what modules ask
 * of it, worker_turn.c the turns of its loop.
 */
#ifndef NET_WORKER_STATE_H
#define NET_WORKER_STATE_H

#include "base/cache_line.h"
#include "net/gather.h"
#include "net/inside.h"
#include "net/worker.h"

struct worker_module {
    struct worker *worker;
    const struct worker_hooks *hooks;
    void *state;
};

struct worker {
    /* Read by all threads, written before the worker's own begins. */
    struct worker_config config;
    struct worker_module modules[WORKER_MAX_MODULES];
    size_t module_count;
    bool has_thread;
    uv_thread_t thread;

    /* Written by all who post. Parcels of packets (net/inside.h) have a box of their own: they do
     * not wait behind plans. */
    _Alignas(CACHE_LINE) struct mailbox mailbox;
    struct mailbox parcels;

    /* Read by others now and then. */
    _Alignas(CACHE_LINE) struct packet_io_counters counters;

    _Alignas(CACHE_LINE) uv_loop_t loop;
    uv_poll_t readable; /* not while the worker is busy: then it looks without being told */
    uv_timer_t wakeup;  /* for the earliest of `timers` */
    uv_prepare_t before_poll;
    uv_check_t after_poll;
    uv_idle_t awake; /* while there is something to do: the poll does not block */
    struct gather gather;
    uint64_t messages_left_ns; /* of the time that messages may take in this turn */
    unsigned again;            /* modules that called worker_stay_awake(), a bit each */
    struct inside inside;
    unsigned inside_left; /* of what waited when the turn began */
    unsigned hops_inside; /* turns in a row that went on for what waits inside */
    bool has_received;    /* in this turn */
    struct timers timers;
    struct timer tick;
    struct pool packets;
    struct packet_io *io;
    struct packet_batch in;
    struct packet_batch parts[WORKER_MAX_MODULES]; /* of `in`, for each module */
    struct packet *queue;                          /* to be sent, the oldest first */
    struct packet **queue_end;
    uint64_t wakeup_due_ms; /* what `wakeup` is armed for; TIMERS_NEVER: not armed */
};

/* Lets leave what waits to be sent. */
void worker_turn_flush(struct worker *w);

/* Starts and closes all handles of the loop but the mailbox. worker_turn_start() returns 0 or a
 * negative UV_E code; then the loop must run once more. */
NODISCARD int worker_turn_start(struct worker *w);
void worker_turn_close(struct worker *w);

#endif
