/* SPDX-License-Identifier: Apache-2.0 */
/* call/plan.h - from the state of a call to what the worker must bring about. */
#ifndef CALL_PLAN_H
#define CALL_PLAN_H

#include "call/work.h"

/* Makes call->plan, which is shared. */
NODISCARD enum call_status plan_make(struct work *w);

#endif
