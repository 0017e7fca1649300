/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/coturn_convert.h"

#include <errno.h>

#include "daemon/config_build.h"
#include "daemon/coturn_conf.h"
#include "daemon/turn_lists.h"

struct conversion {
    struct coturn_conf conf; /* behind the line in hand */
    struct daemon_config *scratch;
    struct str *out;
    struct coturn_report *report;
    bool has_realm;
};

static void drop(struct conversion *c, const struct coturn_line *line, const char *reason)
{
    str_addf(c->out, "# line %u, %.*s: %s\n", line->number, TEXT_ARG(line->name), reason);
    c->report->dropped++;
}

static void drop_because(struct conversion *c, const struct coturn_line *line, const char *reason)
{
    struct str sentence = {0};
    str_addf(&sentence, "not carried over because %s", reason);
    drop(c, line, str_string(&sentence));
    str_done(&sentence);
}

/* The value, which is not empty, as config_read_text() takes it. */
static void add_value(const struct option *option, struct text value, struct str *out)
{
    bool needs_quotes = value.data[0] == '"';
    str_add_string(out, needs_quotes ? "\"" : "");
    for (size_t i = 0; i < value.len; i++) {
        bool doubled = option->kind == OPTION_ENTRIES && value.data[i] == ';';
        str_add_string(out, doubled ? ";" : "");
        str_add_char(out, value.data[i]);
    }
    str_add_string(out, needs_quotes ? "\"" : "");
}

static void carry(struct conversion *c, const struct option *option, const struct coturn_line *line)
{
    str_addf(c->out, "%s = ", option_file_name(option));
    add_value(option, line->value, c->out);
    str_add_char(c->out, '\n');
    c->report->carried++;
    struct text name = text_from(option_file_name(option));
    c->report->has_users |= text_is(name, "user") || text_is(name, "static-auth-secret") ||
                            text_is(name, "redis-userdb");
}

static int check_ip(struct text value, struct str *why)
{
    struct address a;
    if (address_parse(value, &a))
        return 0;
    str_addf(why, "'%.*s' is no IP address", TEXT_ARG(value));
    return -EINVAL;
}

/* coturn takes no host names here, and nothing is looked up for a conversion. */
static int check_mapping(struct text value, struct str *why)
{
    struct text inner = value;
    struct text outer = text_cut(&inner, '/');
    int error = check_ip(outer, why);
    return error == 0 && outer.len < value.len ? check_ip(inner, why) : error;
}

/* What is wrong with one entry of a list. */
static int check_entry(const struct option *option, struct text value, struct str *why)
{
    struct text name = text_from(option_file_name(option));
    struct turn_lists lists = {0};
    int error = 0;
    if (text_is(name, "listening-ip") || text_is(name, "relay-ip"))
        error = check_ip(value, why);
    else if (text_is(name, "external-ip"))
        error = check_mapping(value, why);
    else if (text_is(name, "user"))
        error = turn_read_users(value, &lists.users, why);
    else if (text_is(name, "allowed-peer-ip") || text_is(name, "denied-peer-ip"))
        error = turn_read_ranges(value, &lists.allowed, why);
    else if (text_is(name, "alternate-server") || text_is(name, "tls-alternate-server"))
        error = turn_read_endpoints(value, 1, &lists.alternates, why);
    else if (text_is(name, "rest-api-separator") && value.len != 1) {
        str_add_string(why, "is not one character");
        error = -EINVAL;
    }
    turn_lists_done(&lists);
    return error;
}

/* coturn counts the last line only, where we would have a list. */
static bool is_replaced(const struct conversion *c, const struct coturn_line *line)
{
    static const char *const single[] = {"realm", "cert", "pkey"};
    struct coturn_conf rest = c->conf;
    struct coturn_line later;
    bool is_single = false;
    for (size_t i = 0; i < COUNT_OF(single); i++)
        is_single = is_single || text_is(line->name, single[i]);
    while (is_single && coturn_conf_next(&rest, &later))
        if (text_equal(later.name, line->name))
            return true;
    return false;
}

