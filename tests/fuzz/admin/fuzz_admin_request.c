/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the first byte of a request to what the daemon is asked: nothing leaves the bytes received,
 * a head is accepted at its last byte and not before, a name is the one that was sent (written
 * again, it reads the same), and only two paths are open to everybody.
 */
#include "../require.h"
#include "admin/json.h"
#include "admin/route.h"

static bool within(struct text part, struct text whole)
{
    return lies_within(text_bytes(part), text_bytes(whole));
}

static void check_request(const struct http_request *r, struct text received)
{
    struct http_request again;
    require(r->head_len >= strlen("GET / HTTP/1.0\r\n\r\n") - 2 && r->head_len <= received.len);
    require(r->head_len <= HTTP_MAX_HEAD && r->path.len + r->query.len <= HTTP_MAX_TARGET);
    require(within(r->path, received) && within(r->query, received));
    require(within(r->authorization, received));
    require(text_starts_with(r->path, "/"));
    require(http_request_parse(text_of(received.data, r->head_len), &again) == 200);
    require(http_request_parse(text_of(received.data, r->head_len - 1), &again) == 0);
}

static void add_encoded(struct str *out, struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        str_addf(out, "%%%02X", (unsigned)(unsigned char)t.data[i]);
}

/* The same question, every character of the name encoded. */
static void check_user(const struct admin_route *route)
{
    static struct admin_route again;
    struct http_request request;
    struct admin_refusal refusal;
    struct str head = {.data = NULL};
    str_add_string(&head, "DELETE /turn/users/");
    add_encoded(&head, route->user);
    str_add_string(&head, " HTTP/1.1\r\nHost: a\r\n\r\n");
    require(http_request_parse(str_text(&head), &request) == 200);
    require(admin_route_find(&request, &again, &refusal));
    require(again.kind == ROUTE_END_USER && text_equal(again.user, route->user));
    str_done(&head);
}

static void check_route(const struct http_request *request, const struct admin_route *route)
{
    struct text memory = text_of(route->memory, sizeof(route->memory));
    bool is_open = route->kind == ROUTE_HEALTH || route->kind == ROUTE_READY;
    require(admin_route_is_open(request) == is_open);
    require(route->user.len <= ROUTE_MAX_NAME && route->realm.len <= ROUTE_MAX_NAME);
    require(within(route->user, memory) && within(route->realm, memory));
    require(route->limit >= 1 && route->limit <= ROUTE_MAX_LIMIT);
    require((route->id != 0) == (route->kind == ROUTE_END_ALLOCATION));
    if (route->kind == ROUTE_END_USER || route->kind == ROUTE_CREDENTIALS)
        require(route->user.len > 0);
    if (route->user.len > 0)
        check_user(route);
}

static void check_body(struct text body)
{
    struct admin_drain_body drain;
    if (!admin_drain_body_read(body, &drain))
        return;
    require(drain.count <= ADMIN_MAX_ALTERNATES);
    for (size_t i = 0; i < drain.count; i++)
        require(drain.alternates[i].len > 0);
    admin_drain_body_done(&drain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct admin_route route;
    struct text received = text_of((const char *)data, size);
    struct http_request request;
    struct admin_refusal refusal = {.status = 0};

    int status = http_request_parse(received, &request);
    require(status == 200 || status == 0 || (status >= 400 && status <= 505));
    if (status != 200)
        return 0;
    check_request(&request, received);
    if (admin_route_find(&request, &route, &refusal))
        check_route(&request, &route);
    else
        require(refusal.why != NULL && (refusal.allow != NULL) == (refusal.status == 405));
    check_body(text_skip(received, request.head_len));
    return 0;
}
