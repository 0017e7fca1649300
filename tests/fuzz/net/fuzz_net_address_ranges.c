/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of addresses as operators write them, an entry a line. */
#include "../require.h"
#include "net/address_class.h"
#include "net/address_ranges.h"

static struct address before(struct address a)
{
    for (size_t i = address_ip_len(&a); i > 0; i--)
        if (a.ip[i - 1]-- != 0)
            break;
    return a;
}

/* What was read is written "FIRST-LAST", which means the same. */
static void read_again(const struct address_range *range)
{
    char first[ADDRESS_TEXT_SIZE], last[ADDRESS_TEXT_SIZE], both[2 * ADDRESS_TEXT_SIZE];
    struct address_range again;

    int len = snprintf(both, sizeof(both), "%s-%s", address_ip_text(&range->first, first),
        address_ip_text(&range->last, last));
    require(address_range_parse(text_of(both, (size_t)len), &again) == NULL);
    require(address_equal(&again.first, &range->first) && address_equal(&again.last, &range->last));
}

/* An address and what it spells are of one kind, and a spelling is never public. */
static void look_at(const struct address *a)
{
    struct address inner[ADDRESS_INNER_MAX];
    size_t count = address_inner(a, inner);
    enum address_class class = address_classify(a);

    require(count <= ADDRESS_INNER_MAX && (count == 0 || a->family == ADDRESS_IP6));
    require(count == 0 || class != ADDRESS_CLASS_PUBLIC);
    for (size_t i = 0; i < count; i++)
        require(class != ADDRESS_CLASS_TRANSITION ||
                address_classify(&inner[i]) == ADDRESS_CLASS_PUBLIC);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text rest = text_from_bytes(bytes_of(data, size));
    struct address_ranges set = {.list = NULL};
    struct address_range ranges[64];
    size_t count = 0;

    while (rest.len > 0 && count < COUNT_OF(ranges)) {
        struct address_range *range = &ranges[count];
        if (address_range_parse(text_cut(&rest, '\n'), range) != NULL)
            continue;
        require(range->first.family == range->last.family);
        read_again(range);
        look_at(&range->first);
        look_at(&range->last);
        require(address_ranges_add(&set, range) == 0);
        count++;
    }
    address_ranges_seal(&set);
    require(set.count <= count);
    for (size_t i = 0; i < count; i++)
        require(address_ranges_contain(&set, &ranges[i].first) &&
                address_ranges_contain(&set, &ranges[i].last));

    /* Sealed, it is in order, with gaps between. */
    for (size_t i = 0; i < set.count; i++) {
        struct address gap = before(set.list[i].first);
        if (memcmp(gap.ip, set.list[i].first.ip, sizeof(gap.ip)) < 0)
            require(!address_ranges_contain(&set, &gap));
    }
    address_ranges_done(&set);
    return 0;
}
