/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan/share.h - a plan that several threads hold: one block, counted, never changed.
 */
#ifndef PLAN_SHARE_H
#define PLAN_SHARE_H

#include "plan/plan.h"

/* Returns a copy of the plan and all it points to, with one reference; NULL when memory is short.
 */
NODISCARD const struct plan *plan_share(const struct plan *plan);

/* Another reference to what plan_share() has made. */
const struct plan *plan_ref(const struct plan *shared);

/* Wipes and frees it with the last reference; accepts NULL. */
void plan_unref(const struct plan *shared);

#endif
