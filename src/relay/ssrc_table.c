/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/ssrc_table.h"

enum { CHUNK = 64 };

void ssrc_pools_init(struct ssrc_pools *pools, size_t limit)
{
    pool_init(&pools->entries, sizeof(struct ssrc_entry), CHUNK, limit);
    pool_init(&pools->qualities, sizeof(struct quality), CHUNK, limit);
}

void ssrc_pools_done(struct ssrc_pools *pools)
{
    pool_done(&pools->entries);
    pool_done(&pools->qualities);
}

struct ssrc_entry *ssrc_table_find(const struct ssrc_table *table, uint32_t ssrc)
{
    struct ssrc_entry *entry = table->first;
    while (entry != NULL && entry->ssrc != ssrc)
        entry = entry->next;
    return entry;
}

struct quality *ssrc_entry_quality(struct ssrc_entry *entry, struct ssrc_pools *pools)
{
    if (entry->quality != NULL)
        return entry->quality;
    entry->quality = pool_take(&pools->qualities);
    if (entry->quality != NULL)
        quality_init(entry->quality);
    return entry->quality;
}

static uint32_t clock_of(const struct plan_stream *stream, uint8_t payload_type)
{
    for (uint8_t i = 0; i < stream->payload_count; i++)
        if (stream->payloads[i].type == payload_type)
            return stream->payloads[i].clock_rate;
    return 0;
}

static struct ssrc_entry *longest_idle(const struct ssrc_table *table)
{
    struct ssrc_entry *oldest = table->first;
    for (struct ssrc_entry *at = oldest->next; at != NULL; at = at->next)
        if (at->used_us < oldest->used_us)
            oldest = at;
    return oldest;
}

/* At the end: the first stays the one that is looked at first. */
static struct ssrc_entry *append(struct ssrc_table *table, struct ssrc_pools *pools)
{
    struct ssrc_entry *entry = pool_take(&pools->entries);
    if (entry == NULL)
        return NULL;
    *entry = (struct ssrc_entry){0};
    struct ssrc_entry **end = &table->first;
    while (*end != NULL)
        end = &(*end)->next;
    *end = entry;
    table->count++;
    return entry;
}

static struct ssrc_entry *add(
    struct ssrc_table *table, struct ssrc_pools *pools, uint32_t ssrc, uint32_t clock_rate)
{
    struct ssrc_entry *entry =
        table->count == RELAY_MAX_SSRCS ? longest_idle(table) : append(table, pools);
    if (entry == NULL)
        return NULL;
    pool_give(&pools->qualities, entry->quality);
    *entry = (struct ssrc_entry){.next = entry->next, .ssrc = ssrc, .clock_rate = clock_rate};
    reception_init(&entry->reception, clock_rate);
    return entry;
}

struct ssrc_entry *ssrc_table_find_or_add(struct ssrc_table *table, struct ssrc_pools *pools,
    const struct rtp_header *rtp, const struct plan_stream *stream)
{
    struct ssrc_entry *entry = ssrc_table_find(table, rtp->ssrc);
    if (entry != NULL)
        return entry;
    entry = add(table, pools, rtp->ssrc, clock_of(stream, rtp->payload_type));
    if (entry != NULL && table->on_new != NULL)
        table->on_new(table);
    return entry;
}

struct ssrc_entry *ssrc_table_restore(struct ssrc_table *table, struct ssrc_pools *pools,
    uint32_t ssrc, const struct reception *reception)
{
    if (table->count == RELAY_MAX_SSRCS || ssrc_table_find(table, ssrc) != NULL)
        return NULL;
    struct ssrc_entry *entry = add(table, pools, ssrc, reception->clock_rate);
    if (entry != NULL)
        entry->reception = *reception;
    return entry;
}

void ssrc_table_done(struct ssrc_table *table, struct ssrc_pools *pools)
{
    for (struct ssrc_entry *at = table->first, *next; at != NULL; at = next) {
        next = at->next;
        pool_give(&pools->qualities, at->quality);
        pool_give(&pools->entries, at);
    }
    *table = (struct ssrc_table){0};
}
