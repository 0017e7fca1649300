/* SPDX-License-Identifier: Apache-2.0 */
#include "net/address_ranges.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

void address_ranges_done(struct address_ranges *set)
{
    free(set->list);
    *set = (struct address_ranges){.list = NULL};
}

/* By family, then by address; the bytes behind an IPv4 address are zero. */
static int compare_ip(const struct address *a, const struct address *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return memcmp(a->ip, b->ip, sizeof(a->ip));
}

/* Makes the bits behind the first `bits` zero in `first` and one in `last`; false when `first` had
 * some set. */
static bool spread(struct address_range *range, unsigned bits)
{
    bool was_clean = true;
    for (unsigned i = bits; i < address_ip_len(&range->first) * 8; i++) {
        uint8_t bit = (uint8_t)(0x80 >> (i % 8));
        was_clean = was_clean && (range->first.ip[i / 8] & bit) == 0;
        range->last.ip[i / 8] |= bit;
    }
    return was_clean;
}

static const char *parse_network(struct text ip, struct text length, struct address_range *out)
{
    struct address_range range;
    uint64_t bits;

    if (!address_parse(text_trim(ip), &range.first))
        return "is no network: there is no IP address before the slash";
    if (!text_to_u64(text_trim(length), address_ip_len(&range.first) * 8, &bits))
        return "is no network: behind the slash must stand a length of its prefix";
    range.last = range.first;
    /* In a list that opens or closes doors a doubtful entry is an error. */
    if (!spread(&range, (unsigned)bits))
        return "is no network: its address has bits set behind the prefix";
    *out = range;
    return NULL;
}

static const char *parse_ends(struct text first, struct text last, struct address_range *out)
{
    struct address_range range;

    if (!address_parse(text_trim(first), &range.first) ||
        !address_parse(text_trim(last), &range.last))
        return "is no range: on both sides of the dash must stand an IP address";
    if (range.first.family != range.last.family)
        return "is no range: its ends are of different families";
    if (compare_ip(&range.first, &range.last) > 0)
        return "is no range: it ends before it starts";
    *out = range;
    return NULL;
}

const char *address_range_parse(struct text text, struct address_range *out)
{
    struct text rest = text_trim(text), ip;

    if (rest.len > 0 && memchr(rest.data, '/', rest.len) != NULL) {
        ip = text_cut(&rest, '/');
        return parse_network(ip, rest, out);
    }
    if (rest.len > 0 && memchr(rest.data, '-', rest.len) != NULL) {
        ip = text_cut(&rest, '-');
        return parse_ends(ip, rest, out);
    }
    struct address a;
    if (!address_parse(rest, &a))
        return "is no IP address, network or range of addresses";
    *out = (struct address_range){.first = a, .last = a};
    return NULL;
}

static int make_room(struct address_ranges *set, size_t more)
{
    if (more <= set->capacity - set->count)
        return 0;
    size_t capacity = set->count + more + set->count / 2 + 4;
    struct address_range *list = realloc(set->list, capacity * sizeof(*list));
    if (list == NULL)
        return -ENOMEM;
    set->list = list;
    set->capacity = capacity;
    return 0;
}

int address_ranges_add(struct address_ranges *set, const struct address_range *range)
{
    assert(range->first.family != ADDRESS_NONE && range->first.family == range->last.family);
    int error = make_room(set, 1);
    if (error != 0)
        return error;
    set->list[set->count] = *range;
    set->list[set->count].first.port = set->list[set->count].last.port = 0;
    set->count++;
    set->unsealed = true;
    return 0;
}

int address_ranges_add_all(struct address_ranges *set, const struct address_ranges *more)
{
    int error = make_room(set, more->count);
    if (error != 0 || more->count == 0)
        return error;
    memcpy(set->list + set->count, more->list, more->count * sizeof(*more->list));
    set->count += more->count;
    set->unsealed = true;
    return 0;
}

static int compare_first(const void *a, const void *b)
{
    const struct address_range *one = a, *other = b;
    return compare_ip(&one->first, &other->first);
}

/* Whether `b`, which starts no earlier, continues `a` without a gap. */
static bool touches(const struct address_range *a, const struct address_range *b)
{
    if (a->last.family != b->first.family)
        return false;
    if (compare_ip(&b->first, &a->last) <= 0)
        return true;
    struct address next = a->last;
    for (size_t i = address_ip_len(&next); i > 0; i--)
        if (++next.ip[i - 1] != 0)
            break;
    return compare_ip(&next, &b->first) == 0;
}

void address_ranges_seal(struct address_ranges *set)
{
    size_t kept = 0;

    if (set->count > 0)
        qsort(set->list, set->count, sizeof(*set->list), compare_first);
    for (size_t i = 0; i < set->count; i++) {
        struct address_range *last = kept > 0 ? &set->list[kept - 1] : NULL;
        if (last == NULL || !touches(last, &set->list[i]))
            set->list[kept++] = set->list[i];
        else if (compare_ip(&set->list[i].last, &last->last) > 0)
            last->last = set->list[i].last;
    }
    set->count = kept;
    set->unsealed = false;
}

bool address_ranges_contain(const struct address_ranges *set, const struct address *ip)
{
    size_t low = 0, high = set->count;

    assert(!set->unsealed);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_ip(ip, &set->list[middle].first) < 0)
            high = middle;
        else if (compare_ip(ip, &set->list[middle].last) > 0)
            low = middle + 1;
        else
            return true;
    }
    return false;
}
