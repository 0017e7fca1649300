/* SPDX-License-Identifier: Apache-2.0 */
/* Records that somebody else has written, or nobody: refused, with the place and the reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "mediaferry/bencode.h"
#include "transcript.h"

enum { ARENA_BYTES = 1 << 22 };

/* A phone, and a browser that has answered with ICE and SDES; then a phone at a later branch. */
static const char dialog[] =
    "interface default 203.0.113.10 2001:db8::10\n"
    "offer from=a ice=force protocol=RTP/SAVP metadata=m label=left replace-origin-full\n"
    "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n"
    "m=audio 5000 RTP/AVP 0\na=ssrc:7 cname:x\nm=video 5002 RTP/AVP 96\na=rtpmap:96 VP8/90000\n.\n"
    "answer from=a to=b\n"
    "v=0\no=- 1 1 IN IP4 192.0.2.2\ns=-\nc=IN IP4 192.0.2.2\nt=0 0\n"
    "a=ice-ufrag:abcd\na=ice-pwd:abcdefghijklmnopqrstuvw\n"
    "m=audio 6000 RTP/SAVP 0\na=candidate:1 1 udp 7 192.0.2.2 6000 typ host\n"
    "a=crypto:1 AEAD_AES_256_GCM "
    "inline:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWI=\n"
    "m=video 0 RTP/SAVP 96\n.\n"
    "answer from=a to=c provisional\n"
    "v=0\no=- 1 1 IN IP4 192.0.2.2\ns=-\nc=IN IP4 192.0.2.2\nt=0 0\n"
    "a=ice-ufrag:abcd\na=ice-pwd:abcdefghijklmnopqrstuvw\n"
    "m=audio 6000 RTP/SAVP 0\na=candidate:1 1 udp 7 192.0.2.2 6000 typ host\n"
    "a=crypto:1 AEAD_AES_256_GCM "
    "inline:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWI=\n"
    "m=video 0 RTP/SAVP 96\n.\n"
    "offer from=a branch=2\n"
    "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\n"
    "m=audio 5000 RTP/AVP 0\nm=video 5002 RTP/AVP 96\na=rtpmap:96 VP8/90000\n.\n"
    "offer from=d fragment\n"
    "a=ice-ufrag:abcd\na=ice-pwd:abcdefghijklmnopqrstuvw\nm=audio 9 RTP/AVP 0\na=mid:0\n.\n";

static uint8_t *base;
static size_t base_len;

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

static int make_base(void **state)
{
    static struct world w;
    (void)state;
    world_init(&w);
    FILE *out = fopen("/dev/null", "w");
    assert_non_null(out);
    transcript_run(&w, text_from(dialog), 1, out);
    fclose(out);
    assert_null(w.broken);
    base = world_write_record(w.call, &base_len);
    assert_non_null(base);
    world_done(&w);
    return 0;
}

static int free_base(void **state)
{
    (void)state;
    free(base);
    return 0;
}

static struct ng_value *parse(struct ng_arena *arena, struct bytes bytes)
{
    struct ng_value *value = NULL;
    assert_int_equal(bencode_parse(bytes, arena, &value, NULL), BENCODE_OK);
    return value;
}

static struct ng_value *child(struct ng_value *dict, struct text name)
{
    for (struct ng_value *at = dict->first; at != NULL; at = at->next)
        if (text_equal(at->key, name))
            return at;
    return NULL;
}

/* Sets `a.b[1].c`, or takes it away when `value` is NULL. */
static void edit(struct ng_arena *arena, struct ng_value *at, const char *path, const char *value)
{
    struct text rest = text_from(path);
    while (rest.len > 0) {
        struct text step = text_cut(&rest, '.');
        struct text index = step;
        struct text name = text_cut(&index, '[');
        struct ng_value *next = child(at, name);
        if (next == NULL) {
            ng_put(arena, at, name, ng_dict(arena));
            next = child(at, name);
        }
        assert_non_null(next);
        if (index.len > 0) {
            next = next->first;
            for (char n = index.data[0]; n > '0'; n--)
                next = next->next;
        }
        at = next;
    }
    if (value == NULL) {
        at->key = TEXT("gone");
        return;
    }
    struct ng_value given = *parse(arena, text_bytes(text_from(value)));
    given.key = at->key;
    given.next = at->next;
    *at = given;
}

