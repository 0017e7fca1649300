/* SPDX-License-Identifier: Apache-2.0 */
#include "sim.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { START_MS = 1000000, TICK_MS = 1000, PACKETS = 4096 };

struct fake_socket {
    struct packet_socket socket; /* first */
    struct list link;
    int fd;
};

struct wire {
    struct list link;
    struct address from, to;
    size_t len;
    uint8_t data[];
};

struct worker_module {
    struct worker *worker;
    const struct worker_hooks *hooks;
    void *state;
    bool wants_again;
};

struct worker {
    struct worker_config config;
    uint64_t ahead_ms;           /* of the world's clock; modulo 2^64 */
    struct worker_module module; /* one */
    struct timers timers;
    struct timer tick;
    struct pool packets;
    size_t packet_limit;
    struct packet_io io;
    struct packet_io_counters counters;
    struct list sockets, closed;
    struct packet_batch queue; /* to be sent */
    struct message *posted, **posted_end;
};

static struct {
    uint64_t now_ms;
    uint64_t ahead_ms; /* of the next worker */
    struct list peers;
    struct list to_relay; /* struct wire */
    struct worker *worker;
    struct message *control, **control_end;
    uint64_t unreachable;
    struct packet_io_counters counters; /* of the workers that are gone */
    void (*when_settled)(void *owner);  /* NULL: nothing */
    void *owner;
} world;

void sim_begin(void)
{
    world.now_ms = START_MS;
    world.ahead_ms = 0;
    list_init(&world.peers);
    list_init(&world.to_relay);
    world.control = NULL;
    world.control_end = &world.control;
    world.unreachable = 0;
    world.counters = (struct packet_io_counters){0};
    world.when_settled = NULL;
}

static void deliver_control(void)
{
    while (world.control != NULL) {
        struct message *message = world.control;
        world.control = message->next;
        if (world.control == NULL)
            world.control_end = &world.control;
        message->deliver(message, message->owner);
    }
}

void sim_end(void)
{
    deliver_control();
    while (!list_is_empty(&world.to_relay))
        free(CONTAINER_OF(list_pop_front(&world.to_relay), struct wire, link));
}

uint64_t sim_now_ms(void)
{
    return world.now_ms;
}

void sim_set_clock(uint64_t now_ms)
{
    world.ahead_ms = now_ms - world.now_ms;
}

void sim_join(struct sim_peer *peer)
{
    list_push_back(&world.peers, &peer->link);
}

void sim_leave(struct sim_peer *peer)
{
    list_remove(&peer->link);
}

int sim_fd(void)
{
    return open("/dev/null", O_RDWR | O_CLOEXEC);
}

/* --- the network -------------------------------------------------------------------------------
 */

void sim_send(const struct address *from, const struct address *to, struct bytes datagram)
{
    struct wire *wire = malloc(sizeof(*wire) + datagram.len);
    assert(wire != NULL);
    *wire = (struct wire){.from = *from, .to = *to, .len = datagram.len};
    if (datagram.len > 0)
        memcpy(wire->data, datagram.data, datagram.len);
    list_push_back(&world.to_relay, &wire->link);
}

/* Relay sockets reach each other, under advertised addresses as well. */
static bool stays_inside(const struct worker *w, const struct packet *p)
{
    const struct own_socket *sender = &p->socket->own;
    list_for_each (at, &w->sockets) {
        const struct own_socket *own = &CONTAINER_OF(at, struct fake_socket, link)->socket.own;
        bool by_bound = address_equal(&own->bound, &p->peer);
        if (!by_bound && !(own->is_listed && address_equal(&own->advertised, &p->peer)))
            continue;
        sim_send(by_bound ? &sender->bound : &sender->advertised, &own->bound, packet_bytes(p));
        return true;
    }
    return false;
}

