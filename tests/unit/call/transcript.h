/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dialog carried out and written down: each reply, and before and after each command all that the
 * call tells about itself. Scenarios of tests/vectors/call and the corpus of fuzz_call_apply can be
 * read as one; what is no command and no setting is passed over.
 */
#ifndef TEST_CALL_TRANSCRIPT_H
#define TEST_CALL_TRANSCRIPT_H

#include <stdio.h>

#include "world.h"

/* All that a plan, and the parties and sections of a call tell. */
void transcript_print_call(FILE *out, const struct call *call);

/* Runs the dialog, no more than 64 commands of it, `rounds` times in a row in one world. */
void transcript_run(struct world *w, struct text dialog, unsigned rounds, FILE *out);

#endif