#define P0 "call.parties[0]"
#define P1 "call.parties[1]"
#define S0 P0 ".sections[0].pending"
#define C0 P0 ".sections[0].current"
#define S1 P1 ".sections[0].current"
#define T0 "call.transports[0]"

static const struct {
    const char *path, *value, *place, *why;
} cases[] = {
    {"id", NULL, "id", "missing"},
    {"id", "i1e", "id", "not a string"},
    {"created", "1:1", "created", "not a number"},
    {"created", "i-1e", "created", "-1 is not within 0"},
    {"signalled", NULL, "signalled", "missing"},
    {"call", NULL, "call", "missing"},
    {"call", "le", "call", "not a dictionary"},
    {"call.metadata", "i1e", "call.metadata", "not a string"},
    {"call.tos", "i256e", "call.tos", "256 is not within 0 and 255"},
    {"call.last-transport", "i1e", "call.last-transport", "there is a transport"},
    {"call.last-transport", "i4294967295e", "call.last-transport", "is not within"},
    {"call.last-stream", "i1e", "call.last-stream", "there is a stream"},
    {"call.transports", NULL, C0 ".transport", "there is no such transport"},
    {"call.transports", "de", "call.transports", "not a list"},
    {"call.transports", "li1ee", "call.transports", "entry 0 is not a dictionary"},
    {T0 ".id", NULL, T0 ".id", "missing"},
    {T0 ".id", "i0e", T0 ".id", "0 is not within 1"},
    {T0 ".id", "i9e", C0 ".transport", "there is no such transport"},
    {T0 ".id", "i7e", "call.transports[1].id", "7 is there twice"},
    {T0 ".family", "3:IP5", T0 ".family", "not a word that is known"},
    {T0 ".flags", "le", T0 ".flags", "not a string"},
    {T0 ".signalled", "i-1e", T0 ".signalled", "is not within"},
    {T0 ".locals", "le", T0 ".locals", "no local address"},
    {T0 ".locals[0].rtp", NULL, T0 ".locals[0].rtp", "missing"},
    {T0 ".locals[0].rtp", "9:192.0.2.1", T0 ".locals[0].rtp", "not an address with a port"},
    {T0 ".locals[0].rtp", "11:192.0.2.1:0", T0 ".locals[0].rtp", "not an address with a port"},
    {T0 ".locals[0].rtcp-port", "i0e", T0 ".locals[0].rtcp-port", "is not within 1 and 65535"},
    {T0 ".locals[0].shared", "i1e", T0 ".locals[0].rtcp-port", "none beside the shared port"},
    {T0 ".locals[0].foundation", "1: ", T0 ".locals[0].foundation", "holds a byte 0x20"},
    {T0 ".locals[0].foundation", "1:-", T0 ".locals[0].foundation", "letters and digits"},
    {T0 ".locals[0].foundation", "17:aaaaaaaaaaaaaaaaa", T0 ".locals[0].foundation",
        "longer than 16 bytes"},
    {"call.transports[2].locals[1].rtcp-port", NULL, "call.transports[2].locals[1]",
        "not of the kind of the first"},
    {"call.parties", "le", "call.parties", "none"},
    {P0 ".tag", "1:b", "call.parties", "two have the tag b"},
    {P0 ".tag", "1:c", "call.parties", "two have the tag c"},
    {P0 ".created", "i-5e", P0 ".created", "is not within"},
    {P0 ".aliases", "li1ee", P0 ".aliases", "entry 0 is not a string"},
    {P0 ".aliases", "l1:11:21:31:41:51:61:71:81:9e", P0 ".aliases", "more than 8 entries"},
    {P0 ".peers", "li3ee", P0 ".peers", "3 is no other party"},
    {P0 ".peers", "li-1ee", P0 ".peers", "-1 is no other party"},
    {P0 ".peers", "li0ee", P0 ".peers", "0 is no other party"},
    {P0 ".peers", "li1ei1ee", P0 ".peers", "1 is no other party, or is there twice"},
    {P0 ".peers", "li1ee", "call.parties", "2 has the peer 0, but not the other way round"},
    {P0 ".peer", "i9e", P0 ".peer", "is not within -1 and 2"},
    {P1 ".peer", "i2e", P1 ".peer", "not one of the peers"},
    {P0 ".learning", "4:much", P0 ".learning", "not a word that is known"},
    {P1 ".origin", "i1e", P1 ".origin", "not a dictionary"},
    {P1 ".origin.address", "9:192.0.2.x", P1 ".origin.address", "not an IP address"},
    {P1 ".origin.version", "2:-1", P1 ".origin.version", "not a number of 64 bits"},
    {P1 ".origin.user", "3:a b", P1 ".origin.user", "holds a byte 0x20"},
    {P1 ".origin.session-name", "3:a\nb", P1 ".origin.session-name", "holds a byte 0x0a"},
    {P0 ".sdp-from", "5:v=1\r\n", P0 ".sdp-from", "line 1: "},
    {P0 ".sdp-to", "3:abc", P0 ".sdp-to", "line 1: "},
    {P0 ".sections", "le", "call.transports", "nothing rides on"},
    {P0 ".sections[0].line", "i32e", P0 ".sections[0].line", "is not within -1 and 31"},
    {P0 ".sections[0].line", "i1e", "call.parties", "the lines of 0 are not 0 to 1"},
    {P0 ".sections[0].line", "i7e", "call.parties", "the lines of 0 are not 0 to 1"},
    {P0 ".sections[0].stream", NULL, P0 ".sections[0].stream", "missing"},
    {P1 ".sections[1].stream", "i9e", P1 ".sections[1].stream", "has no use for one"},
    {P0 ".sections[0].stream", "i3e", "call.parties", "the stream 3 is there twice"},
    {P1 ".sections[0].current", NULL, P1 ".sections[0].current", "missing, and \"pending\" too"},
    {S0 ".transport", "i9e", S0 ".transport", "there is no such transport"},
    {S0 ".transport", "i1e", S0 ".ICE", "there is no ufrag"},
    {S0 ".transport", "i5e", "call.parties[2].sections[0].pending.transport",
        "5 is another party's"},
    {S0 ".transport", NULL, S0 ".transport", "missing"},
    {S0 ".flags", "8:rejected", S0 ".transport", "the section has no use for one"},
    {S0 ".type", NULL, S0 ".type", "missing"},
    {S0 ".type", "7:au\r\ndio", S0 ".type", "holds a byte 0x0d"},
    {S0 ".protocol", "5:RTP\tX", S0 ".protocol", "holds a byte 0x09"},
    {S0 ".formats", "3:0\r8", S0 ".formats", "holds a byte 0x0d"},
    {S0 ".mid", "3:a b", S0 ".mid", "holds a byte 0x20"},
    {S0 ".mid-extension", "i256e", S0 ".mid-extension", "is not within"},
    {S0 ".bundle", "i-1e", S0 ".bundle", "is not within"},
    {S0 ".ptime", "i-1e", S0 ".ptime", "is not within"},
    {S0 ".payloads", "l12:0 PCMU/8000xe", S0 ".payloads", "entry 0 is not \"type name/rate\""},
    {S0 ".payloads", "l11:128 PCMU/80e", S0 ".payloads", "entry 0"},
    {S0 ".payloads", "l6:0 PCMUe", S0 ".payloads", "entry 0"},
    {S0 ".payloads", "l11:0 PCMU/80000:e", S0 ".payloads", "entry 1"},
    {S0 ".payloads", "l23:0 aaaaaaaaaaaaaaaaaaa/1e", S0 ".payloads", "entry 0"},
    {S0 ".ssrcs", "li-1ee", S0 ".ssrcs", "entry 0 is no SSRC"},
    {S0 ".ssrcs", "li4294967296ee", S0 ".ssrcs", "entry 0 is no SSRC"},
    {S0 ".rtp", "1:x", S0 ".rtp", "not an address with a port"},
    {S0 ".rtcp", "9:192.0.2.1", S0 ".rtcp", "not an address with a port"},
    {S0 ".security", "4:none", S0 ".security", "not a word that is known"},
    {S1 ".ICE.ufrag", "3:abc", S1 ".ICE.ufrag", "not 8 letters and digits"},
    {S1 ".ICE.ufrag", "8:abc-efgh", S1 ".ICE.ufrag", "not 8 letters and digits"},
    {S1 ".ICE.ufrag", NULL, S1 ".ICE.pwd", "it comes with a ufrag"},
    {S1 ".ICE.their-pwd", NULL, S1 ".ICE.their-pwd", "missing"},
    {S1 ".ICE.generation", "i-1e", S1 ".ICE.generation", "is not within"},
    {S1 ".ICE.candidates", "l18:3 7 192.0.2.2:6000e", S1 ".ICE.candidates", "entry 0 is not"},
    {S1 ".ICE.candidates", "l16:1 7 0.0.0.0:6000e", S1 ".ICE.candidates", "entry 0 is not"},
    {S1 ".ICE.candidates", "l15:1 7 192.0.2.2:0e", S1 ".ICE.candidates", "entry 0 is not"},
    {S1 ".DTLS.flags", "6:theirs", S1 ".DTLS.fingerprint", "missing"},
    {S1 ".DTLS.fingerprint", "8:sha-1 00", S1 ".DTLS.fingerprint", "not as in SDP"},
    {S1 ".DTLS.setup", "4:both", S1 ".DTLS.setup", "not a word that is known"},
    {S1 ".DTLS.role", "4:both", S1 ".DTLS.role", "not a word that is known"},
    {S1 ".DTLS.tls-id", "1:1", S1 ".DTLS.tls-id", "not 32 letters and digits"},
    {S1 ".offered-keys", "l1:1e", S1 ".offered-keys", "entry 0 is not a key as in SDP"},
    {S1 ".our-key", NULL, S1 ".our-key", "missing"},
    {S1 ".their-key", "1:x", S1 ".their-key", "not a key as in SDP"},
    {S1 ".our-key", "73:1 AES_CM_128_HMAC_SHA1_80 inline:MTIzNDU2Nzg5QUJDREUwMTIzNDU2Nzg5QUJjZGVm",
        S1 ".our-key", "of another suite than theirs"},
    {"call.fragments", "l1:xe", "call.fragments", "entry 0 is not a dictionary"},
    {"call.fragments[0].body", "3:abc", "call.fragments[0].body", "line 1: "},
    {"call.fragments[0].body", "i1e", "call.fragments[0].body", "not a string"},
};

