/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that are kept elsewhere while they go on here: saved, watched, taken away. */
#include "node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "relay/resume.h"

enum { MAX_SAVED = 8 };

static struct {
    struct node node;
    /* answers to sessions_save() */
    struct {
        uint64_t handle;
        struct bytes record; /* a copy; empty: it could not be saved */
        char id[32], places[64];
    } saved[MAX_SAVED];
    size_t count;
    /* what the watcher was told */
    unsigned changed, ended;
    uint64_t last;
    char last_id[32];
    uint64_t drop; /* to be dropped when it is saved; 0: none */
} w;

static void copy_text(char *out, size_t size, struct text text)
{
    assert_true(text.len < size);
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
}

static void kept(void *owner, uint64_t handle, const struct session_saved *saved)
{
    assert_ptr_equal(owner, &w);
    assert_true(w.count < MAX_SAVED);
    w.saved[w.count].handle = handle;
    if (saved != NULL) {
        w.saved[w.count].record = bytes_of(bytes_dup(saved->record), saved->record.len);
        copy_text(w.saved[w.count].id, sizeof(w.saved[0].id), saved->call_id);
        copy_text(w.saved[w.count].places, sizeof(w.saved[0].places), saved->places);
    }
    w.count++;
    if (w.drop != 0)
        assert_true(sessions_drop(w.node.sessions, w.drop));
}

static void note(uint64_t handle, struct text id)
{
    w.last = handle;
    copy_text(w.last_id, sizeof(w.last_id), id);
}

static void on_changed(void *owner, uint64_t handle, struct text id)
{
    assert_ptr_equal(owner, &w);
    w.changed++;
    note(handle, id);
}

static void on_ended(void *owner, uint64_t handle, struct text id)
{
    assert_ptr_equal(owner, &w);
    w.ended++;
    note(handle, id);
    assert_false(sessions_drop(w.node.sessions, handle)); /* there is none any more */
}

static void open_node(struct node_config config)
{
    const struct sessions_watcher watcher = {&w, on_changed, on_ended};
    node_open(&w.node, config);
    sessions_watch(w.node.sessions, &watcher);
}

static int begin(void **state)
{
    (void)state;
    log_set_level(LOG_CRIT);
    memset(&noted, 0, sizeof(noted));
    memset(&w, 0, sizeof(w));
    open_node(usual);
    return 0;
}

static int end(void **state)
{
    (void)state;
    unsigned ended = w.ended;
    node_close(&w.node);
    assert_int_equal(w.ended, ended); /* what is left goes unsaid */
    forget_updates();
    for (size_t i = 0; i < w.count; i++)
        free((void *)(uintptr_t)w.saved[i].record.data);
    return 0;
}

static uint64_t handle_of(const char *id)
{
    struct session_row row;
    assert_true(sessions_look(w.node.sessions, text_from(id), &row));
    return row.handle;
}

static bool is_known(const char *id)
{
    struct session_row row;
    return sessions_look(w.node.sessions, text_from(id), &row);
}

static void ask(uint64_t handle, enum relay_save how)
{
    size_t before = noted.asked_count, answers = w.count;
    assert_int_equal(sessions_save(w.node.sessions, handle, how, kept, &w), 0);
    assert_int_equal(noted.asked_count, before + 1);
    assert_int_equal(noted.calls[before], handle);
    assert_int_equal(noted.hows[before], how);
    assert_int_equal(w.count, answers); /* later */
}

/* Asks and answers; the record is the last one then. */
static struct bytes record_of(const char *id, enum relay_save how)
{
    ask(handle_of(id), how);
    answer_save(&w.node, noted.asked_count - 1, true);
    assert_true(w.count > 0);
    return w.saved[w.count - 1].record;
}

static const struct session_restoring plain = {.age_limit_ms = 60000};

/* --- saving --- */

