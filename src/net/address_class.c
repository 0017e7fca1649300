/* SPDX-License-Identifier: Apache-2.0 */
#include "net/address_class.h"

/* The registries of special-purpose addresses (RFC 6890) and of multicast. */
static const struct prefix {
    enum address_family family;
    unsigned bits;
    uint8_t ip[16];
    enum address_class class;
} prefixes[] = {
    {ADDRESS_IP4, 0, {0}, ADDRESS_CLASS_PUBLIC},
    {ADDRESS_IP4, 8, {0}, ADDRESS_CLASS_THIS_NETWORK},
    {ADDRESS_IP4, 8, {10}, ADDRESS_CLASS_PRIVATE},
    {ADDRESS_IP4, 10, {100, 64}, ADDRESS_CLASS_PRIVATE},
    {ADDRESS_IP4, 8, {127}, ADDRESS_CLASS_LOOPBACK},
    {ADDRESS_IP4, 32, {168, 63, 129, 16},
        ADDRESS_CLASS_LINK_LOCAL}, /* the host of an Azure guest */
    {ADDRESS_IP4, 16, {169, 254}, ADDRESS_CLASS_LINK_LOCAL},
    {ADDRESS_IP4, 12, {172, 16}, ADDRESS_CLASS_PRIVATE},
    {ADDRESS_IP4, 24, {192, 0, 0}, ADDRESS_CLASS_RESERVED},
    {ADDRESS_IP4, 24, {192, 0, 2}, ADDRESS_CLASS_RESERVED},
    {ADDRESS_IP4, 24, {192, 88, 99}, ADDRESS_CLASS_RESERVED},
    {ADDRESS_IP4, 16, {192, 168}, ADDRESS_CLASS_PRIVATE},
    {ADDRESS_IP4, 15, {198, 18}, ADDRESS_CLASS_RESERVED},
    {ADDRESS_IP4, 24, {198, 51, 100}, ADDRESS_CLASS_RESERVED},
    {ADDRESS_IP4, 24, {203, 0, 113}, ADDRESS_CLASS_RESERVED},
    {ADDRESS_IP4, 4, {224}, ADDRESS_CLASS_MULTICAST},
    {ADDRESS_IP4, 4, {240}, ADDRESS_CLASS_RESERVED},

    {ADDRESS_IP6, 0, {0}, ADDRESS_CLASS_RESERVED},
    {ADDRESS_IP6, 128, {0}, ADDRESS_CLASS_THIS_NETWORK},
    {ADDRESS_IP6, 128, {[15] = 1}, ADDRESS_CLASS_LOOPBACK},
    {ADDRESS_IP6, 3, {0x20}, ADDRESS_CLASS_PUBLIC}, /* all that is given out (RFC 4291) */
    {ADDRESS_IP6, 23, {0x20, 0x01}, ADDRESS_CLASS_RESERVED},
    {ADDRESS_IP6, 32, {0x20, 0x01, 0x0d, 0xb8}, ADDRESS_CLASS_RESERVED},
    {ADDRESS_IP6, 20, {0x3f, 0xff}, ADDRESS_CLASS_RESERVED}, /* RFC 9637 */
    {ADDRESS_IP6, 7, {0xfc}, ADDRESS_CLASS_UNIQUE_LOCAL},
    {ADDRESS_IP6, 10, {0xfe, 0x80}, ADDRESS_CLASS_LINK_LOCAL},
    {ADDRESS_IP6, 10, {0xfe, 0xc0}, ADDRESS_CLASS_SITE_LOCAL},
    {ADDRESS_IP6, 8, {0xff}, ADDRESS_CLASS_MULTICAST},
};

/* IPv6 addresses with an IPv4 address at a fixed place. */
static const struct spelling {
    unsigned bits;
    uint8_t ip[16];
    uint8_t at;
    bool is_inverted;
} spellings[] = {
    {96, {0}, 12, false},                        /* compatible */
    {96, {[10] = 0xff, [11] = 0xff}, 12, false}, /* mapped */
    {96, {[8] = 0xff, [9] = 0xff}, 12, false},   /* translated (RFC 2765) */
    {16, {0x20, 0x02}, 2, false},                /* 6to4 (RFC 3056) */
    {32, {0x20, 0x01}, 12, true},                /* Teredo: the client */
    {32, {0x20, 0x01}, 4, false},                /* Teredo: its server */
    {96, {0x00, 0x64, 0xff, 0x9b}, 12, false},   /* NAT64 (RFC 6052) */
};

/* The forms of RFC 6052, section 2.2, that fit into the local prefix of NAT64 (RFC 8215). Byte 8 is
 * zero in all, and so is what follows. */
static const uint8_t local_nat64_prefix[16] = {0x00, 0x64, 0xff, 0x9b, 0x00, 0x01};
static const uint8_t local_nat64_forms[][4] = {
    {6, 7, 9, 10}, {7, 9, 10, 11}, {9, 10, 11, 12}, {12, 13, 14, 15}};

