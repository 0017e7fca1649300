/* SPDX-License-Identifier: Apache-2.0 */
#include "bencode/record_buffer.h"

#include <stdlib.h>
#include <string.h>

#include "mediaferry/bencode.h"

enum { FIRST_CAPACITY = 1 << 15 };

/* What is in it is of the past, but there are keys in it. */
static bool enlarge(struct record_buffer *buffer, size_t max)
{
    size_t capacity = buffer->capacity == 0 ? FIRST_CAPACITY : 2 * buffer->capacity;
    if (capacity > max)
        return false;
    record_buffer_done(buffer);
    buffer->data = malloc(capacity);
    buffer->capacity = buffer->data == NULL ? 0 : capacity;
    return buffer->data != NULL;
}

struct bytes record_buffer_write(
    struct record_buffer *buffer, const struct ng_value *tree, size_t max)
{
    struct bytes record = bytes_of(NULL, 0);
    while (record.len == 0) {
        struct writer w = writer_over(buffer->data, buffer->capacity);
        bencode_write(&w, tree);
        record = writer_bytes(&w);
        if (record.len == 0 && !enlarge(buffer, max))
            break;
    }
    return record;
}

void record_buffer_done(struct record_buffer *buffer)
{
    if (buffer->data != NULL)
        explicit_bzero(buffer->data, buffer->capacity);
    free(buffer->data);
    *buffer = (struct record_buffer){.data = NULL};
}
