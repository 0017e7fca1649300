/* SPDX-License-Identifier: Apache-2.0 */
/* Records of allocations: what they are comes back, what breaks a rule is refused with its name,
 * and what a release has written is read. */
#include "turn/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/str.h"
#include "gen.h"
#include "mediaferry/bencode.h"
#include "mediaferry/channel_data.h"

enum { ROUNDS = 400 };

/* --- any allocation --- */

static bool any_bool(struct gen *g)
{
    return gen_below(g, 2) == 0;
}

static struct address any_address(struct gen *g, enum address_family family)
{
    uint8_t ip[16];
    gen_fill(g, ip, sizeof(ip));
    return address_from_ip(family, ip, (uint16_t)(1 + gen_below(g, 65535)));
}

static struct turn_saved_path any_path(struct gen *g)
{
    enum address_family family = any_bool(g) ? ADDRESS_IP4 : ADDRESS_IP6;
    struct turn_saved_path path = {
        .client = any_address(g, family), .server = any_address(g, family)};
    path.hop = any_bool(g) ? path.client : any_address(g, family);
    return path;
}

static struct auth_identity *any_identity(struct gen *g)
{
    struct identity_config config = {
        .kind = (enum identity_kind)gen_below(g, 4),
        .username = TEXT("1700000000:alice"),
        .user = any_bool(g) ? TEXT("1700000000:alice") : TEXT(""),
        .realm = any_bool(g) ? TEXT("example.org") : TEXT(""),
        .expires_s = any_bool(g) ? 0 : (int64_t)gen_below(g, 1u << 30),
    };
    if (any_bool(g))
        config.user = text_skip(config.username, 11);
    static uint8_t key[IDENTITY_MAX_MAC_KEY];
    gen_fill(g, key, sizeof(key));
    gen_fill(g, config.keys.md5, sizeof(config.keys.md5));
    gen_fill(g, config.keys.sha256, sizeof(config.keys.sha256));
    config.keys.has_md5 = config.kind != IDENTITY_OAUTH;
    config.keys.has_sha256 = config.keys.has_md5 && any_bool(g);
    if (config.kind == IDENTITY_OAUTH)
        config.mac_key = bytes_of(key, 1 + gen_below(g, sizeof(key)));
    return auth_identity_new(&config);
}

static void any_peers(struct gen *g, struct turn_saved *out, size_t families)
{
    out->permission_count = gen_below(g, 6);
    out->channel_count = gen_below(g, 6);
    out->permissions = calloc(out->permission_count + 1, sizeof(*out->permissions));
    out->channels = calloc(out->channel_count + 1, sizeof(*out->channels));
    for (size_t i = 0; i < out->permission_count; i++) {
        out->permissions[i] = (struct turn_saved_permission){
            .ip = any_address(g, out->relays[gen_below(g, families)].local.family),
            .left_ms = gen_below(g, 300000),
            .is_known = any_bool(g)};
        out->permissions[i].ip.port = 0;
    }
    for (size_t i = 0; i < out->channel_count; i++)
        out->channels[i] = (struct turn_saved_channel){
            .peer = any_address(g, out->relays[gen_below(g, families)].local.family),
            .left_ms = gen_below(g, 600000),
            .number = (uint16_t)(CHANNEL_FIRST + gen_below(g, 0x1000))};
}

static void any_mobility(struct gen *g, struct turn_saved *out)
{
    out->is_mobile = true;
    out->old_ticket_counts = any_bool(g);
    out->ticket_serial = (uint32_t)gen_u64(g);
    out->ticket_count = gen_below(g, TURN_SAVED_TICKETS + 1);
    for (size_t i = 0; i < out->ticket_count; i++) {
        gen_fill(g, out->tickets[i].key, sizeof(out->tickets[i].key));
        out->tickets[i].allocation = gen_u64(g);
    }
    if (any_bool(g))
        out->coming = any_path(g);
    else if (any_bool(g))
        out->path = (struct turn_saved_path){.client = {.family = ADDRESS_NONE}};
}

