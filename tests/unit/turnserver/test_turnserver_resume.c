/* SPDX-License-Identifier: Apache-2.0 */
/* Allocations that go on in another process: real workers and sockets, one server after the other
 * at the same addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/str.h"
#include "net/udp_socket.h"
#include "site.h"
#include "turn/record.h"

enum { CLIENTS = 6 };

struct kept {
    char id[TURN_ID_SIZE];
    char places[128];
    struct bytes record; /* owned */
};

static struct site site;
static struct wire clients[CLIENTS];
static struct address relayed[CLIENTS];

static struct kept kept[CLIENTS + 1];
static size_t kept_count, answers;
static struct turnserver_save_counts counts;
static bool is_finished;

/* What the watcher was told of. */
static struct {
    size_t changed, ended;
    uint64_t handle; /* of the last change */
    char id[TURN_ID_SIZE];
} told;

static const struct address *absent; /* NULL: all addresses are here */

static void start_site(unsigned workers)
{
    site = (struct site){.worker_count = workers};
    site_start(&site);
}

static int set_up(void **state)
{
    (void)state;
    start_site(SITE_WORKERS);
    memset(&told, 0, sizeof(told));
    kept_count = answers = 0;
    counts = (struct turnserver_save_counts){0};
    is_finished = false;
    absent = NULL;
    return 0;
}

static void forget_kept(void)
{
    for (size_t i = 0; i < kept_count; i++)
        free((uint8_t *)(uintptr_t)kept[i].record.data);
    kept_count = 0;
}

static int tear_down(void **state)
{
    (void)state;
    site_stop(&site);
    forget_kept();
    for (size_t i = 0; i < CLIENTS; i++) {
        if (clients[i].client.user != NULL)
            wire_close(&clients[i]);
        clients[i] = (struct wire){.fd = -1};
    }
    return 0;
}

/* --- clients --- */

static void allocate(size_t i, enum turn_transport transport, const char *user)
{
    site_client(&site, &clients[i], transport, user);
    assert_int_equal(wire_ask(&clients[i], STUN_ALLOCATE, "transport=17"), 0);
    relayed[i] = wire_relayed(&clients[i]);
}

/* Pairs that talk: the first by indications, the second by a channel. */
static void connect_pair(size_t i)
{
    char line[128];
    allocate(i, TURN_UDP, "alice");
    allocate(i + 1, TURN_UDP, "bob");
    assert_int_equal(
        wire_ask(&clients[i], STUN_CREATE_PERMISSION, wire_line(line, "peer=%s", &relayed[i + 1])),
        0);
    assert_int_equal(wire_ask(&clients[i + 1], STUN_CHANNEL_BIND,
                         wire_line(line, "channel=4001 peer=%s", &relayed[i])),
        0);
}

/* Without a request in between. */
static void expect_pair_talks(size_t i, const char *text)
{
    wire_send_data(&clients[i], &relayed[i + 1], text);
    assert_true(wire_hears_channel(&clients[i + 1], 0x4001, text));
    wire_send_channel(&clients[i + 1], 0x4001, text);
    assert_true(wire_hears_data(&clients[i], &relayed[i + 1], text));
}

/* With the nonce that the client has, or a new one. */
static unsigned ask_on(struct wire *w, enum stun_method method, const char *line)
{
    unsigned code = wire_ask(w, method, line);
    if (code != 438)
        return code;
    struct bytes nonce;
    assert_true(stun_find(&w->client.reply, STUN_NONCE, &nonce));
    memcpy(w->client.nonce, nonce.data, nonce.len);
    w->client.nonce_len = nonce.len;
    return wire_ask(w, method, line);
}

/* --- saving and restoring --- */

static void keep(const struct turnserver_saved *saved)
{
    assert_true(kept_count < COUNT_OF(kept));
    assert_true(saved->id.len < TURN_ID_SIZE && saved->places.len < sizeof(kept[0].places));
    struct kept *k = &kept[kept_count++];
    *k = (struct kept){.record = {.data = bytes_dup(saved->record), .len = saved->record.len}};
    memcpy(k->id, saved->id.data, saved->id.len);
    memcpy(k->places, saved->places.data, saved->places.len);
}

static bool keep_all(void *owner, const struct turnserver_saved *saved)
{
    assert_ptr_equal(owner, &site);
    if (kept_count == COUNT_OF(kept))
        return false;
    keep(saved);
    return true;
}

