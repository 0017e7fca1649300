/* SPDX-License-Identifier: Apache-2.0 */
/* AVPF to AVP: feedback packets leave a compound. */
#include "mediaferry/rtcp.h"

size_t rtcp_strip_feedback(uint8_t *datagram, size_t len)
{
    struct reader r = reader_over(bytes_of(datagram, len));
    struct rtcp_packet p;
    size_t kept = 0;
    while (rtcp_next(&r, &p)) {
        if (p.type == RTCP_RTPFB || p.type == RTCP_PSFB)
            continue;
        memmove(datagram + kept, p.whole.data, p.whole.len);
        kept += p.whole.len;
    }
    return kept;
}
