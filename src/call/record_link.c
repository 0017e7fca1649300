/* SPDX-License-Identifier: Apache-2.0 */
/* What is agreed about a transport: ICE, DTLS and SDES. Keys and fingerprints are written as in
 * SDP. */
#include "call/record_parts.h"

#include <inttypes.h>
#include <stdio.h>

#include "mediaferry/sdp_write.h"

static const char *const securities[] = {
    [PLAN_PLAIN] = "plain", [PLAN_SDES] = "SDES", [PLAN_DTLS] = "DTLS"};

static const char *const roles[] = {
    [PLAN_DTLS_UNDECIDED] = "undecided",
    [PLAN_DTLS_PASSIVE] = "passive",
    [PLAN_DTLS_ACTIVE] = "active",
};

static const struct fields_flag ice_flags[] = {
    {"used", offsetof(struct ice_state, used)},
    {"theirs", offsetof(struct ice_state, theirs)},
    {"lite", offsetof(struct ice_state, lite)},
    {"trickle", offsetof(struct ice_state, trickle)},
};

static const struct fields_flag dtls_flags[] = {
    {"offered", offsetof(struct dtls_state, offered)},
    {"theirs", offsetof(struct dtls_state, theirs)},
    {"prefer-passive", offsetof(struct dtls_state, prefer_passive)},
};

/* --- writing --- */

/* "component priority address" */
static void put_candidates(
    struct ng_arena *arena, struct ng_value *dict, const struct ice_state *ice)
{
    char text[ADDRESS_TEXT_SIZE], line[ADDRESS_TEXT_SIZE + 32];
    if (ice->candidate_count == 0)
        return;
    struct ng_value *list = ng_put_list(arena, dict, TEXT("candidates"));
    for (uint8_t i = 0; i < ice->candidate_count; i++) {
        const struct plan_candidate *c = &ice->candidates[i];
        snprintf(line, sizeof(line), "%u %" PRIu32 " %s", c->component, c->priority,
            address_text(&c->address, text));
        ng_add_string(arena, list, text_from(line));
    }
}

static void put_ice(struct ng_arena *arena, struct ng_value *dict, const struct ice_state *ice)
{
    fields_put_flags(arena, dict, ice_flags, COUNT_OF(ice_flags), ice);
    fields_put_number(arena, dict, "generation", ice->generation, 0);
    fields_put_text(arena, dict, "ufrag", text_from(ice->ufrag));
    fields_put_text(arena, dict, "pwd", text_from(ice->pwd));
    fields_put_text(arena, dict, "their-ufrag", ice->their_ufrag);
    fields_put_text(arena, dict, "their-pwd", ice->their_pwd);
    put_candidates(arena, dict, ice);
}

/* The value of the attribute that was written, without a=NAME: and the end of the line. */
static struct text attribute_value(const struct writer *w)
{
    struct text line = text_from_bytes(writer_bytes(w));
    (void)text_cut(&line, ':');
    return text_cut(&line, '\r');
}

static void put_fingerprint(
    struct ng_arena *arena, struct ng_value *dict, const struct dtls_state *dtls)
{
    char line[256];
    struct writer w = writer_over(line, sizeof(line));
    struct sdp_fingerprint f = {.hash = dtls->hash, .len = dtls->digest_len};
    if (dtls->digest_len == 0)
        return;
    memcpy(f.bytes, dtls->digest, dtls->digest_len);
    sdp_write_fingerprint(&w, &f);
    fields_put_text(arena, dict, "fingerprint", attribute_value(&w));
}

static void put_dtls(struct ng_arena *arena, struct ng_value *dict, const struct dtls_state *dtls)
{
    fields_put_flags(arena, dict, dtls_flags, COUNT_OF(dtls_flags), dtls);
    put_fingerprint(arena, dict, dtls);
    if (dtls->setup != SDP_SETUP_ACTIVE)
        fields_put_text(arena, dict, "setup", text_from(sdp_setup_name(dtls->setup)));
    fields_put_text(arena, dict, "tls-id", text_from(dtls->our_tls_id));
    fields_put_text(arena, dict, "their-tls-id", dtls->tls_id);
    fields_put_choice(arena, dict, "role", roles, dtls->role, PLAN_DTLS_UNDECIDED);
    fields_put_number(arena, dict, "generation", dtls->generation, 0);
}

