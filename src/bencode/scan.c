/* SPDX-License-Identifier: Apache-2.0 */
#include "bencode/scan.h"

/* The run of digits at the start of `t`. */
static struct text digits_of(struct text t)
{
    size_t len = 0;
    while (len < t.len && t.data[len] >= '0' && t.data[len] <= '9')
        len++;
    return text_of(t.data, len);
}

/* `i-5e`, the `i` being taken already */
static enum bencode_status scan_int(struct text *rest, int64_t *out)
{
    bool negative = text_starts_with(*rest, "-");
    struct text digits = digits_of(text_skip(*rest, negative ? 1 : 0));
    struct text after = text_skip(*rest, digits.len + (negative ? 1 : 0));
    const uint64_t max = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    uint64_t magnitude;

    if (after.len == 0)
        return BENCODE_TRUNCATED;
    if (after.data[0] != 'e' || !text_to_u64(digits, max, &magnitude))
        return BENCODE_BAD_INT;
    *out = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    *rest = text_skip(after, 1);
    return BENCODE_OK;
}

/* `4:spam` */
static enum bencode_status scan_string(struct text *rest, struct text *out)
{
    struct text digits = digits_of(*rest);
    struct text after = text_skip(*rest, digits.len);
    uint64_t len;

    if (!text_to_u64(digits, BENCODE_MAX_SIZE, &len))
        return BENCODE_BAD_LENGTH;
    if (after.len == 0)
        return BENCODE_TRUNCATED;
    if (after.data[0] != ':')
        return BENCODE_BAD_LENGTH;
    after = text_skip(after, 1);
    if (len > after.len)
        return BENCODE_TRUNCATED;
    *out = text_of(after.data, (size_t)len);
    *rest = text_skip(after, (size_t)len);
    return BENCODE_OK;
}

enum bencode_status bencode_scan(struct text *rest, struct bencode_token *out)
{
    struct bencode_token token = {.kind = TOKEN_STRING};
    struct text after = text_skip(*rest, 1);
    enum bencode_status status = BENCODE_OK;

    if (rest->len == 0)
        return BENCODE_TRUNCATED;
    switch (rest->data[0]) {
    case 'd':
        token.kind = TOKEN_DICT;
        break;
    case 'l':
        token.kind = TOKEN_LIST;
        break;
    case 'e':
        token.kind = TOKEN_END;
        break;
    case 'i':
        token.kind = TOKEN_INT;
        status = scan_int(&after, &token.integer);
        break;
    default:
        if (digits_of(*rest).len == 0)
            return BENCODE_BAD_TOKEN;
        after = *rest;
        status = scan_string(&after, &token.string);
        break;
    }
    if (status != BENCODE_OK)
        return status;
    *rest = after;
    *out = token;
    return BENCODE_OK;
}
