/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* getrandom(2) gives up to 256 bytes whole, without being interrupted. */
enum { STOCK = 256 };

static _Thread_local struct {
    uint8_t bytes[STOCK];
    size_t left; /* unused, at the end */
} stock;

static void fetch(void *out, size_t len)
{
    ssize_t got;
    do
        got = getrandom(out, len, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0 || (size_t)got != len)
        abort();
}

void random_bytes(void *out, size_t len)
{
    uint8_t *to = out;
    while (len > 0) {
        if (stock.left == 0) {
            fetch(stock.bytes, STOCK);
            stock.left = STOCK;
        }
        size_t part = len < stock.left ? len : stock.left;
        uint8_t *from = stock.bytes + STOCK - stock.left;
        memcpy(to, from, part);
        explicit_bzero(from, part);
        stock.left -= part;
        to += part;
        len -= part;
    }
}

uint32_t random_u32(void)
{
    uint32_t value;
    random_bytes(&value, sizeof(value));
    return value;
}

uint64_t random_u64(void)
{
    uint64_t value;
    random_bytes(&value, sizeof(value));
    return value;
}

uint32_t random_below(uint32_t limit)
{
    /* Values under 2^32 mod limit are refused, so that each remainder has as many as the next. */
    uint32_t refused = (0u - limit) % limit;
    uint32_t value;
    do
        value = random_u32();
    while (value < refused);
    return value % limit;
}

void random_alphanumeric(char *out, size_t len)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    for (size_t i = 0; i < len; i++)
        out[i] = alphabet[random_below(sizeof(alphabet) - 1)];
    out[len] = '\0';
}
