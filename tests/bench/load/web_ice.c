/* SPDX-License-Identifier: Apache-2.0 */
#include "web_ice.h"

#include "ice/candidate.h"
#include "stun/integrity.h"

static struct text name_text(const struct ice_name *name)
{
    return text_of(name->data, name->len);
}

static bool copy_name(struct ice_name *name, struct text from)
{
    if (from.len == 0 || from.len > sizeof(name->data))
        return false;
    memcpy(name->data, from.data, from.len);
    name->len = (uint16_t)from.len;
    return true;
}

bool web_ice_init(struct web_ice *ice, const struct web_ice_credentials *credentials)
{
    *ice = (struct web_ice){.due_ms = UINT64_MAX};
    return copy_name(&ice->local_ufrag, credentials->local_ufrag) &&
           copy_name(&ice->local_pwd, credentials->local_pwd) &&
           copy_name(&ice->remote_ufrag, credentials->remote_ufrag) &&
           copy_name(&ice->remote_pwd, credentials->remote_pwd);
}

void web_ice_start(struct web_ice *ice, uint64_t now_ms)
{
    ice->due_ms = ice->consent_ms = now_ms;
}

/* --- our checks --------------------------------------------------------------------------------
 */

static void write_username(const struct web_ice *ice, struct writer *out)
{
    uint8_t room[2 * ICE_NAME_MAX + 1];
    struct writer w = writer_over(room, sizeof(room));
    writer_put(&w, text_bytes(name_text(&ice->remote_ufrag)));
    writer_u8(&w, ':');
    writer_put(&w, text_bytes(name_text(&ice->local_ufrag)));
    stun_write_attr(out, STUN_USERNAME, writer_bytes(&w));
}

static void write_check(const struct web_ice *ice, struct writer *out)
{
    stun_begin(out, stun_type(STUN_BINDING, STUN_REQUEST), bytes_of(ice->id, sizeof(ice->id)));
    write_username(ice, out);
    stun_write_u32(out, STUN_PRIORITY, ice_priority(ICE_PEER_REFLEXIVE, 0, 1));
    stun_write_u64(out, ice->is_controlled ? STUN_ICE_CONTROLLED : STUN_ICE_CONTROLLING, 0);
    if (!ice->is_controlled)
        stun_write_attr(out, STUN_USE_CANDIDATE, bytes_of(NULL, 0));
    stun_write_integrity(out, text_bytes(name_text(&ice->remote_pwd)));
    stun_write_fingerprint(out);
}

/* An owner who was late for it does not lose the peer's consent. */
static void begin_new_check(
    struct web_ice *ice, const uint8_t random[STUN_ID_SIZE], uint64_t now_ms)
{
    const uint64_t longest = WEB_ICE_CONSENT_EVERY_MS / 5 * 6;
    memcpy(ice->id, random, sizeof(ice->id));
    if (now_ms - ice->consent_ms > longest)
        ice->consent_ms = now_ms - longest;
}

/* A retransmission keeps its id (RFC 8489, section 6.2.1); `wait_ms` is 0 for a new check. */
static void begin_check(struct web_ice *ice, const uint8_t random[STUN_ID_SIZE], uint64_t now_ms)
{
    if (ice->wait_ms == 0)
        begin_new_check(ice, random, now_ms);
    unsigned wait = ice->wait_ms == 0 ? WEB_ICE_RETRY_MS : 2 * ice->wait_ms;
    ice->wait_ms = wait < WEB_ICE_RETRY_MAX_MS ? wait : WEB_ICE_RETRY_MAX_MS;
}

bool web_ice_tick(
    struct web_ice *ice, const uint8_t random[STUN_ID_SIZE], uint64_t now_ms, struct writer *out)
{
    if (now_ms < web_ice_due_ms(ice))
        return false;
    begin_check(ice, random, now_ms);
    if (ice->state == WEB_ICE_SELECTED && now_ms - ice->consent_ms >= ICE_CONSENT_MS) {
        ice->state = WEB_ICE_LOST;
        return false;
    }
    ice->due_ms = now_ms + ice->wait_ms;
    write_check(ice, out);
    return true;
}

