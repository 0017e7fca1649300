/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a request line ("METHOD TARGET", then the body behind a line feed) to what the daemon is
 * asked: nothing leaves the bytes received, a name is the one that was sent (written again, it
 * reads the same), and only two paths are open to everybody.
 */
#include "../require.h"
#include "admin/json.h"
#include "admin/route.h"

static bool within(struct text part, struct text whole)
{
    return lies_within(text_bytes(part), text_bytes(whole));
}

static void check_request(const struct http_request *r, struct text target)
{
    require(r->path.len + r->query.len <= target.len && target.len <= HTTP_MAX_TARGET);
    require(within(r->path, target) && within(r->query, target));
    require(text_starts_with(r->path, "/"));
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
    struct http_request request = {.method = HTTP_OTHER};
    struct admin_refusal refusal;
    struct str target = {.data = NULL};
    str_add_string(&target, "/turn/users/");
    add_encoded(&target, route->user);
    require(http_request_line(&request, TEXT("DELETE"), str_text(&target)) == 200);
    require(admin_route_find(&request, &again, &refusal));
    require(again.kind == ROUTE_END_USER && text_equal(again.user, route->user));
    str_done(&target);
}

static void check_route(const struct http_request *request, const struct admin_route *route)
{
    struct text memory = text_of(route->memory, sizeof(route->memory));
    bool is_open = route->kind == ROUTE_HEALTH || route->kind == ROUTE_READY;
    require(admin_route_is_open(request) == is_open);
    require(route->user.len <= ROUTE_MAX_NAME && route->realm.len <= ROUTE_MAX_NAME);
    require(within(route->user, memory) && within(route->realm, memory));
    require(route->call_id.len <= ROUTE_MAX_CALL_ID && within(route->call_id, memory));
    if (route->kind == ROUTE_CALL || route->kind == ROUTE_END_CALL)
        require(route->call_id.len > 0);
    require(route->limit >= 1 && route->limit <= ROUTE_MAX_LIMIT);
    require((route->id != 0) == (route->kind == ROUTE_END_ALLOCATION));
    if (route->kind == ROUTE_END_USER || route->kind == ROUTE_CREDENTIALS)
        require(route->user.len > 0);
    if (route->user.len > 0)
        check_user(route);
}

static void check_body(struct text body, bool turn_alone)
{
    struct admin_drain_body drain;
    if (!admin_drain_body_read(body, turn_alone, &drain))
        return;
    const struct admin_drain *how = &drain.how;
    require(how->alternate_count <= ADMIN_MAX_ALTERNATES);
    for (size_t i = 0; i < how->alternate_count; i++)
        require(how->alternates[i].len > 0);
    require(how->exit || !how->has_timeout);
    require(how->timeout_s <= ROUTE_MAX_SECONDS);
    require(!turn_alone || !how->exit);
    admin_drain_body_done(&drain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct admin_route route;
    struct http_request request = {.method = HTTP_OTHER};
    struct admin_refusal refusal = {.status = 0};
    struct text body = text_of((const char *)data, size);
    struct text target = text_cut(&body, '\n');
    struct text method = text_cut(&target, ' ');

    check_body(body, true);
    check_body(body, false);
    int status = http_request_line(&request, method, target);
    require(status == 200 || status == 400 || status == 414);
    if (status != 200)
        return 0;
    check_request(&request, target);
    if (admin_route_find(&request, &route, &refusal))
        check_route(&request, &route);
    else
        require(refusal.why != NULL && (refusal.allow != NULL) == (refusal.status == 405));
    return 0;
}
