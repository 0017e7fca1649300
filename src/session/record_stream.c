/* SPDX-License-Identifier: Apache-2.0 */
/* What the statistics of a stream go on from. */
#include "session/record_media.h"
#include "session/record_numbers.h"

static const struct record_number stream_numbers[] = {
    RECORD_NUMBER(struct relay_resume_stream, last_packet_us[0], "rtp-last"),
    RECORD_NUMBER(struct relay_resume_stream, last_packet_us[1], "rtcp-last"),
    RECORD_NUMBER(struct relay_resume_stream, idle_ms, "idle"),
    RECORD_NUMBER(struct relay_resume_stream, rtt_us, "rtt"),
};

static const struct record_number count_numbers[] = {
    RECORD_NUMBER(struct relay_counts, packets, "packets"),
    RECORD_NUMBER(struct relay_counts, bytes, "bytes"),
    RECORD_NUMBER(struct relay_counts, errors, "errors"),
};

static const struct record_number ssrc_numbers[] = {
    RECORD_NUMBER(struct relay_resume_ssrc, ssrc, "ssrc"),
    RECORD_NUMBER(struct relay_resume_ssrc, packets, "packets"),
    RECORD_NUMBER(struct relay_resume_ssrc, bytes, "bytes"),
    RECORD_NUMBER(struct relay_resume_ssrc, last_timestamp, "timestamp"),
    RECORD_NUMBER(struct relay_resume_ssrc, idle_ms, "idle"),
    RECORD_NUMBER(struct relay_resume_ssrc, reported_lost, "reported-lost"),
    RECORD_NUMBER(struct relay_resume_ssrc, seq_last, "seq-last"),
    RECORD_NUMBER(struct relay_resume_ssrc, seq_shift, "seq-shift"),
};

static const struct fields_flag ssrc_flags[] = {
    {"seq-known", offsetof(struct relay_resume_ssrc, seq_known)},
};

static const struct record_number reception_numbers[] = {
    RECORD_NUMBER(struct reception, highest, "highest"),
    RECORD_NUMBER(struct reception, wraps, "wraps"),
    RECORD_NUMBER(struct reception, first, "first"),
    RECORD_NUMBER(struct reception, next_bad, "next-bad"),
    RECORD_NUMBER(struct reception, seen, "seen"),
    RECORD_NUMBER(struct reception, clock_rate, "clock-rate"),
    RECORD_NUMBER(struct reception, transit, "transit"),
    RECORD_NUMBER(struct reception, jitter_16, "jitter-16"),
    RECORD_NUMBER(struct reception, received, "received"),
    RECORD_NUMBER(struct reception, duplicates, "duplicates"),
    RECORD_NUMBER(struct reception, reordered, "reordered"),
    RECORD_NUMBER(struct reception, restarts, "restarts"),
    RECORD_NUMBER(struct reception, lost_before, "lost-before"),
    RECORD_NUMBER(struct reception, expected_prior, "expected-prior"),
    RECORD_NUMBER(struct reception, received_prior, "received-prior"),
    RECORD_NUMBER(struct reception, received_now, "received-now"),
    RECORD_NUMBER(struct reception, duplicates_now, "duplicates-now"),
};

static const struct fields_flag reception_flags[] = {
    {"started", offsetof(struct reception, started)},
};

static const struct record_number quality_numbers[] = {
    RECORD_NUMBER(struct quality, lost, "lost"),
    RECORD_NUMBER(struct quality, started_ms, "started"),
    RECORD_NUMBER(struct quality, last_ms, "last"),
    RECORD_NUMBER(struct quality, interval_ms, "interval"),
};

static const struct record_number sums_numbers[] = {
    RECORD_NUMBER(struct quality_sums, samples, "samples"),
    RECORD_NUMBER(struct quality_sums, mos_10, "mos-10"),
    RECORD_NUMBER(struct quality_sums, rtt_us, "rtt"),
    RECORD_NUMBER(struct quality_sums, rtt_leg_us, "rtt-leg"),
    RECORD_NUMBER(struct quality_sums, jitter_ms, "jitter"),
    RECORD_NUMBER(struct quality_sums, loss_percent, "loss"),
};