static const char *const names[ADDRESS_CLASS_COUNT] = {
    [ADDRESS_CLASS_PUBLIC] = "public",
    [ADDRESS_CLASS_THIS_NETWORK] = "this-network",
    [ADDRESS_CLASS_LOOPBACK] = "loopback",
    [ADDRESS_CLASS_PRIVATE] = "private",
    [ADDRESS_CLASS_LINK_LOCAL] = "link-local",
    [ADDRESS_CLASS_UNIQUE_LOCAL] = "unique-local",
    [ADDRESS_CLASS_SITE_LOCAL] = "site-local",
    [ADDRESS_CLASS_MULTICAST] = "multicast",
    [ADDRESS_CLASS_RESERVED] = "reserved",
    [ADDRESS_CLASS_TRANSITION] = "transition",
};

const char *address_class_name(enum address_class class)
{
    return names[class];
}

static bool has_prefix(const uint8_t *ip, const uint8_t *prefix, unsigned bits)
{
    unsigned whole = bits / 8, rest = bits % 8;
    if (memcmp(ip, prefix, whole) != 0)
        return false;
    return rest == 0 || ((ip[whole] ^ prefix[whole]) >> (8 - rest)) == 0;
}

/* By the longest prefix that fits; the order of the table means nothing. */
static enum address_class class_by_prefix(const struct address *a)
{
    const struct prefix *best = NULL;
    for (size_t i = 0; i < COUNT_OF(prefixes); i++) {
        const struct prefix *p = &prefixes[i];
        if (p->family == a->family && has_prefix(a->ip, p->ip, p->bits) &&
            (best == NULL || p->bits > best->bits))
            best = p;
    }
    return best != NULL ? best->class : ADDRESS_CLASS_THIS_NETWORK;
}

struct inner_list {
    struct address *out;
    size_t count;
    uint16_t port;
};

static void add_inner(struct inner_list *list, const uint8_t ip[4])
{
    list->out[list->count++] = address_from_ip(ADDRESS_IP4, ip, list->port);
}

static bool all_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

/* The network's own prefix may end at several places, so all readings that are well-formed count:
 * whoever opens one opens what it can mean. The zeros that end the short forms mean nothing. */
static void add_local_nat64(struct inner_list *list, const uint8_t *ip)
{
    size_t before = list->count;

    for (size_t i = 0; i < COUNT_OF(local_nat64_forms); i++) {
        const uint8_t *at = local_nat64_forms[i];
        uint8_t ip4[] = {ip[at[0]], ip[at[1]], ip[at[2]], ip[at[3]]};
        if (ip[8] == 0 && all_zero(ip + at[3] + 1, 15u - at[3]) && !all_zero(ip4, sizeof(ip4)))
            add_inner(list, ip4);
    }
    if (list->count == before)
        add_inner(list, ip + 12);
}

/* RFC 5214, section 6.1; the two bits that tell of uniqueness and groups may have any value. */
static bool is_isatap(const uint8_t *ip)
{
    return (ip[8] & 0xfc) == 0 && ip[9] == 0 && ip[10] == 0x5e && ip[11] == 0xfe;
}

size_t address_inner(const struct address *a, struct address out[ADDRESS_INNER_MAX])
{
    static const uint8_t zeros[15];
    struct inner_list list = {.out = out, .port = a->port};

    if (a->family != ADDRESS_IP6)
        return 0;
    if (memcmp(a->ip, zeros, sizeof(zeros)) == 0 && a->ip[15] <= 1)
        return 0; /* unspecified and loopback are no spellings */
    for (size_t i = 0; i < COUNT_OF(spellings); i++) {
        const struct spelling *s = &spellings[i];
        uint8_t flip = s->is_inverted ? 0xff : 0;
        if (!has_prefix(a->ip, s->ip, s->bits))
            continue;
        uint8_t ip4[4];
        for (size_t b = 0; b < sizeof(ip4); b++)
            ip4[b] = a->ip[s->at + b] ^ flip;
        add_inner(&list, ip4);
    }
    if (has_prefix(a->ip, local_nat64_prefix, 48))
        add_local_nat64(&list, a->ip);
    if (is_isatap(a->ip))
        add_inner(&list, a->ip + 12);
    return list.count;
}

struct address address_canonical(const struct address *a)
{
    struct address inner[ADDRESS_INNER_MAX];
    return address_inner(a, inner) > 0 ? inner[0] : *a;
}

enum address_class address_classify(const struct address *a)
{
    struct address inner[ADDRESS_INNER_MAX];
    size_t count = address_inner(a, inner);

    if (count == 0)
        return class_by_prefix(a);
    for (size_t i = 0; i < count; i++) {
        enum address_class class = class_by_prefix(&inner[i]);
        if (class != ADDRESS_CLASS_PUBLIC)
            return class;
    }
    return ADDRESS_CLASS_TRANSITION;
}
