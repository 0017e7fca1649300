/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/turn_lists.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "daemon/turn_list.h"

static struct host_address nics[] = {
    {.nic = "lo", .is_loopback = true}, {.nic = "eth0"}, {.nic = "eth0"}, {.nic = "eth0"}};
static const struct host_addresses host = {.list = nics, .count = COUNT_OF(nics)};

static int make_host(void **state)
{
    static const char *const ips[] = {"127.0.0.1", "192.0.2.7", "2001:db8::7", "fe80::7"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(nics); i++)
        if (!address_parse(text_from(ips[i]), &nics[i].ip))
            return -1;
    return 0;
}

static void add_addresses(const struct turn_addresses *addresses, struct str *out)
{
    char text[ADDRESS_TEXT_SIZE];
    for (size_t i = 0; i < addresses->count; i++)
        str_addf(out, "%s ", address_text(&addresses->list[i], text));
}

static int addresses(struct text list, struct turn_lists *lists, struct str *out)
{
    int error = turn_read_addresses(list, &host, &lists->listening, out);
    if (error == 0)
        add_addresses(&lists->listening, out);
    return error;
}

static int endpoints(struct text list, struct turn_lists *lists, struct str *out)
{
    int error = turn_read_endpoints(list, 3478, &lists->alternates, out);
    if (error == 0)
        add_addresses(&lists->alternates, out);
    return error;
}

static int mappings(struct text list, struct turn_lists *lists, struct str *out)
{
    char outer[ADDRESS_TEXT_SIZE], inner[ADDRESS_TEXT_SIZE];
    int error = turn_read_mappings(list, &lists->external, out);
    for (size_t i = 0; error == 0 && i < lists->external.count; i++)
        str_addf(out, "%s<%s ", address_ip_text(&lists->external.list[i].inner, inner),
            address_ip_text(&lists->external.list[i].outer, outer));
    return error;
}

static int ranges(struct text list, struct turn_lists *lists, struct str *out)
{
    char first[ADDRESS_TEXT_SIZE], last[ADDRESS_TEXT_SIZE];
    int error = turn_read_ranges(list, &lists->denied, out);
    for (size_t i = 0; error == 0 && i < lists->denied.count; i++)
        str_addf(out, "%s-%s ", address_ip_text(&lists->denied.list[i].first, first),
            address_ip_text(&lists->denied.list[i].last, last));
    return error;
}

static int certificates(struct text list, struct turn_lists *lists, struct str *out)
{
    int error = turn_read_certificates(list, TEXT("k1\nk2"), &lists->certificates, out);
    for (size_t i = 0; error == 0 && i < lists->certificates.count; i++)
        str_addf(out, "%s+%s ", lists->certificates.list[i].certificate,
            lists->certificates.list[i].key);
    return error;
}

static int origins(struct text list, struct turn_lists *lists, struct str *out)
{
    int error = turn_read_texts(TEXT("one\ntwo"), &lists->realms);
    assert_int_equal(error, 0);
    error = turn_read_origins(list, &lists->realms, &lists->origins, out);
    for (size_t i = 0; error == 0 && i < lists->origins.count; i++)
        str_addf(out, "%.*s>%.*s ", TEXT_ARG(lists->origins.list[i].origin),
            TEXT_ARG(lists->origins.list[i].realm));
    return error;
}

static int users(struct text list, struct turn_lists *lists, struct str *out)
{
    int error = turn_read_users(list, &lists->users, out);
    for (size_t i = 0; error == 0 && i < lists->users.count; i++)
        str_addf(out, "%.*s|%.*s ", TEXT_ARG(lists->users.list[i].name),
            TEXT_ARG(lists->users.list[i].stored));
    return error;
}

