/* SPDX-License-Identifier: Apache-2.0 */
/* DTLS as the SDP tells it (RFC 5763, 8842): setup, fingerprint, tls-id. */
#include "call/negotiate.h"

static void make_text_id(const struct work *w, char *out, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    uint8_t random[CALL_TLS_ID_LEN / 2];
    w->env->random(random, sizeof(random));
    for (size_t i = 0; i < len; i++)
        out[i] = hex[i % 2 == 0 ? random[i / 2] >> 4 : random[i / 2] & 15];
    out[len] = '\0';
}

void dtls_new_id(const struct work *w, struct dtls_state *dtls)
{
    make_text_id(w, dtls->our_tls_id, CALL_TLS_ID_LEN);
    dtls->generation++;
    dtls->role = PLAN_DTLS_UNDECIDED;
}

/* Of several fingerprints (RFC 8122, section 5) the one with the hash of before, else the first
 * that can be read. */
static bool next_fingerprint(
    struct text lines, enum sdp_hash preferred, struct sdp_fingerprint *out)
{
    bool found = false;
    struct sdp_attr attr;
    struct sdp_fingerprint f;
    while (sdp_next_attr(&lines, &attr)) {
        if (attr.kind != SDP_ATTR_FINGERPRINT || !sdp_read_fingerprint(attr.value, &f) ||
            f.hash == SDP_HASH_OTHER)
            continue;
        if (!found || f.hash == preferred)
            *out = f;
        found = true;
        if (f.hash == preferred)
            break;
    }
    return found;
}

static bool find_fingerprint(const struct work *w, const struct sdp_media *media,
    enum sdp_hash preferred, struct sdp_fingerprint *out)
{
    return next_fingerprint(media->lines, preferred, out) ||
           next_fingerprint(w->sdp.lines, preferred, out);
}

static bool find_setup(const struct work *w, const struct sdp_media *media, enum sdp_setup *out)
{
    struct sdp_attr attr;
    return negotiate_attr(&w->sdp, media, SDP_ATTR_SETUP, &attr) && sdp_read_setup(attr.value, out);
}

void dtls_read(struct work *w, struct dtls_state *dtls, const struct sdp_media *media)
{
    struct sdp_fingerprint f;
    /* An answer without a=setup comes from those who connect; an offer without is not DTLS. */
    enum sdp_setup setup = SDP_SETUP_ACTIVE;
    bool has_setup = find_setup(w, media, &setup);
    dtls->theirs = find_fingerprint(w, media, dtls->hash, &f) && (has_setup || !w->is_offer);
    if (!dtls->theirs)
        return;

    struct sdp_attr attr;
    struct text tls_id = text_of(NULL, 0);
    if (negotiate_attr(&w->sdp, media, SDP_ATTR_TLS_ID, &attr) &&
        !sdp_read_word(attr.value, &tls_id))
        tls_id = text_of(NULL, 0);

    bool other_key = dtls->digest_len != f.len || dtls->hash != f.hash ||
                     memcmp(dtls->digest, f.bytes, f.len) != 0;
    bool other_id = dtls->tls_id.len > 0 && tls_id.len > 0 && !text_equal(dtls->tls_id, tls_id);
    bool restarted = dtls->digest_len > 0 && (other_key || other_id);
    if (dtls->generation == 0 || restarted)
        dtls_new_id(w, dtls);
    dtls->setup = setup;
    dtls->hash = f.hash;
    dtls->digest_len = f.len;
    memcpy(dtls->digest, f.bytes, f.len);
    dtls->tls_id = arena_text(&w->call->arena, tls_id);
}

/* RFC 8842, section 5.5: another role means another association. */
static void take_role(struct dtls_state *dtls, enum plan_dtls_role role)
{
    if (dtls->role != PLAN_DTLS_UNDECIDED && dtls->role != role)
        dtls->generation++;
    dtls->role = role;
}

void dtls_accept(struct dtls_state *dtls)
{
    if (dtls->setup == SDP_SETUP_ACTIVE)
        take_role(dtls, PLAN_DTLS_PASSIVE);
    else if (dtls->setup == SDP_SETUP_PASSIVE)
        take_role(dtls, PLAN_DTLS_ACTIVE);
    else if (dtls->role == PLAN_DTLS_UNDECIDED)
        dtls->role = PLAN_DTLS_PASSIVE;
}

void dtls_answer(struct dtls_state *dtls)
{
    if (dtls->setup == SDP_SETUP_ACTIVE)
        take_role(dtls, PLAN_DTLS_PASSIVE);
    else if (dtls->setup == SDP_SETUP_PASSIVE)
        take_role(dtls, PLAN_DTLS_ACTIVE);
    else if (dtls->setup == SDP_SETUP_ACTPASS && dtls->role == PLAN_DTLS_UNDECIDED)
        dtls->role = dtls->prefer_passive ? PLAN_DTLS_PASSIVE : PLAN_DTLS_ACTIVE;
}
