/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "listen.h"
#include "script.h"
#include "stamp.h"
#include "talk.h"

enum {
    NS_PER_S = 1000000000,
    WARM_UP_MS = 300,
    QUIET_NS = 250000000, /* when nothing came for so long, the rest is lost */
    DRAIN_S = 2,          /* even if something else still comes, as ICE checks do */
    JOB_NS = 20000,       /* between two turns of a side job */
    DEPTH_MIN = 64,
};

struct run {
    const struct flow_set *flows;
    const struct run_config *config;
    const struct side_job *job;
    struct journal journal;
    struct tally *tally;
    struct talk *talk;
    struct listener listener;
    uint64_t idle_ns;
    uint64_t warm_up_sent, warm_up_rtcp, started_ns, ended_ns;
    double cpu_s;
};

static uint64_t own_drops(const struct flow_set *flows)
{
    uint64_t drops = 0;
    for (size_t i = 0; i < flows->count; i++)
        drops += udp_drops(flows->list[i]->fd);
    return drops;
}

static void pick_senders(struct run *r)
{
    struct text from = r->config->from;
    r->talk->senders = calloc(r->flows->count + 1, sizeof(*r->talk->senders));
    if (r->talk->senders == NULL)
        script_fail("out of memory");
    for (size_t i = 0; i < r->flows->count; i++) {
        struct flow *flow = r->flows->list[i];
        struct text name = text_from(flow->name);
        if (name.len >= from.len && text_equal(text_of(name.data, from.len), from))
            r->talk->senders[r->talk->sender_count++] = flow;
    }
    if (r->talk->sender_count == 0)
        script_fail("no flow begins with %.*s", TEXT_ARG(from));
}

static void open_rtcp(const struct flow_set *flows)
{
    for (size_t i = 0; i < flows->count; i++) {
        int status = flow_open_rtcp(flows->list[i]);
        if (status < 0)
            script_fail(
                "cannot open the RTCP socket of %s: %s", flows->list[i]->name, strerror(-status));
    }
}

static void set_up(struct run *r)
{
    const struct run_config *config = r->config;
    r->talk = aligned_alloc(_Alignof(struct talk), sizeof(*r->talk));
    r->tally = calloc(1, sizeof(*r->tally));
    struct udp_inbox *inbox = udp_inbox_new();
    if (r->talk == NULL || r->tally == NULL || inbox == NULL)
        script_fail("out of memory");
    memset(r->talk, 0, sizeof(*r->talk));
    pick_senders(r);
    if (config->has_rtcp)
        open_rtcp(r->flows);

    uint64_t depth = config->per_s / r->talk->sender_count; /* a second */
    if (!journal_init(&r->journal, r->flows->count, depth > DEPTH_MIN ? depth : DEPTH_MIN))
        script_fail("out of memory");
    r->talk->packet_len = RTP_HEADER_SIZE + config->payload_len;
    r->talk->payload_type = config->payload_type;
    r->talk->pace.per_s = config->per_s;
    r->talk->has_rtcp = config->has_rtcp;
    r->talk->journal = &r->journal;
    r->talk->tally = r->tally;
    r->listener = (struct listener){
        .flows = r->flows, .journal = &r->journal, .tally = r->tally, .inbox = inbox};
}

static void clean_up(struct run *r)
{
    journal_done(&r->journal);
    free(r->listener.inbox);
    free(r->talk->senders);
    free(r->talk);
    free(r->tally);
}

static void turn(struct run *r, uint64_t now_ns, uint64_t last)
{
    unsigned busy = talk_turn(r->talk, now_ns, last);
    busy += listener_turn(&r->listener, now_ns);
    if (r->job->turn != NULL)
        r->job->turn(r->job->owner, now_ns);
    if (busy > 0)
        return;
    uint64_t due_ns = listener_due_ns(&r->listener);
    if (r->talk->sent < last && pace_due_ns(&r->talk->pace, r->talk->sent) < due_ns)
        due_ns = pace_due_ns(&r->talk->pace, r->talk->sent);
    if (r->job->turn != NULL && now_ns + JOB_NS < due_ns)
        due_ns = now_ns + JOB_NS;
    r->idle_ns += clock_wait_until(due_ns);
}

static void warm_up(struct run *r)
{
    uint64_t now_ns = udp_now_ns(), packets = r->config->per_s * WARM_UP_MS / 1000;
    listener_begin(&r->listener, r->config->per_s, now_ns);
    talk_begin(r->talk, now_ns);
    while (r->talk->sent < packets)
        turn(r, udp_now_ns(), packets);
    r->warm_up_sent = r->tally->sent;
    r->warm_up_rtcp = r->tally->rtcp_sent;
    *r->tally = (struct tally){.sent = 0};
    for (size_t i = 0; i < r->flows->count; i++) {
        r->flows->list[i]->first = r->flows->list[i]->next;
        r->flows->list[i]->heard_ns = r->flows->list[i]->gap_ns = 0;
    }
}

