/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs in the kernel for each frame that enters by a device: see program.h for what it takes. It
 * must read nothing before it knows that it lies within the frame, or the kernel does not load it.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "xdp/program_layout.h"

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, XDP_ADDRESSES_MAX);
    __type(key, struct xdp_address_key);
    __type(value, __u32);
} addresses SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, XDP_ADDRESSES_MAX *XDP_SLOTS_PER_ADDRESS);
    __type(key, __u32);
    __type(value, struct xdp_port_slot);
} ports SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_XSKMAP);
    __uint(
        max_entries, XDP_WORKERS_MAX); /* for one queue: it is set before the program is loaded */
    __type(key, __u32);
    __type(value, __u32);
} sockets SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct xdp_card);
} card SEC(".maps");

/* What is looked for in the headers. */
struct target {
    struct xdp_address_key address;
    __u16 port;
};

enum { ALL_BUT_DF = 0xbfff }; /* of the flags and the offset of a fragment, RFC 791, 3.1 */

/* Whether the frame, which entered by `own`, is for the device itself. One with other hardware
 * addresses, which a card may hand over for those that look on, is none of ours; nor is one that
 * entered by a member of a bond, since the kernel would not give it to a socket of the bond. */
static __always_inline int is_for_card(
    const struct xdp_md *context, const struct xdp_card *own, const struct ethhdr *ethernet)
{
    if (own->ifindex != context->ingress_ifindex)
        return 0;

    __u8 difference = 0;
    for (int i = 0; i < ETH_ALEN; i++)
        difference |= ethernet->h_dest[i] ^ own->mac[i];
    return difference == 0;
}

/* Whether the checksum is that of the pseudo header alone (RFC 768): the rest is left to a card. So
 * it is in packets of this machine, and in all that are yet to be cut into several, or were made of
 * several. Those must not be taken for one; the kernel knows how many they are, but does not say so
 * here. In the driver there are none: what runs programs there is not given such packets.
 * The addresses lie one behind the other. */
static __always_inline int is_unfinished(
    const struct udphdr *udp, const __be32 *addresses, int words)
{
    __u64 sum = (__u64)bpf_htons(IPPROTO_UDP) + udp->len;
    for (int i = 0; i < words; i++)
        sum += addresses[i];
    sum = (sum & 0xffffffff) + (sum >> 32);
    for (int i = 0; i < 3; i++)
        sum = (sum & 0xffff) + (sum >> 16);
    return udp->check == sum;
}

/* `room` is what IP says. Whether the frame is as long as that is not asked here: the kernel lets
 * only those with CAP_PERFMON compare lengths that it does not know beforehand. */
static __always_inline int read_udp(
    const struct udphdr *udp, const void *end, __u16 room, struct target *out)
{
    if ((const void *)(udp + 1) > end || bpf_ntohs(udp->len) != room || room < sizeof(*udp))
        return 0;
    out->port = bpf_ntohs(udp->dest);
    return 1;
}

/* Sources that no packet of the network may have (RFC 1122, 3.2.1.3): the kernel knows what to do
 * with them. */
static __always_inline int is_strange_source4(__be32 source)
{
    __u8 first = (__u8)(bpf_ntohl(source) >> 24);
    return first == 0 || first == 127 || first >= 224;
}

static __always_inline int read_ip4(
    const struct iphdr *ip, const void *end, int generic, struct target *out)
{
    const struct udphdr *udp = (const void *)(ip + 1);
    if ((const void *)(ip + 1) > end || ip->version != 4 || ip->ihl != 5 ||
        ip->protocol != IPPROTO_UDP || (ip->frag_off & bpf_htons(ALL_BUT_DF)) != 0)
        return 0;

    __u16 total = bpf_ntohs(ip->tot_len);
    if (total < sizeof(*ip) || is_strange_source4(ip->saddr))
        return 0;

    out->address.family = 4;
    __builtin_memcpy(out->address.ip, &ip->daddr, sizeof(ip->daddr));
    return read_udp(udp, end, total - sizeof(*ip), out) &&
           !(generic && is_unfinished(udp, &ip->saddr, 2));
}

