/* SPDX-License-Identifier: Apache-2.0 */
/* What must not grow without end, and what happens when memory does. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "scenario_flags.h"
#include "world.h"

#define PHONE                                                                                      \
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"                    \
    "m=audio 5000 RTP/AVP 0\r\n"
#define ICE                                                                                        \
    "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvw\r\na=mid:0\r\na=rtcp-mux\r\n"           \
    "a=candidate:1 1 udp 1 192.0.2.1 5000 typ host\r\na=ssrc:1 cname:x\r\n"

/* The allocation that fails, counted down; below 0: none. */
static int fail_at = -1;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool is_the_one(void)
{
    return fail_at >= 0 && fail_at-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return is_the_one() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_the_one() ? NULL : __real_calloc(count, size);
}

static void start(struct world *w)
{
    world_init(w);
    assert_true(world_add_address(w, "default", "203.0.113.10"));
}

static enum call_status apply(
    struct world *w, enum call_verb verb, const char *words, const char *sdp)
{
    struct call_command command = {.verb = verb, .call_id = TEXT("call"), .sdp = text_from(sdp)};
    struct call_result result;
    scenario_default_flags(&command.flags);
    struct text rest = text_from(words);
    while (rest.len > 0)
        assert_true(scenario_flag(&command, text_word(&rest, ' ')));
    enum call_status status = world_apply(w, &command, &result);
    assert_null(w->broken);
    return status;
}

/* A branch each: the sender and 31 others. */
static void parties_are_counted(void **state)
{
    static struct world w;
    (void)state;
    start(&w);
    for (int i = 1; i < 32; i++) {
        char words[40];
        snprintf(words, sizeof(words), "from=a branch=%d", i);
        assert_int_equal(apply(&w, CALL_OFFER, words, PHONE), CALL_OK);
    }
    assert_int_equal(call_party_count(w.call), 32);
    assert_int_equal(apply(&w, CALL_OFFER, "from=a branch=x", PHONE), CALL_TOO_LARGE);
    assert_int_equal(call_party_count(w.call), 32);
    world_done(&w);
}

static void streams_are_counted(void **state)
{
    static struct world w;
    static char sdp[4096];
    (void)state;
    start(&w);
    snprintf(sdp, sizeof(sdp), "%s", PHONE);
    for (int i = 1; i < 32; i++)
        strcat(sdp, "m=audio 5000 RTP/AVP 0\r\n");
    assert_int_equal(apply(&w, CALL_OFFER, "from=a branch=1", sdp), CALL_OK);
    assert_int_equal(call_plan(w.call)->stream_count, PLAN_MAX_STREAMS);
    assert_int_equal(apply(&w, CALL_OFFER, "from=a branch=2", sdp), CALL_TOO_LARGE);
    strcat(sdp, "m=audio 5000 RTP/AVP 0\r\n");
    assert_int_equal(apply(&w, CALL_OFFER, "from=b", sdp), CALL_SDP_INVALID);
    world_done(&w);
}

static void sdp_is_limited(void **state)
{
    static struct world w;
    static char sdp[80000];
    (void)state;
    start(&w);
    snprintf(sdp, sizeof(sdp), "%s", PHONE);
    size_t len = strlen(sdp);
    while (len + 20 < 65536)
        len += (size_t)snprintf(sdp + len, sizeof(sdp) - len, "a=x-long:0123456\r\n");
    /* It grows by what we add, rtpmap and such, and is too long then. */
    assert_int_equal(apply(&w, CALL_OFFER, "from=a", sdp), CALL_REWRITE_FAILED);
    snprintf(sdp + len, sizeof(sdp) - len, "a=x-more:%0100d\r\n", 0);
    assert_int_equal(apply(&w, CALL_OFFER, "from=a", sdp), CALL_SDP_INVALID);
    assert_null(w.call);
    world_done(&w);
}

static void an_edit_cannot_smuggle_lines(void **state)
{
    static struct world w;
    (void)state;
    start(&w);
    assert_int_equal(
        apply(&w, CALL_OFFER, "from=a attr-add=audio,x\r\nm=audio", PHONE), CALL_REWRITE_FAILED);
    world_done(&w);
}

