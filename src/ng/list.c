/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/commands.h"
#include "session/session.h"

/* What a list may take of a datagram, and what an entry takes beside its text. */
enum { DEFAULT_LIMIT = 32, MAX_BYTES = 60000, ENTRY_BYTES = 8 };

struct listing {
    struct ng_arena *arena;
    struct ng_value *calls;
    size_t bytes;
    bool is_cut;
};

static void add_call(void *owner, struct text call_id)
{
    struct listing *listing = owner;
    listing->bytes += call_id.len + ENTRY_BYTES;
    if (listing->bytes > MAX_BYTES) {
        listing->is_cut = true;
        return;
    }
    ng_add_string(listing->arena, listing->calls, call_id);
}

void ng_run_list(struct ng_request *request)
{
    int64_t limit = DEFAULT_LIMIT;
    if (ng_get(request->in, "limit") != NULL &&
        (!ng_get_int(request->in, "limit", &limit) || limit < 0)) {
        ng_fail(request, "Invalid limit");
        return;
    }
    struct listing listing = {.arena = &request->arena,
        .calls = ng_put_list(&request->arena, request->out, TEXT("calls"))};
    if (limit > 0)
        sessions_list(ng_sessions(request), (size_t)limit, add_call, &listing);
    if (listing.is_cut)
        ng_put_string(&request->arena, request->out, TEXT("warning"), TEXT("List cut to fit"));
    ng_finish(request, "ok");
}
