/* SPDX-License-Identifier: Apache-2.0 */
/* The table of calls, with a call and a relay that only note what is asked of them. */
#include "session/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "relay/counters.h"

/* The call: fails or ends when the command's tags say so. */
struct call {
    unsigned commands;
    struct plan plan;
};

enum call_status call_apply(const struct call *now, const struct call_command *command,
    const struct call_env *env, struct call **next, struct call_result *out)
{
    struct call_lease_local local[PLAN_MAX_LOCALS];
    enum call_status why = CALL_OK;

    *out = (struct call_result){0};
    *next = NULL;
    if (text_is(command->from_tag, "no-ports")) {
        /* One lease is made before the step fails: the session must take it back. */
        assert_int_equal(env->ports->lease(env->ports->owner,
                             &(struct call_lease_request){.pair = true}, local, &why),
            1);
        return CALL_NO_PORTS;
    }
    if (text_is(command->from_tag, "stranger"))
        return CALL_NO_MATCH;
    out->ended = command->verb == CALL_DELETE && !text_is(command->from_tag, "branch");
    if (out->ended || text_is(command->from_tag, "loop"))
        return CALL_OK;
    if (command->verb == CALL_OFFER)
        assert_int_equal(env->ports->lease(env->ports->owner,
                             &(struct call_lease_request){.pair = true}, local, &why),
            1);
    *next = calloc(1, sizeof(**next));
    if (now != NULL)
        **next = *now;
    (*next)->commands++;
    return CALL_OK;
}

void call_free(struct call *call)
{
    free(call);
}

struct call *call_clone(const struct call *call)
{
    struct call *copy = malloc(sizeof(*copy));
    *copy = *call;
    return copy;
}

struct folded_call {
    struct call call;
};

struct folded_call *call_fold(const struct call *call)
{
    struct folded_call *folded = malloc(sizeof(*folded));
    folded->call = *call;
    return folded;
}

struct call *call_unfold(const struct folded_call *folded)
{
    return call_clone(&folded->call);
}

void folded_call_free(struct folded_call *folded)
{
    free(folded);
}

const struct plan *folded_call_plan(const struct folded_call *folded)
{
    return &folded->call.plan;
}

const struct plan *call_plan(const struct call *call)
{
    return &call->plan;
}

/* The relay: one note of the last update, and the tokens asked for. */
static struct {
    unsigned updates;
    bool last_is_empty;
    size_t sockets;
    uint64_t call, token;
    unsigned queries;
    bool no_memory;
    uint32_t leases[128];
    size_t lease_count;
} noted;

struct relay_update *relay_update_new(uint64_t call, struct text id, const struct plan *plan,
    struct dtls_certificate *certificate, const struct relay_sockets *sockets, size_t socket_count)
{
    assert_true(id.len > 0);
    if (noted.no_memory)
        return NULL;
    struct relay_update *update = calloc(1, sizeof(*update));
    update->call = call;
    update->certificate = certificate;
    update->socket_count = socket_count;
    noted.last_is_empty = certificate == NULL;
    assert_int_equal(plan->stream_count, 0);
    for (size_t i = 0; i < socket_count; i++) {
        close(sockets[i].rtp_fd);
        close(sockets[i].rtcp_fd);
        noted.leases[noted.lease_count++] = sockets[i].lease;
    }
    return update;
}

void relay_post_update(struct relay *relay, struct relay_update *update)
{
    assert_null(relay);
    noted.updates++;
    noted.sockets += update->socket_count;
    noted.call = update->call;
    free(update);
}

int relay_post_query(struct relay *relay, uint64_t call, uint64_t token)
{
    assert_null(relay);
    noted.queries++;
    noted.call = call;
    noted.token = token;
    return 0;
}

const struct relay_counters *relay_counters(const struct relay *relay)
{
    static const struct relay_counters none;
    assert_null(relay);
    return &none;
}

struct fixture {
    uv_loop_t loop;
    struct host_addresses host;
    struct interfaces *interfaces;
    struct sessions *sessions;
    struct relay_listener listener;
    /* what the last report said */
    unsigned reports;
    enum call_status status;
    bool had_call, had_snapshot;
    unsigned commands; /* that its call had seen */
};