static struct call *read_edited(size_t i, struct call_record_why *why)
{
    struct ng_arena arena;
    ng_arena_init(&arena, ARENA_BYTES);
    struct ng_value *record = parse(&arena, bytes_of(base, base_len));
    if (i < COUNT_OF(cases))
        edit(&arena, record, cases[i].path, cases[i].value);
    struct call *call = call_record_read(record, why);
    ng_arena_done(&arena);
    return call;
}

static void is_refused_with_a_reason(void **state)
{
    (void)state;
    unsigned wrong = 0;
    struct call_record_why why;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char place[128];
        struct call *call = read_edited(i, &why);
        snprintf(place, sizeof(place), "%s: ", cases[i].place);
        if (call == NULL && text_starts_with(text_from(why.text), place) &&
            strstr(why.text, cases[i].why) != NULL)
            continue;
        print_error("%s = %s: \"%s\" and not \"%s%s\"\n", cases[i].path,
            cases[i].value != NULL ? cases[i].value : "(gone)", why.text, place, cases[i].why);
        call_free(call);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

/* Beside what an edit of one entry can bring about. */
static void two_edits_are_refused_too(void **state)
{
    static const struct {
        const char *first, *first_value, *second, *second_value, *why;
    } both[] = {
        {S1 ".ICE.ufrag", NULL, S1 ".ICE.pwd", NULL,
            "call.parties[1].sections[0].current.ICE: there is no ufrag"},
        {C0 ".bundle", "i1e", S0 ".bundle", "i1e", "call.transports: no section of its own has 3"},
        {C0 ".ICE", "d5:flags4:used5:ufrag8:oooooo003:pwd26:abcdefghijklmnopqrstuvwxyze", "x", "de",
            "call.transports: 1 has the ufrag of 3"},
        {"call.parties[2].sections[0].pending.transport", "i6e", "x", "de",
            "call.transports: nothing rides on 5"},
        {T0 ".locals[0].rtcp-port", NULL, "x", "de", "call.transports: 3 has no place for RTCP"},
        {C0 ".flags", "14:known,told,mux", S0 ".flags", "14:known,told,mux",
            "call.transports: 3 has no place for RTCP"},
        {P0 ".sections[1].line", "i-1e", P0 ".sections[0].line", "i1e",
            "call.parties: the lines of 0 are not 0 to 0"},
        {P0 ".sections[1].current", NULL, P0 ".sections[1].pending", NULL,
            "call.parties[0].sections[1].current: missing, and \"pending\" too"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(both); i++) {
        struct call_record_why why;
        struct ng_arena arena;
        ng_arena_init(&arena, ARENA_BYTES);
        struct ng_value *record = parse(&arena, bytes_of(base, base_len));
        edit(&arena, record, both[i].first, both[i].first_value);
        edit(&arena, record, both[i].second, both[i].second_value);
        assert_null(call_record_read(record, &why));
        assert_string_equal(why.text, both[i].why);
        ng_arena_done(&arena);
    }
}

static void what_is_not_known_is_passed_over(void **state)
{
    (void)state;
    struct call_record_why why;
    struct ng_arena arena;
    ng_arena_init(&arena, ARENA_BYTES);
    struct ng_value *record = parse(&arena, bytes_of(base, base_len));
    edit(&arena, record, "media", "d1:xi1ee");
    edit(&arena, record, "call.colour", "3:red");
    edit(&arena, record, T0 ".flags", "12:of-tomorrow,");
    edit(&arena, record, S1 ".ICE.full", "i1e");
    struct call *call = call_record_read(record, &why);
    assert_non_null(call);
    assert_string_equal(why.text, "");
    call_free(call);
    ng_arena_done(&arena);
}

/* Whatever allocation fails: it is said, and nothing leaks. */
static void memory_may_fail(void **state)
{
    (void)state;
    struct call_record_why why;
    struct ng_arena arena;
    ng_arena_init(&arena, ARENA_BYTES);
    struct ng_value *record = parse(&arena, bytes_of(base, base_len));
    struct call *call = NULL;
    int failures = -1;
    for (int n = 0; n < 200 && call == NULL; n++) {
        fail_at = n;
        call = call_record_read(record, &why);
        fail_at = -1;
        assert_true(call != NULL || strstr(why.text, "out of memory") != NULL);
        failures++;
    }
    assert_non_null(call);
    assert_true(failures > 3);
    call_free(call);
    ng_arena_done(&arena);
}

struct leasing {
    unsigned asked, shared, given_up, fail_from;
};

static bool lease(void *owner, const struct call_record_port *port, uint32_t *out)
{
    struct leasing *l = owner;
    l->asked++;
    l->shared += port->shared;
    l->given_up += port->rtcp_given_up;
    *out = 100 + l->asked;
    return l->asked < l->fail_from;
}

/* Each local address is asked for once, and its lease is in the plan; 1 gives up, memory does. */
static void leases_are_set(void **state)
{
    (void)state;
    struct call_record_why why;
    struct leasing l = {.fail_from = 100};
    struct call *call = read_edited(COUNT_OF(cases), &why);
    assert_non_null(call);
    assert_true(call_record_lease(call, lease, &l));
    assert_int_equal(l.asked, 6);
    assert_int_equal(l.shared, 0);
    uint32_t seen = 0;
    const struct plan *plan = call_plan(call);
    for (uint32_t i = 0; i < plan->transport_count; i++)
        for (uint8_t k = 0; k < plan->transports[i].local_count; k++)
            seen += plan->transports[i].locals[k].lease;
    assert_int_equal(seen, 101 + 102 + 103 + 104 + 105 + 106);

    for (int n = 0; n < 2; n++) {
        fail_at = n;
        l.asked = 0;
        assert_false(call_record_lease(call, lease, &l));
        fail_at = -1;
    }
    l = (struct leasing){.fail_from = 4};
    assert_false(call_record_lease(call, lease, &l));
    assert_int_equal(l.asked, 4);
    call_free(call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_refused_with_a_reason),
        cmocka_unit_test(two_edits_are_refused_too),
        cmocka_unit_test(what_is_not_known_is_passed_over),
        cmocka_unit_test(memory_may_fail),
        cmocka_unit_test(leases_are_set),
    };
    return cmocka_run_group_tests(tests, make_base, free_base);
}