/* The same (RFC 4291, 2.5.2, 2.5.3 and 2.7): ::, ::1 and multicast. */
static __always_inline int is_strange_source6(const struct in6_addr *source)
{
    const __be32 *words = source->s6_addr32;
    if (source->s6_addr[0] == 0xff)
        return 1;
    return (words[0] | words[1] | words[2]) == 0 && bpf_ntohl(words[3]) <= 1;
}

static __always_inline int read_ip6(
    const struct ipv6hdr *ip, const void *end, int generic, struct target *out)
{
    const struct udphdr *udp = (const void *)(ip + 1);
    if ((const void *)(ip + 1) > end || ip->version != 6 || ip->nexthdr != IPPROTO_UDP)
        return 0;

    if (is_strange_source6(&ip->saddr))
        return 0;

    out->address.family = 6;
    __builtin_memcpy(out->address.ip, &ip->daddr, sizeof(ip->daddr));
    return read_udp(udp, end, bpf_ntohs(ip->payload_len), out) &&
           !(generic && is_unfinished(udp, ip->saddr.s6_addr32, 8));
}

/* Whether it is a plain UDP packet; where to, in `out`. */
static __always_inline int read_frame(const struct xdp_md *context, struct target *out)
{
    const void *end = (const void *)(long)context->data_end;
    const struct ethhdr *ethernet = (const void *)(long)context->data;
    __u32 key = 0;
    const struct xdp_card *own = bpf_map_lookup_elem(&card, &key);

    if (!own || (const void *)(ethernet + 1) > end ||
        (const void *)ethernet + XDP_FRAME_MAX < end || !is_for_card(context, own, ethernet))
        return 0;
    if (ethernet->h_proto == bpf_htons(ETH_P_IP))
        return read_ip4((const void *)(ethernet + 1), end, own->generic, out);
    if (ethernet->h_proto == bpf_htons(ETH_P_IPV6))
        return read_ip6((const void *)(ethernet + 1), end, own->generic, out);
    return 0;
}

/* Who has registered the address and port, plus one; 0: nobody. */
static __always_inline __u32 find_worker(const struct target *target)
{
    const __u32 *address = bpf_map_lookup_elem(&addresses, &target->address);
    if (!address)
        return 0;

    __u32 index = *address * XDP_SLOTS_PER_ADDRESS + target->port / XDP_PORTS_PER_SLOT;
    const struct xdp_port_slot *slot = bpf_map_lookup_elem(&ports, &index);
    return slot ? slot->worker[target->port % XDP_PORTS_PER_SLOT] : 0;
}

/* Puts the time before the frame. */
static __always_inline int stamp_frame(struct xdp_md *context)
{
    if (bpf_xdp_adjust_meta(context, -(int)sizeof(struct xdp_stamp)) != 0)
        return 0;

    const void *frame = (const void *)(long)context->data;
    struct xdp_stamp *stamp = (void *)(long)context->data_meta;
    if ((const void *)(stamp + 1) > frame)
        return 0;
    stamp->magic = XDP_STAMP_MAGIC;
    stamp->zero = 0;
    stamp->arrival_ns = bpf_ktime_get_ns();
    return 1;
}

SEC("xdp")
int sort_frame(struct xdp_md *context)
{
    struct target target = {};
    if (!read_frame(context, &target))
        return XDP_PASS;

    __u32 worker = find_worker(&target);
    if (worker == 0 || !stamp_frame(context))
        return XDP_PASS;

    /* Without a socket there, the flags are what becomes of it. */
    __u32 index = context->rx_queue_index * XDP_WORKERS_MAX + worker - 1;
    return (int)bpf_redirect_map(&sockets, index, XDP_PASS);
}

char LICENSE[] SEC("license") = "Apache-2.0";
