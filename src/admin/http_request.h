/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin/http_request.h - the head of an HTTP/1.1 request (RFC 9112), read strictly.
 *
 * Pure: nothing is allocated or logged. What could be read in two ways is refused: bare line feeds,
 * folded lines, spaces before colons, lengths given twice, chunked bodies. The target is not
 * decoded and no path is ever made shorter: "%2f" and ".." are for route.h to judge.
 */
#ifndef ADMIN_HTTP_REQUEST_H
#define ADMIN_HTTP_REQUEST_H

#include "mediaferry/bytes.h"

enum {
    HTTP_MAX_HEAD = 8192,   /* bytes, request line and fields */
    HTTP_MAX_TARGET = 4096, /* bytes */
    HTTP_MAX_FIELDS = 64,
};

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_DELETE, HTTP_OTHER };

/* Views into the head. */
struct http_request {
    enum http_method method;
    struct text path;          /* begins with '/' */
    struct text query;         /* behind the '?'; may be empty */
    struct text authorization; /* data NULL: none */
    uint64_t content_length;   /* 0 when not said */
    size_t head_len;           /* the body starts here */
};

/*
 * Reads the head at the start of what was received so far. Returns 200 with `out` written; 0: it is
 * not complete yet; else the status that refuses it (400, 414, 431, 501, 505).
 */
NODISCARD int http_request_parse(struct text received, struct http_request *out);

#endif
