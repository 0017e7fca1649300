/* SPDX-License-Identifier: Apache-2.0 */
#include "credentials/rest.h"

#include <stdio.h>

#include "mediaferry/base64.h"
#include "stun/hmac.h"

static bool read_time(struct text t, int64_t *out)
{
    uint64_t number;
    if (!text_to_u64(t, INT64_MAX, &number))
        return false;
    *out = (int64_t)number;
    return true;
}

/* What stands behind the last `separator`; `head` becomes what is before it. */
static struct text cut_last(struct text *head, char separator)
{
    const char *at = head->len > 0 ? memrchr(head->data, separator, head->len) : NULL;
    if (at == NULL)
        return text_of(NULL, 0);
    struct text tail = text_skip(*head, (size_t)(at - head->data) + 1);
    head->len = (size_t)(at - head->data);
    return tail;
}

bool rest_parse(struct text username, char separator, struct rest_name *out)
{
    struct text rest = username, head = username;
    struct text first = text_cut(&rest, separator);
    int64_t expires_s;

    if (read_time(first, &expires_s)) {
        *out = (struct rest_name){.expires_s = expires_s, .user = rest};
        return true;
    }
    struct text last = cut_last(&head, separator);
    if (!read_time(last, &expires_s))
        return false;
    *out = (struct rest_name){.expires_s = expires_s, .user = head};
    return true;
}

bool rest_password(struct text username, struct text secret, char out[REST_PASSWORD_SIZE])
{
    uint8_t mac[HMAC_SHA1_SIZE];
    struct bytes name = text_bytes(username);
    struct writer w = writer_over(out, REST_PASSWORD_SIZE);

    if (!hmac_compute(HMAC_SHA1, text_bytes(secret), &name, 1, mac))
        return false;
    base64_encode(&w, bytes_of(mac, sizeof(mac)));
    return writer_ok(&w);
}

bool rest_issue(struct text user, char separator, int64_t expires_s, struct text secret,
    struct rest_credentials *out)
{
    char digits[24];
    struct writer w = writer_over(out->username, sizeof(out->username));

    snprintf(digits, sizeof(digits), "%lld", (long long)expires_s);
    writer_put(&w, text_bytes(text_from(digits)));
    if (user.len > 0) {
        writer_u8(&w, (uint8_t)separator);
        writer_put(&w, text_bytes(user));
    }
    out->username_len = w.len;
    return writer_ok(&w) && rest_password(text_of(out->username, w.len), secret, out->password);
}
