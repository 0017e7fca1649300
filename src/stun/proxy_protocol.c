/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/proxy_protocol.h"

static const uint8_t signature[12] = {
    '\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};

enum { VERSION = 2, COMMAND_LOCAL = 0, COMMAND_PROXY = 1 };
enum { FAMILY_UNSPECIFIED = 0, FAMILY_IP4 = 1, FAMILY_IP6 = 2, FAMILY_UNIX = 3 };

static enum proxy_status need(size_t size, size_t *needed)
{
    if (needed != NULL)
        *needed = size;
    return PROXY_NEED_MORE;
}

/* Source IP, destination IP, source port, destination port; what follows are extensions. */
static bool read_addresses(struct bytes block, enum address_family family, struct proxy_header *h)
{
    size_t ip_len = family == ADDRESS_IP4 ? 4 : 16;
    struct reader r = reader_over(block);
    struct bytes source = reader_take(&r, ip_len);
    struct bytes destination = reader_take(&r, ip_len);
    uint16_t source_port = reader_u16(&r);
    uint16_t destination_port = reader_u16(&r);
    if (!reader_ok(&r))
        return false;
    h->source = address_from_ip(family, source.data, source_port);
    h->destination = address_from_ip(family, destination.data, destination_port);
    return true;
}

/* What a balancer says of itself, or of something without an IP address, has no addresses for us.
 */
static bool read_block(uint8_t command, uint8_t kind, struct bytes block, struct proxy_header *h)
{
    unsigned family = kind >> 4, transport = kind & 15;
    if (family > FAMILY_UNIX || transport > PROXY_DATAGRAM)
        return false;
    if (command == COMMAND_LOCAL || transport == PROXY_UNSPECIFIED)
        return true;

    h->transport = (enum proxy_transport)transport;
    if (family == FAMILY_IP4)
        return read_addresses(block, ADDRESS_IP4, h);
    if (family == FAMILY_IP6)
        return read_addresses(block, ADDRESS_IP6, h);
    return true;
}

enum proxy_status proxy_parse(struct bytes input, struct proxy_header *out, size_t *needed)
{
    struct reader r = reader_over(input);
    size_t known = input.len < sizeof(signature) ? input.len : sizeof(signature);
    if (!bytes_equal(reader_take(&r, known), bytes_of(signature, known)))
        return PROXY_NOT_PROXY;
    if (input.len < PROXY_FIXED_SIZE)
        return need(PROXY_FIXED_SIZE, needed);

    uint8_t version = reader_u8(&r);
    uint8_t kind = reader_u8(&r);
    uint16_t len = reader_u16(&r);
    size_t size = PROXY_FIXED_SIZE + (size_t)len;
    uint8_t command = version & 15;
    if (version >> 4 != VERSION || command > COMMAND_PROXY || size > PROXY_MAX_SIZE)
        return PROXY_BAD;
    if (input.len < size)
        return need(size, needed);

    struct proxy_header h = {.size = size};
    if (!read_block(command, kind, reader_take(&r, len), &h))
        return PROXY_BAD;
    *out = h;
    return PROXY_OK;
}
