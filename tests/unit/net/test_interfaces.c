/* SPDX-License-Identifier: Apache-2.0 */
#include "net/interfaces.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
    const char *nic;
    const char *ip;
    bool is_loopback;
} machine[] = {
    {"lo", "127.0.0.1", true},
    {"lo", "::1", true},
    {"eth0", "192.0.2.1", false},
    {"eth0", "2001:db8::1", false},
    {"eth0", "fe80::1", false},
    {"eth1", "10.0.0.1", false},
};

static struct host_address list[COUNT_OF(machine)];
static const struct host_addresses host = {.list = list, .count = COUNT_OF(machine)};

static int fill_host(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(machine); i++) {
        strcpy(list[i].nic, machine[i].nic);
        list[i].is_loopback = machine[i].is_loopback;
        assert_true(address_parse(text_from(machine[i].ip), &list[i].ip));
    }
    return 0;
}

/* "name=bind!advertised#bind_index ..." */
static void describe(const struct interfaces *set, struct str *out)
{
    for (size_t i = 0; i < set->count; i++) {
        str_addf(out, "%s=", set->list[i].name);
        for (size_t k = 0; k < set->list[i].count; k++) {
            const struct local_address *a = &set->list[i].addresses[k];
            char text[ADDRESS_TEXT_SIZE];
            assert_int_equal(strlen(a->foundation), FOUNDATION_LEN);
            str_addf(out, "%s", address_ip_text(&a->bind, text));
            if (!address_same_ip(&a->bind, &a->advertised))
                str_addf(out, "!%s", address_ip_text(&a->advertised, text));
            str_addf(out, "#%u ", a->bind_index);
        }
    }
}

static const struct {
    const char *spec;
    const char *expected;
    bool ok;
} cases[] = {
    {"192.0.2.1", "default=192.0.2.1#0 ", true},
    {"192.0.2.1!203.0.113.5", "default=192.0.2.1!203.0.113.5#0 ", true},
    {"pub/192.0.2.1!203.0.113.5;priv/10.0.0.1", "pub=192.0.2.1!203.0.113.5#0 priv=10.0.0.1#1 ",
        true},
    {" pub / 192.0.2.1 ; priv/10.0.0.1 ;", "pub=192.0.2.1#0 priv=10.0.0.1#1 ", true},
    {"pub/192.0.2.1;pub/2001:db8::1;pub/[2001:db8::2]",
        "pub=192.0.2.1#0 2001:db8::1#1 2001:db8::2#2 ", true},
    {"a/192.0.2.1;b/192.0.2.1!203.0.113.5", "a=192.0.2.1#0 b=192.0.2.1!203.0.113.5#0 ", true},
    {"eth0", "default=192.0.2.1#0 2001:db8::1#1 ", true}, /* not the link-local one */
    {"pub/eth0!203.0.113.5", "pub=192.0.2.1!203.0.113.5#0 ", true},
    {"lo", "default=127.0.0.1#0 ::1#1 ", true},
    {"any", "default=192.0.2.1#0 2001:db8::1#1 10.0.0.1#2 ", true},
    {"192.0.2.1;192.0.2.1", "default=192.0.2.1#0 ", true},
    {"pub:1/192.0.2.1;pub:2/10.0.0.1;out=pub", "pub:1=192.0.2.1#0 pub:2=10.0.0.1#1 ", true},
    {"", "no interface", false},
    {"pub/", "no address of this host, network interface or host name in 'pub/'", false},
    {"/192.0.2.1", "no interface name before '/' in '/192.0.2.1'", false},
    {"a/192.0.2.1!2001:db8::1",
        "the advertised address is of another family in 'a/192.0.2.1!2001:db8::1'", false},
    {"192.0.2", "no address of this host, network interface or host name in '192.0.2'", false},
    {"10", "no address of this host, network interface or host name in '10'", false},
    {"192.0.2.1!0xcb.1", "no address or host name after '!' in '192.0.2.1!0xcb.1'", false},
    {"a/192.0.2.1!no.such.host.invalid",
        "no address or host name after '!' in 'a/192.0.2.1!no.such.host.invalid'", false},
    {"a/192.0.2.1!stun:stun.example.org", "a=192.0.2.1#0 ", true}, /* not asked yet */
    {"a/192.0.2.1!stun:", "no HOST[:PORT] after 'stun:' in 'a/192.0.2.1!stun:'", false},
    {"a/192.0.2.1!stun:host:0", "no HOST[:PORT] after 'stun:' in 'a/192.0.2.1!stun:host:0'", false},
    {"a/192.0.2.1;b=c", "an alias of an unknown interface in 'c'", false},
    {"no.such.nic.invalid",
        "no address of this host, network interface or host name in 'no.such.nic.invalid'", false},
};