static int oauth_keys(struct text list, struct turn_lists *lists, struct str *out)
{
    int error = turn_read_oauth_keys(list, &lists->oauth_keys, out);
    for (size_t i = 0; error == 0 && i < lists->oauth_keys.count; i++) {
        const struct oauth_key *k = &lists->oauth_keys.list[i];
        str_addf(out, "%.*s %d %.16s %lld %lld ", TEXT_ARG(k->kid), k->algorithm == OAUTH_A256GCM,
            (const char *)k->key, (long long)k->from_s, (long long)k->lifetime_s);
    }
    return error;
}

#define KEY "0x0123456789abcdefABCDEF0123456789"
#define BASE64_32 "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
#define BASE64_16 "MDEyMzQ1Njc4OWFiY2RlZg=="

static const struct {
    int (*read)(struct text list, struct turn_lists *lists, struct str *out);
    const char *list;
    const char *expected; /* what was read, or the complaint */
    bool ok;
} cases[] = {
    {addresses, "", "", true},
    {addresses, "192.0.2.1\n\n2001:db8::1\n192.0.2.1", "192.0.2.1:0 [2001:db8::1]:0 ", true},
    {addresses, "eth0", "192.0.2.7:0 [2001:db8::7]:0 ", true},
    {addresses, "any", "127.0.0.1:0 192.0.2.7:0 [2001:db8::7]:0 ", true},
    {addresses, "0.0.0.0", "127.0.0.1:0 192.0.2.7:0 ", true},
    {addresses, "::", "[2001:db8::7]:0 ", true},
    {addresses, "192.0.2.7\neth1", "'eth1' is no IP address, and no network interface that has one",
        false},
    {addresses, "192.0.2.7:3478",
        "'192.0.2.7:3478' is no IP address, and no network interface that has one", false},

    {endpoints, "192.0.2.1\n192.0.2.1:5\n[2001:db8::1]:6\n2001:db8::2",
        "192.0.2.1:3478 192.0.2.1:5 [2001:db8::1]:6 [2001:db8::2]:3478 ", true},
    {endpoints, "192.0.2.1:0", "'192.0.2.1:0' is no IP address with or without a port", false},
    {endpoints, "host:1", "'host:1' is no IP address with or without a port", false},
    {endpoints, "0.0.0.0:1", "'0.0.0.0:1' is no IP address with or without a port", false},

    {mappings, "203.0.113.1", "-<203.0.113.1 ", true},
    {mappings, "203.0.113.1/10.0.0.1\n203.0.113.2/10.0.0.2\n203.0.113.3\n2001:db8::3",
        "10.0.0.1<203.0.113.1 10.0.0.2<203.0.113.2 -<203.0.113.3 -<2001:db8::3 ", true},
    {mappings, "203.0.113.1/", "'203.0.113.1/' has no IP address behind the '/'", false},
    {mappings, "203.0.113.1/eth0", "'203.0.113.1/eth0' has no IP address behind the '/'", false},
    {mappings, "203.0.113.1/2001:db8::1",
        "'203.0.113.1/2001:db8::1' has no IP address or host name of the same family before the "
        "'/'",
        false},
    {mappings, "0.0.0.0", "'0.0.0.0' does not say which address", false},
    {mappings, "203.0.113.1/10.0.0.1\n203.0.113.2/10.0.0.1",
        "'203.0.113.2/10.0.0.1' maps an address that is mapped already", false},
    {mappings, "203.0.113.1\n203.0.113.2", "'203.0.113.2' maps an address that is mapped already",
        false},

    {ranges, "10.0.0.0/8\n192.0.2.4-192.0.2.9\n192.0.2.1",
        "10.0.0.0-10.255.255.255 192.0.2.1-192.0.2.1 192.0.2.4-192.0.2.9 ", true},
    {ranges, "10.0.0.0/33", NULL, false},

    {certificates, "c1\nc2", "c1+k1 c2+k2 ", true},
    {certificates, "c1", "there are 1 certificates and 2 private keys", false},

    {origins, "https://a.example=one\nhttps://b.example:8443 = two",
        "https://a.example>one https://b.example:8443>two ", true},
    {origins, "https://a.example", "'https://a.example' is not ORIGIN=REALM", false},
    {origins, "https://a.example=three", "'three' is not one of the realms", false},

    {users, "alice:secret\nbob:a:b c\ncarol:" KEY, "alice|secret bob|a:b c carol|" KEY " ", true},
    {users, "alice:secret\nbob", "entry 2 is not NAME:PASSWORD or NAME:0xKEY", false},
    {users, ":secret", "entry 1 is not NAME:PASSWORD or NAME:0xKEY", false},
    {users, "alice:", "entry 1 is not NAME:PASSWORD or NAME:0xKEY", false},
    {users, "alice:0x12", "'alice' has a key that is not 0x and 32 hex digits", false},
    {users, "alice:0x0123456789abcdefg123456789abcdef",
        "'alice' has a key that is not 0x and 32 hex digits", false},
    {users, "alice:a\nalice:b", "'alice' is there twice", false},

    {oauth_keys, "north:A256GCM:" BASE64_32 "\nsouth:a128gcm:" BASE64_16 ":1700000000:3600",
        "north 1 0123456789abcdef 0 0 south 0 0123456789abcdef 1700000000 3600 ", true},
    {oauth_keys, "north:A256GCM:" BASE64_16,
        "entry 1 has a key that is not base64 of 32 bytes (A256GCM) or 16 bytes (A128GCM), or more",
        false},
    {oauth_keys, "north:A256GCM:" BASE64_32 BASE64_32,
        "entry 1 has a key that is not base64 of 32 bytes (A256GCM) or 16 bytes (A128GCM), or more",
        false},
    {oauth_keys, "north:A512GCM:" BASE64_32,
        "entry 1 names an algorithm that is neither A256GCM nor A128GCM", false},
    {oauth_keys, ":A256GCM:" BASE64_32,
        "entry 1 has no name before the first ':', or one that is too long", false},
    {oauth_keys, "north:A256GCM:" BASE64_32 ":1700000000",
        "entry 1 has something else than :TIMESTAMP:LIFETIME behind the key", false},
};

