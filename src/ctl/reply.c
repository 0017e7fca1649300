/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/reply.h"

/* A line, which ends with CR LF; false: it does not. */
static bool take_line(struct text *rest, struct text *out)
{
    const char *end = rest->len > 0 ? memchr(rest->data, '\n', rest->len) : NULL;
    if (end == NULL || end == rest->data || end[-1] != '\r')
        return false;
    size_t len = (size_t)(end - rest->data);
    *out = text_of(rest->data, len - 1);
    *rest = text_skip(*rest, len + 1);
    return true;
}

/* "HTTP/1.1 200 OK" (RFC 9112, section 4). */
static bool read_status(struct text line, unsigned *out)
{
    uint64_t status;
    struct text version = text_cut(&line, ' ');
    if (!text_is(version, "HTTP/1.1") && !text_is(version, "HTTP/1.0"))
        return false;
    if (!text_to_u64(text_cut(&line, ' '), 599, &status) || status < 200)
        return false;
    *out = (unsigned)status;
    return true;
}

struct length {
    uint64_t bytes;
    bool is_known;
};

static bool read_field(struct text line, struct ctl_reply *reply, struct length *length)
{
    struct text name = text_cut(&line, ':');
    struct text value = text_trim(line);
    if (text_is_nocase(name, "content-type")) {
        reply->type = text_trim(text_cut(&value, ';'));
    } else if (text_is_nocase(name, "content-length")) {
        if (length->is_known || !text_to_u64(value, UINT64_MAX, &length->bytes))
            return false;
        length->is_known = true;
    } else if (text_is_nocase(name, "transfer-encoding")) {
        return false; /* it is never used to those who do not ask for it */
    }
    return name.len > 0;
}

bool ctl_reply_read(struct text raw, struct ctl_reply *out)
{
    struct ctl_reply reply = {.status = 0};
    struct length length = {.bytes = 0};
    struct text line;
    if (!take_line(&raw, &line) || !read_status(line, &reply.status))
        return false;
    for (;;) {
        if (!take_line(&raw, &line))
            return false;
        if (line.len == 0)
            break;
        if (!read_field(line, &reply, &length))
            return false;
    }
    if (length.is_known && length.bytes != raw.len)
        return false;
    reply.body = raw;
    *out = reply;
    return true;
}
