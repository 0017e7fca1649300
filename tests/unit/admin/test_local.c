/* SPDX-License-Identifier: Apache-2.0 */
/* The unix socket: its name, who may ask there, and what it has beside TCP. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "admin/local_listener.h"
#include "admin/server.h"
#include "base/log.h"
#include "net/sockaddr.h"

enum { PATIENCE_MS = 10000, NOBODY = 65534 };

struct bench {
    uv_loop_t loop;
    char folder[64], path[96];
    struct admin *admin;
    struct str why;
};

static void on_status(void *owner, uint64_t request)
{
    struct bench *b = owner;
    struct str json = {.data = NULL};
    str_add_string(&json, "{}");
    admin_answer_json(b->admin, request, &json);
}

static int open_at(struct bench *b, const char *path, const struct listen_addresses *listen)
{
    static const struct text token = {.data = "correct-horse-battery", .len = 21};
    struct admin_config config = {
        .listen = listen,
        .local = path,
        .tokens = &token,
        .token_count = listen->count > 0 ? 1 : 0,
        .api = {.owner = b, .status = on_status},
    };
    return admin_open(&b->loop, &config, &b->admin, &b->why);
}

static const struct listen_addresses nowhere;

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    log_set_level(LOG_ERR);
    strcpy(b->folder, "/tmp/mediaferry-local-XXXXXX");
    assert_non_null(mkdtemp(b->folder));
    snprintf(b->path, sizeof(b->path), "%s/control.sock", b->folder);
    assert_int_equal(uv_loop_init(&b->loop), 0);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    admin_close(b->admin);
    uv_run(&b->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&b->loop), 0);
    assert_int_equal(access(b->path, F_OK), -1);
    assert_int_equal(rmdir(b->folder), 0);
    str_done(&b->why);
    free(b);
    return 0;
}

static struct sockaddr_un address_of(const struct bench *b)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, b->path);
    return address;
}

static int connect_locally(const struct bench *b)
{
    struct sockaddr_un to = address_of(b);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
        return fd;
    close(fd);
    return -1;
}

static int connect_by_tcp(const struct bench *b)
{
    struct sockaddr_storage to;
    socklen_t len = sockaddr_from_address(admin_address(b->admin, 0), &to);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, len), 0);
    return fd;
}

/* Asks on a connection and runs the loop until it ends; the status, or 0 for nothing. */
static int ask(struct bench *b, int fd, const char *request)
{
    char response[4096] = "";
    size_t len = 0;
    uint64_t end = uv_hrtime() / 1000000 + PATIENCE_MS;
    assert_true(fd >= 0);
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    for (;;) {
        assert_true(uv_hrtime() / 1000000 < end);
        uv_run(&b->loop, UV_RUN_NOWAIT);
        ssize_t more = recv(fd, response + len, sizeof(response) - 1 - len, MSG_DONTWAIT);
        if (more > 0)
            len += (size_t)more;
        else if (more < 0 && errno == EAGAIN)
            usleep(500);
        else
            break;
    }
    close(fd);
    return len == 0 ? 0 : atoi(response + strlen("HTTP/1.1 "));
}

#define STATUS "GET /status HTTP/1.1\r\nHost: a\r\n\r\n"

static void no_token_is_needed(void **state)
{
    struct bench *b = *state;
    assert_int_equal(open_at(b, b->path, &nowhere), 0);
    assert_int_equal(ask(b, connect_locally(b), STATUS), 200);
    assert_int_equal(ask(b, connect_locally(b), "GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"), 200);
    assert_int_equal(admin_address_count(b->admin), 0);
}

