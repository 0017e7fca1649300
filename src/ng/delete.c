/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/commands.h"
#include "ng/locate.h"
#include "ng/report.h"

static void tell(void *owner, const struct session_report *report)
{
    struct ng_request *request = owner;
    const struct call_flags *flags = &request->options.flags;
    const struct session_outcome *outcome = &report->outcome;
    const char *warning = outcome->result.warning;

    if (outcome->status != SESSION_OK) {
        request->why = outcome->result.why;
        warning = call_status_text(outcome->call);
        if (flags->fatal || outcome->call != CALL_NO_MATCH) {
            ng_fail(request, warning);
            return;
        }
    }
    if (warning != NULL)
        ng_put_string(&request->arena, request->out, TEXT("warning"), text_from(warning));
    if (report->call != NULL && !flags->fast)
        ng_report(
            &request->arena, request->out, report, TEXT(""), ng_config(request)->ssrc_reporting);
    ng_finish(request, "ok");
}

static void carry_out(struct ng_request *request)
{
    if (sessions_delete(ng_sessions(request), &request->options, tell, request) != 0)
        ng_fail(request, call_status_text(CALL_OUT_OF_MEMORY));
}

void ng_run_delete(struct ng_request *request)
{
    ng_read_options(request);
    request->options.verb = CALL_DELETE;
    if (request->options.call_id.len == 0)
        ng_fail(request, "No call-id in message");
    else
        ng_locate(request, carry_out);
}
