/* SPDX-License-Identifier: Apache-2.0 */
#include "site.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/str.h"
#include "net/own_sockets.h"
#include "turnserver/datagrams.h"
#include "world.h"

enum { PORT_MIN = 50000, PORT_MAX = 50499, PATIENCE_MS = 10000 };

/* Tests of two builds may run at the same time. */
static struct address address_of(uint8_t last, uint16_t port)
{
    unsigned pid = (unsigned)getpid();
    struct address a = {.family = ADDRESS_IP4, .port = port};
    const uint8_t ip[] = {127, (uint8_t)(64 + pid % 128), (uint8_t)(pid / 128), last};
    memcpy(a.ip, ip, sizeof(ip));
    return a;
}

/* --- settings --- */

static struct turnserver_settings *make_settings(
    const struct site *s, uint64_t user_quota, const char *denied)
{
    struct turn_settings *turn = world_settings();
    auth_unref(turn->auth);
    turn->auth = world_auth(true, s->cache);
    policy_free(turn->policy);
    turn->policy = world_policy("127.0.0.0/8", NULL);
    if (denied != NULL) {
        policy_free(turn->policy);
        turn->policy = world_policy(NULL, denied);
    }
    struct turnserver_settings *settings = turnserver_settings_new(turn);
    assert_non_null(settings);
    settings->user_quota = user_quota;
    settings->max_connections_per_ip = s->max_connections_per_ip;
    settings->idle_timeout_s = s->idle_timeout_s != 0 ? s->idle_timeout_s : 60;
    settings->tls = s->tls == NULL ? NULL : tls_context_ref(s->tls);
    return settings;
}

void site_apply(struct site *s, uint64_t user_quota, const char *denied)
{
    struct turnserver_settings *settings = make_settings(s, user_quota, denied);
    assert_int_equal(turnserver_apply(s->server, settings), 0);
    turnserver_settings_unref(settings);
}

/* --- the database --- */

static void answer(struct site *s, struct turnserver_lookup *lookup)
{
    struct text realm = turnserver_lookup_realm(lookup), name = turnserver_lookup_username(lookup);
    if (text_is(name, "carol"))
        assert_true(user_cache_put(s->cache, realm, name, TEXT("cheshire"), INT64_MAX));
    else
        user_cache_put_absent(s->cache, realm, name, INT64_MAX);
    turnserver_lookup_done(lookup);
}

void site_answer(struct site *s)
{
    for (size_t i = 0; i < s->lookup_count; i++)
        answer(s, s->lookups[i]);
    s->lookup_count = 0;
}

static void on_lookup(void *owner, struct turnserver_lookup *lookup)
{
    struct site *s = owner;
    if (s->database == SITE_HESITATES && s->lookup_count < SITE_LOOKUPS)
        s->lookups[s->lookup_count++] = lookup;
    else
        answer(s, lookup);
}

/* --- life --- */

void site_start_worker(struct site *s)
{
    struct worker_config config = {.index = s->started, .own = s->own};
    struct worker **worker = &s->workers[s->started];
    struct str why = {0};
    assert_int_equal(worker_new(&config, worker), 0);
    s->started++;
    if (turnserver_add_worker(s->server, *worker, &why) != 0)
        fail_msg("%s", str_string(&why));
    assert_int_equal(worker_start(*worker), 0);
}

void site_start_some(struct site *s, unsigned count)
{
    signal(SIGPIPE, SIG_IGN); /* as the daemon does: net/stream.h */
    s->door = address_of(1, SITE_PORT);
    s->client = address_of(2, 0);
    assert_int_equal(uv_loop_init(&s->loop), 0);
    assert_int_equal(mailbox_open(&s->control, &s->loop, s), 0);
    s->own = own_sockets_new(s->worker_count);
    s->cache = user_cache_new(64);
    assert_true(s->own != NULL && s->cache != NULL);

    struct turnserver_settings *settings = make_settings(s, s->user_quota, NULL);
    bool has_relays = s->relays[0] != 0;
    struct address first = address_of(has_relays ? s->relays[0] : 3, 0);
    struct address second = address_of(s->relays[1], 0);
    const struct turnserver_relay relays[] = {
        {.bind = first, .external = first}, {.bind = second, .external = second}};
    const struct turnserver_config config = {
        .listen = &s->door,
        .listen_count = 1,
        .udp = true,
        .tcp = true,
        .tls = s->tls != NULL,
        .dtls = s->tls != NULL,
        .relays = relays,
        .relay_count = has_relays ? 2 : 1,
        .port_min = PORT_MIN,
        .port_max = PORT_MAX,
        .workers = s->worker_count,
        .max_allocations = 1000,
        .control = &s->control,
        .listener = {.owner = s, .lookup = on_lookup},
        .settings = settings,
    };
    s->server = turnserver_new(&config);
    assert_non_null(s->server);
    turnserver_settings_unref(settings);
    for (unsigned i = 0; i < count; i++)
        site_start_worker(s);
}

void site_start(struct site *s)
{
    site_start_some(s, s->worker_count);
}

void site_stop_workers(struct site *s)
{
    for (unsigned i = 0; i < s->started; i++)
        worker_stop(s->workers[i]);
}

/* All that workers share is as it was before the first client came. */
static void expect_nothing_left(struct site *s)
{
    static const char *const users[] = {"alice", "bob", "carol"};
    struct relay_ports_usage usage = relay_ports_usage(s->server->ports);
    assert_int_equal(usage.used, usage.reserved);
    struct quota_limits limits = {.user = 1, .total = COUNT_OF(users)};
    for (size_t i = 0; i < COUNT_OF(users); i++)
        assert_true(
            quotas_take(s->server->quotas, &limits, TEXT("example.org"), text_from(users[i])));
    assert_true(callers_connect(s->server->callers, &s->client, 1, 1));
    struct turnserver_totals totals = site_totals(s);
    assert_int_equal(totals.allocations, 0);
}

