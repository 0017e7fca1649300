/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

struct found {
    const char *request; /* method and target */
    enum admin_route_kind kind;
    const char *user, *realm;
    unsigned seconds;
    uint64_t number; /* limit or id */
};

static const struct found found[] = {
    {"GET /healthz", ROUTE_HEALTH, "", "", 0, 0},
    {"HEAD /readyz", ROUTE_READY, "", "", 0, 0},
    {"GET /metrics?", ROUTE_METRICS, "", "", 0, 0},
    {"GET /turn-credentials?user=anna", ROUTE_CREDENTIALS, "anna", "", 0, 0},
    {"GET /turn-credentials?ttl=600&user=a+b%2b&realm=x%20y", ROUTE_CREDENTIALS, "a b+", "x y", 600,
        0},
    {"GET /turn-credentials?user=a%26b%3Dc", ROUTE_CREDENTIALS, "a&b=c", "", 0, 0},
    {"GET /turn-credentials?user=a=b", ROUTE_CREDENTIALS, "a=b", "", 0, 0},
    {"GET /turn-credentials?&user=%C3%A9&", ROUTE_CREDENTIALS, "\xc3\xa9", "", 0, 0},
    {"GET /turn/allocations", ROUTE_ALLOCATIONS, "", "", 0, 1000},
    {"GET /turn/allocations?limit=1&user=a", ROUTE_ALLOCATIONS, "a", "", 0, 1},
    {"GET /turn/allocations?limit=1000", ROUTE_ALLOCATIONS, "", "", 0, 1000},
    {"DELETE /turn/allocations/1", ROUTE_END_ALLOCATION, "", "", 0, 1},
    {"DELETE /turn/allocations/18446744073709551615", ROUTE_END_ALLOCATION, "", "", 0, UINT64_MAX},
    {"DELETE /turn/users/anna", ROUTE_END_USER, "anna", "", 0, 0},
    {"DELETE /turn/users/a+b?revoke=60&realm=r", ROUTE_END_USER, "a+b", "r", 60, 0},
    /* A name is a name, whatever it looks like. */
    {"DELETE /turn/users/x%2F..%2Fvictim", ROUTE_END_USER, "x/../victim", "", 0, 0},
    {"DELETE /turn/users/..", ROUTE_END_USER, "..", "", 0, 0},
    {"DELETE /turn/users/%3Fuser=b", ROUTE_END_USER, "?user=b", "", 0, 0},
    {"DELETE /turn/users/%25s%25n", ROUTE_END_USER, "%s%n", "", 0, 0},
    {"POST /turn/drain", ROUTE_TURN_DRAIN, "", "", 0, 0},
    {"DELETE /turn/drain", ROUTE_TURN_UNDRAIN, "", "", 0, 0},
    {"GET /status", ROUTE_STATUS, "", "", 0, 0},
    {"GET /drain", ROUTE_DRAIN_STATE, "", "", 0, 0},
    {"POST /drain", ROUTE_DRAIN, "", "", 0, 0},
    {"DELETE /drain", ROUTE_UNDRAIN, "", "", 0, 0},
};

static void read_request(const char *line, struct http_request *out)
{
    struct text target = text_from(line);
    struct text method = text_cut(&target, ' ');
    *out = (struct http_request){.method = HTTP_OTHER};
    assert_int_equal(http_request_line(out, method, target), 200);
}

static void finds_routes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(found); i++) {
        const struct found *f = &found[i];
        struct http_request request;
        struct admin_refusal refusal;
        struct admin_route route;
        read_request(f->request, &request);
        if (!admin_route_find(&request, &route, &refusal))
            fail_msg("%s: %u %s", f->request, refusal.status, refusal.why);
        assert_int_equal(route.kind, f->kind);
        assert_true(text_is(route.user, f->user));
        assert_true(text_is(route.realm, f->realm));
        assert_int_equal(route.seconds, f->seconds);
        assert_int_equal(f->kind == ROUTE_ALLOCATIONS ? route.limit : route.id, f->number);
    }
}

static void finds_calls(void **state)
{
    static const struct {
        const char *request;
        enum admin_route_kind kind;
        const char *call_id;
        size_t id_len;
        uint64_t after;
        size_t limit;
    } cases[] = {
        {"GET /calls", ROUTE_CALLS, "", 0, 0, 1000},
        {"HEAD /calls?limit=5&after=18446744073709551615", ROUTE_CALLS, "", 0, UINT64_MAX, 5},
        {"GET /calls?match=a%40b+c", ROUTE_CALLS, "a@b c", 5, 0, 1000},
        {"GET /calls/a%40b", ROUTE_CALL, "a@b", 3, 0, 1000},
        {"GET /calls/a@b+c", ROUTE_CALL, "a@b+c", 5, 0, 1000},
        {"DELETE /calls/x%2F..%2Fy", ROUTE_END_CALL, "x/../y", 6, 0, 1000},
        /* A call-id may hold any byte, and can be ended all the same. */
        {"DELETE /calls/%ff%00%0a", ROUTE_END_CALL, "\xff\0\n", 3, 0, 1000},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct http_request request;
        struct admin_refusal refusal;
        struct admin_route route;
        read_request(cases[i].request, &request);
        assert_true(admin_route_find(&request, &route, &refusal));
        assert_int_equal(route.kind, cases[i].kind);
        assert_true(text_equal(route.call_id, text_of(cases[i].call_id, cases[i].id_len)));
        assert_int_equal(route.after, cases[i].after);
        assert_int_equal(route.limit, cases[i].limit);
    }
}

