/* SPDX-License-Identifier: Apache-2.0 */
#include "transcript.h"

#include "scenario_flags.h"
#include "scenario_world.h"

enum { MAX_SDP = 1 << 17, MAX_COMMANDS = 64 };

static void print_address(FILE *out, const char *name, const struct address *a)
{
    char text[ADDRESS_TEXT_SIZE];
    fprintf(out, " %s=%s", name, address_text(a, text));
}

static void print_hex(FILE *out, const char *name, const uint8_t *data, size_t len)
{
    fprintf(out, " %s=", name);
    for (size_t i = 0; i < len; i++)
        fprintf(out, "%02x", data[i]);
}

static void print_ice(FILE *out, const struct plan_ice *ice)
{
    if (ice == NULL)
        return;
    fprintf(out, " ice=%u%s %s:%s %s:%s", ice->generation, ice->remote_lite ? " lite" : "",
        ice->local_ufrag, ice->local_pwd, ice->remote_ufrag, ice->remote_pwd);
    for (uint8_t i = 0; i < ice->candidate_count; i++) {
        const struct plan_candidate *c = &ice->candidates[i];
        fprintf(out, " %u:%u", c->component, c->priority);
        print_address(out, "candidate", &c->address);
    }
}

static void print_srtp(FILE *out, const char *name, const struct plan_srtp *srtp)
{
    if (srtp == NULL)
        return;
    print_hex(out, name, srtp->key, sizeof(srtp->key));
    print_hex(out, "mki", srtp->mki, srtp->mki_len);
    fprintf(out, " %s%d%d%d", srtp->suite->name, srtp->unencrypted_srtp, srtp->unencrypted_srtcp,
        srtp->unauthenticated_srtp);
}

static void print_dtls(FILE *out, const struct plan_dtls *dtls)
{
    if (dtls == NULL)
        return;
    fprintf(out, " dtls=%u role=%d hash=%s", dtls->generation, dtls->role, dtls->hash);
    print_hex(out, "digest", dtls->digest, dtls->digest_len);
}

static void print_transport(FILE *out, const struct plan_transport *t)
{
    fprintf(out, "transport %u tos=%u %d%d%d%d learning=%d security=%d signalled=%u", t->id, t->tos,
        t->rtcp_mux, t->asymmetric, t->strict_source, t->media_handover, t->learning, t->security,
        t->signalled);
    for (uint8_t i = 0; i < t->local_count; i++) {
        fprintf(out, " lease=%u", t->locals[i].lease);
        print_address(out, "rtp", &t->locals[i].rtp);
        print_address(out, "rtcp", &t->locals[i].rtcp);
    }
    print_address(out, "to", &t->remote_rtp);
    print_address(out, "rtcp-to", &t->remote_rtcp);
    print_ice(out, t->ice);
    print_srtp(out, "rx", t->srtp_rx);
    print_srtp(out, "tx", t->srtp_tx);
    print_dtls(out, t->dtls);
    fprintf(out, "\n");
}

static void print_stream(FILE *out, const struct plan_stream *s)
{
    fprintf(out, "stream %u on=%u kind=%d timeout=%d %d%d%d%d mid=%u:%s", s->id, s->transport,
        s->kind, s->timeout, s->party_sends, s->party_receives, s->feedback, s->strip_extensions,
        s->mid_extension, s->mid != NULL ? s->mid : "");
    for (uint8_t i = 0; i < s->sink_count; i++)
        fprintf(out, " sink=%u", s->sinks[i]);
    for (uint8_t i = 0; i < s->payload_count; i++)
        fprintf(
            out, " %u=%s/%u", s->payloads[i].type, s->payloads[i].codec, s->payloads[i].clock_rate);
    for (uint8_t i = 0; i < s->ssrc_count; i++)
        fprintf(out, " ssrc=%u", s->ssrcs[i]);
    fprintf(out, "\n");
}

static void print_section(FILE *out, const struct call_section_info *s)
{
    fprintf(out, "  %.*s %.*s %.*s stream=%u on=%u %d%d%d%d%d%d%d%d%d %d%d%d", TEXT_ARG(s->type),
        TEXT_ARG(s->protocol), TEXT_ARG(s->codec), s->stream, s->transport, s->ice, s->trickle,
        s->ice_lite_peer, s->dtls, s->dtls_active, s->dtls_role_known, s->sdes, s->rtcp_mux,
        s->asymmetric, s->send, s->recv, s->feedback);
    print_address(out, "endpoint", &s->endpoint);
    print_address(out, "rtcp", &s->rtcp_endpoint);
    fprintf(out, "\n");
}

