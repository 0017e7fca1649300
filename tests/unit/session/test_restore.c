/* SPDX-License-Identifier: Apache-2.0 */
/* Calls out of one table and into another: real calls and records, and a relay that only notes. */
#include "session/session.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "dtls/certificate.h"
#include "mediaferry/bencode.h"
#include "net/udp_socket.h"
#include "plan/share.h"
#include "relay/counters.h"
#include "relay/resume.h"

enum { PORT_MIN = 23400, PORT_MAX = 23699, WEBRTC_PORT = 23380, MAX_RECORDS = 128 };

/* --- the relay --- */

static struct {
    struct relay_update *updates[MAX_RECORDS]; /* with a plan: taken, freed at the end */
    struct relay *relays[MAX_RECORDS];
    size_t count;
    unsigned ended;                                  /* updates with an empty plan */
    unsigned silenced;                               /* of these */
    uint64_t asked[MAX_RECORDS], calls[MAX_RECORDS]; /* tokens of saves, and for which call */
    enum relay_save how;                             /* of the last */
    size_t asked_count;
    bool no_memory;
} noted;

struct relay_update *relay_update_new(uint64_t call, struct text id, const struct plan *plan,
    struct dtls_certificate *certificate, const struct relay_sockets *sockets, size_t count)
{
    struct relay_update *update = noted.no_memory ? NULL : calloc(1, sizeof(*update));
    (void)id;
    if (update == NULL)
        return NULL;
    update->call = call;
    update->plan = plan_ref(plan);
    update->certificate = certificate != NULL ? dtls_certificate_ref(certificate) : NULL;
    update->socket_count = count;
    update->sockets = calloc(count + 1, sizeof(*update->sockets));
    for (size_t i = 0; i < count; i++)
        update->sockets[i] = sockets[i];
    return update;
}

static void update_free(struct relay_update *update)
{
    for (size_t i = 0; i < update->socket_count; i++) {
        close(update->sockets[i].rtp_fd);
        if (update->sockets[i].rtcp_fd >= 0)
            close(update->sockets[i].rtcp_fd);
    }
    plan_unref(update->plan);
    dtls_certificate_unref(update->certificate);
    relay_resume_free(update->resume);
    free(update->sockets);
    free(update);
}

void relay_post_update(struct relay *relay, struct relay_update *update)
{
    if (update->plan->transport_count == 0) {
        noted.ended++;
        noted.silenced += update->ends_silently;
        update_free(update);
        return;
    }
    assert_true(noted.count < MAX_RECORDS);
    noted.relays[noted.count] = relay;
    noted.updates[noted.count++] = update;
}

int relay_post_query(struct relay *relay, uint64_t call, uint64_t token)
{
    (void)relay, (void)call, (void)token;
    return 0;
}

int relay_post_save(struct relay *relay, uint64_t call, uint64_t token, enum relay_save how)
{
    (void)relay;
    if (noted.no_memory)
        return -ENOMEM;
    noted.how = how;
    noted.calls[noted.asked_count] = call;
    noted.asked[noted.asked_count++] = token;
    return 0;
}

const struct relay_counters *relay_counters(const struct relay *relay)
{
    static const struct relay_counters none;
    (void)relay;
    return &none;
}

const struct worker *relay_worker(const struct relay *relay)
{
    (void)relay;
    return NULL;
}

static void forget_updates(void)
{
    for (size_t i = 0; i < noted.count; i++)
        update_free(noted.updates[i]);
    noted.count = 0;
}

/* --- a node --- */

struct node {
    uv_loop_t loop;
    struct host_addresses host;
    struct interfaces *interfaces;
    struct sessions *sessions;
    struct relay_listener listener;
};

struct node_config {
    const char *interface;
    size_t workers;
    uint16_t webrtc_port; /* of the first */
    uint32_t final_timeout_s;
};

