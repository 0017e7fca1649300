/* SPDX-License-Identifier: Apache-2.0 */
#include "net/packet_io_choose.h"

#include <errno.h>
#include <stdio.h>

#include "net/packet_io_probe.h"

#ifdef HAVE_IO_URING

/* For PACKET_IO_AUTO: what worked for one ring may fail for the next, at a limit of the machine. */
static int make_uring_or_epoll(
    void *context, struct pool *pool, struct packet_io_counters *counters, struct packet_io **out)
{
    return packet_io_new_uring(context, pool, counters, out) == 0
               ? 0
               : packet_io_new_epoll(context, pool, counters, out);
}

/* The kernel's switch: 1 forbids io_uring to those without privileges, 2 to all. */
static int system_switch(void)
{
    FILE *file = fopen("/proc/sys/kernel/io_uring_disabled", "re");
    int value = 0;
    if (file == NULL)
        return 0;
    if (fscanf(file, "%d", &value) != 1)
        value = 0;
    fclose(file);
    return value;
}

/* Why the back end does not work. */
static void explain(int error, char *out, size_t size)
{
    const char *text = "io_uring: the kernel is too old, or an io_uring of its kind does not work";
    switch (-error) {
    case EPERM:
    case EACCES:
        if (system_switch() != 0) {
            snprintf(
                out, size, "io_uring is disabled (kernel.io_uring_disabled=%d)", system_switch());
            return;
        }
        text = "io_uring is forbidden to this process (a seccomp filter, as containers have)";
        break;
    case ENOSYS:
        text = "the kernel has no io_uring, or a seccomp filter hides it";
        break;
    case ENOMEM:
        text = "no memory for io_uring (RLIMIT_MEMLOCK, or the limit of the container)";
        break;
    case EMFILE:
    case ENFILE:
        text = "no descriptor left for io_uring";
        break;
    case EINVAL:
        text = "the kernel lacks what is needed of io_uring (Linux 6.1)";
        break;
    default:
        break;
    }
    snprintf(out, size, "%s", text);
}

bool packet_io_choose(enum packet_io_kind wanted, struct packet_io_choice *out)
{
    *out = (struct packet_io_choice){.make = packet_io_new_epoll, .name = "epoll"};
    int error = wanted == PACKET_IO_EPOLL ? 0 : packet_io_probe(packet_io_new_uring);
    if (error != 0) {
        explain(error, out->reason, sizeof(out->reason));
        return wanted == PACKET_IO_AUTO;
    }
    if (wanted != PACKET_IO_EPOLL) {
        out->make = wanted == PACKET_IO_AUTO ? make_uring_or_epoll : packet_io_new_uring;
        out->name = "io_uring";
    }
    snprintf(out->reason, sizeof(out->reason), "%s",
        wanted == PACKET_IO_AUTO ? "the kernel has all that is needed" : "as configured");
    return true;
}

#else

bool packet_io_choose(enum packet_io_kind wanted, struct packet_io_choice *out)
{
    *out = (struct packet_io_choice){.make = packet_io_new_epoll, .name = "epoll"};
    snprintf(out->reason, sizeof(out->reason), "%s",
        wanted == PACKET_IO_EPOLL ? "as configured" : "built without io_uring");
    return wanted != PACKET_IO_URING;
}

#endif