static struct turn_saved any_saved(struct gen *g)
{
    struct turn_saved out = {
        .saved_us = (int64_t)(gen_u64(g) >> 2),
        .made_us = (int64_t)(gen_u64(g) >> 2),
        .worker = (unsigned)gen_below(g, 65536),
        .path = any_path(g),
        .identity = any_identity(g),
        .client_packets = gen_u64(g),
        .client_bytes = gen_u64(g),
        .peer_packets = gen_u64(g),
        .peer_bytes = any_bool(g) ? 0 : gen_u64(g),
    };
    size_t families = 1 + gen_below(g, 2), first = gen_below(g, 2);
    snprintf(out.id, sizeof(out.id), "udp %u a b", (unsigned)gen_below(g, 1000));
    for (size_t i = 0; i < families; i++) {
        struct turn_saved_relay *relay = &out.relays[i];
        relay->local = any_address(g, (first + i) % 2 == 0 ? ADDRESS_IP4 : ADDRESS_IP6);
        relay->relayed = any_bool(g) ? relay->local : any_address(g, relay->local.family);
        relay->left_ms = gen_below(g, 3600000);
    }
    any_peers(g, &out, families);
    gen_fill(g, out.transaction, sizeof(out.transaction));
    if (any_bool(g))
        any_mobility(g, &out);
    if (any_bool(g)) {
        out.missing = ADDRESS_IP6;
        out.missing_code = 440;
    }
    return out;
}

/* --- back and forth --- */

static void assert_same_identity(const struct auth_identity *a, const struct auth_identity *b)
{
    assert_int_equal(auth_identity_kind(a), auth_identity_kind(b));
    assert_true(text_equal(auth_identity_username(a), auth_identity_username(b)));
    assert_true(text_equal(auth_identity_user(a), auth_identity_user(b)));
    assert_true(text_equal(auth_identity_realm(a), auth_identity_realm(b)));
    assert_int_equal(auth_identity_expires_s(a), auth_identity_expires_s(b));
    for (enum password_algorithm i = PASSWORD_MD5; i <= PASSWORD_SHA256; i++)
        assert_true(bytes_equal(auth_identity_key(a, i), auth_identity_key(b, i)));
}

static void assert_same_peers(const struct turn_saved *a, const struct turn_saved *b)
{
    assert_int_equal(a->permission_count, b->permission_count);
    for (size_t i = 0; i < a->permission_count; i++) {
        const struct turn_saved_permission *p = &a->permissions[i], *q = &b->permissions[i];
        assert_true(address_equal(&p->ip, &q->ip));
        assert_int_equal(p->left_ms, q->left_ms);
        assert_int_equal(p->is_known, q->is_known);
    }
    assert_int_equal(a->channel_count, b->channel_count);
    for (size_t i = 0; i < a->channel_count; i++) {
        const struct turn_saved_channel *p = &a->channels[i], *q = &b->channels[i];
        assert_true(address_equal(&p->peer, &q->peer));
        assert_int_equal(p->left_ms, q->left_ms);
        assert_int_equal(p->number, q->number);
    }
}

static void assert_same_path(const struct turn_saved_path *a, const struct turn_saved_path *b)
{
    assert_true(address_equal(&a->client, &b->client));
    assert_true(address_equal(&a->server, &b->server));
    assert_true(address_equal(&a->hop, &b->hop));
}

static void assert_same(const struct turn_saved *a, const struct turn_saved *b)
{
    assert_string_equal(a->id, b->id);
    assert_int_equal(a->saved_us, b->saved_us);
    assert_int_equal(a->made_us, b->made_us);
    assert_int_equal(a->worker, b->worker);
    assert_same_path(&a->path, &b->path);
    assert_same_path(&a->coming, &b->coming);
    assert_same_identity(a->identity, b->identity);
    for (size_t i = 0; i < COUNT_OF(a->relays); i++) {
        assert_true(address_equal(&a->relays[i].local, &b->relays[i].local));
        assert_true(address_equal(&a->relays[i].relayed, &b->relays[i].relayed));
        assert_int_equal(a->relays[i].left_ms, b->relays[i].left_ms);
    }
    assert_same_peers(a, b);
    assert_int_equal(a->is_mobile, b->is_mobile);
    assert_int_equal(a->old_ticket_counts, b->old_ticket_counts);
    assert_int_equal(a->ticket_serial, b->ticket_serial);
    assert_int_equal(a->ticket_count, b->ticket_count);
    assert_memory_equal(a->tickets, b->tickets, a->ticket_count * sizeof(a->tickets[0]));
    assert_memory_equal(a->transaction, b->transaction, sizeof(a->transaction));
    assert_int_equal(a->missing, b->missing);
    assert_int_equal(a->missing_code, b->missing_code);
    assert_int_equal(a->client_packets, b->client_packets);
    assert_int_equal(a->client_bytes, b->client_bytes);
    assert_int_equal(a->peer_packets, b->peer_packets);
    assert_int_equal(a->peer_bytes, b->peer_bytes);
}

