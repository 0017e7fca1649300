/* SPDX-License-Identifier: Apache-2.0 */
#include "base/percent.h"

/* The value of a hexadecimal digit, or -1. */
static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = memchr(digits, text_lower(c), sizeof(digits) - 1);
    return at != NULL ? (int)(at - digits) : -1;
}

bool percent_decode(struct text encoded, enum percent_plus plus, char *memory, struct text *out)
{
    size_t len = 0;
    for (size_t i = 0; i < encoded.len; i++, len++) {
        char c = encoded.data[i];
        if (c == '%') {
            int high = i + 2 < encoded.len ? hex_digit(encoded.data[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(encoded.data[i + 2]) : -1;
            if (low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus == PERCENT_PLUS_IS_SPACE) {
            c = ' ';
        }
        memory[len] = c;
    }
    *out = text_of(memory, len);
    return true;
}
