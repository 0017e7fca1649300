/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "clients.h"

enum { WAIT_NS = 10000000, SET_UP_WINDOW = 100 };

struct churn {
    struct clients *clients;
    uint32_t next; /* number of the next client */
    uint64_t made;
};

static void go_on(struct churn *churn, struct client *c, bool is_over)
{
    if (c->state == CLIENT_READY) {
        churn->made++;
        client_release(churn->clients, c);
    } else if (c->state == CLIENT_GONE && !is_over) {
        client_start(churn->clients, c, churn->next++);
    }
}

static void take_all(struct churn *churn, bool is_over)
{
    struct udp *udp = churn->clients->udp;
    unsigned got = udp_receive(udp);
    if (got == 0)
        udp_wait(udp, udp, WAIT_NS);
    for (unsigned i = 0; i < got; i++) {
        struct client *c = clients_take(churn->clients, udp_received(udp, i));
        if (c != NULL)
            go_on(churn, c, is_over);
    }
    if (got == 0)
        clients_repeat(churn->clients);
    udp_flush(udp);
}

void run_churn(const struct target *target, unsigned window, unsigned seconds)
{
    struct churn churn = {.clients = clients_new(target, window, false), .next = target->first};
    ready();
    uint64_t start = now_ns(), end = start + seconds * UINT64_C(1000000000);
    for (unsigned i = 0; i < window; i++)
        client_start(churn.clients, &churn.clients->list[i], churn.next++);
    udp_flush(churn.clients->udp);
    while (now_ns() < end)
        take_all(&churn, false);
    double took_s = (double)(now_ns() - start) / 1e9;
    uint64_t made = churn.made;
    while (churn.clients->waiting > 0)
        take_all(&churn, true);
    printf("{\"made\": %llu, \"per_s\": %.1f, \"repeated\": %llu}\n",
        (unsigned long long)churn.made, (double)made / took_s,
        (unsigned long long)churn.clients->repeated);
}

void run_hold(const struct target *target, unsigned count)
{
    struct clients *clients = clients_new(target, count, true);
    ready();
    clients_set_up(clients, SET_UP_WINDOW);
    printf("{\"held\": %u}\n", count);
    ready();
    clients_release(clients, SET_UP_WINDOW);
}
