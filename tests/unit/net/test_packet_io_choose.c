/* SPDX-License-Identifier: Apache-2.0 */
/* What is chosen on machines that forbid io_uring: as containers do, by a filter of system calls.
 */
#include "net/packet_io_choose.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static void what_was_wished_is_had(void **state)
{
    (void)state;
    struct packet_io_choice choice;
    assert_true(packet_io_choose(PACKET_IO_EPOLL, &choice));
    assert_ptr_equal(choice.make, packet_io_new_epoll);
    assert_string_equal(choice.name, "epoll");
    assert_string_equal(choice.reason, "as configured");
    assert_true(packet_io_choose(PACKET_IO_AUTO, &choice));
    assert_non_null(choice.make);
    assert_string_not_equal(choice.reason, "");
    bool has_uring = packet_io_choose(PACKET_IO_URING, &choice);
    assert_string_equal(choice.name, has_uring ? "io_uring" : "epoll");
}

static bool forbid(unsigned call, unsigned error)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = COUNT_OF(filter), .filter = filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

struct forbidden {
    const char *name;
    unsigned call, error;
};

static const struct forbidden forbidden[] = {
    {"EPERM, as containers do it", SYS_io_uring_setup, EPERM},
    {"no such call", SYS_io_uring_setup, ENOSYS},
    {"not enough locked memory", SYS_io_uring_setup, ENOMEM},
    {"too old for its flags", SYS_io_uring_setup, EINVAL},
    {"nothing may be registered", SYS_io_uring_register, EINVAL},
    {"nothing may be asked for", SYS_io_uring_enter, EPERM},
};

enum { AS_EXPECTED = 0, WRONG = 1, NO_FILTER = 2 };

/* In a process of its own: what is forbidden stays so. */
static int choose_without(const struct forbidden *f)
{
    struct packet_io_choice automatic, forced;
    if (!forbid(f->call, f->error))
        return NO_FILTER;
    bool is_right = packet_io_choose(PACKET_IO_AUTO, &automatic) &&
                    !packet_io_choose(PACKET_IO_URING, &forced) &&
                    automatic.make == packet_io_new_epoll && forced.make == packet_io_new_epoll &&
                    text_is(text_from(automatic.name), "epoll") && automatic.reason[0] != '\0' &&
                    text_equal(text_from(automatic.reason), text_from(forced.reason));
    return is_right ? AS_EXPECTED : WRONG;
}

static void falls_back_and_says_why(void **state)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(choose_without(*state));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NO_FILTER)
        skip();
    assert_int_equal(WEXITSTATUS(status), AS_EXPECTED);
}

int main(void)
{
    struct CMUnitTest tests[2 + COUNT_OF(forbidden)] = {
        cmocka_unit_test(what_was_wished_is_had),
    };
    for (size_t i = 0; i < COUNT_OF(forbidden); i++)
        tests[2 + i] = (struct CMUnitTest){
            forbidden[i].name, falls_back_and_says_why, NULL, NULL, (void *)&forbidden[i]};
    return cmocka_run_group_tests_name("packet_io_choose", tests, NULL, NULL);
}
