/* SPDX-License-Identifier: Apache-2.0 */
/* A plan as text: one line a transport or stream, words only for what is not the default. */
#ifndef TEST_CALL_SCENARIO_PLAN_H
#define TEST_CALL_SCENARIO_PLAN_H

#include <stdio.h>

#include "plan/plan.h"

void scenario_print_plan(FILE *out, const struct plan *plan);

#endif
