/* SPDX-License-Identifier: Apache-2.0 */
#include "resume_copy.h"

#include <assert.h>

static void *copy(struct relay_resume *to, const void *from, size_t count, size_t size)
{
    void *memory = relay_resume_alloc(to, count, size);
    if (count > 0)
        memcpy(memory, from, count * size);
    return memory;
}

static void copy_component(struct relay_resume *to, struct relay_resume_component *c)
{
    c->rx.marks = copy(to, c->rx.marks, c->rx.mark_count, sizeof(*c->rx.marks));
    c->tx.marks = copy(to, c->tx.marks, c->tx.mark_count, sizeof(*c->tx.marks));
    c->dtls = copy(to, c->dtls, c->dtls != NULL, sizeof(*c->dtls));
}

static void copy_transport(struct relay_resume *to, struct relay_resume_transport *t)
{
    t->ice = copy(to, t->ice, t->ice != NULL, sizeof(*t->ice));
    t->tuples = copy(to, t->tuples, t->tuple_count, sizeof(*t->tuples));
    t->learned = copy(to, t->learned, t->learned_count, sizeof(*t->learned));
    for (unsigned i = 0; i < COUNT_OF(t->components); i++)
        copy_component(to, &t->components[i]);
}

static struct relay_resume_ssrc *copy_ssrcs(
    struct relay_resume *to, const struct relay_resume_ssrc *from, uint32_t count)
{
    struct relay_resume_ssrc *out = copy(to, from, count, sizeof(*from));
    for (uint32_t i = 0; i < count; i++)
        out[i].quality = copy(to, from[i].quality, from[i].quality != NULL, sizeof(*from->quality));
    return out;
}

struct relay_resume *resume_copy(const struct relay_resume *from)
{
    struct relay_resume *to = relay_resume_new();
    assert(to != NULL);
    to->exact = from->exact;
    to->age_ms = from->age_ms;
    to->earlier = from->earlier;
    to->transport_count = from->transport_count;
    to->stream_count = from->stream_count;
    to->transports = copy(to, from->transports, from->transport_count, sizeof(*from->transports));
    to->streams = copy(to, from->streams, from->stream_count, sizeof(*from->streams));
    for (uint32_t i = 0; i < to->transport_count; i++)
        copy_transport(to, &to->transports[i]);
    for (uint32_t i = 0; i < to->stream_count; i++) {
        struct relay_resume_stream *s = &to->streams[i];
        s->ssrc_in = copy_ssrcs(to, s->ssrc_in, s->ssrc_in_count);
        s->ssrc_out = copy_ssrcs(to, s->ssrc_out, s->ssrc_out_count);
    }
    return to;
}
