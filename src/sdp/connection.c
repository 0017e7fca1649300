/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/sdp_attr.h"

#include "sdp/lines.h"

bool sdp_read_connection(struct text value, struct sdp_connection *out)
{
    struct text net, family, host;
    struct sdp_connection c = {.family = ADDRESS_IP4};

    if (!sdp_next_word(&value, &net) || !sdp_next_word(&value, &family) ||
        !sdp_next_word(&value, &host))
        return false;
    if (!text_is_nocase(net, "IN"))
        return false;
    if (text_is_nocase(family, "IP6"))
        c.family = ADDRESS_IP6;
    else if (!text_is_nocase(family, "IP4"))
        return false;

    c.host = text_cut(&host, '/');
    if (c.host.len == 0)
        return false;
    /* A literal tells its family better than the word in front of it. */
    if (address_parse(c.host, &c.address))
        c.family = c.address.family;
    *out = c;
    return true;
}

bool sdp_read_rtcp(struct text value, struct sdp_rtcp *out)
{
    struct sdp_rtcp rtcp = {.has_connection = false};
    uint64_t port;

    if (!sdp_take_number(&value, UINT16_MAX, &port))
        return false;
    rtcp.port = (uint16_t)port;
    if (text_trim(value).len > 0) {
        if (!sdp_read_connection(value, &rtcp.connection))
            return false;
        rtcp.connection.address.port = rtcp.port;
        rtcp.has_connection = true;
    }
    *out = rtcp;
    return true;
}
