/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of the media: SRTP with its marks, and what is left of a DTLS association. */
#include "session/record_media.h"
#include "session/record_numbers.h"

static const struct record_number session_numbers[] = {
    RECORD_NUMBER(struct relay_resume_session, rtcp_begin, "rtcp-begin"),
};

static const struct fields_flag session_flags[] = {
    {"unsure", offsetof(struct relay_resume_session, unsure)},
};

static const struct record_number mark_numbers[] = {
    RECORD_NUMBER(struct rtpsec_mark, ssrc, "ssrc"),
    RECORD_NUMBER(struct rtpsec_mark, seq, "seq"),
    RECORD_NUMBER(struct rtpsec_mark, roc, "roc"),
    RECORD_NUMBER(struct rtpsec_mark, rtcp_index, "rtcp-index"),
};

static const struct fields_flag mark_flags[] = {
    {"rtp", offsetof(struct rtpsec_mark, has_rtp)},
    {"rtcp", offsetof(struct rtpsec_mark, has_rtcp)},
};

static const char *const states[] = {
    [DTLS_IDLE] = "idle",
    [DTLS_HANDSHAKING] = "handshaking",
    [DTLS_CONNECTED_UNVERIFIED] = "unverified",
    [DTLS_VERIFIED] = "verified",
    [DTLS_FAILED] = "failed",
    [DTLS_CLOSED] = "closed",
};

static const char *const roles[] = {
    [DTLS_ROLE_UNDECIDED] = "undecided",
    [DTLS_ROLE_PASSIVE] = "passive",
    [DTLS_ROLE_ACTIVE] = "active",
};

static struct text raw(const uint8_t *data, size_t len)
{
    return text_from_bytes(bytes_of(data, len));
}

/* --- SRTP --- */

void record_put_srtp(struct ng_arena *arena, struct ng_value *component, const char *name,
    const struct relay_resume_session *session)
{
    if (session->suite == NULL)
        return;
    struct ng_value *dict = ng_put_dict(arena, component, text_from(name));
    struct ng_value *marks = NULL;
    fields_put_text(arena, dict, "suite", text_from(session->suite->name));
    fields_put_text(arena, dict, "key", raw(session->key, session->suite->key_len));
    fields_put_text(arena, dict, "salt", raw(session->salt, session->suite->salt_len));
    fields_put_flags(arena, dict, session_flags, COUNT_OF(session_flags), session);
    record_put_numbers(arena, dict, RECORD_NUMBERS(session_numbers), session);
    for (uint32_t i = 0; i < session->mark_count; i++) {
        struct ng_value *entry = record_add(arena, dict, "marks", &marks);
        fields_put_flags(arena, entry, mark_flags, COUNT_OF(mark_flags), &session->marks[i]);
        record_put_numbers(arena, entry, RECORD_NUMBERS(mark_numbers), &session->marks[i]);
    }
}

static void read_mark(
    const struct fields *f, const struct relay_resume_session *session, struct rtpsec_mark *mark)
{
    fields_flags(f, mark_flags, COUNT_OF(mark_flags), mark);
    record_read_numbers(f, RECORD_NUMBERS(mark_numbers), mark);
    for (const struct rtpsec_mark *other = session->marks; other < mark; other++)
        if (other->ssrc == mark->ssrc)
            fields_refuse(f, "ssrc", "%u is the SSRC of two", mark->ssrc);
}

void record_read_srtp(const struct fields *component, const char *name, struct relay_resume *resume,
    struct relay_resume_session *out)
{
    if (!fields_has(component, name))
        return;
    struct fields f = fields_inner(component, name);
    const struct rtpsec_suite *suite = rtpsec_suite_by_name(fields_text(&f, "suite", 64));
    if (suite == NULL) {
        fields_refuse(&f, "suite", "not one that is known");
        return;
    }
    record_read_bytes(&f, "key", out->key, suite->key_len);
    record_read_bytes(&f, "salt", out->salt, suite->salt_len);
    fields_flags(&f, session_flags, COUNT_OF(session_flags), out);
    record_read_numbers(&f, RECORD_NUMBERS(session_numbers), out);
    out->suite = suite;
    uint32_t max = text_is(text_from(name), "rx") ? RTPSEC_RX_SSRCS : RTPSEC_TX_SSRCS;
    struct fields_list it = fields_list(&f, "marks", NG_DICT, max);
    struct fields entry;
    out->marks = record_alloc(&f, resume, it.count, sizeof(*out->marks));
    while (fields_next(&f, &it, &entry))
        read_mark(&entry, out, &out->marks[out->mark_count++]);
}

/* --- DTLS --- */

