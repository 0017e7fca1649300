/* SPDX-License-Identifier: Apache-2.0 */
#include "hex.h"

#include <stdio.h>
#include <stdlib.h>

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (text_lower(c) >= 'a' && text_lower(c) <= 'f')
        return text_lower(c) - 'a' + 10;
    return -1;
}

struct bytes from_hex(const char *hex)
{
    uint8_t *scratch = malloc(strlen(hex) / 2 + 1);
    size_t digits = 0;

    for (; *hex != '\0'; hex++) {
        if (*hex == ' ' || *hex == '\n')
            continue;
        int value = digit(*hex);
        if (value < 0 || scratch == NULL) {
            fprintf(stderr, "from_hex: bad digit '%c'\n", *hex);
            abort();
        }
        if (digits % 2 == 0)
            scratch[digits / 2] = (uint8_t)(value << 4);
        else
            scratch[digits / 2] |= (uint8_t)value;
        digits++;
    }
    struct bytes exact = exact_copy(bytes_of(scratch, digits / 2));
    free(scratch);
    return exact;
}

struct bytes exact_copy(struct bytes b)
{
    uint8_t *data = malloc(b.len > 0 ? b.len : 1);
    if (data == NULL)
        abort();
    if (b.len == 0) {
        /* A block of no bytes at all: reading even one is caught. */
        free(data);
        data = malloc(0);
        return bytes_of(data, 0);
    }
    memcpy(data, b.data, b.len);
    return bytes_of(data, b.len);
}
