/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole record that somebody else has written.
 *
 * Claims: what is refused has a reason; what is taken keeps to the bounds of relay/resume.h, and is
 * written the same way again and again.
 */
#include "../require.h"

#include "mediaferry/bencode.h"
#include "session/record.h"
#include "session/record_media.h"

enum { ARENA_BYTES = 64 << 20, MAX_BYTES = 16 << 20 };

static uint8_t once[MAX_BYTES], twice[MAX_BYTES];

static struct bytes write_media(const struct relay_resume *media, uint8_t *room)
{
    struct writer w = writer_over(room, MAX_BYTES);
    struct ng_arena arena;
    ng_arena_init(&arena, ARENA_BYTES);
    struct ng_value *record = ng_dict(&arena);
    record_put_media(&arena, record, media);
    require(ng_arena_ok(&arena));
    bencode_write(&w, record);
    require(writer_ok(&w));
    ng_arena_wipe(&arena);
    return writer_bytes(&w);
}

static struct relay_resume *read_media(struct bytes bytes)
{
    struct ng_arena arena;
    struct ng_value *record;
    struct call_record_why why = {""};
    ng_arena_init(&arena, ARENA_BYTES);
    require(bencode_parse_up_to(bytes, bytes.len, &arena, &record, NULL) == BENCODE_OK);
    struct fields_reader reader = {.why = why.text};
    const struct fields f = {.reader = &reader, .index = -1, .value = record};
    struct relay_resume *media = record_read_media(&f);
    ng_arena_wipe(&arena);
    return media;
}

static void check_session(const struct relay_resume_session *s, uint32_t max)
{
    require(s->mark_count <= max);
    require(s->suite != NULL || s->mark_count == 0);
    for (uint32_t i = 0; i < s->mark_count; i++)
        for (uint32_t k = 0; k < i; k++)
            require(s->marks[i].ssrc != s->marks[k].ssrc);
}

static void check_ice(const struct ice_saved *ice)
{
    if (ice == NULL)
        return;
    require(ice->pair_count <= ICE_MAX_PAIRS);
    require(ice->previous.local_ufrag.len <= ICE_NAME_MAX);
    require(ice->previous.local_pwd.len <= ICE_NAME_MAX);
    require(ice->previous.remote_ufrag.len <= ICE_NAME_MAX);
    for (uint32_t i = 0; i < ice->pair_count; i++) {
        require(ice->pairs[i].sender_len <= ICE_EARLY_UFRAG_MAX);
        require(ice->pairs[i].remote.family != ADDRESS_NONE);
        require(ice->pairs[i].local.component >= 1 && ice->pairs[i].local.component <= 2);
    }
}

static void check_dtls(const struct dtls_saved *dtls)
{
    if (dtls == NULL)
        return;
    require(dtls->flight_len <= DTLS_FLIGHT_MAX && dtls->farewell_len <= DTLS_FAREWELL_MAX);
    require(dtls->keys.key_len <= sizeof(dtls->keys.tx_key));
    require(dtls->keys.salt_len <= sizeof(dtls->keys.tx_salt));
}

static void check_bounds(const struct relay_resume *media)
{
    require(media->transport_count <= PLAN_MAX_STREAMS);
    require(media->stream_count <= PLAN_MAX_STREAMS);
    for (uint32_t i = 0; i < media->transport_count; i++) {
        const struct relay_resume_transport *t = &media->transports[i];
        require(t->tuple_count <= RELAY_MAX_TUPLES && t->learned_count <= RELAY_MAX_LEARNED);
        check_ice(t->ice);
        for (unsigned c = 0; c < COUNT_OF(t->components); c++) {
            require(t->components[c].learning.best <= RANK_NONE);
            check_session(&t->components[c].rx, RTPSEC_RX_SSRCS);
            check_session(&t->components[c].tx, RTPSEC_TX_SSRCS);
            check_dtls(t->components[c].dtls);
        }
    }
    for (uint32_t i = 0; i < media->stream_count; i++) {
        const struct relay_resume_stream *s = &media->streams[i];
        require(s->ssrc_in_count <= RELAY_MAX_SSRCS && s->ssrc_out_count <= RELAY_MAX_SSRCS);
        for (uint32_t k = 0; k < s->ssrc_in_count; k++)
            require(s->ssrc_in[k].quality == NULL ||
                    s->ssrc_in[k].quality->progression_count <= QUALITY_PROGRESSION_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record record;
    struct call_record_why why = {""};
    enum record_status status = record_open(&record, bytes_of(data, size), &why);
    struct relay_resume *media = NULL;
    require((status == RECORD_OK) == (why.text[0] == '\0'));
    if (status == RECORD_OK) {
        media = record_media(&record, &why);
        require((media == NULL) == (why.text[0] != '\0'));
    }
    record_close(&record);
    if (media == NULL)
        return 0;
    check_bounds(media);
    struct bytes written = write_media(media, once);
    struct relay_resume *again = read_media(written);
    require(again != NULL);
    require(bytes_equal(written, write_media(again, twice)));
    relay_resume_free(again);
    relay_resume_free(media);
    return 0;
}
