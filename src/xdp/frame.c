/* SPDX-License-Identifier: Apache-2.0 */
#include "xdp/frame.h"

#include <endian.h>

#include "base/hot_path.h"

enum { TYPE_IP4 = 0x0800, TYPE_IP6 = 0x86dd, PROTOCOL_UDP = 17, PACKET_MAX = 65535 };

/* Where fields lie in their headers, for reading. */
enum {
    ETHERNET_TYPE = 12,
    IP4_TOS = 1,
    IP4_LENGTH = 2,
    IP4_FRAGMENT = 6,
    IP4_PROTOCOL = 9,
    IP4_SOURCE = 12,
    IP4_DESTINATION = 16,
    IP6_LENGTH = 4,
    IP6_NEXT_HEADER = 6,
    IP6_SOURCE = 8,
    IP6_DESTINATION = 24,
    UDP_DESTINATION = 2,
    UDP_LENGTH = 4,
    UDP_CHECKSUM = 6,
};

enum {
    IP4_VERSION_AND_SIZE = 0x45, /* no options */
    IP4_IS_FRAGMENT = 0x3fff,    /* an offset, or more to come */
    IP4_DONT_FRAGMENT = 0x4000,
    IP6_VERSION = 6,
};

static inline uint16_t read_u16(const uint8_t *at)
{
    uint16_t word;
    memcpy(&word, at, sizeof(word));
    return be16toh(word);
}

static inline uint32_t read_u32(const uint8_t *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof(word));
    return be32toh(word);
}

static inline void write_u16(uint8_t *at, uint16_t value)
{
    uint16_t word = htobe16(value);
    memcpy(at, &word, sizeof(word));
}

static inline void write_u32(uint8_t *at, uint32_t value)
{
    uint32_t word = htobe32(value);
    memcpy(at, &word, sizeof(word));
}

/* --- checksums (RFC 1071) ----------------------------------------------------------------------
 *
 * The sum of 16-bit words is the same, its bytes exchanged, in the other byte order, and wider
 * words give it too when they are folded at the end. So bytes in memory are summed up as the
 * machine has them, and headers that are yet to be written by their values.
 */

HOT uint64_t sum_word(uint64_t sum, uint64_t word)
{
    bool carry = __builtin_add_overflow(sum, word, &sum);
    return sum + carry;
}

HOT uint64_t sum_u64(uint64_t sum, const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return sum_word(sum, word);
}

HOT uint64_t sum_u32(uint64_t sum, const uint8_t *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof(word));
    return sum_word(sum, word);
}