static const struct {
    const char *request;
    unsigned status;
} refused[] = {
    {"GET /", 404},
    {"GET /healthz/", 404},
    {"GET //healthz", 404},
    {"GET /x/../healthz", 404},
    {"GET /%68ealthz", 404},
    {"GET /HEALTHZ", 404},
    {"GET /turn", 404},
    {"DELETE /turn/users", 404},
    {"DELETE /turn/users/", 404},
    {"DELETE /turn/users/a/b", 404},
    {"DELETE /turn/users//", 404},
    {"DELETE /turn/allocations/", 404},
    {"DELETE /turn/allocations/0", 404},
    {"DELETE /turn/allocations/-1", 404},
    {"DELETE /turn/allocations/x", 404},
    {"DELETE /turn/allocations/18446744073709551616", 404},
    {"POST /healthz", 405},
    {"OPTIONS /turn-credentials?user=a", 405},
    {"DELETE /turn/allocations", 405}, /* not everybody's */
    {"GET /turn/users/a", 405},
    {"GET /turn/drain", 405},
    {"PUT /turn/drain", 405},
    {"GET /turn-credentials", 400},
    {"GET /turn-credentials?user=", 400},
    {"GET /turn-credentials?user", 400},
    {"GET /turn-credentials?user=a&user=b", 400},
    {"GET /turn-credentials?user=a&ttl=0", 400},
    {"GET /turn-credentials?user=a&ttl=-1", 400},
    {"GET /turn-credentials?user=a&ttl=1.5", 400},
    {"GET /turn-credentials?user=a&ttl=99999999999", 400},
    {"GET /turn-credentials?user=a&limit=1", 400},
    {"GET /turn-credentials?user=a&%75ser=b", 400},
    {"GET /turn-credentials?user=%0a", 400},
    {"GET /turn-credentials?user=a%00b", 400},
    {"GET /turn-credentials?user=%7f", 400},
    {"GET /turn-credentials?user=%ff", 400},
    {"GET /turn-credentials?user=%ed%a0%80", 400}, /* half a surrogate pair */
    {"GET /turn-credentials?user=%", 400},
    {"GET /turn-credentials?user=%4", 400},
    {"GET /turn/allocations?limit=1001", 400},
    {"GET /turn/allocations?usr=anna", 400},
    {"GET /turn/allocations?realm=r", 400},
    {"DELETE /turn/users/%", 400},
    {"DELETE /turn/users/%00", 400},
    {"DELETE /turn/users/a?revoke=0", 400},
    {"DELETE /turn/users/a?user=b", 400},
    {"DELETE /turn/allocations/1?user=b", 400},
    {"POST /turn/drain?x", 400},
    {"GET /calls/", 404},
    {"DELETE /calls", 405}, /* not all of them */
    {"DELETE /status", 405},
    {"PUT /drain", 405},
    {"GET /calls?user=a", 400},
    {"GET /calls?match=", 400},
    {"GET /calls?after=x", 400},
    {"GET /calls?limit=1001", 400},
    {"GET /calls/%", 400},
    {"DELETE /calls/a?limit=1", 400},
    {"POST /drain?wait=1", 400},
};

static void refuses_the_rest(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct http_request request;
        struct admin_refusal refusal = {.status = 0};
        struct admin_route route;
        read_request(refused[i].request, &request);
        if (admin_route_find(&request, &route, &refusal) || refusal.status != refused[i].status)
            fail_msg("%s: %u, not %u", refused[i].request, refusal.status, refused[i].status);
        assert_true(strlen(refusal.why) > 5);
        assert_int_equal(refusal.allow != NULL, refusal.status == 405);
    }
}

static void names_have_a_limit(void **state)
{
    char line[HTTP_MAX_TARGET];
    (void)state;
    for (size_t len = ROUTE_MAX_NAME - 1; len <= ROUTE_MAX_NAME + 1; len++) {
        struct http_request request;
        struct admin_refusal refusal;
        struct admin_route route;
        size_t at = (size_t)sprintf(line, "DELETE /turn/users/");
        for (size_t i = 0; i < len; i++, at += 3)
            memcpy(line + at, "%41", 4);
        read_request(line, &request);
        assert_int_equal(admin_route_find(&request, &route, &refusal), len <= ROUTE_MAX_NAME);
    }
}

static void two_paths_are_open(void **state)
{
    struct http_request request;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(found); i++) {
        read_request(found[i].request, &request);
        assert_int_equal(admin_route_is_open(&request),
            found[i].kind == ROUTE_HEALTH || found[i].kind == ROUTE_READY);
    }
    read_request("GET /healthz/../turn/allocations", &request);
    assert_false(admin_route_is_open(&request));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_routes),
        cmocka_unit_test(finds_calls),
        cmocka_unit_test(refuses_the_rest),
        cmocka_unit_test(names_have_a_limit),
        cmocka_unit_test(two_paths_are_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