static void hand_over(const struct worker *w, const struct packet *p)
{
    list_for_each_safe (at, &world.peers) {
        struct sim_peer *peer = CONTAINER_OF(at, struct sim_peer, link);
        if (!address_equal(&peer->address, &p->peer))
            continue;
        struct address from = p->socket->local;
        peer->receive(peer, &from, packet_bytes(p));
        return;
    }
    if (!stays_inside(w, p))
        world.unreachable++;
}

static int fake_open(
    struct packet_io *io, const struct packet_socket_config *config, struct packet_socket **out)
{
    struct worker *w = CONTAINER_OF(io, struct worker, io);
    struct fake_socket *s = calloc(1, sizeof(*s));
    assert(s != NULL);
    s->fd = config->fd;
    s->socket = (struct packet_socket){.local = config->local,
        .channel = config->channel,
        .module = config->module,
        .user = config->user,
        .own = {.bound = config->local,
            .advertised =
                config->advertised.family != ADDRESS_NONE ? config->advertised : config->local,
            .is_listed = config->reachable}};
    s->socket.own.advertised.port = config->local.port;
    list_push_back(&w->sockets, &s->link);
    *out = &s->socket;
    return 0;
}

static void fake_close(struct packet_io *io, struct packet_socket *socket)
{
    struct worker *w = CONTAINER_OF(io, struct worker, io);
    struct fake_socket *s = CONTAINER_OF(socket, struct fake_socket, socket);
    close(s->fd);
    s->socket.user = NULL;
    list_remove(&s->link);
    list_push_back(&w->closed, &s->link);
}

static void free_closed(struct worker *w)
{
    while (!list_is_empty(&w->closed))
        free(CONTAINER_OF(list_pop_front(&w->closed), struct fake_socket, link));
}

static struct packet_socket *socket_at(const struct worker *w, const struct address *local)
{
    list_for_each (at, &w->sockets) {
        struct fake_socket *s = CONTAINER_OF(at, struct fake_socket, link);
        if (address_equal(&s->socket.local, local))
            return &s->socket;
    }
    return NULL;
}

static struct packet *take(struct worker *w)
{
    return w->packets.used >= w->packet_limit ? NULL : packet_take(&w->packets);
}

static void fake_receive(struct packet_io *io, struct packet_batch *batch)
{
    struct worker *w = CONTAINER_OF(io, struct worker, io);
    free_closed(w);
    while (batch->count < PACKET_BATCH_MAX && !list_is_empty(&world.to_relay)) {
        struct wire *wire = CONTAINER_OF(list_pop_front(&world.to_relay), struct wire, link);
        struct packet_socket *socket = socket_at(w, &wire->to);
        struct packet *p = socket == NULL ? NULL : take(w);
        if (p != NULL && packet_set(p, bytes_of(wire->data, wire->len))) {
            p->socket = socket;
            p->peer = wire->from;
            p->arrival_ns = worker_now_ms(w) * 1000000;
            batch->packets[batch->count++] = p;
            counter_add(&w->counters.received_packets, 1);
        } else {
            packet_give(&w->packets, p);
            world.unreachable++;
        }
        free(wire);
    }
}

static void fake_send(struct packet_io *io, struct packet_batch *batch)
{
    struct worker *w = CONTAINER_OF(io, struct worker, io);
    for (size_t i = 0; i < batch->count; i++) {
        struct packet *p = batch->packets[i];
        if (p->socket->user == NULL) {
            drop_count(&w->counters.drops, DROP_SOCKET_CLOSED);
        } else {
            counter_add(&w->counters.sent_packets, 1);
            hand_over(w, p);
        }
        packet_give(&w->packets, p);
    }
    batch->count = 0;
}

static int fake_poll_fd(const struct packet_io *io)
{
    (void)io;
    return -1;
}

static void fake_free(struct packet_io *io)
{
    struct worker *w = CONTAINER_OF(io, struct worker, io);
    while (!list_is_empty(&w->sockets))
        fake_close(io, &CONTAINER_OF(list_first(&w->sockets), struct fake_socket, link)->socket);
    free_closed(w);
}

