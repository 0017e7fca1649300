/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/process.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

uint64_t process_raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

unsigned process_cores(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return count > 0 ? (unsigned)count : 1;
}

int process_write_pidfile(const char *path)
{
    if (path[0] == '\0')
        return 0;
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return -errno;
    bool ok = fprintf(file, "%ld\n", (long)getpid()) > 0;
    ok = fclose(file) == 0 && ok;
    return ok ? 0 : -EIO;
}

void process_remove_pidfile(const char *path)
{
    if (path[0] != '\0')
        unlink(path);
}

#ifdef HAVE_SYSTEMD
enum { PATIENCE_US = 30000000 };

void process_notify_ready(void)
{
    sd_notify(0, "READY=1");
}

void process_notify_reloading(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
        (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void process_notify_stopping(void)
{
    sd_notify(0, "STOPPING=1");
}

void process_notify_draining(uint64_t calls, uint64_t allocations)
{
    sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%d\nSTATUS=draining: %llu calls, %llu TURN allocations",
        PATIENCE_US, (unsigned long long)calls, (unsigned long long)allocations);
}
#else
void process_notify_ready(void)
{
}

void process_notify_reloading(void)
{
}

void process_notify_stopping(void)
{
}

void process_notify_draining(uint64_t calls, uint64_t allocations)
{
    (void)calls, (void)allocations;
}
#endif