static void a_copy_leaves_the_call_as_it_is(void **state)
{
    (void)state;
    plain_call(&w.node, "one");
    unsigned changes = w.changed;
    uint64_t handle = handle_of("one");
    assert_true(record_of("one", RELAY_SAVE_COPY).len > 0);
    assert_int_equal(w.saved[0].handle, handle);
    assert_string_equal(w.saved[0].id, "one");
    assert_string_equal(w.saved[0].places, "127.0.0.1");
    assert_int_equal(handle_of("one"), handle);
    assert_int_equal(noted.ended, 0);
    assert_int_equal(used_ports(&w.node), 4);
    assert_int_equal(sessions_records(w.node.sessions).copied, 1);
    assert_int_equal(sessions_records(w.node.sessions).saved, 0);
    assert_int_equal(w.changed, changes);
    plain_call(&w.node, "one");
    assert_true(record_of("one", RELAY_SAVE_COPY).len > 0);
}

static void many_are_saved_at_once(void **state)
{
    (void)state;
    plain_call(&w.node, "one");
    plain_call(&w.node, "two");
    uint64_t one = handle_of("one"), two = handle_of("two");
    ask(one, RELAY_SAVE_COPY);
    ask(two, RELAY_SAVE_AND_END);
    ask(one, RELAY_SAVE_COPY);
    answer_save(&w.node, 1, true);
    answer_save(&w.node, 2, true);
    answer_save(&w.node, 0, true);
    answer_save(&w.node, 0, true); /* nobody has asked twice */
    assert_int_equal(w.count, 3);
    assert_int_equal(w.saved[0].handle, two);
    assert_int_equal(w.saved[1].handle, one);
    assert_int_equal(w.saved[2].handle, one);
    for (size_t i = 0; i < 3; i++)
        assert_true(w.saved[i].record.len > 0);
}

static void places_are_told_once_each(void **state)
{
    (void)state;
    struct node_config config = usual;
    node_close(&w.node);
    config.interface = "127.0.0.1;127.0.0.2;a/127.0.0.3";
    open_node(config);
    plain_call(&w.node, "one");
    browser_call(&w.node, "two");
    assert_true(record_of("one", RELAY_SAVE_COPY).len > 0);
    assert_true(record_of("two", RELAY_SAVE_COPY).len > 0);
    assert_string_equal(w.saved[0].places, "127.0.0.1");
    assert_string_equal(w.saved[1].places, "127.0.0.1 127.0.0.2");
}

static void list_one(void *owner, struct text id)
{
    (void)id;
    ++*(size_t *)owner;
}

static void browse_one(void *owner, const struct session_row *row)
{
    (void)row;
    ++*(size_t *)owner;
}

static void what_is_saved_for_good_is_not_known(void **state)
{
    (void)state;
    plain_call(&w.node, "one");
    uint64_t handle = handle_of("one");
    ask(handle, RELAY_SAVE_AND_END);
    assert_false(is_known("one"));
    assert_int_equal(calls(&w.node), 0);
    size_t listed = 0, total;
    const struct session_filter all = {.limit = 10};
    sessions_list(w.node.sessions, 10, list_one, &listed);
    assert_int_equal(sessions_browse(w.node.sessions, &all, browse_one, &listed, &total), 0);
    assert_int_equal(listed + total, 0);
    assert_int_equal(sessions_save(w.node.sessions, handle, RELAY_SAVE_COPY, kept, &w), -ENOENT);
    delete_call(&w.node, "one", 0);
    answer_save(&w.node, 0, true);
    assert_int_equal(w.count, 1);
    assert_true(w.saved[0].record.len > 0);
    assert_int_equal(w.ended, 0);
    assert_int_equal(noted.ended, 0); /* by the worker itself, with the save */
    assert_int_equal(sessions_records(w.node.sessions).saved, 1);
    assert_int_equal(sessions_save(w.node.sessions, handle, RELAY_SAVE_COPY, kept, &w), -ENOENT);
}

/* The worker had no memory: nothing has happened. */
static void what_could_not_be_saved_comes_back(void **state)
{
    (void)state;
    plain_call(&w.node, "one");
    uint64_t handle = handle_of("one");
    unsigned before = w.changed;
    ask(handle, RELAY_SAVE_AND_END);
    w.node.listener.changed(w.node.listener.owner, handle);
    assert_int_equal(w.changed, before);
    answer_save(&w.node, 0, false);
    assert_int_equal(w.changed, before + 1);
    assert_int_equal(w.count, 1);
    assert_int_equal(w.saved[0].record.len, 0);
    assert_int_equal(handle_of("one"), handle);
    assert_int_equal(w.ended, 0);
    assert_true(record_of("one", RELAY_SAVE_AND_END).len > 0);
    assert_false(is_known("one"));
}

