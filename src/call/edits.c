/* SPDX-License-Identifier: Apache-2.0 */
#include "call/edits.h"

#include "mediaferry/sdp_write.h"

/* `none` and `global` mean the session part, whose kind is the empty text. */
static bool is_meant(const struct call_sdp_edit *edit, struct text kind)
{
    if (text_is(edit->media, "none") || text_is(edit->media, "global"))
        return kind.len == 0;
    return text_equal(edit->media, kind);
}

/* By name, `name:tag` (the first word of the value) or the whole. */
static bool matches(struct text attr, struct text pattern)
{
    if (text_equal(attr, pattern))
        return true;
    if (pattern.len == 0 || attr.len <= pattern.len ||
        memcmp(attr.data, pattern.data, pattern.len) != 0)
        return false;
    bool has_tag = memchr(pattern.data, ':', pattern.len) != NULL;
    return attr.data[pattern.len] == (has_tag ? ' ' : ':');
}

static void edit_line(const struct work *w, struct text kind, struct text attr, struct writer *out)
{
    for (uint8_t i = 0; i < w->flags.edit_count; i++) {
        const struct call_sdp_edit *edit = &w->flags.edits[i];
        if (edit->action == CALL_SDP_ADD || !is_meant(edit, kind) || !matches(attr, edit->from))
            continue;
        if (edit->action == CALL_SDP_REMOVE)
            return;
        attr = edit->to;
    }
    sdp_write_line(out, 'a', attr);
}

static void add_lines(const struct work *w, struct text kind, struct writer *out)
{
    for (uint8_t i = 0; i < w->flags.edit_count; i++) {
        const struct call_sdp_edit *edit = &w->flags.edits[i];
        if (edit->action == CALL_SDP_ADD && is_meant(edit, kind))
            sdp_write_line(out, 'a', edit->from);
    }
}

void edits_apply(const struct work *w, struct text from, struct writer *out)
{
    struct text kind = text_of(NULL, 0);
    while (from.len > 0) {
        struct text line = text_cut(&from, '\n');
        if (line.len > 0 && line.data[line.len - 1] == '\r')
            line.len--;
        if (line.len < 2)
            continue;
        struct text value = text_skip(line, 2);
        if (line.data[0] == 'm') {
            add_lines(w, kind, out);
            kind = text_cut(&(struct text){value.data, value.len}, ' ');
        }
        if (line.data[0] == 'a')
            edit_line(w, kind, value, out);
        else
            sdp_write_line(out, line.data[0], value);
    }
    add_lines(w, kind, out);
}