static void note_relative(struct conversion *c, const struct option *option, struct text value)
{
    struct text name = text_from(option_file_name(option));
    bool is_file = text_is(name, "cert") || text_is(name, "pkey") || text_is(name, "ca-file");
    if (is_file && !text_starts_with(value, "/"))
        str_add_string(c->out, "# The next is looked for in the working directory of the daemon: "
                               "write the whole path.\n");
}

static int convert_option(
    struct conversion *c, const struct option *option, const struct coturn_line *given)
{
    struct coturn_line line = *given;
    struct str why = {0};
    bool flag;
    line.value = text_trim(line.value);
    if (option->kind == OPTION_BOOL && coturn_flag(line.value, &flag))
        line.value = flag ? TEXT("true") : TEXT("false");
    if (line.value.len == 0 && text_is(line.name, "stale-nonce"))
        line.value = TEXT("600");
    if (line.value.len == 0) {
        drop(c, &line, "has no value");
        return 0;
    }
    int error = option_set(option, OPTION_REPLACE, line.value, c->scratch, &why);
    if (error == 0)
        error = check_entry(option, line.value, &why);
    if (error == 0 && is_replaced(c, &line))
        drop(c, &line, "replaced by a later line");
    else if (error == 0) {
        note_relative(c, option, line.value);
        carry(c, option, &line);
    } else if (error == -EINVAL) {
        drop(c, &line, str_string(&why));
    }
    str_done(&why);
    return error == -ENOMEM ? error : 0;
}

static int convert_line(struct conversion *c, const struct coturn_line *line)
{
    const struct option *option = option_find_in(TEXT(TURN_SECTION), line->name);
    const struct ignored_option *ignored = coturn_ignored_option_find(line->name);
    bool flag;
    if (text_is(line->name, "keep-address-family") && coturn_flag(line->value, &flag) && flag) {
        str_add_string(c->out, "allocation-default-address-family = keep\n");
        c->report->carried++;
        return 0;
    }
    if (option != NULL)
        return convert_option(c, option, line);
    if (ignored != NULL)
        drop_because(c, line, ignored->reason);
    else
        drop(c, line, "not an option of coturn that is known here");
    return 0;
}

static void add_header(struct conversion *c, const char *file)
{
    str_addf(c->out,
        "# From %s, by mediaferry " MEDIAFERRY_VERSION ". Lines that could not be carried over are "
        "comments.\n\n[" TURN_SECTION "]\n",
        file);
}

/* What no line of the file shows. */
static void add_footer(struct conversion *c)
{
    str_add_string(c->out,
        "\n# Peers with private addresses are denied here; coturn relays to them. Where clients\n"
        "# must reach some, a PBX for instance: allowed-peer-ip = 10.1.2.0/24\n");
    if (!c->has_realm)
        str_add_string(c->out,
            "# There is no realm: coturn takes the domain name of its machine, here "
            "it is\n# 'mediaferry'. Keys of users (0x...) belong to one realm.\n");
    if (!c->report->has_users)
        str_add_string(c->out,
            "# Nobody may use TURN yet: without user, static-auth-secret or redis-userdb it is off,"
            "\n# and options above that need it end the start with an error.\n");
}

int coturn_convert(
    struct text text, const char *file, struct str *out, struct coturn_report *report)
{
    struct conversion c = {
        .conf = coturn_conf_over(text), .scratch = config_new(), .out = out, .report = report};
    struct coturn_line line;
    int error = c.scratch != NULL ? 0 : -ENOMEM;
    *report = (struct coturn_report){0};
    if (error != 0)
        return error;
    add_header(&c, file);
    while (error == 0 && coturn_conf_next(&c.conf, &line)) {
        c.has_realm |= text_is(line.name, "realm");
        error = convert_line(&c, &line);
    }
    add_footer(&c);
    config_free(c.scratch);
    return error != 0 || str_ok(out) ? error : -ENOMEM;
}