static void note_end(void *owner, const struct turnserver_save_counts *c)
{
    assert_ptr_equal(owner, &site);
    counts = *c;
    is_finished = true;
}

static bool has_finished(struct site *s)
{
    (void)s;
    return is_finished;
}

static void save_all(void)
{
    const struct turnserver_sink sink = {.owner = &site, .keep = keep_all, .done = note_end};
    is_finished = false;
    assert_int_equal(turnserver_save_all(site.server, &sink), 0);
    site_run_until(&site, has_finished);
}

static void keep_one(void *owner, uint64_t handle, const struct turnserver_saved *saved)
{
    assert_int_equal(handle, *(uint64_t *)owner);
    answers++;
    if (saved != NULL)
        keep(saved);
}

static bool has_answer(struct site *s)
{
    (void)s;
    return answers > 0;
}

/* True when there was a record. */
static bool save(uint64_t handle, enum turnserver_save how)
{
    size_t before = kept_count;
    answers = 0;
    assert_int_equal(turnserver_save(site.server, handle, how, keep_one, &handle), 0);
    assert_int_equal(answers, 0); /* never from within */
    site_run_until(&site, has_answer);
    return kept_count > before;
}

static bool is_here(void *owner, const struct address *ip)
{
    assert_ptr_equal(owner, &site);
    return absent == NULL || !address_same_ip(ip, absent);
}

static struct turnserver_restored restore(struct bytes record)
{
    const struct turnserver_restoring restoring = {.owner = &site, .is_here = is_here};
    return turnserver_restore(site.server, record, &restoring);
}

static void expect_refused(struct bytes record, enum turnserver_refusal refusal)
{
    uint64_t before = turnserver_records(site.server).refused[refusal];
    struct turnserver_restored restored = restore(record);
    if (restored.ok || restored.refusal != refusal)
        fail_msg("%s: %s", turnserver_refusal_word(restored.refusal), restored.why);
    assert_int_not_equal(restored.why[0], '\0');
    assert_int_equal(turnserver_records(site.server).refused[refusal], before + 1);
}

static void restore_all(void)
{
    for (size_t i = 0; i < kept_count; i++) {
        struct turnserver_restored restored = restore(kept[i].record);
        if (!restored.ok)
            fail_msg("%s: %s", turnserver_refusal_word(restored.refusal), restored.why);
        assert_string_equal(restored.id, kept[i].id);
    }
    /* The workers have them a moment later. */
    for (int i = 0; i < 2000 && site_totals(&site).allocations < kept_count; i++)
        usleep(1000);
}

static void on_changed(void *owner, uint64_t handle, struct text id)
{
    assert_ptr_equal(owner, &site);
    told.changed++;
    told.handle = handle;
    memset(told.id, 0, sizeof(told.id));
    memcpy(told.id, id.data, id.len);
}

static void on_ended(void *owner, uint64_t handle, struct text id)
{
    assert_ptr_equal(owner, &site);
    assert_true(handle != 0 && id.len > 0);
    told.ended++;
}

static void watch(void)
{
    turnserver_watch(site.server,
        &(struct turnserver_watcher){.owner = &site, .changed = on_changed, .ended = on_ended});
}

static bool has_changed(struct site *s)
{
    (void)s;
    return told.changed > 0;
}

static bool has_ended(struct site *s)
{
    (void)s;
    return told.ended > 0;
}

static void restart(unsigned workers)
{
    site_stop(&site);
    start_site(workers);
}

/* --- a restart --- */

static void clients_go_on_after_a_restart(void **state)
{
    (void)state;
    for (size_t i = 0; i < CLIENTS; i += 2)
        connect_pair(i);
    expect_pair_talks(0, "before");
    save_all();
    assert_int_equal(counts.saved, CLIENTS);
    assert_int_equal(counts.lost, 0);
    assert_int_equal(site_totals(&site).relay_ports_used, 0);
    assert_int_equal(turnserver_records(site.server).saved, CLIENTS);

    restart(SITE_WORKERS);
    restore_all();
    for (size_t i = 0; i < CLIENTS; i += 2)
        expect_pair_talks(i, "after");
    assert_int_equal(site_totals(&site).allocations, CLIENTS);
    assert_int_equal(site_totals(&site).relay_ports_used, CLIENTS);
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(ask_on(&clients[i], STUN_REFRESH, "lifetime=600"), 0);
    assert_int_equal(turnserver_records(site.server).restored, CLIENTS);
    assert_int_equal(ask_on(&clients[0], STUN_REFRESH, "lifetime=0"), 0);
    assert_int_equal(site_totals(&site).relay_ports_used, CLIENTS - 1);
}

