/* SPDX-License-Identifier: Apache-2.0 */
/* The process: what it is, how long it runs, what it takes. Names of process_...: as all clients of
 * Prometheus have them. */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/metrics_sources.h"

static double seconds(const struct timeval *t)
{
    return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static void put_cpu(struct str *out)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return;
    struct metric m =
        metric_begin(out, METRIC_COUNTER, "process_cpu_seconds", "user and system CPU time");
    metric_add_real(&m, seconds(&usage.ru_utime) + seconds(&usage.ru_stime), 0, NULL);
}

static void put_memory(struct str *out)
{
    unsigned long long pages, resident;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return;
    bool ok = fscanf(file, "%llu %llu", &pages, &resident) == 2;
    fclose(file);
    if (ok)
        metric_put(out, METRIC_GAUGE, "process_resident_memory_bytes", "resident memory",
            resident * (unsigned long long)sysconf(_SC_PAGESIZE));
}

static void put_limit(struct str *out)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        metric_put(out, METRIC_GAUGE, "process_max_fds", "descriptors it may open", limit.rlim_cur);
}

void metrics_process(const struct metrics_sources *from, struct str *out)
{
    const struct metric_label labels[] = {
        {"version", text_from(MEDIAFERRY_VERSION)},
        {"packet_io", text_from(from->packets->name)},
        {"srtp_engine", text_from(from->srtp_engine)},
    };
    struct sessions_totals totals = sessions_totals(from->sessions);
    struct metric info =
        metric_begin(out, METRIC_GAUGE, "mediaferry_info", "always 1; the labels tell what runs");
    metric_add(&info, 1, COUNT_OF(labels), labels);
    struct metric start = metric_begin(
        out, METRIC_GAUGE, "process_start_time_seconds", "unix time at which it started");
    metric_add_real(&start, (double)totals.started_us / 1e6, 0, NULL);
    put_cpu(out);
    put_memory(out);
    put_limit(out);
    metric_put(out, METRIC_GAUGE, "mediaferry_draining",
        "1 while new calls and allocations are refused because the node drains", from->is_draining);
}
