/* SPDX-License-Identifier: Apache-2.0 */
/* rtpsec/state.h - a session as its own files see it. What packets touch comes first. */
#ifndef RTPSEC_STATE_H
#define RTPSEC_STATE_H

#include "rtpsec/session.h"
#include "rtpsec/streams.h"

struct rtpsec_session {
    const struct rtpsec_engine *engine;
    void *context;    /* NULL until the first packet */
    uint64_t left[2]; /* packets this key may still serve: of RTP, of RTCP */
    struct rtpsec_streams streams;
    enum rtpsec_direction direction;
    uint8_t tag_len[2];    /* of RTP, of RTCP */
    uint8_t behind_mki[2]; /* bytes of a tag that follows the MKI */
    uint8_t mki_len;
    uint32_t rtcp_begin; /* a sender's; no new stream sends with this index or one before it */
    const struct rtpsec_suite *suite;
    struct rtpsec_flags flags;
    uint8_t key[RTPSEC_MAX_KEY];
    uint8_t salt[RTPSEC_MAX_SALT];
    uint8_t mki[];
};

#endif
