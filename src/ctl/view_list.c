/* SPDX-License-Identifier: Apache-2.0 */
/* Lists: calls, TURN allocations; and what fits into a line or two. */
#include "ctl/text.h"
#include "ctl/views.h"

static void put_heads(struct table *t, const char *const *heads)
{
    for (size_t i = 0; i < t->columns; i++)
        table_put(t, heads[i]);
}

static void put_duration(struct table *t, int64_t seconds)
{
    struct str *cell = table_cell(t);
    if (cell != NULL)
        text_add_duration(cell, seconds);
}

/* So much of a tag that columns stay narrow; no character of UTF-8 is cut in two. */
static void add_tag(struct str *cell, const char *tag)
{
    enum { SHOWN = 20 };
    char cut[SHOWN + 1];
    size_t len = strlen(tag);
    if (len > SHOWN)
        for (len = SHOWN; len > 0 && ((unsigned char)tag[len] & 0xc0) == 0x80;)
            len--;
    memcpy(cut, tag, len);
    cut[len] = '\0';
    text_add_safe(cell, cut);
    if (tag[len] != '\0')
        str_add_string(cell, "...");
}

/* In the order in which they came. */
static void put_parties(struct table *t, const json_t *parties)
{
    enum { SHOWN = 3 };
    struct str *cell = table_cell(t);
    size_t count = json_array_size(parties);
    if (cell == NULL)
        return;
    for (size_t i = 0; i < count && i < SHOWN; i++) {
        const char *tag = json_string_value(json_array_get(parties, i));
        if (i > 0)
            str_add_char(cell, ' ');
        add_tag(cell, tag != NULL && tag[0] != '\0' ? tag : "-");
    }
    if (count > SHOWN)
        str_addf(cell, " +%zu", count - SHOWN);
}

static void put_last_packet(struct table *t, const json_t *row)
{
    const json_t *idle = json_object_get(row, "idle");
    struct str *cell = table_cell(t);
    if (cell == NULL)
        return;
    if (!json_is_integer(idle)) {
        str_add_string(cell, "never");
    } else if (json_integer_value(idle) <= 1) {
        str_add_string(cell, "now");
    } else {
        text_add_duration(cell, json_integer_value(idle));
        str_add_string(cell, " ago");
    }
}

void view_calls(const json_t *calls, int64_t total, struct str *out)
{
    static const char *const heads[] = {
        "AGE", "WORKER", "STREAMS", "PACKETS IN", "LAST PACKET", "STATE", "PARTIES", "CALL-ID"};
    struct table t = {.columns = COUNT_OF(heads), .right = 0x1f};
    int64_t count = (int64_t)json_array_size(calls);
    put_heads(&t, heads);
    for (size_t i = 0; i < json_array_size(calls); i++) {
        const json_t *row = json_array_get(calls, i);
        put_duration(&t, json_number(row, "age"));
        table_put_count(&t, json_number(row, "worker"));
        table_put_count(&t, json_number(row, "streams"));
        table_put_count(&t, json_number(row, "packets"));
        put_last_packet(&t, row);
        table_put(&t, json_word(row, "state"));
        put_parties(&t, json_object_get(row, "parties"));
        table_put(&t, json_word(row, "call_id"));
    }
    table_write(&t, "", out);
    if (count < total)
        str_addf(out, "%lld of %lld calls\n", (long long)count, (long long)total);
}

static void add_left(const json_t *drain, struct str *out)
{
    int64_t calls = json_number(drain, "calls"), allocations = json_number(drain, "allocations");
    text_add_count(out, calls);
    str_add_string(out, calls == 1 ? " call, " : " calls, ");
    text_add_count(out, allocations);
    str_add_string(out, allocations == 1 ? " TURN allocation" : " TURN allocations");
}

