/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario_plan.h"

static void print_address(FILE *out, const char *name, const struct address *a)
{
    char text[ADDRESS_TEXT_SIZE];
    if (a->family != ADDRESS_NONE)
        fprintf(out, " %s=%s", name, address_text(a, text));
}

static void print_ice(FILE *out, const struct plan_ice *ice)
{
    if (ice == NULL)
        return;
    fprintf(out, " ice=%u ufrag=%s pwd=%.4s", ice->generation, ice->local_ufrag, ice->local_pwd);
    if (ice->remote_ufrag[0] != '\0')
        fprintf(out, " their-ufrag=%s", ice->remote_ufrag);
    if (ice->remote_lite)
        fprintf(out, " their-lite");
    for (uint8_t i = 0; i < ice->candidate_count; i++)
        print_address(out, ice->candidates[i].component == 1 ? "candidate" : "candidate2",
            &ice->candidates[i].address);
}

static void print_keys(FILE *out, const char *name, const struct plan_srtp *srtp)
{
    if (srtp != NULL)
        fprintf(out, " %s=%s:%02x%02x%s", name, srtp->suite->name, srtp->key[0], srtp->key[1],
            srtp->unencrypted_srtcp ? ":unencrypted-srtcp" : "");
}

static void print_security(FILE *out, const struct plan_transport *t)
{
    static const char *const roles[] = {"undecided", "passive", "active"};
    if (t->security == PLAN_SDES) {
        fprintf(out, " sdes");
        print_keys(out, "rx", t->srtp_rx);
        print_keys(out, "tx", t->srtp_tx);
    }
    if (t->security != PLAN_DTLS)
        return;
    fprintf(out, " dtls=%u role=%s", t->dtls->generation, roles[t->dtls->role]);
    if (t->dtls->digest_len > 0)
        fprintf(out, " fingerprint=%s:%02X", t->dtls->hash, t->dtls->digest[0]);
}

static void print_transport(FILE *out, const struct plan_transport *t)
{
    static const char *const learning[] = {"off", "immediate", "delayed", "heuristic"};
    fprintf(out, "transport %u", t->id);
    for (uint8_t i = 0; i < t->local_count; i++) {
        print_address(out, "rtp", &t->locals[i].rtp);
        print_address(out, "rtcp", &t->locals[i].rtcp);
        if (t->locals[i].lease == 0)
            fprintf(out, " shared");
    }
    print_address(out, "to", &t->remote_rtp);
    print_address(out, "rtcp-to", &t->remote_rtcp);
    if (t->rtcp_mux)
        fprintf(out, " mux");
    print_ice(out, t->ice);
    print_security(out, t);
    if (t->learning != PLAN_LEARN_HEURISTIC)
        fprintf(out, " learning=%s", learning[t->learning]);
    if (t->asymmetric)
        fprintf(out, " asymmetric");
    if (t->strict_source)
        fprintf(out, " strict-source");
    if (t->media_handover)
        fprintf(out, " media-handover");
    if (t->tos != 0)
        fprintf(out, " tos=%u", t->tos);
    fprintf(out, " signalled=%u\n", t->signalled);
}

static void print_stream(FILE *out, const struct plan_stream *s)
{
    static const char *const timeouts[] = {"media", "silent", "offer"};
    fprintf(out, "stream %u on=%u", s->id, s->transport);
    fprintf(out, "%s%s%s%s%s timeout=%s", s->kind == PLAN_STREAM_RAW ? " raw" : "",
        s->party_sends ? " sends" : "", s->party_receives ? " receives" : "",
        s->feedback ? " feedback" : "", s->strip_extensions ? " strip" : "", timeouts[s->timeout]);
    for (uint8_t i = 0; i < s->sink_count; i++)
        fprintf(out, " sink=%u", s->sinks[i]);
    if (s->mid != NULL)
        fprintf(out, " mid=%s", s->mid);
    if (s->mid_extension != 0)
        fprintf(out, " mid-extension=%u", s->mid_extension);
    for (uint8_t i = 0; i < s->payload_count; i++)
        fprintf(
            out, "%s%u:%s", i == 0 ? " payloads=" : ",", s->payloads[i].type, s->payloads[i].codec);
    for (uint8_t i = 0; i < s->ssrc_count; i++)
        fprintf(out, "%s%u", i == 0 ? " ssrcs=" : ",", s->ssrcs[i]);
    fprintf(out, "\n");
}

void scenario_print_plan(FILE *out, const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->transport_count; i++)
        print_transport(out, &plan->transports[i]);
    for (uint32_t i = 0; i < plan->stream_count; i++)
        print_stream(out, &plan->streams[i]);
}
