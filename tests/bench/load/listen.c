/* SPDX-License-Identifier: Apache-2.0 */
#include "listen.h"

#include "mediaferry/rtp.h"
#include "stamp.h"

enum {
    NS_PER_S = 1000000000,
    ROUND_MIN_NS = 500000,
    ROUND_MAX_NS = 50000000,
    PACKETS_A_LOOK = 3,
    PACKETS_A_ROUND = 2000,
    LOOKS_MAX = 64,   /* in one turn */
    FETCHES_MAX = 4,  /* full inboxes of one socket in a row */
    QUIET_LOOKS = 40, /* a socket that had nothing so often ... */
    QUIET_ROUNDS = 8, /* ... is looked at in one of so many rounds */
    RTCP_ROUNDS = 16,
};

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Some packets a look, but not more in all than a cache holds, since the relay pays for memory that
 * is not warm; and not many looks for nothing. */
static uint64_t round_for(size_t flows, uint64_t per_s)
{
    uint64_t packets = smaller(flows * PACKETS_A_LOOK, PACKETS_A_ROUND);
    uint64_t round_ns = larger(packets, flows) * NS_PER_S / per_s;
    return smaller(larger(round_ns, ROUND_MIN_NS), ROUND_MAX_NS);
}

void listener_begin(struct listener *l, uint64_t per_s, uint64_t now_ns)
{
    l->round_ns = round_for(l->flows->count, per_s);
    l->began_ns = now_ns;
    l->looked = 0;
}

static void note_gap(struct flow *flow, uint64_t now_ns)
{
    if (flow->heard_ns != 0 && now_ns > flow->heard_ns + flow->gap_ns)
        flow->gap_ns = now_ns - flow->heard_ns;
    flow->heard_ns = now_ns;
}

static void hear_rtp(struct listener *l, struct flow *flow, const struct udp_datagram *d)
{
    struct stamp stamp;
    uint64_t sent_ns;
    if (!stamp_read(bytes_of(d->data, d->len), &stamp) || stamp.flow >= l->flows->count) {
        l->tally->foreign++;
        return;
    }
    if (!flow->has_heard) {
        flow->has_heard = true;
        flow->heard = stamp.flow;
    }
    if (flow->heard != stamp.flow) {
        l->tally->wrong++;
        return;
    }
    if (stamp.number < l->flows->list[stamp.flow]->first)
        return;
    switch (journal_take(l->journal, stamp.flow, stamp.number, &sent_ns)) {
    case JOURNAL_FIRST:
        l->tally->received++;
        note_gap(flow, d->arrived_ns);
        histogram_add(&l->tally->delay_ns, d->arrived_ns > sent_ns ? d->arrived_ns - sent_ns : 0);
        break;
    case JOURNAL_AGAIN:
        l->tally->duplicates++;
        break;
    case JOURNAL_UNKNOWN: /* so late that it is lost */
        break;
    }
}

static bool is_media(const struct udp_datagram *d)
{
    return d->len >= 2 && d->data[0] >= 128 && d->data[0] <= 191;
}

static bool is_rtcp(const struct udp_datagram *d)
{
    return rtp_is_rtcp(bytes_of(d->data, d->len));
}

/* What does not prove itself gets the length 0. */
static void unprotect(struct listener *l)
{
    struct rtpsec_packet jobs[UDP_BATCH];
    struct udp_datagram *owners[UDP_BATCH];
    unsigned used = 0;
    for (unsigned i = 0; i < l->inbox->count; i++) {
        struct udp_datagram *d = &l->inbox->list[i];
        struct flow *flow = d->from;
        if (flow->rx == NULL || !is_media(d))
            continue;
        jobs[used] = (struct rtpsec_packet){.session = flow->rx,
            .data = d->data,
            .len = d->len,
            .capacity = UDP_DATA_MAX,
            .is_rtcp = is_rtcp(d)};
        owners[used++] = d;
    }
    if (used > 0)
        rtpsec_unprotect(jobs, used);
    for (unsigned i = 0; i < used; i++) {
        owners[i]->len = jobs[i].verdict == RTPSEC_OK ? jobs[i].len : 0;
        if (jobs[i].verdict != RTPSEC_OK && l->tally != NULL)
            l->tally->auth_failed++;
    }
}

