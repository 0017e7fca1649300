/* SPDX-License-Identifier: Apache-2.0 */
#include "xdp/route_message.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>

/* Those that a packet may be sent to. DELAY and PROBE: the kernel asks whether it is still there,
 * and goes on sending meanwhile. */
static const unsigned USABLE =
    NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE;

/* --- requests --------------------------------------------------------------------------------- */

static struct nlmsghdr *start(void *out, int type, unsigned flags, uint32_t seq)
{
    memset(out, 0, ROUTE_REQUEST_SIZE); /* also what attributes are padded with */
    struct nlmsghdr *message = mnl_nlmsg_put_header(out);
    message->nlmsg_type = (uint16_t)type;
    message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    message->nlmsg_seq = seq;
    return message;
}

size_t route_request_route(void *out, uint32_t seq, const struct next_hop_key *key)
{
    bool is_ip4 = key->remote.family == ADDRESS_IP4;
    size_t len = address_ip_len(&key->remote);
    struct nlmsghdr *message = start(out, RTM_GETROUTE, 0, seq);
    struct rtmsg *route = mnl_nlmsg_put_extra_header(message, sizeof(*route));
    route->rtm_family = is_ip4 ? AF_INET : AF_INET6;
    route->rtm_dst_len = route->rtm_src_len = (uint8_t)(8 * len);
    mnl_attr_put(message, RTA_DST, len, key->remote.ip);
    mnl_attr_put(message, RTA_SRC, len, key->local.ip);
    mnl_attr_put_u8(message, RTA_IP_PROTO, IPPROTO_UDP);
    return message->nlmsg_len;
}

size_t route_request_link(void *out, uint32_t seq, uint32_t ifindex)
{
    struct nlmsghdr *message = start(out, RTM_GETLINK, 0, seq);
    struct ifinfomsg *link = mnl_nlmsg_put_extra_header(message, sizeof(*link));
    link->ifi_index = (int)ifindex;
    return message->nlmsg_len;
}

size_t route_request_links(void *out, uint32_t seq)
{
    struct nlmsghdr *message = start(out, RTM_GETLINK, NLM_F_DUMP, seq);
    mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
    return message->nlmsg_len;
}

size_t route_request_neighbours(void *out, uint32_t seq)
{
    struct nlmsghdr *message = start(out, RTM_GETNEIGH, NLM_F_DUMP, seq);
    mnl_nlmsg_put_extra_header(message, sizeof(struct ndmsg));
    return message->nlmsg_len;
}

/* --- attributes ------------------------------------------------------------------------------- */

enum { ATTRS = 64 }; /* no type of interest is higher */

/* By type; NULL: it is not there. */
struct attrs {
    const struct nlattr *at[ATTRS];
};

static int remember(const struct nlattr *attr, void *data)
{
    struct attrs *attrs = data;
    uint16_t type = mnl_attr_get_type(attr);
    if (type < ATTRS)
        attrs->at[type] = attr;
    return MNL_CB_OK;
}

/* Those behind the header of `header_len` bytes, which are there. Not by mnl_attr_parse(), which
 * would look into the padding behind a last message that has none. */
static struct attrs attrs_of(const struct nlmsghdr *message, size_t header_len)
{
    struct attrs attrs = {.at = {NULL}};
    mnl_attr_parse_payload(mnl_nlmsg_get_payload_offset(message, header_len),
        mnl_nlmsg_get_payload_len(message) - header_len, remember, &attrs);
    return attrs;
}

/* None in one that is not there. */
static struct attrs attrs_in(const struct nlattr *nest)
{
    struct attrs attrs = {.at = {NULL}};
    if (nest != NULL)
        mnl_attr_parse_nested(nest, remember, &attrs);
    return attrs;
}

