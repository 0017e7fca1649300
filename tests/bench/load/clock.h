/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - waiting, and the processor time that it did not take. */
#ifndef LOAD_CLOCK_H
#define LOAD_CLOCK_H

#include <stdint.h>

enum {
    CLOCK_SLEEP_NS = 200000
}; /* shorter waits are spent awake, and so is the end of longer ones */

/* Waits for that time of udp_now_ns(); returns how long it took, in ns. */
uint64_t clock_wait_until(uint64_t until_ns);

/* Processor time that this process has used. */
double clock_cpu_seconds(void);

#endif