static void put_digests(
    struct ng_arena *arena, struct ng_value *dict, const struct dtls_saved *saved)
{
    struct ng_value *digests = ng_put_dict(arena, dict, TEXT("digests"));
    for (unsigned i = 0; i < DTLS_HASHES; i++)
        fields_put_text(arena, digests, dtls_hash_name((enum dtls_hash)i),
            raw(saved->digests[i], dtls_hash_len((enum dtls_hash)i)));
}

static void put_keys(
    struct ng_arena *arena, struct ng_value *dict, const struct dtls_srtp_keys *keys)
{
    const struct rtpsec_suite *suite = rtpsec_suite_by_dtls_profile(keys->profile);
    if (suite == NULL)
        return;
    fields_put_text(arena, dict, "suite", text_from(suite->name));
    fields_put_text(arena, dict, "rx-key", raw(keys->rx_key, keys->key_len));
    fields_put_text(arena, dict, "rx-salt", raw(keys->rx_salt, keys->salt_len));
    fields_put_text(arena, dict, "tx-key", raw(keys->tx_key, keys->key_len));
    fields_put_text(arena, dict, "tx-salt", raw(keys->tx_salt, keys->salt_len));
}

void record_put_dtls(
    struct ng_arena *arena, struct ng_value *component, const struct dtls_saved *saved)
{
    struct ng_value *dict = ng_put_dict(arena, component, TEXT("dtls"));
    fields_put_choice(arena, dict, "state", states, saved->state, DTLS_IDLE);
    fields_put_choice(arena, dict, "role", roles, saved->role, DTLS_ROLE_UNDECIDED);
    put_keys(arena, dict, &saved->keys);
    put_digests(arena, dict, saved);
    fields_put_text(arena, dict, "flight", raw(saved->flight, saved->flight_len));
    fields_put_text(arena, dict, "farewell", raw(saved->farewell, saved->farewell_len));
}

static void read_keys(const struct fields *f, struct dtls_srtp_keys *keys)
{
    const struct rtpsec_suite *suite = rtpsec_suite_by_name(fields_text(f, "suite", 64));
    if (suite == NULL || suite->dtls_profile == 0) {
        fields_refuse(f, "suite", "not one of DTLS that is known");
        return;
    }
    keys->profile = suite->dtls_profile;
    keys->key_len = suite->key_len;
    keys->salt_len = suite->salt_len;
    record_read_bytes(f, "rx-key", keys->rx_key, keys->key_len);
    record_read_bytes(f, "rx-salt", keys->rx_salt, keys->salt_len);
    record_read_bytes(f, "tx-key", keys->tx_key, keys->key_len);
    record_read_bytes(f, "tx-salt", keys->tx_salt, keys->salt_len);
}

static void read_digests(const struct fields *dtls, struct dtls_saved *saved)
{
    struct fields f = fields_inner(dtls, "digests");
    for (unsigned i = 0; i < DTLS_HASHES; i++)
        record_read_bytes(&f, dtls_hash_name((enum dtls_hash)i), saved->digests[i],
            dtls_hash_len((enum dtls_hash)i));
}

static uint16_t read_datagram(const struct fields *f, const char *name, uint8_t *out, size_t max)
{
    struct text datagram = fields_text(f, name, max);
    if (datagram.len > 0)
        memcpy(out, datagram.data, datagram.len);
    return (uint16_t)datagram.len;
}

struct dtls_saved *record_read_dtls(const struct fields *component, struct relay_resume *resume)
{
    if (!fields_has(component, "dtls"))
        return NULL;
    struct fields f = fields_inner(component, "dtls");
    struct dtls_saved *saved = record_alloc(&f, resume, 1, sizeof(*saved));
    if (saved == NULL)
        return NULL;
    saved->state = (enum dtls_state)fields_choice(&f, "state", states, COUNT_OF(states), DTLS_IDLE);
    saved->role =
        (enum dtls_role)fields_choice(&f, "role", roles, COUNT_OF(roles), DTLS_ROLE_UNDECIDED);
    if (saved->state != DTLS_CONNECTED_UNVERIFIED && saved->state != DTLS_VERIFIED &&
        saved->state != DTLS_CLOSED)
        fields_refuse(&f, "state", "the handshake is not complete");
    if (saved->role == DTLS_ROLE_UNDECIDED)
        fields_refuse(&f, "role", "missing");
    read_keys(&f, &saved->keys);
    read_digests(&f, saved);
    saved->flight_len = read_datagram(&f, "flight", saved->flight, sizeof(saved->flight));
    saved->farewell_len = read_datagram(&f, "farewell", saved->farewell, sizeof(saved->farewell));
    return saved;
}
