/* SPDX-License-Identifier: Apache-2.0 */
/* One word of a scenario's command line, `name` or `name=value`, as a flag of the command. */
#ifndef TEST_CALL_SCENARIO_FLAGS_H
#define TEST_CALL_SCENARIO_FLAGS_H

#include "call/call.h"

/* The defaults of a message without flags. */
void scenario_default_flags(struct call_flags *flags);

/* False for a word that means nothing. Texts borrow the word. */
NODISCARD bool scenario_flag(struct call_command *command, struct text word);

#endif
