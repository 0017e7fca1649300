/* SPDX-License-Identifier: Apache-2.0 */
/* list: the calls that are here, then those of other nodes. */
#include "ng/commands.h"
#include "session/session.h"

/* What a list may take of a datagram, and what an entry takes beside its text. */
enum { DEFAULT_LIMIT = 32, MAX_BYTES = 60000, ENTRY_BYTES = 8 };

struct ng_listing {
    struct ng_value *calls;
    size_t count, bytes;
    bool is_cut;
};

static void add_call(void *owner, struct text call_id)
{
    struct ng_request *request = owner;
    struct ng_listing *listing = request->listing;
    listing->bytes += call_id.len + ENTRY_BYTES;
    if (listing->bytes > MAX_BYTES) {
        listing->is_cut = true;
        return;
    }
    listing->count++;
    ng_add_string(&request->arena, listing->calls, call_id);
}

static void finish(struct ng_request *request)
{
    if (request->listing->is_cut)
        ng_put_string(&request->arena, request->out, TEXT("warning"), TEXT("List cut to fit"));
    ng_finish(request, "ok");
}

static void others_told(void *asker)
{
    struct ng_request *request = asker;
    request->asks_elsewhere = false;
    finish(request);
}

static bool ask_others(struct ng_request *request, size_t limit)
{
    const struct ng_elsewhere *elsewhere = ng_config(request)->elsewhere;
    if (elsewhere == NULL || limit == 0 || request->listing->is_cut)
        return false;
    request->asks_elsewhere =
        elsewhere->list(elsewhere->owner, limit, add_call, others_told, request);
    return request->asks_elsewhere;
}

void ng_run_list(struct ng_request *request)
{
    int64_t limit = DEFAULT_LIMIT;
    if (ng_get(request->in, "limit") != NULL &&
        (!ng_get_int(request->in, "limit", &limit) || limit < 0)) {
        ng_fail(request, "Invalid limit");
        return;
    }
    request->listing = ng_arena_take(&request->arena, sizeof(*request->listing));
    if (request->listing == NULL) {
        ng_fail(request, "Out of memory");
        return;
    }
    request->listing->calls = ng_put_list(&request->arena, request->out, TEXT("calls"));
    if (limit > 0)
        sessions_list(ng_sessions(request), (size_t)limit, add_call, request);
    if (!ask_others(request, (size_t)limit - request->listing->count))
        finish(request);
}
