/* SPDX-License-Identifier: Apache-2.0 */
/* Transports of the media, and all of it. */
#include "session/record_media.h"

#include "session/record_numbers.h"

enum { COMPONENTS = COUNT_OF(((struct relay_resume_transport *)NULL)->components) };

static const struct record_number transport_numbers[] = {
    RECORD_NUMBER(struct relay_resume_transport, signalled, "signalled"),
    RECORD_NUMBER(struct relay_resume_transport, ice_generation, "ice-generation"),
    RECORD_NUMBER(struct relay_resume_transport, dtls_generation, "dtls-generation"),
    RECORD_NUMBER(struct relay_resume_transport, ice_idle_ms, "ice-idle"),
};

static const struct record_number component_numbers[] = {
    RECORD_NUMBER(struct relay_resume_component, local, "local"),
    RECORD_NUMBER(struct relay_resume_component, dtls_local, "dtls-local"),
};

static const struct fields_flag component_flags[] = {
    {"consent-expired", offsetof(struct relay_resume_component, consent_expired)},
};

static const struct record_number learning_numbers[] = {
    RECORD_NUMBER(struct relay_resume_learning, window_left_ms, "window-left"),
};

static const struct fields_flag learning_flags[] = {
    {"settled", offsetof(struct relay_resume_learning, settled)},
};

static const char *const ranks[] = {
    [RANK_EXACT] = "exact",
    [RANK_SAME_IP] = "same-ip",
    [RANK_SAME_PORT] = "same-port",
    [RANK_OTHER] = "other",
    [RANK_NONE] = "none",
};

static const struct record_number tuple_numbers[] = {
    RECORD_NUMBER(struct relay_resume_tuple, local, "local"),
};

static const struct record_number learned_numbers[] = {
    RECORD_NUMBER(struct relay_resume_learned, ssrc, "ssrc"),
    RECORD_NUMBER(struct relay_resume_learned, stream, "stream"),
};

/* --- writing --- */

static void put_learning(
    struct ng_arena *arena, struct ng_value *component, const struct relay_resume_learning *l)
{
    struct ng_value *dict = ng_dict(arena);
    fields_put_address(arena, dict, "signalled", &l->signalled);
    fields_put_address(arena, dict, "target", &l->target);
    fields_put_address(arena, dict, "source", &l->source);
    fields_put_choice(arena, dict, "best", ranks, l->best, RANK_NONE);
    fields_put_flags(arena, dict, learning_flags, COUNT_OF(learning_flags), l);
    record_put_numbers(arena, dict, RECORD_NUMBERS(learning_numbers), l);
    fields_put(arena, component, "learning", dict);
}

static void put_component(
    struct ng_arena *arena, struct ng_value *dict, const struct relay_resume_component *c)
{
    record_put_numbers(arena, dict, RECORD_NUMBERS(component_numbers), c);
    fields_put_flags(arena, dict, component_flags, COUNT_OF(component_flags), c);
    put_learning(arena, dict, &c->learning);
    record_put_srtp(arena, dict, "rx", &c->rx);
    record_put_srtp(arena, dict, "tx", &c->tx);
    if (c->dtls != NULL)
        record_put_dtls(arena, dict, c->dtls);
    fields_put_address(arena, dict, "dtls-peer", &c->dtls_peer);
}

static void put_tuples(
    struct ng_arena *arena, struct ng_value *dict, const struct relay_resume_transport *t)
{
    struct ng_value *list = NULL;
    for (uint32_t i = 0; i < t->tuple_count; i++) {
        struct ng_value *entry = record_add(arena, dict, "tuples", &list);
        fields_put_address(arena, entry, "remote", &t->tuples[i].remote);
        record_put_numbers(arena, entry, RECORD_NUMBERS(tuple_numbers), &t->tuples[i]);
    }
}

static void put_learned(
    struct ng_arena *arena, struct ng_value *dict, const struct relay_resume_transport *t)
{
    struct ng_value *list = NULL;
    for (uint32_t i = 0; i < t->learned_count; i++)
        record_put_numbers(arena, record_add(arena, dict, "learned", &list),
            RECORD_NUMBERS(learned_numbers), &t->learned[i]);
}

static void put_transport(
    struct ng_arena *arena, struct ng_value *dict, const struct relay_resume_transport *t)
{
    struct ng_value *components = NULL;
    fields_put_number(arena, dict, "id", t->transport, 0);
    record_put_numbers(arena, dict, RECORD_NUMBERS(transport_numbers), t);
    if (t->ice != NULL)
        record_put_ice(arena, dict, t->ice);
    for (unsigned i = 0; i < COMPONENTS; i++)
        put_component(arena, record_add(arena, dict, "components", &components), &t->components[i]);
    put_tuples(arena, dict, t);
    put_learned(arena, dict, t);
}

