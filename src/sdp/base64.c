/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct writer *w, struct bytes input)
{
    for (size_t i = 0; i < input.len; i += 3) {
        size_t left = input.len - i;
        uint32_t group = (uint32_t)input.data[i] << 16;
        if (left > 1)
            group |= (uint32_t)input.data[i + 1] << 8;
        if (left > 2)
            group |= input.data[i + 2];

        writer_u8(w, (uint8_t)alphabet[group >> 18]);
        writer_u8(w, (uint8_t)alphabet[group >> 12 & 63]);
        writer_u8(w, left > 1 ? (uint8_t)alphabet[group >> 6 & 63] : '=');
        writer_u8(w, left > 2 ? (uint8_t)alphabet[group & 63] : '=');
    }
}

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

bool base64_decode(struct writer *w, struct text input)
{
    uint32_t bits = 0;
    unsigned count = 0; /* of bits not written yet */

    for (unsigned padding = 0; padding < 2 && input.len > 0; padding++)
        if (input.data[input.len - 1] == '=')
            input.len--;
    if (input.len % 4 == 1)
        return false;

    for (size_t i = 0; i < input.len; i++) {
        int digit = digit_of(input.data[i]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        count += 6;
        if (count < 8)
            continue;
        count -= 8;
        writer_u8(w, (uint8_t)(bits >> count));
    }
    return writer_ok(w);
}
