/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace.h - when which packet of a steady load is due. Pure: time comes in.
 *
 * Packet n of all is due n / rate after the start. With flows taking turns each sends evenly, and
 * no two at once.
 */
#ifndef LOAD_PACE_H
#define LOAD_PACE_H

#include "mediaferry/bytes.h"

struct pace {
    uint64_t start_ns;
    uint64_t per_s; /* not 0 */
};

/* How many packets are due at `now_ns`. */
uint64_t pace_due(const struct pace *p, uint64_t now_ns);

/* When packet `number` is due. */
uint64_t pace_due_ns(const struct pace *p, uint64_t number);

#endif
