/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/route.h"

#include <jansson.h>

#include "base/percent.h"

enum parameter {
    PARAMETER_USER = 1 << 0,
    PARAMETER_REALM = 1 << 1,
    PARAMETER_TTL = 1 << 2,
    PARAMETER_REVOKE = 1 << 3,
    PARAMETER_LIMIT = 1 << 4,
    PARAMETER_MATCH = 1 << 5,
    PARAMETER_AFTER = 1 << 6,
};

/* What follows a path that ends in '/'. */
enum tail { TAIL_NONE, TAIL_ID, TAIL_USER, TAIL_CALL };

struct endpoint {
    const char *path;
    enum tail tail;
    enum http_method method; /* HEAD is as good as GET */
    enum admin_route_kind kind;
    unsigned may;  /* parameters */
    unsigned must; /* those of them that it cannot do without */
    const char *allow;
};

static const char allow_get[] = "GET, HEAD";
static const char allow_delete[] = "DELETE";
static const char allow_turn_drain[] = "POST, DELETE";
static const char allow_call[] = "GET, HEAD, DELETE";
static const char allow_drain[] = "GET, HEAD, POST, DELETE";

static const struct endpoint endpoints[] = {
    {"/healthz", TAIL_NONE, HTTP_GET, ROUTE_HEALTH, 0, 0, allow_get},
    {"/readyz", TAIL_NONE, HTTP_GET, ROUTE_READY, 0, 0, allow_get},
    {"/metrics", TAIL_NONE, HTTP_GET, ROUTE_METRICS, 0, 0, allow_get},
    {"/turn-credentials", TAIL_NONE, HTTP_GET, ROUTE_CREDENTIALS,
        PARAMETER_USER | PARAMETER_REALM | PARAMETER_TTL, PARAMETER_USER, allow_get},
    {"/turn/allocations", TAIL_NONE, HTTP_GET, ROUTE_ALLOCATIONS, PARAMETER_USER | PARAMETER_LIMIT,
        0, allow_get},
    {"/turn/allocations/", TAIL_ID, HTTP_DELETE, ROUTE_END_ALLOCATION, 0, 0, allow_delete},
    {"/turn/users/", TAIL_USER, HTTP_DELETE, ROUTE_END_USER, PARAMETER_REALM | PARAMETER_REVOKE, 0,
        allow_delete},
    {"/turn/drain", TAIL_NONE, HTTP_POST, ROUTE_TURN_DRAIN, 0, 0, allow_turn_drain},
    {"/turn/drain", TAIL_NONE, HTTP_DELETE, ROUTE_TURN_UNDRAIN, 0, 0, allow_turn_drain},
    {"/status", TAIL_NONE, HTTP_GET, ROUTE_STATUS, 0, 0, allow_get},
    {"/calls", TAIL_NONE, HTTP_GET, ROUTE_CALLS,
        PARAMETER_MATCH | PARAMETER_AFTER | PARAMETER_LIMIT, 0, allow_get},
    {"/calls/", TAIL_CALL, HTTP_GET, ROUTE_CALL, 0, 0, allow_call},
    {"/calls/", TAIL_CALL, HTTP_DELETE, ROUTE_END_CALL, 0, 0, allow_call},
    {"/drain", TAIL_NONE, HTTP_GET, ROUTE_DRAIN_STATE, 0, 0, allow_drain},
    {"/drain", TAIL_NONE, HTTP_POST, ROUTE_DRAIN, 0, 0, allow_drain},
    {"/drain", TAIL_NONE, HTTP_DELETE, ROUTE_UNDRAIN, 0, 0, allow_drain},
};

static bool refuse(struct admin_refusal *refusal, unsigned status, const char *why)
{
    *refusal = (struct admin_refusal){.status = status, .why = why};
    return false;
}

/* --- endpoints --- */

static bool matches_path(const struct endpoint *endpoint, struct text path)
{
    if (endpoint->tail == TAIL_NONE)
        return text_is(path, endpoint->path);
    if (!text_starts_with(path, endpoint->path))
        return false;
    struct text tail = text_skip(path, strlen(endpoint->path));
    return tail.len > 0 && memchr(tail.data, '/', tail.len) == NULL;
}

static bool matches_method(const struct endpoint *endpoint, enum http_method method)
{
    return endpoint->method == (method == HTTP_HEAD ? HTTP_GET : method);
}

static const struct endpoint *find_endpoint(
    const struct http_request *request, struct admin_refusal *refusal)
{
    refuse(refusal, 404, "there is nothing at this path");
    for (size_t i = 0; i < COUNT_OF(endpoints); i++) {
        if (!matches_path(&endpoints[i], request->path))
            continue;
        if (matches_method(&endpoints[i], request->method))
            return &endpoints[i];
        refuse(refusal, 405, "not with this method");
        refusal->allow = endpoints[i].allow;
    }
    return NULL;
}

bool admin_route_is_open(const struct http_request *request)
{
    return text_is(request->path, "/healthz") || text_is(request->path, "/readyz");
}

/* --- values --- */