static void but_not_to_the_place_of_another(void **state)
{
    (void)state;
    plain_call(&w.node, "one");
    uint64_t handle = handle_of("one");
    ask(handle, RELAY_SAVE_AND_END);
    plain_call(&w.node, "one");
    assert_int_not_equal(handle_of("one"), handle);
    answer_save(&w.node, 0, false);
    assert_int_equal(noted.ended, 1);
    assert_int_equal(w.ended, 1);
    assert_int_equal(w.last, handle);
    assert_int_equal(calls(&w.node), 1);
}

static void a_call_may_end_while_it_is_saved(void **state)
{
    (void)state;
    static const enum relay_save hows[] = {RELAY_SAVE_COPY, RELAY_SAVE_AND_END};
    for (size_t i = 0; i < COUNT_OF(hows); i++) {
        plain_call(&w.node, "one");
        uint64_t handle = handle_of("one");
        ask(handle, hows[i]);
        w.node.listener.timed_out(w.node.listener.owner, handle, PLAN_TIMEOUT_MEDIA);
        assert_int_equal(w.ended, i + 1);
        answer_save(&w.node, i, true);
        assert_int_equal(w.count, i + 1);
        assert_int_equal(w.saved[i].handle, handle);
        assert_int_equal(w.saved[i].record.len, 0);
        assert_int_equal(w.ended, i + 1);
    }
}

/* Who is told may do away with the call. */
static void a_call_may_end_with_the_answer(void **state)
{
    (void)state;
    static const enum relay_save hows[] = {RELAY_SAVE_COPY, RELAY_SAVE_AND_END};
    for (size_t i = 0; i < COUNT_OF(hows); i++) {
        plain_call(&w.node, "one");
        w.drop = handle_of("one");
        record_of("one", hows[i]);
        assert_int_equal(calls(&w.node), 0);
        assert_int_equal(sessions_totals(w.node.sessions).dropped, i + 1);
    }
    assert_int_equal(w.ended, 0);
}

static void without_memory_nothing_is_asked(void **state)
{
    (void)state;
    plain_call(&w.node, "one");
    noted.no_memory = true;
    assert_int_equal(
        sessions_save(w.node.sessions, handle_of("one"), RELAY_SAVE_AND_END, kept, &w), -ENOMEM);
    noted.no_memory = false;
    assert_true(is_known("one"));
    assert_int_equal(sessions_save(w.node.sessions, 4711, RELAY_SAVE_COPY, kept, &w), -ENOENT);
}

static void nobody_is_told_when_the_table_is_closed(void **state)
{
    (void)state;
    plain_call(&w.node, "one");
    plain_call(&w.node, "two");
    ask(handle_of("one"), RELAY_SAVE_COPY);
    ask(handle_of("two"), RELAY_SAVE_AND_END);
    node_close(&w.node);
    assert_int_equal(w.count + w.ended, 0);
    open_node(usual);
}

/* --- watching --- */

static void commands_change_calls(void **state)
{
    (void)state;
    const struct call_flags flags = {.delete_delay = -1};
    command(&w.node, "one", CALL_OFFER, PLAIN_SDP("4000"), flags);
    assert_int_equal(w.changed, 1);
    assert_int_equal(w.last, handle_of("one"));
    assert_string_equal(w.last_id, "one");
    command(&w.node, "one", CALL_ANSWER, PLAIN_SDP("5000"), flags);
    assert_int_equal(w.changed, 2);
    command(&w.node, "one", CALL_OFFER, "no SDP", flags);
    command(&w.node, "none", CALL_ANSWER, PLAIN_SDP("5000"), flags);
    delete_call(&w.node, "none", 0);
    assert_int_equal(w.changed, 2);
    delete_call(&w.node, "one", 30); /* there is an end to it now */
    assert_int_equal(w.changed, 3);
    assert_int_equal(w.ended, 0);
    delete_call(&w.node, "one", 0);
    assert_int_equal(w.changed, 3);
    assert_int_equal(w.ended, 1);
    assert_string_equal(w.last_id, "one");
}