/* The kernel gives packets to other workers than before. */
static void with_another_number_of_workers(void **state)
{
    (void)state;
    for (size_t i = 0; i < CLIENTS; i += 2)
        connect_pair(i);
    save_all();
    restart(2);
    restore_all();
    for (size_t i = 0; i < CLIENTS; i += 2)
        expect_pair_talks(i, "fewer");
    forget_kept();
    save_all();
    assert_int_equal(counts.saved, CLIENTS);
    restart(SITE_WORKERS);
    restore_all();
    for (size_t i = 0; i < CLIENTS; i += 2)
        expect_pair_talks(i, "more");
}

static void others_end_with_their_connections(void **state)
{
    (void)state;
    allocate(0, TURN_TCP, "alice");
    allocate(1, TURN_UDP, "bob");
    save_all();
    assert_int_equal(counts.saved, 1);
    assert_int_equal(counts.lost, 0);
    assert_int_equal(site_totals(&site).allocations, 1);
}

static void what_finds_no_room_is_lost(void **state)
{
    (void)state;
    for (size_t i = 0; i < CLIENTS; i++)
        allocate(i, TURN_UDP, "alice");
    kept_count = COUNT_OF(kept) - 1;
    memset(kept, 0, sizeof(kept));
    save_all();
    assert_int_equal(counts.saved, 1);
    assert_int_equal(counts.lost, CLIENTS - 1);
    assert_int_equal(site_totals(&site).allocations, 0);
}

static void nothing_is_saved_of_nothing(void **state)
{
    (void)state;
    save_all();
    assert_int_equal(counts.saved + counts.lost, 0);
}

/* --- one at a time --- */

static void the_watcher_hears_of_changes_and_ends(void **state)
{
    (void)state;
    watch();
    allocate(0, TURN_UDP, "alice");
    site_run_until(&site, has_changed);
    assert_int_equal(told.changed, 1);
    assert_non_null(strstr(told.id, "udp 127."));
    assert_int_equal(ask_on(&clients[0], STUN_REFRESH, "lifetime=700"), 0);
    site_run(&site);
    assert_int_equal(told.changed, 1);
    assert_true(save(told.handle, TURNSERVER_SAVE_COPY));
    assert_string_equal(kept[0].id, told.id);
    char first[ADDRESS_TEXT_SIZE], second[ADDRESS_TEXT_SIZE], both[128];
    snprintf(both, sizeof(both), "%s %s", address_ip_text(&site.door, first),
        address_ip_text(&relayed[0], second));
    assert_string_equal(kept[0].places, both);

    told.changed = 0;
    assert_int_equal(ask_on(&clients[0], STUN_REFRESH, "lifetime=800"), 0);
    site_run_until(&site, has_changed);
    assert_int_equal(ask_on(&clients[0], STUN_REFRESH, "lifetime=0"), 0);
    site_run_until(&site, has_ended);
    assert_false(save(told.handle, TURNSERVER_SAVE_COPY));
    assert_false(save(12345, TURNSERVER_SAVE_COPY));
    assert_false(save(UINT64_MAX, TURNSERVER_SAVE_AND_END));
}

static void one_that_is_saved_for_good_is_not_here_any_more(void **state)
{
    (void)state;
    watch();
    connect_pair(0);
    site_run_until(&site, has_changed);
    site_list(&site, "alice", SITE_ROWS);
    uint64_t handle = site.rows[0].id;
    assert_true(save(handle, TURNSERVER_SAVE_AND_END));
    assert_int_equal(site_totals(&site).allocations, 1);
    assert_int_equal(told.ended, 0);
    struct turnserver_restored restored = restore(kept[0].record);
    assert_true(restored.ok);
    assert_int_not_equal(restored.handle, handle);
    expect_pair_talks(0, "again");

    /* And there is only one of it. */
    struct turnserver_restored again = restore(kept[0].record);
    assert_false(again.ok);
    assert_int_equal(again.refusal, TURNSERVER_REFUSED_KNOWN);
    assert_int_equal(again.handle, restored.handle);
}

