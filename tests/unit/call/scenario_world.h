/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a scenario that shape its world. */
#ifndef TEST_CALL_SCENARIO_WORLD_H
#define TEST_CALL_SCENARIO_WORLD_H

#include "world.h"

/* `NAME VALUE` behind `set`; false for an unknown name. */
NODISCARD bool scenario_set(struct world *w, struct text words);

/* `NAME ADDRESS...` behind `interface`; false for nonsense. */
NODISCARD bool scenario_interface(struct world *w, struct text words);

#endif
