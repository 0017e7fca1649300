/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/process.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/mediaferry-test-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/file", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void writes_and_removes_the_pidfile(void **state)
{
    (void)state;
    long pid = 0;
    assert_int_equal(process_write_pidfile(path), 0);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld", &pid), 1);
    fclose(file);
    assert_int_equal(pid, getpid());
    process_remove_pidfile(path);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(process_write_pidfile("/no/such/folder/pid"), -ENOENT);
    assert_int_equal(process_write_pidfile(""), 0);
    process_remove_pidfile("");
}

static void raises_the_limit_to_the_hard_one(void **state)
{
    (void)state;
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 64;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(process_raise_descriptor_limit(), limit.rlim_max);
    assert_in_range(process_cores(), 1, 100000);
}

/* The other end of sd_notify(3): a datagram socket named in the environment. */
static void tells_systemd(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char said[64] = "";
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    process_notify_ready(); /* nobody waits: harmless */
    setenv("NOTIFY_SOCKET", path, 1);
    process_notify_ready();
    process_notify_stopping();
    unsetenv("NOTIFY_SOCKET");
#ifdef HAVE_SYSTEMD
    assert_true(recv(fd, said, sizeof(said) - 1, MSG_DONTWAIT) > 0);
    assert_string_equal(said, "READY=1");
    memset(said, 0, sizeof(said));
    assert_true(recv(fd, said, sizeof(said) - 1, MSG_DONTWAIT) > 0);
    assert_string_equal(said, "STOPPING=1");
#endif
    assert_int_equal(recv(fd, said, sizeof(said), MSG_DONTWAIT), -1);
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_and_removes_the_pidfile),
        cmocka_unit_test(raises_the_limit_to_the_hard_one),
        cmocka_unit_test(tells_systemd),
    };
    return cmocka_run_group_tests_name("process", tests, make_folder, remove_folder);
}
