/* SPDX-License-Identifier: Apache-2.0 */
/* A TURN client's way through its requests, against a scripted server. */
#include "turn_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"
#include "stun/integrity.h"

enum { ROOM = 1024 };

static struct turn_account account;
static struct turn_names names;

static int set_up(void **state)
{
    (void)state;
    assert_true(turn_account_init(&account, TEXT("user"), TEXT("realm"), TEXT("pass")));
    names = (struct turn_names){
        .account = &account,
        .channel_peer = address_from_ip(ADDRESS_IP4, (const uint8_t[]){192, 0, 2, 9}, 5000),
        .indication_peer = address_from_ip(ADDRESS_IP4, (const uint8_t[]){192, 0, 2, 9}, 5001),
    };
    return 0;
}

struct message {
    uint8_t room[ROOM];
    struct stun_message parsed;
};

/* The client's request. */
static void written(struct turn_client *c, struct message *out)
{
    struct writer w = writer_over(out->room, ROOM);
    turn_client_write(c, &names, 77, &w);
    assert_int_equal(stun_parse(writer_bytes(&w), &out->parsed), STUN_OK);
    assert_int_equal(c->asked_ns, 77);
}

static bool is_signed(const struct message *m)
{
    return stun_check_integrity(&m->parsed, bytes_of(account.key, sizeof(account.key))) ==
           STUN_CHECK_RIGHT;
}

struct answer {
    enum stun_class kind;
    enum stun_error code; /* of an error */
    const char *nonce;    /* NULL: none */
    bool has_relayed;
    bool is_for_another;
};

static bool answered(struct turn_client *c, const struct answer *a)
{
    uint8_t room[ROOM], id[STUN_ID_SIZE];
    struct message request;
    struct stun_message m;
    struct address relayed = address_from_ip(ADDRESS_IP4, (const uint8_t[]){192, 0, 2, 1}, 60000);
    struct writer w = writer_over(room, sizeof(room));
    written(c, &request);
    memcpy(id, request.parsed.id.data, sizeof(id));
    id[4] ^= a->is_for_another;
    stun_begin(&w, stun_type((enum stun_method)stun_method_of(request.parsed.type), a->kind),
        bytes_of(id, sizeof(id)));
    if (a->kind == STUN_ERROR)
        stun_write_error(&w, a->code, TEXT("no"));
    if (a->nonce != NULL)
        stun_write_attr(&w, STUN_NONCE, text_bytes(text_from(a->nonce)));
    if (a->has_relayed)
        stun_write_xor_address(&w, STUN_XOR_RELAYED_ADDRESS, &relayed);
    assert_int_equal(stun_parse(writer_bytes(&w), &m), STUN_OK);
    assert_int_equal(turn_answer_index(&m), c->index);
    return turn_client_take(c, &m);
}

static const struct answer challenge = {STUN_ERROR, STUN_UNAUTHORIZED, "nonce", false, false};
static const struct answer allocated = {STUN_SUCCESS, 0, NULL, true, false};
static const struct answer success = {STUN_SUCCESS, 0, NULL, false, false};
static const struct answer stale = {STUN_ERROR, STUN_STALE_NONCE, "newer", false, false};

static struct turn_client started(enum turn_goal goal)
{
    struct turn_client c = {.state = TURN_NEW};
    turn_client_start(&c, goal, 42, 0x7f400001, 1000);
    return c;
}

static void test_key(void **state)
{
    struct bytes key = from_hex("8493fbc53ba582fb4c044c456bdc40eb"); /* RFC 8489, section 9.2.2 */
    (void)state;
    assert_memory_equal(account.key, key.data, TURN_KEY_SIZE);
    free((void *)key.data);
}

static void test_goals(void **state)
{
    static const struct {
        enum turn_goal goal;
        enum turn_state last;
        unsigned method;
    } rows[] = {
        {TURN_GOAL_ALLOCATION, TURN_READY, 0},
        {TURN_GOAL_PERMISSION, TURN_PERMITTING, STUN_CREATE_PERMISSION},
        {TURN_GOAL_CHANNEL, TURN_BINDING, STUN_CHANNEL_BIND},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct turn_client c = started(rows[i].goal);
        struct message m;
        written(&c, &m);
        assert_false(stun_has(&m.parsed, STUN_USERNAME));
        assert_true(answered(&c, &challenge));
        written(&c, &m);
        assert_true(is_signed(&m));
        assert_int_equal(stun_method_of(m.parsed.type), STUN_ALLOCATE);
        assert_true(answered(&c, &allocated));
        assert_int_equal(c.relayed.port, 60000);
        assert_int_equal(c.state, rows[i].last);
        if (c.state != TURN_READY) {
            written(&c, &m);
            assert_true(is_signed(&m));
            assert_int_equal(stun_method_of(m.parsed.type), rows[i].method);
            assert_true(answered(&c, &success));
        }
        assert_int_equal(c.state, TURN_READY);
        assert_false(turn_client_waits(&c));
    }
}

