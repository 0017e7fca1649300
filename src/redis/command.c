/* SPDX-License-Identifier: Apache-2.0 */
#include "redis/command.h"

#include <assert.h>
#include <stdlib.h>

enum { HEADER_MAX = 24 }; /* a sign, a length and the end of the line */

struct redis_block *redis_block_new(size_t len)
{
    struct redis_block *block = malloc(sizeof(*block) + len);
    if (block == NULL)
        return NULL;
    block->refs = 1;
    block->len = len;
    return block;
}

struct redis_block *redis_block_ref(struct redis_block *block)
{
    block->refs++;
    return block;
}

void redis_block_unref(struct redis_block *block)
{
    if (block == NULL || --block->refs > 0)
        return;
    explicit_bzero(block->data, block->len); /* passwords, keys of calls */
    free(block);
}

bool redis_words_fit(const struct text *words, size_t count, size_t max)
{
    if (count == 0 || count > REDIS_COMMAND_MAX_WORDS)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (words[i].len > max)
            return false;
        max -= words[i].len;
    }
    return true;
}

/* By hand: a record has twenty of them, which printf() would take longer for than all else does. */
static size_t write_header(char *out, char sign, size_t number)
{
    char digits[HEADER_MAX];
    size_t count = 0, len = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    out[len++] = sign;
    while (count > 0)
        out[len++] = digits[--count];
    out[len++] = '\r';
    out[len++] = '\n';
    return len;
}

static size_t length_of(const struct text *words, size_t count)
{
    char header[HEADER_MAX];
    size_t len = write_header(header, '*', count);
    for (size_t i = 0; i < count; i++)
        len += write_header(header, '$', words[i].len) + words[i].len + 2;
    return len;
}

static void put(struct writer *out, char sign, size_t number)
{
    char header[HEADER_MAX];
    writer_put(out, bytes_of(header, write_header(header, sign, number)));
}

struct redis_block *redis_command_new(const struct text *words, size_t count)
{
    struct redis_block *block = redis_block_new(length_of(words, count));
    if (block == NULL)
        return NULL;
    struct writer out = writer_over(block->data, block->len);
    put(&out, '*', count);
    for (size_t i = 0; i < count; i++) {
        put(&out, '$', words[i].len);
        writer_put(&out, text_bytes(words[i]));
        writer_put(&out, text_bytes(TEXT("\r\n")));
    }
    assert(writer_ok(&out) && writer_bytes(&out).len == block->len);
    return block;
}
