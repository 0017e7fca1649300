/* SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>

#include "pace.h"
#include "script.h"
#include "turn_modes.h"
#include "udp.h"

enum { PAUSE_NS = 1000000, DROP_EVERY = 4096 };

/* Answers to the flood go to addresses of ours all the same: they are not looked at. */
static void drop_answers(struct turn_socket *s)
{
    while (turn_socket_receive(s) > 0)
        continue;
}

static void put_allocate(struct turn_load *load, uint32_t n, struct bytes nonce)
{
    struct turn_signature by = {.account = &load->account, .nonce = nonce};
    struct writer w = turn_socket_room(load->socket);
    uint8_t id[STUN_ID_SIZE] = {0};
    memcpy(id, &n, sizeof(n));
    turn_write_allocate(&w, bytes_of(id, sizeof(id)), &by);
    turn_socket_put(load->socket, w.len, turn_client_ip(load, n), &load->server, NULL);
}

/* A client that has come and gone, with its nonce. */
static struct turn_client thief(struct turn_load *load)
{
    struct turn_clients one = {.load = load};
    if (!turn_clients_add(&one, 1))
        script_fail("out of memory");
    turn_clients_start(&one, 0, TURN_GOAL_ALLOCATION);
    while (one.waiting > 0)
        turn_clients_turn(&one);
    turn_clients_release(&one, 0);
    while (one.waiting > 0)
        turn_clients_turn(&one);
    struct turn_client client = one.list[0];
    turn_clients_done(&one);
    return client;
}

void turn_spoof(struct turn_load *load, unsigned count, unsigned per_s, bool is_signed)
{
    struct turn_client victim = {.nonce_len = 0};
    if (is_signed)
        victim = thief(load);
    uint64_t failed = load->socket->failed;
    struct pace pace = {.start_ns = udp_now_ns(), .per_s = per_s};
    for (uint64_t sent = 0; sent < count;) {
        uint64_t due = pace_due(&pace, udp_now_ns());
        for (; sent < due && sent < count; sent++)
            put_allocate(load, load->next++, bytes_of(victim.nonce, victim.nonce_len));
        turn_socket_flush(load->socket);
        turn_socket_wait(load->socket, PAUSE_NS);
        drop_answers(load->socket);
    }
    script_reply("{\"sent\": %u, \"failed\": %llu}", count,
        (unsigned long long)(load->socket->failed - failed));
}

void turn_flood(struct turn_load *load, unsigned sources, unsigned seconds)
{
    struct sched_param none = {0};
    uint64_t sent = 0, start_ns = udp_now_ns();
    uint64_t end_ns = start_ns + seconds * UINT64_C(1000000000);
    if (sched_setscheduler(0, SCHED_IDLE, &none) != 0)
        script_fail("cannot be modest");
    uint32_t first = load->next;
    load->next += sources;
    for (; udp_now_ns() < end_ns; turn_socket_flush(load->socket)) {
        for (unsigned i = 0; i < TURN_OUT; i++)
            put_allocate(load, first + (uint32_t)(sent++ % sources), bytes_of(NULL, 0));
        if (sent % DROP_EVERY == 0)
            drop_answers(load->socket);
    }
    script_reply("{\"sent\": %llu, \"per_s\": %.0f}", (unsigned long long)sent,
        (double)sent * 1e9 / (double)(udp_now_ns() - start_ns));
    struct sched_param normal = {0};
    sched_setscheduler(0, SCHED_OTHER, &normal);
}
