/* SPDX-License-Identifier: Apache-2.0 */
#include "turn_run.h"

#include "base/str.h"
#include "clock.h"
#include "pace.h"
#include "script.h"
#include "udp.h"

enum {
    NS_PER_S = 1000000000,
    NS_PER_MS = 1000000,
    WARM_UP_MS = 300,
    LISTEN_NS = 300000,   /* between two looks: the kernel has noted when each packet came */
    QUIET_NS = 250000000, /* when nothing came for so long, the rest is lost */
    STALL_NS = 100000000, /* a window that was lost is opened again */
    DEPTH_MIN = 64,
};

struct run {
    const struct turn_run_config *config;
    struct turn_talk talk;
    enum turn_way ways[TURN_WAYS]; /* those that there are */
    unsigned way_count;
    struct pace pace;
    uint64_t sent; /* since the pace began */
    uint64_t listen_ns, look_ns;
    uint64_t idle_ns, stalls, warm_up_sent;
    uint64_t failed, drops; /* before the run */
    uint64_t began_ns, ended_ns;
    double cpu_s;
    bool is_over; /* nothing more is sent */
};

/* --- at a pace ---------------------------------------------------------------------------------
 */

static void speak_at_pace(struct run *r, uint64_t now_ns)
{
    uint64_t turn = r->sent / r->way_count;
    enum turn_way way = r->ways[r->sent % r->way_count];
    uint64_t due_ns = pace_due_ns(&r->pace, r->sent++);
    histogram_add(&r->talk.tallies[way].late_ns, now_ns > due_ns ? now_ns - due_ns : 0);
    turn_talk_speak(&r->talk, way, (uint32_t)(turn % r->talk.clients->count), now_ns);
}

static unsigned keep_pace(struct run *r, uint64_t now_ns)
{
    unsigned count = 0;
    if (r->config->per_s == 0 || r->is_over)
        return 0;
    for (uint64_t due = pace_due(&r->pace, now_ns); r->sent < due && count < TURN_OUT; count++)
        speak_at_pace(r, now_ns);
    return count;
}

/* --- as many as come back ----------------------------------------------------------------------
 */

static void fill_window(struct run *r, enum turn_way way, uint32_t client)
{
    const struct turn_flow *flow = turn_talk_flow(&r->talk, way, client);
    while (!r->is_over && flow->under_way < TURN_WINDOW)
        turn_talk_speak(&r->talk, way, client, udp_now_ns());
}

static void on_heard(void *owner, enum turn_way way, uint32_t client)
{
    fill_window(owner, way, client);
}

static void wake_stalled(struct run *r, uint64_t now_ns)
{
    if (r->config->per_s > 0 || r->is_over || now_ns < r->look_ns)
        return;
    r->look_ns = now_ns + STALL_NS / 2;
    for (unsigned i = 0; i < r->way_count; i++)
        for (uint32_t client = 0; client < r->talk.clients->count; client++) {
            struct turn_flow *flow = turn_talk_flow(&r->talk, r->ways[i], client);
            if (flow->spoke_ns > 0 && now_ns - flow->spoke_ns < STALL_NS)
                continue;
            r->stalls += flow->spoke_ns > 0;
            flow->under_way = 0;
            fill_window(r, r->ways[i], client);
        }
}

/* --- the phases --------------------------------------------------------------------------------
 */

static unsigned listen_if_due(struct run *r, uint64_t now_ns)
{
    if (now_ns < r->listen_ns && r->config->per_s > 0)
        return 0;
    r->listen_ns = now_ns + LISTEN_NS;
    return turn_talk_listen(&r->talk);
}

static void turn(struct run *r, uint64_t now_ns)
{
    wake_stalled(r, now_ns);
    unsigned busy = keep_pace(r, now_ns);
    busy += listen_if_due(r, now_ns);
    turn_talk_flush(&r->talk);
    if (busy > 0)
        return;
    uint64_t due_ns = r->listen_ns;
    if (r->config->per_s == 0)
        turn_socket_wait(r->talk.peer, LISTEN_NS / 10);
    else if (pace_due_ns(&r->pace, r->sent) < due_ns)
        due_ns = pace_due_ns(&r->pace, r->sent);
    if (r->config->per_s > 0)
        r->idle_ns += clock_wait_until(due_ns);
}

static void run_until(struct run *r, uint64_t end_ns)
{
    r->pace = (struct pace){.start_ns = udp_now_ns(), .per_s = r->config->per_s};
    r->sent = 0;
    for (uint64_t now_ns; (now_ns = udp_now_ns()) < end_ns;)
        turn(r, now_ns);
}

static uint64_t all_of(const struct run *r, bool received)
{
    const struct tally *t = r->talk.tallies;
    return received ? t[TURN_TO_PEER].received + t[TURN_TO_CLIENT].received
                    : t[TURN_TO_PEER].sent + t[TURN_TO_CLIENT].sent;
}

