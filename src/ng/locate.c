/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/locate.h"

#include <errno.h>
#include <stdio.h>

#include "bencode/tree.h"
#include "mediaferry/bencode.h"
#include "ng/forward_reply.h"
#include "ng/hold.h"
#include "session/session.h"

#define TOO_MANY "Too many commands wait for other nodes"

enum { REASON_SIZE = 256 };

static struct ng_elsewhere_counters *counters_of(const struct ng_request *request)
{
    return &request->server->counters.elsewhere;
}

static const struct ng_elsewhere *elsewhere_of(const struct ng_request *request)
{
    return request->server->config.elsewhere;
}

static uint64_t now_ms(const struct ng_request *request)
{
    return request->server->config.now_us() / 1000;
}

static uint64_t deadline_ms(const struct ng_request *request)
{
    return request->started_us / 1000 + NG_DEADLINE_MS;
}

static bool is_here(const struct ng_request *request)
{
    struct session_row row;
    return sessions_look(ng_sessions(request), request->options.call_id, &row);
}

/* An offer that should make a call: one within a dialog has a to-tag, and candidates belong to a
 * call that there is. */
static bool is_new(const struct ng_request *request)
{
    return request->command->verb == NG_VERB_OFFER && request->options.to_tag.len == 0 &&
           !request->options.flags.fragment;
}

/* --- its end here --- */

/* Each of the steps below tells whether the request has left its hold; else it waits for an answer.
 */
static bool carry_out(struct ng_request *request)
{
    ng_hold_leave(request);
    request->held.node = TEXT("");
    request->held.run(request);
    return true;
}

static bool refuse(struct ng_request *request, const char *reason)
{
    ng_hold_leave(request);
    ng_fail(request, reason);
    return true;
}

/* The reason names the node that was asked. */
static bool refuse_of(
    struct ng_request *request, const char *before, struct text node, const char *after)
{
    char reason[REASON_SIZE];
    if (node.len > REASON_SIZE / 2)
        node.len = REASON_SIZE / 2;
    snprintf(reason, sizeof(reason), "%s%.*s%s", before, TEXT_ARG(node), after);
    return refuse(request, reason);
}

static bool refuse_silent(struct ng_request *request, struct text node)
{
    return refuse_of(request, "Node ", node, " does not answer");
}

/* --- looking up --- */

static void found(void *asker, const struct ng_place *place);

static bool nowhere(struct ng_request *request)
{
    counter_add(&counters_of(request)->found_nowhere, 1);
    /* Somebody has it who does not answer: a second call of its name would be in the way. */
    return request->held.is_unanswered ? refuse_silent(request, request->held.node)
                                       : carry_out(request);
}

static bool look_up(struct ng_request *request)
{
    const struct ng_elsewhere *elsewhere = elsewhere_of(request);
    uint64_t wait_ms =
        !request->held.is_looked_up && is_new(request) ? NG_LOOK_UP_NEW_MS : NG_LOOK_UP_MS;
    request->held.is_looked_up = true;
    request->asks_elsewhere =
        elsewhere->find(elsewhere->owner, request->options.call_id, wait_ms, found, request);
    return request->asks_elsewhere ? false : nowhere(request);
}

static bool look_up_again(struct ng_request *request)
{
    if (request->held.is_looked_up_again)
        return nowhere(request);
    request->held.is_looked_up_again = true;
    return look_up(request);
}

static void work_off(struct ng_server *server, struct ng_hold *hold)
{
    bool goes_on = true;
    for (struct ng_request *at; goes_on && (at = ng_hold_oldest(hold)) != NULL;)
        goes_on = is_here(at) ? carry_out(at) : look_up(at);
    if (goes_on)
        ng_hold_free(server, hold);
}

/* --- forwarding --- */

/* The command as it came, and who sends it. */
static int send_on(struct ng_request *request, const struct address *to)
{
    struct ng_server *server = request->server;
    struct ng_value *document = ng_dict(&request->arena);
    ng_put_string(&request->arena, document, TEXT(NG_FORWARDED_KEY), elsewhere_of(request)->name);
    if (!ng_arena_ok(&request->arena))
        return -ENOMEM;
    document->last->next = request->in->first;
    document->last = request->in->last;

    struct writer w = writer_over(server->reply, sizeof(server->reply));
    bencode_write(&w, document);
    if (!writer_ok(&w))
        return -EMSGSIZE;
    return ng_forward_start(ng_forward_loop_forwarder(server->forwards), &request->held.forward, to,
        writer_bytes(&w), deadline_ms(request), now_ms(request));
}

