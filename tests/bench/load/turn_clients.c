/* SPDX-License-Identifier: Apache-2.0 */
#include "turn_clients.h"

#include <stdlib.h>

#include "script.h"
#include "udp.h"

enum { REPEAT_NS = 500000000, LOOK_NS = 50000000, WAIT_NS = 10000000 };

bool turn_clients_add(struct turn_clients *all, size_t count)
{
    size_t wanted = all->count + count;
    if (wanted > all->capacity) {
        struct turn_client *list = realloc(all->list, wanted * sizeof(*list));
        if (list == NULL)
            return false;
        all->list = list;
        all->capacity = wanted;
    }
    memset(all->list + all->count, 0, count * sizeof(*all->list));
    all->count = wanted;
    return true;
}

void turn_clients_done(struct turn_clients *all)
{
    free(all->list);
    all->list = NULL;
    all->count = all->capacity = all->waiting = 0;
}

static void ask(struct turn_clients *all, struct turn_client *c)
{
    struct writer w = turn_socket_room(all->load->socket);
    turn_client_write(c, &all->load->names, udp_now_ns(), &w);
    if (!writer_ok(&w))
        script_fail("a request is too long");
    all->requests++;
    turn_socket_put(all->load->socket, w.len, c->ip, &all->load->server, NULL);
}

void turn_clients_start(struct turn_clients *all, size_t index, enum turn_goal goal)
{
    struct turn_client *c = &all->list[index];
    uint32_t ip = turn_client_ip(all->load, all->load->next++);
    turn_client_start(c, goal, (uint32_t)index, ip, udp_now_ns());
    all->waiting++;
    ask(all, c);
}

void turn_clients_release(struct turn_clients *all, size_t index)
{
    turn_client_release(&all->list[index]);
    all->waiting++;
    ask(all, &all->list[index]);
}

void turn_clients_refresh(struct turn_clients *all, size_t index)
{
    turn_client_refresh(&all->list[index]);
    all->list[index].started_ns = udp_now_ns();
    all->waiting++;
    ask(all, &all->list[index]);
}

struct turn_client *turn_clients_take(struct turn_clients *all, const struct turn_datagram *d)
{
    struct stun_message m;
    if (stun_parse(d->data, &m) != STUN_OK)
        return NULL;
    uint32_t index = turn_answer_index(&m);
    struct turn_client *c = index < all->count ? &all->list[index] : NULL;
    if (c == NULL || c->ip != d->to_ip || !turn_client_take(c, &m))
        return NULL;
    if (turn_client_waits(c)) {
        ask(all, c);
        return c;
    }
    all->waiting--;
    if (c->state == TURN_REFUSED)
        script_fail("the server refused: %u (%s)", c->error_code, turn_state_name(c->refused_in));
    if (c->state == TURN_READY)
        histogram_add(&all->ready_ns, udp_now_ns() - c->started_ns);
    return c;
}

void turn_clients_repeat(struct turn_clients *all)
{
    uint64_t now = udp_now_ns();
    if (now - all->looked_ns < LOOK_NS)
        return;
    all->looked_ns = now;
    for (size_t i = 0; i < all->count && all->waiting > 0; i++) {
        struct turn_client *c = &all->list[i];
        if (!turn_client_waits(c) || now - c->asked_ns < REPEAT_NS)
            continue;
        all->repeated++;
        ask(all, c);
    }
}

void turn_clients_turn(struct turn_clients *all)
{
    unsigned got;
    turn_socket_flush(all->load->socket);
    turn_socket_wait(all->load->socket, WAIT_NS);
    while ((got = turn_socket_receive(all->load->socket)) > 0)
        for (unsigned i = 0; i < got; i++) {
            struct turn_datagram d = turn_socket_at(all->load->socket, i);
            turn_clients_take(all, &d);
        }
    turn_clients_repeat(all);
}