HOT uint16_t word_at(const uint8_t *at)
{
    uint16_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

/* Less than 8 bytes; a last odd one is followed by a zero. */
HOT uint64_t sum_rest(uint64_t sum, const uint8_t *at, size_t len)
{
    if ((len & 4) != 0) {
        sum = sum_u32(sum, at);
        at += 4;
    }
    if ((len & 2) != 0) {
        sum = sum_word(sum, word_at(at));
        at += 2;
    }
    return (len & 1) != 0 ? sum_word(sum, htobe16((uint16_t)(*at << 8))) : sum;
}

/* Starts at an even distance from what was summed up before. */
HOT uint64_t sum_bytes(uint64_t sum, struct bytes b)
{
    const uint8_t *at = b.data;
    for (size_t n = b.len / 32; n > 0; n--, at += 32) {
        sum = sum_u64(sum, at);
        sum = sum_u64(sum, at + 8);
        sum = sum_u64(sum, at + 16);
        sum = sum_u64(sum, at + 24);
    }
    for (size_t n = b.len % 32 / 8; n > 0; n--, at += 8)
        sum = sum_u64(sum, at);
    return sum_rest(sum, at, b.len % 8);
}

/* Each half is added to the other, with what that carries. Only 0 folds to 0. */
HOT uint16_t fold(uint64_t sum)
{
    uint32_t half = (uint32_t)((sum + (sum << 32 | sum >> 32)) >> 32);
    return (uint16_t)((half + (half << 16 | half >> 16)) >> 16);
}

HOT uint64_t sum_ip4_header(const uint8_t *ip)
{
    return sum_u32(sum_u64(sum_u64(0, ip), ip + 8), ip + 16);
}

/* Addresses (which lie side by side), protocol and length. */
HOT uint64_t sum_pseudo_header(const uint8_t *addresses, size_t size, size_t udp_len)
{
    uint64_t sum = (uint64_t)htobe16(PROTOCOL_UDP) + htobe16((uint16_t)udp_len);
    for (size_t i = 0; i < size; i += 8)
        sum = sum_u64(sum, addresses + i);
    return sum;
}

/* --- reading -----------------------------------------------------------------------------------
 */

HOT enum drop_reason read_udp(
    struct reader *r, uint64_t pseudo_sum, bool may_lack_sum, struct frame_in *out)
{
    const uint8_t *udp = reader_take(r, FRAME_UDP_SIZE).data;
    uint16_t checksum = word_at(udp + UDP_CHECKSUM);
    out->from.port = read_u16(udp);
    out->to.port = read_u16(udp + UDP_DESTINATION);
    out->payload = r->rest;

    if (checksum == 0)
        return may_lack_sum ? DROP_NONE : DROP_FRAME_CHECKSUM;
    if (checksum == fold(pseudo_sum))
        return DROP_NONE;
    uint16_t sum = fold(sum_bytes(sum_u64(pseudo_sum, udp), out->payload));
    return sum == 0xffff ? DROP_NONE : DROP_FRAME_CHECKSUM;
}

/* Cuts off the padding, which makes up for frames that were too short for Ethernet. False when what
 * is left does not hold a UDP header of the right length. */
static inline bool cut_udp(struct reader *r, size_t udp_len)
{
    if (udp_len < FRAME_UDP_SIZE || udp_len > reader_left(r))
        return false;
    *r = reader_over(bytes_of(r->rest.data, udp_len));
    return read_u16(r->rest.data + UDP_LENGTH) == udp_len;
}

static enum drop_reason read_ip4(struct reader *r, struct frame_in *out)
{
    const uint8_t *ip = reader_take(r, FRAME_IP4_SIZE).data;
    if (!reader_ok(r) || ip[0] != IP4_VERSION_AND_SIZE || ip[IP4_PROTOCOL] != PROTOCOL_UDP ||
        (read_u16(ip + IP4_FRAGMENT) & IP4_IS_FRAGMENT) != 0)
        return DROP_FRAME_MALFORMED;
    size_t packet_len = read_u16(ip + IP4_LENGTH);
    if (packet_len < FRAME_IP4_SIZE || !cut_udp(r, packet_len - FRAME_IP4_SIZE))
        return DROP_FRAME_MALFORMED;
    if (fold(sum_ip4_header(ip)) != 0xffff)
        return DROP_FRAME_CHECKSUM;
    out->tos = ip[IP4_TOS];
    out->from = address_from_ip(ADDRESS_IP4, ip + IP4_SOURCE, 0);
    out->to = address_from_ip(ADDRESS_IP4, ip + IP4_DESTINATION, 0);
    return read_udp(r, sum_pseudo_header(ip + IP4_SOURCE, 8, reader_left(r)), true, out);
}

static enum drop_reason read_ip6(struct reader *r, struct frame_in *out)
{
    const uint8_t *ip = reader_take(r, FRAME_IP6_SIZE).data;
    if (!reader_ok(r) || ip[0] >> 4 != IP6_VERSION || ip[IP6_NEXT_HEADER] != PROTOCOL_UDP ||
        !cut_udp(r, read_u16(ip + IP6_LENGTH)))
        return DROP_FRAME_MALFORMED;
    out->tos = (uint8_t)(read_u16(ip) >> 4);
    out->from = address_from_ip(ADDRESS_IP6, ip + IP6_SOURCE, 0);
    out->to = address_from_ip(ADDRESS_IP6, ip + IP6_DESTINATION, 0);
    return read_udp(r, sum_pseudo_header(ip + IP6_SOURCE, 32, reader_left(r)), false, out);
}

enum drop_reason frame_read(struct bytes frame, struct frame_in *out)
{
    struct reader r = reader_over(frame);
    const uint8_t *ethernet = reader_take(&r, FRAME_ETHERNET_SIZE).data;
    if (!reader_ok(&r))
        return DROP_FRAME_MALFORMED;
    uint16_t type = read_u16(ethernet + ETHERNET_TYPE);
    if (type == TYPE_IP4)
        return read_ip4(&r, out);
    return type == TYPE_IP6 ? read_ip6(&r, out) : DROP_FRAME_MALFORMED;
}

/* --- writing -----------------------------------------------------------------------------------
 */

HOT void write_ethernet(uint8_t *at, const struct frame_out *how, uint16_t type)
{
    memcpy(at, how->destination_mac, FRAME_MAC_SIZE);
    memcpy(at + FRAME_MAC_SIZE, how->source_mac, FRAME_MAC_SIZE);
    write_u16(at + ETHERNET_TYPE, type);
}

/* Returns the sum of the addresses. What is never fragmented needs no identification (RFC 6864,
 * section 4.1). */
HOT uint64_t write_ip4(uint8_t *at, const struct frame_out *how, size_t udp_len)
{
    uint32_t source = read_u32(how->from->ip), destination = read_u32(how->to->ip);
    uint64_t addresses = (uint64_t)source + destination;
    uint32_t first = (uint32_t)IP4_VERSION_AND_SIZE << 24 | (uint32_t)how->tos << 16 |
                     (uint32_t)(FRAME_IP4_SIZE + udp_len);
    uint32_t second = how->dont_fragment ? IP4_DONT_FRAGMENT : (uint32_t)how->id << 16;
    uint32_t third = (uint32_t)how->hop_limit << 24 | PROTOCOL_UDP << 16;
    uint16_t checksum = (uint16_t)~fold(addresses + first + second + third);
    write_u32(at, first);
    write_u32(at + 4, second);
    write_u32(at + 8, third | checksum);
    write_u32(at + IP4_SOURCE, source);
    write_u32(at + IP4_DESTINATION, destination);
    return addresses;
}

/* The same. */
HOT uint64_t write_ip6(uint8_t *at, const struct frame_out *how, size_t udp_len)
{
    uint64_t addresses = 0;
    write_u32(at, (uint32_t)IP6_VERSION << 28 | (uint32_t)how->tos << 20);
    write_u32(at + 4, (uint32_t)udp_len << 16 | PROTOCOL_UDP << 8 | how->hop_limit);
    memcpy(at + IP6_SOURCE, how->from->ip, 16);
    memcpy(at + IP6_DESTINATION, how->to->ip, 16);
    for (size_t i = 0; i < 16; i += 4)
        addresses += (uint64_t)read_u32(how->from->ip + i) + read_u32(how->to->ip + i);
    return addresses;
}

/* A sum of 0 is sent as its other form: 0 means that there is none (RFC 768). */
HOT void write_udp(
    uint8_t *at, const struct frame_out *how, struct bytes payload, uint64_t addresses)
{
    uint32_t ports = (uint32_t)how->from->port << 16 | how->to->port;
    uint32_t len = (uint32_t)(FRAME_UDP_SIZE + payload.len);
    uint64_t sum = addresses + PROTOCOL_UDP + len + ports + len; /* both headers have the length */
    uint16_t checksum = (uint16_t)~fold(sum + be16toh(fold(sum_bytes(0, payload))));
    write_u32(at, ports);
    write_u32(at + 4, len << 16 | (checksum != 0 ? checksum : 0xffff));
}

HOT size_t write_as(
    uint8_t *out, size_t capacity, const struct frame_out *how, struct bytes payload, bool is_ip6)
{
    size_t ip_size = is_ip6 ? FRAME_IP6_SIZE : FRAME_IP4_SIZE;
    size_t headers = FRAME_ETHERNET_SIZE + ip_size + FRAME_UDP_SIZE;
    size_t udp_len = FRAME_UDP_SIZE + payload.len;
    uint8_t *ip = out + FRAME_ETHERNET_SIZE;
    if (payload.len > PACKET_MAX - FRAME_IP4_SIZE - FRAME_UDP_SIZE || headers > capacity ||
        payload.len > capacity - headers)
        return 0;

    write_ethernet(out, how, is_ip6 ? TYPE_IP6 : TYPE_IP4);
    uint64_t addresses = is_ip6 ? write_ip6(ip, how, udp_len) : write_ip4(ip, how, udp_len);
    write_udp(ip + ip_size, how, payload, addresses);
    if (payload.len > 0)
        memcpy(out + headers, payload.data, payload.len);
    return headers + payload.len;
}

size_t frame_write(uint8_t *out, size_t capacity, const struct frame_out *how, struct bytes payload)
{
    return how->from->family == ADDRESS_IP6 ? write_as(out, capacity, how, payload, true)
                                            : write_as(out, capacity, how, payload, false);
}
