/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_worker.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/list.h"

enum { PACKETS = 4096, TICK_MS = 1000 };

struct fake_socket {
    struct packet_socket base;
    int fd;
    bool is_closed;
    struct list link;
    struct list arrived;
};

struct datagram {
    struct list link;
    struct address from;
    size_t len;
    uint8_t data[];
};

struct sent {
    struct list link;
    struct fake_sent what;
};

struct worker {
    struct worker_config config;
    uint64_t now_ms;
    struct timers timers;
    struct timer tick;
    struct pool packets;
    struct packet_io_counters counters;
    struct packet_io io;
    struct list open;
    struct list closed;
    struct list sent;
    struct message *mail;
    struct message **mail_end;
    struct packet *queue;
    struct packet **queue_end;
};

static struct worker *worker_of(struct packet_io *io)
{
    return CONTAINER_OF(io, struct worker, io);
}

static int open_socket(
    struct packet_io *io, const struct packet_socket_config *config, struct packet_socket **out)
{
    struct worker *w = worker_of(io);
    struct fake_socket *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return -ENOMEM;
    s->base = (struct packet_socket){
        .local = config->local, .channel = config->channel, .user = config->user};
    s->fd = config->fd;
    list_init(&s->arrived);
    list_push_back(&w->open, &s->link);
    counter_add(&w->counters.sockets, 1);
    *out = &s->base;
    return 0;
}

static void forget_arrived(struct fake_socket *s)
{
    for (struct list *at; (at = list_pop_front(&s->arrived)) != NULL;)
        free(CONTAINER_OF(at, struct datagram, link));
}

static void close_socket(struct packet_io *io, struct packet_socket *socket)
{
    struct worker *w = worker_of(io);
    struct fake_socket *s = (struct fake_socket *)socket;
    if (s->is_closed)
        return;
    forget_arrived(s);
    if (s->fd >= 0)
        close(s->fd);
    s->is_closed = true;
    s->base.user = NULL;
    list_remove(&s->link);
    list_push_back(&w->closed, &s->link);
    counter_subtract(&w->counters.sockets, 1);
}

static void free_closed(struct worker *w)
{
    for (struct list *at; (at = list_pop_front(&w->closed)) != NULL;)
        free(CONTAINER_OF(at, struct fake_socket, link));
}

static struct packet *receive_one(struct worker *w, struct fake_socket *s)
{
    struct list *at = list_pop_front(&s->arrived);
    if (at == NULL)
        return NULL;
    struct datagram *datagram = CONTAINER_OF(at, struct datagram, link);
    struct packet *p = packet_take(&w->packets);
    assert(p != NULL);
    bool fits = packet_set(p, bytes_of(datagram->data, datagram->len));
    assert(fits);
    (void)fits;
    p->peer = datagram->from;
    p->socket = &s->base;
    p->arrival_ns = w->now_ms * 1000000;
    free(datagram);
    counter_add(&w->counters.received_packets, 1);
    counter_add(&w->counters.received_bytes, p->len);
    return p;
}

static void receive(struct packet_io *io, struct packet_batch *batch)
{
    struct worker *w = worker_of(io);
    free_closed(w);
    list_for_each (at, &w->open) {
        struct fake_socket *s = CONTAINER_OF(at, struct fake_socket, link);
        while (batch->count < PACKET_BATCH_MAX && !list_is_empty(&s->arrived))
            batch->packets[batch->count++] = receive_one(w, s);
    }
    counter_add(&w->counters.batches, batch->count > 0 ? 1 : 0);
}

static void send_one(struct worker *w, const struct packet *p)
{
    const struct fake_socket *s = (const struct fake_socket *)p->socket;
    if (s->is_closed) {
        drop_count(&w->counters.drops, DROP_SOCKET_CLOSED);
        return;
    }
    struct sent *sent = calloc(1, sizeof(*sent));
    assert(sent != NULL);
    sent->what = (struct fake_sent){
        .from = s->base.local, .to = p->peer, .channel = s->base.channel, .len = p->len};
    memcpy(sent->what.data, p->data, p->len);
    list_push_back(&w->sent, &sent->link);
    counter_add(&w->counters.sent_packets, 1);
    counter_add(&w->counters.sent_bytes, p->len);
}

static void send_batch(struct packet_io *io, struct packet_batch *batch)
{
    struct worker *w = worker_of(io);
    for (size_t i = 0; i < batch->count; i++) {
        send_one(w, batch->packets[i]);
        packet_give(&w->packets, batch->packets[i]);
    }
    batch->count = 0;
}

static const struct packet_io_ops fake_ops = {
    .name = "fake",
    .open_socket = open_socket,
    .close_socket = close_socket,
    .receive = receive,
    .send = send_batch,
};

static void on_tick(struct timer *tick, uint64_t now_ms)
{
    struct worker *w = CONTAINER_OF(tick, struct worker, tick);
    timer_arm(&w->timers, tick, now_ms + TICK_MS);
    if (w->config.hooks->on_tick != NULL)
        w->config.hooks->on_tick(w->config.state, now_ms);
}

