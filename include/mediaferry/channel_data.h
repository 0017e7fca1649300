/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mediaferry/channel_data.h - ChannelData messages, and the frames of a TURN byte stream
 * (RFC 8656, sections 12.4 and 12.5).
 *
 * Pure functions over memory the caller owns: no allocation, no clock, no logging.
 */
#ifndef MEDIAFERRY_CHANNEL_DATA_H
#define MEDIAFERRY_CHANNEL_DATA_H

#include "mediaferry/bytes.h"

enum {
    CHANNEL_HEADER_SIZE = 4,
    CHANNEL_FIRST = 0x4000,
    CHANNEL_LAST = 0x4fff,         /* RFC 8656, section 12: numbers above are reserved */
    CHANNEL_LAST_RFC5766 = 0x7fff, /* but clients of its forerunner use them */
};

/* Whether a server that follows RFC 8656 alone may bind it. */
static inline bool channel_number_is_valid(unsigned number)
{
    return number >= CHANNEL_FIRST && number <= CHANNEL_LAST;
}

/* Whether a message may carry it at all. */
static inline bool channel_number_is_known(unsigned number)
{
    return number >= CHANNEL_FIRST && number <= CHANNEL_LAST_RFC5766;
}

struct channel_data {
    uint16_t number;
    struct bytes data; /* without padding; may be empty */
};

/* Reads a datagram: bytes behind the announced length are padding. False, with `out` untouched,
 * when it is too short or the number is no channel. */
NODISCARD bool channel_data_parse(struct bytes datagram, struct channel_data *out);

/* Writes the header that stands before `len` bytes of data. */
void channel_data_header(uint8_t out[CHANNEL_HEADER_SIZE], uint16_t number, uint16_t len);

/* How many zero bytes follow `len` bytes of data in a stream; none are needed in a datagram. */
static inline size_t channel_data_padding(size_t len)
{
    return (4 - len % 4) % 4;
}

enum turn_frame_kind {
    TURN_FRAME_NEED_MORE, /* `size` bytes are needed to say more */
    TURN_FRAME_STUN,
    TURN_FRAME_CHANNEL_DATA,
    TURN_FRAME_GARBAGE, /* neither: the stream is lost and must be closed */
};

/* The frame at the head of a stream. */
struct turn_frame {
    enum turn_frame_kind kind;
    size_t len;  /* of the message with its header, without padding: what a parser is given */
    size_t size; /* what the frame takes up in the stream, with padding */
};

/* No frame is longer. */
enum { TURN_FRAME_MAX = 20 + 0xfffc };

/* Looks at the bytes that have come so far; a STUN or ChannelData frame is all there. Garbage is
 * told as early as possible: by the first byte, then by the length and the cookie. */
struct turn_frame turn_frame_at(struct bytes stream);

#endif
