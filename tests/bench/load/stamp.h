/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stamp.h - the RTP packets of the load: their payload tells who sent it and the how-manieth it is.
 *
 * Pure. A relay may change the header as it likes, the payload tells all the same.
 */
#ifndef LOAD_STAMP_H
#define LOAD_STAMP_H

#include "mediaferry/bytes.h"
#include "mediaferry/rtp.h"

enum { STAMP_SIZE = 16, STAMP_PACKET_MIN = RTP_HEADER_SIZE + STAMP_SIZE };

struct stamp {
    uint32_t flow;
    uint64_t number; /* of the flow's packet; its lower half is the RTP sequence number */
};

/* Writes STAMP_PACKET_MIN bytes: header and stamp. What follows is the caller's. */
void stamp_write(uint8_t *out, const struct stamp *stamp, uint8_t payload_type, uint32_t ssrc);

/* Reads the stamp of an RTP packet in the clear; false when it has none. */
NODISCARD bool stamp_read(struct bytes packet, struct stamp *out);

#endif
