/* SPDX-License-Identifier: Apache-2.0 */
/* tally.h - what is counted in a run. Plain data. */
#ifndef LOAD_TALLY_H
#define LOAD_TALLY_H

#include "histogram.h"

struct tally {
    uint64_t sent;
    uint64_t received; /* of those, each once */
    uint64_t duplicates;
    uint64_t wrong;       /* came to another flow than those before */
    uint64_t foreign;     /* RTP that is not of this run */
    uint64_t auth_failed; /* SRTP or SRTCP that is not */
    uint64_t send_errors;
    uint64_t rtcp_sent;
    uint64_t rtcp_received;
    struct histogram delay_ns;
    struct histogram late_ns; /* behind the time at which it was due */
};

#endif