static void one_that_was_taken_ends_silently(void **state)
{
    (void)state;
    watch();
    connect_pair(0);
    site_run_until(&site, has_changed);
    site_list(&site, "alice", SITE_ROWS);
    uint64_t handle = site.rows[0].id;
    assert_true(save(handle, TURNSERVER_SAVE_COPY));
    told.changed = 0;
    turnserver_drop(site.server, handle);
    turnserver_drop(site.server, handle);
    turnserver_drop(site.server, 99);
    for (int i = 0; i < 1000 && site_totals(&site).allocations > 1; i++)
        usleep(1000);
    site_run(&site);
    assert_int_equal(told.ended, 0);
    assert_int_equal(told.changed, 0);
    assert_int_equal(ask_on(&clients[0], STUN_REFRESH, "lifetime=600"), 437);

    /* It may come back. */
    assert_true(restore(kept[0].record).ok);
    expect_pair_talks(0, "back");
}

/* --- not taken --- */

static struct bytes save_first(void)
{
    connect_pair(0);
    site_list(&site, "alice", SITE_ROWS);
    assert_true(save(site.rows[0].id, TURNSERVER_SAVE_AND_END));
    return kept[0].record;
}

static void records_may_be_refused(void **state)
{
    (void)state;
    struct bytes record = save_first();
    expect_refused(text_bytes(TEXT("nonsense")), TURNSERVER_REFUSED_MALFORMED);
    expect_refused(
        text_bytes(TEXT("d4:kind10:allocation7:versioni2e2:id1:ae")), TURNSERVER_REFUSED_VERSION);
    absent = &site.door;
    expect_refused(record, TURNSERVER_REFUSED_ADDRESS);
    absent = &relayed[0];
    expect_refused(record, TURNSERVER_REFUSED_ADDRESS);
    absent = NULL;

    /* Its client makes a new one before it comes back. */
    assert_int_equal(ask_on(&clients[0], STUN_ALLOCATE, "transport=17"), 0);
    expect_refused(record, TURNSERVER_REFUSED_CLIENT);
    assert_int_equal(ask_on(&clients[0], STUN_REFRESH, "lifetime=0"), 0);

    struct udp_socket_config squatter = {.bind = relayed[0]};
    int fd;
    assert_int_equal(udp_socket_open(&squatter, &fd), 0);
    expect_refused(record, TURNSERVER_REFUSED_PORTS);
    close(fd);
    assert_true(restore(record).ok);
    expect_pair_talks(0, "at last");
}

/* The record with another address in it, which is as long. */
static struct bytes edited(struct bytes record, const char *from, const char *to)
{
    uint8_t *copy = bytes_dup(record);
    uint8_t *at = memmem(copy, record.len, from, strlen(from));
    assert_non_null(at);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
    return bytes_of(copy, record.len);
}

static void expect_edited_refused(
    struct bytes record, const char *from, const char *to, enum turnserver_refusal refusal)
{
    struct bytes other = edited(record, from, to);
    expect_refused(other, refusal);
    free((uint8_t *)(uintptr_t)other.data);
}

static void other_addresses_are_refused(void **state)
{
    char text[ADDRESS_TEXT_SIZE], from[128], to[128];
    (void)state;
    struct bytes record = save_first();
    address_ip_text(&relayed[0], text);
    size_t len = strlen(text);
    snprintf(from, sizeof(from), "5:local%zu:%s", len + 6, text);
    snprintf(to, sizeof(to), "5:local%zu:%.*s9", len + 6, (int)len - 1, text);
    expect_edited_refused(record, from, to, TURNSERVER_REFUSED_INTERFACE);
    snprintf(from, sizeof(from), ":%u4:lefti", relayed[0].port);
    expect_edited_refused(record, from, ":019994:lefti", TURNSERVER_REFUSED_PORTS);
    expect_edited_refused(record, ":34784:user", ":34794:user", TURNSERVER_REFUSED_INTERFACE);
    assert_int_equal(site_totals(&site).relay_ports_used, 1);
}

static void what_has_expired_is_refused(void **state)
{
    (void)state;
    struct bytes record = save_first();
    struct turn_saved saved;
    struct record_buffer buffer = {.data = NULL};
    char why[FIELDS_WHY_SIZE];
    assert_int_equal(turn_record_read(record, &saved, why), TURN_RECORD_OK);
    saved.saved_us -= 601ll * 1000000;
    expect_refused(turn_record_write(&buffer, &saved), TURNSERVER_REFUSED_OLD);
    saved.saved_us += 31ll * 1000000;
    assert_true(restore(turn_record_write(&buffer, &saved)).ok);
    assert_int_equal(ask_on(&clients[0], STUN_REFRESH, "lifetime=600"), 0);
    turn_saved_done(&saved);
    record_buffer_done(&buffer);
}

