/* SPDX-License-Identifier: Apache-2.0 */
/* call/clone.h - how a call comes to be; its deep copy is call_clone() of call/call.h, made so that
 * a failed command changes nothing. */
#ifndef CALL_CLONE_H
#define CALL_CLONE_H

#include "call/model.h"

/* Returns a new call without parties; NULL when memory is short. */
struct call *call_new(struct text id, int64_t created_us);

#endif
