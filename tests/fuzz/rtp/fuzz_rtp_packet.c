/* SPDX-License-Identifier: Apache-2.0 */
/* Any packet to the RTP reader; what it accepts is written again, changed and stripped. */
#include "../require.h"
#include "mediaferry/classify.h"
#include "mediaferry/rtp.h"

static void walk_elements(const struct rtp_packet *p)
{
    struct rtp_elements walk = rtp_elements(p);
    struct rtp_element e;
    while (rtp_next_element(&walk, &e)) {
        struct bytes first;
        require(lies_within(e.value, p->extension));
        require(rtp_find_element(p, e.id, &first));
        require(e.id != 0);
    }
}

static void write_again(const struct rtp_packet *p, struct bytes packet)
{
    static uint8_t memory[1 << 18];
    struct writer w = writer_over(memory, sizeof(memory));
    struct rtp_packet second;
    rtp_write(&w, p);
    require(writer_ok(&w) && w.len == packet.len);
    require(rtp_parse(writer_bytes(&w), &second) == RTP_OK);
    require(second.seq == p->seq && second.ssrc == p->ssrc && second.timestamp == p->timestamp);
    require(second.header_len == p->header_len && second.padding_len == p->padding_len);
    require(bytes_equal(second.payload, p->payload));
    require(memcmp(memory, packet.data, p->header_len) == 0);
}

static void change_and_strip(const struct rtp_packet *p, struct bytes packet)
{
    uint8_t *copy = malloc(packet.len);
    struct rtp_packet second;
    require(copy != NULL);
    memcpy(copy, packet.data, packet.len);

    size_t start = rtp_strip_extension(copy, packet.len);
    require(start == (p->has_extension ? 4 + p->extension.len : 0));
    rtp_set_ssrc(copy + start, 1);
    rtp_set_seq(copy + start, 2);
    rtp_set_timestamp(copy + start, 3);
    rtp_set_payload_type(copy + start, 4);
    require(rtp_parse(bytes_of(copy + start, packet.len - start), &second) == RTP_OK);
    require(!second.has_extension && second.marker == p->marker);
    require(second.ssrc == 1 && second.seq == 2 && second.timestamp == 3);
    require(second.payload_type == 4 && second.padding_len == p->padding_len);
    require(bytes_equal(second.csrcs, p->csrcs) && bytes_equal(second.payload, p->payload));
    free(copy);
}

/* The short way, which packets of media take, and the long one agree. */
static void read_header(struct bytes packet, enum rtp_status status)
{
    struct rtp_header header;
    struct rtp_packet p;
    enum rtp_status short_status = rtp_read_header(packet, &header);
    require(short_status == rtp_parse_protected(packet, &p));
    require(packet_is_rtp(packet) == (packet_classify(packet) == PACKET_RTP));
    if (short_status != RTP_OK)
        return;
    require(header.len == p.header_len && header.len <= packet.len);
    require(header.ssrc == p.ssrc && header.seq == p.seq && header.timestamp == p.timestamp);
    require(header.payload_type == p.payload_type);
    require(rtp_padding_is_sound(packet, &header) == (status == RTP_OK));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes packet = bytes_of(data, size);
    struct rtp_packet p, protected;
    enum rtp_status status = rtp_parse(packet, &p);

    read_header(packet, status);
    if (status == RTP_OK || status == RTP_BAD_PADDING) {
        require(rtp_parse_protected(packet, &protected) == RTP_OK);
        enum packet_kind kind = packet_classify(packet);
        require(kind == (rtp_is_rtcp(packet) ? PACKET_RTCP : PACKET_RTP));
    }
    if (status != RTP_OK)
        return 0;
    require(p.header_len + p.payload.len + p.padding_len == size);
    require(lies_within(p.extension, packet) && lies_within(p.payload, packet));
    walk_elements(&p);
    write_again(&p, packet);
    change_and_strip(&p, packet);
    return 0;
}