/* Two of one client: most often the control thread cannot know of the first yet. The worker says so
 * later, and all is given back. */
static void a_worker_may_have_to_refuse(void **state)
{
    (void)state;
    struct bytes record = save_first();
    struct turn_saved saved;
    struct record_buffer buffer = {.data = NULL};
    char why[FIELDS_WHY_SIZE];
    assert_int_equal(turn_record_read(record, &saved, why), TURN_RECORD_OK);
    saved.id[0] = 'x';
    saved.relays[0].local.port ^= 1;
    saved.relays[0].relayed.port ^= 1;
    struct bytes other = turn_record_write(&buffer, &saved);
    watch();
    assert_true(restore(record).ok);
    struct turnserver_restored second = restore(other);
    if (second.ok)
        site_run_until(&site, has_ended);
    else
        assert_int_equal(second.refusal, TURNSERVER_REFUSED_CLIENT);
    assert_int_equal(site_totals(&site).allocations, 2);
    assert_int_equal(site_totals(&site).relay_ports_used, 2);
    assert_false(save(second.handle, TURNSERVER_SAVE_COPY));
    expect_pair_talks(0, "the first");
    turn_saved_done(&saved);
    record_buffer_done(&buffer);
}

static void nobody_restores_without_workers(void **state)
{
    (void)state;
    struct bytes record = save_first();
    watch();
    site_stop_workers(&site);
    site.started = 0;
    expect_refused(record, TURNSERVER_REFUSED_WORKER);
    assert_false(save(site.rows[0].id, TURNSERVER_SAVE_COPY));
    save_all();
    assert_int_equal(told.ended, 0);
}

/* A quota is no reason: it was granted, and counts. */
static void quotas_count(void **state)
{
    (void)state;
    connect_pair(0);
    save_all();
    restart(SITE_WORKERS);
    site_apply(&site, 1, NULL);
    restore_all();
    struct wire *more = &clients[2];
    site_client(&site, more, TURN_UDP, "alice");
    assert_int_equal(wire_ask(more, STUN_ALLOCATE, "transport=17"), 486);
    assert_int_equal(ask_on(&clients[0], STUN_REFRESH, "lifetime=0"), 0);
    assert_int_equal(wire_ask(more, STUN_ALLOCATE, "transport=17"), 0);
}

static void a_request_that_is_early_waits(void **state)
{
    (void)state;
    struct bytes record = save_first();
    turnserver_expect(site.server, 60000);
    clients[0].wait_ms = 300;
    assert_int_equal(ask_on(&clients[0], STUN_REFRESH, "lifetime=600"), ASK_SILENCE);
    clients[0].wait_ms = WIRE_WAIT_MS;
    assert_true(restore(record).ok);
    assert_int_equal(ask_on(&clients[0], STUN_REFRESH, "lifetime=600"), 0);
    assert_int_equal(ask_on(&clients[0], STUN_REFRESH, "lifetime=0"), 0);
    turnserver_expect(site.server, 0);
    assert_int_equal(ask_on(&clients[0], STUN_REFRESH, "lifetime=600"), 437);
    turnserver_expect(site.server, 100);
    usleep(150000);
    assert_int_equal(ask_on(&clients[0], STUN_REFRESH, "lifetime=600"), 437);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(clients_go_on_after_a_restart),
        CASE(with_another_number_of_workers),
        CASE(others_end_with_their_connections),
        CASE(what_finds_no_room_is_lost),
        CASE(nothing_is_saved_of_nothing),
        CASE(the_watcher_hears_of_changes_and_ends),
        CASE(one_that_is_saved_for_good_is_not_here_any_more),
        CASE(one_that_was_taken_ends_silently),
        CASE(records_may_be_refused),
        CASE(other_addresses_are_refused),
        CASE(what_has_expired_is_refused),
        CASE(a_worker_may_have_to_refuse),
        CASE(nobody_restores_without_workers),
        CASE(quotas_count),
        CASE(a_request_that_is_early_waits),
    };
    return cmocka_run_group_tests_name("turnserver resume", tests, NULL, NULL);
}