static void workers_tell_of_changes(void **state)
{
    (void)state;
    plain_call(&w.node, "one");
    plain_call(&w.node, "two");
    unsigned before = w.changed;
    w.node.listener.changed(w.node.listener.owner, handle_of("one"));
    assert_int_equal(w.changed, before + 1);
    assert_string_equal(w.last_id, "one");
    w.node.listener.changed(w.node.listener.owner, 4711);
    assert_int_equal(w.changed, before + 1);
    sessions_watch(w.node.sessions, NULL);
    w.node.listener.changed(w.node.listener.owner, handle_of("one"));
    delete_call(&w.node, "one", 0);
    assert_int_equal(w.changed + w.ended, before + 1);
}

static void every_end_is_told_once(void **state)
{
    (void)state;
    plain_call(&w.node, "late");
    plain_call(&w.node, "forced");
    plain_call(&w.node, "silent");
    delete_call(&w.node, "late", 1);
    assert_true(sessions_terminate(w.node.sessions, TEXT("forced")));
    assert_int_equal(w.ended, 1);
    w.node.listener.timed_out(w.node.listener.owner, handle_of("silent"), PLAN_TIMEOUT_SILENT);
    assert_int_equal(w.ended, 2);
    pass(&w.node, 2200);
    assert_int_equal(w.ended, 3);
    assert_string_equal(w.last_id, "late");
}

/* --- dropping --- */

static void what_is_dropped_ends_in_silence(void **state)
{
    (void)state;
    plain_call(&w.node, "one");
    uint64_t handle = handle_of("one");
    assert_true(sessions_drop(w.node.sessions, handle));
    assert_false(is_known("one"));
    assert_int_equal(noted.ended, 1);
    assert_int_equal(noted.silenced, 1);
    assert_int_equal(w.ended, 0);
    assert_int_equal(sessions_totals(w.node.sessions).dropped, 1);
    assert_int_equal(sessions_totals(w.node.sessions).terminated, 0);
    assert_false(sessions_drop(w.node.sessions, handle));
}

/* Without memory for the message it ends with a later tick, and as silently. */
static void what_is_dropped_ends_in_any_case(void **state)
{
    (void)state;
    plain_call(&w.node, "one");
    noted.no_memory = true;
    assert_true(sessions_drop(w.node.sessions, handle_of("one")));
    assert_int_equal(noted.ended, 0);
    assert_false(is_known("one"));
    noted.no_memory = false;
    pass(&w.node, 1200);
    assert_int_equal(noted.silenced, 1);
    assert_int_equal(w.ended, 0);
}

/* --- restoring --- */

static void names_are_given_to_handles(void **state)
{
    (void)state;
    plain_call(&w.node, "one");
    struct bytes record = record_of("one", RELAY_SAVE_AND_END);
    give_ports_back(&w.node);
    unsigned changes = w.changed;
    struct session_restored out = sessions_restore(w.node.sessions, record, &plain);
    assert_true(out.ok);
    assert_int_equal(out.handle, handle_of("one"));
    assert_int_equal(w.changed, changes);
    struct session_restored again = sessions_restore(w.node.sessions, record, &plain);
    assert_int_equal(again.refusal, SESSION_REFUSED_KNOWN);
    assert_int_equal(again.handle, out.handle);
}

struct machine {
    struct address gone; /* family NONE: all addresses are here */
    unsigned asked;
};

static bool is_here(void *owner, const struct address *bound)
{
    struct machine *machine = owner;
    machine->asked++;
    return !address_same_ip(bound, &machine->gone);
}

/* Whether it has leased ports or uses the shared one. */
static void a_call_goes_on_only_where_its_addresses_are(void **state)
{
    (void)state;
    struct machine machine = {0};
    struct session_restoring how = {.age_limit_ms = 60000, .is_here = is_here, .owner = &machine};
    struct node_config config = usual;
    node_close(&w.node);
    config.interface = "127.0.0.1;127.0.0.2";
    open_node(config);
    plain_call(&w.node, "one");
    browser_call(&w.node, "two");
    record_of("one", RELAY_SAVE_AND_END);
    record_of("two", RELAY_SAVE_AND_END);
    forget_updates();
    node_close(&w.node);
    open_node(config);
    for (size_t i = 0; i < 2; i++) {
        assert_true(address_parse(i == 0 ? TEXT("127.0.0.1") : TEXT("127.0.0.2"), &machine.gone));
        struct session_restored out = sessions_restore(w.node.sessions, w.saved[i].record, &how);
        assert_false(out.ok);
        assert_string_equal(session_refusal_word(out.refusal), "address");
        assert_int_equal(out.handle, 0);
        assert_non_null(strstr(out.why, i == 0 ? "127.0.0.1 is not" : "127.0.0.2 is not"));
        assert_int_equal(used_ports(&w.node), 0);
    }
    machine = (struct machine){0};
    for (size_t i = 0; i < 2; i++)
        assert_true(sessions_restore(w.node.sessions, w.saved[i].record, &how).ok);
    assert_true(machine.asked >= 4);
}

