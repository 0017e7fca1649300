/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/pipeline.h"

#include <stdlib.h>

#include "relay/turn.h"

struct turn *pipeline_turn_new(void)
{
    return calloc(1, sizeof(struct turn));
}

void pipeline_turn_free(struct turn *turn)
{
    free(turn);
}

enum drop_reason turn_srtp_drop(enum rtpsec_verdict verdict)
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

static void unprotect(struct turn *turn)
{
    size_t count = 0;
    for (size_t i = 0; i < turn->in_count; i++) {
        struct inbound *in = &turn->in[i];
        if (in->component->transport->plan.security == PLAN_PLAIN)
            continue;
        turn->owners[count] = i;
        turn->jobs[count++] = (struct rtpsec_packet){
            .session = component_keys(in->component)->rx,
            .data = in->packet->data,
            .len = in->packet->len,
            .capacity = in->packet->len + packet_tailroom(in->packet),
            .is_rtcp = in->kind == KIND_RTCP,
        };
    }
    rtpsec_unprotect(turn->jobs, count);
    for (size_t i = 0; i < count; i++) {
        struct inbound *in = &turn->in[turn->owners[i]];
        in->packet->len = turn->jobs[i].len;
        enum drop_reason drop = turn_srtp_drop(turn->jobs[i].verdict);
        if (drop != DROP_NONE)
            turn_refuse(in, drop);
    }
}

void pipeline_run(struct relay *relay, struct packet_batch *batch, uint64_t now_ms)
{
    struct turn *turn = relay->turn;

    turn->in_count = 0;
    relay->dtls_left = RELAY_DTLS_PER_TURN;
    for (size_t i = 0; i < batch->count; i++)
        turn_admit(relay, batch->packets[i], now_ms);

    unprotect(turn);
    for (size_t i = 0; i < turn->in_count; i++) {
        struct inbound *in = &turn->in[i];
        if (in->packet->drop == DROP_NONE && turn_place(in, now_ms))
            turn_fan_out(relay, in);
    }
    turn_flush(relay);
}
