/* SPDX-License-Identifier: Apache-2.0 */
#include "call/codecs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define CHROMIUM                                                                                   \
    "m=audio 45744 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n"                                  \
    "a=rtpmap:111 opus/48000/2\r\n"                                                                \
    "a=rtcp-fb:111 transport-cc\r\n"                                                               \
    "a=fmtp:111 minptime=10;useinbandfec=1\r\n"                                                    \
    "a=rtpmap:63 red/48000/2\r\n"                                                                  \
    "a=fmtp:63 111/111\r\n"                                                                        \
    "a=rtpmap:9 G722/8000\r\n"                                                                     \
    "a=rtpmap:0 PCMU/8000\r\n"                                                                     \
    "a=rtpmap:8 PCMA/8000\r\n"                                                                     \
    "a=rtpmap:13 CN/8000\r\n"                                                                      \
    "a=rtpmap:110 telephone-event/48000\r\n"                                                       \
    "a=rtpmap:126 telephone-event/8000\r\n"

#define VIDEO                                                                                      \
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99 100 101\r\n"                                          \
    "a=rtpmap:96 VP8/90000\r\n"                                                                    \
    "a=rtcp-fb:* ccm fir\r\n"                                                                      \
    "a=rtcp-fb:96 nack pli\r\n"                                                                    \
    "a=rtpmap:97 rtx/90000\r\n"                                                                    \
    "a=fmtp:97 apt=96\r\n"                                                                         \
    "a=rtpmap:98 H264/90000\r\n"                                                                   \
    "a=fmtp:98 packetization-mode=1\r\n"                                                           \
    "a=rtcp-fb:98 nack\r\n"                                                                        \
    "a=rtpmap:99 rtx/90000\r\n"                                                                    \
    "a=fmtp:99 apt=98\r\n"                                                                         \
    "a=rtpmap:100 red/90000\r\n"                                                                   \
    "a=rtpmap:101 ulpfec/90000\r\n"

/* Reads the section behind `m=...`; the texts borrow `section`. */
static struct codecs read_section(const char *section)
{
    struct text lines = text_from(section);
    struct text m = text_cut(&lines, '\n');
    struct codecs list;
    text_word(&m, ' ');
    text_word(&m, ' ');
    text_word(&m, ' ');
    if (m.len > 0 && m.data[m.len - 1] == '\r')
        m.len--;
    struct sdp_media media = {.formats = m, .lines = lines};
    codecs_read(&media, &list);
    return list;
}

/* "strip=all,opus;offer=PCMU" */
static struct call_flags flags_of(const char *spec)
{
    struct call_flags flags = {0};
    const struct {
        const char *name;
        struct call_names *names;
    } lists[] = {
        {"strip", &flags.strip},
        {"offer", &flags.offer},
        {"except", &flags.except},
        {"mask", &flags.mask},
        {"ignore", &flags.ignore},
        {"consume", &flags.consume},
        {"transcode", &flags.transcode},
    };
    struct text rest = text_from(spec);
    while (rest.len > 0) {
        struct text items = text_cut(&rest, ';');
        struct text key = text_cut(&items, '=');
        for (size_t i = 0; i < COUNT_OF(lists); i++)
            while (text_is(key, lists[i].name) && items.len > 0)
                lists[i].names->names[lists[i].names->count++] = text_cut(&items, ',');
        flags.single_codec |= text_is(key, "single-codec");
        flags.allow_no_codec_media |= text_is(key, "allow-no-codec-media");
    }
    return flags;
}

static const char *formats_of(const struct codecs *list)
{
    static char out[512];
    struct writer w = writer_over(out, sizeof(out) - 1);
    codecs_write_formats(&w, list);
    assert_true(writer_ok(&w));
    out[w.len] = '\0';
    return out;
}

static const char *attributes_of(const struct codecs *list, bool feedback)
{
    static char out[4096];
    struct writer w = writer_over(out, sizeof(out) - 1);
    codecs_write_attributes(&w, list, feedback);
    assert_true(writer_ok(&w));
    out[w.len] = '\0';
    return out;
}