static const struct node_config usual = {"127.0.0.1", 1, WEBRTC_PORT, 0};

static void node_open(struct node *n, struct node_config own)
{
    struct str why = {0};
    struct sessions_config config = {
        .call = {.plain_sdp = true, .loop_id = 1},
        .delete_delay_s = 30,
        .final_timeout_s = own.final_timeout_s,
        .max_sessions = -1,
        .port_min = PORT_MIN,
        .port_max = PORT_MAX,
        .shared_webrtc_port = own.webrtc_port != 0,
    };
    assert_int_equal(uv_loop_init(&n->loop), 0);
    assert_int_equal(host_addresses_read(&n->host), 0);
    assert_int_equal(interfaces_parse(text_from(own.interface), &n->host, &n->interfaces, &why), 0);
    assert_int_equal(sessions_open(&n->sessions, &n->loop, &config, n->interfaces), 0);
    for (size_t i = 0; i < own.workers; i++) {
        uint16_t port = own.webrtc_port == 0 ? 0 : (uint16_t)(own.webrtc_port + i);
        /* Told apart, never looked into. */
        struct session_worker worker = {
            .relay = (struct relay *)(uintptr_t)(0x1000 * (i + 1)), .webrtc_port = port};
        assert_int_equal(sessions_add_worker(n->sessions, worker), 0);
    }
    n->listener = sessions_listener(n->sessions);
    str_done(&why);
}

static void node_close(struct node *n)
{
    sessions_close(n->sessions);
    assert_int_equal(uv_run(&n->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&n->loop), 0);
    interfaces_free(n->interfaces);
    host_addresses_done(&n->host);
}

