/* SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>
#include <stdio.h>

#include "clients.h"

enum { PAUSE_NS = 1000000 };

/* A nonce of the server's own make, which was issued to somebody else. */
static struct bytes stolen_nonce(const struct target *target)
{
    struct clients *one = clients_new(target, 1, false);
    clients_set_up(one, 1);
    clients_release(one, 1);
    udp_close(one->udp);
    return bytes_of(one->list[0].nonce, one->list[0].nonce_len);
}

static void drop_answers(struct udp *u)
{
    while (udp_receive(u) > 0)
        continue;
}

static void put_allocate(struct udp *u, const struct sockaddr_in *server, uint32_t n,
    struct bytes nonce, struct bytes key)
{
    uint8_t id[12] = {0};
    memcpy(id, &n, sizeof(n));
    udp_put(u, write_allocate(udp_room(u), id, nonce, key), client_ip(n), server);
}

void run_spoof(const struct target *target, unsigned count, unsigned per_second, int is_signed)
{
    struct sockaddr_in server = udp_address(INADDR_LOOPBACK, target->port);
    struct bytes nonce = is_signed ? stolen_nonce(target) : bytes_of(NULL, 0);
    struct udp *u = udp_open(CLIENT_PORT);
    uint8_t key[16];
    make_key(key);
    ready();

    uint64_t start = now_ns();
    for (uint32_t sent = 0; sent < count;) {
        uint64_t due = (now_ns() - start) * per_second / 1000000000u;
        for (; sent < due && sent < count; sent++)
            put_allocate(u, &server, target->first + 1 + sent, nonce, bytes_of(key, sizeof(key)));
        udp_flush(u);
        udp_wait(u, u, PAUSE_NS);
        drop_answers(u);
    }
    printf("{\"sent\": %u, \"failed\": %llu}\n", count, (unsigned long long)u->failed);
}

/* Whoever else has work on this processor goes first: the flood is to hurt the server, not those
 * who measure. */
static void be_modest(void)
{
    struct sched_param none = {0};
    if (sched_setscheduler(0, SCHED_IDLE, &none) != 0)
        fail("SCHED_IDLE");
}

void run_flood(const struct target *target, unsigned sources, unsigned seconds)
{
    struct sockaddr_in server = udp_address(INADDR_LOOPBACK, target->port);
    struct udp *u = udp_open(CLIENT_PORT + 2);
    uint64_t sent = 0, start = now_ns(), end = start + seconds * UINT64_C(1000000000);

    be_modest();
    for (; now_ns() < end; udp_flush(u)) {
        for (unsigned i = 0; i < UDP_BATCH; i++)
            put_allocate(u, &server, target->first + (uint32_t)(sent++ % sources),
                bytes_of(NULL, 0), bytes_of(NULL, 0));
        if (sent % 4096 == 0)
            drop_answers(u);
    }
    printf("{\"sent\": %llu, \"per_s\": %.0f}\n", (unsigned long long)sent,
        (double)sent * 1e9 / (double)(now_ns() - start));
}
