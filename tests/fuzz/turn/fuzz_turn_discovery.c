/* SPDX-License-Identifier: Apache-2.0 */
/* Binding requests at a server with RFC 5780: the first byte chooses the address it comes to. */
#include "../require.h"
#include "turn/discovery.h"

static struct address our(uint8_t ip, uint16_t port)
{
    return (struct address){.family = ADDRESS_IP4, .port = port, .ip = {10, 0, 0, ip}};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct turn_discovery discovery = {
        .is_on = true, .at = {{our(1, 3478), our(1, 3479)}, {our(2, 3478), our(2, 3479)}}};
    const struct address client = {.family = ADDRESS_IP4, .port = 9, .ip = {8, 8, 8, 8}};
    static uint8_t memory[2048];
    struct writer reply = writer_over(memory, sizeof(memory));
    struct stun_message m, back;
    struct binding_route route;

    if (size == 0 || stun_parse(bytes_of(data + 1, size - 1), &m) != STUN_OK)
        return 0;
    bool is_known = (data[0] & 4) == 0, is_datagram = (data[0] & 8) == 0;
    struct address server = discovery.at[data[0] & 1][data[0] >> 1 & 1];
    if (!is_known)
        server.ip[3] = 3;
    enum stun_answer answer =
        discovery_answer(&discovery, &m, &client, &server, is_datagram, &reply, &route);

    if (answer == STUN_ANSWER_NONE)
        return 0;
    require(stun_parse(writer_bytes(&reply), &back) == STUN_OK);
    require(bytes_equal(back.id, m.id));
    /* Four addresses, an empty padding and a fingerprint; or longer, but no gain. */
    require(reply.len <= 20 + 4 * 12 + 4 + 8 || reply.len <= m.whole.len ||
            answer == STUN_ANSWER_UNKNOWN_ATTRIBUTE);
    require(address_same_ip(&route.to, &client) && route.to.port != 0);

    bool moved = !address_equal(&route.from, &server) || route.to.port != client.port;
    require(!moved || (is_known && is_datagram && answer == STUN_ANSWER_SUCCESS));
    require(stun_has(&back, STUN_OTHER_ADDRESS) == (is_known && answer == STUN_ANSWER_SUCCESS));
    require(!stun_has(&back, STUN_PADDING) || route.to.port == client.port);
    return 0;
}
