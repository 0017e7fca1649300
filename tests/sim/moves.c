/* SPDX-License-Identifier: Apache-2.0 */
#include "moves.h"

#include <assert.h>
#include <stdlib.h>

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

static struct relay_resume *copy_resume(const struct relay_resume *from)
{
    struct relay_resume *to = relay_resume_new();
    assert(to != NULL);
    to->exact = from->exact;
    to->age_ms = from->age_ms;
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

void scene_saved(void *owner, uint64_t token, const struct relay_resume *resume)
{
    struct scene *s = owner;
    assert(token == SCENE_CALL);
    s->saves++;
    relay_resume_free(s->saved);
    s->saved = resume != NULL ? copy_resume(resume) : NULL;
}

void scene_save(struct scene *s, enum relay_save how)
{
    if (relay_post_save(s->relay, SCENE_CALL, SCENE_CALL, how) != 0)
        abort();
    sim_settle();
}

void scene_crash(struct scene *s)
{
    struct relay_resume *kept = s->saved;
    s->saved = NULL;
    scene_save(s, RELAY_SAVE_AND_END);
    relay_resume_free(s->saved);
    s->saved = kept;
    scene_check_sums(s);
    scene_close_relay(s);
    scene_open_relay(s);
}

static void lease_again(struct scene *s)
{
    s->socket_count = 0;
    for (uint32_t i = 0; i < s->applied->transport_count; i++)
        for (uint8_t k = 0; k < s->applied->transports[i].local_count; k++) {
            const struct plan_local *local = &s->applied->transports[i].locals[k];
            if (local->lease == 0)
                continue;
            assert(s->socket_count < SCENE_MAX);
            s->sockets[s->socket_count++] = (struct relay_sockets){.lease = local->lease,
                .rtp_fd = sim_fd(),
                .rtcp_fd = local->rtcp.family == ADDRESS_NONE ? -1 : sim_fd(),
                .advertised = addr(ADVERTISED)};
        }
}

void scene_resume(struct scene *s, uint64_t age_ms)
{
    struct relay_resume *resume = s->saved;
    s->saved = NULL;
    if (resume != NULL)
        resume->age_ms = age_ms;
    lease_again(s);
    scene_apply_resume(s, resume);
}

void scene_move(struct scene *s)
{
    unsigned closed[SCENE_MAX];
    struct relay_sockets waiting[SCENE_MAX];
    size_t waiting_count = s->socket_count;

    memcpy(closed, s->closed, sizeof(closed));
    memcpy(waiting, s->sockets, sizeof(waiting));
    scene_save(s, RELAY_SAVE_AND_END);
    if (s->saved == NULL)
        return;
    assert(s->saved->exact);
    scene_check_sums(s);
    scene_close_relay(s);
    scene_open_relay(s);
    scene_resume(s, 0);
    memcpy(s->closed, closed, sizeof(closed));
    memcpy(s->sockets, waiting, sizeof(waiting));
    s->socket_count = waiting_count;
}
