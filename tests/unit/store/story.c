/* SPDX-License-Identifier: Apache-2.0 */
#include "story.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { MAX_WORDS = 8, MAX_LINE = 512 };

static const char *const results[] = {
    [STORE_DONE] = "done",
    [STORE_ABSENT] = "absent",
    [STORE_CONFLICT] = "conflict",
    [STORE_AWAY] = "away",
    [STORE_FAILED] = "failed",
};

/* --- answers --- */

static struct text shown(struct text t)
{
    return t.len > 0 ? t : TEXT("-");
}

static struct text shown_instance(struct text t)
{
    return text_is(t, STORE_LET_GO) ? TEXT("LET_GO") : shown(t);
}

static void on_put(void *owner, enum store_result result, const struct store_version *other)
{
    struct stage *s = owner;
    s->answers++;
    str_add_string(&s->answer, results[result]);
    if (result == STORE_DONE || result == STORE_CONFLICT)
        str_addf(&s->answer, " %.*s %" PRIu64 " %" PRIu64, TEXT_ARG(shown(other->owner)),
            other->epoch, other->serial);
}

static void on_take(void *owner, enum store_result result, uint64_t epoch, unsigned takes)
{
    struct stage *s = owner;
    s->answers++;
    str_add_string(&s->answer, results[result]);
    if (result == STORE_DONE)
        str_addf(&s->answer, " %" PRIu64 " %u", epoch, takes);
}

static void on_get(void *owner, enum store_result result, const struct store_record *record)
{
    struct stage *s = owner;
    s->answers++;
    str_add_string(&s->answer, results[result]);
    assert_true((record != NULL) == (result == STORE_DONE));
    if (record != NULL)
        str_addf(&s->answer, " %.*s %" PRIu64 " %" PRIu64 " %u %.*s %.*s",
            TEXT_ARG(shown(record->version.owner)), record->version.epoch, record->version.serial,
            record->takes, TEXT_ARG(shown(record->places)),
            TEXT_ARG(shown(text_from_bytes(record->record))));
}

static void on_done(void *owner, enum store_result result)
{
    struct stage *s = owner;
    s->answers++;
    str_add_string(&s->answer, results[result]);
}

static int compare_parts(const void *a, const void *b)
{
    return strcmp(str_string(a), str_string(b));
}

/* Adds the parts in order. */
static void finish_list(struct stage *s, enum store_result result)
{
    s->answers++;
    str_add_string(&s->answer, results[result]);
    qsort(s->parts, s->part_count, sizeof(s->parts[0]), compare_parts);
    for (size_t i = 0; i < s->part_count; i++) {
        str_addf(&s->answer, " %s", str_string(&s->parts[i]));
        str_done(&s->parts[i]);
    }
    s->part_count = 0;
}

static struct str *new_part(struct stage *s)
{
    assert_true(s->part_count < COUNT_OF(s->parts));
    struct str *part = &s->parts[s->part_count++];
    *part = (struct str){.data = NULL};
    return part;
}

static void on_list(void *owner, enum store_result result, const struct store_entry *entries,
    size_t count, bool more)
{
    struct stage *s = owner;
    for (size_t i = 0; i < count; i++)
        str_addf(new_part(s), "%s:%.*s@%.*s", store_kind_word(entries[i].kind),
            TEXT_ARG(entries[i].id), TEXT_ARG(entries[i].places));
    if (!more)
        finish_list(s, result);
}

static void on_nodes(void *owner, enum store_result result, const struct store_node *nodes,
    size_t count, uint64_t released)
{
    struct stage *s = owner;
    for (size_t i = 0; i < count; i++)
        str_addf(new_part(s), "%.*s/%.*s/%.*s/%" PRIu64, TEXT_ARG(nodes[i].name),
            TEXT_ARG(shown_instance(nodes[i].instance)), TEXT_ARG(text_from_bytes(nodes[i].info)),
            nodes[i].records);
    finish_list(s, result);
    if (result == STORE_DONE)
        str_addf(&s->answer, " %" PRIu64, released);
}

/* --- questions --- */

struct words {
    struct text at[MAX_WORDS];
    size_t count;
    char memory[MAX_LINE];
};

static void split(const char *line, struct words *w)
{
    struct text rest = text_of(w->memory, strlen(line));
    assert_true(rest.len < sizeof(w->memory));
    memcpy(w->memory, line, rest.len + 1);
    *w = (struct words){.count = 0};
    memcpy(w->memory, line, rest.len + 1);
    while (rest.len > 0 && w->count < MAX_WORDS) {
        struct text word = text_word(&rest, ' ');
        if (text_is(word, "-"))
            word = TEXT("");
        w->at[w->count++] = word;
    }
    for (char *c = w->memory; *c != '\0'; c++)
        *c = *c == ',' ? ' ' : *c;
}

