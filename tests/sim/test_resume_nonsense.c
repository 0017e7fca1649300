/* SPDX-License-Identifier: Apache-2.0 */
/* A call moves with numbers that no relay would have saved. */
#include "script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { STEPS = 120, ROUNDS = 25 };

/* Some bytes of it become others; not for what has a truth value or a pointer in it. */
static void spoil(struct gen *g, void *data, size_t len)
{
    uint8_t *bytes = data;
    for (size_t n = gen_below(g, 4); n > 0; n--)
        bytes[gen_below(g, len)] = (uint8_t)(gen_below(g, 2) ? gen_u64(g) : 0xff);
}

static void spoil_session(struct gen *g, struct relay_resume_session *s)
{
    spoil(g, s->key, sizeof(s->key));
    spoil(g, &s->rtcp_begin, sizeof(s->rtcp_begin));
    s->unsure = gen_below(g, 2);
    if (gen_below(g, 8) == 0)
        s->suite = gen_below(g, 2) ? NULL : rtpsec_suite((enum rtpsec_suite_id)gen_below(g, 6));
    for (uint32_t i = 0; i < s->mark_count; i++) {
        struct rtpsec_mark *m = &s->marks[i];
        spoil(g, &m->ssrc, sizeof(m->ssrc));
        spoil(g, &m->seq, sizeof(m->seq));
        spoil(g, &m->roc, sizeof(m->roc));
        spoil(g, &m->rtcp_index, sizeof(m->rtcp_index));
        m->has_rtp = gen_below(g, 4);
        m->has_rtcp = gen_below(g, 4);
        if (i > 0 && gen_below(g, 6) == 0)
            m->ssrc = s->marks[0].ssrc;
    }
}

static void spoil_component(struct gen *g, struct relay_resume_component *c)
{
    struct relay_resume_learning *l = &c->learning;
    spoil(g, &c->local, sizeof(c->local));
    spoil(g, &l->target, sizeof(l->target));
    spoil(g, &l->source, sizeof(l->source));
    spoil(g, &l->window_left_ms, sizeof(l->window_left_ms));
    l->best = (enum learning_rank)gen_below(g, RANK_NONE + 1);
    l->settled = gen_below(g, 2);
    spoil_session(g, &c->rx);
    spoil_session(g, &c->tx);
    spoil(g, &c->dtls_peer, sizeof(c->dtls_peer));
    spoil(g, &c->dtls_local, sizeof(c->dtls_local));
    if (c->dtls != NULL)
        spoil(g, c->dtls, sizeof(*c->dtls));
}

static void spoil_ice(struct gen *g, struct ice_saved *ice)
{
    spoil(g, &ice->generation, sizeof(ice->generation));
    spoil(g, &ice->previous_left_ms, sizeof(ice->previous_left_ms));
    spoil(g, &ice->previous, sizeof(ice->previous));
    ice->pair_count = (uint32_t)gen_below(g, 2 * ICE_MAX_PAIRS);
    for (uint32_t i = 0; i < ICE_MAX_PAIRS; i++) {
        struct ice_saved_pair *p = &ice->pairs[i];
        spoil(g, &p->local, sizeof(p->local));
        spoil(g, &p->remote, sizeof(p->remote));
        spoil(g, &p->checked_ago_ms, 3 * sizeof(p->checked_ago_ms));
        spoil(g, &p->generation, sizeof(p->generation));
        p->nominated = gen_below(g, 2);
    }
}

static void spoil_transport(struct gen *g, struct relay_resume_transport *t)
{
    spoil(g, &t->transport, 4 * sizeof(uint32_t)); /* and the generations */
    for (unsigned i = 0; i < COUNT_OF(t->components); i++)
        spoil_component(g, &t->components[i]);
    for (uint32_t i = 0; i < t->tuple_count; i++)
        spoil(g, &t->tuples[i], sizeof(t->tuples[i]));
    for (uint32_t i = 0; i < t->learned_count; i++)
        spoil(g, &t->learned[i], sizeof(t->learned[i]));
    if (t->ice != NULL)
        spoil_ice(g, t->ice);
}

static void spoil_ssrcs(
    struct gen *g, struct relay_resume *resume, struct relay_resume_ssrc *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct quality *quality = relay_resume_alloc(resume, 1, sizeof(*quality));
        assert_non_null(quality);
        gen_fill(g, (uint8_t *)quality, sizeof(*quality));
        quality->progression_count = gen_below(g, 2 * QUALITY_PROGRESSION_MAX);
        quality->interval_ms = gen_below(g, 3);
        list[i].quality = gen_below(g, 2) ? quality : NULL;
        spoil(g, &list[i].ssrc, sizeof(list[i].ssrc));
        spoil(g, &list[i].idle_ms, sizeof(list[i].idle_ms));
        spoil(g, &list[i].reception.highest, sizeof(list[i].reception) / 2);
    }
}

static void spoil_all(struct gen *g, struct relay_resume *resume)
{
    resume->exact = gen_below(g, 2);
    for (uint32_t i = 0; i < resume->transport_count; i++)
        if (gen_below(g, 2) == 0)
            spoil_transport(g, &resume->transports[i]);
    for (uint32_t i = 0; i < resume->stream_count; i++) {
        struct relay_resume_stream *s = &resume->streams[i];
        spoil(g, &s->stream, sizeof(s->stream));
        spoil(g, s->in, sizeof(s->in));
        spoil(g, &s->idle_ms, sizeof(s->idle_ms));
        spoil_ssrcs(g, resume, s->ssrc_in, s->ssrc_in_count);
        spoil_ssrcs(g, resume, s->ssrc_out, s->ssrc_out_count);
    }
}

/* What the numbers say may come to nothing, but the relay goes on and keeps its books. */
static void nonsense_is_harmless(void **state)
{
    (void)state;
    struct gen g = gen_start();
    for (int round = 0; round < ROUNDS; round++) {
        script_open();
        for (int step = 0; step < STEPS; step++) {
            script_step(&g);
            if (step % 20 != 0)
                continue;
            scene_save(&scene, RELAY_SAVE_AND_END);
            assert_non_null(scene.saved);
            spoil_all(&g, scene.saved);
            scene_close_relay(&scene);
            sim_set_clock(gen_below(&g, 2) ? gen_below(&g, 100000) : sim_now_ms());
            scene_open_relay(&scene);
            scene_resume(&scene, gen_below(&g, 2) ? 0 : gen_u64(&g));
            scene_query(&scene);
            assert_true(scene.found);
        }
        script_close();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nonsense_is_harmless)};
    if (!rtpsec_init())
        return 1;
    int failed = cmocka_run_group_tests_name("resume nonsense", tests, NULL, NULL);
    rtpsec_done();
    return failed;
}
