/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin/http_request.h - what counts of a request, judged more strictly than the HTTP library does.
 *
 * Pure: nothing is allocated or logged. What could be read in two ways is refused: names that are
 * none, lengths or tokens given twice, chunked bodies. The target is not decoded and no path is
 * ever made shorter: "%2f" and ".." are for route.h to judge.
 */
#ifndef ADMIN_HTTP_REQUEST_H
#define ADMIN_HTTP_REQUEST_H

#include "mediaferry/bytes.h"

enum {
    HTTP_MAX_TARGET = 4096, /* bytes */
    HTTP_MAX_FIELDS = 64,
};

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_DELETE, HTTP_OTHER };

/* Views of what it was read from. All zeros before http_request_line(). */
struct http_request {
    enum http_method method;
    struct text path;          /* begins with '/' */
    struct text query;         /* behind the '?'; may be empty */
    struct text authorization; /* data NULL: none */
    uint64_t content_length;   /* 0 when not said */
    unsigned fields;
    bool has_host;
    bool has_length;
};

/* Both return 200 with `r` written, or the status that refuses the request: 400, 414, 431, 501. */
NODISCARD int http_request_line(struct http_request *r, struct text method, struct text target);
NODISCARD int http_request_field(struct http_request *r, struct text name, struct text value);

#endif
