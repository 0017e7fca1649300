/* SPDX-License-Identifier: Apache-2.0 */
#include "stamp.h"

enum { MAGIC = 0x6d664c64, SAMPLES = 160, PLAIN_HEADER = 0x80 };

/* As it lies in the payload. It comes back to the process that wrote it: no byte order needed. */
struct wire_stamp {
    uint32_t magic;
    uint32_t flow;
    uint64_t number;
};
_Static_assert(sizeof(struct wire_stamp) == STAMP_SIZE, "no padding");

void stamp_write(uint8_t *out, const struct stamp *stamp, uint8_t payload_type, uint32_t ssrc)
{
    struct wire_stamp wire = {.magic = MAGIC, .flow = stamp->flow, .number = stamp->number};
    out[0] = PLAIN_HEADER;
    out[1] = payload_type;
    rtp_set_seq(out, (uint16_t)stamp->number);
    rtp_set_timestamp(out, (uint32_t)stamp->number * SAMPLES);
    rtp_set_ssrc(out, ssrc);
    memcpy(out + RTP_HEADER_SIZE, &wire, sizeof(wire));
}

static struct bytes payload_of(struct bytes packet)
{
    struct rtp_packet parsed;
    if (packet.len >= STAMP_PACKET_MIN && packet.data[0] == PLAIN_HEADER)
        return bytes_of(packet.data + RTP_HEADER_SIZE, packet.len - RTP_HEADER_SIZE);
    return rtp_parse(packet, &parsed) == RTP_OK ? parsed.payload : bytes_of(NULL, 0);
}

bool stamp_read(struct bytes packet, struct stamp *out)
{
    struct bytes payload = payload_of(packet);
    struct wire_stamp wire;
    if (payload.len < sizeof(wire))
        return false;
    memcpy(&wire, payload.data, sizeof(wire));
    if (wire.magic != MAGIC)
        return false;
    *out = (struct stamp){.flow = wire.flow, .number = wire.number};
    return true;
}