static const struct packet_io_ops fake_ops = {
    .name = "fake",
    .open_socket = fake_open,
    .close_socket = fake_close,
    .receive = fake_receive,
    .send = fake_send,
    .poll_fd = fake_poll_fd,
    .free = fake_free,
};

/* --- the worker --------------------------------------------------------------------------------
 */

static void flush(struct worker *w)
{
    if (w->queue.count > 0)
        packet_io_send(&w->io, &w->queue);
}

static void on_tick(struct timer *timer, uint64_t now_ms)
{
    struct worker *w = CONTAINER_OF(timer, struct worker, tick);
    timer_arm(&w->timers, timer, now_ms + TICK_MS);
    if (w->module.hooks->on_tick != NULL)
        w->module.hooks->on_tick(w->module.state, now_ms);
}

static bool run_packets(struct worker *w)
{
    struct packet_batch batch = {0};
    packet_io_receive(&w->io, &batch);
    if (batch.count == 0)
        return false;
    w->module.hooks->packets(w->module.state, &batch, worker_now_ms(w));
    for (size_t i = 0; i < batch.count; i++)
        if (!batch.packets[i]->queued)
            worker_discard(w, batch.packets[i]);
    flush(w);
    return true;
}

static bool run_messages(struct worker *w)
{
    if (w->posted == NULL)
        return false;
    while (w->posted != NULL) {
        struct message *message = w->posted;
        w->posted = message->next;
        if (w->posted == NULL)
            w->posted_end = &w->posted;
        message->deliver(message, message->owner);
    }
    flush(w);
    return true;
}

static bool run_again(struct worker *w)
{
    if (!w->module.wants_again)
        return false;
    w->module.wants_again = false;
    w->module.hooks->on_again(w->module.state, worker_now_ms(w));
    flush(w);
    return true;
}

static void settle(void)
{
    struct worker *w = world.worker;
    bool busy = true;
    while (busy) {
        timers_run(&w->timers, worker_now_ms(w));
        flush(w);
        busy = run_packets(w);
        busy = run_messages(w) || busy;
        busy = run_again(w) || busy;
        deliver_control();
        busy = busy || w->posted != NULL || !list_is_empty(&world.to_relay);
    }
}

void sim_when_settled(void (*act)(void *owner), void *owner)
{
    world.when_settled = act;
    world.owner = owner;
}

static void tell_settled(void)
{
    void (*act)(void *owner) = world.when_settled;
    world.when_settled = NULL;
    if (act != NULL)
        act(world.owner);
    world.when_settled = act;
}

void sim_settle(void)
{
    settle();
    tell_settled();
}

void sim_run(uint64_t ms)
{
    uint64_t end_ms = world.now_ms + ms;
    while (world.now_ms < end_ms) {
        world.now_ms += SIM_STEP_MS;
        list_for_each_safe (at, &world.peers) {
            struct sim_peer *peer = CONTAINER_OF(at, struct sim_peer, link);
            if (peer->tick != NULL)
                peer->tick(peer, world.now_ms);
        }
        settle();
    }
    tell_settled();
}

int worker_new(const struct worker_config *config, struct worker **out)
{
    struct worker *w = calloc(1, sizeof(*w));
    assert(w != NULL);
    w->config = *config;
    w->ahead_ms = world.ahead_ms;
    w->packet_limit = SIZE_MAX;
    w->counters = world.counters;
    w->io = (struct packet_io){.ops = &fake_ops, .pool = &w->packets, .counters = &w->counters};
    w->posted_end = &w->posted;
    timers_init(&w->timers);
    list_init(&w->sockets);
    list_init(&w->closed);
    packet_pool_init(&w->packets, PACKETS);
    timer_init(&w->tick, on_tick);
    timer_arm(&w->timers, &w->tick, worker_now_ms(w) + TICK_MS);
    world.worker = w;
    *out = w;
    return 0;
}

int worker_start(struct worker *w)
{
    (void)w;
    return 0;
}

struct worker_module *worker_add(struct worker *w, const struct worker_hooks *hooks, void *state)
{
    assert(w->module.hooks == NULL);
    w->module = (struct worker_module){.worker = w, .hooks = hooks, .state = state};
    return &w->module;
}