static struct bytes payload_of(const struct nlattr *attr)
{
    return bytes_of(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
}

static enum address_family family_of(unsigned af)
{
    return af == AF_INET ? ADDRESS_IP4 : af == AF_INET6 ? ADDRESS_IP6 : ADDRESS_NONE;
}

/* The next three leave `out` alone when there is no such attribute, and are false when it is
 * wrong. */

static bool read_ip(const struct nlattr *attr, enum address_family family, struct address *out)
{
    if (attr == NULL)
        return true;
    struct bytes ip = payload_of(attr);
    if (family == ADDRESS_NONE || ip.len != (family == ADDRESS_IP4 ? 4 : 16))
        return false;
    *out = address_from_ip(family, ip.data, 0);
    return true;
}

/* A gateway that need not be of the route's family (RFC 8950). */
static bool read_via(const struct nlattr *attr, struct address *out)
{
    if (attr == NULL)
        return true;
    struct bytes via = payload_of(attr);
    uint16_t af = 0;
    if (via.len < sizeof(af))
        return false;
    memcpy(&af, via.data, sizeof(af));
    enum address_family family = family_of(af);
    if (family == ADDRESS_NONE || via.len != sizeof(af) + (family == ADDRESS_IP4 ? 4 : 16))
        return false;
    *out = address_from_ip(family, via.data + sizeof(af), 0);
    return true;
}

static bool read_u32(const struct nlattr *attr, uint32_t *out)
{
    if (attr == NULL)
        return true;
    if (mnl_attr_validate(attr, MNL_TYPE_U32) < 0)
        return false;
    *out = mnl_attr_get_u32(attr);
    return true;
}

/* False when there is none, or another than that of Ethernet. */
static bool read_mac(const struct nlattr *attr, uint8_t out[ETH_ALEN])
{
    if (attr == NULL || mnl_attr_get_payload_len(attr) != ETH_ALEN)
        return false;
    memcpy(out, mnl_attr_get_payload(attr), ETH_ALEN);
    return true;
}

/* --- routes ----------------------------------------------------------------------------------- */

static enum next_hop_state state_of(unsigned char type)
{
    switch (type) {
    case RTN_UNICAST:
        return NEXT_HOP_WAITING;
    case RTN_LOCAL:
        return NEXT_HOP_LOCAL;
    case RTN_BROADCAST:
    case RTN_ANYCAST:
    case RTN_MULTICAST:
        return NEXT_HOP_SPECIAL;
    default:
        return NEXT_HOP_NO_ROUTE;
    }
}

static bool read_route(const struct nlmsghdr *message, struct route_found *out)
{
    if (mnl_nlmsg_get_payload_len(message) < sizeof(struct rtmsg))
        return false;
    const struct rtmsg *route = mnl_nlmsg_get_payload(message);
    struct attrs attrs = attrs_of(message, sizeof(*route));
    struct attrs metrics = attrs_in(attrs.at[RTA_METRICS]);

    *out = (struct route_found){.state = state_of(route->rtm_type)};
    /* Packets that are wrapped on their way: MPLS, segment routing, a tunnel. */
    if (out->state == NEXT_HOP_WAITING && attrs.at[RTA_ENCAP] != NULL)
        out->state = NEXT_HOP_SPECIAL;
    return read_u32(attrs.at[RTA_OIF], &out->ifindex) &&
           read_ip(attrs.at[RTA_GATEWAY], family_of(route->rtm_family), &out->gateway) &&
           read_via(attrs.at[RTA_VIA], &out->gateway) && read_u32(metrics.at[RTAX_MTU], &out->mtu);
}

/* --- links ------------------------------------------------------------------------------------ */

/* The settings of IPv6 are an array of numbers. */
static uint32_t read_mtu6(const struct nlattr *inet6)
{
    const struct nlattr *settings = attrs_in(inet6).at[IFLA_INET6_CONF];
    int32_t mtu6 = 0;
    if (settings == NULL || mnl_attr_get_payload_len(settings) < (DEVCONF_MTU6 + 1) * sizeof(mtu6))
        return 0;
    memcpy(&mtu6, payload_of(settings).data + DEVCONF_MTU6 * sizeof(mtu6), sizeof(mtu6));
    return mtu6 > 0 ? (uint32_t)mtu6 : 0;
}

static bool read_link(const struct nlmsghdr *message, struct route_link *out)
{
    const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);
    struct attrs attrs = attrs_of(message, sizeof(*link));
    *out = (struct route_link){
        .ifindex = (uint32_t)link->ifi_index,
        .exists = message->nlmsg_type == RTM_NEWLINK,
        .is_up = (link->ifi_flags & IFF_UP) != 0 && (link->ifi_flags & IFF_RUNNING) != 0,
        .is_ethernet = link->ifi_type == ARPHRD_ETHER,
        .mtu6 =
            read_mtu6(link->ifi_family == AF_INET6 ? attrs.at[IFLA_PROTINFO]
                                                   : attrs_in(attrs.at[IFLA_AF_SPEC]).at[AF_INET6]),
    };
    out->has_mac = read_mac(attrs.at[IFLA_ADDRESS], out->mac);
    return read_u32(attrs.at[IFLA_MTU], &out->mtu);
}

/* Those of other families are of a part of the link: that it is no port of a bridge any more, say,
 * does not mean that it is gone. */
