/* SPDX-License-Identifier: Apache-2.0 */
/* call/plan.h - from the state of a call to what the worker must bring about. */
#ifndef CALL_PLAN_H
#define CALL_PLAN_H

#include "call/model.h"

/* Makes call->plan, which is shared. CALL_TOO_LARGE: more than PLAN_MAX_STREAMS streams. */
NODISCARD enum call_status plan_make(struct call *call);

#endif