static void drain(struct run *r)
{
    uint64_t heard_ns = udp_now_ns();
    r->is_over = true;
    turn_talk_flush(&r->talk);
    while (all_of(r, true) < all_of(r, false) && udp_now_ns() < heard_ns + QUIET_NS) {
        if (turn_talk_listen(&r->talk) > 0)
            heard_ns = udp_now_ns();
        else
            clock_wait_until(udp_now_ns() + NS_PER_MS);
    }
}

/* --- what came of it ---------------------------------------------------------------------------
 */

static uint64_t failed_so_far(const struct run *r)
{
    return r->talk.clients->load->socket->failed + r->talk.peer->failed;
}

static uint64_t drops_so_far(const struct run *r)
{
    return udp_drops(r->talk.clients->load->socket->fd) + udp_drops(r->talk.peer->fd);
}

static double in_us(const struct histogram *h, unsigned per_mille)
{
    return (double)histogram_at(h, per_mille) / 1e3;
}

/* The counts of a tally as members of an object. */
static void tell_tally(const struct tally *t, struct str *out)
{
    str_addf(out,
        "\"sent\": %llu, \"received\": %llu, \"lost\": %llu, \"duplicates\": %llu, "
        "\"wrong\": %llu, \"foreign\": %llu, "
        "\"delay_us\": {\"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f}, "
        "\"late_us_p99\": %.1f",
        (unsigned long long)t->sent, (unsigned long long)t->received,
        (unsigned long long)(t->sent - t->received), (unsigned long long)t->duplicates,
        (unsigned long long)t->wrong, (unsigned long long)t->foreign, in_us(&t->delay_ns, 500),
        in_us(&t->delay_ns, 990), in_us(&t->delay_ns, 999), in_us(&t->delay_ns, 1000),
        in_us(&t->late_ns, 990));
}

static void add_tally(struct tally *sum, const struct tally *t)
{
    sum->sent += t->sent;
    sum->received += t->received;
    sum->duplicates += t->duplicates;
    sum->wrong += t->wrong;
    sum->foreign += t->foreign;
    histogram_merge(&sum->delay_ns, &t->delay_ns);
    histogram_merge(&sum->late_ns, &t->late_ns);
}

static void tell(const struct run *r)
{
    static const char *const names[] = {[TURN_TO_PEER] = "to_peer", [TURN_TO_CLIENT] = "to_client"};
    double seconds = (double)(r->ended_ns - r->began_ns) / 1e9;
    struct str out = {0};
    struct tally sum = {.sent = 0};
    for (unsigned i = 0; i < r->way_count; i++)
        add_tally(&sum, &r->talk.tallies[r->ways[i]]);
    str_add_char(&out, '{');
    tell_tally(&sum, &out);
    for (unsigned i = 0; i < r->way_count; i++) {
        str_addf(&out, ", \"%s\": {", names[r->ways[i]]);
        tell_tally(&r->talk.tallies[r->ways[i]], &out);
        str_add_char(&out, '}');
    }
    script_reply("%s, \"send_errors\": %llu, \"own_drops\": %llu, \"stalls\": %llu, "
                 "\"seconds\": %.3f, \"cpu_s\": %.3f, \"busy_s\": %.3f, \"warm_up_sent\": %llu, "
                 "\"all_sent\": %llu}",
        str_string(&out), (unsigned long long)(failed_so_far(r) - r->failed),
        (unsigned long long)(drops_so_far(r) - r->drops), (unsigned long long)r->stalls, seconds,
        r->cpu_s, seconds - (double)r->idle_ns / 1e9, (unsigned long long)r->warm_up_sent,
        (unsigned long long)(r->warm_up_sent + sum.sent));
    str_done(&out);
}

/* --- all of it ---------------------------------------------------------------------------------
 */

static void set_up(struct run *r, struct turn_clients *clients)
{
    for (unsigned way = 0; way < TURN_WAYS; way++)
        if (r->config->has_way[way])
            r->ways[r->way_count++] = (enum turn_way)way;
    size_t depth = r->config->per_s / clients->count; /* a second */
    if (!turn_talk_init(&r->talk, clients, r->config->method, r->config->packet_len,
            depth > DEPTH_MIN ? depth : DEPTH_MIN))
        script_fail("out of memory");
    if (r->config->per_s == 0) {
        r->talk.heard = on_heard;
        r->talk.owner = r;
    }
    r->failed = failed_so_far(r);
    r->drops = drops_so_far(r);
}

void turn_run(struct turn_clients *clients, const struct turn_run_config *config)
{
    struct run r = {.config = config};
    if (clients->count == 0)
        script_fail("there is no client");
    set_up(&r, clients);
    run_until(&r, udp_now_ns() + WARM_UP_MS * (uint64_t)NS_PER_MS);
    r.warm_up_sent = all_of(&r, false);
    turn_talk_count_anew(&r.talk);

    r.idle_ns = r.stalls = 0;
    r.cpu_s = clock_cpu_seconds();
    r.began_ns = udp_now_ns();
    run_until(&r, r.began_ns + config->seconds * (uint64_t)NS_PER_S);
    r.ended_ns = udp_now_ns();
    r.cpu_s = clock_cpu_seconds() - r.cpu_s;
    drain(&r);
    tell(&r);
    turn_talk_done(&r.talk);
}