static void fragments_are_bounded(void **state)
{
    static struct world w;
    (void)state;
    start(&w);
    assert_int_equal(apply(&w, CALL_OFFER, "from=a", PHONE), CALL_OK);
    for (int i = 0; i < 40; i++) {
        char words[40];
        snprintf(words, sizeof(words), "from=%d fragment", i + 100);
        assert_int_equal(
            apply(&w, CALL_OFFER, words, "m=audio 9 RTP/AVP 0\r\na=mid:0\r\n"), CALL_OK);
    }
    assert_int_equal(apply(&w, CALL_ANSWER, "from=a to=139", PHONE), CALL_OK);
    world_done(&w);
}

/* Whatever allocation fails: the reason is said, the call is as it was, nothing leaks. */
static void memory_may_fail(void **state)
{
    static const struct {
        enum call_verb verb;
        const char *words, *sdp;
    } steps[] = {
        {CALL_OFFER, "from=a ice=force protocol=UDP/TLS/RTP/SAVPF", PHONE "a=ssrc:1 cname:x\r\n"},
        {CALL_OFFER, "from=a fragment", PHONE},
        {CALL_ANSWER, "from=a to=b", PHONE ICE},
        {CALL_OFFER, "from=b to=a protocol=RTP/SAVP", PHONE ICE},
        {CALL_ANSWER, "from=b to=a", PHONE},
        {CALL_DELETE, "from=a", ""},
    };
    static struct world w;
    (void)state;
    start(&w);
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        enum call_status status = CALL_OUT_OF_MEMORY;
        for (int n = 0; n < 200 && status == CALL_OUT_OF_MEMORY; n++) {
            fail_at = n;
            status = apply(&w, steps[i].verb, steps[i].words, steps[i].sdp);
        }
        fail_at = -1;
        assert_int_equal(status, CALL_OK);
    }
    fail_at = 0;
    assert_null(call_clone(w.call));
    fail_at = -1;
    world_done(&w);
}

static void a_copy_tells_the_same(void **state)
{
    static struct world w;
    (void)state;
    start(&w);
    assert_int_equal(apply(&w, CALL_OFFER, "from=a label=left metadata=m", PHONE), CALL_OK);
    assert_int_equal(apply(&w, CALL_ANSWER, "from=a to=b", PHONE), CALL_OK);
    struct call *copy = call_clone(w.call);
    assert_non_null(copy);
    assert_int_equal(apply(&w, CALL_DELETE, "from=a", ""), CALL_OK);
    world_done(&w);

    assert_true(text_is(call_id(copy), "call"));
    assert_true(text_is(call_metadata(copy), "m"));
    assert_int_equal(call_party_count(copy), 2);
    assert_true(text_is(call_party(copy, 0).label, "left"));
    assert_true(text_is(call_party(copy, 1).peers[0], "a"));
    assert_true(text_is(call_section(copy, 1, 0).codec, "PCMU/8000"));
    assert_true(call_created_us(copy) < call_last_signal_us(copy));
    call_free(copy);
    call_free(NULL);
}

/* Half its size at least, and the same plan; what it tells afterwards every scenario checks. */
static void a_call_at_rest_is_small(void **state)
{
    static struct world w;
    (void)state;
    start(&w);
    assert_int_equal(apply(&w, CALL_OFFER, "from=a", PHONE), CALL_OK);
    assert_int_equal(apply(&w, CALL_ANSWER, "from=a to=b", PHONE), CALL_OK);
    struct call *copy = call_clone(w.call);
    struct folded_call *folded = call_fold(w.call);
    assert_non_null(copy);
    assert_non_null(folded);
    assert_ptr_equal(folded_call_plan(folded), call_plan(w.call));
    assert_true(malloc_usable_size(folded) * 2 < malloc_usable_size(copy));
    call_free(copy);
    folded_call_free(folded);
    folded_call_free(NULL);
    world_done(&w);
}

static void statuses_have_their_texts(void **state)
{
    (void)state;
    assert_string_equal(call_status_text(CALL_NO_PORTS), "Ran out of ports");
    assert_string_equal(call_status_text(CALL_UNKNOWN), "Unknown call-id");
    for (int i = CALL_OK; i <= CALL_OUT_OF_MEMORY; i++)
        assert_true(strlen(call_status_text((enum call_status)i)) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parties_are_counted),
        cmocka_unit_test(streams_are_counted),
        cmocka_unit_test(sdp_is_limited),
        cmocka_unit_test(an_edit_cannot_smuggle_lines),
        cmocka_unit_test(fragments_are_bounded),
        cmocka_unit_test(memory_may_fail),
        cmocka_unit_test(a_copy_tells_the_same),
        cmocka_unit_test(a_call_at_rest_is_small),
        cmocka_unit_test(statuses_have_their_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