/* The client's channel leads to one port of the peer, its indications to another. */
static void test_peers(void **state)
{
    static const enum turn_state states[] = {TURN_BINDING, TURN_PERMITTING};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        struct turn_client c = started(TURN_GOAL_CHANNEL);
        struct message m;
        struct bytes value;
        struct address peer;
        c.state = states[i];
        written(&c, &m);
        assert_true(stun_find(&m.parsed, STUN_XOR_PEER_ADDRESS, &value));
        assert_true(stun_read_xor_address(&m.parsed, value, &peer));
        assert_int_equal(peer.port, states[i] == TURN_BINDING ? 5000 : 5001);
    }
}

static void test_refresh_and_release(void **state)
{
    struct turn_client c = started(TURN_GOAL_CHANNEL);
    struct message m;
    struct bytes value;
    uint32_t lifetime = 0;
    (void)state;
    assert_true(answered(&c, &challenge) && answered(&c, &allocated) && answered(&c, &success));
    turn_client_refresh(&c);
    assert_true(answered(&c, &success));
    assert_int_equal(c.state, TURN_BINDING);
    assert_true(answered(&c, &success));

    turn_client_release(&c);
    written(&c, &m);
    assert_true(stun_find(&m.parsed, STUN_LIFETIME, &value) && stun_read_u32(value, &lifetime));
    assert_int_equal(lifetime, 0);
    assert_true(answered(&c, &success));
    assert_int_equal(c.state, TURN_GONE);
}

/* Asks the same again with the new nonce. */
static void test_stale_nonce(void **state)
{
    struct turn_client c = started(TURN_GOAL_CHANNEL);
    struct message m;
    struct bytes nonce;
    (void)state;
    assert_true(answered(&c, &challenge) && answered(&c, &allocated) && answered(&c, &stale));
    assert_int_equal(c.state, TURN_BINDING);
    written(&c, &m);
    assert_true(stun_find(&m.parsed, STUN_NONCE, &nonce));
    assert_true(text_is(text_from_bytes(nonce), "newer"));
    assert_true(is_signed(&m));
}

static void test_refusals(void **state)
{
    static const struct {
        unsigned good; /* answers before */
        struct answer answer;
        enum turn_state in;
        unsigned code;
    } rows[] = {
        {0, {STUN_ERROR, STUN_FORBIDDEN, NULL, false, false}, TURN_CHALLENGED, 403},
        {0, {STUN_ERROR, STUN_UNAUTHORIZED, NULL, false, false}, TURN_CHALLENGED, 401},
        {0, {STUN_SUCCESS, 0, NULL, true, false}, TURN_CHALLENGED, 0},
        {1, {STUN_ERROR, STUN_UNAUTHORIZED, "again", false, false}, TURN_ALLOCATING, 401},
        {1, {STUN_SUCCESS, 0, NULL, false, false}, TURN_ALLOCATING, 0},
        {2, {STUN_ERROR, STUN_FORBIDDEN, NULL, false, false}, TURN_BINDING, 403},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct turn_client c = started(TURN_GOAL_CHANNEL);
        assert_true(rows[i].good < 1 || answered(&c, &challenge));
        assert_true(rows[i].good < 2 || answered(&c, &allocated));
        assert_true(answered(&c, &rows[i].answer));
        assert_int_equal(c.state, TURN_REFUSED);
        assert_int_equal(c.refused_in, rows[i].in);
        assert_int_equal(c.error_code, rows[i].code);
        assert_false(turn_client_waits(&c));
    }
}

static void test_other_answers_do_not_count(void **state)
{
    struct turn_client c = started(TURN_GOAL_ALLOCATION);
    struct answer other = challenge;
    struct message m;
    (void)state;
    other.is_for_another = true;
    assert_false(answered(&c, &other));
    assert_int_equal(c.state, TURN_CHALLENGED);

    written(&c, &m);
    assert_false(turn_client_take(&c, &m.parsed)); /* our own request is no answer */
    assert_true(answered(&c, &challenge) && answered(&c, &allocated));
    struct stun_message late = m.parsed;
    late.type = stun_type(STUN_ALLOCATE, STUN_SUCCESS);
    assert_false(turn_client_take(&c, &late));
    assert_int_equal(c.state, TURN_READY);
}

static void test_indications(void **state)
{
    uint8_t room[ROOM], id[STUN_ID_SIZE] = {0};
    struct writer w = writer_over(room, sizeof(room));
    struct bytes data;
    (void)state;
    uint8_t *at = turn_write_send(&w, bytes_of(id, sizeof(id)), &names.indication_peer, 5);
    assert_non_null(at);
    memcpy(at, "hello", 5);
    assert_false(turn_read_data(writer_bytes(&w), &data));
    room[1] = (uint8_t)stun_type(STUN_DATA, STUN_INDICATION);
    assert_true(turn_read_data(writer_bytes(&w), &data));
    assert_true(text_is(text_from_bytes(data), "hello"));

    struct writer small = writer_over(room, 30);
    assert_null(turn_write_send(&small, bytes_of(id, sizeof(id)), &names.indication_peer, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_goals),
        cmocka_unit_test(test_peers),
        cmocka_unit_test(test_refresh_and_release),
        cmocka_unit_test(test_stale_nonce),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_other_answers_do_not_count),
        cmocka_unit_test(test_indications),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
