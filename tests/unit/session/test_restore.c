/* SPDX-License-Identifier: Apache-2.0 */
/* Calls out of one table and into another. */
#include "node.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "dtls/certificate.h"
#include "mediaferry/bencode.h"
#include "net/udp_socket.h"
#include "relay/resume.h"

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
        assert_int_equal(noted.hows[i], RELAY_SAVE_AND_END);
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
    expect_refused(w, SESSION_REFUSED_OLD, "from now, by a clock");
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