static const struct record_number sample_numbers[] = {
    RECORD_NUMBER(struct quality_sample, at_ms, "at"),
    RECORD_NUMBER(struct quality_sample, mos_10, "mos-10"),
    RECORD_NUMBER(struct quality_sample, rtt_us, "rtt"),
    RECORD_NUMBER(struct quality_sample, rtt_leg_us, "rtt-leg"),
    RECORD_NUMBER(struct quality_sample, jitter_ms, "jitter"),
    RECORD_NUMBER(struct quality_sample, loss_percent, "loss"),
};

static const char *const in_names[] = {"rtp-in", "rtcp-in"};
static const char *const out_names[] = {"rtp-out", "rtcp-out"};

/* --- writing --- */

/* Numbers as a dictionary of their own. */
static void put_inner(struct ng_arena *arena, struct ng_value *dict, const char *name,
    struct record_numbers numbers, const void *base)
{
    struct ng_value *inner = ng_dict(arena);
    record_put_numbers(arena, inner, numbers, base);
    fields_put(arena, dict, name, inner);
}

static void put_quality(struct ng_arena *arena, struct ng_value *ssrc, const struct quality *q)
{
    struct ng_value *dict = ng_put_dict(arena, ssrc, TEXT("quality"));
    struct ng_value *list = NULL;
    record_put_numbers(arena, dict, RECORD_NUMBERS(quality_numbers), q);
    put_inner(arena, dict, "all", RECORD_NUMBERS(sums_numbers), &q->all);
    put_inner(arena, dict, "lowest", RECORD_NUMBERS(sample_numbers), &q->lowest);
    put_inner(arena, dict, "highest", RECORD_NUMBERS(sample_numbers), &q->highest);
    for (size_t i = 0; i < q->progression_count; i++)
        record_put_numbers(arena, record_add(arena, dict, "progression", &list),
            RECORD_NUMBERS(sums_numbers), &q->progression[i]);
}

static void put_ssrc(
    struct ng_arena *arena, struct ng_value *dict, const struct relay_resume_ssrc *s)
{
    record_put_numbers(arena, dict, RECORD_NUMBERS(ssrc_numbers), s);
    fields_put_flags(arena, dict, ssrc_flags, COUNT_OF(ssrc_flags), s);
    struct ng_value *reception = ng_dict(arena);
    fields_put_flags(arena, reception, reception_flags, COUNT_OF(reception_flags), &s->reception);
    record_put_numbers(arena, reception, RECORD_NUMBERS(reception_numbers), &s->reception);
    fields_put(arena, dict, "reception", reception);
    if (s->quality != NULL)
        put_quality(arena, dict, s->quality);
}

static void put_ssrcs(struct ng_arena *arena, struct ng_value *dict, const char *name,
    const struct relay_resume_ssrc *ssrcs, uint32_t count)
{
    struct ng_value *list = NULL;
    for (uint32_t i = 0; i < count; i++)
        put_ssrc(arena, record_add(arena, dict, name, &list), &ssrcs[i]);
}

void record_put_streams(
    struct ng_arena *arena, struct ng_value *media, const struct relay_resume *resume)
{
    struct ng_value *list = NULL;
    for (uint32_t i = 0; i < resume->stream_count; i++) {
        const struct relay_resume_stream *s = &resume->streams[i];
        struct ng_value *dict = record_add(arena, media, "streams", &list);
        fields_put_number(arena, dict, "id", s->stream, 0);
        record_put_numbers(arena, dict, RECORD_NUMBERS(stream_numbers), s);
        for (unsigned c = 0; c < COUNT_OF(s->in); c++) {
            put_inner(arena, dict, in_names[c], RECORD_NUMBERS(count_numbers), &s->in[c]);
            put_inner(arena, dict, out_names[c], RECORD_NUMBERS(count_numbers), &s->out[c]);
        }
        put_ssrcs(arena, dict, "ssrcs-in", s->ssrc_in, s->ssrc_in_count);
        put_ssrcs(arena, dict, "ssrcs-out", s->ssrc_out, s->ssrc_out_count);
    }
}

/* --- reading --- */