static bool forward(struct ng_request *request, const struct ng_place *place)
{
    struct ng_elsewhere_counters *counters = counters_of(request);
    if (place->address.family == ADDRESS_NONE)
        return refuse_of(request, "Call is on node ", place->node,
            ", which has no address for ng (option node-address)");
    if (now_ms(request) >= deadline_ms(request))
        return refuse_silent(request, place->node);
    int error = send_on(request, &place->address);
    if (error == 0) {
        request->held.node = ng_arena_copy(&request->arena, place->node);
        counter_add(&counters->forwarded, 1);
        return false;
    }
    counter_add(error == -EBUSY ? &counters->refused : &counters->forward_failed, 1);
    return refuse(request, error == -EBUSY      ? TOO_MANY
                           : error == -EMSGSIZE ? "Command too large to be forwarded"
                                                : "Out of memory");
}

/* The call may have come here since: whoever takes one over takes its commands as well. */
static bool goes_on(struct ng_forward *self)
{
    struct ng_request *request = CONTAINER_OF(self, struct ng_request, held.forward);
    struct ng_server *server = request->server;
    struct ng_hold *hold = request->held.hold;
    if (!is_here(request))
        return true;
    ng_forward_cancel(self);
    counter_add(&counters_of(request)->found_here, 1);
    carry_out(request);
    work_off(server, hold);
    return false;
}

static bool pass_on(struct ng_request *request, struct bytes reply)
{
    const char *reason = "";
    struct ng_elsewhere_counters *counters = counters_of(request);
    enum ng_reply_kind kind = ng_forward_reply_read(reply, &request->arena, request->out, &reason);
    if (kind == NG_REPLY_UNKNOWN) {
        counter_add(&counters->forward_unknown, 1);
        request->out = ng_dict(&request->arena);
        return look_up_again(request);
    }
    if (kind == NG_REPLY_INVALID) {
        counter_add(&counters->forward_failed, 1);
        return refuse_of(request, "Node ", request->held.node, " gave an invalid reply");
    }
    counter_add(&counters->forward_answered, 1);
    ng_hold_leave(request);
    if (kind == NG_REPLY_ERROR)
        ng_fail(request, reason);
    else
        ng_finish(request, kind == NG_REPLY_OK ? "ok" : "load limit");
    return true;
}

static bool give_up(struct ng_request *request)
{
    counter_add(&counters_of(request)->forward_timeouts, 1);
    request->held.is_unanswered = true;
    return look_up_again(request);
}

static void ended(struct ng_forward *self, const struct bytes *reply)
{
    struct ng_request *request = CONTAINER_OF(self, struct ng_request, held.forward);
    struct ng_server *server = request->server;
    struct ng_hold *hold = request->held.hold;
    if (reply != NULL ? pass_on(request, *reply) : give_up(request))
        work_off(server, hold);
}

/* --- found --- */

/* The node may have been asked already: then it has said all it can. */
static bool there(struct ng_request *request, const struct ng_place *place)
{
    bool was_asked = request->held.node.len > 0 && text_equal(place->node, request->held.node);
    counter_add(&counters_of(request)->found_there, 1);
    return was_asked ? nowhere(request) : forward(request, place);
}

static void look_again(struct timer *timer, uint64_t at_ms)
{
    struct ng_request *request = CONTAINER_OF(timer, struct ng_request, held.look_again);
    struct ng_server *server = request->server;
    struct ng_hold *hold = request->held.hold;
    (void)at_ms;
    if (is_here(request) ? carry_out(request) : look_up(request))
        work_off(server, hold);
}

