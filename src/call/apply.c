/* SPDX-License-Identifier: Apache-2.0 */
/* One command on a call: on a copy, which is the new state when all went well. */
#include "call/clone.h"
#include "call/exchange.h"
#include "call/lease.h"
#include "call/plan.h"
#include "call/remove.h"

#include <stdlib.h>

/* `WebRTC` is short for a set of flags (ng-protocol 2.3); what is said beside it counts more. */
static void spell_out(struct call_flags *flags)
{
    if (!flags->web_rtc)
        return;
    if (flags->protocol == SDP_PROTOCOL_OTHER)
        flags->protocol = SDP_UDP_TLS_RTP_SAVPF;
    if (flags->ice == CALL_ICE_DEFAULT)
        flags->ice = CALL_ICE_FORCE;
    flags->mux.offer = flags->mux.require = true;
    flags->no_rtcp_attribute = true;
    flags->sdes.off = true;
    flags->generate_mid = true;
}

static struct call *next_state(const struct work *w, const struct call *now)
{
    if (now != NULL)
        return call_working_copy(now);
    struct call *call = call_new(w->command->call_id, w->env->wall_us);
    if (call != NULL)
        call->tos = w->env->config->tos;
    return call;
}

static enum call_status carry_out(struct work *w)
{
    w->call->last_signal_us = w->env->wall_us;
    switch (w->command->verb) {
    case CALL_OFFER:
        return w->flags.fragment ? exchange_fragment(w) : exchange_offer(w);
    case CALL_ANSWER:
        return w->flags.fragment ? exchange_fragment(w) : exchange_answer(w);
    case CALL_DELETE:
        return remove_parties(w);
    default:
        abort();
    }
}

static enum call_status run(struct work *w, const struct call *now)
{
    bool makes_call = w->command->verb == CALL_OFFER && !w->flags.fragment;
    if (now == NULL && !makes_call)
        return work_fail(w, CALL_UNKNOWN, "no such call");
    w->call = next_state(w, now);
    if (w->call == NULL)
        return CALL_OUT_OF_MEMORY;
    enum call_status status = carry_out(w);
    if (status != CALL_OK)
        return status;
    status = plan_make(w->call);
    if (status == CALL_TOO_LARGE)
        return work_fail(w, status, "more than %d streams", PLAN_MAX_STREAMS);
    return w->call->arena.failed ? CALL_OUT_OF_MEMORY : status;
}

/* The SDP to hand back is most often that which the new state keeps. */
static enum call_status keep(struct work *w, struct call **next)
{
    *next = call_clone(w->call);
    if (*next == NULL)
        return CALL_OUT_OF_MEMORY;
    const struct party *p = w->receiver;
    if (p != NULL && w->out->sdp.len > 0 && w->out->sdp.data == p->sdp_out.data)
        w->out->sdp = (*next)->parties[p->index]->sdp_out;
    return CALL_OK;
}

enum call_status call_apply(const struct call *now, const struct call_command *command,
    const struct call_env *env, struct call **next, struct call_result *out)
{
    *next = NULL;
    *out = (struct call_result){0};
    struct work *w = calloc(1, sizeof(*w));
    if (w == NULL)
        return CALL_OUT_OF_MEMORY;
    w->command = command;
    w->env = env;
    w->flags = command->flags;
    w->out = out;
    w->is_offer = command->verb == CALL_OFFER;
    spell_out(&w->flags);

    enum call_status status = run(w, now);
    if (status == CALL_OK && !w->is_void)
        status = keep(w, next);
    lease_sweep(w, *next != NULL ? (*next)->plan : NULL);
    call_free(w->call);
    if (status != CALL_OK) {
        out->sdp = text_of(NULL, 0);
        out->warning = NULL;
        out->ended = false;
    }
    free(w);
    return status;
}