void view_drain(const json_t *drain, struct str *out)
{
    const json_t *seconds_left = json_object_get(drain, "seconds_left");
    str_add_string(out, json_is_set(drain, "draining") ? "draining: " : "working: ");
    add_left(drain, out);
    if (json_is_set(drain, "draining"))
        str_add_string(out, " left");
    if (strcmp(json_word(drain, "state"), "leaving") == 0)
        str_add_string(out, ", and the process ends");
    if (json_is_integer(seconds_left)) {
        str_add_string(out, " in ");
        text_add_duration(out, json_integer_value(seconds_left));
        str_add_string(out, " at the latest");
    }
    str_add_char(out, '\n');
}

void view_turn_drain(const json_t *drain, struct str *out)
{
    str_add_string(out, json_is_set(drain, "draining") ? "TURN drains: " : "TURN works: ");
    text_add_count(out, json_number(drain, "allocations"));
    str_add_string(out, " allocations\n");
}

void view_ended(const json_t *document, struct str *out)
{
    text_add_count(out, json_number(document, "ended"));
    str_add_string(out, " allocations ended\n");
}

static void put_transport(struct table *t, const json_t *row)
{
    struct str *cell = table_cell(t);
    if (cell == NULL)
        return;
    text_add_safe(cell, json_word(row, "transport"));
    str_add_string(cell, json_is_set(row, "tcp") ? ", relays TCP" : "");
    str_add_string(cell, json_is_set(row, "mobile") ? ", mobile" : "");
}

static void put_relayed(struct table *t, const json_t *relayed)
{
    struct str *cell = table_cell(t);
    for (size_t i = 0; cell != NULL && i < json_array_size(relayed); i++) {
        const char *address = json_string_value(json_array_get(relayed, i));
        str_add_string(cell, i > 0 ? " " : "");
        text_add_safe(cell, address != NULL ? address : "");
    }
}

static void put_traffic(struct table *t, const json_t *row)
{
    struct str *cell = table_cell(t);
    if (cell == NULL)
        return;
    text_add_bytes(cell, json_number(json_object_get(row, "from_client"), "bytes"));
    str_add_string(cell, " / ");
    text_add_bytes(cell, json_number(json_object_get(row, "from_peers"), "bytes"));
}

void view_allocations(const json_t *document, struct str *out)
{
    static const char *const heads[] = {
        "ID", "AGE", "EXPIRES IN", "CLIENT", "OVER", "RELAYED", "FROM CLIENT / PEERS", "USER"};
    struct table t = {.columns = COUNT_OF(heads), .right = 0x7};
    const json_t *rows = json_object_get(document, "allocations");
    put_heads(&t, heads);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        table_put(&t, json_word(row, "id"));
        put_duration(&t, json_number(row, "age"));
        put_duration(&t, json_number(row, "expires_in"));
        table_put(&t, json_word(row, "client"));
        put_transport(&t, row);
        put_relayed(&t, json_object_get(row, "relayed"));
        put_traffic(&t, row);
        table_put(&t, json_word(row, "user"));
    }
    table_write(&t, "", out);
    if (json_number(document, "count") < json_number(document, "total"))
        str_addf(out, "%lld of %lld allocations\n", (long long)json_number(document, "count"),
            (long long)json_number(document, "total"));
}

void view_credentials(const json_t *credentials, struct str *out)
{
    const json_t *uris = json_object_get(credentials, "uris");
    str_add_string(out, "username  ");
    text_add_safe(out, json_word(credentials, "username"));
    str_add_string(out, "\npassword  ");
    text_add_safe(out, json_word(credentials, "password"));
    str_add_string(out, "\ngood for  ");
    text_add_duration(out, json_number(credentials, "ttl"));
    str_add_char(out, '\n');
    for (size_t i = 0; i < json_array_size(uris); i++) {
        const char *uri = json_string_value(json_array_get(uris, i));
        str_add_string(out, i == 0 ? "servers   " : "          ");
        text_add_safe(out, uri != NULL ? uri : "");
        str_add_char(out, '\n');
    }
}