/* Its address may be on the way to another machine, and the call with it. */
static bool may_be_taken(struct ng_request *request)
{
    uint64_t now = now_ms(request), again_ms = now + NG_LOOK_AGAIN_MS;
    if (request->held.stranded_until_ms == 0)
        request->held.stranded_until_ms = now + NG_STRANDED_MS;
    if (again_ms > request->held.stranded_until_ms || again_ms > deadline_ms(request))
        return false;
    request->held.is_unanswered = false; /* what was told before does not count any more */
    request->held.node = TEXT("");
    timer_init(&request->held.look_again, look_again);
    ng_forwarder_later(
        ng_forward_loop_forwarder(request->server->forwards), &request->held.look_again, again_ms);
    return true;
}

static void warn_of_end(struct ng_request *request, struct text node)
{
    if (node.len > 0)
        ng_put_stringf(&request->arena, request->out, TEXT("warning"),
            "Node %.*s, which had the call, is gone", TEXT_ARG(node));
    else
        ng_put_string(&request->arena, request->out, TEXT("warning"),
            TEXT("The node that had the call has given it up"));
    request->why = "no node can go on with the call";
}

/* Its media cannot go on: an offer begins it anew, a delete ends what is left of it. */
static bool stranded(struct ng_request *request, const struct ng_place *place)
{
    const struct ng_elsewhere *elsewhere = elsewhere_of(request);
    if (may_be_taken(request))
        return false;
    counter_add(&counters_of(request)->found_stranded, 1);
    switch (request->command->verb) {
    case NG_VERB_DELETE:
        counter_add(&counters_of(request)->discarded, 1);
        elsewhere->discard(elsewhere->owner, request->options.call_id);
        return carry_out(request);
    case NG_VERB_ANSWER:
    case NG_VERB_QUERY:
        warn_of_end(request, place->node);
        return refuse(request, NG_UNKNOWN_CALL_ID);
    case NG_VERB_PING:
    case NG_VERB_OFFER:
    case NG_VERB_LIST:
    case NG_VERB_STATISTICS:
        break;
    }
    return carry_out(request);
}

static bool settle(struct ng_request *request, const struct ng_place *place)
{
    switch (place->kind) {
    case NG_HERE:
        counter_add(&counters_of(request)->found_here, 1);
        return carry_out(request);
    case NG_THERE:
        return there(request, place);
    case NG_STRANDED:
        return stranded(request, place);
    case NG_NOWHERE:
        break;
    }
    return nowhere(request);
}

static void found(void *asker, const struct ng_place *place)
{
    struct ng_request *request = asker;
    struct ng_server *server = request->server;
    struct ng_hold *hold = request->held.hold;
    request->asks_elsewhere = false;
    if (settle(request, place))
        work_off(server, hold);
}

/* --- from outside --- */

/* The other node has looked it up: it is here, or that node has to look again. */
static void take_forwarded(struct ng_request *request, void (*run)(struct ng_request *request))
{
    counter_add(&counters_of(request)->received, 1);
    if (is_here(request)) {
        run(request);
        return;
    }
    counter_add(&counters_of(request)->received_unknown, 1);
    ng_fail(request, NG_UNKNOWN_CALL_ID);
}

static void hold(struct ng_request *request, struct ng_hold *hold)
{
    bool is_first = ng_hold_oldest(hold) == NULL;
    request->held.forward.goes_on = goes_on;
    request->held.forward.ended = ended;
    ng_hold_add(hold, request);
    if (is_first)
        work_off(request->server, hold);
}

void ng_locate(struct ng_request *request, void (*run)(struct ng_request *request))
{
    struct ng_server *server = request->server;
    struct text call_id = request->options.call_id;
    request->held.run = run;
    if (ng_get(request->in, NG_FORWARDED_KEY) != NULL) {
        take_forwarded(request, run);
        return;
    }
    struct ng_hold *before =
        server->config.elsewhere != NULL ? ng_hold_find(server, call_id) : NULL;
    if (server->config.elsewhere == NULL || (before == NULL && is_here(request))) {
        run(request);
        return;
    }
    if (counter_get(&counters_of(request)->held) >= NG_HELD_MAX) {
        counter_add(&counters_of(request)->refused, 1);
        if (is_new(request) && before == NULL)
            run(request);
        else
            ng_fail(request, TOO_MANY);
        return;
    }
    if (before == NULL)
        before = ng_hold_new(server, call_id);
    if (before == NULL)
        ng_fail(request, "Out of memory");
    else
        hold(request, before);
}
