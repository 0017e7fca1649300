/* SPDX-License-Identifier: Apache-2.0 */
#include "sdp/lines.h"
#include "mediaferry/sdp_attr.h"

enum form { WHOLE, FRAGMENT };

struct parser {
    struct text text;
    enum form form;
    struct sdp sdp;
    struct sdp_media *media; /* the open section; NULL in the session part */
    size_t lines_start;      /* where the lines of the open section begin */
    size_t section_start;    /* where its first line begins */
    unsigned line;           /* number of the current line */
    size_t line_start;
};

const char *sdp_status_text(enum sdp_status status)
{
    static const char *const texts[] = {
        [SDP_OK] = "ok",
        [SDP_EMPTY] = "there is no line",
        [SDP_BAD_VERSION] = "the first line is not v=0",
        [SDP_BAD_LINE] = "not a line of SDP",
        [SDP_BAD_CHARACTER] = "a control character inside a line",
        [SDP_MISPLACED] = "a session line inside a media section",
        [SDP_BAD_ORIGIN] = "o= has not six fields",
        [SDP_BAD_CONNECTION] = "c= names no address",
        [SDP_BAD_MEDIA] = "m= lacks type, port or protocol",
        [SDP_TOO_MANY] = "too many media sections",
        [SDP_INCOMPLETE] = "a media section has no c=",
    };
    return texts[status];
}

static struct text span(const struct parser *p, size_t start, size_t end)
{
    struct text from = text_skip(p->text, start);
    return from.len == 0 ? from : text_of(from.data, end - start);
}

/* The first line of its kind counts. */
static void set_once(struct text *field, struct text value)
{
    if (field->len == 0)
        *field = value;
}

static enum sdp_status read_origin(struct sdp *sdp, struct text value)
{
    struct sdp_origin o;
    if (sdp->origin.user.len > 0)
        return SDP_OK;
    if (!sdp_next_word(&value, &o.user) || !sdp_next_word(&value, &o.session_id) ||
        !sdp_next_word(&value, &o.version) || !sdp_next_word(&value, &o.net_type) ||
        !sdp_next_word(&value, &o.addr_type) || !sdp_next_word(&value, &o.host))
        return SDP_BAD_ORIGIN;
    sdp->origin = o;
    return SDP_OK;
}

static enum sdp_status read_connection(struct parser *p, struct text value)
{
    struct sdp_connection c;
    if (!sdp_read_connection(value, &c))
        return SDP_BAD_CONNECTION;

    struct sdp_connection *to = p->media != NULL ? &p->media->connection : &p->sdp.connection;
    if (to->family == ADDRESS_NONE)
        *to = c;
    if (p->media != NULL)
        p->media->has_own_connection = true;
    return SDP_OK;
}

/* `port` or `port/count` */
static bool read_port(struct text word, struct sdp_media *m)
{
    uint64_t port, count = 1;
    struct text number = text_cut(&word, '/');
    if (!text_to_u64(number, UINT16_MAX, &port))
        return false;
    if (word.len > 0 && (!text_to_u64(word, UINT16_MAX, &count) || count == 0))
        return false;
    m->port = (uint16_t)port;
    m->port_count = (uint16_t)count;
    return true;
}

/* Ends the open section in front of the current line. */
static enum sdp_status close_section(struct parser *p)
{
    struct text lines = span(p, p->lines_start, p->line_start);
    struct sdp_media *m = p->media;

    if (m == NULL) {
        p->sdp.lines = lines;
        return SDP_OK;
    }
    m->lines = lines;
    p->media = NULL;
    if (m->has_own_connection)
        return SDP_OK;
    m->connection = p->sdp.connection;
    if (m->connection.family != ADDRESS_NONE || p->form == FRAGMENT)
        return SDP_OK;
    p->line = m->line;
    p->line_start = p->section_start;
    return SDP_INCOMPLETE;
}

/* Opens a section at the current line, its lines beginning at `lines_start`. */
static enum sdp_status open_section(struct parser *p, struct sdp_media media, size_t lines_start)
{
    enum sdp_status status = close_section(p);
    if (status != SDP_OK)
        return status;
    if (p->sdp.media_count == SDP_MAX_MEDIA)
        return SDP_TOO_MANY;

    media.line = p->line;
    p->media = &p->sdp.media[p->sdp.media_count++];
    *p->media = media;
    p->section_start = p->line_start;
    p->lines_start = lines_start;
    return SDP_OK;
}