static uint64_t number(const struct words *w, size_t at)
{
    uint64_t value = 0;
    assert_true(text_to_u64(w->at[at], UINT64_MAX, &value));
    return value;
}

static enum store_kind kind_of(const struct words *w, size_t at)
{
    enum store_kind kind = STORE_CALL;
    assert_true(store_kind_of(w->at[at], &kind));
    return kind;
}

static bool ask_put(struct stage *s, struct store *node, const struct words *w)
{
    const struct store_put put = {
        .kind = kind_of(w, 2),
        .id = w->at[3],
        .owner = w->at[0],
        .epoch = number(w, 4),
        .places = w->at[5],
        .record = text_bytes(w->at[6]),
        .is_free = text_is(w->at[1], "free"),
    };
    return node->ops->put(node, &put, on_put, s);
}

static bool ask_take(struct stage *s, struct store *node, const struct words *w)
{
    const struct store_taking taking = {
        .kind = kind_of(w, 2),
        .id = w->at[3],
        .seen = {.owner = w->at[5], .epoch = number(w, 6), .serial = number(w, 7)},
        .taker = text_is(w->at[1], "take") ? w->at[0] : TEXT(""),
        .is_unused = text_is(w->at[1], "undo"),
        .places = w->at[4],
    };
    return node->ops->take(node, &taking, on_take, s);
}

static bool ask_about_record(struct stage *s, struct store *node, const struct words *w)
{
    if (text_is(w->at[1], "put") || text_is(w->at[1], "free"))
        return ask_put(s, node, w);
    if (text_is(w->at[1], "take") || text_is(w->at[1], "back") || text_is(w->at[1], "undo"))
        return ask_take(s, node, w);
    if (text_is(w->at[1], "remove"))
        return node->ops->remove(node, kind_of(w, 2), w->at[3], w->at[4], number(w, 5), on_put, s);
    bool whole = text_is(w->at[1], "get");
    assert_true(whole || text_is(w->at[1], "look"));
    return node->ops->get(node, kind_of(w, 2), w->at[3], whole, on_get, s);
}

/* What runs in the background counts as answered. */
static bool ask(struct stage *s, struct store *node, const struct words *w)
{
    const struct store_ops *ops = node->ops;
    struct text verb = w->at[1];
    if (text_is(verb, "list"))
        return ops->list(node, w->at[2], on_list, s);
    if (text_is(verb, "nodes"))
        return ops->nodes(node, on_nodes, s);
    if (text_is(verb, "lease"))
        return ops->lease(node, w->at[2], w->at[3], text_bytes(w->at[5]), number(w, 4), on_done, s);
    if (text_is(verb, "unlease"))
        return ops->unlease(node, w->at[2], w->at[3], number(w, 4), on_done, s);
    if (text_is(verb, "unlist") || text_is(verb, "forget")) {
        s->answers++;
        return text_is(verb, "forget") ? ops->forget_node(node, w->at[2])
                                       : ops->unlist(node, w->at[2], kind_of(w, 3), w->at[4]);
    }
    return ask_about_record(s, node, w);
}

const char *stage_ask(struct stage *s, const char *line)
{
    struct words w;
    split(line, &w);
    str_reset(&s->answer);
    s->answers = 0;
    if (text_is(w.at[0], "wait")) {
        s->wait(s, number(&w, 1));
        return "";
    }
    struct store *node = s->nodes[w.at[0].data[0] - 'A'];
    if (!ask(s, node, &w))
        return "not taken";
    s->settle(s, node, &s->answers);
    assert_int_equal(s->answers, 1);
    return str_string(&s->answer);
}

static void play_line(struct stage *s, const char *story, struct text line)
{
    char question[MAX_LINE];
    const char *arrow = memmem(line.data, line.len, " =>", 3);
    size_t len = arrow != NULL ? (size_t)(arrow - line.data) : line.len;
    struct text expected = arrow != NULL ? text_skip(line, len + 4) : TEXT("");
    snprintf(question, sizeof(question), "%.*s", (int)len, line.data);
    const char *answer = stage_ask(s, question);
    if (!text_is(expected, answer))
        fail_msg("%s: %s\n  expected: %.*s\n  answered: %s", story, question, TEXT_ARG(expected),
            answer);
}

void stage_play(struct stage *stage, const struct story *story)
{
    struct text lines = text_from(story->lines);
    while (lines.len > 0)
        play_line(stage, story->name, text_cut(&lines, '\n'));
}

void stage_done(struct stage *stage)
{
    str_done(&stage->answer);
}