static void only_the_owner_can_connect(void **state)
{
    struct bench *b = *state;
    struct stat file;
    mode_t before = umask(0);
    assert_int_equal(open_at(b, b->path, &nowhere), 0);
    umask(before);
    assert_int_equal(stat(b->path, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0600);
}

/* The other end is asked by the kernel's word: the mode of the file may have been changed. */
static void a_stranger_is_refused(void **state)
{
    struct bench *b = *state;
    int status;
    if (geteuid() != 0)
        skip();
    assert_int_equal(open_at(b, b->path, &nowhere), 0);
    assert_int_equal(chmod(b->folder, 0755), 0);
    assert_int_equal(chmod(b->path, 0666), 0);
    pid_t child = fork();
    if (child == 0) {
        char response[4096] = "";
        if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
            _exit(1);
        int fd = connect_locally(b);
        ssize_t sent = send(fd, STATUS, strlen(STATUS), MSG_NOSIGNAL);
        ssize_t len = sent < 0 ? 0 : recv(fd, response, sizeof(response), MSG_WAITALL);
        _exit(len > 12 && memcmp(response + strlen("HTTP/1.1 "), "403", 3) == 0 ? 0 : 2);
    }
    while (waitpid(child, &status, WNOHANG) == 0) {
        uv_run(&b->loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    assert_int_equal(status, 0);
    assert_int_equal(counter_get(&admin_counters(b->admin)->rejected), 1);
}

static void a_name_left_behind_is_taken_over(void **state)
{
    struct bench *b = *state;
    struct sockaddr_un address = address_of(b);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(open_at(b, b->path, &nowhere), -EADDRINUSE); /* somebody listens */
    assert_non_null(strstr(str_string(&b->why), "another process"));
    close(fd);
    assert_int_equal(open_at(b, b->path, &nowhere), 0);
    assert_int_equal(ask(b, connect_locally(b), STATUS), 200);
}

static void a_file_of_somebody_else_stays(void **state)
{
    struct bench *b = *state;
    FILE *file = fopen(b->path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(open_at(b, b->path, &nowhere), -EADDRINUSE);
    assert_int_equal(access(b->path, F_OK), 0);
    unlink(b->path);
}

static void the_name_of_a_successor_stays(void **state)
{
    struct bench *b = *state;
    struct stat file;
    assert_int_equal(open_at(b, b->path, &nowhere), 0);
    struct admin *first = b->admin;
    unlink(b->path);
    assert_int_equal(open_at(b, b->path, &nowhere), 0);
    admin_close(first);
    uv_run(&b->loop, UV_RUN_NOWAIT);
    assert_int_equal(stat(b->path, &file), 0);
    assert_int_equal(ask(b, connect_locally(b), STATUS), 200);
}

static void impossible_names_are_explained(void **state)
{
    char too_long[200] = "/tmp/";
    memset(too_long + strlen(too_long), 'x', sizeof(too_long) - 1 - strlen(too_long));
    const char *const paths[] = {"", "/nonexistent/folder/control.sock", too_long};
    struct bench *b = *state;
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        str_reset(&b->why);
        assert_true(open_at(b, paths[i], &nowhere) < 0);
        assert_non_null(strstr(str_string(&b->why), paths[i]));
    }
}

static void it_has_room_when_tcp_has_none(void **state)
{
    struct bench *b = *state;
    struct listen_addresses listen = {.count = 1};
    int held[ADMIN_MAX_CONNECTIONS];
    assert_true(address_parse(TEXT("127.0.0.1"), &listen.list[0].address));
    assert_int_equal(open_at(b, b->path, &listen), 0);
    for (size_t i = 0; i < COUNT_OF(held); i++) {
        held[i] = connect_by_tcp(b);
        uv_run(&b->loop, UV_RUN_NOWAIT);
    }
    for (int i = 0;
         i < 50 && counter_get(&admin_counters(b->admin)->connections) < ADMIN_MAX_CONNECTIONS;
         i++) {
        uv_run(&b->loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    assert_int_equal(counter_get(&admin_counters(b->admin)->connections), COUNT_OF(held));
    for (int i = 0; i < 20; i++)
        assert_int_equal(ask(b, connect_locally(b), STATUS), 200);
    /* Over TCP a token is needed as ever. */
    close(held[0]);
    assert_int_equal(ask(b, connect_by_tcp(b), STATUS), 401);
    for (size_t i = 1; i < COUNT_OF(held); i++)
        close(held[i]);
}

static void it_is_bounded_too(void **state)
{
    enum { ALL = ADMIN_MAX_CONNECTIONS + 8 };
    struct bench *b = *state;
    int held[ALL];
    assert_int_equal(open_at(b, b->path, &nowhere), 0);
    for (size_t i = 0; i < ALL; i++) {
        held[i] = connect_locally(b);
        uv_run(&b->loop, UV_RUN_NOWAIT);
    }
    int one_more = connect_locally(b);
    for (int i = 0; i < 20; i++) {
        uv_run(&b->loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    assert_int_equal(counter_get(&admin_counters(b->admin)->connections), ALL);
    close(held[0]);
    assert_int_equal(ask(b, one_more, STATUS), 200);
    for (size_t i = 1; i < ALL; i++)
        close(held[i]);
}

static void tcp_has_no_local_peer(void **state)
{
    int pair[2], fd = socket(AF_INET, SOCK_STREAM, 0);
    uid_t uid = 12345;
    (void)state;
    assert_false(local_peer(fd, &uid));
    assert_int_equal(uid, 12345);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_true(local_peer(pair[0], &uid));
    assert_int_equal(uid, geteuid());
    close(fd);
    close(pair[0]);
    close(pair[1]);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH(no_token_is_needed),
        WITH(only_the_owner_can_connect),
        WITH(a_stranger_is_refused),
        WITH(a_name_left_behind_is_taken_over),
        WITH(a_file_of_somebody_else_stays),
        WITH(the_name_of_a_successor_stays),
        WITH(impossible_names_are_explained),
        WITH(it_has_room_when_tcp_has_none),
        WITH(it_is_bounded_too),
        cmocka_unit_test(tcp_has_no_local_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
