/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/json.h"

#include <jansson.h>

#include "admin/route.h"

/* --- writing --- */

/* An object being filled; a failure sticks. */
struct builder {
    json_t *object;
    bool failed;
};

static struct builder build(void)
{
    json_t *object = json_object();
    return (struct builder){.object = object, .failed = object == NULL};
}

/* Takes `value`. */
static void put(struct builder *b, const char *key, json_t *value)
{
    if (json_object_set_new(b->object, key, value) != 0)
        b->failed = true;
}

static json_t *readable(struct text t)
{
    struct str clean = {.data = NULL};
    for (size_t i = 0; i < t.len; i++)
        str_add_char(&clean, (unsigned char)t.data[i] < 0x80 ? t.data[i] : '?');
    json_t *string = str_ok(&clean) ? json_stringn(str_string(&clean), clean.len) : NULL;
    str_done(&clean);
    return string;
}

static json_t *string_of(struct text t)
{
    json_t *string = json_stringn(t.len > 0 ? t.data : "", t.len);
    return string != NULL ? string : readable(t);
}

static void put_text(struct builder *b, const char *key, struct text value)
{
    put(b, key, string_of(value));
}

static void put_unless_empty(struct builder *b, const char *key, struct text value)
{
    if (value.len > 0)
        put_text(b, key, value);
}

static void put_number(struct builder *b, const char *key, uint64_t value)
{
    put(b, key, json_integer(value <= INT64_MAX ? (json_int_t)value : INT64_MAX));
}

/* Hands the text over and frees the tree. */
static void finish(struct builder *b, struct str *out)
{
    char *text = b->failed ? NULL : json_dumps(b->object, JSON_COMPACT);
    json_decref(b->object);
    str_add_string(out, text != NULL ? text : "");
    str_add_char(out, '\n');
    if (text == NULL) {
        str_done(out);
        out->failed = true;
    }
    free(text);
}

