/* SPDX-License-Identifier: Apache-2.0 */
/* The public Binding service (RFC 8489, sections 6.3 and 12). */
#include "mediaferry/stun.h"

enum { MAX_UNKNOWN = 16 };

/* Credentials are no concern of this service: who sends them is answered like everybody. */
static const uint16_t known[] = {
    STUN_MAPPED_ADDRESS,
    STUN_USERNAME,
    STUN_MESSAGE_INTEGRITY,
    STUN_ERROR_CODE,
    STUN_UNKNOWN_ATTRIBUTES,
    STUN_REALM,
    STUN_NONCE,
    STUN_MESSAGE_INTEGRITY_SHA256,
    STUN_PASSWORD_ALGORITHM,
    STUN_USERHASH,
    STUN_XOR_MAPPED_ADDRESS,
};

static void write_refusal(
    struct writer *reply, struct bytes id, const uint16_t *unknown, size_t count)
{
    stun_begin(reply, stun_type(STUN_BINDING, STUN_ERROR), id);
    stun_write_error(reply, STUN_UNKNOWN_ATTRIBUTE, text_of(NULL, 0));
    stun_write_unknown(reply, unknown, count);
}

static void write_success(struct writer *reply, struct bytes id, const struct address *source)
{
    stun_begin(reply, stun_type(STUN_BINDING, STUN_SUCCESS), id);
    stun_write_xor_address(reply, STUN_XOR_MAPPED_ADDRESS, source);
}

enum stun_answer stun_answer_binding(
    struct bytes datagram, const struct address *source, struct text software, struct writer *reply)
{
    struct stun_message m;
    uint16_t unknown[MAX_UNKNOWN];

    if (stun_parse(datagram, &m) != STUN_OK || m.type != stun_type(STUN_BINDING, STUN_REQUEST))
        return STUN_ANSWER_NONE;
    enum stun_check fingerprint = stun_check_fingerprint(&m);
    if (fingerprint == STUN_CHECK_WRONG)
        return STUN_ANSWER_NONE;

    size_t count = stun_unknown_required(&m, known, COUNT_OF(known), unknown, MAX_UNKNOWN);
    if (count > 0)
        write_refusal(reply, m.id, unknown, count);
    else
        write_success(reply, m.id, source);

    size_t fingerprint_len =
        fingerprint == STUN_CHECK_RIGHT ? STUN_ATTR_HEADER_SIZE + STUN_FINGERPRINT_SIZE : 0;
    size_t software_len = STUN_ATTR_HEADER_SIZE + (software.len + 3) / 4 * 4;
    if (software.len > 0 && reply->len + software_len + fingerprint_len <= datagram.len)
        stun_write_attr(reply, STUN_SOFTWARE, text_bytes(software));
    if (fingerprint == STUN_CHECK_RIGHT)
        stun_write_fingerprint(reply);

    if (!writer_ok(reply))
        return STUN_ANSWER_NONE;
    return count > 0 ? STUN_ANSWER_UNKNOWN_ATTRIBUTE : STUN_ANSWER_SUCCESS;
}