static const struct offer_case {
    const char *name;
    const char *section;
    const char *flags;
    const char *expected;
} offers[] = {
    {"no flags", CHROMIUM, "", "111 63 9 0 8 13 110 126"},
    {"the usual way to the PBX", CHROMIUM, "strip=all;offer=PCMU,PCMA,telephone-event", "0 8 126"},
    {"offer gives the order", CHROMIUM, "strip=all;offer=telephone-event,PCMA,PCMU", "126 8 0"},
    {"offer alone only reorders", CHROMIUM, "offer=PCMA", "8 111 63 9 0 13 110 126"},
    {"except keeps the order", CHROMIUM, "strip=all;except=PCMA,PCMU", "0 8"},
    {"except alone does nothing", CHROMIUM, "except=PCMA", "111 63 9 0 8 13 110 126"},
    {"red goes with its base", CHROMIUM, "strip=opus", "9 0 8 13 126"},
    {"case does not matter", CHROMIUM, "strip=OPUS,pcmu,g722", "8 13 126"},
    {"CN goes with the last narrow codec", CHROMIUM, "strip=G722,PCMU,PCMA", "111 63 110"},
    {"a clock rate", CHROMIUM, "strip=telephone-event/48000", "111 63 9 0 8 13 126"},
    {"another clock rate", CHROMIUM, "strip=telephone-event/16000", "111 63 9 0 8 13 110 126"},
    {"channels", CHROMIUM, "strip=opus/48000/2", "9 0 8 13 126"},
    {"other channels", CHROMIUM, "strip=opus/48000/1", "111 63 9 0 8 13 110 126"},
    {"parts left open", CHROMIUM, "strip=opus//2", "9 0 8 13 126"},
    {"fmtp named", VIDEO, "strip=H264/////packetization-mode=1", "96 97 100 101"},
    {"other fmtp named", VIDEO, "strip=H264/////packetization-mode=0", "96 97 98 99 100 101"},
    {"mask is strip here", CHROMIUM, "mask=opus", "9 0 8 13 126"},
    {"consume is strip here", CHROMIUM, "consume=opus", "9 0 8 13 126"},
    {"ignore beats offer", CHROMIUM, "ignore=opus;offer=opus", "9 0 8 13 126"},
    {"transcode keeps what is there", CHROMIUM, "mask=all;transcode=PCMU", "0"},
    {"transcode adds nothing", CHROMIUM, "transcode=G729", "111 63 9 0 8 13 110 126"},
    {"nothing left: as it was", CHROMIUM, "strip=all", "111 63 9 0 8 13 110 126"},
    {"full is all", CHROMIUM, "strip=full;offer=PCMU", "0"},
    {"nothing but DTMF left: as it was", CHROMIUM, "strip=all;offer=telephone-event",
        "111 63 9 0 8 13 110 126"},
    {"nothing left, allowed", CHROMIUM, "strip=all;allow-no-codec-media", ""},
    {"rtx goes with its base", VIDEO, "strip=H264", "96 97 100 101"},
    {"rtx stays with its base", VIDEO, "strip=all;offer=VP8,rtx", "96 97"},
    {"static types have names", "m=audio 1 RTP/AVP 0 8 18 3\r\n", "strip=PCMU,GSM", "8 18"},
    {"a type without a name", "m=audio 1 RTP/AVP 0 99\r\n", "strip=PCMU", "99"},
    {"broken and repeated formats", "m=audio 1 RTP/AVP 0 x 0 128 8\r\n", "", "0 8"},
    {"DTMF of a rate that never had a codec",
        "m=audio 1 RTP/AVP 96 0 101\r\na=rtpmap:96 opus/48000/2\r\n"
        "a=rtpmap:101 telephone-event/16000\r\n",
        "strip=PCMU", "96 101"},
    {"DTMF only stays", "m=audio 1 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n", "",
        "101"},
};

static void offers_what_the_flags_leave(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(offers); i++) {
        struct codecs sender = read_section(offers[i].section), out;
        struct call_flags flags = flags_of(offers[i].flags);
        codecs_offer(&sender, &flags, &out);
        if (strcmp(formats_of(&out), offers[i].expected) != 0)
            fail_msg("%s: %s", offers[i].name, formats_of(&out));
    }
}

static void writes_what_it_read(void **state)
{
    (void)state;
    struct codecs list = read_section(VIDEO), out;
    struct call_flags flags = flags_of("strip=H264,red,ulpfec");
    codecs_offer(&list, &flags, &out);
    assert_string_equal(attributes_of(&out, true), "a=rtpmap:96 VP8/90000\r\n"
                                                   "a=rtcp-fb:96 nack pli\r\n"
                                                   "a=rtpmap:97 rtx/90000\r\n"
                                                   "a=fmtp:97 apt=96\r\n"
                                                   "a=rtcp-fb:* ccm fir\r\n");
    assert_string_equal(attributes_of(&out, false), "a=rtpmap:96 VP8/90000\r\n"
                                                    "a=rtpmap:97 rtx/90000\r\n"
                                                    "a=fmtp:97 apt=96\r\n");

    list = read_section("m=audio 1 RTP/AVP 0 10\r\n");
    assert_string_equal(
        attributes_of(&list, true), "a=rtpmap:0 PCMU/8000\r\na=rtpmap:10 L16/44100/2\r\n");
}