static void over(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

static void pass(struct node *n, uint64_t ms)
{
    uv_timer_t timer;
    assert_int_equal(uv_timer_init(&n->loop, &timer), 0);
    assert_int_equal(uv_timer_start(&timer, over, ms, 0), 0);
    uv_run(&n->loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&n->loop, UV_RUN_NOWAIT);
}

static unsigned used_ports(const struct node *n)
{
    return sessions_ports(n->sessions, 0).used;
}

static uint64_t calls(const struct node *n)
{
    return sessions_totals(n->sessions).current;
}

/* --- what is saved --- */

struct store {
    struct bytes records[MAX_RECORDS];
    size_t count;
    bool is_full;
    unsigned done;
    struct sessions_saved counts;
};

static bool keep(void *owner, struct text call_id, struct bytes record)
{
    struct store *store = owner;
    assert_true(call_id.len > 0);
    if (store->is_full)
        return false;
    store->records[store->count++] = bytes_of(bytes_dup(record), record.len);
    return true;
}

static void saved(void *owner, const struct sessions_saved *counts)
{
    struct store *store = owner;
    store->done++;
    store->counts = *counts;
}

static void store_done(struct store *store)
{
    for (size_t i = 0; i < store->count; i++)
        free((void *)(uintptr_t)store->records[i].data);
    *store = (struct store){.count = 0};
}

static void begin_saving(struct node *n, struct store *store)
{
    const struct sessions_sink sink = {.owner = store, .keep = keep, .done = saved};
    noted.asked_count = 0;
    assert_int_equal(sessions_save_all(n->sessions, &sink), 0);
}

/* A worker's answer to the question number `index`. */
static void answer_save(struct node *n, size_t index, bool found)
{
    struct relay_resume *media = relay_resume_new();
    media->exact = true;
    media->stream_count = 1;
    media->streams = relay_resume_alloc(media, 1, sizeof(*media->streams));
    media->streams[0].stream = 1;
    media->streams[0].in[0].packets = 4711;
    n->listener.saved(n->listener.owner, noted.asked[index], found ? media : NULL);
    relay_resume_free(media);
}

static void save_all(struct node *n, struct store *store)
{
    begin_saving(n, store);
    for (size_t i = 0; i < noted.asked_count; i++)
        answer_save(n, i, true);
    assert_int_equal(store->done, 1);
}

static struct session_restored restore(struct node *n, const struct store *store, size_t index)
{
    const struct session_restoring how = {.age_limit_ms = 60000};
    return sessions_restore(n->sessions, store->records[index], &how);
}

/* --- calls --- */

#define PLAIN_SDP(port)                                                                            \
    "v=0\r\no=- 1 1 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n"              \
    "m=audio " port " RTP/AVP 0\r\n"

static struct session_outcome command(
    struct node *n, const char *id, enum call_verb verb, const char *sdp, struct call_flags flags)
{
    struct call_command command = {.verb = verb,
        .call_id = text_from(id),
        .from_tag = TEXT("a"),
        .to_tag = verb == CALL_OFFER ? TEXT("") : TEXT("b"),
        .sdp = text_from(sdp),
        .flags = flags};
    return sessions_exchange(n->sessions, &command);
}

static void plain_call(struct node *n, const char *id)
{
    const struct call_flags flags = {.delete_delay = -1};
    assert_int_equal(command(n, id, CALL_OFFER, PLAIN_SDP("4000"), flags).status, SESSION_OK);
    assert_int_equal(command(n, id, CALL_ANSWER, PLAIN_SDP("5000"), flags).status, SESSION_OK);
}

/* Toward a browser: its leg uses the shared port. */
static void browser_call(struct node *n, const char *id)
{
    struct call_flags flags = {.delete_delay = -1, .web_rtc = true, .tos = -1};
    assert_int_equal(command(n, id, CALL_OFFER, PLAIN_SDP("4000"), flags).status, SESSION_OK);
}

static void ignore(void *owner, const struct session_report *report)
{
    (void)owner, (void)report;
}

static void delete_call(struct node *n, const char *id, int delay_s)
{
    struct call_command command = {.verb = CALL_DELETE,
        .call_id = text_from(id),
        .from_tag = TEXT("a"),
        .flags = {.delete_delay = delay_s, .fast = true}};
    assert_int_equal(sessions_delete(n->sessions, &command, ignore, NULL), 0);
}

/* --- records that were changed --- */

/* Takes `name` out of the record, or gives it a number; the record is written anew. */
static void change(struct store *store, const char *name, const int64_t *number)
{
    static uint8_t bytes[1 << 16];
    struct ng_arena arena;
    struct ng_value *tree, *changed;
    struct bytes *record = &store->records[0];
    ng_arena_init(&arena, 1 << 22);
    assert_int_equal(bencode_parse(*record, &arena, &tree, NULL), BENCODE_OK);
    changed = ng_dict(&arena);
    for (struct ng_value *at = tree->first, *next; at != NULL; at = next) {
        next = at->next;
        at->next = NULL;
        if (!ng_name_is(at->key, name))
            ng_put(&arena, changed, at->key, at);
    }
    if (number != NULL)
        ng_put_int(&arena, changed, text_from(name), *number);
    struct writer w = writer_over(bytes, sizeof(bytes));
    bencode_write(&w, changed);
    free((void *)(uintptr_t)record->data);
    *record = bytes_of(bytes_dup(writer_bytes(&w)), w.len);
    ng_arena_done(&arena);
}

static int64_t number_of(const struct store *store, const char *name)
{
    struct ng_arena arena;
    struct ng_value *tree;
    int64_t number = -1;
    ng_arena_init(&arena, 1 << 22);
    assert_int_equal(bencode_parse(store->records[0], &arena, &tree, NULL), BENCODE_OK);
    if (!ng_get_int(tree, name, &number))
        number = -1;
    ng_arena_done(&arena);
    return number;
}

static void change_number(struct store *store, const char *name, int64_t number)
{
    change(store, name, &number);
}

/* --- the tests --- */

struct world {
    struct node one, other;
    struct store store;
};

static int open_world(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    log_set_level(LOG_CRIT);
    memset(&noted, 0, sizeof(noted));
    node_open(&w->one, usual);
    *state = w;
    return 0;
}

/* The first node is gone by then, and `other` may be, too. */
static int close_world(void **state)
{
    struct world *w = *state;
    forget_updates();
    store_done(&w->store);
    free(w);
    return 0;
}

/* Saves what `one` has and opens `other`. */
static void restart(struct world *w, struct node_config config)
{
    save_all(&w->one, &w->store);
    forget_updates();
    node_close(&w->one);
    node_open(&w->other, config);
}

static void expect_refused(struct world *w, enum session_refusal refusal, const char *why)
{
    struct sessions_records before = sessions_records(w->other.sessions);
    struct session_restored out = restore(&w->other, &w->store, 0);
    assert_false(out.ok);
    assert_string_equal(session_refusal_word(out.refusal), session_refusal_word(refusal));
    assert_non_null(strstr(out.why, why));
    assert_int_equal(
        sessions_records(w->other.sessions).refused[refusal], before.refused[refusal] + 1);
    assert_int_equal(noted.count, 0);
    assert_int_equal(used_ports(&w->other), 0);
}

static void a_call_goes_on_with_its_ports(void **state)
{
    struct world *w = *state;
    uint16_t ports[2];
    plain_call(&w->one, "one");
    const struct plan *plan = noted.updates[1]->plan;
    assert_int_equal(plan->transport_count, 2);
    for (size_t i = 0; i < 2; i++)
        ports[i] = plan->transports[i].locals[0].rtp.port;
    restart(w, usual);
    assert_int_equal(w->store.counts.saved, 1);
    assert_int_equal(w->store.counts.lost, 0);

    struct session_restored out = restore(&w->other, &w->store, 0);
    assert_true(out.ok);
    assert_true(text_is(out.call_id, "one"));
    assert_int_equal(calls(&w->other), 1);
    assert_int_equal(used_ports(&w->other), 4);
    assert_int_equal(noted.count, 1);
    const struct relay_update *update = noted.updates[0];
    assert_int_equal(update->socket_count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct plan_local *local = &update->plan->transports[i].locals[0];
        struct address bound;
        assert_int_equal(local->rtp.port, ports[i]);
        assert_int_equal(local->lease, update->sockets[i].lease);
        assert_int_equal(udp_socket_local(update->sockets[i].rtp_fd, &bound), 0);
        assert_int_equal(bound.port, ports[i]);
    }
    assert_non_null(update->resume);
    assert_true(update->resume->exact && update->resume->age_ms < 10000);
    assert_int_equal(update->resume->streams[0].in[0].packets, 4711);

    /* And it is a call like any other. */
    plain_call(&w->other, "one");
    assert_int_equal(noted.count, 3);
    assert_int_equal(noted.updates[2]->socket_count, 0);
    assert_null(noted.updates[2]->resume);
    node_close(&w->other);
}

static void what_is_saved_ends_here(void **state)
{
    struct world *w = *state;
    plain_call(&w->one, "one");
    plain_call(&w->one, "two");
    save_all(&w->one, &w->store);
    assert_int_equal(w->store.count, 2);
    assert_int_equal(calls(&w->one), 0);
    assert_int_equal(noted.ended, 0); /* by the worker itself, with the save */
    assert_int_equal(sessions_totals(w->one.sessions).terminated, 0);
    assert_int_equal(sessions_records(w->one.sessions).saved, 2);
    struct store again = {.count = 0};
    begin_saving(&w->one, &again);
    assert_int_equal(again.done, 1); /* there is nothing more */
    node_close(&w->one);
}

/* The memory of a few workers' answers, whatever the number of calls; the oldest first. */
static void a_few_are_asked_for_at_a_time(void **state)
{
    enum { CALLS = 40 };
    struct world *w = *state;
    size_t most = 0;
    for (int i = 0; i < CALLS; i++) {
        char id[16];
        snprintf(id, sizeof(id), "call-%02d", i);
        assert_int_equal(command(&w->one, id, CALL_OFFER, PLAIN_SDP("4000"),
                             (struct call_flags){.delete_delay = -1})
                             .status,
            SESSION_OK);
    }
    begin_saving(&w->one, &w->store);
    for (size_t i = 0; i < CALLS; i++) {
        size_t waiting = noted.asked_count - i;
        most = waiting > most ? waiting : most;
        assert_true(waiting > 0);
        assert_int_equal(noted.calls[i], i + 1);
        assert_int_equal(noted.how, RELAY_SAVE_AND_END);
        assert_int_equal(w->store.done, 0);
        answer_save(&w->one, i, true);
    }
    assert_int_equal(w->store.done, 1);
    assert_int_equal(w->store.counts.saved, CALLS);
    assert_int_equal(most, 32);
    node_close(&w->one);
}

static void a_call_may_end_before_its_turn(void **state)
{
    struct world *w = *state;
    plain_call(&w->one, "one");
    plain_call(&w->one, "two");
    begin_saving(&w->one, &w->store);
    w->one.listener.timed_out(w->one.listener.owner, noted.calls[0], PLAN_TIMEOUT_MEDIA);
    answer_save(&w->one, 0, true);
    answer_save(&w->one, 1, true);
    assert_int_equal(w->store.done, 1);
    assert_int_equal(w->store.counts.saved, 1);
    assert_int_equal(w->store.counts.lost, 0);
    node_close(&w->one);
}

static void what_cannot_be_saved_is_counted(void **state)
{
    struct world *w = *state;
    plain_call(&w->one, "no-media");
    plain_call(&w->one, "no-room");
    begin_saving(&w->one, &w->store);
    answer_save(&w->one, 0, false);
    w->store.is_full = true;
    answer_save(&w->one, 1, true);
    assert_int_equal(w->store.done, 1);
    assert_int_equal(w->store.counts.lost, 2);
    assert_int_equal(w->store.counts.saved, 0);
    assert_int_equal(sessions_records(w->one.sessions).lost, 2);

    plain_call(&w->one, "no-memory");
    noted.no_memory = true;
    begin_saving(&w->one, &w->store);
    noted.no_memory = false;
    assert_int_equal(w->store.done, 2);
    assert_int_equal(w->store.counts.lost, 1);
    node_close(&w->one);
}

static void saving_can_be_stopped(void **state)
{
    struct world *w = *state;
    plain_call(&w->one, "one");
    plain_call(&w->one, "two");
    begin_saving(&w->one, &w->store);
    answer_save(&w->one, 0, true);
    sessions_stop_saving(w->one.sessions);
    assert_int_equal(w->store.done, 1);
    assert_int_equal(w->store.counts.saved, 1);
    answer_save(&w->one, 1, true); /* too late */
    sessions_stop_saving(w->one.sessions);
    assert_int_equal(w->store.done, 1);
    assert_int_equal(w->store.count, 1);
    node_close(&w->one);
}

static void a_call_without_media_needs_none(void **state)
{
    struct world *w = *state;
    assert_int_equal(command(&w->one, "one", CALL_OFFER,
                         "v=0\r\no=- 1 1 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\n"
                         "t=0 0\r\nm=audio 0 RTP/AVP 0\r\n",
                         (struct call_flags){.delete_delay = -1})
                         .status,
        SESSION_OK);
    assert_int_equal(noted.count, 0);
    begin_saving(&w->one, &w->store);
    answer_save(&w->one, 0, false);
    assert_int_equal(w->store.counts.saved, 1);
    node_close(&w->one);
    node_open(&w->other, usual);
    assert_true(restore(&w->other, &w->store, 0).ok);
    assert_int_equal(calls(&w->other), 1);
    node_close(&w->other);
}

static void a_deleted_call_ends_when_it_would_have(void **state)
{
    struct world *w = *state;
    plain_call(&w->one, "one");
    delete_call(&w->one, "one", 3600);
    restart(w, usual);
    int64_t left_us = number_of(&w->store, "ends") - number_of(&w->store, "saved");
    assert_in_range(left_us, INT64_C(3590000000), INT64_C(3600000000));
    change_number(&w->store, "ends", number_of(&w->store, "saved") + 1500000);
    assert_true(restore(&w->other, &w->store, 0).ok);
    struct session_row row;
    assert_true(sessions_look(w->other.sessions, TEXT("one"), &row));
    assert_true(row.is_deleted);
    pass(&w->other, 900);
    assert_int_equal(calls(&w->other), 1);
    pass(&w->other, 1400);
    assert_int_equal(calls(&w->other), 0);
    assert_int_equal(sessions_totals(w->other.sessions).terminated, 1);
    node_close(&w->other);
}

/* One whose time was over before the restart ends with the first tick. */
static void the_time_away_counts(void **state)
{
    struct world *w = *state;
    struct node_config config = usual;
    struct session_row row;
    plain_call(&w->one, "one");
    config.final_timeout_s = 600;
    restart(w, config);
    change_number(&w->store, "created", number_of(&w->store, "saved") - INT64_C(599000000));
    assert_true(restore(&w->other, &w->store, 0).ok);
    assert_true(sessions_look(w->other.sessions, TEXT("one"), &row));
    assert_in_range(row.age_ms, 599000, 599900);
    pass(&w->other, 1500);
    assert_int_equal(calls(&w->other), 0);
    assert_int_equal(sessions_totals(w->other.sessions).final_timed_out, 1);
    node_close(&w->other);
}

static void an_old_record_is_not_taken(void **state)
{
    struct world *w = *state;
    plain_call(&w->one, "one");
    restart(w, usual);
    int64_t saved_us = number_of(&w->store, "saved");
    change_number(&w->store, "saved", saved_us - INT64_C(61000000));
    expect_refused(w, SESSION_REFUSED_OLD, "61 s ago");
    change_number(&w->store, "saved", saved_us + INT64_C(100000000));
    expect_refused(w, SESSION_REFUSED_OLD, "from now");
    change_number(&w->store, "saved", saved_us - INT64_C(50000000));
    assert_true(restore(&w->other, &w->store, 0).ok);
    assert_in_range(noted.updates[0]->resume->age_ms, 50000, 55000);
    node_close(&w->other);
}

static void a_call_is_not_restored_twice(void **state)
{
    struct world *w = *state;
    plain_call(&w->one, "one");
    restart(w, usual);
    assert_true(restore(&w->other, &w->store, 0).ok);
    struct session_restored again = restore(&w->other, &w->store, 0);
    assert_false(again.ok);
    assert_int_equal(again.refusal, SESSION_REFUSED_KNOWN);
    assert_int_equal(calls(&w->other), 1);
    assert_int_equal(used_ports(&w->other), 4);
    node_close(&w->other);
}

static void a_port_of_somebody_else_costs_the_call_only(void **state)
{
    struct world *w = *state;
    plain_call(&w->one, "one");
    plain_call(&w->one, "two");
    struct udp_socket_config config = {
        .bind = noted.updates[1]->plan->transports[1].locals[0].rtcp};
    int other;
    restart(w, usual);
    assert_int_equal(udp_socket_open(&config, &other), 0);
    expect_refused(w, SESSION_REFUSED_PORTS, "in use");
    assert_true(restore(&w->other, &w->store, 1).ok);
    assert_int_equal(used_ports(&w->other), 4);
    close(other);
    assert_true(restore(&w->other, &w->store, 0).ok);
    node_close(&w->other);
}

static void an_interface_that_is_gone_costs_its_calls(void **state)
{
    struct world *w = *state;
    struct node_config config = usual;
    plain_call(&w->one, "one");
    config.interface = "127.0.0.2";
    restart(w, config);
    expect_refused(w, SESSION_REFUSED_INTERFACE, "127.0.0.1:");
    node_close(&w->other);
}

static void a_shared_port_chooses_the_worker(void **state)
{
    struct world *w = *state;
    struct node_config config = usual;
    browser_call(&w->one, "one");
    assert_int_equal(noted.updates[0]->plan->transports[1].locals[0].lease, 0);
    config.workers = 3;
    config.webrtc_port = WEBRTC_PORT - 2;
    restart(w, config);
    assert_int_equal(number_of(&w->store, "worker-port"), WEBRTC_PORT);
    assert_true(restore(&w->other, &w->store, 0).ok);
    assert_ptr_equal(noted.relays[0], (struct relay *)(uintptr_t)0x3000);
    struct session_row row;
    assert_true(sessions_look(w->other.sessions, TEXT("one"), &row));
    assert_int_equal(row.worker, 2);
    node_close(&w->other);
}

static void a_shared_port_must_be_there(void **state)
{
    struct world *w = *state;
    struct node_config config = usual;
    browser_call(&w->one, "one");
    config.webrtc_port = WEBRTC_PORT + 1;
    restart(w, config);
    expect_refused(w, SESSION_REFUSED_WORKER, "23380");
    change_number(&w->store, "worker-port", WEBRTC_PORT + 1);
    expect_refused(w, SESSION_REFUSED_WORKER, "127.0.0.1:23380");
    change(&w->store, "worker-port", NULL);
    expect_refused(w, SESSION_REFUSED_WORKER, "127.0.0.1:23380");
    node_close(&w->other);
    config = usual;
    config.interface = "127.0.0.2";
    node_open(&w->other, config);
    change_number(&w->store, "worker-port", WEBRTC_PORT);
    expect_refused(w, SESSION_REFUSED_INTERFACE, "127.0.0.1:");
    node_close(&w->other);
}

static void plain_calls_are_dealt_out(void **state)
{
    struct world *w = *state;
    struct node_config config = usual;
    struct session_row rows[2];
    plain_call(&w->one, "one");
    plain_call(&w->one, "two");
    config.workers = 2;
    restart(w, config);
    for (size_t i = 0; i < 2; i++)
        assert_true(restore(&w->other, &w->store, i).ok);
    assert_true(sessions_look(w->other.sessions, TEXT("one"), &rows[0]));
    assert_true(sessions_look(w->other.sessions, TEXT("two"), &rows[1]));
    assert_int_not_equal(rows[0].worker, rows[1].worker);
    node_close(&w->other);
}

static void calls_keep_their_certificate(void **state)
{
    struct world *w = *state;
    plain_call(&w->one, "one");
    plain_call(&w->one, "two");
    const struct dtls_certificate *before = noted.updates[0]->certificate;
    struct dtls_fingerprint fingerprint = *dtls_certificate_fingerprint(before, DTLS_SHA256);
    restart(w, usual);
    for (size_t i = 0; i < 2; i++)
        assert_true(restore(&w->other, &w->store, i).ok);
    assert_true(dtls_fingerprint_equal(
        &fingerprint, dtls_certificate_fingerprint(noted.updates[0]->certificate, DTLS_SHA256)));
    /* Read once for both. */
    assert_ptr_equal(noted.updates[0]->certificate, noted.updates[1]->certificate);
    plain_call(&w->other, "three");
    assert_ptr_not_equal(noted.updates[2]->certificate, noted.updates[0]->certificate);
    node_close(&w->other);
}

static void a_record_must_be_whole(void **state)
{
    static const struct {
        const char *name, *why;
    } parts[] = {
        {"version", "version: missing"},
        {"id", "id: missing"},
        {"created", "created: missing"},
        {"signalled", "signalled: missing"},
        {"saved", "saved: missing"},
        {"certificate", "certificate: missing"},
        {"call", "call"},
        {"media", "media: missing"},
    };
    struct world *w = *state;
    plain_call(&w->one, "one");
    restart(w, usual);
    struct bytes whole = bytes_of(bytes_dup(w->store.records[0]), w->store.records[0].len);
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        change(&w->store, parts[i].name, NULL);
        expect_refused(w, SESSION_REFUSED_MALFORMED, parts[i].why);
        free((void *)(uintptr_t)w->store.records[0].data);
        w->store.records[0] = bytes_of(bytes_dup(whole), whole.len);
        change_number(&w->store, parts[i].name, -1); /* of a wrong type, or out of bounds */
        expect_refused(w, SESSION_REFUSED_MALFORMED, parts[i].name);
        free((void *)(uintptr_t)w->store.records[0].data);
        w->store.records[0] = bytes_of(bytes_dup(whole), whole.len);
    }
    change_number(&w->store, "version", 2);
    expect_refused(w, SESSION_REFUSED_VERSION, "version: 2, known is 1");
    change_number(&w->store, "version", 1);
    change_number(&w->store, "a-name-of-tomorrow", 1);
    assert_true(restore(&w->other, &w->store, 0).ok);
    free((void *)(uintptr_t)whole.data);
    node_close(&w->other);
}