static void hear_all(struct listener *l, uint64_t now_ns)
{
    unprotect(l);
    for (unsigned i = 0; i < l->inbox->count; i++) {
        struct udp_datagram *d = &l->inbox->list[i];
        struct flow *flow = d->from;
        if (d->len > 0 && !is_media(d)) {
            if (flow->kind->take != NULL)
                flow->kind->take(flow, bytes_of(d->data, d->len), now_ns);
        } else if (l->journal == NULL || d->len == 0) {
            continue;
        } else if (is_rtcp(d)) {
            l->tally->rtcp_received++;
        } else {
            hear_rtp(l, flow, d);
        }
    }
    udp_inbox_reset(l->inbox, now_ns);
}

static unsigned fetch(struct listener *l, int fd, struct flow *flow, uint64_t now_ns)
{
    unsigned all = 0;
    for (unsigned i = 0; i < FETCHES_MAX; i++) {
        all += udp_receive(fd, l->inbox, flow);
        if (l->inbox->count < UDP_BATCH)
            break;
        hear_all(l, now_ns);
    }
    return all;
}

static unsigned look_at(struct listener *l, struct flow *flow, uint64_t round, uint64_t now_ns)
{
    unsigned got = 0;
    if (flow->kind->tick != NULL)
        flow->kind->tick(flow, now_ns);
    if (flow->rtcp_fd >= 0 && (round + flow->index) % RTCP_ROUNDS == 0)
        got += fetch(l, flow->rtcp_fd, flow, now_ns);
    if (flow->fd < 0)
        return got;
    if (flow->quiet_looks >= QUIET_LOOKS && (round + flow->index) % QUIET_ROUNDS != 0)
        return got;
    unsigned media = fetch(l, flow->fd, flow, now_ns);
    if (media > 0)
        flow->quiet_looks = 0;
    else if (flow->quiet_looks < QUIET_LOOKS)
        flow->quiet_looks++;
    return got + media;
}

unsigned listener_turn(struct listener *l, uint64_t now_ns)
{
    uint64_t passed_ns = now_ns - l->began_ns;
    uint64_t rounds = passed_ns / l->round_ns, rest_ns = passed_ns % l->round_ns;
    uint64_t due = rounds * l->flows->count + rest_ns * l->flows->count / l->round_ns;
    unsigned got = 0;
    if (due > l->looked + l->flows->count)
        l->looked = due - l->flows->count; /* late: every socket once */
    udp_inbox_reset(l->inbox, now_ns);
    for (unsigned i = 0; i < LOOKS_MAX && l->looked < due; i++, l->looked++) {
        struct flow *flow = l->flows->list[l->looked % l->flows->count];
        got += look_at(l, flow, l->looked / l->flows->count, now_ns);
    }
    hear_all(l, now_ns);
    return got;
}

uint64_t listener_due_ns(const struct listener *l)
{
    uint64_t rounds = l->looked / l->flows->count, rest = l->looked % l->flows->count + 1;
    uint64_t rest_ns = (rest * l->round_ns + l->flows->count - 1) / l->flows->count;
    return l->began_ns + rounds * l->round_ns + rest_ns;
}

unsigned listener_look_at_all(struct listener *l, uint64_t now_ns)
{
    unsigned got = 0;
    udp_inbox_reset(l->inbox, now_ns);
    for (size_t i = 0; i < l->flows->count; i++) {
        struct flow *flow = l->flows->list[i];
        if (flow->kind->tick != NULL && flow->fd >= 0)
            flow->kind->tick(flow, now_ns);
        if (flow->fd >= 0)
            got += fetch(l, flow->fd, flow, now_ns);
        if (flow->rtcp_fd >= 0)
            got += fetch(l, flow->rtcp_fd, flow, now_ns);
    }
    hear_all(l, now_ns);
    return got;
}
