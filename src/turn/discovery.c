/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/discovery.h"

/* Flags of CHANGE-REQUEST (RFC 5780, section 7.2). */
enum { CHANGE_PORT = 0x02, CHANGE_IP = 0x04 };

/* Which of our four addresses. */
struct corner {
    unsigned ip, port;
};

/* What the request asks for. */
struct wishes {
    uint32_t change;
    uint16_t response_port; /* 0: that of the source */
    bool is_padded;
    bool is_bad;
};

static bool find_corner(
    const struct turn_discovery *discovery, const struct address *server, struct corner *out)
{
    if (!discovery->is_on)
        return false;
    for (unsigned i = 0; i < 4; i++) {
        struct corner c = {.ip = i / 2, .port = i % 2};
        if (address_equal(&discovery->at[c.ip][c.port], server)) {
            *out = c;
            return true;
        }
    }
    return false;
}

static struct address seen_at(const struct turn_discovery *discovery, struct corner c)
{
    const struct address *seen = &discovery->seen[c.ip][c.port];
    return seen->family != ADDRESS_NONE ? *seen : discovery->at[c.ip][c.port];
}

/* RFC 5780, sections 7.2, 7.5 and 7.6. */
static struct wishes read_wishes(const struct stun_message *m)
{
    struct wishes wishes = {.is_padded = stun_has(m, STUN_PADDING)};
    struct bytes value;

    if (stun_find(m, STUN_CHANGE_REQUEST, &value))
        wishes.is_bad = !stun_read_u32(value, &wishes.change);
    if (stun_find(m, STUN_RESPONSE_PORT, &value)) {
        struct reader r = reader_over(value);
        wishes.response_port = reader_u16(&r);
        /* Together they would let a padded answer hit a port that did not ask (section 10). */
        if (wishes.response_port == 0 || wishes.is_padded)
            wishes.is_bad = true;
    }
    return wishes;
}

enum stun_answer discovery_answer(const struct turn_discovery *discovery,
    const struct stun_message *m, const struct address *client, const struct address *server,
    bool is_datagram, struct writer *reply, struct binding_route *route)
{
    struct stun_binding_manner manner = {.knows_discovery = false};
    struct corner here;

    *route = (struct binding_route){.from = *server, .to = *client};
    if (!find_corner(discovery, server, &here))
        return stun_answer_binding_request(m, client, &manner, reply);

    struct wishes wishes = is_datagram ? read_wishes(m) : (struct wishes){.change = 0};
    struct corner from = {
        .ip = here.ip ^ ((wishes.change & CHANGE_IP) != 0),
        .port = here.port ^ ((wishes.change & CHANGE_PORT) != 0),
    };
    manner.knows_discovery = is_datagram;
    manner.is_bad = wishes.is_bad;
    manner.is_padded = wishes.is_padded;
    manner.origin = seen_at(discovery, from);
    manner.other = seen_at(discovery, (struct corner){.ip = here.ip ^ 1, .port = here.port ^ 1});

    enum stun_answer answer = stun_answer_binding_request(m, client, &manner, reply);
    if (answer == STUN_ANSWER_SUCCESS) {
        route->from = discovery->at[from.ip][from.port];
        if (wishes.response_port != 0)
            route->to.port = wishes.response_port;
    }
    return answer;
}
