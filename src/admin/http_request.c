/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/http_request.h"

enum { INCOMPLETE = 0, OK = 200, BAD = 400, TARGET_TOO_LONG = 414, HEAD_TOO_LARGE = 431 };
enum { NOT_IMPLEMENTED = 501, BAD_VERSION = 505 };

struct fields {
    struct http_request *out;
    unsigned count;
    unsigned hosts;
    bool has_length;
};

enum { VERSION_1_0 = 0, VERSION_1_1 = 1 };

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* "tchar" of RFC 9110, section 5.6.2. */
static bool is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        if (!is_token_char(t.data[i]))
            return false;
    return t.len > 0;
}

/* --- the request line --- */

static enum http_method method_of(struct text name)
{
    static const char *const names[] = {
        [HTTP_GET] = "GET", [HTTP_HEAD] = "HEAD", [HTTP_POST] = "POST", [HTTP_DELETE] = "DELETE"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (text_is(name, names[i]))
            return (enum http_method)i;
    return HTTP_OTHER;
}

/* Only what may stand in a request line unencoded; no fragment (RFC 9112, section 3.2). */
static bool is_target(struct text target)
{
    for (size_t i = 0; i < target.len; i++)
        if (target.data[i] <= ' ' || target.data[i] >= 0x7f || target.data[i] == '#')
            return false;
    return target.len > 0;
}

/* The absolute form is as good as the origin form (RFC 9112, section 3.2.2). */
static struct text origin_form(struct text target)
{
    static const char scheme[] = "http://";
    if (!text_starts_with(target, scheme))
        return target;
    target = text_skip(target, strlen(scheme));
    while (target.len > 0 && target.data[0] != '/' && target.data[0] != '?')
        target = text_skip(target, 1);
    return target;
}

static int read_request_line(struct text line, struct http_request *out, int *minor)
{
    struct text version = line;
    struct text method = text_cut(&version, ' ');
    struct text target = text_cut(&version, ' ');

    if (!is_token(method) || !is_target(target))
        return BAD;
    if (!text_starts_with(version, "HTTP/") || version.len != strlen("HTTP/1.1"))
        return BAD;
    *minor = text_is(version, "HTTP/1.1") ? VERSION_1_1 : VERSION_1_0;
    if (*minor == VERSION_1_0 && !text_is(version, "HTTP/1.0"))
        return BAD_VERSION;
    if (target.len > HTTP_MAX_TARGET)
        return TARGET_TOO_LONG;
    out->method = method_of(method);
    out->query = origin_form(target);
    out->path = text_cut(&out->query, '?');
    return text_starts_with(out->path, "/") ? OK : BAD;
}

/* --- the fields --- */

static bool is_value(struct text value)
{
    for (size_t i = 0; i < value.len; i++)
        if (is_control(value.data[i]) && value.data[i] != '\t')
            return false;
    return true;
}

static int read_field(struct text line, struct fields *fields)
{
    struct text value = line;
    struct text name = text_cut(&value, ':');
    if (name.len == line.len || !is_token(name) || !is_value(value))
        return BAD;
    value = text_trim(value);
    if (text_is_nocase(name, "host")) {
        fields->hosts++;
    } else if (text_is_nocase(name, "content-length")) {
        if (fields->has_length || !text_to_u64(value, UINT64_MAX / 2, &fields->out->content_length))
            return BAD;
        fields->has_length = true;
    } else if (text_is_nocase(name, "authorization")) {
        if (fields->out->authorization.data != NULL)
            return BAD;
        fields->out->authorization = text_of(value.len > 0 ? value.data : "", value.len);
    } else if (text_is_nocase(name, "transfer-encoding")) {
        return NOT_IMPLEMENTED;
    }
    return ++fields->count > HTTP_MAX_FIELDS ? HEAD_TOO_LARGE : OK;
}

/* --- the head --- */

/* Splits off the line up to CR LF; false when there is none yet. */
static bool next_line(struct text *rest, struct text *line)
{
    const char *end = rest->len > 0 ? memmem(rest->data, rest->len, "\r\n", 2) : NULL;
    if (end == NULL)
        return false;
    *line = text_of(rest->data, (size_t)(end - rest->data));
    *rest = text_skip(*rest, line->len + 2);
    return true;
}

/* Without a whole line yet: whether there will ever be one. */
static int judge_start(struct text received)
{
    if (received.len > 0 && !is_token_char(received.data[0]))
        return BAD; /* TLS, for instance: do not wait for more of it */
    return received.len > HTTP_MAX_TARGET ? TARGET_TOO_LONG : INCOMPLETE;
}

static int read_fields(struct text *rest, struct fields *fields, struct text *last)
{
    int status = OK;
    while (status == OK) {
        if (!next_line(rest, last))
            return INCOMPLETE;
        if (last->len == 0)
            return OK;
        status = read_field(*last, fields);
    }
    return status;
}

int http_request_parse(struct text received, struct http_request *out)
{
    struct http_request request = {.method = HTTP_OTHER};
    struct fields fields = {.out = &request};
    size_t most = received.len < HTTP_MAX_HEAD ? received.len : HTTP_MAX_HEAD;
    struct text rest = text_of(received.data, most), line;
    int minor;

    if (!next_line(&rest, &line))
        return judge_start(rest);
    int status = read_request_line(line, &request, &minor);
    if (status == OK)
        status = read_fields(&rest, &fields, &line);
    if (status == INCOMPLETE && most == HTTP_MAX_HEAD)
        return HEAD_TOO_LARGE;
    if (status != OK)
        return status;
    /* RFC 9112, section 3.2; there was no Host before 1.1. */
    if (fields.hosts > 1 || (fields.hosts == 0 && minor == VERSION_1_1))
        return BAD;
    request.head_len = (size_t)(line.data + strlen("\r\n") - received.data);
    *out = request;
    return OK;
}
