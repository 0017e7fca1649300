/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/demux.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct plan_stream audio = {
    .id = 11,
    .mid = "a0",
    .mid_extension = 4,
    .payload_count = 2,
    .payloads = (struct plan_payload[]){{.type = 111}, {.type = 101}},
    .ssrc_count = 1,
    .ssrcs = (uint32_t[]){1000},
};
static const struct plan_stream video = {
    .id = 12,
    .mid = "v1",
    .mid_extension = 4,
    .payload_count = 2,
    .payloads = (struct plan_payload[]){{.type = 96}, {.type = 101}},
};

enum { AUDIO, VIDEO };

static void both(struct demux *d)
{
    demux_init(d);
    assert_int_equal(demux_add(d, &audio), AUDIO);
    assert_int_equal(demux_add(d, &video), VIDEO);
}

/* RFC 8285 one-byte element with id 4. */
static int feed(struct demux *d, uint32_t ssrc, uint8_t payload_type, const char *mid)
{
    uint8_t element[8] = {0};
    struct rtp_packet packet = {.ssrc = ssrc, .payload_type = payload_type};
    if (mid != NULL) {
        size_t len = strlen(mid);
        element[0] = (uint8_t)(4 << 4 | (len - 1));
        memcpy(element + 1, mid, len);
        packet.has_extension = true;
        packet.extension_profile = 0xbede;
        packet.extension = bytes_of(element, sizeof(element));
    }
    return demux_rtp(d, &packet);
}

static void one_stream_takes_everything(void **state)
{
    (void)state;
    struct demux d;
    demux_init(&d);
    demux_add(&d, &audio);
    assert_int_equal(feed(&d, 5, 77, "zz"), AUDIO);
    assert_int_equal(feed(&d, 6, 78, NULL), AUDIO);
}

static void goes_by_mid_then_ssrc_then_payload_type(void **state)
{
    (void)state;
    struct demux d;
    both(&d);
    assert_int_equal(feed(&d, 1000, 111, NULL), AUDIO);      /* signalled SSRC */
    assert_int_equal(feed(&d, 2000, 101, NULL), DEMUX_NONE); /* type of both */
    assert_int_equal(feed(&d, 2000, 101, "v1"), VIDEO);
    assert_int_equal(feed(&d, 2000, 101, NULL), VIDEO); /* learned from the mid */
    assert_int_equal(feed(&d, 3000, 96, NULL), VIDEO);
    assert_int_equal(feed(&d, 3000, 101, NULL), VIDEO); /* learned from the type */
    assert_int_equal(feed(&d, 4000, 50, NULL), DEMUX_NONE);
    assert_int_equal(demux_find_ssrc(&d, 4000), DEMUX_NONE);
}

static void mid_outranks_everything(void **state)
{
    (void)state;
    struct demux d;
    both(&d);
    assert_int_equal(feed(&d, 1000, 111, "v1"), VIDEO);
    assert_int_equal(demux_find_ssrc(&d, 1000), VIDEO);
    assert_int_equal(feed(&d, 7000, 96, "x"), DEMUX_NONE); /* a mid of nobody: dropped */
    assert_int_equal(demux_find_ssrc(&d, 7000), DEMUX_NONE);
}

static void signalled_ssrcs_stay_when_room_is_short(void **state)
{
    (void)state;
    struct demux d;
    both(&d);
    for (uint32_t ssrc = 1; ssrc <= 500; ssrc++)
        assert_int_equal(feed(&d, ssrc, 96, NULL), VIDEO);
    assert_int_equal(d.ssrc_count, DEMUX_MAX_SSRCS);
    assert_int_equal(demux_find_ssrc(&d, 1000), AUDIO);
    assert_int_equal(demux_find_ssrc(&d, 500), VIDEO);
    assert_int_equal(demux_find_ssrc(&d, 1), DEMUX_NONE);
}

static void keeps_what_it_learned_by_stream(void **state)
{
    (void)state;
    struct demux before, after;
    both(&before);
    assert_int_equal(feed(&before, 2000, 101, "v1"), VIDEO);
    assert_int_equal(feed(&before, 2001, 101, "a0"), AUDIO);

    demux_init(&after);
    demux_add(&after, &video); /* audio has gone, video is the first now */
    demux_keep_learned(&after, &before);
    assert_int_equal(demux_find_ssrc(&after, 2000), 0);
    assert_int_equal(demux_find_ssrc(&after, 2001), DEMUX_NONE);
    assert_int_equal(demux_find_ssrc(&after, 1000), DEMUX_NONE);
}

static void nobody_home(void **state)
{
    (void)state;
    struct demux d;
    demux_init(&d);
    assert_int_equal(feed(&d, 1, 1, NULL), DEMUX_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_stream_takes_everything),
        cmocka_unit_test(goes_by_mid_then_ssrc_then_payload_type),
        cmocka_unit_test(mid_outranks_everything),
        cmocka_unit_test(signalled_ssrcs_stay_when_room_is_short),
        cmocka_unit_test(keeps_what_it_learned_by_stream),
        cmocka_unit_test(nobody_home),
    };
    return cmocka_run_group_tests_name("demux", tests, NULL, NULL);
}