uint64_t web_ice_due_ms(const struct web_ice *ice)
{
    return ice->state == WEB_ICE_LOST ? UINT64_MAX : ice->due_ms;
}

static void select_if_agreed(struct web_ice *ice)
{
    if (ice->state == WEB_ICE_CHECKING && ice->is_answered &&
        (!ice->is_controlled || ice->is_nominated))
        ice->state = WEB_ICE_SELECTED;
}

/* The next check is one of consent; its time lies in the id, which is random. */
static void wait_for_next(struct web_ice *ice, uint64_t now_ms)
{
    const unsigned least = WEB_ICE_CONSENT_EVERY_MS / 5 * 4,
                   span = WEB_ICE_CONSENT_EVERY_MS / 5 * 2;
    unsigned random = (unsigned)ice->id[0] << 8 | ice->id[1];
    ice->wait_ms = 0;
    ice->due_ms = now_ms + least + random % span;
}

static void take_role(struct web_ice *ice, bool is_controlled, uint64_t now_ms)
{
    if (ice->is_controlled == is_controlled)
        return;
    ice->is_controlled = is_controlled;
    ice->wait_ms = 0; /* a new check */
    ice->due_ms = now_ms;
}

static void take_error(struct web_ice *ice, const struct stun_message *m, uint64_t now_ms)
{
    struct bytes value;
    struct text reason;
    if (!stun_find(m, STUN_ERROR_CODE, &value) ||
        !stun_read_error(value, &ice->error_code, &reason))
        return;
    if (ice->error_code == STUN_ROLE_CONFLICT)
        take_role(ice, !ice->is_controlled, now_ms);
}

static void take_answer(struct web_ice *ice, const struct stun_message *m, uint64_t now_ms)
{
    if (!bytes_equal(m->id, bytes_of(ice->id, sizeof(ice->id))) || ice->wait_ms == 0)
        return;
    if (stun_class_of(m->type) == STUN_ERROR) {
        take_error(ice, m, now_ms);
        return;
    }
    if (stun_check_integrity(m, text_bytes(name_text(&ice->remote_pwd))) != STUN_CHECK_RIGHT)
        return;
    ice->is_answered = true;
    ice->consent_ms = now_ms;
    wait_for_next(ice, now_ms);
    select_if_agreed(ice);
}

/* --- the peer's checks -------------------------------------------------------------------------
 */

static void answer(const struct web_ice *ice, const struct stun_message *m,
    const struct address *source, struct writer *reply)
{
    stun_begin(reply, stun_type(STUN_BINDING, STUN_SUCCESS), m->id);
    stun_write_xor_address(reply, STUN_XOR_MAPPED_ADDRESS, source);
    stun_write_integrity(reply, text_bytes(name_text(&ice->local_pwd)));
    stun_write_fingerprint(reply);
}

static void take_request(struct web_ice *ice, const struct stun_message *m,
    const struct address *source, uint64_t now_ms, struct writer *reply)
{
    if (stun_check_integrity(m, text_bytes(name_text(&ice->local_pwd))) != STUN_CHECK_RIGHT)
        return;
    if (stun_has(m, STUN_ICE_CONTROLLING))
        take_role(ice, true, now_ms);
    ice->is_nominated = ice->is_nominated || stun_has(m, STUN_USE_CANDIDATE);
    select_if_agreed(ice);
    answer(ice, m, source, reply);
}

void web_ice_receive(struct web_ice *ice, struct bytes datagram, const struct address *source,
    uint64_t now_ms, struct writer *reply)
{
    struct stun_message m;
    if (stun_parse(datagram, &m) != STUN_OK || stun_method_of(m.type) != STUN_BINDING ||
        stun_check_fingerprint(&m) == STUN_CHECK_WRONG)
        return;
    if (stun_class_of(m.type) == STUN_REQUEST)
        take_request(ice, &m, source, now_ms, reply);
    else if (stun_class_of(m.type) != STUN_INDICATION)
        take_answer(ice, &m, now_ms);
}