static struct ng_value *key_value(struct ng_arena *arena, const struct sdes_key *key)
{
    char line[256];
    struct writer w = writer_over(line, sizeof(line));
    sdes_write_key(&w, key);
    struct ng_value *value = ng_string(arena, attribute_value(&w));
    explicit_bzero(line, sizeof(line));
    return value;
}

static void put_sdes(struct ng_arena *arena, struct ng_value *dict, const struct link *l)
{
    if (l->sdes_offered != NULL) {
        struct ng_value *list = ng_put_list(arena, dict, TEXT("offered-keys"));
        for (uint8_t i = 0; i < l->sdes_offered->count; i++)
            ng_add(list, key_value(arena, &l->sdes_offered->keys[i]));
    }
    if (l->sdes == NULL)
        return;
    ng_put(arena, dict, TEXT("our-key"), key_value(arena, &l->sdes->ours));
    ng_put(arena, dict, TEXT("their-key"), key_value(arena, &l->sdes->theirs));
}

/* RTCP goes to the port after that of RTP, unless the party says otherwise (RFC 3550, section 11).
 */
static struct address usual_rtcp(const struct address *rtp)
{
    struct address next = {0};
    if (rtp->family != ADDRESS_NONE && rtp->port < UINT16_MAX) {
        next = *rtp;
        next.port++;
    }
    return next;
}

static void put_rtcp(struct ng_arena *arena, struct ng_value *dict, const struct link *l)
{
    struct address usual = usual_rtcp(&l->rtp);
    if (address_equal(&l->rtcp, &usual))
        return;
    if (l->rtcp.family == ADDRESS_NONE)
        ng_put_string(arena, dict, TEXT("rtcp"), text_of(NULL, 0));
    fields_put_address(arena, dict, "rtcp", &l->rtcp);
}

void record_put_link(struct ng_arena *arena, struct ng_value *dict, const struct link *l)
{
    struct ng_value *ice = ng_dict(arena), *dtls = ng_dict(arena);
    fields_put_address(arena, dict, "rtp", &l->rtp);
    put_rtcp(arena, dict, l);
    fields_put_choice(arena, dict, "security", securities, l->security, PLAN_PLAIN);
    if (ice != NULL)
        put_ice(arena, ice, &l->ice);
    if (dtls != NULL)
        put_dtls(arena, dtls, &l->dtls);
    fields_put(arena, dict, "ICE", ice);
    fields_put(arena, dict, "DTLS", dtls);
    put_sdes(arena, dict, l);
}

/* --- reading --- */

/* Names that we made: of one length, out of letters and digits; or none yet. */
static void read_own_name(const struct fields *f, const char *name, size_t len, char *out)
{
    struct text text = fields_word(f, name, len);
    if (text.len == 0)
        return;
    bool fits = text.len == len;
    for (size_t i = 0; i < text.len; i++) {
        char c = text_lower(text.data[i]);
        fits = fits && ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'));
    }
    if (fits)
        memcpy(out, text.data, len);
    else
        fields_refuse(f, name, "not %zu letters and digits", len);
}

static bool read_candidate(struct text text, struct plan_candidate *out)
{
    uint64_t component, priority;
    if (!text_to_u64(text_cut(&text, ' '), 2, &component) || component == 0 ||
        !text_to_u64(text_cut(&text, ' '), UINT32_MAX, &priority))
        return false;
    *out = (struct plan_candidate){.component = (uint8_t)component, .priority = (uint32_t)priority};
    return address_parse_with_port(text, 0, &out->address) && out->address.port != 0 &&
           !address_is_unspecified(&out->address);
}

static void read_candidates(struct record_in *in, const struct fields *f, struct ice_state *ice)
{
    struct fields_list list = fields_list(f, "candidates", NG_STRING, PLAN_MAX_CANDIDATES);
    if (list.count == 0)
        return;
    ice->candidates = arena_alloc(&in->call->arena, list.count * sizeof(*ice->candidates));
    if (ice->candidates == NULL)
        return;
    for (const struct ng_value *at = list.next; at != NULL; at = at->next)
        if (!read_candidate(at->string, &ice->candidates[ice->candidate_count++])) {
            fields_refuse(f, "candidates", "entry %u is not \"component priority address\"",
                ice->candidate_count - 1U);
            return;
        }
}

