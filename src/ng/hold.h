/* SPDX-License-Identifier: Apache-2.0 */
/* ng/hold.h - commands that are held, by call-id: the oldest is worked on, the others wait. */
#ifndef NG_HOLD_H
#define NG_HOLD_H

#include "ng/state.h"

/* NULL when none is held. */
struct ng_hold *ng_hold_find(const struct ng_server *server, struct text call_id);

/* An empty one, freed by the caller; NULL when out of memory. */
struct ng_hold *ng_hold_new(struct ng_server *server, struct text call_id);
void ng_hold_free(struct ng_server *server, struct ng_hold *hold);
/* Of all call-ids, with their requests. */
void ng_hold_drop_all(struct ng_server *server);

/* Takes a request in as the last, or out again; counts it. */
void ng_hold_add(struct ng_hold *hold, struct ng_request *request);
void ng_hold_leave(struct ng_request *request);

/* NULL when it is empty. */
struct ng_request *ng_hold_oldest(const struct ng_hold *hold);

#endif
