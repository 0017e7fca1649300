/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "clients.h"
#include "mediaferry/channel_data.h"

enum {
    PAYLOAD = 172, /* RTP of 20 ms G.711 */
    WINDOW = 4,
    SET_UP_WINDOW = 100,
    MAX_DELAYS = 1 << 22,
    TICK_NS = 1000000,
    TAIL_NS = 300000000, /* for what is still under way */
    STALL_NS = 100000000,
};

/* What a payload begins with. */
struct mark {
    uint32_t client, number;
    uint64_t sent_ns;
};

struct talker {
    uint32_t next;    /* number of its next packet */
    uint64_t sent_ns; /* its last one */
};

struct voice {
    struct clients *clients;
    struct udp *peer;
    struct talker *talkers;
    uint64_t sent, received, stalls;
    uint32_t *delays; /* ns, of those received */
    bool is_over;     /* nothing is sent any more */
};

static void speak(struct voice *v, uint32_t i)
{
    uint8_t *out = udp_room(v->clients->udp);
    struct talker *talker = &v->talkers[i];
    talker->sent_ns = now_ns();
    struct mark mark = {.client = i, .number = talker->next++, .sent_ns = talker->sent_ns};

    channel_data_header(out, CHANNEL, PAYLOAD);
    memcpy(out + CHANNEL_HEADER_SIZE, &mark, sizeof(mark));
    memset(out + CHANNEL_HEADER_SIZE + sizeof(mark), 0x55, PAYLOAD - sizeof(mark));
    udp_put(v->clients->udp, CHANNEL_HEADER_SIZE + PAYLOAD, v->clients->list[i].ip,
        &v->clients->server);
    v->sent++;
}

/* Packets keep their order: those before number `seen` that have not come are lost. */
static void fill_window(struct voice *v, uint32_t i, uint32_t seen)
{
    while (v->talkers[i].next - seen <= WINDOW)
        speak(v, i);
}

static bool hear(struct voice *v, struct bytes datagram, bool has_window)
{
    struct channel_data message;
    struct mark mark;
    if (!channel_data_parse(datagram, &message) || message.number != CHANNEL ||
        message.data.len != PAYLOAD)
        return false;
    memcpy(&mark, message.data.data, sizeof(mark));
    if (mark.client >= v->clients->count)
        return false;
    if (v->received < MAX_DELAYS)
        v->delays[v->received] = (uint32_t)(now_ns() - mark.sent_ns);
    v->received++;
    if (has_window && !v->is_over)
        fill_window(v, mark.client, mark.number);
    return true;
}

static unsigned echo(struct udp *peer)
{
    unsigned got = udp_receive(peer);
    for (unsigned i = 0; i < got; i++) {
        struct bytes data = udp_received(peer, i);
        memcpy(udp_room(peer), data.data, data.len);
        udp_put(peer, data.len, 0, &peer->in.others[i]);
    }
    return got;
}

static unsigned listen_to_all(struct voice *v, bool has_window)
{
    unsigned got = udp_receive(v->clients->udp);
    for (unsigned i = 0; i < got; i++)
        hear(v, udp_received(v->clients->udp, i), has_window);
    return got;
}

static void wake_stalled(struct voice *v)
{
    uint64_t now = now_ns();
    for (uint32_t i = 0; i < v->clients->count; i++)
        if (now - v->talkers[i].sent_ns > STALL_NS) {
            v->stalls++;
            fill_window(v, i, v->talkers[i].next);
        }
}

/* Each tick one slice of the clients speaks, as independent ones would. */
static void speak_in_turn(struct voice *v, uint64_t tick, unsigned per_second)
{
    unsigned period = 1000 / per_second;
    for (uint32_t i = (uint32_t)(tick % period); i < v->clients->count; i += period)
        speak(v, i);
}

static void on_tick(struct voice *v, uint64_t tick, unsigned per_second)
{
    if (per_second > 0)
        speak_in_turn(v, tick, per_second);
    else if (tick % 50 == 0)
        wake_stalled(v);
}

static void talk(struct voice *v, unsigned seconds, unsigned per_second)
{
    uint64_t ticks = 0, last = seconds * UINT64_C(1000);
    uint64_t start = now_ns(), end = start + last * TICK_NS + TAIL_NS;
    for (uint64_t now = start; now < end; now = now_ns()) {
        for (; ticks < last && start + ticks * TICK_NS <= now; ticks++)
            on_tick(v, ticks, per_second);
        v->is_over = ticks == last;
        unsigned got = echo(v->peer) + listen_to_all(v, per_second == 0);
        udp_flush(v->peer);
        udp_flush(v->clients->udp);
        uint64_t due = v->is_over ? end : start + ticks * TICK_NS;
        now = now_ns();
        if (got == 0 && due > now)
            udp_wait(v->peer, v->clients->udp, due - now);
    }
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double delay_ms(const struct voice *v, double share)
{
    uint64_t count = v->received < MAX_DELAYS ? v->received : MAX_DELAYS;
    return count == 0 ? 0 : v->delays[(uint64_t)((double)(count - 1) * share)] / 1e6;
}

static void tell(const struct voice *v)
{
    qsort(v->delays, v->received < MAX_DELAYS ? v->received : MAX_DELAYS, sizeof(*v->delays),
        by_size);
    printf("{\"sent\": %llu, \"received\": %llu, \"stalls\": %llu, \"p50_ms\": %.3f, "
           "\"p99_ms\": %.3f, \"max_ms\": %.3f}\n",
        (unsigned long long)v->sent, (unsigned long long)v->received, (unsigned long long)v->stalls,
        delay_ms(v, 0.5), delay_ms(v, 0.99), delay_ms(v, 1));
}

void run_voice(const struct target *target, unsigned count, unsigned seconds, unsigned per_second)
{
    struct voice v = {.clients = clients_new(target, count, true)};
    v.peer = udp_open(PEER_PORT);
    v.talkers = calloc(count, sizeof(*v.talkers));
    v.delays = calloc(MAX_DELAYS, sizeof(*v.delays));
    if (v.talkers == NULL || v.delays == NULL)
        fail("memory");
    clients_set_up(v.clients, SET_UP_WINDOW);
    ready();
    talk(&v, seconds, per_second);
    tell(&v);
    clients_release(v.clients, SET_UP_WINDOW);
}
