/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"
#include "turn_modes.h"
#include "udp.h"

struct churn {
    struct turn_clients clients;
    enum turn_goal goal;
    uint64_t made;
};

static void go_on(struct churn *churn, const struct turn_client *c, bool is_over)
{
    if (c->state == TURN_READY) {
        churn->made++;
        turn_clients_release(&churn->clients, c->index);
    } else if (c->state == TURN_GONE && !is_over) {
        turn_clients_start(&churn->clients, c->index, churn->goal);
    }
}

static void take_all(struct churn *churn, bool is_over)
{
    const uint64_t wait_ns = 10000000;
    struct turn_socket *socket = churn->clients.load->socket;
    unsigned got = turn_socket_receive(socket);
    for (unsigned i = 0; i < got; i++) {
        struct turn_datagram d = turn_socket_at(socket, i);
        const struct turn_client *c = turn_clients_take(&churn->clients, &d);
        if (c != NULL)
            go_on(churn, c, is_over);
    }
    turn_clients_repeat(&churn->clients);
    turn_socket_flush(socket);
    if (got == 0)
        turn_socket_wait(socket, wait_ns);
}

static void tell(const struct churn *churn, uint64_t made_in_time, uint64_t took_ns)
{
    const struct turn_clients *all = &churn->clients;
    script_reply("{\"made\": %llu, \"seconds\": %.3f, \"per_s\": %.1f, \"requests\": %llu, "
                 "\"repeated\": %llu, \"us\": {\"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f}}",
        (unsigned long long)churn->made, (double)took_ns / 1e9,
        (double)made_in_time * 1e9 / (double)took_ns, (unsigned long long)all->requests,
        (unsigned long long)all->repeated, (double)histogram_at(&all->ready_ns, 500) / 1e3,
        (double)histogram_at(&all->ready_ns, 990) / 1e3,
        (double)histogram_at(&all->ready_ns, 1000) / 1e3);
}

void turn_churn(struct turn_load *load, enum turn_goal goal, unsigned window, unsigned seconds)
{
    struct churn churn = {.clients = {.load = load}, .goal = goal};
    if (!turn_clients_add(&churn.clients, window))
        script_fail("out of memory");
    uint64_t start_ns = udp_now_ns(), end_ns = start_ns + seconds * UINT64_C(1000000000);
    for (unsigned i = 0; i < window; i++)
        turn_clients_start(&churn.clients, i, goal);
    turn_socket_flush(load->socket);
    while (udp_now_ns() < end_ns)
        take_all(&churn, false);
    uint64_t made = churn.made, took_ns = udp_now_ns() - start_ns;
    while (churn.clients.waiting > 0)
        take_all(&churn, true);
    tell(&churn, made, took_ns);
    turn_clients_done(&churn.clients);
}
