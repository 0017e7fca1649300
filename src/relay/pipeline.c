/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/pipeline.h"

#include <stdlib.h>

#include "relay/round.h"

struct round *pipeline_round_new(void)
{
    return calloc(1, sizeof(struct round));
}

void pipeline_round_free(struct round *round)
{
    free(round);
}

enum drop_reason round_srtp_drop(enum rtpsec_verdict verdict)
{
    switch (verdict) {
    case RTPSEC_OK:
        return DROP_NONE;
    case RTPSEC_AUTH_FAILED:
        return DROP_SRTP_AUTH;
    case RTPSEC_REPLAYED:
    case RTPSEC_TOO_OLD:
        return DROP_SRTP_REPLAY;
    case RTPSEC_NO_KEY:
        return DROP_NO_KEYS;
    case RTPSEC_MALFORMED:
    case RTPSEC_NO_ROOM:
    case RTPSEC_KEY_EXPIRED:
    case RTPSEC_TOO_MANY_SSRC:
    case RTPSEC_NOT_READY:
    case RTPSEC_ENGINE_FAILED:
        return DROP_SRTP_FAILED;
    }
    return DROP_SRTP_FAILED;
}

static void unprotect(struct round *round)
{
    size_t count = 0;
    for (size_t i = 0; i < round->in_count; i++) {
        struct inbound *in = &round->in[i];
        if (in->component->transport->plan.security == PLAN_PLAIN)
            continue;
        round->owners[count] = i;
        round->jobs[count++] = (struct rtpsec_packet){
            .session = component_keys(in->component)->rx,
            .data = in->packet->data,
            .len = in->packet->len,
            .capacity = in->packet->len + packet_tailroom(in->packet),
            .is_rtcp = in->kind == KIND_RTCP,
        };
    }
    rtpsec_unprotect(round->jobs, count);
    for (size_t i = 0; i < count; i++) {
        struct inbound *in = &round->in[round->owners[i]];
        in->packet->len = round->jobs[i].len;
        enum drop_reason drop = round_srtp_drop(round->jobs[i].verdict);
        if (drop != DROP_NONE)
            round_refuse(in, drop);
    }
}

void pipeline_run(struct relay *relay, struct packet_batch *batch, uint64_t now_ms)
{
    struct round *round = relay->round;

    round->in_count = 0;
    relay->dtls_left = RELAY_DTLS_PER_TURN;
    for (size_t i = 0; i < batch->count; i++)
        round_admit(relay, batch->packets[i], now_ms);

    unprotect(round);
    for (size_t i = 0; i < round->in_count; i++) {
        struct inbound *in = &round->in[i];
        if (in->packet->drop == DROP_NONE && round_place(in, now_ms))
            round_fan_out(relay, in);
    }
    round_flush(relay);
}