static int open_fixture(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct str why = {0};
    log_set_level(LOG_ERR);
    memset(&noted, 0, sizeof(noted));
    assert_int_equal(uv_loop_init(&f->loop), 0);
    assert_int_equal(host_addresses_read(&f->host), 0);
    assert_int_equal(interfaces_parse(TEXT("127.0.0.1"), &f->host, &f->interfaces, &why), 0);
    struct sessions_config config = {.delete_delay_s = 30,
        .silent_timeout_s = 2,
        .max_sessions = 2,
        .port_min = 23200,
        .port_max = 23299};
    assert_int_equal(sessions_open(&f->sessions, &f->loop, &config, f->interfaces), 0);
    assert_int_equal(sessions_add_worker(f->sessions, (struct session_worker){0}), 0);
    f->listener = sessions_listener(f->sessions);
    str_done(&why);
    *state = f;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *f = *state;
    sessions_close(f->sessions);
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    interfaces_free(f->interfaces);
    host_addresses_done(&f->host);
    free(f);
    return 0;
}

static struct session_outcome offer(struct fixture *f, const char *id, const char *tag)
{
    struct call_command command = {
        .verb = CALL_OFFER, .call_id = text_from(id), .from_tag = text_from(tag)};
    return sessions_exchange(f->sessions, &command);
}

static void reported(void *owner, const struct session_report *report)
{
    struct fixture *f = owner;
    f->reports++;
    f->status = report->outcome.call;
    f->had_call = report->call != NULL;
    f->commands = f->had_call ? report->call->commands : 0;
    f->had_snapshot = report->snapshot != NULL;
}

static void remove_call(struct fixture *f, const char *id, const char *tag, int delay, bool fast)
{
    struct call_command command = {.verb = CALL_DELETE,
        .call_id = text_from(id),
        .from_tag = text_from(tag),
        .flags = {.delete_delay = delay, .fast = fast}};
    assert_int_equal(sessions_delete(f->sessions, &command, reported, f), 0);
}

static void answer_snapshot(struct fixture *f)
{
    struct relay_snapshot snapshot = {.call = noted.call, .found = true};
    f->listener.snapshot(f->listener.owner, noted.token, &snapshot);
}

static void an_offer_makes_a_call_and_posts_its_sockets(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(offer(f, "one", "a").status, SESSION_OK);
    assert_int_equal(noted.updates, 1);
    assert_int_equal(noted.sockets, 1);
    assert_int_equal(sessions_totals(f->sessions).current, 1);
    assert_int_equal(offer(f, "one", "a").status, SESSION_OK); /* the same call again */
    assert_int_equal(sessions_totals(f->sessions).managed, 1);
}

static void only_an_offer_makes_a_call(void **state)
{
    struct fixture *f = *state;
    struct call_command command = {.verb = CALL_ANSWER, .call_id = TEXT("nobody")};
    struct session_outcome outcome = sessions_exchange(f->sessions, &command);
    assert_int_equal(outcome.status, SESSION_FAILED);
    assert_int_equal(outcome.call, CALL_UNKNOWN);
}

static void the_limit_hits_new_calls_only(void **state)
{
    struct fixture *f = *state;
    offer(f, "one", "a");
    offer(f, "two", "a");
    assert_int_equal(offer(f, "three", "a").status, SESSION_LIMIT);
    assert_int_equal(offer(f, "two", "a").status, SESSION_OK);
    assert_int_equal(sessions_totals(f->sessions).refused, 1);
}

static void while_it_refuses_only_known_calls_go_on(void **state)
{
    struct fixture *f = *state;
    offer(f, "one", "a");
    sessions_refuse_new(f->sessions, true);
    assert_int_equal(offer(f, "two", "a").status, SESSION_LIMIT);
    assert_int_equal(offer(f, "one", "a").status, SESSION_OK);
    assert_int_equal(sessions_totals(f->sessions).refused, 1);
    sessions_refuse_new(f->sessions, false);
    assert_int_equal(offer(f, "two", "a").status, SESSION_OK);
}

struct browsed {
    char ids[64]; /* each with a ';' behind */
    uint64_t last;
    bool is_deleted;
};

static void note_row(void *owner, const struct session_row *row)
{
    struct browsed *b = owner;
    size_t len = strlen(b->ids);
    snprintf(b->ids + len, sizeof(b->ids) - len, "%.*s;", TEXT_ARG(row->call_id));
    assert_true(row->handle > b->last);
    assert_int_equal(row->worker, 0);
    b->last = row->handle;
    b->is_deleted = row->is_deleted;
}

