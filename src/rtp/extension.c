/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of RTP header extensions (RFC 8285, section 4). */
#include "mediaferry/rtp.h"

enum {
    PROFILE_ONE_BYTE = 0xbede,
    PROFILE_TWO_BYTE = 0x1000, /* the low four bits are the application's */
    ID_PADDING = 0,
    ID_STOP = 15, /* one-byte form only */
};

struct rtp_elements rtp_elements(const struct rtp_packet *packet)
{
    bool two_byte = (packet->extension_profile & 0xfff0) == PROFILE_TWO_BYTE;
    bool known = two_byte || packet->extension_profile == PROFILE_ONE_BYTE;
    return (struct rtp_elements){
        .rest = reader_over(known ? packet->extension : bytes_of(NULL, 0)),
        .two_byte = two_byte,
    };
}

/* Ends the walk: behind such an element nothing may be interpreted (section 4.2). */
static bool stop(struct reader *r)
{
    *r = reader_over(bytes_of(NULL, 0));
    return false;
}

static bool next_one_byte(struct reader *r, struct rtp_element *out)
{
    while (reader_left(r) > 0) {
        uint8_t head = reader_u8(r);
        uint8_t id = head >> 4;
        if (head == ID_PADDING)
            continue;
        if (id == ID_PADDING || id == ID_STOP)
            return stop(r);
        out->id = id;
        out->value = reader_take(r, (head & 0x0fu) + 1u);
        return reader_ok(r);
    }
    return false;
}

static bool next_two_byte(struct reader *r, struct rtp_element *out)
{
    while (reader_left(r) > 0) {
        uint8_t id = reader_u8(r);
        if (id == ID_PADDING)
            continue;
        out->id = id;
        out->value = reader_take(r, reader_u8(r));
        return reader_ok(r);
    }
    return false;
}

bool rtp_next_element(struct rtp_elements *walk, struct rtp_element *out)
{
    struct rtp_element element;
    bool found = walk->two_byte ? next_two_byte(&walk->rest, &element)
                                : next_one_byte(&walk->rest, &element);
    if (found)
        *out = element;
    return found;
}

bool rtp_find_element(const struct rtp_packet *packet, uint8_t id, struct bytes *out)
{
    struct rtp_elements walk = rtp_elements(packet);
    struct rtp_element element;
    while (rtp_next_element(&walk, &element)) {
        if (element.id == id) {
            *out = element.value;
            return true;
        }
    }
    return false;
}
