/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/learning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/* The signalled address is S = 192.0.2.1:1000. Other sources: P has its IP and another port, Q its
 * port and another IP, X neither. */
static struct address source(char name)
{
    static const char *const literals[] = {['S'] = "192.0.2.1:1000",
        ['P'] = "192.0.2.1:1001",
        ['R'] = "192.0.2.1:1003",
        ['Q'] = "192.0.2.2:1000",
        ['X'] = "192.0.2.3:3000",
        ['Y'] = "192.0.2.4:4000"};
    struct address a = {.family = ADDRESS_NONE};
    if (name != '-')
        assert_true(address_parse_with_port(text_from(literals[(unsigned char)name]), 0, &a));
    return a;
}

/*
 * A script: "X@0 S@100! ..." - a packet from X at 0 ms, an authentic one from S at 100 ms. After
 * each: the expected verdict (+ accepted, > accepted and moved, . refused) and the target.
 */
struct learning_case {
    const char *name;
    struct learning_rules rules;
    char signalled;
    const char *script; /* source, ms, [!], verdict, target */
};

#define HEURISTIC .mode = PLAN_LEARN_HEURISTIC
#define IMMEDIATE .mode = PLAN_LEARN_IMMEDIATE
#define DELAYED .mode = PLAN_LEARN_DELAYED
#define OFF .mode = PLAN_LEARN_OFF
#define STRICT .strict_source = true
#define HANDOVER .media_handover = true
#define ASYMMETRIC .asymmetric = true

static const struct learning_case cases[] = {
    {"heuristic: the signalled address settles at once", {HEURISTIC}, 'S',
        "S@0 +S, X@10 +S, P@20 +S, X@4000 +S"},
    {"heuristic: a better rank takes over, a worse one does not", {HEURISTIC}, 'S',
        "X@0 >X, Q@10 >Q, X@20 +Q, P@30 >P, Q@40 +P, S@50 >S, P@60 +S"},
    {"heuristic: of equal rank the newest counts", {HEURISTIC}, 'S',
        "X@0 >X, Y@10 >Y, P@20 >P, R@30 >R"},
    {"heuristic: settles on the best when the window ends", {HEURISTIC}, 'S',
        "P@0 >P, X@2999 +P, X@3000 +P, S@3001 +P"},
    {"heuristic: the first ever may come after the window", {HEURISTIC}, 'S',
        "X@9000 >X, S@9001 +X"},
    {"heuristic: nothing signalled", {HEURISTIC}, '-', "X@0 >X, Y@1 >Y, X@5000 +Y"},
    {"heuristic, strict: worse ranks are refused", {HEURISTIC, STRICT}, 'S',
        "Q@0 >Q, X@1 .Q, P@2 >P, Q@3 .P, S@4 >S, P@5 .S, P@4000 .S, S@4001 +S"},
    {"heuristic: after the window an authentic source is followed", {HEURISTIC}, 'S',
        "S@0 +S, X@4000 +S, X@4001! >X, S@4002 +X"},
    {"heuristic: an authentic source beats every rank", {HEURISTIC}, 'S', "P@0 >P, X@1! >X"},
    {"strict: not even an authentic one, once settled", {HEURISTIC, STRICT}, 'S',
        "S@0! +S, X@1! .S"},
    {"handover: follows after the window", {HEURISTIC, HANDOVER}, 'S',
        "S@0 +S, X@4000 >X, S@4001 >S"},
    {"handover outranks strict", {HEURISTIC, HANDOVER, STRICT}, 'S', "S@0 +S, X@4000 >X"},
    {"immediate: the first packet decides", {IMMEDIATE}, 'S', "X@0 >X, S@1 +X, S@5000 +X"},
    {"immediate, strict: all others are refused", {IMMEDIATE, STRICT}, 'S', "X@0 >X, S@1 .X"},
    {"delayed: follows until the window ends", {DELAYED}, 'S',
        "X@0 >X, Y@1 >Y, S@2999 >S, X@3000 >X, S@3001 +X"},
    {"off: as signalled, anyone may send", {OFF}, 'S', "X@0 +S, S@1 +S, X@5000! +S"},
    {"off, strict: only the signalled address", {OFF, STRICT}, 'S', "X@0 .S, P@1 .S, S@2 +S"},
    {"asymmetric: never learns", {HEURISTIC, ASYMMETRIC}, 'S', "X@0 +S, P@1! +S"},
    {"asymmetric, strict: any port of the signalled IP", {HEURISTIC, ASYMMETRIC, STRICT}, 'S',
        "P@0 +S, X@1 .S"},
};

static enum learning_verdict expected(char c)
{
    return c == '+' ? LEARNING_ACCEPT : c == '>' ? LEARNING_MOVED : LEARNING_REFUSE;
}

static void follows_the_script(void **state)
{
    const struct learning_case *c = *state;
    struct learning l = {0};
    struct address signalled = source(c->signalled);
    learning_signalled(&l, &c->rules, &signalled, 0);
    assert_true(address_equal(&l.target, &signalled));

    const char *at = c->script;
    for (;;) {
        char from, verdict, target, mark[2] = "";
        unsigned long long now_ms;
        int used = 0;
        int fields =
            sscanf(at, " %c@%llu%1[!] %c%c%n", &from, &now_ms, mark, &verdict, &target, &used);
        if (fields != 5)
            assert_int_equal(
                sscanf(at, " %c@%llu %c%c%n", &from, &now_ms, &verdict, &target, &used), 4);
        struct address a = source(from), goal = source(target);
        enum learning_verdict got = learning_packet(&l, &a, fields == 5, now_ms);
        if (got != expected(verdict) || !address_equal(&l.target, &goal))
            fail_msg("\"%s\" went wrong at \"%s\"", c->name, at);
        at += used;
        if (*at == '\0')
            return;
        assert_int_equal(*at++, ',');
    }
}

static void signalling_opens_a_new_window(void **state)
{
    (void)state;
    struct learning l = {0};
    struct learning_rules rules = {HEURISTIC};
    struct address s = source('S'), x = source('X'), y = source('Y'), q = source('Q');

    learning_signalled(&l, &rules, &s, 0);
    assert_int_equal(learning_packet(&l, &x, false, 0), LEARNING_MOVED);
    assert_int_equal(learning_packet(&l, &y, false, 9000), LEARNING_ACCEPT);
    assert_true(address_equal(&l.target, &x));

    /* The same address once more: what was learned stays in use until something is seen. */
    learning_signalled(&l, &rules, &s, 10000);
    assert_true(address_equal(&l.target, &x));
    assert_int_equal(learning_packet(&l, &y, false, 10001), LEARNING_MOVED);

    /* Another address: that is where media goes now. */
    learning_signalled(&l, &rules, &q, 20000);
    assert_true(address_equal(&l.target, &q));
}

int main(void)
{
    struct CMUnitTest tests[COUNT_OF(cases) + 1];
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        tests[i] = (struct CMUnitTest){.name = cases[i].name,
            .test_func = follows_the_script,
            .initial_state = (void *)(uintptr_t)&cases[i]};
    tests[COUNT_OF(cases)] = (struct CMUnitTest)cmocka_unit_test(signalling_opens_a_new_window);
    return cmocka_run_group_tests_name("learning", tests, NULL, NULL);
}
