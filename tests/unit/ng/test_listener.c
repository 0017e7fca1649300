/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/listener.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "fake_sessions.h"
#include "net/sockaddr.h"

static uint64_t now_us(void)
{
    return uv_hrtime() / 1000;
}

static int64_t wall_us(void)
{
    return 0;
}

static int connected_socket(const struct address *to)
{
    struct sockaddr_storage storage;
    socklen_t len = sockaddr_from_address(to, &storage);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&storage, len), 0);
    return fd;
}

static void answers_over_udp(void **state)
{
    (void)state;
    static struct sessions sessions;
    uv_loop_t loop;
    struct address any = address_from_ip(ADDRESS_IP4, "\x7f\x00\x00\x01", 0);
    struct ng_listener *listener;
    struct ng_server *server = ng_server_new(
        &(struct ng_server_config){.sessions = &sessions, .now_us = now_us, .wall_us = wall_us});
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(ng_listener_open(&loop, &any, 0, server, &listener), 0);

    int fd = connected_socket(ng_listener_address(listener));
    const char ping[] = "1_2_3 d7:command4:pinge", pong[] = "1_2_3 d6:result4:ponge";
    char reply[64];
    assert_int_equal(write(fd, ping, sizeof(ping) - 1), sizeof(ping) - 1);
    uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(read(fd, reply, sizeof(reply)), sizeof(pong) - 1);
    assert_memory_equal(reply, pong, sizeof(pong) - 1);

    close(fd);
    ng_server_free(server);
    ng_listener_close(listener);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers_over_udp)};
    log_set_level(LOG_ERR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
