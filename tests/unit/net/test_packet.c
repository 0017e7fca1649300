/* SPDX-License-Identifier: Apache-2.0 */
#include "net/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void has_room_on_both_sides(void **state)
{
    (void)state;
    static uint8_t data[PACKET_DATA_MAX + 1];
    struct pool pool;
    packet_pool_init(&pool, 2);
    struct packet *p = packet_take(&pool);
    assert_true(packet_set(p, bytes_of(data, PACKET_DATA_MAX)));
    assert_int_equal(packet_headroom(p), PACKET_HEADROOM);
    assert_int_equal(packet_tailroom(p), PACKET_TAILROOM);
    assert_false(packet_set(p, bytes_of(data, PACKET_DATA_MAX + 1)));
    assert_int_equal(p->len, PACKET_DATA_MAX);

    p->data -= 4; /* a ChannelData header in front */
    p->len += 4;
    assert_int_equal(packet_headroom(p), PACKET_HEADROOM - 4);
    assert_int_equal(packet_tailroom(p), PACKET_TAILROOM);
    packet_give(&pool, p);
    pool_done(&pool);
}

static void a_copy_keeps_all_but_the_queue(void **state)
{
    (void)state;
    struct pool pool;
    int user;
    packet_pool_init(&pool, 2);
    struct packet *p = packet_take(&pool);
    assert_true(packet_set(p, bytes_of("abcdef", 6)));
    p->data += 2;
    p->len -= 2;
    p->peer = (struct address){.family = ADDRESS_IP4, .port = 9};
    p->arrival_ns = 77;
    p->user = &user;
    p->kind = PACKET_ICMP;
    p->tos = 184;
    p->dont_fragment = true;
    p->icmp_type = 3;
    p->icmp_code = 4;
    p->icmp_data = 1500;
    p->queued = true;
    struct packet *copy = packet_copy(&pool, p);
    assert_true(bytes_equal(packet_bytes(copy), bytes_of("cdef", 4)));
    assert_int_equal(packet_headroom(copy), packet_headroom(p));
    assert_true(address_equal(&copy->peer, &p->peer));
    assert_int_equal(copy->arrival_ns, 77);
    assert_ptr_equal(copy->user, &user);
    assert_int_equal(copy->kind, PACKET_ICMP);
    assert_int_equal(copy->tos, 184);
    assert_true(copy->dont_fragment);
    assert_int_equal(copy->icmp_type, 3);
    assert_int_equal(copy->icmp_code, 4);
    assert_int_equal(copy->icmp_data, 1500);
    assert_false(copy->queued);
    assert_null(packet_copy(&pool, p)); /* none left */
    packet_give(&pool, copy);
    packet_give(&pool, p);
    p = packet_take(&pool);
    assert_int_equal(p->len, 0); /* nothing of its former life */
    assert_null(p->user);
    assert_int_equal(p->kind, PACKET_DATAGRAM);
    assert_int_equal(p->tos, 0);
    assert_false(p->dont_fragment);
    assert_int_equal(p->icmp_data, 0);
    packet_give(&pool, p);
    pool_done(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_room_on_both_sides),
        cmocka_unit_test(a_copy_keeps_all_but_the_queue),
    };
    return cmocka_run_group_tests_name("packet", tests, NULL, NULL);
}