void record_put_media(
    struct ng_arena *arena, struct ng_value *record, const struct relay_resume *resume)
{
    struct ng_value *media = ng_put_dict(arena, record, TEXT("media"));
    struct ng_value *transports = NULL;
    fields_put_number(arena, media, "exact", resume->exact, 0);
    for (uint32_t i = 0; i < resume->transport_count; i++)
        put_transport(
            arena, record_add(arena, media, "transports", &transports), &resume->transports[i]);
    record_put_streams(arena, media, resume);
}

/* --- reading --- */

static void read_learning(const struct fields *component, struct relay_resume_learning *l)
{
    struct fields f = fields_inner(component, "learning");
    l->signalled = fields_address(&f, "signalled");
    l->target = fields_address(&f, "target");
    l->source = fields_address(&f, "source");
    l->best = (enum learning_rank)fields_choice(&f, "best", ranks, COUNT_OF(ranks), RANK_NONE);
    fields_flags(&f, learning_flags, COUNT_OF(learning_flags), l);
    record_read_numbers(&f, RECORD_NUMBERS(learning_numbers), l);
}

static void read_component(
    const struct fields *f, struct relay_resume *resume, struct relay_resume_component *c)
{
    record_read_numbers(f, RECORD_NUMBERS(component_numbers), c);
    fields_flags(f, component_flags, COUNT_OF(component_flags), c);
    read_learning(f, &c->learning);
    record_read_srtp(f, "rx", resume, &c->rx);
    record_read_srtp(f, "tx", resume, &c->tx);
    c->dtls = record_read_dtls(f, resume);
    c->dtls_peer = fields_address(f, "dtls-peer");
}

static void read_components(
    const struct fields *f, struct relay_resume *resume, struct relay_resume_transport *t)
{
    struct fields_list it = fields_list(f, "components", NG_DICT, COMPONENTS);
    struct fields entry;
    for (size_t i = 0; fields_next(f, &it, &entry); i++)
        read_component(&entry, resume, &t->components[i]);
}

static void read_tuples(
    const struct fields *f, struct relay_resume *resume, struct relay_resume_transport *t)
{
    struct fields_list it = fields_list(f, "tuples", NG_DICT, RELAY_MAX_TUPLES);
    struct fields entry;
    t->tuples = record_alloc(f, resume, it.count, sizeof(*t->tuples));
    while (fields_next(f, &it, &entry)) {
        struct relay_resume_tuple *tuple = &t->tuples[t->tuple_count++];
        fields_require(&entry, "remote");
        tuple->remote = fields_address(&entry, "remote");
        record_read_numbers(&entry, RECORD_NUMBERS(tuple_numbers), tuple);
    }
}

static void read_learned(
    const struct fields *f, struct relay_resume *resume, struct relay_resume_transport *t)
{
    struct fields_list it = fields_list(f, "learned", NG_DICT, RELAY_MAX_LEARNED);
    struct fields entry;
    t->learned = record_alloc(f, resume, it.count, sizeof(*t->learned));
    while (fields_next(f, &it, &entry))
        record_read_numbers(
            &entry, RECORD_NUMBERS(learned_numbers), &t->learned[t->learned_count++]);
}

static void read_id(
    const struct fields *f, const struct relay_resume *resume, struct relay_resume_transport *t)
{
    fields_require(f, "id");
    t->transport = (uint32_t)fields_number(f, "id", 1, UINT32_MAX, 1);
    for (uint32_t i = 0; i < resume->transport_count; i++)
        if (resume->transports[i].transport == t->transport)
            fields_refuse(f, "id", "%u is the id of two", t->transport);
}

static void read_transports(const struct fields *media, struct relay_resume *resume)
{
    struct fields_list it = fields_list(media, "transports", NG_DICT, PLAN_MAX_STREAMS);
    struct fields f;
    resume->transports = record_alloc(media, resume, it.count, sizeof(*resume->transports));
    while (fields_next(media, &it, &f)) {
        struct relay_resume_transport *t = &resume->transports[resume->transport_count];
        read_id(&f, resume, t);
        resume->transport_count++;
        record_read_numbers(&f, RECORD_NUMBERS(transport_numbers), t);
        t->ice = record_read_ice(&f, resume);
        read_components(&f, resume, t);
        read_tuples(&f, resume, t);
        read_learned(&f, resume, t);
    }
}

struct relay_resume *record_read_media(const struct fields *record)
{
    struct fields media = fields_inner(record, "media");
    struct relay_resume *resume = relay_resume_new();
    if (resume == NULL) {
        fields_refuse(&media, NULL, "out of memory");
        return NULL;
    }
    resume->exact = fields_number(&media, "exact", 0, 1, 0) != 0;
    read_transports(&media, resume);
    record_read_streams(&media, resume);
    if (!record->reader->failed)
        return resume;
    relay_resume_free(resume);
    return NULL;
}
