/* SPDX-License-Identifier: Apache-2.0 */
/* Attributes that name sections, sources and header extensions. */
#include "mediaferry/sdp_attr.h"

#include "sdp/lines.h"

/* RFC 8285, section 5: 4096-4351 stand for more than 255 in an offer. */
static bool extmap_id_is_valid(uint64_t id)
{
    return (id >= 1 && id <= 255) || (id >= 4096 && id <= 4351);
}

bool sdp_read_extmap(struct text value, struct sdp_extmap *out)
{
    struct sdp_extmap map = {.has_direction = false};
    struct text direction;
    uint64_t id;

    if (!sdp_next_word(&value, &direction) || !sdp_next_word(&value, &map.uri))
        return false;
    if (!text_to_u64(text_cut(&direction, '/'), UINT16_MAX, &id) || !extmap_id_is_valid(id))
        return false;
    map.id = (uint16_t)id;
    map.has_direction = direction.len > 0;
    if (map.has_direction && !sdp_direction_of(sdp_attr_kind_of(direction), &map.direction))
        return false;
    map.params = text_trim(value);
    *out = map;
    return true;
}

bool sdp_read_group(struct text value, struct sdp_group *out)
{
    struct sdp_group group;
    if (!sdp_next_word(&value, &group.semantics))
        return false;
    group.mids = text_trim(value);
    *out = group;
    return true;
}

bool sdp_read_ssrc(struct text value, struct sdp_ssrc *out)
{
    struct sdp_ssrc source;
    uint64_t ssrc;

    if (!sdp_take_number(&value, UINT32_MAX, &ssrc))
        return false;
    source.ssrc = (uint32_t)ssrc;
    source.value = text_trim(value);
    source.name = text_cut(&source.value, ':');
    if (source.name.len == 0)
        return false;
    *out = source;
    return true;
}

bool sdp_read_word(struct text value, struct text *out)
{
    struct text word;
    if (!sdp_next_word(&value, &word) || text_trim(value).len > 0)
        return false;
    *out = word;
    return true;
}