#define PBX_OFFER                                                                                  \
    "m=audio 1 RTP/AVP 0 8 96 126\r\n"                                                             \
    "a=rtpmap:96 opus/48000/2\r\n"                                                                 \
    "a=rtpmap:126 telephone-event/8000\r\n"

static const struct answer_case {
    const char *name;
    const char *answer;
    const char *flags;
    const char *accepted;
    const char *sent;
} answers[] = {
    {"the same", "m=audio 1 RTP/AVP 0 8 126\r\na=rtpmap:126 telephone-event/8000\r\n", "",
        "0 8 126", "0 8 126"},
    {"the answer's order", "m=audio 1 RTP/AVP 8 0\r\n", "", "8 0", "8 0"},
    {"its own number for DTMF", "m=audio 1 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n",
        "", "0 101", "0 126"},
    {"a number that means something else",
        "m=audio 1 RTP/AVP 0 96\r\na=rtpmap:96 telephone-event/8000\r\n", "", "0", "0"},
    {"something not offered", "m=audio 1 RTP/AVP 0 18\r\n", "", "0", "0"},
    {"nothing in common: as it is", "m=audio 1 RTP/AVP 18\r\n", "", "18", "18"},
    {"without rtpmap the number counts", "m=audio 1 RTP/AVP 96 126\r\n", "", "96 126", "96 126"},
    {"mono opus under the same number", "m=audio 1 RTP/AVP 96\r\na=rtpmap:96 OPUS/48000\r\n", "",
        "96", "96"},
    {"single codec",
        "m=audio 1 RTP/AVP 8 0 96 126\r\na=rtpmap:96 opus/48000/2\r\n"
        "a=rtpmap:126 telephone-event/8000\r\n",
        "single-codec", "8 126", "8 126"},
    {"single codec of another rate",
        "m=audio 1 RTP/AVP 96 0 126\r\na=rtpmap:96 opus/48000/2\r\n"
        "a=rtpmap:126 telephone-event/8000\r\n",
        "single-codec", "96", "96"},
    {"ignored", "m=audio 1 RTP/AVP 0 8\r\n", "ignore=PCMU", "8", "8"},
};

static void answers_with_what_was_offered(void **state)
{
    (void)state;
    struct codecs offered = read_section(PBX_OFFER);
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct codecs answered = read_section(answers[i].answer);
        struct call_flags flags = flags_of(answers[i].flags);
        struct codecs_match match;
        codecs_answer(&offered, &answered, &flags, &match);
        if (strcmp(formats_of(&match.accepted), answers[i].accepted) != 0)
            fail_msg("%s: accepted %s", answers[i].name, formats_of(&match.accepted));
        if (strcmp(formats_of(&match.sent), answers[i].sent) != 0)
            fail_msg("%s: sent %s", answers[i].name, formats_of(&match.sent));
    }
}

static void a_long_list_is_cut(void **state)
{
    (void)state;
    char section[4096] = "m=video 1 RTP/AVP";
    for (unsigned i = 0; i < 128; i++)
        snprintf(section + strlen(section), 8, " %u", i);
    strcat(section, "\r\n");
    for (unsigned i = 0; i < CODECS_MAX_LINES + 5; i++)
        snprintf(section + strlen(section), 20, "a=fmtp:%u x\r\n", i % 3);
    struct codecs list = read_section(section);
    assert_int_equal(list.count, CODECS_MAX);
    assert_int_equal(list.line_count, CODECS_MAX_LINES);

    struct plan_payload payloads[PLAN_MAX_PAYLOADS];
    assert_int_equal(codecs_plan(&list, payloads), PLAN_MAX_PAYLOADS);
    assert_int_equal(payloads[8].type, 8);
    assert_int_equal(payloads[8].clock_rate, 8000);
    assert_string_equal(payloads[8].codec, "PCMA");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offers_what_the_flags_leave),
        cmocka_unit_test(writes_what_it_read),
        cmocka_unit_test(answers_with_what_was_offered),
        cmocka_unit_test(a_long_list_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
