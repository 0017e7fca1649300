/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/worker.h - a media worker: one thread, one loop, its sockets, timers, packets and counters.
 *
 *     loop turn:  under load: sleeps until packets have gathered (net/gather.h)
 *                 -> timers due, messages delivered -> packets received, given to the hook
 *                 -> what was handed to worker_send() leaves in batches -> again hooks
 *
 * The clock is sampled once per turn. A worker knows nothing of media or TURN: they plug in as
 * modules, each with a table of hooks, a state and sockets of its own.
 *
 * Life: worker_new(), then modules are added and open their first sockets, then worker_start()
 * starts the thread. From there on all functions but worker_post(), worker_counters() and
 * worker_stop() are for the worker's own thread, that is for hooks, timers and deliveries.
 */
#ifndef NET_WORKER_H
#define NET_WORKER_H

#include "base/timers.h"
#include "net/mailbox.h"
#include "net/packet_io.h"

struct worker;
struct worker_module;

enum { WORKER_MAX_MODULES = 4 };

struct worker_hooks {
    /* The last call: close sockets, cancel timers. May be NULL. */
    void (*on_stop)(void *state);
    /* Once a second. May be NULL. */
    void (*on_tick)(void *state, uint64_t now_ms);
    /* Packets of the module's sockets, at least one. They stay the worker's, which gives back those
     * that were not handed to worker_send(), and counts those that have a `drop` verdict. */
    void (*packets)(void *state, struct packet_batch *batch, uint64_t now_ms);
    /* Once for each turn in which worker_stay_awake() was called, after the packets of that turn
     * were handled and sent. May be NULL for modules that do not call it. */
    void (*on_again)(void *state, uint64_t now_ms);
};

struct worker_config {
    unsigned index;           /* counts from 0; names the thread */
    packet_io_maker *make_io; /* NULL: epoll */
    void *io_context;         /* its; borrowed */
    unsigned batch_wait_us;   /* under load a batch begins no sooner than so long after the one
                                 before; 0: it never waits */
    bool is_pinned;           /* the thread stays on processor core `cpu` */
    unsigned cpu;
    size_t packet_limit;     /* packets at most; 0: 4096 */
    struct own_sockets *own; /* of the process, borrowed; the worker is number `index` in it. NULL:
                                all packets go through the kernel */
};

/* Returns 0 and a new worker, without a thread yet, in `out`, or a negative errno or UV_E code. */
NODISCARD int worker_new(const struct worker_config *config, struct worker **out);

/* Adds a module, at most WORKER_MAX_MODULES of them. `hooks` and `state` are borrowed; `state` is
 * handed to the hooks, and to messages as their owner. */
struct worker_module *worker_add(
    struct worker *worker, const struct worker_hooks *hooks, void *state);

/* Takes the module added last away again, with its sockets closed; before worker_start() only. */
void worker_remove(struct worker_module *module);

/* Starts the thread. Returns 0 or a negative UV_E code; the worker stays as it was then. */
NODISCARD int worker_start(struct worker *worker);

/* Delivers what was posted, calls on_stop of the modules, those added last first, ends the thread
 * (if there is one) and frees. Nobody may post any more. Blocks until then; accepts NULL. */
void worker_stop(struct worker *worker);

/* From any thread; takes `message`. It is delivered with the module's state as its owner. */
void worker_post(struct worker_module *module, struct message *message);

/* The worker of a module. */
struct worker *worker_of(const struct worker_module *module);

/* Counts a drop that no packet of the worker stands for. */
void worker_count_drop(struct worker *worker, enum drop_reason reason);

/* Read from any thread. */
const struct packet_io_counters *worker_counters(const struct worker *worker);

/* The clock of this turn, milliseconds, monotonic. */
uint64_t worker_now_ms(const struct worker *worker);

struct timers *worker_timers(struct worker *worker);

/* For other handles of a module, which it closes in its on_stop. */
uv_loop_t *worker_loop(struct worker *worker);

/* Opens a socket whose packets are for `module`, as packet_io_open_socket() does. */
NODISCARD int worker_open_socket(struct worker_module *module,
    const struct packet_socket_config *config, struct packet_socket **out);

/* Accepts NULL. */
void worker_close_socket(struct worker *worker, struct packet_socket *socket);

/* Returns an empty packet for worker_send() or worker_discard(); NULL, counted as DROP_NO_MEMORY,
 * when there is none left. */
NODISCARD struct packet *worker_packet(struct worker *worker);

/* The same with a copy of `p`, for a second sink. */
NODISCARD struct packet *worker_packet_copy(struct worker *worker, const struct packet *p);

/* Takes a packet with data, socket and peer; it leaves at the end of the turn at the latest, in
 * the order of the calls. A packet of the batch in hand may be sent once. When the peer is a
 * reachable socket of the process (net/own_sockets.h), that one's worker has it among the packets
 * of its next turn, as if it had come through the kernel: from the address that the sending socket
 * has in the form (bound or advertised) in which the peer was addressed. */
void worker_send(struct worker *worker, struct packet *packet);

/* Lets leave now what worker_send() has; before a socket is closed, or its last words would be
 * lost. Not for the packets hook. */
void worker_flush(struct worker *worker);

/* Work is left: the module's on_again is called when this turn's packets have been handled and
 * sent. Called from on_again itself it means the next turn, which then comes at once, without a
 * wait. */
void worker_stay_awake(struct worker_module *module);

/* For the packets hook: `packet` of the batch in hand stays with the module, until it hands it to
 * worker_discard(). Its socket may be closed by then; who keeps packets sees to it. `next` is the
 * module's meanwhile. */
void worker_keep(struct worker *worker, struct packet *packet);

/* Takes a packet that was never sent, one of worker_packet() or worker_keep() only; counts its
 * `drop` verdict. */
void worker_discard(struct worker *worker, struct packet *packet);

#endif