static struct browsed browse(
    struct fixture *f, const char *match, uint64_t after, size_t limit, size_t total)
{
    struct session_filter filter = {.match = text_from(match), .after = after, .limit = limit};
    struct browsed b = {.last = after};
    size_t all = 0;
    assert_int_equal(sessions_browse(f->sessions, &filter, note_row, &b, &all), 0);
    assert_int_equal(all, total);
    return b;
}

static void calls_are_listed_by_age(void **state)
{
    struct fixture *f = *state;
    struct session_row row;
    assert_string_equal(browse(f, "", 0, 9, 0).ids, "");
    offer(f, "first@x", "a");
    offer(f, "then@y", "a");
    struct browsed page = browse(f, "", 0, 1, 2);
    assert_string_equal(page.ids, "first@x;");
    assert_false(page.is_deleted);
    page = browse(f, "", page.last, 9, 2);
    assert_string_equal(page.ids, "then@y;");
    assert_string_equal(browse(f, "", page.last, 9, 2).ids, "");
    assert_string_equal(browse(f, "@y", 0, 9, 1).ids, "then@y;");
    assert_string_equal(browse(f, "@z", 0, 9, 0).ids, "");
    assert_string_equal(browse(f, "", 0, 0, 2).ids, "");
    remove_call(f, "then@y", "a", 30, true);
    assert_true(browse(f, "@y", 0, 9, 1).is_deleted);
    assert_true(sessions_look(f->sessions, TEXT("then@y"), &row));
    assert_true(row.is_deleted && text_is(row.call_id, "then@y"));
    assert_false(sessions_look(f->sessions, TEXT("@y"), &row));
}

static void a_call_can_be_terminated(void **state)
{
    struct fixture *f = *state;
    offer(f, "one", "a");
    assert_int_equal(sessions_query(f->sessions, TEXT("one"), reported, f), 0);
    assert_false(sessions_terminate(f->sessions, TEXT("on")));
    assert_true(sessions_terminate(f->sessions, TEXT("one")));
    assert_true(noted.last_is_empty);
    assert_int_equal(sessions_totals(f->sessions).current, 0);
    assert_int_equal(sessions_totals(f->sessions).forced, 1);
    assert_int_equal(sessions_totals(f->sessions).terminated, 0);
    answer_snapshot(f);
    assert_int_equal(f->status, CALL_UNKNOWN);
    assert_false(sessions_terminate(f->sessions, TEXT("one")));
}

static void a_failed_first_offer_leaves_nothing(void **state)
{
    struct fixture *f = *state;
    struct session_outcome outcome = offer(f, "bad", "no-ports");
    assert_int_equal(outcome.status, SESSION_FAILED);
    assert_int_equal(outcome.call, CALL_NO_PORTS);
    assert_int_equal(noted.updates, 0); /* the worker never heard of it */
    assert_int_equal(sessions_totals(f->sessions).current, 0);
    assert_int_equal(sessions_totals(f->sessions).terminated, 0);
    /* All 50 pairs are there: the pair of the failed step came back. */
    for (int i = 0; i < 50; i++)
        assert_int_equal(offer(f, "one", "a").status, SESSION_OK);
}

static void query_waits_for_the_worker(void **state)
{
    struct fixture *f = *state;
    offer(f, "one", "a");
    assert_int_equal(sessions_query(f->sessions, TEXT("one"), reported, f), 0);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(f->reports, 0);
    answer_snapshot(f);
    assert_int_equal(f->reports, 1);
    assert_true(f->had_call && f->had_snapshot);
    answer_snapshot(f); /* the same token again: nobody waits */
    assert_int_equal(f->reports, 1);
}

static void query_of_nobody_answers_from_the_loop(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(sessions_query(f->sessions, TEXT("nobody"), reported, f), 0);
    assert_int_equal(f->reports, 0);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(f->reports, 1);
    assert_int_equal(f->status, CALL_UNKNOWN);
}

static void delete_keeps_the_call_for_the_delay_and_an_offer_revives_it(void **state)
{
    struct fixture *f = *state;
    offer(f, "one", "a");
    remove_call(f, "one", "a", -1, false);
    answer_snapshot(f);
    assert_int_equal(f->status, CALL_OK);
    assert_int_equal(sessions_totals(f->sessions).current, 1);
    remove_call(f, "one", "a", -1, false); /* Kamailio deletes twice after a CANCEL */
    answer_snapshot(f);
    assert_int_equal(f->status, CALL_OK);
    assert_int_equal(offer(f, "one", "a").status, SESSION_OK);
}