static void cut_anywhere_a_record_is_refused(void **state)
{
    struct world *w = *state;
    plain_call(&w->one, "one");
    restart(w, usual);
    struct bytes whole = w->store.records[0];
    for (size_t len = 0; len < whole.len; len += 1 + len / 16) {
        w->store.records[0] = bytes_of(bytes_dup(bytes_of(whole.data, len)), len);
        expect_refused(w, SESSION_REFUSED_MALFORMED, "not bencode");
        free((void *)(uintptr_t)w->store.records[0].data);
    }
    w->store.records[0] = whole;
    node_close(&w->other);
}

static void without_memory_nothing_is_left_behind(void **state)
{
    struct world *w = *state;
    plain_call(&w->one, "one");
    restart(w, usual);
    noted.no_memory = true;
    expect_refused(w, SESSION_REFUSED_MEMORY, "memory");
    assert_int_equal(calls(&w->other), 0);
    noted.no_memory = false;
    assert_true(restore(&w->other, &w->store, 0).ok);
    assert_int_equal(sessions_records(w->other.sessions).restored, 1);
    sessions_count_refused(w->other.sessions, SESSION_REFUSED_DAMAGED);
    assert_int_equal(sessions_records(w->other.sessions).refused[SESSION_REFUSED_DAMAGED], 1);
    node_close(&w->other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(a_call_goes_on_with_its_ports),
        TEST(what_is_saved_ends_here),
        TEST(a_few_are_asked_for_at_a_time),
        TEST(a_call_may_end_before_its_turn),
        TEST(what_cannot_be_saved_is_counted),
        TEST(saving_can_be_stopped),
        TEST(a_call_without_media_needs_none),
        TEST(a_deleted_call_ends_when_it_would_have),
        TEST(the_time_away_counts),
        TEST(an_old_record_is_not_taken),
        TEST(a_call_is_not_restored_twice),
        TEST(a_port_of_somebody_else_costs_the_call_only),
        TEST(an_interface_that_is_gone_costs_its_calls),
        TEST(a_shared_port_chooses_the_worker),
        TEST(a_shared_port_must_be_there),
        TEST(plain_calls_are_dealt_out),
        TEST(calls_keep_their_certificate),
        TEST(a_record_must_be_whole),
        TEST(cut_anywhere_a_record_is_refused),
        TEST(without_memory_nothing_is_left_behind),
    };
#undef TEST
    return cmocka_run_group_tests_name("restore", tests, NULL, NULL);
}
