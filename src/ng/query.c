/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/commands.h"
#include "ng/locate.h"
#include "ng/report.h"

static void tell(void *owner, const struct session_report *report)
{
    struct ng_request *request = owner;
    const struct call_command *options = &request->options;
    if (report->call == NULL) {
        ng_fail(request, call_status_text(report->outcome.call));
        return;
    }
    struct text tag = options->to_tag.len > 0 ? options->to_tag : options->from_tag;
    ng_report(&request->arena, request->out, report, tag, ng_config(request)->ssrc_reporting);
    ng_finish(request, "ok");
}

static void carry_out(struct ng_request *request)
{
    if (sessions_query(ng_sessions(request), request->options.call_id, tell, request) != 0)
        ng_fail(request, call_status_text(CALL_OUT_OF_MEMORY));
}

void ng_run_query(struct ng_request *request)
{
    ng_read_options(request);
    if (request->options.call_id.len == 0)
        ng_fail(request, "No call-id in message");
    else
        ng_locate(request, carry_out);
}