static json_t *strings_of(const struct text *list, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(array, string_of(list[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

/* The first part is what RTCPeerConnection wants, the second what the draft of the REST API has
 * (draft-uberti-behave-turn-rest-00, section 2.2). */
void admin_json_credentials(struct str *out, const struct admin_credentials *c)
{
    struct builder b = build(), server = build();
    json_t *servers = json_array();
    put(&server, "urls", strings_of(c->uris, c->uri_count));
    put_text(&server, "username", c->username);
    put_text(&server, "credential", c->password);
    if (json_array_append_new(servers, server.object) != 0)
        server.failed = true;
    put(&b, "iceServers", servers);

    put_text(&b, "username", c->username);
    put_text(&b, "password", c->password);
    put_unless_empty(&b, "realm", c->realm);
    put(&b, "uris", strings_of(c->uris, c->uri_count));
    put_number(&b, "ttl", c->ttl_s);
    put(&b, "expires", json_integer(c->expires_s));
    b.failed = b.failed || server.failed;
    finish(&b, out);
}

static void put_traffic(struct builder *b, const char *key, const struct admin_traffic *traffic)
{
    struct builder inner = build();
    put_number(&inner, "packets", traffic->packets);
    put_number(&inner, "bytes", traffic->bytes);
    b->failed = b->failed || inner.failed;
    put(b, key, inner.object);
}

static json_t *row_of(const struct admin_allocation *row)
{
    struct text relayed[] = {row->relayed, row->relayed_second};
    struct builder b = build();
    char id[24];
    /* As text: numbers of JSON are exact up to 2^53 only. */
    snprintf(id, sizeof(id), "%llu", (unsigned long long)row->id);
    put_text(&b, "id", text_from(id));
    put_unless_empty(&b, "user", row->user);
    put_unless_empty(&b, "realm", row->realm);
    put_unless_empty(&b, "transport", row->transport);
    put_unless_empty(&b, "client", row->client);
    put_unless_empty(&b, "server", row->server);
    put(&b, "relayed", strings_of(relayed, row->relayed_second.len > 0 ? 2 : row->relayed.len > 0));
    put(&b, "tcp", json_boolean(row->is_tcp));
    put(&b, "mobile", json_boolean(row->is_mobile));
    put_number(&b, "worker", row->worker);
    put_number(&b, "age", row->age_s);
    put_number(&b, "expires_in", row->expires_in_s);
    put_number(&b, "permissions", row->permissions);
    put_number(&b, "channels", row->channels);
    put_number(&b, "connections", row->connections);
    put_traffic(&b, "from_client", &row->from_client);
    put_traffic(&b, "from_peers", &row->from_peers);
    if (!b.failed)
        return b.object;
    json_decref(b.object);
    return NULL;
}

void admin_json_allocations(
    struct str *out, const struct admin_allocation *rows, size_t count, size_t total)
{
    struct builder b = build();
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(list, row_of(&rows[i])) != 0)
            b.failed = true;
    put(&b, "allocations", list);
    put_number(&b, "count", count);
    put_number(&b, "total", total);
    finish(&b, out);
}

void admin_json_ended(struct str *out, uint64_t count)
{
    struct builder b = build();
    put_number(&b, "ended", count);
    finish(&b, out);
}

void admin_json_drain(struct str *out, bool draining, uint64_t left)
{
    struct builder b = build();
    put(&b, "draining", json_boolean(draining));
    put_number(&b, "allocations", left);
    finish(&b, out);
}

void admin_json_error(struct str *out, struct text why)
{
    struct builder b = build();
    put_text(&b, "error", why);
    finish(&b, out);
}

/* --- reading --- */

static bool add_alternate(struct admin_drain_body *body, const json_t *item)
{
    if (!json_is_string(item) || json_string_length(item) == 0 ||
        body->how.alternate_count == ADMIN_MAX_ALTERNATES)
        return false;
    body->alternates[body->how.alternate_count++] =
        text_of(json_string_value(item), json_string_length(item));
    return true;
}

static bool read_alternates(struct admin_drain_body *body, const json_t *value)
{
    if (!json_is_array(value))
        return add_alternate(body, value);
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!add_alternate(body, json_array_get(value, i)))
            return false;
    return true;
}

static bool read_timeout(struct admin_drain_body *body, const json_t *value)
{
    json_int_t seconds = json_integer_value(value);
    if (!json_is_integer(value) || seconds < 0 || seconds > ROUTE_MAX_SECONDS)
        return false;
    body->how.has_timeout = true;
    body->how.timeout_s = (uint32_t)seconds;
    return true;
}

static bool read_drain(json_t *json, bool turn_alone, struct admin_drain_body *body)
{
    const char *name;
    json_t *value;
    if (!json_is_object(json))
        return false;
    json_object_foreach (json, name, value) {
        bool ok = false;
        if (strcmp(name, "alternate-server") == 0) {
            ok = read_alternates(body, value);
        } else if (strcmp(name, "exit") == 0 && !turn_alone) {
            ok = json_is_boolean(value);
            body->how.exit = json_is_true(value);
        } else if (strcmp(name, "timeout") == 0 && !turn_alone) {
            ok = read_timeout(body, value);
        }
        if (!ok)
            return false;
    }
    return body->how.exit || !body->how.has_timeout;
}

bool admin_drain_body_read(struct text body, bool turn_alone, struct admin_drain_body *out)
{
    json_error_t error;
    *out = (struct admin_drain_body){.how = {.alternates = out->alternates}};
    if (body.len == 0)
        return true;
    json_t *json = json_loadb(body.data, body.len, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL)
        return false;
    out->memory = json;
    if (read_drain(json, turn_alone, out))
        return true;
    admin_drain_body_done(out);
    return false;
}

void admin_drain_body_done(struct admin_drain_body *body)
{
    json_decref(body->memory);
    *body = (struct admin_drain_body){.how = {.alternates = body->alternates}};
}
