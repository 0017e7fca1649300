/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ng/options.h - what a dictionary asks for, as a command to the dialog model.
 *
 * Every spelling of the ng protocol is known here, and nowhere else: keys, words of lists, words
 * with a prefix in `flags`, and the raw string of `rtpp-flags`, which counts where both say
 * something. What is not known, or not supported, has no effect but is noted.
 */
#ifndef NG_OPTIONS_H
#define NG_OPTIONS_H

#include "call/call.h"
#include "mediaferry/ng.h"

enum { NG_IGNORED_SIZE = 256 };

/* Words without effect, separated by commas; what is too much is cut off. Starts as all zeros. */
struct ng_ignored {
    char words[NG_IGNORED_SIZE];
};

void ng_ignore(struct ng_ignored *ignored, struct text word);

/*
 * Fills `out`, whose verb the caller sets afterwards. A missing delete-delay is -1 and a missing
 * TOS 256: as configured. Texts borrow the dictionary or live in the arena.
 */
void ng_options_read(const struct ng_value *in, struct ng_arena *arena, struct call_command *out,
    struct ng_ignored *ignored);

#endif
