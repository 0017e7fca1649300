/* SPDX-License-Identifier: Apache-2.0 */
#include "xdp/frame.h"

#include "base/hot_path.h"

enum { TYPE_IP4 = 0x0800, TYPE_IP6 = 0x86dd, PROTOCOL_UDP = 17, PACKET_MAX = 65535 };

/* Where fields lie in their headers. */
enum {
    ETHERNET_TYPE = 12,
    IP4_TOS = 1,
    IP4_LENGTH = 2,
    IP4_FRAGMENT = 6,
    IP4_PROTOCOL = 9,
    IP4_CHECKSUM = 10,
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
    IP4_DONT_FRAGMENT = 0x40,    /* of the first byte */
    IP6_VERSION = 6,
};

static inline uint16_t read_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline void write_u16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* --- checksums (RFC 1071) ----------------------------------------------------------------------
 *
 * The sum of 16-bit words is the same, its bytes exchanged, in the other byte order, and words four
 * times as wide give it too when they are folded at the end. So all here is as the machine has it.
 */

HOT uint64_t sum_word(uint64_t sum, uint64_t word)
{
    sum += word;
    return sum + (sum < word); /* the carry */
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

static inline uint64_t sum_rest(uint64_t sum, const uint8_t *at, size_t len)
{
    uint8_t word[8] = {0};
    for (size_t i = 0; i < len; i++)
        word[i] = at[i];
    return sum_u64(sum, word);
}

/* Starts at an even distance from what was summed up before. */
static inline uint64_t sum_bytes(uint64_t sum, struct bytes b)
{
    const uint8_t *at = b.data;
    size_t len = b.len;
    for (; len >= 32; at += 32, len -= 32) {
        sum = sum_u64(sum, at);
        sum = sum_u64(sum, at + 8);
        sum = sum_u64(sum, at + 16);
        sum = sum_u64(sum, at + 24);
    }
    for (; len >= 8; at += 8, len -= 8)
        sum = sum_u64(sum, at);
    return len > 0 ? sum_rest(sum, at, len) : sum;
}

static inline uint16_t fold(uint64_t sum)
{
    sum = (sum >> 32) + (sum & 0xffffffff);
    sum = (sum >> 32) + (sum & 0xffffffff);
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)((sum >> 16) + (sum & 0xffff));
}

/* As a word in memory. */
static inline uint16_t word_at(const uint8_t *at)
{
    uint16_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

static inline void put_word(uint8_t *at, uint16_t word)
{
    memcpy(at, &word, sizeof(word));
}

static inline uint64_t sum_ip4_header(const uint8_t *ip)
{
    return sum_u32(sum_u64(sum_u64(0, ip), ip + 8), ip + 16);
}

/* Addresses (which lie side by side), protocol and length. */
static inline uint64_t sum_pseudo_header(const uint8_t *addresses, size_t size, size_t udp_len)
{
    uint8_t rest[4] = {0, PROTOCOL_UDP};
    write_u16(rest + 2, udp_len);
    uint64_t sum = sum_u32(0, rest);
    for (size_t i = 0; i < size; i += 8)
        sum = sum_u64(sum, addresses + i);
    return sum;
}

/* --- reading -----------------------------------------------------------------------------------
 */

static enum drop_reason read_udp(
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

static inline void write_ethernet(uint8_t *at, const struct frame_out *how, uint16_t type)
{
    memcpy(at, how->destination_mac, FRAME_MAC_SIZE);
    memcpy(at + FRAME_MAC_SIZE, how->source_mac, FRAME_MAC_SIZE);
    write_u16(at + ETHERNET_TYPE, type);
}

/* RFC 6864, section 4.1: what is never fragmented needs no identification. */
static inline void write_ip4(uint8_t *at, const struct frame_out *how, size_t udp_len)
{
    memset(at, 0, FRAME_IP4_SIZE);
    at[0] = IP4_VERSION_AND_SIZE;
    at[IP4_TOS] = how->tos;
    write_u16(at + IP4_LENGTH, FRAME_IP4_SIZE + udp_len);
    if (how->dont_fragment)
        at[IP4_FRAGMENT] = IP4_DONT_FRAGMENT;
    else
        write_u16(at + IP4_FRAGMENT - 2, how->id);
    at[IP4_PROTOCOL - 1] = how->hop_limit;
    at[IP4_PROTOCOL] = PROTOCOL_UDP;
    memcpy(at + IP4_SOURCE, how->from->ip, 4);
    memcpy(at + IP4_DESTINATION, how->to->ip, 4);
    put_word(at + IP4_CHECKSUM, (uint16_t)~fold(sum_ip4_header(at)));
}

static inline void write_ip6(uint8_t *at, const struct frame_out *how, size_t udp_len)
{
    at[0] = (uint8_t)(IP6_VERSION << 4 | how->tos >> 4);
    at[1] = (uint8_t)(how->tos << 4);
    at[2] = at[3] = 0;
    write_u16(at + IP6_LENGTH, udp_len);
    at[IP6_NEXT_HEADER] = PROTOCOL_UDP;
    at[IP6_NEXT_HEADER + 1] = how->hop_limit;
    memcpy(at + IP6_SOURCE, how->from->ip, 16);
    memcpy(at + IP6_DESTINATION, how->to->ip, 16);
}

/* A sum of 0 is sent as its other form: 0 means that there is none (RFC 768). */
static inline void write_udp(
    uint8_t *at, const struct frame_out *how, struct bytes payload, uint64_t pseudo_sum)
{
    write_u16(at, how->from->port);
    write_u16(at + UDP_DESTINATION, how->to->port);
    write_u16(at + UDP_LENGTH, FRAME_UDP_SIZE + payload.len);
    put_word(at + UDP_CHECKSUM, 0);
    uint16_t checksum = (uint16_t)~fold(sum_bytes(sum_u64(pseudo_sum, at), payload));
    put_word(at + UDP_CHECKSUM, checksum != 0 ? checksum : 0xffff);
}

size_t frame_write(uint8_t *out, size_t capacity, const struct frame_out *how, struct bytes payload)
{
    bool is_ip6 = how->from->family == ADDRESS_IP6;
    size_t udp_len = FRAME_UDP_SIZE + payload.len;
    size_t ip_size = is_ip6 ? FRAME_IP6_SIZE : FRAME_IP4_SIZE;
    size_t headers = FRAME_ETHERNET_SIZE + ip_size + FRAME_UDP_SIZE;
    if (payload.len > PACKET_MAX - FRAME_IP4_SIZE - FRAME_UDP_SIZE || headers > capacity ||
        payload.len > capacity - headers)
        return 0;

    uint8_t *ip = out + FRAME_ETHERNET_SIZE;
    uint64_t pseudo_sum;
    write_ethernet(out, how, is_ip6 ? TYPE_IP6 : TYPE_IP4);
    if (is_ip6) {
        write_ip6(ip, how, udp_len);
        pseudo_sum = sum_pseudo_header(ip + IP6_SOURCE, 32, udp_len);
    } else {
        write_ip4(ip, how, udp_len);
        pseudo_sum = sum_pseudo_header(ip + IP4_SOURCE, 8, udp_len);
    }
    write_udp(ip + ip_size, how, payload, pseudo_sum);
    if (payload.len > 0)
        memcpy(out + headers, payload.data, payload.len);
    return headers + payload.len;
}
