/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/http_request.h"

enum { OK = 200, BAD = 400, TARGET_TOO_LONG = 414, HEAD_TOO_LARGE = 431, NOT_IMPLEMENTED = 501 };

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

int http_request_line(struct http_request *r, struct text method, struct text target)
{
    if (target.len > HTTP_MAX_TARGET)
        return TARGET_TOO_LONG;
    if (!is_target(target))
        return BAD;
    r->method = method_of(method);
    r->query = origin_form(target);
    r->path = text_cut(&r->query, '?');
    return text_starts_with(r->path, "/") ? OK : BAD;
}

/* --- the fields --- */

/* "token" of RFC 9110, section 5.6.2. */
static bool is_token(struct text t)
{
    for (size_t i = 0; i < t.len; i++) {
        char c = t.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL)))
            return false;
    }
    return t.len > 0;
}

static bool is_value(struct text value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static int read_known(struct http_request *r, struct text name, struct text value)
{
    if (text_is_nocase(name, "host")) {
        if (r->has_host)
            return BAD;
        r->has_host = true;
    } else if (text_is_nocase(name, "content-length")) {
        if (r->has_length || !text_to_u64(value, UINT64_MAX / 2, &r->content_length))
            return BAD;
        r->has_length = true;
    } else if (text_is_nocase(name, "authorization")) {
        if (r->authorization.data != NULL)
            return BAD;
        r->authorization = text_of(value.len > 0 ? value.data : "", value.len);
    } else if (text_is_nocase(name, "transfer-encoding")) {
        return NOT_IMPLEMENTED;
    }
    return OK;
}

int http_request_field(struct http_request *r, struct text name, struct text value)
{
    if (++r->fields > HTTP_MAX_FIELDS)
        return HEAD_TOO_LARGE;
    return is_token(name) && is_value(value) ? read_known(r, name, text_trim(value)) : BAD;
}
