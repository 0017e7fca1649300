/* SPDX-License-Identifier: Apache-2.0 */
/* Frames from the wire: what is read lies within them, and written again it reads the same. */
#include "../require.h"
#include "xdp/frame.h"

static const uint8_t mac[FRAME_MAC_SIZE] = {2, 0, 0, 0, 0, 1};

static void write_again(const struct frame_in *in)
{
    static uint8_t out[70000];
    struct frame_out how = {.source_mac = mac,
        .destination_mac = mac,
        .from = &in->from,
        .to = &in->to,
        .tos = in->tos,
        .hop_limit = 64,
        .dont_fragment = in->payload.len % 2 == 0,
        .id = in->to.port};
    struct frame_in again;
    size_t len = frame_write(out, sizeof(out), &how, in->payload);
    require(len == FRAME_ETHERNET_SIZE + frame_packet_size(in->from.family, in->payload.len));
    require(frame_write(out, len - 1, &how, in->payload) == 0);
    require(frame_read(bytes_of(out, len), &again) == DROP_NONE);
    require(address_equal(&again.from, &in->from) && address_equal(&again.to, &in->to));
    require(again.tos == in->tos && bytes_equal(again.payload, in->payload));

    /* Without its last byte it is none. */
    require(frame_read(bytes_of(out, len - 1), &again) == DROP_FRAME_MALFORMED);
}

/* The whole also as a payload, so that sums over all lengths come to be written. */
static void write_as_payload(struct bytes data)
{
    struct frame_in in = {.payload = data, .tos = 0x20};
    struct text ip = data.len % 3 == 0 ? TEXT("2001:db8::7") : TEXT("192.0.2.7");
    require(address_parse(ip, &in.from));
    in.to = in.from;
    in.to.port = (uint16_t)data.len;
    write_again(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes frame = bytes_of(data, size);
    struct frame_in in;
    if (size > 4096)
        return 0;
    if (frame_read(frame, &in) == DROP_NONE) {
        require(lies_within(in.payload, frame));
        require(in.from.family == in.to.family && in.from.family != ADDRESS_NONE);
        write_again(&in);
    }
    write_as_payload(frame);
    return 0;
}