static enum sdp_status read_media(struct parser *p, struct text value, size_t next_line)
{
    struct sdp_media m = {.port_count = 1};
    struct text port;

    if (!sdp_next_word(&value, &m.type) || !sdp_next_word(&value, &port) || !read_port(port, &m) ||
        !sdp_next_word(&value, &m.protocol_name))
        return SDP_BAD_MEDIA;
    m.protocol = sdp_protocol_of(m.protocol_name);
    m.formats = text_trim(value);
    return open_section(p, m, next_line);
}

/* Fragments of early drafts separate their sections by a=mid alone. */
static enum sdp_status read_attribute(struct parser *p, struct text value)
{
    if (p->form == WHOLE || !text_starts_with(value, "mid:"))
        return SDP_OK;
    if (p->media != NULL && p->media->type.len > 0)
        return SDP_OK;
    return open_section(p, (struct sdp_media){.port_count = 1}, p->line_start);
}

static enum sdp_status read_session_line(struct parser *p, char letter, struct text value)
{
    if (p->media != NULL)
        return SDP_MISPLACED;
    switch (letter) {
    case 'o':
        return read_origin(&p->sdp, value);
    case 's':
        set_once(&p->sdp.name, value);
        return SDP_OK;
    case 'u':
        set_once(&p->sdp.uri, value);
        return SDP_OK;
    case 'e':
        set_once(&p->sdp.email, value);
        return SDP_OK;
    case 'p':
        set_once(&p->sdp.phone, value);
        return SDP_OK;
    default:
        set_once(&p->sdp.time, value);
        return SDP_OK;
    }
}

static enum sdp_status read_line(struct parser *p, struct text line, size_t next_line)
{
    if (line.len < 2 || line.data[1] != '=')
        return SDP_BAD_LINE;
    struct text value = text_skip(line, 2);

    switch (line.data[0]) {
    case 'o':
    case 's':
    case 't':
    case 'u':
    case 'e':
    case 'p':
        return read_session_line(p, line.data[0], value);
    case 'i':
        set_once(p->media != NULL ? &p->media->info : &p->sdp.info, value);
        return SDP_OK;
    case 'c':
        return read_connection(p, value);
    case 'm':
        return read_media(p, value, next_line);
    case 'a':
        return read_attribute(p, value);
    case 'v': /* only the first line gets here */
        return text_is(text_trim(value), "0") ? SDP_OK : SDP_BAD_VERSION;
    case 'b':
    case 'k':
    case 'r':
    case 'z':
        return SDP_OK;
    default:
        return SDP_BAD_LINE;
    }
}

static bool has_bad_character(struct text line)
{
    return line.len > 0 &&
           (memchr(line.data, '\0', line.len) != NULL || memchr(line.data, '\r', line.len) != NULL);
}

static enum sdp_status read_lines(struct parser *p)
{
    struct text it = p->text;
    struct text line;

    while (sdp_take_line(&it, &line) && text_trim(line).len > 0) {
        size_t next_line = p->text.len - it.len;
        bool is_version = text_starts_with(line, "v=");

        p->line++;
        if (p->line > 1 && is_version) {
            p->sdp.rest = span(p, p->line_start, p->text.len);
            return close_section(p);
        }
        if (p->line == 1 && !is_version && p->form == WHOLE)
            return SDP_BAD_VERSION;
        if (has_bad_character(line))
            return SDP_BAD_CHARACTER;
        enum sdp_status status = read_line(p, line, next_line);
        if (status != SDP_OK)
            return status;
        p->line_start = next_line;
    }
    return p->line == 0 ? SDP_EMPTY : close_section(p);
}

static enum sdp_status parse(
    struct text text, enum form form, struct sdp *out, struct sdp_error *error)
{
    struct parser p = {.text = text, .form = form};
    enum sdp_status status = read_lines(&p);

    if (error != NULL)
        *error = (struct sdp_error){.status = status, .line = p.line, .offset = p.line_start};
    if (status == SDP_OK)
        *out = p.sdp;
    return status;
}

enum sdp_status sdp_parse(struct text text, struct sdp *out, struct sdp_error *error)
{
    return parse(text, WHOLE, out, error);
}

enum sdp_status sdp_parse_fragment(struct text text, struct sdp *out, struct sdp_error *error)
{
    return parse(text, FRAGMENT, out, error);
}
