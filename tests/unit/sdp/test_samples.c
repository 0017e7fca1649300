/* SPDX-License-Identifier: Apache-2.0 */
/* The sample descriptions: what they say, and each again with every line damaged in turn. */
#include "mediaferry/sdp_attr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hex.h"

static char folder[4096];

static const struct sample {
    const char *file;
    size_t media;
    size_t attrs; /* in the session and all sections */
    size_t candidates, cryptos, fingerprints, rtpmaps, extmaps;
} samples[] = {
    {"browser-offer.sdp", 1, 34, 2, 0, 1, 8, 4},
    {"browser-answer.sdp", 1, 17, 1, 0, 1, 3, 0},
    {"browser-restart-offer.sdp", 1, 30, 2, 0, 1, 8, 0},
    {"browser-video-offer.sdp", 2, 34, 1, 0, 2, 4, 2},
    {"pbx-offer.sdp", 1, 11, 0, 0, 0, 3, 0},
    {"pbx-answer.sdp", 1, 10, 0, 0, 0, 3, 0},
    {"phone-sdes-offer.sdp", 2, 12, 0, 2, 0, 2, 0},
};

static struct bytes load(const char *file)
{
    static char data[65536];
    char path[8192];
    snprintf(path, sizeof(path), "%s/%s", folder, file);
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("cannot open %s", path);
    size_t len = fread(data, 1, sizeof(data), f);
    fclose(f);
    return exact_copy(bytes_of(data, len));
}

/* Counts the attributes that can be read. */
static void count(struct text lines, struct sample *c)
{
    struct sdp_attr attr;
    struct sdp_candidate candidate;
    struct sdp_crypto crypto;
    struct sdp_fingerprint fingerprint;
    struct sdp_rtpmap rtpmap;
    struct sdp_extmap extmap;

    while (sdp_next_attr(&lines, &attr)) {
        c->attrs++;
        c->candidates +=
            attr.kind == SDP_ATTR_CANDIDATE && sdp_read_candidate(attr.value, &candidate);
        c->cryptos += attr.kind == SDP_ATTR_CRYPTO && sdp_read_crypto(attr.value, &crypto);
        c->fingerprints +=
            attr.kind == SDP_ATTR_FINGERPRINT && sdp_read_fingerprint(attr.value, &fingerprint);
        c->rtpmaps += attr.kind == SDP_ATTR_RTPMAP && sdp_read_rtpmap(attr.value, &rtpmap);
        c->extmaps += attr.kind == SDP_ATTR_EXTMAP && sdp_read_extmap(attr.value, &extmap);
    }
}

static struct sample count_all(const struct sdp *sdp)
{
    struct sample c = {.media = sdp->media_count};
    count(sdp->lines, &c);
    for (size_t i = 0; i < sdp->media_count; i++)
        count(sdp->media[i].lines, &c);
    return c;
}

static void reads_the_samples(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        struct bytes file = load(samples[i].file);
        struct sdp sdp;
        struct sdp_error error;
        if (sdp_parse(text_from_bytes(file), &sdp, &error) != SDP_OK)
            fail_msg("%s:%u: %s", samples[i].file, error.line, sdp_status_text(error.status));

        struct sample c = count_all(&sdp);
        if (c.attrs != samples[i].attrs)
            fail_msg("%s: %zu attributes", samples[i].file, c.attrs);
        assert_int_equal(c.media, samples[i].media);
        assert_int_equal(c.candidates, samples[i].candidates);
        assert_int_equal(c.cryptos, samples[i].cryptos);
        assert_int_equal(c.fingerprints, samples[i].fingerprints);
        assert_int_equal(c.rtpmaps, samples[i].rtpmaps);
        assert_int_equal(c.extmaps, samples[i].extmaps);
        free((void *)file.data);
    }
}

/* Ways to damage one line; each gives the new line. */
enum damage { NO_LETTER, OTHER_LETTER, NO_VALUE, HALF, DOUBLED, CONTROL, DAMAGES };