static void reads_each_kind_of_list(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct turn_lists lists = {0};
        struct str found = {0};
        int error = cases[i].read(text_from(cases[i].list), &lists, &found);
        assert_int_equal(error, cases[i].ok ? 0 : -EINVAL);
        if (cases[i].expected != NULL)
            assert_string_equal(str_string(&found), cases[i].expected);
        assert_true(found.len > 0 || cases[i].list[0] == '\0');
        turn_lists_done(&lists);
        str_done(&found);
    }
}

/* Names may be shown, the rest of an entry never. */
static void no_complaint_shows_a_secret(void **state)
{
    static const char *const bad[] = {"h1dd3n", ":h1dd3n", "a:h1dd3n\na:h1dd3n", "a:0xh1dd3n"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct turn_lists lists = {0};
        struct str why = {0};
        assert_int_equal(turn_read_users(text_from(bad[i]), &lists.users, &why), -EINVAL);
        assert_null(strstr(str_string(&why), "h1dd3n"));
        assert_int_equal(turn_read_oauth_keys(text_from(bad[i]), &lists.oauth_keys, &why), -EINVAL);
        assert_null(strstr(str_string(&why), "h1dd3n"));
        turn_lists_done(&lists);
        str_done(&why);
    }
}

static void counts_what_it_walks(void **state)
{
    struct text rest = TEXT("\n\na\n\nb c\n"), entry;
    (void)state;
    assert_int_equal(turn_list_count(rest), 2);
    assert_true(turn_list_next(&rest, &entry));
    assert_true(text_is(entry, "a"));
    assert_true(turn_list_next(&rest, &entry));
    assert_true(text_is(entry, "b c"));
    assert_false(turn_list_next(&rest, &entry));
    assert_int_equal(turn_list_count(TEXT("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_each_kind_of_list),
        cmocka_unit_test(no_complaint_shows_a_secret),
        cmocka_unit_test(counts_what_it_walks),
    };
    return cmocka_run_group_tests_name("turn_lists", tests, make_host, NULL);
}
