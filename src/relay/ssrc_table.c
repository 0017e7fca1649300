/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/ssrc_table.h"

#include "base/hot_path.h"

struct ssrc_entry *ssrc_table_find(struct ssrc_table *table, uint32_t ssrc)
{
    for (uint32_t i = 0; i < table->count; i++)
        if (table->entries[i]->ssrc == ssrc)
            return table->entries[i];
    return NULL;
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
    struct ssrc_entry *oldest = table->entries[0];
    for (uint32_t i = 1; i < table->count; i++)
        if (table->entries[i]->used_us < oldest->used_us)
            oldest = table->entries[i];
    return oldest;
}

static struct ssrc_entry *add(
    struct ssrc_table *table, struct pool *pool, uint32_t ssrc, uint32_t clock_rate)
{
    struct ssrc_entry *entry;
    if (table->count == RELAY_MAX_SSRCS) {
        entry = longest_idle(table);
    } else {
        entry = pool_take(pool);
        if (entry == NULL)
            return NULL;
        table->entries[table->count++] = entry;
    }
    *entry = (struct ssrc_entry){.ssrc = ssrc, .clock_rate = clock_rate};
    reception_init(&entry->reception, clock_rate);
    quality_init(&entry->quality);
    return entry;
}

/* Not the first of the table: one of several, or a new one. NULL: out of memory. */
COLD static struct ssrc_entry *find_or_add(struct ssrc_table *table, struct pool *pool,
    const struct rtp_header *rtp, const struct plan_stream *stream)
{
    struct ssrc_entry *entry = ssrc_table_find(table, rtp->ssrc);
    return entry != NULL ? entry : add(table, pool, rtp->ssrc, clock_of(stream, rtp->payload_type));
}

enum reception_verdict ssrc_table_count(struct ssrc_table *table, struct pool *pool,
    const struct rtp_header *rtp, size_t len, const struct plan_stream *stream, uint64_t now_us)
{
    struct ssrc_entry *entry = table->count > 0 ? table->entries[0] : NULL;
    if (entry == NULL || entry->ssrc != rtp->ssrc)
        entry = find_or_add(table, pool, rtp, stream);
    if (entry == NULL)
        return RECEPTION_FIRST;
    entry->packets++;
    entry->bytes += len;
    entry->last_timestamp = rtp->timestamp;
    entry->used_us = now_us;
    return reception_add(&entry->reception, rtp->seq, rtp->timestamp, now_us);
}

void ssrc_table_done(struct ssrc_table *table, struct pool *pool)
{
    for (uint32_t i = 0; i < table->count; i++)
        pool_give(pool, table->entries[i]);
    table->count = 0;
}
