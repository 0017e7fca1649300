/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/worker.h - a media worker: one thread, one loop, its sockets, timers, packets and counters.
 *
 *     loop turn:  timers due -> packets gathered, given to the hook -> messages delivered
 *                 -> what was handed to worker_send() leaves in batches
 *
 * The clock is sampled once per turn. A worker knows nothing of media: the pipeline plugs in by a
 * table of hooks and a state of its own. All functions but worker_start(), worker_post(),
 * worker_counters() and worker_stop() are for the worker's own thread, that is for hooks, timers
 * and deliveries.
 */
#ifndef NET_WORKER_H
#define NET_WORKER_H

#include "base/timers.h"
#include "net/mailbox.h"
#include "net/packet_io.h"

struct worker;

struct worker_hooks {
    /* Before the thread exists, in the thread that starts it; sockets may be opened already.
     * An error stops the start; on_stop is not called then. May be NULL. */
    int (*on_start)(void *state, struct worker *worker);
    /* The last call: close sockets, cancel timers. May be NULL. */
    void (*on_stop)(void *state);
    /* Once a second. May be NULL. */
    void (*on_tick)(void *state, uint64_t now_ms);
    /* A batch that is not empty. The packets stay the worker's, which gives back those that were
     * not handed to worker_send(), and counts those that have a `drop` verdict. */
    void (*packets)(void *state, struct packet_batch *batch, uint64_t now_ms);
};

struct worker_config {
    unsigned index;                   /* counts from 0; names the thread */
    const struct worker_hooks *hooks; /* borrowed */
    void *state;                      /* borrowed; handed to hooks and as owner to messages */
    packet_io_maker *make_io;         /* NULL: epoll */
    unsigned batch_wait_us;           /* gather for so long before each batch; 0: do not wait */
    size_t packet_limit;              /* packets at most; 0: 4096 */
};

/* Starts the thread. Returns 0 and a new worker in `out`, or a negative errno or UV_E code. */
NODISCARD int worker_start(const struct worker_config *config, struct worker **out);

/* Delivers what was posted, calls on_stop, ends the thread, frees. Nobody may post any more.
 * Blocks until then; accepts NULL. */
void worker_stop(struct worker *worker);

/* From any thread; takes `message`. It is delivered with the worker's state as its owner. */
void worker_post(struct worker *worker, struct message *message);

/* Read from any thread. */
const struct packet_io_counters *worker_counters(const struct worker *worker);

/* The clock of this turn, milliseconds, monotonic. */
uint64_t worker_now_ms(const struct worker *worker);

struct timers *worker_timers(struct worker *worker);

/* For opening and closing sockets. */
struct packet_io *worker_io(struct worker *worker);

/* Returns an empty packet for worker_send() or worker_discard(); NULL, counted as DROP_NO_MEMORY,
 * when there is none left. */
NODISCARD struct packet *worker_packet(struct worker *worker);

/* The same with a copy of `p`, for a second sink. */
NODISCARD struct packet *worker_packet_copy(struct worker *worker, const struct packet *p);

/* Takes a packet with data, socket and peer; it leaves at the end of the turn at the latest, in
 * the order of the calls. A packet of the batch in hand may be sent once. */
void worker_send(struct worker *worker, struct packet *packet);

/* Lets leave now what worker_send() has; before a socket is closed, or its last words would be
 * lost. Not for the packets hook. */
void worker_flush(struct worker *worker);

/* Takes a packet that was never sent, one of worker_packet() only; counts its `drop` verdict. */
void worker_discard(struct worker *worker, struct packet *packet);

#endif
