/* SPDX-License-Identifier: Apache-2.0 */
/* The node at a glance: one screen. */
#include "ctl/text.h"
#include "ctl/views.h"

enum { TOP_DROPS = 5, TOP_WORKERS = 16 };

static void add_field(struct str *out, const char *name)
{
    str_addf(out, "%-9s  ", name);
}

/* "1,234 calls" */
static void add_many(struct str *out, int64_t number, const char *what)
{
    text_add_count(out, number);
    str_addf(out, " %s%s", what, number == 1 ? "" : "s");
}

static void add_head(const json_t *status, struct str *out)
{
    const char *state = json_word(status, "state");
    str_add_string(out, "mediaferry ");
    text_add_safe(out, json_word(status, "version"));
    str_add_string(out, ", up ");
    text_add_duration(out, json_number(status, "uptime"));
    str_addf(out, ", pid %lld\n", (long long)json_number(status, "pid"));
    if (strcmp(state, "holding") == 0)
        str_add_string(out, "DRAINING   new calls and allocations are refused\n");
    else if (strcmp(state, "leaving") == 0)
        str_add_string(out, "DRAINING   and ends when nothing is left\n");
}

static void add_ended(const json_t *ended, struct str *out)
{
    const char *name, *before = "; ended: ";
    json_t *number;
    json_object_foreach ((json_t *)ended, name, number) {
        if (json_integer_value(number) == 0)
            continue;
        str_add_string(out, before);
        text_add_count(out, json_integer_value(number));
        str_add_char(out, ' ');
        text_add_safe(out, name);
        before = ", ";
    }
}

static void add_calls(const json_t *calls, struct str *out)
{
    const json_t *limit = json_object_get(calls, "limit");
    add_field(out, "calls");
    text_add_count(out, json_number(calls, "now"));
    if (json_is_integer(limit)) {
        str_add_string(out, " of ");
        text_add_count(out, json_integer_value(limit));
    }
    str_add_string(out, " now; ");
    text_add_count(out, json_number(calls, "begun"));
    str_add_string(out, " begun, ");
    text_add_count(out, json_number(calls, "refused"));
    str_add_string(out, " refused");
    add_ended(json_object_get(calls, "ended"), out);
    str_add_char(out, '\n');
}

static void add_media(const json_t *status, struct str *out)
{
    const json_t *media = json_object_get(status, "media");
    add_field(out, "media");
    add_many(out, json_number(media, "streams"), "stream");
    str_add_string(out, "; DTLS ");
    text_add_count(out, json_number(media, "dtls_connected"));
    str_add_string(out, " done, ");
    text_add_count(out, json_number(media, "dtls_failed"));
    str_add_string(out, " failed; ICE checks ");
    text_add_count(out, json_number(media, "ice_checks_answered"));
    str_add_string(out, " answered, ");
    text_add_count(out, json_number(media, "ice_checks_refused"));
    str_add_string(out, " refused\n");
    add_field(out, "engines");
    str_add_string(out, "packets by ");
    text_add_safe(out, json_word(status, "packet_io"));
    str_add_string(out, ", SRTP by ");
    text_add_safe(out, json_word(status, "srtp_engine"));
    str_add_char(out, '\n');
}

static void add_direction(
    const json_t *packets, const char *rate, const char *bits, const char *all, struct str *out)
{
    text_add_count(out, json_number(packets, rate));
    str_add_string(out, "/s (");
    text_add_bit_rate(out, json_number(packets, bits));
    str_add_string(out, "), ");
    text_add_count(out, json_number(packets, all));
    str_add_string(out, " in all");
}

static void add_packets(const json_t *packets, struct str *out)
{
    add_field(out, "received");
    add_direction(packets, "received_per_second", "received_bits_per_second", "received", out);
    str_add_char(out, '\n');
    add_field(out, "sent");
    add_direction(packets, "sent_per_second", "sent_bits_per_second", "sent", out);
    str_add_char(out, '\n');
    add_field(out, "dropped");
    text_add_count(out, json_number(packets, "dropped_per_second"));
    str_add_string(out, "/s, ");
    text_add_count(out, json_number(packets, "dropped"));
    str_add_string(out, " in all; by the kernel (receive buffer full) ");
    text_add_count(out, json_number(packets, "kernel_drops"));
    str_add_char(out, '\n');
}

static void put_rate(struct table *t, int64_t number)
{
    struct str *cell = table_cell(t);
    if (cell == NULL)
        return;
    text_add_count(cell, number);
    str_add_string(cell, "/s");
}

static void add_drops(const json_t *drops, struct str *out)
{
    struct table t = {.columns = 4, .right = 1 << 1 | 1 << 2};
    size_t count = json_array_size(drops);
    for (size_t i = 0; i < count && i < TOP_DROPS; i++) {
        const json_t *row = json_array_get(drops, i);
        table_put(&t, json_word(row, "reason"));
        put_rate(&t, json_number(row, "per_second"));
        table_put_count(&t, json_number(row, "packets"));
        table_put(&t, json_word(row, "text"));
    }
    table_write(&t, "             ", out);
    if (count > TOP_DROPS)
        str_addf(out, "             and %zu more reasons (--json)\n", count - TOP_DROPS);
}

