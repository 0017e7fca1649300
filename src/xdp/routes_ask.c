/* SPDX-License-Identifier: Apache-2.0 */
#include "net/address_class.h"
#include "xdp/routes_state.h"

enum { PORTION = 32 }; /* questions that are asked at once */

/* Link-local addresses mean nothing without an interface, which a key has not; and a socket sends
 * IPv4 to a mapped address. */
static bool is_special(const struct address *a)
{
    static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
    return a->family == ADDRESS_IP6 &&
           (address_is_link_local(a) || memcmp(a->ip, mapped, sizeof(mapped)) == 0);
}

static uint16_t smallest_mtu(uint32_t a, uint32_t b, uint32_t c)
{
    uint32_t smallest = UINT16_MAX;
    smallest = a != 0 && a < smallest ? a : smallest;
    smallest = b != 0 && b < smallest ? b : smallest;
    return (uint16_t)(c != 0 && c < smallest ? c : smallest);
}

static struct next_hop_answer answer_by(
    const struct routes *r, const struct next_hop_key *key, const struct route_found *route)
{
    struct next_hop_answer answer = {.state = route->state};
    const struct link *link = links_find(&r->links, route->ifindex);
    bool is_ip6 = key->remote.family == ADDRESS_IP6;
    if (route->state != NEXT_HOP_WAITING)
        return answer;
    if (!routes_have_device(r, route->ifindex) || link == NULL || !link->device.is_up ||
        !link->device.is_ethernet) {
        answer.state = NEXT_HOP_INTERFACE;
        return answer;
    }
    answer.via.ifindex = route->ifindex;
    answer.via.ip = route->gateway.family != ADDRESS_NONE ? route->gateway : key->remote;
    answer.mtu = smallest_mtu(route->mtu, link->device.mtu, is_ip6 ? link->mtu6 : 0);
    memcpy(answer.source, link->device.mac, sizeof(answer.source));
    return answer;
}

/* The questions of a portion, numbered from `first` on, in their order. */
struct portion {
    struct next_hop_request requests[PORTION];
    struct next_hop_answer answers[PORTION];
    bool is_answered[PORTION];
    size_t count;
    uint32_t first;
};

static struct bytes write_questions(struct routes *r, struct portion *p)
{
    size_t len = 0;
    _Static_assert(
        (size_t)PORTION * ROUTE_REQUEST_SIZE <= sizeof(r->buffer), "a buffer full of questions");
    p->first = r->seq + 1;
    r->seq += (uint32_t)p->count;
    for (size_t i = 0; i < p->count; i++) {
        const struct next_hop_key *key = &p->requests[i].key;
        p->is_answered[i] = is_special(&key->local) || is_special(&key->remote);
        p->answers[i] = (struct next_hop_answer){
            .state = p->is_answered[i] ? NEXT_HOP_SPECIAL : NEXT_HOP_NO_ROUTE};
        if (!p->is_answered[i])
            len += route_request_route((uint8_t *)r->buffer + len, p->first + (uint32_t)i, key);
    }
    return bytes_of(r->buffer, len);
}

static void read_answers(struct routes *r, struct portion *p)
{
    struct route_message m;
    struct bytes rest;
    while (route_socket_receive(r->questions, r->buffer, &rest) == 0) {
        while (route_message_next(&rest, &m)) {
            uint32_t i = m.seq - p->first;
            if (i >= p->count || (m.kind != ROUTE_MESSAGE_ROUTE && m.kind != ROUTE_MESSAGE_ERROR))
                continue;
            p->is_answered[i] = true;
            if (m.kind == ROUTE_MESSAGE_ROUTE)
                p->answers[i] = answer_by(r, &p->requests[i].key, &m.route);
        }
    }
}

/* One portion; the rest when the loop has gone round. What has no answer is asked for again after
 * a while. */
void routes_ask(struct routes *r)
{
    struct portion p;
    if (r->is_quiet || r->must_read)
        return;
    p.count = next_hops_take(r->hops, p.requests, PORTION);
    struct bytes questions = write_questions(r, &p);
    if (questions.len > 0 && route_socket_send(r->questions, questions) == 0)
        read_answers(r, &p);
    for (size_t i = 0; i < p.count; i++) {
        counter_add(&r->counters.requests, 1);
        counter_add(&r->counters.failures, !p.is_answered[i]);
        next_hops_answer(r->hops, &p.requests[i], &p.answers[i], uv_now(r->loop));
    }
    if (p.count == PORTION)
        uv_async_send(&r->wakeup);
}