static void print_party(FILE *out, const struct call *call, uint32_t index)
{
    struct call_party_info p = call_party(call, index);
    fprintf(out, "party %.*s branch=%.*s label=%.*s created=%lld", TEXT_ARG(p.tag),
        TEXT_ARG(p.via_branch), TEXT_ARG(p.label), (long long)p.created_us);
    for (uint32_t i = 0; i < p.alias_count; i++)
        fprintf(out, " alias=%.*s", TEXT_ARG(p.aliases[i]));
    for (uint32_t i = 0; i < p.peer_count; i++)
        fprintf(out, " peer=%.*s", TEXT_ARG(p.peers[i]));
    fprintf(out, "\n");
    for (uint32_t i = 0; i < p.section_count; i++) {
        struct call_section_info s = call_section(call, index, i);
        print_section(out, &s);
    }
}

void transcript_print_call(FILE *out, const struct call *call)
{
    if (call == NULL)
        return;
    fprintf(out, "call %.*s created=%lld signalled=%lld metadata=%.*s\n", TEXT_ARG(call_id(call)),
        (long long)call_created_us(call), (long long)call_last_signal_us(call),
        TEXT_ARG(call_metadata(call)));
    for (uint32_t i = 0; i < call_party_count(call); i++)
        print_party(out, call, i);
    const struct plan *plan = call_plan(call);
    for (uint32_t i = 0; i < plan->transport_count; i++)
        print_transport(out, &plan->transports[i]);
    for (uint32_t i = 0; i < plan->stream_count; i++)
        print_stream(out, &plan->streams[i]);
}

/* Lines up to a dot alone, ended as SDP is. */
static struct text read_sdp(struct text *rest, char *room)
{
    size_t len = 0;
    while (rest->len > 0) {
        struct text line = text_cut(rest, '\n');
        if (text_is(line, ".") || len + line.len + 2 > MAX_SDP)
            break;
        len += (size_t)sprintf(room + len, "%.*s\r\n", TEXT_ARG(line));
    }
    return text_of(room, len);
}

static void run(struct world *w, struct call_command *command, struct text words, FILE *out)
{
    struct call_result result;
    command->call_id = TEXT("call");
    scenario_default_flags(&command->flags);
    while (words.len > 0 && command->flags.edit_count < CALL_MAX_NAMES)
        (void)!scenario_flag(command, text_word(&words, ' '));
    world_rest(w);
    transcript_print_call(out, w->call);
    enum call_status status = world_apply(w, command, &result);
    fprintf(out, "= %s %s %d released=%u %s\n%.*s", call_status_text(status), result.why,
        result.ended, w->released, result.warning != NULL ? result.warning : "",
        TEXT_ARG(result.sdp));
    transcript_print_call(out, w->call);
}

static void run_once(struct world *w, struct text rest, FILE *out)
{
    static const char *const verbs[] = {"offer", "answer", "delete"};
    static char room[MAX_SDP];
    for (unsigned commands = 0; rest.len > 0 && commands < MAX_COMMANDS;) {
        struct text words = text_cut(&rest, '\n');
        struct text first = text_word(&words, ' ');
        if (text_is(first, "set"))
            (void)!scenario_set(w, words);
        if (text_is(first, "interface") && w->call == NULL)
            (void)!scenario_interface(w, words);
        for (size_t i = 0; i < COUNT_OF(verbs); i++) {
            struct call_command command = {.verb = (enum call_verb)i};
            if (!text_is(first, verbs[i]))
                continue;
            commands++;
            if (command.verb != CALL_DELETE)
                command.sdp = read_sdp(&rest, room);
            run(w, &command, words, out);
        }
    }
}

void transcript_run(struct world *w, struct text dialog, unsigned rounds, FILE *out)
{
    for (unsigned i = 0; i < rounds; i++)
        run_once(w, dialog, out);
    world_rest(w);
    transcript_print_call(out, w->call);
}
