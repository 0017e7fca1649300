/* SPDX-License-Identifier: Apache-2.0 */
#include "sdp/lines.h"

#include "mediaferry/sdp_attr.h"

bool sdp_take_line(struct text *it, struct text *out)
{
    if (it->len == 0)
        return false;
    struct text line = text_cut(it, '\n');
    while (line.len > 0 && line.data[line.len - 1] == '\r')
        line.len--;
    *out = line;
    return true;
}

bool sdp_next_line(struct text *it, char letter, struct text *out)
{
    struct text line;
    while (sdp_take_line(it, &line)) {
        if (line.len < 2 || line.data[0] != letter || line.data[1] != '=')
            continue;
        *out = text_skip(line, 2);
        return true;
    }
    return false;
}

bool sdp_next_word(struct text *it, struct text *out)
{
    struct text rest = text_trim(*it);
    size_t len = 0;

    while (len < rest.len && rest.data[len] != ' ' && rest.data[len] != '\t')
        len++;
    *it = text_skip(rest, len);
    if (len == 0)
        return false;
    *out = text_of(rest.data, len);
    return true;
}

bool sdp_take_number(struct text *it, uint64_t max, uint64_t *out)
{
    struct text word;
    return sdp_next_word(it, &word) && text_to_u64(word, max, out);
}

bool sdp_has_word(struct text value, const char *word)
{
    struct text next;
    while (sdp_next_word(&value, &next))
        if (text_is(next, word))
            return true;
    return false;
}

bool sdp_next_attr(struct text *it, struct sdp_attr *out)
{
    struct text whole;
    do {
        if (!sdp_next_line(it, 'a', &whole))
            return false;
    } while (whole.len == 0);

    struct text value = whole;
    struct text name = text_cut(&value, ':');
    *out = (struct sdp_attr){
        .kind = sdp_attr_kind_of(name), .name = name, .value = value, .whole = whole};
    return true;
}

bool sdp_find_attr(struct text lines, enum sdp_attr_kind kind, struct sdp_attr *out)
{
    struct sdp_attr attr;
    while (sdp_next_attr(&lines, &attr)) {
        if (attr.kind != kind)
            continue;
        *out = attr;
        return true;
    }
    return false;
}

bool sdp_next_bandwidth(struct text *it, struct sdp_bandwidth *out)
{
    struct text value;
    while (sdp_next_line(it, 'b', &value)) {
        struct sdp_bandwidth b;
        struct text type = text_cut(&value, ':');
        if (!sdp_read_word(type, &b.type) || !text_to_u64(text_trim(value), UINT64_MAX, &b.value))
            continue;
        *out = b;
        return true;
    }
    return false;
}
