/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/demux.h"

enum { SEVERAL = -2 };

void demux_init(struct demux *d)
{
    d->member_count = 0;
    d->is_raw = false;
    d->ssrc_count = 0;
    d->next_victim = 0;
    memset(d->by_payload, DEMUX_NONE, sizeof(d->by_payload));
}

int demux_find_ssrc(const struct demux *d, uint32_t ssrc)
{
    for (uint32_t i = 0; i < d->ssrc_count; i++)
        if (d->ssrcs[i].ssrc == ssrc)
            return d->ssrcs[i].member;
    return DEMUX_NONE;
}

/* Room for one more: a new entry, or the oldest learned one. Signalled ones are at most
 * PLAN_MAX_SSRCS a stream, but many streams may fill the table: then nothing is learned. */
static struct demux_ssrc *room_for_ssrc(struct demux *d)
{
    if (d->ssrc_count < DEMUX_MAX_SSRCS)
        return &d->ssrcs[d->ssrc_count++];
    for (uint32_t tries = 0; tries < DEMUX_MAX_SSRCS; tries++) {
        struct demux_ssrc *victim = &d->ssrcs[d->next_victim++ % DEMUX_MAX_SSRCS];
        if (!victim->signalled)
            return victim;
    }
    return NULL;
}

static void remember(struct demux *d, uint32_t ssrc, int member, bool signalled)
{
    for (uint32_t i = 0; i < d->ssrc_count; i++) {
        if (d->ssrcs[i].ssrc != ssrc)
            continue;
        d->ssrcs[i].member = (int8_t)member;
        return;
    }
    struct demux_ssrc *entry = room_for_ssrc(d);
    if (entry != NULL)
        *entry =
            (struct demux_ssrc){.ssrc = ssrc, .member = (int8_t)member, .signalled = signalled};
}

int demux_add(struct demux *d, const struct plan_stream *stream)
{
    int member = (int)d->member_count++;
    d->members[member] = stream;
    d->ids[member] = stream->id;
    d->is_raw = member == 0 && stream->kind == PLAN_STREAM_RAW;
    for (uint8_t i = 0; i < stream->payload_count; i++) {
        int8_t *owner = &d->by_payload[stream->payloads[i].type & 0x7f];
        if (*owner != member)
            *owner = *owner == DEMUX_NONE ? (int8_t)member : SEVERAL;
    }
    for (uint8_t i = 0; i < stream->ssrc_count; i++)
        remember(d, stream->ssrcs[i], member, true);
    return member;
}

/* The member whose mid the packet carries. False without the extension; true with DEMUX_NONE for a
 * mid of nobody, which means that the packet is dropped (RFC 9143, section 9.2). */
static bool find_mid(const struct demux *d, const struct rtp_packet *packet, int *out)
{
    bool carries_one = false;
    for (uint32_t i = 0; packet->has_extension && i < d->member_count; i++) {
        const struct plan_stream *stream = d->members[i];
        struct bytes mid;
        if (stream->mid_extension == 0 || !rtp_find_element(packet, stream->mid_extension, &mid))
            continue;
        carries_one = true;
        *out = DEMUX_NONE;
        if (stream->mid == NULL || !text_is(text_from_bytes(mid), stream->mid))
            continue;
        *out = (int)i;
        return true;
    }
    return carries_one;
}

int demux_rtp(struct demux *d, const struct rtp_packet *packet)
{
    int member;

    if (d->member_count == 1)
        return 0;
    if (find_mid(d, packet, &member)) {
        if (member != DEMUX_NONE)
            remember(d, packet->ssrc, member, false);
        return member;
    }
    member = demux_find_ssrc(d, packet->ssrc);
    if (member != DEMUX_NONE)
        return member;
    member = d->by_payload[packet->payload_type & 0x7f];
    if (member < 0)
        return DEMUX_NONE;
    remember(d, packet->ssrc, member, false);
    return member;
}

void demux_learn(struct demux *d, uint32_t ssrc, uint32_t id)
{
    for (uint32_t m = 0; m < d->member_count; m++)
        if (d->ids[m] == id && demux_find_ssrc(d, ssrc) == DEMUX_NONE)
            remember(d, ssrc, (int)m, false);
}

void demux_keep_learned(struct demux *d, const struct demux *from)
{
    for (uint32_t i = 0; i < from->ssrc_count; i++) {
        const struct demux_ssrc *old = &from->ssrcs[i];
        if (!old->signalled)
            demux_learn(d, old->ssrc, from->ids[old->member]);
    }
}