static void comes_back_as_it_was(void **state)
{
    struct gen g = gen_start();
    struct record_buffer buffer = {.data = NULL};
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct turn_saved before = any_saved(&g), after;
        char why[FIELDS_WHY_SIZE] = "";
        struct bytes record = turn_record_write(&buffer, &before);
        assert_true(record.len > 0);
        assert_true(turn_record_is_one(record));
        if (turn_record_read(record, &after, why) != TURN_RECORD_OK)
            fail_msg("%s", why);
        assert_same(&before, &after);
        turn_saved_done(&before);
        turn_saved_done(&after);
    }
    record_buffer_done(&buffer);
}

static void many_peers_fit(void **state)
{
    struct gen g = gen_start();
    struct record_buffer buffer = {.data = NULL};
    struct turn_saved before = any_saved(&g), after;
    char why[FIELDS_WHY_SIZE] = "";
    (void)state;
    free(before.permissions);
    before.permission_count = TURN_SAVED_MAX_PEERS;
    before.permissions = calloc(TURN_SAVED_MAX_PEERS, sizeof(*before.permissions));
    for (size_t i = 0; i < before.permission_count; i++) {
        before.permissions[i].ip = any_address(&g, before.relays[0].local.family);
        before.permissions[i].ip.port = 0;
        before.permissions[i].left_ms = 300000;
    }
    struct bytes record = turn_record_write(&buffer, &before);
    assert_int_equal(turn_record_read(record, &after, why), TURN_RECORD_OK);
    assert_int_equal(after.permission_count, TURN_SAVED_MAX_PEERS);
    turn_saved_done(&before);
    turn_saved_done(&after);
    record_buffer_done(&buffer);
}

static void times_get_shorter(void **state)
{
    struct gen g = gen_start();
    struct turn_saved saved = any_saved(&g);
    (void)state;
    saved.relays[0].left_ms = 10000;
    saved.relays[1].left_ms = 0;
    assert_true(turn_saved_age(&saved, 9999));
    assert_int_equal(saved.relays[0].left_ms, 1);
    assert_false(turn_saved_age(&saved, 9999));
    assert_int_equal(saved.relays[0].left_ms, 0);
    turn_saved_done(&saved);
}

/* --- refused --- */

#define HEAD "d4:kind10:allocation7:versioni1e2:id3:a b7:createdi1e5:savedi2e"
#define CLIENT "6:client9:1.2.3.4:56:server9:5.6.7.8:9"
#define USER "4:userd4:name1:a3:md516:0123456789abcdefe"
#define RELAYS "6:relaysld5:local9:9.9.9.9:94:lefti1000eee"

struct refusal {
    const char *record;
    const char *why; /* NULL: it is not refused */
};