/* UTF-8 without control characters: it goes into logs and JSON. */
static bool is_name(struct text t)
{
    if (t.len == 0 || t.len > ROUTE_MAX_NAME)
        return false;
    for (size_t i = 0; i < t.len; i++)
        if ((unsigned char)t.data[i] < 0x20 || t.data[i] == 0x7f)
            return false;
    json_t *valid = json_stringn(t.data, t.len);
    json_decref(valid);
    return valid != NULL;
}

static bool is_call_id(struct text t)
{
    return t.len > 0 && t.len <= ROUTE_MAX_CALL_ID;
}

/* What is decoded is never longer, so the memory of a route takes all of a target. */
struct decoder {
    struct admin_route *route;
    size_t used;
};

static bool decode(
    struct decoder *decoder, struct text encoded, enum percent_plus plus, struct text *out)
{
    if (!percent_decode(encoded, plus, decoder->route->memory + decoder->used, out))
        return false;
    decoder->used += out->len;
    return true;
}

static bool read_number(struct text value, uint64_t max, uint64_t *out)
{
    return text_to_u64(value, max, out) && *out > 0;
}

/* --- parameters --- */

static unsigned parameter_of(struct text name)
{
    static const struct {
        const char *name;
        enum parameter parameter;
    } names[] = {
        {"user", PARAMETER_USER},
        {"realm", PARAMETER_REALM},
        {"ttl", PARAMETER_TTL},
        {"revoke", PARAMETER_REVOKE},
        {"limit", PARAMETER_LIMIT},
        {"match", PARAMETER_MATCH},
        {"after", PARAMETER_AFTER},
    };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (text_is(name, names[i].name))
            return names[i].parameter;
    return 0;
}

static bool set_parameter(struct admin_route *route, enum parameter parameter, struct text value)
{
    uint64_t number = 0;
    bool ok = false;
    switch (parameter) {
    case PARAMETER_USER:
        route->user = value;
        return is_name(value);
    case PARAMETER_REALM:
        route->realm = value;
        return is_name(value);
    case PARAMETER_TTL:
    case PARAMETER_REVOKE:
        ok = read_number(value, ROUTE_MAX_SECONDS, &number);
        route->seconds = (uint32_t)number;
        return ok;
    case PARAMETER_LIMIT:
        ok = read_number(value, ROUTE_MAX_LIMIT, &number);
        route->limit = (size_t)number;
        return ok;
    case PARAMETER_MATCH:
        route->call_id = value;
        return is_call_id(value);
    case PARAMETER_AFTER:
        return read_number(value, UINT64_MAX, &route->after);
    }
    return false;
}

static bool read_query(const struct endpoint *endpoint, struct text query, struct decoder *decoder,
    struct admin_refusal *refusal)
{
    unsigned given = 0;
    while (query.len > 0) {
        struct text value = text_cut(&query, '&'), decoded;
        if (value.len == 0)
            continue;
        unsigned parameter = parameter_of(text_cut(&value, '='));
        if ((parameter & endpoint->may) == 0)
            return refuse(refusal, 400, "a parameter that is not known here");
        if ((parameter & given) != 0)
            return refuse(refusal, 400, "a parameter is given twice");
        if (!decode(decoder, value, PERCENT_PLUS_IS_SPACE, &decoded) ||
            !set_parameter(decoder->route, (enum parameter)parameter, decoded))
            return refuse(refusal, 400, "a parameter has an impossible value");
        given |= parameter;
    }
    if ((endpoint->must & ~given) != 0)
        return refuse(refusal, 400, "the parameter 'user' is missing");
    return true;
}

static bool read_tail(const struct endpoint *endpoint, struct text path, struct decoder *decoder,
    struct admin_refusal *refusal)
{
    struct text tail = text_skip(path, strlen(endpoint->path));
    struct text decoded;
    if (endpoint->tail == TAIL_NONE)
        return true;
    if (!decode(decoder, tail, PERCENT_PLUS_IS_PLUS, &decoded))
        return refuse(refusal, 400, "'%' must be followed by two hexadecimal digits");
    if (endpoint->tail == TAIL_USER) {
        decoder->route->user = decoded;
        return is_name(decoded) || refuse(refusal, 400, "no name of a user");
    }
    if (endpoint->tail == TAIL_CALL) {
        decoder->route->call_id = decoded;
        return is_call_id(decoded) || refuse(refusal, 400, "the call-id is too long");
    }
    return read_number(decoded, UINT64_MAX, &decoder->route->id) ||
           refuse(refusal, 404, "there is no such allocation");
}

bool admin_route_find(
    const struct http_request *request, struct admin_route *out, struct admin_refusal *refusal)
{
    const struct endpoint *endpoint = find_endpoint(request, refusal);
    struct decoder decoder = {.route = out};
    if (endpoint == NULL)
        return false;
    out->kind = endpoint->kind;
    out->user = out->realm = out->call_id = text_of(NULL, 0);
    out->after = 0;
    out->seconds = 0;
    out->limit = ROUTE_DEFAULT_LIMIT;
    out->id = 0;
    return read_tail(endpoint, request->path, &decoder, refusal) &&
           read_query(endpoint, request->query, &decoder, refusal);
}
