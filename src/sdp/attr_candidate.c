/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/sdp_attr.h"

#include "sdp/lines.h"

enum { MAX_COMPONENT = 256 };

static enum sdp_candidate_transport transport_of(struct text name)
{
    if (text_is_nocase(name, "udp"))
        return SDP_CANDIDATE_UDP;
    return text_is_nocase(name, "tcp") ? SDP_CANDIDATE_TCP : SDP_CANDIDATE_OTHER;
}

static enum sdp_candidate_type type_of(struct text name)
{
    static const char *const names[] = {
        [SDP_CANDIDATE_HOST] = "host",
        [SDP_CANDIDATE_SRFLX] = "srflx",
        [SDP_CANDIDATE_PRFLX] = "prflx",
        [SDP_CANDIDATE_RELAY] = "relay",
    };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (text_is_nocase(name, names[i]))
            return (enum sdp_candidate_type)i;
    return SDP_CANDIDATE_UNKNOWN;
}

static enum sdp_tcp_type tcp_type_of(struct text name)
{
    if (text_is_nocase(name, "active"))
        return SDP_TCP_ACTIVE;
    if (text_is_nocase(name, "passive"))
        return SDP_TCP_PASSIVE;
    return text_is_nocase(name, "so") ? SDP_TCP_SO : SDP_TCP_NONE;
}

/* A host that is no literal leaves the family ADDRESS_NONE, but keeps the port. */
static void set_address(struct address *a, struct text host, uint64_t port)
{
    if (!address_parse(host, a))
        *a = (struct address){.family = ADDRESS_NONE};
    a->port = (uint16_t)port;
}

static bool is_mdns(struct text host)
{
    const size_t suffix = sizeof(".local") - 1;
    return host.len > suffix && text_is_nocase(text_skip(host, host.len - suffix), ".local");
}

/* Takes `name value` off `it` when it is next. */
static bool take_pair(struct text *it, const char *name, struct text *out)
{
    struct text ahead = *it;
    struct text word, value;
    if (!sdp_next_word(&ahead, &word) || !text_is_nocase(word, name) ||
        !sdp_next_word(&ahead, &value))
        return false;
    *out = value;
    *it = ahead;
    return true;
}

static bool take_related(struct text *it, struct address *out)
{
    struct text host, number;
    uint64_t port = 0;

    if (!take_pair(it, "raddr", &host))
        return true;
    if (take_pair(it, "rport", &number) && !text_to_u64(number, UINT16_MAX, &port))
        return false;
    set_address(out, host, port);
    return true;
}

bool sdp_candidate_extension(const struct sdp_candidate *c, const char *name, struct text *out)
{
    struct text it = c->extensions;
    struct text key, value;
    while (sdp_next_word(&it, &key) && sdp_next_word(&it, &value)) {
        if (!text_is_nocase(key, name))
            continue;
        *out = value;
        return true;
    }
    return false;
}

bool sdp_read_candidate(struct text value, struct sdp_candidate *out)
{
    struct sdp_candidate c = {.tcp_type = SDP_TCP_NONE};
    struct text tcp_type;
    uint64_t component, priority, port;

    if (!sdp_next_word(&value, &c.foundation) ||
        !sdp_take_number(&value, MAX_COMPONENT, &component) || component == 0 ||
        !sdp_next_word(&value, &c.transport_name) ||
        !sdp_take_number(&value, UINT32_MAX, &priority) || !sdp_next_word(&value, &c.host) ||
        !sdp_take_number(&value, UINT16_MAX, &port) || !take_pair(&value, "typ", &c.type_name))
        return false;
    if (!take_related(&value, &c.related))
        return false;

    c.component = (uint16_t)component;
    c.priority = (uint32_t)priority;
    c.transport = transport_of(c.transport_name);
    c.type = type_of(c.type_name);
    c.is_mdns = is_mdns(c.host);
    set_address(&c.address, c.host, port);
    c.extensions = text_trim(value);
    if (sdp_candidate_extension(&c, "tcptype", &tcp_type))
        c.tcp_type = tcp_type_of(tcp_type);
    *out = c;
    return true;
}