static const struct refusal refusals[] = {
    {HEAD CLIENT USER RELAYS "e", NULL},
    {HEAD CLIENT USER RELAYS "7:unknowni7ee", NULL},
    {"", "not bencode: it ends too early"},
    {"i7e", "not a dictionary"},
    {"de", "kind: not 'allocation'"},
    {"d4:kind4:calle", "kind: not 'allocation'"},
    {"d4:kind10:allocatione", "version: missing"},
    {"d4:kind10:allocation7:versioni1ee", "id: missing"},
    {"d4:kind10:allocation7:versioni2e2:id1:ae", "version: 2, known is 1"},
    {"d4:kind10:allocation7:versioni0e2:id1:ae", "version: 0 is not within"},
    {"d4:kind10:allocation7:versioni1e2:id1:\ne", "id: holds a byte 0x0a"},
    {"d4:kind10:allocation7:versioni1e2:id1:a5:savedi2ee", "created: missing"},
    {HEAD USER RELAYS "e", "client: missing"},
    {HEAD "6:client9:1.2.3.4:5" USER RELAYS "e", "server: not of the family"},
    {HEAD "6:client9:1.2.3.4:56:server7:[::1]:9" USER RELAYS "e", "server: not of the family"},
    {HEAD "6:client7:1.2.3.4" USER RELAYS "e", "client: not an address with a port"},
    {HEAD CLIENT RELAYS "e", "user.name: missing"},
    {HEAD CLIENT "4:userd4:name1:ae" RELAYS "e", "user: without a key"},
    {HEAD CLIENT "4:userd4:name1:a3:md52:abe" RELAYS "e", "user.md5: not 16 bytes"},
    {HEAD CLIENT "4:userd4:name1:a3:md517:0123456789abcdefge" RELAYS "e", "user.md5: longer"},
    {HEAD CLIENT "4:userd4:name1:a4:kind5:OAuth3:md516:0123456789abcdefe" RELAYS "e",
        "user: without a key"},
    {HEAD CLIENT "4:userd4:name1:a4:kind3:old3:md516:0123456789abcdefe" RELAYS "e",
        "user.kind: not a word"},
    {HEAD CLIENT "4:userd4:name1:a4:user1:b3:md516:0123456789abcdefe" RELAYS "e",
        "user.user: not in the name"},
    {HEAD CLIENT USER "e", "relays: missing"},
    {HEAD CLIENT USER "6:relayslee", "relays: missing"},
    {HEAD CLIENT USER "6:relaysldeee", "relays[0].local: missing"},
    {HEAD CLIENT USER "6:relaysld5:local9:9.9.9.9:9ed5:local9:9.9.9.9:8eee",
        "relays[1]: one too many of a family"},
    {HEAD CLIENT USER "6:relaysld5:local9:9.9.9.9:94:told7:[::1]:9eee",
        "relays[0]: one too many of a family"},
    {HEAD CLIENT USER "6:relaysld5:local9:9.9.9.9:94:lefti-1eeee", "relays[0].left: -1"},
    {HEAD CLIENT USER "6:relaysld5:local9:9.9.9.9:9ed5:local7:[::1]:8ed5:local7:[::1]:7eee",
        "relays: more than 2 entries"},
    {HEAD CLIENT USER RELAYS "11:permissionsld2:ip3:::1eee",
        "permissions[0].ip: not an address of"},
    {HEAD CLIENT USER RELAYS "11:permissionsld2:ip9:9.9.9.9:9eee", "permissions[0].ip: not an"},
    {HEAD CLIENT USER RELAYS "11:permissionsldeee", "permissions[0].ip: not an address of"},
    {HEAD CLIENT USER RELAYS "8:channelsld4:peer9:9.9.9.9:9eee", "channels[0].number: missing"},
    {HEAD CLIENT USER RELAYS "8:channelsld6:numberi1e4:peer9:9.9.9.9:9eee",
        "channels[0].number: 1 is not within"},
    {HEAD CLIENT USER RELAYS "8:channelsld6:numberi16384eeee",
        "channels[0].peer: not an address of"},
    {HEAD CLIENT USER RELAYS "6:comingd6:client9:1.2.3.4:66:server9:5.6.7.8:9ee",
        "coming: there is nowhere to come from"},
    {HEAD CLIENT USER RELAYS "5:flags6:mobile6:comingd" CLIENT "ee", "coming: there already"},
    {HEAD USER RELAYS "5:flags6:mobile6:comingd" CLIENT "ee", "coming: there is nowhere"},
    {HEAD USER RELAYS "5:flags6:mobilee", NULL},
    {HEAD CLIENT USER RELAYS "7:ticketsldeee", "tickets[0].key: missing"},
    {HEAD CLIENT USER RELAYS "7:ticketsld3:key1:aeee", "tickets[0].key: not 32 bytes"},
    {HEAD CLIENT USER RELAYS "11:transaction1:ae", "transaction: not 12 bytes"},
    {HEAD CLIENT USER RELAYS "7:missing3:IP6e", "missing: a family and a code"},
    {HEAD CLIENT USER RELAYS "12:missing-codei440ee", "missing: a family and a code"},
    {HEAD CLIENT USER RELAYS "7:missing3:IP612:missing-codei44ee", "missing-code: 44 is not"},
    {HEAD CLIENT USER RELAYS "6:workeri65536ee", "worker: 65536 is not within"},
    {HEAD CLIENT USER RELAYS "6:worker1:ae", "worker: not a number"},
};

static void refuses_what_breaks_a_rule(void **state)
{
    const struct refusal *c = *state;
    struct bytes record = bytes_of(c->record, strlen(c->record));
    uint8_t *exact = bytes_dup(record); /* for the sanitizer to see one byte too many */
    struct turn_saved saved;
    char why[FIELDS_WHY_SIZE] = "";
    enum turn_record_status status = turn_record_read(bytes_of(exact, record.len), &saved, why);
    if (c->why == NULL && status != TURN_RECORD_OK)
        fail_msg("%s", why);
    if (c->why != NULL) {
        bool is_later = strstr(c->why, "known is") != NULL;
        assert_int_equal(status, is_later ? TURN_RECORD_OTHER_VERSION : TURN_RECORD_MALFORMED);
        if (strncmp(why, c->why, strlen(c->why)) != 0)
            fail_msg("'%s' is not '%s'", why, c->why);
    }
    turn_saved_done(&saved);
    free(exact);
}

