/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/slots.h"

enum { MAX_HOST = 255 };

/* --- keys --- */

static uint16_t crc16(struct text data)
{
    enum { POLYNOMIAL = 0x1021 };
    unsigned crc = 0;
    for (size_t i = 0; i < data.len; i++) {
        crc ^= (unsigned)(uint8_t)data.data[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 0x8000) != 0 ? (crc << 1) ^ POLYNOMIAL : crc << 1;
        crc &= 0xffff;
    }
    return (uint16_t)crc;
}

static struct text hashed_part(struct text key)
{
    struct text rest = key;
    struct text before = text_cut(&rest, '{');
    if (before.len == key.len)
        return key;
    struct text tag = text_cut(&rest, '}');
    bool is_closed = before.len + 1 + tag.len < key.len;
    return is_closed && tag.len > 0 ? tag : key;
}

uint16_t redis_slot_of(struct text key)
{
    return crc16(hashed_part(key)) % REDIS_SLOTS;
}

/* --- addresses --- */

/* Redis says "?" or nothing for a host that it does not know itself. */
static bool read_host(struct text host, struct text *out)
{
    if (host.len > MAX_HOST || (host.len > 0 && memchr(host.data, '\0', host.len) != NULL))
        return false;
    *out = text_is(host, "?") ? text_of(NULL, 0) : host;
    return true;
}

/* "HOST:PORT", where the host may be an IPv6 address without brackets. */
static bool read_address(struct text address, struct text *host, uint16_t *port)
{
    const char *colon = address.len > 0 ? memrchr(address.data, ':', address.len) : NULL;
    uint64_t number;
    if (colon == NULL)
        return false;
    size_t len = (size_t)(colon - address.data);
    if (!text_to_u64(text_skip(address, len + 1), UINT16_MAX, &number) || number == 0)
        return false;
    *port = (uint16_t)number;
    return read_host(text_of(address.data, len), host);
}

/* --- CLUSTER SLOTS --- */

static bool is_integer(const struct redis_reply *reply, int64_t max)
{
    return reply->kind == REDIS_INTEGER && reply->integer >= 0 && reply->integer <= max;
}

static bool is_array(const struct redis_reply *reply, size_t at_least)
{
    return reply->kind == REDIS_ARRAY && reply->count >= at_least;
}

/* [first, last, [host, port, ...] of the master, then its replicas] */
bool redis_slots_range(const struct redis_reply *reply, size_t index, struct redis_slot_range *out)
{
    if (!is_array(reply, index + 1) || !is_array(reply->items[index], 3))
        return false;
    struct redis_reply *const *range = reply->items[index]->items;
    if (!is_integer(range[0], REDIS_SLOTS - 1) || !is_integer(range[1], REDIS_SLOTS - 1) ||
        range[0]->integer > range[1]->integer || !is_array(range[2], 2))
        return false;
    struct redis_reply *const *master = range[2]->items;
    if (!is_integer(master[1], UINT16_MAX) || master[1]->integer == 0)
        return false;
    out->first = (uint16_t)range[0]->integer;
    out->last = (uint16_t)range[1]->integer;
    out->port = (uint16_t)master[1]->integer;
    return read_host(master[0]->text, &out->host);
}

/* --- redirects --- */

struct redis_redirect redis_redirect_read(struct text error)
{
    struct redis_redirect redirect = {.kind = REDIS_STAYS};
    struct text word = text_cut(&error, ' ');
    uint64_t slot;

    if (text_is(word, "TRYAGAIN") || text_is(word, "LOADING") || text_is(word, "MASTERDOWN"))
        redirect.kind = REDIS_TRY_AGAIN;
    else if (text_is(word, "CLUSTERDOWN"))
        redirect.kind = REDIS_DOWN;
    if (!text_is(word, "MOVED") && !text_is(word, "ASK"))
        return redirect;
    if (text_to_u64(text_cut(&error, ' '), REDIS_SLOTS - 1, &slot) &&
        read_address(error, &redirect.host, &redirect.port)) {
        redirect.kind = text_is(word, "MOVED") ? REDIS_MOVED : REDIS_ASK;
        redirect.slot = (uint16_t)slot;
    }
    return redirect;
}
