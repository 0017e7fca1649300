/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "net/address_class.h"

static struct address ip(const char *text)
{
    struct address a;
    assert_true(address_parse(text_from(text), &a));
    return a;
}

/* The first and the last of each prefix, and their neighbours outside. */
static const struct {
    const char *ip, *class;
} classes[] = {
    {"0.0.0.0", "this-network"},
    {"0.255.255.255", "this-network"},
    {"1.0.0.0", "public"},
    {"9.255.255.255", "public"},
    {"10.0.0.0", "private"},
    {"10.255.255.255", "private"},
    {"11.0.0.0", "public"},
    {"100.63.255.255", "public"},
    {"100.64.0.0", "private"},
    {"100.127.255.255", "private"},
    {"100.128.0.0", "public"},
    {"126.255.255.255", "public"},
    {"127.0.0.0", "loopback"},
    {"127.255.255.255", "loopback"},
    {"128.0.0.0", "public"},
    {"168.63.129.15", "public"},
    {"168.63.129.16", "link-local"},
    {"168.63.129.17", "public"},
    {"169.253.255.255", "public"},
    {"169.254.0.0", "link-local"},
    {"169.254.169.254", "link-local"},
    {"169.254.255.255", "link-local"},
    {"169.255.0.0", "public"},
    {"172.15.255.255", "public"},
    {"172.16.0.0", "private"},
    {"172.31.255.255", "private"},
    {"172.32.0.0", "public"},
    {"191.255.255.255", "public"},
    {"192.0.0.0", "reserved"},
    {"192.0.1.0", "public"},
    {"192.0.2.255", "reserved"},
    {"192.88.99.1", "reserved"},
    {"192.167.255.255", "public"},
    {"192.168.0.0", "private"},
    {"192.168.255.255", "private"},
    {"192.169.0.0", "public"},
    {"198.17.255.255", "public"},
    {"198.18.0.0", "reserved"},
    {"198.19.255.255", "reserved"},
    {"198.20.0.0", "public"},
    {"198.51.100.7", "reserved"},
    {"203.0.113.255", "reserved"},
    {"203.0.114.0", "public"},
    {"223.255.255.255", "public"},
    {"224.0.0.0", "multicast"},
    {"239.255.255.255", "multicast"},
    {"240.0.0.0", "reserved"},
    {"255.255.255.255", "reserved"},
    {"::", "this-network"},
    {"::1", "loopback"},
    {"2600::1", "public"},
    {"2001:1ff:ffff::", "reserved"},
    {"2001:200::", "public"},
    {"2001:db7:ffff::1", "public"},
    {"2001:db8::1", "reserved"},
    {"2001:db9::1", "public"},
    {"3fff:fff::1", "reserved"},
    {"3fff:1000::1", "public"},
    {"1fff:ffff::", "reserved"},
    {"2000::", "public"},
    {"4000::", "reserved"},
    {"100::1", "reserved"},
    {"fbff::1", "reserved"},
    {"fc00::1", "unique-local"},
    {"fd00:ec2::254", "unique-local"},
    {"fdff:ffff::1", "unique-local"},
    {"fe00::1", "reserved"},
    {"fe80::1", "link-local"},
    {"febf:ffff::1", "link-local"},
    {"fec0::1", "site-local"},
    {"feff:ffff::1", "site-local"},
    {"ff02::1", "multicast"},
    /* Spellings. */
    {"::ffff:8.8.8.8", "transition"},
    {"::ffff:127.0.0.1", "loopback"},
    {"::ffff:0:169.254.169.254", "link-local"},
    {"::10.0.0.1", "private"},
    {"::2", "this-network"},
    {"2002:7f00:1::", "loopback"},
    {"2002:808:808::1", "transition"},
    {"64:ff9b::10.1.2.3", "private"},
    {"64:ff9b:1::192.168.0.1", "private"},
    {"64:ff9b:1:a00:0:100::", "private"},
    {"2001:0:808:808:0:ffff:f7f7:f7f7", "transition"}, /* Teredo */
    {"2001:0:808:808:0:ffff:80ff:fffe", "loopback"},   /* its client */
    {"2001:0:a00:1:0:ffff:f7f7:f7f7", "private"},      /* its server */
    {"2600::5efe:127.0.0.1", "loopback"},
    {"2600::200:5efe:10.0.0.1", "private"},
    {"2600::5efe:8.8.8.8", "transition"},
    {"fe80::5efe:8.8.8.8", "transition"},
};

static void classes_are_those_of_the_registries(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(classes); i++) {
        struct address a = ip(classes[i].ip);
        const char *class = address_class_name(address_classify(&a));
        if (strcmp(class, classes[i].class) != 0)
            fail_msg("%s is %s", classes[i].ip, class);
    }
    struct address none = {.family = ADDRESS_NONE};
    assert_int_not_equal(address_classify(&none), ADDRESS_CLASS_PUBLIC);
}

static const struct {
    const char *ip, *inner; /* all of them, in order */
} inners[] = {
    {"8.8.8.8", ""},
    {"2600::1", ""},
    {"::", ""},
    {"::1", ""},
    {"::1.2.3.4", "1.2.3.4"},
    {"::ffff:1.2.3.4", "1.2.3.4"},
    {"::ffff:0:1.2.3.4", "1.2.3.4"},
    {"2002:102:304::9", "1.2.3.4"},
    {"64:ff9b::1.2.3.4", "1.2.3.4"},
    {"64:ff9b:0:1::1.2.3.4", ""},
    {"64:ff9b:1:ffff::1.2.3.4", "1.2.3.4"},
    {"64:ff9b:1:102:3:400::", "1.2.3.4 2.3.4.0 3.4.0.0"}, /* may be /48, /56 or /64 */
    {"64:ff9b:1:ab01:2:304::", "1.2.3.4 2.3.4.0"},
    {"64:ff9b:1:abcd:1:203:400:0", "1.2.3.4 4.0.0.0"}, /* /64 or /96 */
    {"64:ff9b:1:abcd:7701:203:400:0", "4.0.0.0"},      /* of no form: the last bytes */
    {"64:ff9b:1::", "0.0.0.0"},
    {"2001:0:102:304:0:ffff:fafb:f8f7", "5.4.7.8 1.2.3.4"},
    {"2600::5efe:1.2.3.4", "1.2.3.4"},
    {"2600::200:5efe:1.2.3.4", "1.2.3.4"},
    {"2600::300:5efe:1.2.3.4", "1.2.3.4"},
    {"2600::400:5efe:1.2.3.4", ""},
    {"2002:506:708:0:0:5efe:1.2.3.4", "5.6.7.8 1.2.3.4"},
};

static void inner_addresses_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(inners); i++) {
        struct address a = ip(inners[i].ip), inner[ADDRESS_INNER_MAX];
        struct text rest = text_from(inners[i].inner);

        a.port = 4711;
        size_t count = address_inner(&a, inner);
        for (size_t n = 0; n < count; n++) {
            struct address expected = {.family = ADDRESS_NONE};
            bool more = address_parse(text_cut(&rest, ' '), &expected);
            char text[ADDRESS_TEXT_SIZE];
            expected.port = 4711;
            if (!more || !address_equal(&expected, &inner[n]))
                fail_msg("%s holds %s", inners[i].ip, address_text(&inner[n], text));
        }
        if (rest.len > 0)
            fail_msg("%s lacks %.*s", inners[i].ip, TEXT_ARG(rest));
        struct address canonical = address_canonical(&a);
        assert_true(address_equal(&canonical, count > 0 ? &inner[0] : &a));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_those_of_the_registries),
        cmocka_unit_test(inner_addresses_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