static void a_record_of_a_call_is_none(void **state)
{
    (void)state;
    assert_false(turn_record_is_one(text_bytes(TEXT("d7:versioni1e2:id1:a"))));
    assert_false(turn_record_is_one(text_bytes(TEXT("d4:kind10:allocatio"))));
    assert_false(turn_record_is_one(bytes_of(NULL, 0)));
    assert_true(turn_record_is_one(text_bytes(TEXT("d4:kind10:allocation"))));
}

/* --- what is kept --- */

static const char *document, *folder; /* docs/store.md, tests/vectors/records/v1 */

static struct bytes read_file(const char *path)
{
    FILE *file = fopen(path, "re");
    struct str content = {0};
    char part[4096];
    if (file == NULL)
        fail_msg("no file %s", path);
    for (size_t len; (len = fread(part, 1, sizeof(part), file)) > 0;)
        str_add(&content, text_of(part, len));
    fclose(file);
    size_t len = content.len;
    return bytes_of(str_take(&content), len);
}

static void expect_documented(const struct ng_value *value, struct text all)
{
    char quoted[64];
    for (const struct ng_value *at = value->first; at != NULL; at = at->next) {
        snprintf(quoted, sizeof(quoted), "`%.*s`", TEXT_ARG(at->key));
        if (at->key.len > 0 && memmem(all.data, all.len, quoted, strlen(quoted)) == NULL)
            fail_msg("%s is not in the document", quoted);
        expect_documented(at, all);
    }
}

static void every_name_is_documented(void **state)
{
    struct bytes all = read_file(document);
    struct record_buffer buffer = {.data = NULL};
    struct gen g = gen_start();
    (void)state;
    for (int round = 0; round < 50; round++) {
        struct turn_saved saved = any_saved(&g);
        struct ng_value *tree;
        struct ng_arena arena;
        ng_arena_init(&arena, 1 << 20);
        struct bytes record = turn_record_write(&buffer, &saved);
        assert_int_equal(bencode_parse(record, &arena, &tree, NULL), BENCODE_OK);
        expect_documented(tree, text_from_bytes(all));
        ng_arena_done(&arena);
        turn_saved_done(&saved);
    }
    record_buffer_done(&buffer);
    free((void *)(uintptr_t)all.data);
}

/* What was written once is read, to the last number: it would be written the same. */
static void expect_kept(const char *path)
{
    struct record_buffer buffer = {.data = NULL};
    struct turn_saved saved;
    char why[FIELDS_WHY_SIZE] = "";
    struct bytes bytes = read_file(path);
    assert_true(turn_record_is_one(bytes));
    if (turn_record_read(bytes, &saved, why) != TURN_RECORD_OK)
        fail_msg("%s: %s", path, why);
    struct bytes again = turn_record_write(&buffer, &saved);
    assert_int_equal(again.len, bytes.len);
    assert_memory_equal(again.data, bytes.data, bytes.len);
    turn_saved_done(&saved);
    record_buffer_done(&buffer);
    free((void *)(uintptr_t)bytes.data);
}

static void kept_records_are_read(void **state)
{
    static const char *const names[] = {"udp", "dual", "mobile", "away"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/allocation-%s.bencode", folder, names[i]);
        expect_kept(path);
    }
}

int main(int argc, char **argv)
{
    assert_int_equal(argc, 3);
    document = argv[1];
    folder = argv[2];
    struct CMUnitTest tests[COUNT_OF(refusals) + 8];
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        const char *why = refusals[i].why;
        tests[count++] = (struct CMUnitTest){why != NULL ? why : "taken",
            refuses_what_breaks_a_rule, NULL, NULL, (void *)(uintptr_t)&refusals[i]};
    }
    const struct CMUnitTest rest[] = {
        cmocka_unit_test(comes_back_as_it_was),
        cmocka_unit_test(many_peers_fit),
        cmocka_unit_test(times_get_shorter),
        cmocka_unit_test(a_record_of_a_call_is_none),
        cmocka_unit_test(every_name_is_documented),
        cmocka_unit_test(kept_records_are_read),
    };
    for (size_t i = 0; i < COUNT_OF(rest); i++)
        tests[count++] = rest[i];
    return _cmocka_run_group_tests("turn record", tests, count, NULL, NULL);
}
