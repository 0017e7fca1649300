/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/channel_data.h"

#include "mediaferry/stun.h"

bool channel_data_parse(struct bytes datagram, struct channel_data *out)
{
    struct reader r = reader_over(datagram);
    uint16_t number = reader_u16(&r);
    uint16_t len = reader_u16(&r);
    struct bytes data = reader_take(&r, len);
    if (!reader_ok(&r) || !channel_number_is_known(number))
        return false;
    *out = (struct channel_data){.number = number, .data = data};
    return true;
}

void channel_data_header(uint8_t out[CHANNEL_HEADER_SIZE], uint16_t number, uint16_t len)
{
    struct writer w = writer_over(out, CHANNEL_HEADER_SIZE);
    writer_u16(&w, number);
    writer_u16(&w, len);
}

static struct turn_frame garbage(void)
{
    return (struct turn_frame){.kind = TURN_FRAME_GARBAGE};
}

/* A frame of `size` bytes, or the wish for them. */
static struct turn_frame whole_or_more(
    struct bytes stream, enum turn_frame_kind kind, size_t len, size_t size)
{
    if (stream.len < size)
        return (struct turn_frame){.kind = TURN_FRAME_NEED_MORE, .size = size};
    return (struct turn_frame){.kind = kind, .len = len, .size = size};
}

/* The length of a message is right before its cookie is known: wait for no more than the header
 * until both are. */
static struct turn_frame stun_frame_at(struct bytes stream, uint16_t len)
{
    static const uint8_t cookie[] = {0x21, 0x12, 0xa4, 0x42};
    if (len % 4 != 0)
        return garbage();

    struct reader r = reader_over(stream);
    reader_take(&r, STUN_ATTR_HEADER_SIZE);
    size_t known = reader_left(&r) < sizeof(cookie) ? reader_left(&r) : sizeof(cookie);
    if (!bytes_equal(reader_take(&r, known), bytes_of(cookie, known)))
        return garbage();

    size_t size = STUN_HEADER_SIZE + (size_t)len;
    if (stream.len < STUN_HEADER_SIZE)
        return (struct turn_frame){.kind = TURN_FRAME_NEED_MORE, .size = STUN_HEADER_SIZE};
    return whole_or_more(stream, TURN_FRAME_STUN, size, size);
}

/* RFC 8656, section 12.5: in a stream the data is padded to four bytes. */
static struct turn_frame channel_frame_at(struct bytes stream, uint16_t len)
{
    size_t whole = CHANNEL_HEADER_SIZE + (size_t)len;
    return whole_or_more(stream, TURN_FRAME_CHANNEL_DATA, whole, whole + channel_data_padding(len));
}

struct turn_frame turn_frame_at(struct bytes stream)
{
    struct reader r = reader_over(stream);
    bool is_channel = false;

    if (stream.len > 0) {
        is_channel = channel_number_is_known((unsigned)stream.data[0] << 8);
        if (!is_channel && (stream.data[0] & 0xc0) != 0)
            return garbage();
    }
    reader_u16(&r);
    uint16_t len = reader_u16(&r);
    if (!reader_ok(&r))
        return (struct turn_frame){.kind = TURN_FRAME_NEED_MORE, .size = CHANNEL_HEADER_SIZE};
    return is_channel ? channel_frame_at(stream, len) : stun_frame_at(stream, len);
}
