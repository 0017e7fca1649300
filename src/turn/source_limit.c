/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/source_limit.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/random.h"

/*
 * A bucket is one word, so that threads agree by compare and swap: 16 bits to recognise its source,
 * 48 bits when all its replies are paid off, in ticks of 8 us (enough for 71 years). A set of four
 * shares a place in the table.
 */
enum { TICKS_PER_MS = 125, TICKS_PER_S = 125000, TIME_BITS = 48, WAYS = 4 };

#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)

enum level { LEVEL_ENDPOINT, LEVEL_ADDRESS, LEVEL_NETWORK, LEVEL_FAMILY, LEVELS };

/*
 * The rate of a level is the one of an address by `weight` quarters. A client asks from one port
 * once or twice and then waits for half a second at least, so the endpoint can be short. When no
 * bucket is free for a new endpoint it just passes: it is the address that protects others. That of
 * a whole family of addresses protects ourselves: with forged sources from everywhere, answers
 * would take the time that calls need.
 */
static const struct level_rules {
    uint32_t weight;
    uint32_t sets;
    uint8_t ip4_len, ip6_len; /* of the IP, what counts */
    bool has_port;
    bool passes_when_full;
} rules[LEVELS] = {
    [LEVEL_ENDPOINT] = {1, 2048, 4, 16, true, true},
    [LEVEL_ADDRESS] = {4, 2048, 4, 8, false, false},
    [LEVEL_NETWORK] = {64, 1024, 3, 6, false, false},
    [LEVEL_FAMILY] = {8000, 1, 0, 0, false, false},
};

struct source_limit {
    uint64_t seed[2];
    _Atomic uint64_t *tables[LEVELS]; /* `sets` times WAYS words */
};

/* What a level allows: a reply every `interval` ticks, and `burst` at once. */
struct pace {
    uint64_t interval;
    uint64_t burst;
};

static struct pace pace_of(enum level level, uint32_t per_second)
{
    uint64_t quarters = (uint64_t)per_second * rules[level].weight;
    uint64_t interval = TICKS_PER_S * UINT64_C(4) / quarters;
    uint64_t burst = (quarters + 3) / 4;

    /* Of the endpoint: room for a request, its repetition and one of another kind. */
    if (level == LEVEL_ENDPOINT)
        burst += 2;
    return (struct pace){.interval = interval > 0 ? interval : 1, .burst = burst};
}

struct source_limit *source_limit_new(void)
{
    struct source_limit *limit = calloc(1, sizeof(*limit));
    if (limit == NULL)
        return NULL;
    random_bytes(limit->seed, sizeof(limit->seed));
    for (int level = 0; level < LEVELS; level++) {
        limit->tables[level] = calloc((size_t)rules[level].sets * WAYS, sizeof(uint64_t));
        if (limit->tables[level] == NULL) {
            source_limit_free(limit);
            return NULL;
        }
    }
    return limit;
}

void source_limit_free(struct source_limit *limit)
{
    if (limit == NULL)
        return;
    for (int level = 0; level < LEVELS; level++)
        free(limit->tables[level]);
    free(limit);
}

static uint64_t word_of(uint64_t tag, uint64_t paid_at)
{
    return tag << TIME_BITS | (paid_at & TIME_MASK);
}

static uint64_t tag_of(uint64_t word)
{
    return word >> TIME_BITS;
}

/* When it is paid off, never before `now`. */
static uint64_t paid_at(uint64_t word, uint64_t now)
{
    uint64_t at = word & TIME_MASK;
    return at > now ? at : now;
}

/* The four buckets that a source may have, and the tag by which it knows its own. */
struct place {
    _Atomic uint64_t *set;
    uint64_t tag;
};

static struct place place_of(
    const struct source_limit *limit, enum level level, const struct address *source)
{
    const struct level_rules *rule = &rules[level];
    if (rule->sets == 1)
        return (struct place){.set = limit->tables[level], .tag = source->family};

    uint8_t memory[24];
    struct writer w = writer_over(memory, sizeof(memory));

    writer_u8(&w, (uint8_t)source->family);
    writer_put(
        &w, bytes_of(source->ip, source->family == ADDRESS_IP4 ? rule->ip4_len : rule->ip6_len));
    if (rule->has_port)
        writer_u16(&w, source->port);
    uint64_t hash = hash_bytes(writer_bytes(&w), limit->seed);
    return (struct place){
        .set = limit->tables[level] + hash % rule->sets * WAYS,
        .tag = hash >> TIME_BITS,
    };
}

/* The bucket of this source; else one that is paid off, which is as good as a new one; else the one
 * with the least debt, which two sources then share. */
static _Atomic uint64_t *choose(const struct place *place, uint64_t now, uint64_t *word)
{
    _Atomic uint64_t *best = NULL;

    for (size_t i = 0; i < WAYS; i++) {
        uint64_t seen = atomic_load_explicit(&place->set[i], memory_order_relaxed);
        if (tag_of(seen) == place->tag) {
            *word = seen;
            return &place->set[i];
        }
        if (best == NULL || paid_at(seen, now) < paid_at(*word, now)) {
            best = &place->set[i];
            *word = seen;
        }
    }
    return best;
}

static bool take(
    const struct place *place, const struct pace *pace, bool passes_when_full, uint64_t now)
{
    for (;;) {
        uint64_t word;
        _Atomic uint64_t *bucket = choose(place, now, &word);
        uint64_t at = paid_at(word, now);
        uint64_t tag = at == now ? place->tag : tag_of(word);

        if (tag != place->tag && passes_when_full)
            return true;
        if (at - now > (pace->burst - 1) * pace->interval)
            return false;
        if (atomic_compare_exchange_weak_explicit(bucket, &word, word_of(tag, at + pace->interval),
                memory_order_relaxed, memory_order_relaxed))
            return true;
    }
}

static void give_back(const struct place *place, const struct pace *pace, uint64_t now)
{
    for (;;) {
        uint64_t word;
        _Atomic uint64_t *bucket = choose(place, now, &word);
        uint64_t at = paid_at(word, now);

        if (tag_of(word) != place->tag || at == now)
            return;
        at = at - now > pace->interval ? at - pace->interval : now;
        if (atomic_compare_exchange_weak_explicit(
                bucket, &word, word_of(place->tag, at), memory_order_relaxed, memory_order_relaxed))
            return;
    }
}

bool source_limit_admit(
    struct source_limit *limit, uint32_t per_second, const struct address *source, uint64_t now_ms)
{
    uint64_t now = now_ms * TICKS_PER_MS & TIME_MASK;

    if (per_second == 0)
        return true;
    for (enum level level = 0; level < LEVELS; level++) {
        struct place place = place_of(limit, level, source);
        struct pace pace = pace_of(level, per_second);
        if (!take(&place, &pace, rules[level].passes_when_full, now))
            return false;
    }
    return true;
}

void source_limit_proven(
    struct source_limit *limit, uint32_t per_second, const struct address *source, uint64_t now_ms)
{
    uint64_t now = now_ms * TICKS_PER_MS & TIME_MASK;

    if (per_second == 0)
        return;
    for (enum level level = 0; level < LEVELS; level++) {
        struct place place = place_of(limit, level, source);
        struct pace pace = pace_of(level, per_second);
        give_back(&place, &pace, now);
    }
}
