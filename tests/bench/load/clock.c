/* SPDX-License-Identifier: Apache-2.0 */
#include "clock.h"

#include <sys/resource.h>
#include <time.h>

#include "udp.h"

enum { NS_PER_S = 1000000000, WAKE_EARLY_NS = CLOCK_SLEEP_NS / 2 };

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

uint64_t clock_wait_until(uint64_t until_ns)
{
    uint64_t began_ns = udp_now_ns(), now_ns = began_ns;
    if (until_ns > now_ns + CLOCK_SLEEP_NS) {
        uint64_t nap_ns = until_ns - now_ns - WAKE_EARLY_NS;
        struct timespec nap = {
            .tv_sec = (time_t)(nap_ns / NS_PER_S), .tv_nsec = (long)(nap_ns % NS_PER_S)};
        clock_nanosleep(CLOCK_MONOTONIC, 0, &nap, NULL);
    }
    while ((now_ns = udp_now_ns()) < until_ns)
        relax();
    return now_ns - began_ns;
}

double clock_cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}