static struct writer damaged(struct text text, size_t line, enum damage damage, char *buffer)
{
    struct writer w = writer_over(buffer, 65536);
    for (size_t i = 0; text.len > 0; i++) {
        struct text whole = text_cut(&text, '\n');
        struct text body = text_of(whole.data, whole.len - 1);
        if (i != line) {
            writer_put(&w, text_bytes(whole));
            writer_u8(&w, '\n');
            continue;
        }
        if (damage == NO_LETTER)
            body = text_skip(body, 1);
        if (damage == OTHER_LETTER)
            writer_put(&w, bytes_of("x=", 2));
        if (damage == NO_VALUE)
            body.len = 2;
        if (damage == HALF)
            body.len = 2 + (body.len - 2) / 2;
        writer_put(&w, text_bytes(body));
        if (damage == DOUBLED)
            writer_put(&w, text_bytes(text_skip(body, 2)));
        if (damage == CONTROL)
            writer_u8(&w, '\0');
        writer_put(&w, bytes_of("\r\n", 2));
    }
    return w;
}

/* What a damaged line may lead to, by its letter. */
static bool is_expected(enum sdp_status status, char letter, enum damage damage)
{
    if (damage == NO_LETTER || damage == OTHER_LETTER)
        return status == (letter == 'v' ? SDP_BAD_VERSION : SDP_BAD_LINE);
    if (damage == CONTROL)
        return status == SDP_BAD_CHARACTER;
    bool is_shorter = damage != DOUBLED;
    switch (letter) {
    case 'v':
        return status == SDP_BAD_VERSION;
    case 'o':
        return status == (is_shorter ? SDP_BAD_ORIGIN : SDP_OK);
    case 'c':
        if (damage == HALF) /* half an address may pass for a name */
            return status == SDP_OK || status == SDP_BAD_CONNECTION;
        return status == (is_shorter ? SDP_BAD_CONNECTION : SDP_OK);
    case 'm':
        return status == SDP_OK || (is_shorter && status == SDP_BAD_MEDIA);
    default:
        return status == SDP_OK; /* a broken attribute spoils nothing else */
    }
}

static void damages_every_line(void **state)
{
    (void)state;
    static char buffer[65536];
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        struct bytes file = load(samples[i].file);
        struct text lines = text_from_bytes(file);
        for (size_t line = 0; lines.len > 0; line++) {
            char letter = text_cut(&lines, '\n').data[0];
            for (enum damage d = NO_LETTER; d < DAMAGES; d++) {
                struct writer w = damaged(text_from_bytes(file), line, d, buffer);
                struct bytes exact = exact_copy(writer_bytes(&w));
                struct sdp sdp;
                struct sdp_error error;
                enum sdp_status status = sdp_parse(text_from_bytes(exact), &sdp, &error);

                if (!is_expected(status, letter, d))
                    fail_msg("%s:%zu damage %d: %s", samples[i].file, line + 1, (int)d,
                        sdp_status_text(status));
                if (status != SDP_OK)
                    assert_int_equal(error.line, line + 1);
                else if (letter == 'a')
                    assert_true(count_all(&sdp).attrs + 1 >= samples[i].attrs);
                free((void *)exact.data);
            }
        }
        free((void *)file.data);
    }
}

/* Each prefix is either refused or leaves a description with no more sections. */
static void cut_short_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        struct bytes file = load(samples[i].file);
        for (size_t len = 0; len < file.len; len++) {
            struct bytes prefix = exact_copy(bytes_of(file.data, len));
            struct sdp sdp;
            if (sdp_parse(text_from_bytes(prefix), &sdp, NULL) == SDP_OK)
                assert_true(count_all(&sdp).media <= samples[i].media);
            free((void *)prefix.data);
        }
        free((void *)file.data);
    }
}

static void reads_the_fragment(void **state)
{
    (void)state;
    struct bytes file = load("trickle.sdpfrag");
    struct sdp sdp;
    assert_int_equal(sdp_parse_fragment(text_from_bytes(file), &sdp, NULL), SDP_OK);
    struct sample c = count_all(&sdp);
    assert_int_equal(c.media, 2);
    assert_int_equal(c.attrs, 8);
    assert_int_equal(c.candidates, 3);
    free((void *)file.data);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_samples),
        cmocka_unit_test(damages_every_line),
        cmocka_unit_test(cut_short_anywhere),
        cmocka_unit_test(reads_the_fragment),
    };
    snprintf(folder, sizeof(folder), "%s", argc > 1 ? argv[1] : ".");
    return cmocka_run_group_tests_name("sdp/samples", tests, NULL, NULL);
}