static void read_inner(
    const struct fields *f, const char *name, struct record_numbers numbers, void *base)
{
    struct fields inner = fields_inner(f, name);
    record_read_numbers(&inner, numbers, base);
}

static void read_quality(
    const struct fields *ssrc, struct relay_resume *resume, struct relay_resume_ssrc *out)
{
    if (!fields_has(ssrc, "quality"))
        return;
    struct fields f = fields_inner(ssrc, "quality");
    struct quality *q = out->quality = record_alloc(&f, resume, 1, sizeof(*q));
    if (q == NULL)
        return;
    record_read_numbers(&f, RECORD_NUMBERS(quality_numbers), q);
    read_inner(&f, "all", RECORD_NUMBERS(sums_numbers), &q->all);
    read_inner(&f, "lowest", RECORD_NUMBERS(sample_numbers), &q->lowest);
    read_inner(&f, "highest", RECORD_NUMBERS(sample_numbers), &q->highest);
    struct fields_list it = fields_list(&f, "progression", NG_DICT, QUALITY_PROGRESSION_MAX);
    struct fields entry;
    while (fields_next(&f, &it, &entry))
        record_read_numbers(
            &entry, RECORD_NUMBERS(sums_numbers), &q->progression[q->progression_count++]);
}

static void read_ssrc(
    const struct fields *f, struct relay_resume *resume, struct relay_resume_ssrc *s)
{
    record_read_numbers(f, RECORD_NUMBERS(ssrc_numbers), s);
    fields_flags(f, ssrc_flags, COUNT_OF(ssrc_flags), s);
    struct fields reception = fields_inner(f, "reception");
    fields_flags(&reception, reception_flags, COUNT_OF(reception_flags), &s->reception);
    record_read_numbers(&reception, RECORD_NUMBERS(reception_numbers), &s->reception);
    read_quality(f, resume, s);
}

/* Returns how many there are in `*out`. */
static uint32_t read_ssrcs(const struct fields *f, const char *name, struct relay_resume *resume,
    struct relay_resume_ssrc **out)
{
    struct fields_list it = fields_list(f, name, NG_DICT, RELAY_MAX_SSRCS);
    struct fields entry;
    uint32_t count = 0;
    struct relay_resume_ssrc *ssrcs = record_alloc(f, resume, it.count, sizeof(*ssrcs));
    while (fields_next(f, &it, &entry)) {
        read_ssrc(&entry, resume, &ssrcs[count]);
        for (uint32_t i = 0; i < count; i++)
            if (ssrcs[i].ssrc == ssrcs[count].ssrc)
                fields_refuse(&entry, "ssrc", "%u is the SSRC of two", ssrcs[i].ssrc);
        count++;
    }
    *out = ssrcs;
    return count;
}

static void read_id(
    const struct fields *f, const struct relay_resume *resume, struct relay_resume_stream *s)
{
    fields_require(f, "id");
    s->stream = (uint32_t)fields_number(f, "id", 1, UINT32_MAX, 1);
    for (uint32_t i = 0; i < resume->stream_count; i++)
        if (resume->streams[i].stream == s->stream)
            fields_refuse(f, "id", "%u is the id of two", s->stream);
}

void record_read_streams(const struct fields *media, struct relay_resume *resume)
{
    struct fields_list it = fields_list(media, "streams", NG_DICT, PLAN_MAX_STREAMS);
    struct fields f;
    resume->streams = record_alloc(media, resume, it.count, sizeof(*resume->streams));
    while (fields_next(media, &it, &f)) {
        struct relay_resume_stream *s = &resume->streams[resume->stream_count];
        read_id(&f, resume, s);
        resume->stream_count++;
        record_read_numbers(&f, RECORD_NUMBERS(stream_numbers), s);
        for (unsigned c = 0; c < COUNT_OF(s->in); c++) {
            read_inner(&f, in_names[c], RECORD_NUMBERS(count_numbers), &s->in[c]);
            read_inner(&f, out_names[c], RECORD_NUMBERS(count_numbers), &s->out[c]);
        }
        s->ssrc_in_count = read_ssrcs(&f, "ssrcs-in", resume, &s->ssrc_in);
        s->ssrc_out_count = read_ssrcs(&f, "ssrcs-out", resume, &s->ssrc_out);
    }
}
