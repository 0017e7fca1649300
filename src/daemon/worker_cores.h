/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon/worker_cores.h - on which processor core each worker stays (option 'worker-affinity').
 */
#ifndef DAEMON_WORKER_CORES_H
#define DAEMON_WORKER_CORES_H

#include <sched.h>

#include "base/str.h"

enum { WORKER_CORES_MAX = 256 };

struct worker_cores {
    size_t count; /* 0: workers go where the system puts them */
    unsigned list[WORKER_CORES_MAX];
};

/* "off"; "auto": each core that is allowed, in their order; or cores and ranges of them, as
 * "0-3,6". Returns 0, or -EINVAL with what is wrong in `why`. */
NODISCARD int worker_cores_parse(
    struct text text, const cpu_set_t *allowed, struct worker_cores *out, struct str *why);

/* That of a worker; those beyond the list begin with its first again. Only when there is a list. */
static inline unsigned worker_core(const struct worker_cores *cores, size_t worker)
{
    return cores->list[worker % cores->count];
}

#endif