static void delete_without_delay_ends_the_media(void **state)
{
    struct fixture *f = *state;
    offer(f, "one", "a");
    remove_call(f, "one", "a", 0, true);
    assert_int_equal(noted.queries, 0); /* `fast`: no statistics */
    uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(f->status, CALL_OK);
    assert_false(f->had_snapshot);
    assert_true(noted.last_is_empty);
    assert_int_equal(sessions_totals(f->sessions).current, 0);
    assert_int_equal(sessions_totals(f->sessions).terminated, 1);
}

/* The loop waits for its next timer and runs what is due then. */
static void wait_for_a_tick(struct fixture *f)
{
    uv_run(&f->loop, UV_RUN_ONCE);
}

/* Nothing but a new offer: neither an answer that crossed the delete, nor a candidate. */
static void an_answer_does_not_revive(void **state)
{
    struct fixture *f = *state;
    struct call_command late[] = {{.verb = CALL_ANSWER, .call_id = TEXT("one")},
        {.verb = CALL_OFFER, .call_id = TEXT("one"), .flags.fragment = true}};
    offer(f, "one", "a");
    remove_call(f, "one", "a", 1, false);
    for (size_t i = 0; i < COUNT_OF(late); i++)
        assert_int_equal(sessions_exchange(f->sessions, &late[i]).status, SESSION_OK);
    wait_for_a_tick(f);
    assert_int_equal(sessions_totals(f->sessions).current, 0);
}

/* The offer comes while the worker is still being asked for what the delete tells. */
static void an_offer_after_a_delete_wins(void **state)
{
    struct fixture *f = *state;
    offer(f, "one", "a");
    remove_call(f, "one", "a", 1, false);
    assert_int_equal(offer(f, "one", "a").status, SESSION_OK);
    answer_snapshot(f);
    assert_int_equal(f->status, CALL_OK);
    assert_int_equal(f->commands, 1); /* told is what the delete found */
    wait_for_a_tick(f);
    assert_int_equal(sessions_totals(f->sessions).current, 1);
}

static void a_call_id_used_again_is_another_call(void **state)
{
    struct fixture *f = *state;
    offer(f, "one", "a");
    uint64_t first = noted.call;
    remove_call(f, "one", "a", 0, false);
    assert_int_equal(offer(f, "one", "a").status, SESSION_OK);
    assert_true(noted.call != first);
    answer_snapshot(f);
    assert_true(f->had_call && f->had_snapshot);
    assert_int_equal(sessions_totals(f->sessions).current, 1);
    assert_int_equal(sessions_totals(f->sessions).managed, 2);
}

/* Whatever bytes the proxy sends: all of them count. */
/* All sections refused, or none that we carry: no worker watches over such a call. */
static void a_call_without_streams_ends_in_silence(void **state)
{
    struct fixture *f = *state;
    offer(f, "one", "a");
    wait_for_a_tick(f);
    offer(f, "one", "a"); /* signalling is life */
    wait_for_a_tick(f);
    assert_int_equal(sessions_totals(f->sessions).current, 1);
    wait_for_a_tick(f);
    wait_for_a_tick(f);
    assert_int_equal(sessions_totals(f->sessions).current, 0);
    assert_int_equal(sessions_totals(f->sessions).silent_timed_out, 1);
}

static void a_call_id_may_hold_any_byte(void **state)
{
    struct fixture *f = *state;
    struct call_command odd = {
        .verb = CALL_OFFER, .call_id = text_of("one\0two", 7), .from_tag = TEXT("a")};
    offer(f, "one", "a");
    uint64_t first = noted.call;
    assert_int_equal(sessions_exchange(f->sessions, &odd).status, SESSION_OK);
    assert_true(noted.call != first);
    odd.verb = CALL_ANSWER;
    assert_int_equal(sessions_exchange(f->sessions, &odd).status, SESSION_OK);
    offer(f, "one", "a");
    assert_int_equal(noted.call, first);
}

static void an_offer_of_our_own_keeps_no_call(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(offer(f, "one", "loop").status, SESSION_OK);
    assert_int_equal(noted.updates, 0);
    assert_int_equal(sessions_totals(f->sessions).current, 0);
    assert_int_equal(sessions_totals(f->sessions).managed, 0);
}