void site_stop_control(struct site *s)
{
    mailbox_close(&s->control, NULL);
    site_answer(s); /* too late for anybody */
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(s->inquiries, 0);
    expect_nothing_left(s);
    turnserver_free(s->server);
    own_sockets_free(s->own);
    user_cache_unref(s->cache);
    tls_context_unref(s->tls);
    assert_int_equal(uv_loop_close(&s->loop), 0);
}

void site_stop(struct site *s)
{
    site_stop_workers(s);
    site_stop_control(s);
}

void site_run(struct site *s)
{
    uv_run(&s->loop, UV_RUN_NOWAIT);
}

void site_run_until(struct site *s, bool (*is_done)(struct site *s))
{
    for (int i = 0; i < PATIENCE_MS; i++) {
        site_run(s);
        if (is_done(s))
            return;
        usleep(1000);
    }
    fail_msg("what was waited for has not happened");
}

/* --- the operator --- */

static void tell(void *owner, const struct turnserver_allocation *allocation)
{
    struct site *s = owner;
    if (allocation == NULL) {
        s->inquiries--;
        return;
    }
    const struct turn_report *report = allocation->report;
    struct text user = auth_identity_username(report->identity);
    if (s->row_count == SITE_ROWS || user.len >= sizeof(s->rows[0].user))
        return;
    struct site_row *row = &s->rows[s->row_count++];
    *row = (struct site_row){
        .id = report->id,
        .worker = allocation->worker,
        .client = report->path->client,
        .relayed = report->relayed[0],
        .client_packets = report->client_packets,
    };
    memcpy(row->user, user.data, user.len);
}

static void count_killed(void *owner, size_t count)
{
    struct site *s = owner;
    s->killed += count;
    s->inquiries--;
}

static bool has_answers(struct site *s)
{
    return s->inquiries == 0;
}

void site_ask_list(struct site *s, const char *user, size_t limit)
{
    s->row_count = 0;
    s->inquiries++;
    assert_int_equal(turnserver_list(s->server, text_from(user), limit, tell, s), 0);
}

void site_list(struct site *s, const char *user, size_t limit)
{
    site_ask_list(s, user, limit);
    site_run_until(s, has_answers);
}

void site_ask_kill(struct site *s, uint64_t id, const char *user)
{
    s->inquiries++;
    assert_int_equal(turnserver_kill(s->server, id, text_from(user), TEXT(""), count_killed, s), 0);
}

size_t site_kill(struct site *s, uint64_t id, const char *user)
{
    s->killed = 0;
    site_ask_kill(s, id, user);
    site_run_until(s, has_answers);
    return s->killed;
}

const struct site_row *site_row_of(const struct site *s, const struct wire *w)
{
    for (size_t i = 0; i < s->row_count; i++)
        if (address_equal(&s->rows[i].client, &w->client.path.client))
            return &s->rows[i];
    return NULL;
}

unsigned site_worker_of(struct site *s, const struct wire *w)
{
    site_list(s, "", SITE_ROWS);
    const struct site_row *row = site_row_of(s, w);
    assert_non_null(row);
    return row->worker;
}

unsigned site_ask(struct site *s, struct wire *w, enum stun_method method, const char *line)
{
    enum { STEP_MS = 5 };
    int wait_ms = w->wait_ms;
    unsigned code = ASK_SILENCE;
    wire_request(w, method, line);
    w->wait_ms = STEP_MS;
    for (int waited = 0; waited < wait_ms && code == ASK_SILENCE; waited += STEP_MS) {
        site_run(s);
        code = wire_answer(w);
    }
    w->wait_ms = wait_ms;
    return code;
}

struct turnserver_totals site_totals(struct site *s)
{
    struct turnserver_totals totals;
    turnserver_totals(s->server, &totals);
    return totals;
}

/* --- the wrong worker --- */

struct injection {
    struct message message;
    struct address client;
    uint8_t tos;
    size_t len;
    uint8_t data[PACKET_DATA_MAX];
};

static void inject(struct message *message, void *owner)
{
    struct injection *i = CONTAINER_OF(message, struct injection, message);
    struct turn_worker *w = owner;
    struct packet *p = worker_packet(w->worker);
    struct packet_batch batch = {.count = 1, .packets = {p}};
    if (p != NULL && packet_set(p, bytes_of(i->data, i->len))) {
        p->socket = w->doors[0].socket;
        p->peer = i->client;
        p->tos = i->tos;
        datagrams_receive(w, &batch, worker_now_ms(w->worker));
        if (!p->queued)
            worker_discard(w->worker, p);
    }
    free(i);
}

void site_inject(
    struct site *s, unsigned worker, const struct wire *from, struct bytes datagram, uint8_t tos)
{
    struct injection *i = calloc(1, sizeof(*i));
    assert_true(i != NULL && datagram.len <= sizeof(i->data));
    i->message.deliver = inject;
    i->client = from->client.path.client;
    i->tos = tos;
    i->len = datagram.len;
    memcpy(i->data, datagram.data, datagram.len);
    if (!post_to_worker(s->server, worker, &i->message))
        free(i);
}

void site_client(struct site *s, struct wire *w, enum turn_transport transport, const char *user)
{
    if (!wire_start(w, transport, &s->client, &s->door, user))
        fail_msg("no nonce for a client over transport %d", transport);
}