static void add_workers(const json_t *workers, struct str *out)
{
    struct table t = {.columns = 6, .right = ~0U};
    size_t count = json_array_size(workers);
    static const char *const heads[] = {"worker", "calls", "streams", "sockets", "in", "out"};
    for (size_t i = 0; i < COUNT_OF(heads); i++)
        table_put(&t, heads[i]);
    for (size_t i = 0; i < count && i < TOP_WORKERS; i++) {
        const json_t *row = json_array_get(workers, i);
        table_put_count(&t, json_number(row, "worker"));
        table_put_count(&t, json_number(row, "calls"));
        table_put_count(&t, json_number(row, "streams"));
        table_put_count(&t, json_number(row, "sockets"));
        put_rate(&t, json_number(row, "received_per_second"));
        put_rate(&t, json_number(row, "sent_per_second"));
    }
    table_write(&t, "", out);
    if (count > TOP_WORKERS)
        str_addf(out, "and %zu more workers (--json)\n", count - TOP_WORKERS);
}

static void add_used(struct str *out, int64_t used, int64_t total)
{
    text_add_count(out, used);
    str_add_string(out, " of ");
    text_add_count(out, total);
    str_addf(out, " (%lld %%)", (long long)(total > 0 ? 100 * used / total : 0));
}

static void add_ports(const json_t *ports, struct str *out)
{
    for (size_t i = 0; i < json_array_size(ports); i++) {
        const json_t *row = json_array_get(ports, i);
        int64_t skipped = json_number(row, "skipped");
        add_field(out, i == 0 ? "ports" : "");
        text_add_safe(out, json_word(row, "interface"));
        str_add_char(out, ' ');
        text_add_safe(out, json_word(row, "address"));
        str_add_string(out, ": ");
        add_used(out, json_number(row, "used"), json_number(row, "total"));
        if (skipped > 0)
            str_addf(out, ", %lld times taken by another program", (long long)skipped);
        str_add_char(out, '\n');
    }
}

static void add_turn(const json_t *turn, struct str *out)
{
    add_field(out, "turn");
    if (!json_is_set(turn, "on")) {
        str_add_string(out, "off: nobody can authenticate\n");
        return;
    }
    add_many(out, json_number(turn, "allocations"), "allocation");
    str_add_string(out, ", ports ");
    add_used(out, json_number(turn, "ports_used"), json_number(turn, "ports"));
    str_add_string(out, "; ");
    text_add_count(out, json_number(turn, "allocations_made"));
    str_add_string(out, " made, ");
    text_add_count(out, json_number(turn, "refused"));
    str_add_string(out, " refused (quota, capacity), ");
    text_add_count(out, json_number(turn, "auth_failures"));
    str_add_string(out, " wrong credentials");
    str_add_string(out, json_is_set(turn, "draining") ? "; DRAINING\n" : "\n");
}

static void add_ng(const json_t *ng, struct str *out)
{
    add_field(out, "ng");
    add_many(out, json_number(ng, "requests"), "command");
    str_add_string(out, " of ");
    text_add_count(out, json_number(ng, "proxies"));
    str_add_string(out, json_number(ng, "proxies") == 1 ? " proxy" : " proxies");
    str_add_string(out, ", ");
    add_many(out, json_number(ng, "errors"), "error");
    str_add_char(out, '\n');
}

/* "fleet  node a, Redis 10.0.0.5:6379; 3 records waiting, ...; 40 taken over, ..." and the nodes.
 */
static void add_fleet(const json_t *fleet, struct str *out)
{
    struct table t = {.columns = 4, .right = 1 << 2};
    json_t *nodes = json_object_get(fleet, "nodes");
    if (fleet == NULL)
        return;
    add_field(out, "fleet");
    str_add_string(out, "node ");
    text_add_safe(out, json_word(fleet, "node"));
    if (json_is_set(fleet, "store_ready")) {
        str_add_string(out, ", Redis ");
        text_add_safe(out, json_word(fleet, "store"));
    } else {
        str_add_string(out, ", REDIS AWAY");
    }
    str_add_string(out, json_is_set(fleet, "joined") ? "; " : ", NOT JOINED; ");
    add_many(out, json_number(fleet, "waiting"), "record");
    str_add_string(out, " waiting, ");
    text_add_count(out, json_number(fleet, "written"));
    str_add_string(out, " written, ");
    text_add_count(out, json_number(fleet, "write_failures"));
    str_add_string(out, " refused; ");
    text_add_count(out, json_number(fleet, "taken"));
    str_add_string(out, " taken over, ");
    text_add_count(out, json_number(fleet, "lost"));
    str_add_string(out, " lost to others, ");
    text_add_count(out, json_number(fleet, "stranded"));
    str_add_string(out, " stranded\n");
    for (size_t i = 0; i < json_array_size(nodes); i++) {
        const json_t *row = json_array_get(nodes, i);
        table_put(&t, json_word(row, "node"));
        table_put(&t, json_is_set(row, "alive") ? "alive" : "DEAD");
        table_put_count(&t, json_number(row, "records"));
        table_put(&t, json_word(row, "ng"));
    }
    table_write(&t, "             ", out);
}

void view_status(const json_t *status, struct str *out)
{
    add_head(status, out);
    add_calls(json_object_get(status, "calls"), out);
    add_media(status, out);
    add_packets(json_object_get(status, "packets"), out);
    add_drops(json_object_get(status, "drops"), out);
    add_ports(json_object_get(status, "ports"), out);
    add_turn(json_object_get(status, "turn"), out);
    add_ng(json_object_get(status, "ng"), out);
    add_fleet(json_object_get(status, "fleet"), out);
    add_workers(json_object_get(status, "workers"), out);
}
