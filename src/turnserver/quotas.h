/* SPDX-License-Identifier: Apache-2.0 */
/* turnserver/quotas.h - how many allocations each user has, over all workers. Any thread. */
#ifndef TURNSERVER_QUOTAS_H
#define TURNSERVER_QUOTAS_H

#include "mediaferry/bytes.h"

struct quotas;

NODISCARD struct quotas *quotas_new(void);

/* Accepts NULL. */
void quotas_free(struct quotas *quotas);

/* 0: no limit. */
struct quota_limits {
    uint64_t user, total;
};

/* Charges one allocation to `user` of `realm`; false when a limit is reached. */
NODISCARD bool quotas_take(
    struct quotas *quotas, const struct quota_limits *limits, struct text realm, struct text user);

/* Gives it back. */
void quotas_give(struct quotas *quotas, struct text realm, struct text user);

/* The same for the same user only, as far as 64 bits tell. */
uint64_t quotas_number(const struct quotas *quotas, struct text realm, struct text user);

#endif