static enum route_message_kind kind_of_link(const struct nlmsghdr *message, struct route_link *out)
{
    if (mnl_nlmsg_get_payload_len(message) < sizeof(struct ifinfomsg))
        return ROUTE_MESSAGE_BAD;
    const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);
    if (link->ifi_family != AF_UNSPEC)
        return ROUTE_MESSAGE_OTHER;
    return read_link(message, out) ? ROUTE_MESSAGE_LINK : ROUTE_MESSAGE_BAD;
}

/* --- neighbours ------------------------------------------------------------------------------- */

/* Entries of bridges are none of IP, and proxies are addresses that this machine answers for. */
static enum route_message_kind kind_of_neighbour(
    const struct nlmsghdr *message, struct route_neighbour *out)
{
    if (mnl_nlmsg_get_payload_len(message) < sizeof(struct ndmsg))
        return ROUTE_MESSAGE_BAD;
    const struct ndmsg *entry = mnl_nlmsg_get_payload(message);
    struct attrs attrs = attrs_of(message, sizeof(*entry));
    enum address_family family = family_of(entry->ndm_family);
    if (family == ADDRESS_NONE || (entry->ndm_flags & NTF_PROXY) != 0)
        return ROUTE_MESSAGE_OTHER;

    *out = (struct route_neighbour){.via = {.ifindex = (uint32_t)entry->ndm_ifindex}};
    if (attrs.at[NDA_DST] == NULL || !read_ip(attrs.at[NDA_DST], family, &out->via.ip))
        return ROUTE_MESSAGE_BAD;
    out->is_usable = message->nlmsg_type == RTM_NEWNEIGH && (entry->ndm_state & USABLE) != 0 &&
                     read_mac(attrs.at[NDA_LLADDR], out->mac);
    return ROUTE_MESSAGE_NEIGHBOUR;
}

/* --- all -------------------------------------------------------------------------------------- */

/* Both begin with an error number; a list that ended well need not have one. */
static enum route_message_kind kind_of_end(const struct nlmsghdr *message, int *error)
{
    bool is_done = message->nlmsg_type == NLMSG_DONE;
    if (mnl_nlmsg_get_payload_len(message) < sizeof(*error))
        return is_done ? ROUTE_MESSAGE_DONE : ROUTE_MESSAGE_BAD;
    memcpy(error, mnl_nlmsg_get_payload(message), sizeof(*error));
    return is_done ? ROUTE_MESSAGE_DONE : ROUTE_MESSAGE_ERROR;
}

static enum route_message_kind read_message(
    const struct nlmsghdr *message, struct route_message *out)
{
    switch (message->nlmsg_type) {
    case RTM_NEWROUTE:
        return read_route(message, &out->route) ? ROUTE_MESSAGE_ROUTE : ROUTE_MESSAGE_BAD;
    case RTM_NEWLINK:
    case RTM_DELLINK:
        return kind_of_link(message, &out->link);
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
        return kind_of_neighbour(message, &out->neighbour);
    case RTM_DELROUTE:
    case RTM_NEWADDR:
    case RTM_DELADDR:
    case RTM_NEWRULE:
    case RTM_DELRULE:
    case RTM_NEWNEXTHOP:
    case RTM_DELNEXTHOP:
        return ROUTE_MESSAGE_CHANGE;
    case NLMSG_DONE:
    case NLMSG_ERROR:
        return kind_of_end(message, &out->error);
    case NLMSG_OVERRUN:
        out->error = -ENOBUFS;
        return ROUTE_MESSAGE_ERROR;
    default:
        return ROUTE_MESSAGE_OTHER;
    }
}

/* Not by mnl_nlmsg_ok(), to which a length of more than INT_MAX is a negative one. */
static bool is_whole(struct bytes rest)
{
    const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)rest.data;
    return rest.len >= sizeof(*message) && message->nlmsg_len >= sizeof(*message) &&
           message->nlmsg_len <= rest.len;
}

bool route_message_next(struct bytes *rest, struct route_message *out)
{
    if (rest->len == 0)
        return false;
    *out = (struct route_message){.kind = ROUTE_MESSAGE_BAD};
    if (!is_whole(*rest)) {
        *rest = bytes_of(NULL, 0);
        return true;
    }
    const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)rest->data;
    size_t len = ((size_t)message->nlmsg_len + 3) / 4 * 4; /* the last need not be padded */
    struct reader r = reader_over(*rest);
    reader_take(&r, len < rest->len ? len : rest->len);
    *rest = r.rest;
    out->seq = message->nlmsg_seq;
    out->is_interrupted = (message->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    out->kind = read_message(message, out);
    return true;
}