static void reads_the_option(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct interfaces *set = NULL;
        struct str text = {0};
        int error = interfaces_parse(text_from(cases[i].spec), &host, &set, &text);
        assert_int_equal(error == 0, cases[i].ok);
        if (error == 0)
            describe(set, &text);
        assert_string_equal(str_string(&text), cases[i].expected);
        interfaces_free(set);
        str_done(&text);
    }
}

static bool is_not_second(const struct interface *interface, void *arg)
{
    (void)arg;
    return strcmp(interface->name, "pub:2") != 0;
}

static const char *pick(const struct interfaces *set, const char *name, unsigned turn, bool choosy)
{
    const struct interface *found =
        interfaces_pick(set, text_from(name), turn, choosy ? is_not_second : NULL, NULL);
    return found == NULL ? "(none)" : found->name;
}

static void finds_names_aliases_and_groups(void **state)
{
    (void)state;
    struct interfaces *set = NULL;
    struct str why = {0};
    assert_int_equal(
        interfaces_parse(TEXT("priv/10.0.0.1;pub:1/192.0.2.1;pub:2/192.0.2.2;pub:3/192.0.2.3;"
                              "public/192.0.2.9;inside=priv;outside=pub"),
            &host, &set, &why),
        0);
    assert_string_equal(interfaces_default(set)->name, "priv");
    assert_string_equal(interfaces_find(set, TEXT("inside"))->name, "priv");
    assert_null(interfaces_find(set, TEXT("pub")));
    assert_null(interfaces_find(set, TEXT("")));

    assert_string_equal(pick(set, "priv", 5, false), "priv");
    assert_string_equal(pick(set, "pub", 0, false), "pub:1");
    assert_string_equal(pick(set, "pub", 1, false), "pub:2");
    assert_string_equal(pick(set, "pub", 5, false), "pub:3");
    assert_string_equal(pick(set, "outside", 1, false), "pub:2");
    assert_string_equal(pick(set, "pub", 1, true), "pub:3"); /* the next that suits */
    assert_string_equal(pick(set, "pub:2", 0, true), "(none)");
    assert_string_equal(pick(set, "pu", 0, false), "(none)");
    interfaces_free(set);
    str_done(&why);
}

static void prefers_the_family_asked_for(void **state)
{
    (void)state;
    struct interfaces *set = NULL;
    struct str why = {0};
    assert_int_equal(interfaces_parse(TEXT("10.0.0.1;192.0.2.1"), &host, &set, &why), 0);
    const struct interface *interface = interfaces_default(set);
    assert_ptr_equal(interface_address(interface, ADDRESS_IP4), &interface->addresses[0]);
    assert_ptr_equal(interface_address(interface, ADDRESS_NONE), &interface->addresses[0]);
    assert_null(interface_address(interface, ADDRESS_IP6));
    interfaces_free(set);
}

static void chooses_a_global_address_by_default(void **state)
{
    (void)state;
    struct address a;
    char text[ADDRESS_TEXT_SIZE];
    assert_true(host_addresses_default(&host, &a));
    assert_string_equal(address_ip_text(&a, text), "192.0.2.1");

    struct host_addresses part = {.list = list + 3, .count = 2};
    assert_true(host_addresses_default(&part, &a));
    assert_string_equal(address_ip_text(&a, text), "2001:db8::1");
    part = (struct host_addresses){.list = list, .count = 2};
    assert_true(host_addresses_default(&part, &a));
    assert_string_equal(address_ip_text(&a, text), "127.0.0.1");
    part.count = 0;
    assert_false(host_addresses_default(&part, &a));
}

static void reads_this_machine(void **state)
{
    (void)state;
    struct host_addresses here;
    bool has_loopback = false;
    assert_int_equal(host_addresses_read(&here), 0);
    for (size_t i = 0; i < here.count; i++)
        has_loopback |= here.list[i].is_loopback && strcmp(here.list[i].nic, "lo") == 0;
    assert_true(has_loopback);
    host_addresses_done(&here);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_option),
        cmocka_unit_test(finds_names_aliases_and_groups),
        cmocka_unit_test(prefers_the_family_asked_for),
        cmocka_unit_test(chooses_a_global_address_by_default),
        cmocka_unit_test(reads_this_machine),
    };
    return cmocka_run_group_tests_name("interfaces", tests, fill_host, NULL);
}