static void read_ice(struct record_in *in, const struct fields *f, struct ice_state *ice)
{
    fields_flags(f, ice_flags, COUNT_OF(ice_flags), ice);
    ice->generation = (uint32_t)fields_number(f, "generation", 0, UINT32_MAX, 0);
    read_own_name(f, "ufrag", CALL_UFRAG_LEN, ice->ufrag);
    read_own_name(f, "pwd", CALL_PWD_LEN, ice->pwd);
    if ((ice->ufrag[0] == '\0') != (ice->pwd[0] == '\0'))
        fields_refuse(f, "pwd", "it comes with a ufrag");
    ice->their_ufrag = fields_word(f, "their-ufrag", PLAN_UFRAG_SIZE - 1);
    ice->their_pwd = fields_word(f, "their-pwd", PLAN_PWD_SIZE - 1);
    if (ice->theirs && (ice->their_ufrag.len == 0 || ice->their_pwd.len == 0))
        fields_refuse(f, "their-pwd", "missing, or their-ufrag is");
    read_candidates(in, f, ice);
}

static void read_fingerprint(const struct fields *f, struct dtls_state *dtls)
{
    struct text text = fields_text(f, "fingerprint", 256);
    struct sdp_fingerprint read;
    if (text.len == 0) {
        if (dtls->theirs)
            fields_refuse(f, "fingerprint", "missing");
        return;
    }
    if (!sdp_read_fingerprint(text, &read) || read.hash == SDP_HASH_OTHER) {
        fields_refuse(f, "fingerprint", "not as in SDP, or an unknown hash");
        return;
    }
    dtls->hash = read.hash;
    dtls->digest_len = read.len;
    memcpy(dtls->digest, read.bytes, read.len);
}

static void read_dtls(const struct fields *f, struct dtls_state *dtls)
{
    fields_flags(f, dtls_flags, COUNT_OF(dtls_flags), dtls);
    read_fingerprint(f, dtls);
    struct text setup = fields_text(f, "setup", 16);
    if (setup.len > 0 && !sdp_read_setup(setup, &dtls->setup))
        fields_refuse(f, "setup", "not a word that is known");
    read_own_name(f, "tls-id", CALL_TLS_ID_LEN, dtls->our_tls_id);
    dtls->tls_id = fields_word(f, "their-tls-id", CALL_MAX_SDP);
    dtls->role =
        (enum plan_dtls_role)fields_choice(f, "role", roles, COUNT_OF(roles), PLAN_DTLS_UNDECIDED);
    dtls->generation = (uint32_t)fields_number(f, "generation", 0, UINT32_MAX, 0);
}

static void read_offered_keys(struct record_in *in, const struct fields *f, struct link *l)
{
    struct fields_list list = fields_list(f, "offered-keys", NG_STRING, SDES_MAX);
    if (list.count == 0)
        return;
    l->sdes_offered = arena_alloc(&in->call->arena, sizeof(*l->sdes_offered));
    if (l->sdes_offered == NULL)
        return;
    for (const struct ng_value *at = list.next; at != NULL; at = at->next) {
        uint8_t index = l->sdes_offered->count++;
        if (!sdes_read_key(at->string, &l->sdes_offered->keys[index]))
            fields_refuse(f, "offered-keys", "entry %u is not a key as in SDP", index);
    }
}

static void read_key(const struct fields *f, const char *name, struct sdes_key *out)
{
    fields_require(f, name);
    if (!sdes_read_key(fields_text(f, name, 256), out))
        fields_refuse(f, name, "not a key as in SDP");
}

static void read_sdes(struct record_in *in, const struct fields *f, struct link *l)
{
    read_offered_keys(in, f, l);
    if (!fields_has(f, "our-key") && !fields_has(f, "their-key"))
        return;
    l->sdes = arena_alloc(&in->call->arena, sizeof(*l->sdes));
    if (l->sdes == NULL)
        return;
    read_key(f, "our-key", &l->sdes->ours);
    read_key(f, "their-key", &l->sdes->theirs);
    if (!in->reader.failed && l->sdes->ours.srtp.suite != l->sdes->theirs.srtp.suite)
        fields_refuse(f, "our-key", "of another suite than theirs");
}

void record_read_link(struct record_in *in, const struct fields *f, struct link *l)
{
    struct fields ice = fields_inner(f, "ICE"), dtls = fields_inner(f, "DTLS");
    l->rtp = fields_address(f, "rtp");
    l->rtcp = fields_has(f, "rtcp") ? fields_address(f, "rtcp") : usual_rtcp(&l->rtp);
    l->security = (enum plan_security)fields_choice(
        f, "security", securities, COUNT_OF(securities), PLAN_PLAIN);
    read_ice(in, &ice, &l->ice);
    read_dtls(&dtls, &l->dtls);
    read_sdes(in, f, l);
}
