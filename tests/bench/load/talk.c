/* SPDX-License-Identifier: Apache-2.0 */
#include "talk.h"

#include "mediaferry/rtcp.h"
#include "stamp.h"
#include "udp.h"

enum { RTCP_INTERVAL_S = 5, RTCP_PACKET_MAX = 256 };

void talk_begin(struct talk *t, uint64_t now_ns)
{
    uint64_t reports = t->sender_count / RTCP_INTERVAL_S;
    t->pace.start_ns = t->rtcp_pace.start_ns = now_ns;
    t->rtcp_pace.per_s = reports > 0 ? reports : 1;
    t->sent = t->rtcp_sent = 0;
}

static void prepare(struct talk *t, struct talk_packet *packet)
{
    struct flow *flow = t->senders[t->at];
    if (++t->at == t->sender_count)
        t->at = 0;
    packet->flow = flow;
    packet->number = flow->next++;
    struct stamp stamp = {.flow = flow->index, .number = packet->number};
    stamp_write(packet->data, &stamp, t->payload_type, flow->ssrc);
}

/* `lens` are those in the clear; 0 for a packet that could not be protected. */
static void protect(struct talk *t, unsigned count, size_t *lens)
{
    struct rtpsec_packet jobs[TALK_BATCH];
    unsigned owners[TALK_BATCH], used = 0;
    for (unsigned i = 0; i < count; i++) {
        struct talk_packet *packet = &t->packets[i];
        if (packet->flow->tx == NULL)
            continue;
        jobs[used] = (struct rtpsec_packet){.session = packet->flow->tx,
            .data = packet->data,
            .len = lens[i],
            .capacity = sizeof(packet->data)};
        owners[used++] = i;
    }
    if (used > 0)
        rtpsec_protect(jobs, used);
    for (unsigned i = 0; i < used; i++)
        lens[owners[i]] = jobs[i].verdict == RTPSEC_OK ? jobs[i].len : 0;
}

static void send_one(struct talk *t, const struct talk_packet *packet, size_t len)
{
    uint64_t now_ns = udp_now_ns(), due_ns = pace_due_ns(&t->pace, t->sent++);
    journal_put(t->journal, packet->flow->index, packet->number, now_ns);
    histogram_add(&t->tally->late_ns, now_ns > due_ns ? now_ns - due_ns : 0);
    if (len > 0 && udp_send(packet->flow->fd, bytes_of(packet->data, len))) {
        t->tally->sent++;
        return;
    }
    journal_put(t->journal, packet->flow->index, packet->number, 0);
    t->tally->send_errors++;
}

static void send_report(struct talk *t, struct flow *flow)
{
    _Alignas(8) uint8_t space[RTCP_PACKET_MAX];
    struct writer w = writer_over(space, sizeof(space));
    struct rtcp_sender sender = {.ssrc = flow->ssrc,
        .ntp = udp_now_ns(),
        .rtp_timestamp = (uint32_t)flow->next,
        .packets = (uint32_t)flow->next,
        .octets = (uint32_t)(flow->next * t->packet_len)};
    rtcp_write_sr(&w, &sender, NULL, 0);
    rtcp_write_cname(&w, flow->ssrc, TEXT("load"));

    struct rtpsec_packet job = {.session = flow->tx,
        .data = space,
        .len = w.len,
        .capacity = sizeof(space),
        .is_rtcp = true,
        .verdict = RTPSEC_OK};
    if (flow->tx != NULL)
        rtpsec_protect(&job, 1);
    int fd = flow->is_muxed ? flow->fd : flow->rtcp_fd;
    if (job.verdict == RTPSEC_OK && udp_send(fd, bytes_of(space, job.len)))
        t->tally->rtcp_sent++;
}

static void report_in_turn(struct talk *t, uint64_t now_ns)
{
    if (!t->has_rtcp || pace_due(&t->rtcp_pace, now_ns) <= t->rtcp_sent)
        return;
    t->rtcp_sent++;
    send_report(t, t->senders[t->rtcp_at]);
    if (++t->rtcp_at == t->sender_count)
        t->rtcp_at = 0;
}

unsigned talk_turn(struct talk *t, uint64_t now_ns, uint64_t last)
{
    uint64_t due = pace_due(&t->pace, now_ns);
    if (due > last)
        due = last;
    uint64_t behind = due - t->sent;
    unsigned count = behind < TALK_BATCH ? (unsigned)behind : TALK_BATCH;
    size_t lens[TALK_BATCH];
    for (unsigned i = 0; i < count; i++) {
        prepare(t, &t->packets[i]);
        lens[i] = t->packet_len;
    }
    protect(t, count, lens);
    for (unsigned i = 0; i < count; i++)
        send_one(t, &t->packets[i], lens[i]);
    report_in_turn(t, now_ns);
    return count;
}