void worker_remove(struct worker_module *module)
{
    module->hooks = NULL;
}

struct worker *worker_of(const struct worker_module *module)
{
    return module->worker;
}

void worker_stop(struct worker *w)
{
    if (w == NULL)
        return;
    run_messages(w);
    timer_cancel(&w->timers, &w->tick);
    w->module.hooks->on_stop(w->module.state);
    assert(timers_next_due(&w->timers) == TIMERS_NEVER);
    flush(w);
    assert(list_is_empty(&w->sockets));
    world.counters = w->counters;
    fake_free(&w->io);
    pool_done(&w->packets);
    free(w);
    world.worker = NULL;
}

void worker_post(struct worker_module *module, struct message *message)
{
    struct worker *w = module->worker;
    message->owner = module->state;
    message->next = NULL;
    *w->posted_end = message;
    w->posted_end = &message->next;
}

void mailbox_post(struct mailbox *box, struct message *message)
{
    message->owner = box->owner;
    message->next = NULL;
    *world.control_end = message;
    world.control_end = &message->next;
}

const struct packet_io_counters *worker_counters(const struct worker *w)
{
    return &w->counters;
}

uint64_t worker_now_ms(const struct worker *w)
{
    return world.now_ms + w->ahead_ms;
}

struct timers *worker_timers(struct worker *w)
{
    return &w->timers;
}

int worker_open_socket(struct worker_module *module, const struct packet_socket_config *config,
    struct packet_socket **out)
{
    struct packet_socket_config own = *config;
    own.module = module;
    return packet_io_open_socket(&module->worker->io, &own, out);
}

void worker_close_socket(struct worker *w, struct packet_socket *socket)
{
    packet_io_close_socket(&w->io, socket);
}

static struct packet *counted(struct worker *w, struct packet *p)
{
    if (p == NULL)
        drop_count(&w->counters.drops, DROP_NO_MEMORY);
    return p;
}

struct packet *worker_packet(struct worker *w)
{
    return counted(w, take(w));
}

struct packet *worker_packet_copy(struct worker *w, const struct packet *p)
{
    bool full = w->packets.used >= w->packet_limit;
    return counted(w, full ? NULL : packet_copy(&w->packets, p));
}

void worker_send(struct worker *w, struct packet *p)
{
    assert(!p->queued && p->socket != NULL && p->drop == DROP_NONE);
    p->queued = true;
    if (w->queue.count == PACKET_BATCH_MAX)
        flush(w);
    w->queue.packets[w->queue.count++] = p;
}

void worker_keep(struct worker *w, struct packet *p)
{
    (void)w;
    assert(!p->queued);
    p->queued = true;
}

void worker_flush(struct worker *w)
{
    flush(w);
}

void worker_stay_awake(struct worker_module *module)
{
    module->wants_again = true;
}

void worker_discard(struct worker *w, struct packet *p)
{
    if (p->drop != DROP_NONE)
        drop_count(&w->counters.drops, p->drop);
    packet_give(&w->packets, p);
}

/* --- what tests ask ----------------------------------------------------------------------------
 */

uint64_t sim_drops(enum drop_reason reason)
{
    return counter_get(&world.worker->counters.drops.by_reason[reason]);
}

uint64_t sim_drops_in_all(void)
{
    uint64_t sum = 0;
    for (int reason = DROP_NONE + 1; reason < DROP_REASON_COUNT; reason++)
        sum += sim_drops((enum drop_reason)reason);
    return sum;
}

uint64_t sim_received(void)
{
    return counter_get(&world.worker->counters.received_packets);
}

uint64_t sim_sent(void)
{
    return counter_get(&world.worker->counters.sent_packets);
}

uint64_t sim_unreachable(void)
{
    return world.unreachable;
}

size_t sim_open_sockets(void)
{
    return list_count(&world.worker->sockets);
}

void sim_limit_packets(size_t limit)
{
    world.worker->packet_limit = limit;
}