/* Nobody was asked, and its ports cannot be bound. */
static void an_address_may_be_away(void **state)
{
    (void)state;
    static const struct text was = {"127.0.0.1", 9}, now = {"192.0.2.1", 9};
    struct node_config config = usual;
    plain_call(&w.node, "one");
    struct bytes record = record_of("one", RELAY_SAVE_AND_END);
    for (char *at = (char *)(uintptr_t)record.data, *last = at + record.len;
         (at = memmem(at, (size_t)(last - at), was.data, was.len)) != NULL;)
        memcpy(at, now.data, now.len);
    forget_updates();
    node_close(&w.node);
    config.interface = "192.0.2.1";
    open_node(config);
    struct session_restored out = sessions_restore(w.node.sessions, record, &plain);
    assert_false(out.ok);
    assert_string_equal(session_refusal_word(out.refusal), "address");
    assert_non_null(strstr(out.why, "192.0.2.1 is not"));
    assert_int_equal(used_ports(&w.node), 0);
}

/* All that have gone on from one record may have sent for the call. */
static void a_record_is_taken_a_few_times(void **state)
{
    (void)state;
    static const struct {
        bool exact;
        unsigned takes;
        uint32_t jumps; /* 0 to RELAY_MAX_JUMPS; more: refused */
    } cases[] = {
        {true, 0, 0},
        {true, 1, 0},
        {true, 2, 1},
        {true, 4, 3},
        {true, 5, 4},
        {false, 0, 1},
        {false, 1, 1},
        {false, 3, 3},
        {false, 4, 4},
        {false, UINT32_MAX, 4},
    };
    plain_call(&w.node, "copy");
    record_of("copy", RELAY_SAVE_COPY);
    plain_call(&w.node, "end");
    record_of("end", RELAY_SAVE_AND_END);
    forget_updates();
    node_close(&w.node);
    open_node(usual);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct session_restoring how = {.takes = cases[i].takes};
        struct session_restored out =
            sessions_restore(w.node.sessions, w.saved[cases[i].exact].record, &how);
        assert_int_equal(out.ok, cases[i].jumps <= RELAY_MAX_JUMPS);
        if (!out.ok) {
            assert_int_equal(out.refusal, SESSION_REFUSED_OLD);
            assert_int_equal(used_ports(&w.node), 0);
            continue;
        }
        assert_int_equal(noted.count, 1);
        assert_int_equal(relay_resume_jumps(noted.updates[0]->resume), cases[i].jumps);
        assert_true(sessions_drop(w.node.sessions, out.handle));
        give_ports_back(&w.node);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_copy_leaves_the_call_as_it_is),
        TEST(many_are_saved_at_once),
        TEST(places_are_told_once_each),
        TEST(what_is_saved_for_good_is_not_known),
        TEST(what_could_not_be_saved_comes_back),
        TEST(but_not_to_the_place_of_another),
        TEST(a_call_may_end_while_it_is_saved),
        TEST(a_call_may_end_with_the_answer),
        TEST(without_memory_nothing_is_asked),
        TEST(nobody_is_told_when_the_table_is_closed),
        TEST(commands_change_calls),
        TEST(workers_tell_of_changes),
        TEST(every_end_is_told_once),
        TEST(what_is_dropped_ends_in_silence),
        TEST(what_is_dropped_ends_in_any_case),
        TEST(names_are_given_to_handles),
        TEST(a_call_goes_on_only_where_its_addresses_are),
        TEST(an_address_may_be_away),
        TEST(a_record_is_taken_a_few_times),
    };
#undef TEST
    return cmocka_run_group_tests_name("save", tests, NULL, NULL);
}
