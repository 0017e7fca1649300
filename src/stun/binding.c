/* SPDX-License-Identifier: Apache-2.0 */
/* The public Binding service (RFC 8489, sections 6.3 and 12). */
#include "mediaferry/stun.h"

enum { MAX_UNKNOWN = 16, MAX_PADDING = 1500 };

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
    /* RFC 5780; the last of the table. */
    STUN_CHANGE_REQUEST,
    STUN_PADDING,
    STUN_RESPONSE_PORT,
};
enum { DISCOVERY_ATTRIBUTES = 3 };

static void write_unknown(
    struct writer *reply, struct bytes id, const uint16_t *types, size_t count)
{
    stun_begin(reply, stun_type(STUN_BINDING, STUN_ERROR), id);
    stun_write_error(reply, STUN_UNKNOWN_ATTRIBUTE, text_of(NULL, 0));
    stun_write_unknown(reply, types, count);
}

static void write_bad_request(struct writer *reply, struct bytes id)
{
    stun_begin(reply, stun_type(STUN_BINDING, STUN_ERROR), id);
    stun_write_error(reply, STUN_BAD_REQUEST, text_of(NULL, 0));
}

static void write_success(struct writer *reply, struct bytes id, const struct address *source,
    const struct stun_binding_manner *manner)
{
    stun_begin(reply, stun_type(STUN_BINDING, STUN_SUCCESS), id);
    stun_write_xor_address(reply, STUN_XOR_MAPPED_ADDRESS, source);
    if (manner->origin.family != ADDRESS_NONE) {
        stun_write_address(reply, STUN_MAPPED_ADDRESS, source);
        stun_write_address(reply, STUN_RESPONSE_ORIGIN, &manner->origin);
    }
    if (manner->other.family != ADDRESS_NONE)
        stun_write_address(reply, STUN_OTHER_ADDRESS, &manner->other);
}

/* `limit`: the length of the whole reply that nobody gains by. */
static void write_padding(struct writer *reply, size_t limit)
{
    static const uint8_t zeros[MAX_PADDING];
    size_t used = reply->len + STUN_ATTR_HEADER_SIZE;
    size_t len = limit > used ? (limit - used) / 4 * 4 : 0;
    stun_write_attr(reply, STUN_PADDING, bytes_of(zeros, len < MAX_PADDING ? len : MAX_PADDING));
}

static void write_extras(struct writer *reply, const struct stun_message *m, bool is_success,
    bool has_fingerprint, const struct stun_binding_manner *manner)
{
    size_t fingerprint_len = has_fingerprint ? STUN_ATTR_HEADER_SIZE + STUN_FINGERPRINT_SIZE : 0;
    size_t limit = m->whole.len - fingerprint_len;
    size_t software_len = STUN_ATTR_HEADER_SIZE + (manner->software.len + 3) / 4 * 4;

    if (manner->software.len > 0 && reply->len + software_len <= limit)
        stun_write_attr(reply, STUN_SOFTWARE, text_bytes(manner->software));
    if (is_success && manner->is_padded)
        write_padding(reply, limit);
    if (has_fingerprint)
        stun_write_fingerprint(reply);
}

enum stun_answer stun_answer_binding_request(const struct stun_message *m,
    const struct address *source, const struct stun_binding_manner *manner, struct writer *reply)
{
    enum stun_answer answer = STUN_ANSWER_SUCCESS;
    uint16_t unknown[MAX_UNKNOWN];

    if (m->type != stun_type(STUN_BINDING, STUN_REQUEST))
        return STUN_ANSWER_NONE;
    enum stun_check fingerprint = stun_check_fingerprint(m);
    if (fingerprint == STUN_CHECK_WRONG)
        return STUN_ANSWER_NONE;

    size_t known_count = COUNT_OF(known) - (manner->knows_discovery ? 0 : DISCOVERY_ATTRIBUTES);
    size_t count = stun_unknown_required(m, known, known_count, unknown, MAX_UNKNOWN);
    if (count > 0) {
        answer = STUN_ANSWER_UNKNOWN_ATTRIBUTE;
        write_unknown(reply, m->id, unknown, count);
    } else if (manner->is_bad) {
        answer = STUN_ANSWER_BAD_REQUEST;
        write_bad_request(reply, m->id);
    } else {
        write_success(reply, m->id, source, manner);
    }
    write_extras(reply, m, answer == STUN_ANSWER_SUCCESS, fingerprint == STUN_CHECK_RIGHT, manner);
    return writer_ok(reply) ? answer : STUN_ANSWER_NONE;
}

enum stun_answer stun_answer_binding(
    struct bytes datagram, const struct address *source, struct text software, struct writer *reply)
{
    const struct stun_binding_manner manner = {.software = software};
    struct stun_message m;

    if (stun_parse(datagram, &m) != STUN_OK)
        return STUN_ANSWER_NONE;
    return stun_answer_binding_request(&m, source, &manner, reply);
}
