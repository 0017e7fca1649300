/* SPDX-License-Identifier: Apache-2.0 */
#include "web_storm.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "histogram.h"
#include "pace.h"
#include "script.h"
#include "udp.h"
#include "web.h"

enum { TICK_NS = 10000000, LAST_WORDS_NS = 1000000000, PAUSE_NS = 100000 };

struct storm {
    struct side_job *job;  /* cleared at the end */
    struct flow_set flows; /* all that the file has */
    struct flow **active;  /* room for all */
    size_t active_count;
    struct pace pace; /* from the first turn on */
    uint64_t limit;   /* that are to be started */
    uint64_t started, done, failed;
    const char *failure;
    int epoll;
    uint64_t tick_ns; /* the next one */
    struct histogram took_ns;
};

/* --- one handshake -----------------------------------------------------------------------------
 */

static void forget(struct storm *s, const struct flow *flow)
{
    for (size_t i = 0; i < s->active_count; i++)
        if (s->active[i] == flow) {
            s->active[i] = s->active[--s->active_count];
            break;
        }
    epoll_ctl(s->epoll, EPOLL_CTL_DEL, flow->fd, NULL);
}

/* Whether it is over; then it is not looked at again. */
static bool settle(struct storm *s, struct flow *flow)
{
    if (!flow->is_ready && flow->failure == NULL)
        return false;
    forget(s, flow);
    if (flow->is_ready) {
        s->done++;
        histogram_add(&s->took_ns, flow->handshake_ns);
    } else {
        s->failed++;
        s->failure = flow->failure;
    }
    return true;
}

static void start(struct storm *s, struct flow *flow, uint64_t now_ns)
{
    int status = flow_open(flow, now_ns);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = flow};
    s->started++;
    if (status < 0 || epoll_ctl(s->epoll, EPOLL_CTL_ADD, flow->fd, &event) != 0)
        script_fail("storm: no socket for %s: %s", flow->name, strerror(status < 0 ? -status : 0));
    s->active[s->active_count++] = flow;
}

static void receive(struct storm *s, struct flow *flow, uint64_t now_ns)
{
    uint8_t datagram[UDP_DATA_MAX];
    ssize_t len = recv(flow->fd, datagram, sizeof(datagram), 0);
    if (len <= 0)
        return;
    flow->kind->take(flow, bytes_of(datagram, (size_t)len), now_ns);
    settle(s, flow);
}

/* --- all of them -------------------------------------------------------------------------------
 */

static void tick_all(struct storm *s, uint64_t now_ns)
{
    s->tick_ns = now_ns + TICK_NS;
    for (size_t i = s->active_count; i > 0; i--) {
        struct flow *flow = s->active[i - 1];
        flow->kind->tick(flow, now_ns);
        settle(s, flow);
    }
}

/* Steps take up to half a millisecond, so there is one a turn. */
static void turn(void *owner, uint64_t now_ns)
{
    struct storm *s = owner;
    struct epoll_event event;
    if (s->pace.start_ns == 0)
        s->pace.start_ns = now_ns;
    if (s->started < s->limit && s->started < pace_due(&s->pace, now_ns))
        start(s, s->flows.list[s->started], now_ns);
    else if (s->active_count > 0 && epoll_wait(s->epoll, &event, 1, 0) == 1)
        receive(s, event.data.ptr, now_ns);
    else if (now_ns >= s->tick_ns)
        tick_all(s, now_ns);
}

/* Those under way at the end of the run. */
static void finish(struct storm *s)
{
    uint64_t end_ns = udp_now_ns() + LAST_WORDS_NS;
    s->limit = s->started;
    while (s->active_count > 0 && udp_now_ns() < end_ns) {
        struct timespec pause = {.tv_nsec = PAUSE_NS};
        turn(s, udp_now_ns());
        nanosleep(&pause, NULL);
    }
}

static void done(struct storm *s)
{
    *s->job = (struct side_job){.turn = NULL};
    flow_set_done(&s->flows);
    close(s->epoll);
    free(s->active);
    free(s);
    web_set_at_once(WEB_AT_ONCE);
}

static void tell(void *owner, struct str *out)
{
    struct storm *s = owner;
    finish(s);
    str_addf(out,
        ", \"storm\": {\"started\": %llu, \"done\": %llu, \"failed\": %llu, \"open\": %zu, "
        "\"failure\": \"%s\", \"us\": {\"p50\": %.1f, \"p99\": %.1f, \"max\": %.1f}}",
        (unsigned long long)s->started, (unsigned long long)s->done, (unsigned long long)s->failed,
        s->active_count, s->failure == NULL ? "" : s->failure,
        (double)histogram_at(&s->took_ns, 500) / 1e3, (double)histogram_at(&s->took_ns, 990) / 1e3,
        (double)histogram_at(&s->took_ns, 1000) / 1e3);
    done(s);
}

/* --- the command -------------------------------------------------------------------------------
 */

static void add_line(struct storm *s, struct text line)
{
    static const struct flow_kind *const kinds[] = {&flow_dtls, NULL};
    struct text words = text_trim(line);
    struct text first = text_word(&words, ' ');
    if (first.len == 0 || first.data[0] == '#')
        return;
    const char *wrong =
        text_is(first, "flow") ? flow_set_add(&s->flows, words, kinds) : "not a flow";
    if (wrong != NULL)
        script_fail("storm: %.*s: %s", TEXT_ARG(line), wrong);
}

static void read_flows(struct storm *s, struct text path)
{
    char name[PATH_MAX];
    char *line = NULL;
    size_t room = 0;
    snprintf(name, sizeof(name), "%.*s", TEXT_ARG(path));
    FILE *file = fopen(name, "re");
    if (file == NULL)
        script_fail("storm: cannot read %s", name);
    for (ssize_t len; (len = getline(&line, &room, file)) >= 0;) {
        struct text all = text_of(line, (size_t)len);
        add_line(s, text_cut(&all, '\n'));
    }
    free(line);
    fclose(file);
}

void web_storm(struct side_job *job, struct text words)
{
    if (job->turn != NULL)
        script_fail("storm: one waits for its run already");
    struct storm *s = calloc(1, sizeof(*s));
    if (s == NULL || (s->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
        script_fail("storm: out of memory");
    s->job = job;
    s->pace.per_s = script_number(&words, "handshakes a second", 1, 100000);
    s->limit = s->pace.per_s * script_number(&words, "seconds", 1, 3600);
    read_flows(s, text_trim(words));
    if (s->limit > s->flows.count)
        s->limit = s->flows.count;
    s->active = calloc(s->flows.count + 1, sizeof(struct flow *));
    if (s->active == NULL)
        script_fail("storm: out of memory");
    web_set_at_once(UINT_MAX);
    *job = (struct side_job){.turn = turn, .tell = tell, .owner = s};
}
