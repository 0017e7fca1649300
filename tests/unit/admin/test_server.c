/* SPDX-License-Identifier: Apache-2.0 */
/* Over loopback: raw requests in, raw responses out. */
#include "admin/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "net/sockaddr.h"

#define TOKEN "correct-horse-battery"
#define AUTH "Host: a\r\nAuthorization: Bearer " TOKEN "\r\n"
#define GET(target) "GET " target " HTTP/1.1\r\n" AUTH "\r\n"
#define DELETE(target) "DELETE " target " HTTP/1.1\r\n" AUTH "\r\n"

enum { DEADLINE_MS = 1000, PATIENCE_MS = 10000 };

struct bench {
    uv_loop_t loop;
    struct admin *admin;
    struct address address;
    int log;

    /* What the daemon was asked, and how it answers. */
    char asked[1024];
    uint64_t request;
    bool is_ready;
    bool answers_at_once;
    size_t metrics_size;

    char response[1 << 16];
    size_t response_len;
    bool was_reset;
};

static struct bench bench;

/* --- the daemon's side --- */

static void ask(struct bench *b, uint64_t request, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void ask(struct bench *b, uint64_t request, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(b->asked, sizeof(b->asked), format, arguments);
    va_end(arguments);
    b->request = request;
}

static void on_credentials(
    void *owner, uint64_t request, const struct admin_credentials_query *query)
{
    struct bench *b = owner;
    const struct text uris[] = {TEXT("turn:t.example")};
    ask(b, request, "credentials %.*s@%.*s %u", TEXT_ARG(query->user), TEXT_ARG(query->realm),
        query->ttl_s);
    if (b->answers_at_once)
        admin_answer_credentials(b->admin, request,
            &(struct admin_credentials){.username = query->user,
                .password = TEXT("pw"),
                .uris = uris,
                .uri_count = 1,
                .ttl_s = 60,
                .expires_s = 1});
}

static void on_allocations(
    void *owner, uint64_t request, const struct admin_allocation_filter *filter)
{
    ask(owner, request, "allocations %.*s %zu", TEXT_ARG(filter->user), filter->limit);
}

static void on_end_allocation(void *owner, uint64_t request, uint64_t id)
{
    struct bench *b = owner;
    ask(b, request, "end %llu", (unsigned long long)id);
    if (b->answers_at_once)
        admin_answer_error(b->admin, request, ADMIN_NOT_FOUND, TEXT("no such allocation"));
}

static void on_end_user(void *owner, uint64_t request, const struct admin_end_user *what)
{
    struct bench *b = owner;
    ask(b, request, "end-user %.*s@%.*s %u", TEXT_ARG(what->user), TEXT_ARG(what->realm),
        what->revoke_s);
    if (b->answers_at_once)
        admin_answer_ended(b->admin, request, 2);
}

static void on_turn_drain(void *owner, uint64_t request, const struct admin_drain *how)
{
    struct bench *b = owner;
    ask(b, request, "drain %zu %.*s", how->alternate_count,
        TEXT_ARG(how->alternate_count > 0 ? how->alternates[0] : TEXT("")));
    if (b->answers_at_once)
        admin_answer_drain(b->admin, request, true, 7);
}

static void on_turn_undrain(void *owner, uint64_t request)
{
    struct bench *b = owner;
    ask(b, request, "undrain");
    if (b->answers_at_once)
        admin_answer_drain(b->admin, request, false, 7);
}

static void answer_json(struct bench *b, uint64_t request, const char *text)
{
    struct str json = {.data = NULL};
    str_add_string(&json, text);
    admin_answer_json(b->admin, request, &json);
}

static void on_status(void *owner, uint64_t request)
{
    ask(owner, request, "status");
    answer_json(owner, request, "{\"version\":\"1\"}");
}

static void on_calls(void *owner, uint64_t request, const struct admin_call_filter *filter)
{
    ask(owner, request, "calls %.*s %llu %zu", TEXT_ARG(filter->match),
        (unsigned long long)filter->after, filter->limit);
    answer_json(owner, request, "{}");
}

static void on_call(void *owner, uint64_t request, struct text call_id)
{
    ask(owner, request, "call %.*s", TEXT_ARG(call_id));
    answer_json(owner, request, "{}");
}

static void on_end_call(void *owner, uint64_t request, struct text call_id)
{
    struct bench *b = owner;
    ask(b, request, "end-call %.*s", TEXT_ARG(call_id));
    admin_answer_error(b->admin, request, ADMIN_NOT_FOUND, TEXT("there is no such call"));
}

static void on_drain_state(void *owner, uint64_t request)
{
    ask(owner, request, "drain-state");
    answer_json(owner, request, "{}");
}

static void on_drain(void *owner, uint64_t request, const struct admin_drain *how)
{
    ask(owner, request, "process-drain %zu %d %d %u", how->alternate_count, how->exit,
        how->has_timeout, how->timeout_s);
    answer_json(owner, request, "{}");
}

static void on_undrain(void *owner, uint64_t request)
{
    ask(owner, request, "process-undrain");
    answer_json(owner, request, "{}");
}

static void on_metrics(void *owner, struct str *out)
{
    const struct bench *b = owner;
    for (size_t i = 0; i < b->metrics_size; i++)
        str_add_char(out, 'm');
    str_add_string(out, "# EOF\n");
}

static bool on_ready(void *owner, struct str *why)
{
    const struct bench *b = owner;
    if (!b->is_ready)
        str_add_string(why, "draining");
    return b->is_ready;
}

/* --- the bench --- */

static struct admin_config config_of(struct bench *b, const struct listen_addresses *listen)
{
    static const struct text tokens[] = {
        {.data = TOKEN, .len = sizeof(TOKEN) - 1}, {.data = "another-token-to-rotate", .len = 23}};
    return (struct admin_config){
        .listen = listen,
        .tokens = tokens,
        .token_count = 2,
        .deadline_ms = DEADLINE_MS,
        .api = {.owner = b,
            .status = on_status,
            .calls = on_calls,
            .call = on_call,
            .end_call = on_end_call,
            .drain_state = on_drain_state,
            .drain = on_drain,
            .undrain = on_undrain,
            .metrics = on_metrics,
            .ready = on_ready,
            .turn = {.owner = b,
                .credentials = on_credentials,
                .allocations = on_allocations,
                .end_allocation = on_end_allocation,
                .end_user = on_end_user,
                .drain = on_turn_drain,
                .undrain = on_turn_undrain}},
    };
}

static int set_up(void **state)
{
    struct bench *b = &bench;
    struct listen_addresses listen = {.count = 1};
    struct str why = {.data = NULL};
    *b = (struct bench){.log = memfd_create("log", 0), .is_ready = true, .answers_at_once = true};
    *state = b;
    log_start(b->log);
    struct admin_config config = config_of(b, &listen);
    if (!address_parse(TEXT("127.0.0.1"), &listen.list[0].address) || uv_loop_init(&b->loop) != 0 ||
        admin_open(&b->loop, &config, &b->admin, &why) != 0)
        return -1;
    b->address = *admin_address(b->admin, 0);
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    admin_close(b->admin);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    log_start(STDERR_FILENO);
    close(b->log);
    return uv_loop_close(&b->loop);
}

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

static bool log_holds(const struct bench *b, const char *word)
{
    static char text[1 << 16];
    ssize_t len = pread(b->log, text, sizeof(text) - 1, 0);
    text[len > 0 ? len : 0] = '\0';
    return strstr(text, word) != NULL;
}

static int connect_to(const struct bench *b)
{
    struct sockaddr_storage to;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t len = sockaddr_from_address(&b->address, &to);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, len), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void turn(struct bench *b, unsigned ms)
{
    uint64_t end = now_ms() + ms;
    do {
        uv_run(&b->loop, UV_RUN_NOWAIT);
        usleep(500);
    } while (now_ms() < end);
}

/* Runs the loop until the connection ends and takes what came; the status, or 0 for nothing. */
static int hear(struct bench *b, int fd)
{
    uint64_t end = now_ms() + PATIENCE_MS;
    b->response_len = 0;
    b->was_reset = false;
    for (;;) {
        assert_true(now_ms() < end);
        uv_run(&b->loop, UV_RUN_NOWAIT);
        ssize_t len = recv(fd, b->response + b->response_len,
            sizeof(b->response) - 1 - b->response_len, MSG_DONTWAIT);
        if (len > 0)
            b->response_len += (size_t)len;
        else if (len < 0 && errno == EAGAIN)
            usleep(500);
        else {
            b->was_reset = len < 0;
            break;
        }
    }
    close(fd);
    b->response[b->response_len] = '\0';
    return b->response_len == 0 ? 0 : atoi(b->response + strlen("HTTP/1.1 "));
}

static int exchange(struct bench *b, const char *request)
{
    int fd = connect_to(b);
    b->asked[0] = '\0';
    say(fd, request);
    return hear(b, fd);
}

static const char *body_of(const struct bench *b)
{
    const char *end = strstr(b->response, "\r\n\r\n");
    assert_non_null(end);
    return end + 4;
}

static bool has(const struct bench *b, const char *what)
{
    return strstr(b->response, what) != NULL;
}

/* --- tests --- */

static void health_needs_no_token(void **state)
{
    struct bench *b = *state;
    assert_int_equal(exchange(b, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    assert_string_equal(body_of(b), "ok\n");
    assert_true(has(b, "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
    assert_true(has(b, "\r\nContent-Length: 3\r\n"));
    assert_true(has(b, "\r\nConnection: close\r\n"));
    assert_int_equal(exchange(b, "GET /readyz HTTP/1.0\r\n\r\n"), 200);
    b->is_ready = false;
    assert_int_equal(exchange(b, "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"), 503);
    assert_string_equal(body_of(b), "not ready: draining\n");
    assert_int_equal(exchange(b, "HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    assert_string_equal(body_of(b), "");
    assert_true(has(b, "\r\nContent-Length: 3\r\n"));
}

static void everything_else_needs_one(void **state)
{
    static const char *const requests[] = {"GET /metrics", "GET /turn-credentials?user=a",
        "GET /turn/allocations", "DELETE /turn/allocations/1", "DELETE /turn/users/a",
        "POST /turn/drain", "DELETE /turn/drain", "GET /status", "GET /calls", "GET /calls/a",
        "DELETE /calls/a", "GET /drain", "POST /drain", "DELETE /drain", "GET /", "GET /nothing",
        "PUT /metrics", "GET /healthz/../metrics"};
    char request[256];
    struct bench *b = *state;
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        snprintf(request, sizeof(request), "%s HTTP/1.1\r\nHost: a\r\n\r\n", requests[i]);
        assert_int_equal(exchange(b, request), 401);
        assert_true(has(b, "\r\nWWW-Authenticate: Bearer\r\n"));
        assert_string_equal(b->asked, "");
    }
    assert_int_equal(counter_get(&admin_counters(b->admin)->unauthorized), COUNT_OF(requests));
    assert_true(log_holds(b, "event=admin-unauthorized"));
}

static void wrong_tokens_are_throttled(void **state)
{
    static const char wrong[] =
        "GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer wrong-horse-battery\r\n\r\n";
    struct bench *b = *state;
    unsigned refused = 0;
    assert_int_equal(exchange(b, wrong), 401);
    assert_true(has(b, "error=\"invalid_token\""));
    while (refused < 100 && exchange(b, wrong) == 401)
        refused++;
    assert_in_range(refused, 9, 12);
    assert_true(has(b, "HTTP/1.1 429 Too Many Requests\r\n"));
    assert_true(has(b, "\r\nRetry-After: 1\r\n"));
    assert_int_equal(exchange(b, GET("/metrics")), 429); /* not even looked at */
    assert_int_equal(exchange(b, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    turn(b, 1100);
    assert_int_equal(exchange(b, GET("/metrics")), 200);
    assert_false(log_holds(b, "wrong-horse"));
    assert_false(log_holds(b, TOKEN));
}

static void tokens_can_be_rotated(void **state)
{
    static const char other[] = "GET /metrics HTTP/1.1\r\nHost: a\r\n"
                                "Authorization: Bearer another-token-to-rotate\r\n\r\n";
    const struct text left = TEXT("another-token-to-rotate");
    struct str why = {.data = NULL};
    struct bench *b = *state;
    assert_int_equal(exchange(b, other), 200);
    assert_int_equal(exchange(b, GET("/metrics")), 200);
    assert_int_equal(admin_set_tokens(b->admin, &left, 1, &why), 0);
    assert_int_equal(exchange(b, other), 200);
    assert_int_equal(exchange(b, GET("/metrics")), 401);
    assert_int_equal(admin_set_tokens(b->admin, &left, 0, &why), -EINVAL);
    assert_int_equal(exchange(b, other), 200);
    str_done(&why);
}

static void questions_reach_the_daemon(void **state)
{
    static const struct {
        const char *request;
        const char *asked;
        int status;
        const char *body;
    } cases[] = {
        {GET("/turn-credentials?user=anna&ttl=600"), "credentials anna@ 600", 200,
            "{\"iceServers\":[{\"urls\":[\"turn:t.example\"],\"username\":\"anna\",\"credential\":"
            "\"pw\"}],\"username\":\"anna\",\"password\":\"pw\",\"uris\":[\"turn:t.example\"],"
            "\"ttl\":60,\"expires\":1}\n"},
        {GET("/turn-credentials?user=%25s%22&realm=r"), "credentials %s\"@r 0", 200, NULL},
        {DELETE("/turn/allocations/18446744073709551615"), "end 18446744073709551615", 404,
            "{\"error\":\"no such allocation\"}\n"},
        {DELETE("/turn/users/a%2fb?realm=r&revoke=60"), "end-user a/b@r 60", 200,
            "{\"ended\":2}\n"},
        {"POST /turn/drain HTTP/1.1\r\n" AUTH "\r\n", "drain 0 ", 200,
            "{\"draining\":true,\"allocations\":7}\n"},
        {"POST /turn/drain HTTP/1.1\r\n" AUTH "Content-Length: 31\r\n\r\n"
         "{\"alternate-server\":\"192.0.2.1\"}",
            "", 400, NULL}, /* one byte is left out */
        {"POST /turn/drain HTTP/1.1\r\n" AUTH "Content-Length: 32\r\n\r\n"
         "{\"alternate-server\":\"192.0.2.1\"}",
            "drain 1 192.0.2.1", 200, NULL},
        {DELETE("/turn/drain"), "undrain", 200, "{\"draining\":false,\"allocations\":7}\n"},
        {GET("/metrics"), "", 200, "# EOF\n"},
        {GET("/status"), "status", 200, "{\"version\":\"1\"}\n"},
        {GET("/calls?match=x&limit=7&after=3"), "calls x 3 7", 200, "{}\n"},
        {GET("/calls/a%2fb"), "call a/b", 200, "{}\n"},
        {DELETE("/calls/a%2fb"), "end-call a/b", 404, "{\"error\":\"there is no such call\"}\n"},
        {GET("/drain"), "drain-state", 200, "{}\n"},
        {"POST /drain HTTP/1.1\r\n" AUTH "Content-Length: 28\r\n\r\n"
         "{\"exit\": true, \"timeout\": 9}",
            "process-drain 0 1 1 9", 200, "{}\n"},
        {"POST /drain HTTP/1.1\r\n" AUTH "Content-Length: 13\r\n\r\n"
         "{\"timeout\":9}",
            "", 400, NULL},
        {DELETE("/drain"), "process-undrain", 200, "{}\n"},
        {GET("/nothing"), "", 404, "{\"error\":\"there is nothing at this path\"}\n"},
        {GET("/turn-credentials"), "", 400, "{\"error\":\"the parameter 'user' is missing\"}\n"},
        {DELETE("/turn-credentials?user=a"), "", 405, "{\"error\":\"not with this method\"}\n"},
    };
    struct bench *b = *state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(exchange(b, cases[i].request), cases[i].status);
        assert_string_equal(b->asked, cases[i].asked);
        if (cases[i].body != NULL)
            assert_string_equal(body_of(b), cases[i].body);
        assert_true(has(b, "\r\nCache-Control: no-store\r\n"));
    }
    assert_true(has(b, "\r\nAllow: GET, HEAD\r\n"));
    assert_true(log_holds(b, "event=admin action=end-user user=a/b realm=r seconds=60"));
    assert_false(log_holds(b, "=pw"));
}

static void answers_may_come_later(void **state)
{
    struct admin_allocation row = {.id = 5, .user = TEXT("anna")};
    struct bench *b = *state;
    int fd = connect_to(b);
    say(fd, GET("/turn/allocations?user=anna&limit=3"));
    turn(b, 50);
    assert_string_equal(b->asked, "allocations anna 3");
    assert_int_equal(exchange(b, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"), 200); /* meanwhile */
    admin_answer_allocations(b->admin, b->request, &row, 1, 9);
    admin_answer_ended(b->admin, b->request, 1); /* too many: dropped */
    assert_int_equal(hear(b, fd), 200);
    assert_true(has(b, "\"user\":\"anna\""));
    assert_true(has(b, "\"count\":1,\"total\":9}"));
    assert_true(has(b, "\r\nContent-Type: application/json\r\n"));
}

static void a_late_answer_is_dropped(void **state)
{
    struct bench *b = *state;
    int fd = connect_to(b);
    say(fd, GET("/turn/allocations"));
    assert_int_equal(hear(b, fd), 504);
    admin_answer_allocations(b->admin, b->request, NULL, 0, 0);
    assert_int_equal(counter_get(&admin_counters(b->admin)->failed), 1);
    turn(b, 20);
}

static void who_hangs_up_costs_nothing(void **state)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    struct bench *b = *state;
    for (int hard = 0; hard < 2; hard++) {
        int fd = connect_to(b);
        say(fd, GET("/turn/allocations"));
        turn(b, 20);
        if (hard)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        close(fd);
        turn(b, 20);
        admin_answer_allocations(b->admin, b->request, NULL, 0, 0);
        turn(b, 20);
        admin_answer_allocations(b->admin, b->request, NULL, 0, 0);
    }
    /* One who only says that he has no more to say gets his answer. */
    int fd = connect_to(b);
    say(fd, GET("/turn/allocations"));
    shutdown(fd, SHUT_WR);
    turn(b, 20);
    admin_answer_allocations(b->admin, b->request, NULL, 0, 0);
    assert_int_equal(hear(b, fd), 200);
    turn(b, 20);
    assert_int_equal(counter_get(&admin_counters(b->admin)->connections), 0);
}

static void large_answers_arrive_whole(void **state)
{
    struct bench *b = *state;
    size_t total = 0;
    b->metrics_size = 20 << 20;
    int fd = connect_to(b);
    say(fd, GET("/metrics"));
    for (uint64_t end = now_ms() + PATIENCE_MS; now_ms() < end;) {
        uv_run(&b->loop, UV_RUN_NOWAIT);
        ssize_t len = recv(fd, b->response, sizeof(b->response), MSG_DONTWAIT);
        if (len == 0)
            break;
        total += len > 0 ? (size_t)len : 0;
    }
    close(fd);
    assert_in_range(total, b->metrics_size + 100, b->metrics_size + 400);
}

#define POST "POST /turn/drain HTTP/1.1\r\n" AUTH

/* Requests that no part of the daemon may ever see. */
static void what_is_no_request_is_refused(void **state)
{
    static const struct {
        const char *request;
        int status;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET /metrics HTTP/1.1\r\nHost: b\r\n" AUTH "\r\n", 400},
        {"GET /metrics\r\n" AUTH "\r\n", 400},
        {"GET /metrics FTP/1.1\r\n" AUTH "\r\n", 400},
        {"GET /metrics HTTP/1.10\r\n" AUTH "\r\n", 400},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"\x16\x03\x01\r\n", 0}, /* TLS */
        {"GET /met rics HTTP/1.1\r\n" AUTH "\r\n", 0},
        {"GET /metrics#x HTTP/1.1\r\n" AUTH "\r\n", 400},
        {"GET /m\xc3\xa9 HTTP/1.1\r\n" AUTH "\r\n", 400},
        {"CONNECT host:80 HTTP/1.1\r\n" AUTH "\r\n", 400},
        {"CONNECT /metrics HTTP/1.1\r\n" AUTH "\r\n", 405},
        {"OPTIONS * HTTP/1.1\r\n" AUTH "\r\n", 400},
        {"TRACE /metrics HTTP/1.1\r\n" AUTH "\r\n", 405},
        {"TRACE /metrics HTTP/1.1\r\nHost: a\r\n\r\n", 401},
        {"GET /metrics HTTP/1.1\r\n" AUTH "X : 1\r\n\r\n", 400},
        {"GET /metrics HTTP/1.1\r\n" AUTH "X: a\rb\r\n\r\n", 400},
        {"GET /metrics HTTP/1.1\r\n" AUTH "no colon\r\n\r\n", 400},
        {"GET /metrics HTTP/1.1\r\n" AUTH "Authorization: Bearer x\r\n\r\n", 400},
        {"GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer\r\n " TOKEN "\r\n\r\n", 401},
        {POST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501},
        {POST "Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 501},
        {POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
        {POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400},
        {POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501},
        {POST "Content-Length: 1048577\r\n\r\n", 413},
        {POST "Content-Length: 9999999999999\r\n\r\n", 413},
        {POST "Content-Length: 99999999999999999999999\r\n\r\n", 413},
        {POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
        {POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400},
        {POST "Content-Length: 1, 1\r\n\r\nx", 400},
        {POST "Content-Length: -1\r\n\r\n", 400},
        {POST "Content-Length: +1\r\n\r\nx", 400},
        {POST "Content-Length:\r\n\r\n", 400},
        /* Neither WebSocket nor HTTP/2 are spoken: the request alone counts. */
        {"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 401},
        {"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\nSec-WebSocket-Version: 13\r\n\r\n",
            401},
    };
    struct bench *b = *state;
    log_set_level(LOG_DEBUG);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int status = exchange(b, cases[i].request);
        if (status != cases[i].status)
            fail_msg("%s: %d", cases[i].request, status);
        assert_string_equal(b->asked, "");
        assert_false(has(b, "# EOF"));
    }
    assert_true(log_holds(b, "event=admin-http message="));
    assert_false(log_holds(b, TOKEN));
    log_set_level(LOG_INFO);
}

static int exchange_filled(struct bench *b, const char *before, size_t len, const char *after)
{
    char *request = malloc(len + 500);
    assert_non_null(request);
    size_t at = (size_t)sprintf(request, "%s", before);
    memset(request + at, 'a', len);
    sprintf(request + at + len, "%s", after);
    int status = exchange(b, request);
    free(request);
    return status;
}

static void heads_have_limits(void **state)
{
    static const char end[] = " HTTP/1.1\r\n" AUTH "\r\n",
                      field[] = "GET /healthz HTTP/1.1\r\n" AUTH "X: ";
    struct bench *b = *state;
    assert_int_equal(exchange_filled(b, "GET /", 4095, end), 404);
    assert_int_equal(exchange_filled(b, "GET /", 4096, end), 414);
    assert_int_equal(exchange_filled(b, "GET /", 100000, end), 414);
    assert_int_equal(exchange_filled(b, field, 8192 - strlen(field) - 4, "\r\n\r\n"), 200);
    assert_int_equal(exchange_filled(b, field, 8192 - strlen(field) - 3, "\r\n\r\n"), 431);
    assert_int_equal(exchange_filled(b, field, 100000, "\r\n\r\n"), 431);
}

/* An answer given before the request has ended must not be lost to a reset. */
static void the_refusal_of_a_large_body_arrives(void **state)
{
    static char body[1 << 20];
    struct bench *b = *state;
    int fd = connect_to(b);
    say(fd, POST "Content-Length: 1048576\r\n\r\n");
    memset(body, 'x', sizeof(body));
    uint64_t end = now_ms() + PATIENCE_MS;
    for (size_t at = 0; at < sizeof(body);) {
        assert_true(now_ms() < end);
        ssize_t len = send(fd, body + at, sizeof(body) - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        assert_true(len > 0 || errno == EAGAIN);
        at += len > 0 ? (size_t)len : 0;
        uv_run(&b->loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(hear(b, fd), 413);
    assert_false(b->was_reset);
    assert_string_equal(b->asked, "");
}

static void bodies_have_a_limit(void **state)
{
    struct bench *b = *state;
    int status = exchange_filled(b, POST "Content-Length: 4096\r\n\r\n", 4096, "");
    assert_int_equal(status, 400); /* no JSON */
    assert_true(has(b, "alternate-server"));
    assert_int_equal(exchange_filled(b, POST "Content-Length: 4097\r\n\r\n", 4097, ""), 413);
    assert_string_equal(b->asked, "");
}

static void whoever_asks_may_send_a_body(void **state)
{
    struct bench *b = *state;
    int fd = connect_to(b);
    say(fd, POST "Expect: 100-continue\r\nContent-Length: 32\r\n\r\n");
    turn(b, 20);
    say(fd, "{\"alternate-server\":\"192.0.2.1\"}");
    assert_int_equal(hear(b, fd), 100);
    assert_true(has(b, "HTTP/1.1 200 OK\r\n"));
    assert_string_equal(b->asked, "drain 1 192.0.2.1");
}

static void only_the_first_request_counts(void **state)
{
    struct bench *b = *state;
    assert_int_equal(exchange(b, GET("/metrics") DELETE("/turn/users/a")), 200);
    assert_string_equal(b->asked, "");
    assert_string_equal(body_of(b), "# EOF\n");
}

static void a_request_may_come_in_pieces(void **state)
{
    static const char request[] = "POST /turn/drain HTTP/1.1\r\n" AUTH "Content-Length: 32\r\n\r\n"
                                  "{\"alternate-server\":\"192.0.2.1\"}";
    struct bench *b = *state;
    int fd = connect_to(b);
    for (const char *at = request; *at != '\0'; at++) {
        say(fd, (char[]){*at, '\0'});
        uv_run(&b->loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(hear(b, fd), 200);
    assert_string_equal(b->asked, "drain 1 192.0.2.1");
}

static uint64_t connections(const struct bench *b)
{
    return counter_get(&admin_counters(b->admin)->connections);
}

/* Runs the loop until so many are left; the time since `start`. */
static uint64_t wait_for_connections(struct bench *b, size_t count, uint64_t start, int dribbler)
{
    while (connections(b) > count) {
        assert_true(now_ms() - start < 3 * PATIENCE_MS);
        send(dribbler, "x", 1, MSG_NOSIGNAL);
        turn(b, 20);
    }
    return now_ms() - start;
}

static void who_dawdles_is_sent_away(void **state)
{
    struct bench *b = *state;
    uint64_t start = now_ms();
    int silent = connect_to(b), slow = connect_to(b), dribbler = connect_to(b);
    int deaf = connect_to(b);
    b->metrics_size = 20 << 20;
    say(slow, "POST /turn/drain HTTP/1.1\r\n" AUTH "Content-Length: 5\r\n\r\n");
    say(dribbler, "GET /healthz HTTP/1.1\r\nHost:");
    say(deaf, GET("/metrics"));
    turn(b, 50);
    assert_int_equal(connections(b), 4);
    assert_in_range(wait_for_connections(b, 1, start, dribbler), 4900, 9000);
    assert_in_range(wait_for_connections(b, 0, start, -1), 9900, 19000);
    assert_int_equal(hear(b, silent), 0);
    assert_int_equal(hear(b, slow), 0);
    assert_int_equal(hear(b, dribbler), 0);
    close(deaf);
}

static void on_over(uv_timer_t *timer)
{
    (void)timer;
}

static void who_waits_costs_nothing(void **state)
{
    struct bench *b = *state;
    unsigned turns = 0;
    uv_timer_t timer;
    int silent = connect_to(b), waiting = connect_to(b), gone = connect_to(b), deaf = connect_to(b);
    b->metrics_size = 20 << 20;
    say(deaf, GET("/metrics"));
    turn(b, 50);
    say(waiting, GET("/turn/allocations"));
    shutdown(waiting, SHUT_WR);
    say(gone, GET("/turn/allocations"));
    turn(b, 50);
    close(gone);

    uv_timer_init(&b->loop, &timer);
    uv_timer_start(&timer, on_over, 150, 0);
    for (; uv_is_active((uv_handle_t *)&timer); turns++)
        uv_run(&b->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    turn(b, 1);
    assert_in_range(turns, 1, 20);
    assert_true(connections(b) >= 2);
    close(silent);
    close(waiting);
    close(deaf);
}

/* The library must not fall back to what select() can carry. */
static void descriptors_may_have_large_numbers(void **state)
{
    enum { MANY = 1100 };
    static int fds[MANY];
    struct bench *b = *state;
    struct rlimit limit;
    size_t count = 0;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlim_t before = limit.rlim_cur;
    if (limit.rlim_max < 2 * MANY)
        skip();
    limit.rlim_cur = limit.rlim_cur < 2 * MANY ? 2 * MANY : limit.rlim_cur;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    while (count < MANY && (fds[count] = dup(b->log)) >= 0)
        count++;
    assert_int_equal(count, MANY);
    assert_int_equal(exchange(b, GET("/metrics")), 200);
    int fd = connect_to(b);
    say(fd, GET("/turn/allocations"));
    turn(b, 20);
    admin_answer_allocations(b->admin, b->request, NULL, 0, 0);
    assert_int_equal(hear(b, fd), 200);
    while (count > 0)
        close(fds[--count]);
    limit.rlim_cur = before;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void connections_are_counted(void **state)
{
    int fds[ADMIN_MAX_CONNECTIONS];
    struct bench *b = *state;
    for (size_t i = 0; i < COUNT_OF(fds); i++)
        fds[i] = connect_to(b);
    turn(b, 50);
    assert_int_equal(connections(b), COUNT_OF(fds));
    int one_more = connect_to(b);
    say(one_more, GET("/metrics"));
    turn(b, 50);
    assert_int_equal(connections(b), COUNT_OF(fds));
    assert_true(recv(one_more, b->response, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
    close(fds[0]);
    assert_int_equal(hear(b, one_more), 200);
    for (size_t i = 1; i < COUNT_OF(fds); i++)
        close(fds[i]);
    turn(b, 50);
    assert_int_equal(connections(b), 0);
    assert_int_equal(exchange(b, GET("/metrics")), 200);
}

static void absent_parts_are_not_found(void **state)
{
    struct listen_addresses listen = {.count = 1};
    struct str why = {.data = NULL};
    struct bench *b = *state;
    struct admin_config config = config_of(b, &listen);
    struct admin *other;
    assert_true(address_parse(TEXT("127.0.0.1"), &listen.list[0].address));
    config.api = (struct admin_api){.owner = b};
    assert_int_equal(admin_open(&b->loop, &config, &other, &why), 0);
    b->address = *admin_address(other, 0);
    assert_int_equal(exchange(b, "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    assert_int_equal(exchange(b, GET("/metrics")), 404);
    assert_int_equal(exchange(b, GET("/status")), 404);
    assert_int_equal(exchange(b, GET("/calls")), 404);
    assert_int_equal(exchange(b, DELETE("/calls/a")), 404);
    assert_int_equal(exchange(b, GET("/turn-credentials?user=a")), 404);
    assert_int_equal(exchange(b, GET("/turn/allocations")), 404);
    assert_int_equal(exchange(b, DELETE("/turn/allocations/1")), 404);
    assert_int_equal(exchange(b, DELETE("/turn/users/a")), 404);
    assert_int_equal(exchange(b, "POST /turn/drain HTTP/1.1\r\n" AUTH "\r\n"), 404);
    assert_int_equal(exchange(b, DELETE("/turn/drain")), 404);
    admin_close(other);
}

static void starts_only_when_it_can(void **state)
{
    struct listen_addresses listen = {.count = 3};
    struct str why = {.data = NULL};
    struct bench *b = *state;
    struct admin_config config = config_of(b, &listen);
    struct admin *other = NULL;
    listen.list[0].address = b->address;                                    /* taken */
    assert_true(address_parse(TEXT("192.0.2.1"), &listen.list[1].address)); /* not ours */
    assert_true(address_parse(TEXT("127.0.0.1"), &listen.list[2].address));
    listen.list[1].is_optional = true;
    assert_int_equal(admin_open(&b->loop, &config, &other, &why), -EADDRINUSE);
    assert_non_null(strstr(str_string(&why), "cannot listen on 127.0.0.1:"));
    listen.list[0].address.port = 0;
    assert_int_equal(admin_open(&b->loop, &config, &other, &why), 0);
    assert_int_equal(admin_address_count(other), 2);
    admin_close(other);
    config.token_count = 0;
    assert_int_equal(admin_open(&b->loop, &config, &other, &why), -EINVAL);
    str_done(&why);
}

static void closes_at_any_time(void **state)
{
    struct bench *b = *state;
    int silent = connect_to(b), slow = connect_to(b), waiting = connect_to(b), done = connect_to(b);
    int deaf = connect_to(b), answered = connect_to(b), others[ADMIN_MAX_CONNECTIONS];
    say(slow, "GET / HTTP/1.1\r\n");
    say(done, GET("/metrics"));
    turn(b, 50);
    b->metrics_size = 20 << 20;
    say(deaf, GET("/metrics"));
    for (size_t i = 0; i < COUNT_OF(others); i++)
        others[i] = connect_to(b);
    for (int i = 0; i < 100 && connections(b) < ADMIN_MAX_CONNECTIONS; i++)
        turn(b, 20);
    assert_int_equal(connections(b), ADMIN_MAX_CONNECTIONS); /* it is full */
    /* Last, for there is a deadline for the answer. */
    b->request = 0;
    say(answered, GET("/turn/allocations"));
    for (int i = 0; i < 100 && b->request == 0; i++)
        turn(b, 1);
    uint64_t request = b->request;
    say(waiting, GET("/turn/allocations"));
    turn(b, 20);
    /* The library has no time to send this. */
    admin_answer_allocations(b->admin, request, NULL, 0, 0);
    admin_close(b->admin);
    b->admin = NULL;
    admin_answer_ended(NULL, b->request, 1);
    admin_answer_error(NULL, b->request, ADMIN_UNAVAILABLE, TEXT("late"));
    assert_int_equal(hear(b, silent), 0);
    assert_int_equal(hear(b, slow), 0);
    assert_int_equal(hear(b, waiting), 0);
    assert_int_equal(hear(b, done), 200);
    assert_int_equal(hear(b, answered), 0);
    close(deaf);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        close(others[i]);
}

#define BENCH_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH_TEST(health_needs_no_token),
        BENCH_TEST(everything_else_needs_one),
        BENCH_TEST(wrong_tokens_are_throttled),
        BENCH_TEST(tokens_can_be_rotated),
        BENCH_TEST(questions_reach_the_daemon),
        BENCH_TEST(answers_may_come_later),
        BENCH_TEST(a_late_answer_is_dropped),
        BENCH_TEST(who_hangs_up_costs_nothing),
        BENCH_TEST(large_answers_arrive_whole),
        BENCH_TEST(what_is_no_request_is_refused),
        BENCH_TEST(heads_have_limits),
        BENCH_TEST(the_refusal_of_a_large_body_arrives),
        BENCH_TEST(bodies_have_a_limit),
        BENCH_TEST(whoever_asks_may_send_a_body),
        BENCH_TEST(only_the_first_request_counts),
        BENCH_TEST(a_request_may_come_in_pieces),
        BENCH_TEST(who_dawdles_is_sent_away),
        BENCH_TEST(who_waits_costs_nothing),
        BENCH_TEST(descriptors_may_have_large_numbers),
        BENCH_TEST(connections_are_counted),
        BENCH_TEST(absent_parts_are_not_found),
        BENCH_TEST(starts_only_when_it_can),
        BENCH_TEST(closes_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