static void flush(struct worker *w)
{
    struct packet_batch batch;
    batch.count = 0;
    while (w->queue != NULL) {
        batch.packets[batch.count++] = w->queue;
        w->queue = w->queue->next;
        if (batch.count == PACKET_BATCH_MAX || w->queue == NULL)
            packet_io_send(&w->io, &batch);
    }
    w->queue_end = &w->queue;
}

static void deliver_mail(struct worker *w)
{
    struct message *message = w->mail;
    w->mail = NULL;
    w->mail_end = &w->mail;
    while (message != NULL) {
        struct message *next = message->next;
        message->deliver(message, w->config.state);
        message = next;
    }
}

static void free_worker(struct worker *w)
{
    list_for_each_safe (at, &w->open)
        close_socket(&w->io, &CONTAINER_OF(at, struct fake_socket, link)->base);
    free_closed(w);
    for (struct list *at; (at = list_pop_front(&w->sent)) != NULL;)
        free(CONTAINER_OF(at, struct sent, link));
    pool_done(&w->packets);
    free(w);
}

int worker_start(const struct worker_config *config, struct worker **out)
{
    struct worker *w = calloc(1, sizeof(*w));
    if (w == NULL)
        return -ENOMEM;
    w->config = *config;
    w->now_ms = FAKE_WORKER_START_MS;
    w->io = (struct packet_io){.ops = &fake_ops, .pool = &w->packets, .counters = &w->counters};
    w->mail_end = &w->mail;
    w->queue_end = &w->queue;
    packet_pool_init(&w->packets, config->packet_limit > 0 ? config->packet_limit : PACKETS);
    timers_init(&w->timers);
    list_init(&w->open);
    list_init(&w->closed);
    list_init(&w->sent);
    timer_init(&w->tick, on_tick);
    timer_arm(&w->timers, &w->tick, w->now_ms + TICK_MS);
    int error = config->hooks->on_start != NULL ? config->hooks->on_start(config->state, w) : 0;
    if (error != 0) {
        free_worker(w);
        return error;
    }
    *out = w;
    return 0;
}

void worker_stop(struct worker *w)
{
    if (w == NULL)
        return;
    deliver_mail(w);
    if (w->config.hooks->on_stop != NULL)
        w->config.hooks->on_stop(w->config.state);
    flush(w);
    free_worker(w);
}

void worker_post(struct worker *w, struct message *message)
{
    message->next = NULL;
    *w->mail_end = message;
    w->mail_end = &message->next;
}

const struct packet_io_counters *worker_counters(const struct worker *w)
{
    return &w->counters;
}

unsigned worker_index(const struct worker *w)
{
    return w->config.index;
}

uint64_t worker_now_ms(const struct worker *w)
{
    return w->now_ms;
}

struct timers *worker_timers(struct worker *w)
{
    return &w->timers;
}

struct packet_io *worker_io(struct worker *w)
{
    return &w->io;
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

void worker_discard(struct worker *w, struct packet *p)
{
    if (p->drop != DROP_NONE)
        drop_count(&w->counters.drops, p->drop);
    packet_give(&w->packets, p);
}

bool fake_worker_arrive(
    struct worker *w, const struct address *to, const struct address *from, struct bytes bytes)
{
    list_for_each (at, &w->open) {
        struct fake_socket *s = CONTAINER_OF(at, struct fake_socket, link);
        if (!address_equal(&s->base.local, to))
            continue;
        struct datagram *datagram = malloc(sizeof(*datagram) + bytes.len);
        assert(datagram != NULL);
        *datagram = (struct datagram){.from = *from, .len = bytes.len};
        if (bytes.len > 0)
            memcpy(datagram->data, bytes.data, bytes.len);
        list_push_back(&s->arrived, &datagram->link);
        return true;
    }
    return false;
}

void fake_worker_turn(struct worker *w)
{
    struct packet_batch batch;
    timers_run(&w->timers, w->now_ms);
    deliver_mail(w);
    flush(w);
    for (;;) {
        batch.count = 0;
        packet_io_receive(&w->io, &batch);
        if (batch.count == 0)
            return;
        w->config.hooks->packets(w->config.state, &batch, w->now_ms);
        for (size_t i = 0; i < batch.count; i++)
            if (!batch.packets[i]->queued)
                worker_discard(w, batch.packets[i]);
        flush(w);
    }
}

void fake_worker_advance(struct worker *w, uint64_t ms)
{
    uint64_t end = w->now_ms + ms;
    for (uint64_t due; (due = timers_next_due(&w->timers)) <= end;) {
        if (due > w->now_ms)
            w->now_ms = due;
        fake_worker_turn(w);
    }
    w->now_ms = end;
    fake_worker_turn(w);
}

bool fake_worker_take_sent(struct worker *w, struct fake_sent *out)
{
    struct list *at = list_pop_front(&w->sent);
    if (at == NULL)
        return false;
    struct sent *sent = CONTAINER_OF(at, struct sent, link);
    *out = sent->what;
    free(sent);
    return true;
}

size_t fake_worker_sockets(const struct worker *w)
{
    return list_count(&w->open);
}
