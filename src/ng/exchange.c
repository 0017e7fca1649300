/* SPDX-License-Identifier: Apache-2.0 */
/* offer and answer */
#include "ng/commands.h"
#include "ng/locate.h"
#include "session/session.h"

#define LIMIT_REACHED "Parallel session limit reached"

/* What every offer and answer must have, in the order in which it is missed. */
static const char *missing_part(const struct call_command *command)
{
    if (command->sdp.len == 0)
        return "No SDP body in message";
    if (command->call_id.len == 0)
        return "No call-id in message";
    if (command->from_tag.len == 0)
        return "No from-tag in message";
    if (command->verb == CALL_ANSWER && command->to_tag.len == 0)
        return "No to-tag in message";
    return NULL;
}

static void tell(struct ng_request *request, const struct session_outcome *outcome)
{
    switch (outcome->status) {
    case SESSION_LIMIT:
        ng_refuse(request, LIMIT_REACHED);
        return;
    case SESSION_FAILED:
        request->why = outcome->result.why;
        ng_fail(request, call_status_text(outcome->call));
        return;
    case SESSION_OK:
        break;
    }
    ng_put_string(&request->arena, request->out, TEXT("sdp"), outcome->result.sdp);
    if (outcome->result.warning != NULL)
        ng_put_string(
            &request->arena, request->out, TEXT("warning"), text_from(outcome->result.warning));
    ng_finish(request, "ok");
}

static void carry_out(struct ng_request *request)
{
    struct session_outcome outcome = sessions_exchange(ng_sessions(request), &request->options);
    tell(request, &outcome);
}

static void exchange(struct ng_request *request, enum call_verb verb)
{
    ng_read_options(request);
    request->options.verb = verb;
    const char *missing = missing_part(&request->options);
    if (missing != NULL)
        ng_fail(request, missing);
    else
        ng_locate(request, carry_out);
}

void ng_run_offer(struct ng_request *request)
{
    exchange(request, CALL_OFFER);
}

void ng_run_answer(struct ng_request *request)
{
    exchange(request, CALL_ANSWER);
}
