/* SPDX-License-Identifier: Apache-2.0 */
/* dtls/retransmit.h - how long DTLS handshakes wait (RFC 6347, section 4.2.4) and what they cost.
 */
#ifndef DTLS_RETRANSMIT_H
#define DTLS_RETRANSMIT_H

#include <stdint.h>

enum {
    DTLS_RETRANSMIT_FIRST_MS = 50,
    DTLS_RETRANSMIT_CAP_MS = 4000, /* OpenSSL gives up after 12; this keeps within 30 s */
    DTLS_HANDSHAKE_MS = 30000,
    DTLS_HANDSHAKE_DATAGRAMS = 512,
    DTLS_HANDSHAKE_BYTES = 256 * 1024,
    /* How long to wait when our clock says "retransmit" and OpenSSL's does not agree yet. */
    DTLS_CLOCKS_DISAGREE_MS = 5,
};

/* `due` when nothing is to be waited for. */
#define DTLS_NEVER UINT64_MAX

/* The wait after one of `previous_us`, which is 0 for the first of a flight. */
static inline unsigned dtls_next_wait_ms(unsigned previous_us)
{
    unsigned wait_ms = previous_us == 0 ? DTLS_RETRANSMIT_FIRST_MS : previous_us / 1000 * 2;
    return wait_ms < DTLS_RETRANSMIT_CAP_MS ? wait_ms : DTLS_RETRANSMIT_CAP_MS;
}

#endif