static void count(struct run *r)
{
    uint64_t packets = r->config->per_s * r->config->seconds;
    uint64_t now_ns = udp_now_ns(), end_ns = now_ns + r->config->seconds * (uint64_t)NS_PER_S;
    double cpu_s = clock_cpu_seconds();
    r->started_ns = now_ns;
    r->idle_ns = 0;
    talk_begin(r->talk, now_ns);
    for (; now_ns < end_ns && r->talk->sent < packets; now_ns = udp_now_ns())
        turn(r, now_ns, packets);
    r->ended_ns = now_ns;
    r->cpu_s = clock_cpu_seconds() - cpu_s;
}

static void drain(struct run *r)
{
    uint64_t heard_ns = udp_now_ns(), end_ns = heard_ns + DRAIN_S * (uint64_t)NS_PER_S;
    while (r->tally->received < r->tally->sent && udp_now_ns() < heard_ns + QUIET_NS &&
           udp_now_ns() < end_ns) {
        if (listener_look_at_all(&r->listener, udp_now_ns()) > 0)
            heard_ns = udp_now_ns();
        else
            clock_wait_until(udp_now_ns() + CLOCK_SLEEP_NS);
    }
}

static double in_us(const struct histogram *h, unsigned per_mille)
{
    return (double)histogram_at(h, per_mille) / 1e3;
}

static void tell_counts(const struct run *r, uint64_t drops, struct str *out)
{
    const struct tally *t = r->tally;
    str_addf(out,
        "{\"sent\": %llu, \"received\": %llu, \"lost\": %llu, \"duplicates\": %llu, "
        "\"wrong\": %llu, \"foreign\": %llu, \"auth_failed\": %llu, \"send_errors\": %llu, "
        "\"own_drops\": %llu, \"rtcp_sent\": %llu, \"rtcp_received\": %llu, "
        "\"warm_up_sent\": %llu, \"all_sent\": %llu",
        (unsigned long long)t->sent, (unsigned long long)t->received,
        (unsigned long long)(t->sent - t->received), (unsigned long long)t->duplicates,
        (unsigned long long)t->wrong, (unsigned long long)t->foreign,
        (unsigned long long)t->auth_failed, (unsigned long long)t->send_errors,
        (unsigned long long)drops, (unsigned long long)t->rtcp_sent,
        (unsigned long long)t->rtcp_received, (unsigned long long)r->warm_up_sent,
        (unsigned long long)(t->sent + t->rtcp_sent + r->warm_up_sent + r->warm_up_rtcp));
}

/* Of those that were heard in the run; `silent` are those that were not any more in its last
 * second. */
static void tell_gaps(const struct run *r, struct str *out)
{
    size_t silent = 0;
    struct histogram *gaps = calloc(1, sizeof(*gaps));
    if (gaps == NULL)
        script_fail("out of memory");
    for (size_t i = 0; i < r->flows->count; i++) {
        const struct flow *flow = r->flows->list[i];
        if (flow->heard_ns == 0)
            continue;
        histogram_add(gaps, flow->gap_ns);
        silent += flow->heard_ns + NS_PER_S < r->ended_ns;
    }
    str_addf(out,
        ", \"gap_us\": {\"flows\": %llu, \"silent\": %zu, \"p50\": %.1f, \"p99\": %.1f, "
        "\"max\": %.1f}",
        (unsigned long long)gaps->count, silent, in_us(gaps, 500), in_us(gaps, 990),
        in_us(gaps, 1000));
    free(gaps);
}

static void tell(const struct run *r, uint64_t drops)
{
    const struct tally *t = r->tally;
    double seconds = (double)(r->ended_ns - r->started_ns) / 1e9;
    struct str out = {0};
    tell_counts(r, drops, &out);
    str_addf(&out,
        ", \"delay_us\": {\"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f}, "
        "\"late_us_p99\": %.1f, \"seconds\": %.3f, \"cpu_s\": %.3f, \"busy_s\": %.3f",
        in_us(&t->delay_ns, 500), in_us(&t->delay_ns, 990), in_us(&t->delay_ns, 999),
        in_us(&t->delay_ns, 1000), in_us(&t->late_ns, 990), seconds, r->cpu_s,
        seconds - (double)r->idle_ns / 1e9);
    tell_gaps(r, &out);
    if (r->job->tell != NULL)
        r->job->tell(r->job->owner, &out);
    str_add_char(&out, '}');
    script_reply("%s", str_string(&out));
    str_done(&out);
}

void run_media(
    const struct flow_set *flows, const struct run_config *config, const struct side_job *job)
{
    static const struct side_job none;
    struct run r = {.flows = flows, .config = config, .job = job != NULL ? job : &none};
    if (flows->count == 0)
        script_fail("there is no flow");
    uint64_t drops = own_drops(flows);
    set_up(&r);
    warm_up(&r);
    count(&r);
    drain(&r);
    tell(&r, own_drops(flows) - drops);
    clean_up(&r);
}
