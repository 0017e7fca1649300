/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands on one call, told as text as in fuzz_call_apply, carried out twice: with a call that is
 * kept, and with one that is written into a record and read after each command.
 *
 * Claim: every call can be written and read, and both give the same replies, plans and reports.
 */
#include "../require.h"

#include "transcript.h"

static char *play(struct text dialog, world_rest_fn *rest)
{
    static struct world w;
    char *out = NULL;
    size_t len = 0;
    world_init(&w);
    require(world_add_address(&w, "external", "203.0.113.10"));
    require(world_add_address(&w, "external", "2001:db8::10"));
    require(world_add_address(&w, "internal", "10.20.0.10"));
    w.rest = rest;
    FILE *file = open_memstream(&out, &len);
    require(file != NULL);
    transcript_run(&w, dialog, 1, file);
    fclose(file);
    if (w.broken != NULL)
        fprintf(stderr, "this must hold: %s\n", w.broken);
    require(w.broken == NULL);
    world_done(&w);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text dialog = text_from_bytes(bytes_of(data, size));
    char *kept = play(dialog, NULL);
    char *resumed = play(dialog, world_through_record);
    require(strcmp(kept, resumed) == 0);
    free(kept);
    free(resumed);
    return 0;
}