static void without_memory_for_the_worker_nothing_changes(void **state)
{
    struct fixture *f = *state;
    offer(f, "one", "a");
    noted.no_memory = true;
    for (int i = 0; i < 60; i++) /* more than there are pairs */
        assert_int_equal(offer(f, "one", "a").call, CALL_OUT_OF_MEMORY);
    assert_int_equal(offer(f, "two", "a").call, CALL_OUT_OF_MEMORY);
    assert_int_equal(sessions_totals(f->sessions).current, 1);
    remove_call(f, "one", "branch", 0, false);
    answer_snapshot(f);
    assert_int_equal(f->status, CALL_OUT_OF_MEMORY);
    assert_int_equal(f->commands, 1);
    /* The end of the media cannot be posted: the call ends with the next tick. */
    remove_call(f, "one", "a", 0, true);
    assert_int_equal(sessions_totals(f->sessions).current, 1);
    noted.no_memory = false;
    wait_for_a_tick(f);
    wait_for_a_tick(f);
    assert_int_equal(sessions_totals(f->sessions).current, 0);
    assert_true(noted.last_is_empty);
}

static void deleting_a_branch_or_a_stranger_leaves_the_call(void **state)
{
    struct fixture *f = *state;
    offer(f, "one", "a");
    remove_call(f, "one", "stranger", 0, true);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(f->status, CALL_NO_MATCH);
    unsigned before = noted.updates;
    remove_call(f, "one", "branch", 0, true);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(f->status, CALL_OK);
    assert_int_equal(noted.updates, before + 1); /* the plan without the branch */
    assert_int_equal(sessions_totals(f->sessions).current, 1);
}

static void a_call_that_ends_meanwhile_is_reported_missing(void **state)
{
    struct fixture *f = *state;
    offer(f, "one", "a");
    assert_int_equal(sessions_query(f->sessions, TEXT("one"), reported, f), 0);
    f->listener.timed_out(f->listener.owner, noted.call, PLAN_TIMEOUT_MEDIA);
    assert_int_equal(sessions_totals(f->sessions).timed_out, 1);
    answer_snapshot(f);
    assert_int_equal(f->reports, 1);
    assert_int_equal(f->status, CALL_UNKNOWN);
    f->listener.timed_out(
        f->listener.owner, noted.call, PLAN_TIMEOUT_MEDIA); /* of a call long gone */
    assert_int_equal(sessions_totals(f->sessions).timed_out, 1);
}

static void ports_come_back_when_the_worker_has_closed_them(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 10; i++)
        offer(f, "one", "a");
    for (size_t i = 0; i < noted.lease_count; i++)
        f->listener.lease_closed(f->listener.owner, noted.leases[i]);
    noted.lease_count = 0;
    for (int i = 0; i < 50; i++) { /* the whole range again */
        assert_int_equal(offer(f, "one", "a").status, SESSION_OK);
        noted.lease_count = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)
        WITH(an_offer_makes_a_call_and_posts_its_sockets),
        WITH(only_an_offer_makes_a_call),
        WITH(the_limit_hits_new_calls_only),
        WITH(while_it_refuses_only_known_calls_go_on),
        WITH(calls_are_listed_by_age),
        WITH(a_call_can_be_terminated),
        WITH(a_failed_first_offer_leaves_nothing),
        WITH(query_waits_for_the_worker),
        WITH(query_of_nobody_answers_from_the_loop),
        WITH(delete_keeps_the_call_for_the_delay_and_an_offer_revives_it),
        WITH(delete_without_delay_ends_the_media),
        WITH(an_answer_does_not_revive),
        WITH(an_offer_after_a_delete_wins),
        WITH(a_call_id_used_again_is_another_call),
        WITH(a_call_without_streams_ends_in_silence),
        WITH(a_call_id_may_hold_any_byte),
        WITH(an_offer_of_our_own_keeps_no_call),
        WITH(without_memory_for_the_worker_nothing_changes),
        WITH(deleting_a_branch_or_a_stranger_leaves_the_call),
        WITH(a_call_that_ends_meanwhile_is_reported_missing),
        WITH(ports_come_back_when_the_worker_has_closed_them),
    };
    return cmocka_run_group_tests_name("sessions", tests, NULL, NULL);
}
