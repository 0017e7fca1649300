/* SPDX-License-Identifier: Apache-2.0 */
#include "call/sdes.h"

#include <stdio.h>

#include "mediaferry/base64.h"
#include "mediaferry/sdp_write.h"

enum { BASE64_SIZE = (PLAN_MAX_KEY + 2) / 3 * 4 };

static size_t key_size(const struct rtpsec_suite *suite)
{
    return (size_t)suite->key_len + suite->salt_len;
}

/* RFC 7714 leaves no AEAD suite without encryption or authentication of SRTP. */
static bool parameters_suit(const struct plan_srtp *srtp)
{
    return !srtp->suite->is_aead || (!srtp->unencrypted_srtp && !srtp->unauthenticated_srtp);
}

/* --- reading --- */

/* The MKI is a number, sent big endian in `mki_len` bytes (RFC 4568, section 6.1). */
static bool read_mki(const struct sdp_crypto_key *key, struct plan_srtp *out)
{
    if (key->mki_len > PLAN_MAX_MKI)
        return false;
    out->mki_len = key->mki_len;
    for (size_t i = 0; i < key->mki_len; i++)
        out->mki[key->mki_len - 1 - i] = (uint8_t)(key->mki >> (8 * i));
    return true;
}

bool sdes_read_key(struct text value, struct sdes_key *out)
{
    struct sdp_crypto line;
    if (!sdp_read_crypto(value, &line) || line.has_unknown_params || line.kdr != 0)
        return false;

    const struct rtpsec_suite *suite = rtpsec_suite_by_name(line.suite_name);
    const struct sdp_crypto_key *key = &line.keys[0];
    if (suite == NULL || key->len != key_size(suite))
        return false;

    *out = (struct sdes_key){.tag = line.tag};
    out->srtp.suite = suite;
    out->srtp.unencrypted_srtp = line.unencrypted_srtp;
    out->srtp.unencrypted_srtcp = line.unencrypted_srtcp;
    out->srtp.unauthenticated_srtp = line.unauthenticated_srtp;
    memcpy(out->srtp.key, key->bytes, key->len);
    return read_mki(key, &out->srtp) && parameters_suit(&out->srtp);
}

void sdes_read(const struct sdp_media *media, struct sdes_list *out)
{
    struct text it = media->lines;
    struct sdp_attr attr;
    out->count = 0;
    while (out->count < SDES_MAX && sdp_next_attr(&it, &attr))
        if (attr.kind == SDP_ATTR_CRYPTO && sdes_read_key(attr.value, &out->keys[out->count]))
            out->count++;
}

/* --- what the flags allow --- */

static bool is_listed(const struct call_names *names, const struct rtpsec_suite *suite)
{
    for (size_t i = 0; i < names->count; i++)
        if (text_is_nocase(names->names[i], suite->name))
            return true;
    return false;
}

static bool is_allowed(const struct rtpsec_suite *suite, const struct call_flags *flags)
{
    if (flags->sdes.off || is_listed(&flags->sdes.no, suite))
        return false;
    return flags->sdes.only.count == 0 || is_listed(&flags->sdes.only, suite);
}

static const struct sdes_key *find_suite(
    const struct sdes_list *list, const struct rtpsec_suite *suite)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->keys[i].srtp.suite == suite)
            return &list->keys[i];
    return NULL;
}

/* --- offering --- */

/* The state of making one offer. */
struct offering {
    const struct sdes_list *before;
    const struct sdes_list *theirs;
    const struct call_flags *flags;
    sdes_random_fn *random;
    uint32_t next_tag;
    struct sdes_list *out;
};

static void ask_for(const struct call_flags *flags, struct plan_srtp *srtp)
{
    srtp->unencrypted_srtp = flags->sdes.unencrypted_srtp;
    srtp->unencrypted_srtcp = flags->sdes.unencrypted_srtcp;
    srtp->unauthenticated_srtp = flags->sdes.unauthenticated_srtp;
}

static void add_to_offer(struct offering *o, const struct rtpsec_suite *suite)
{
    struct sdes_list *out = o->out;
    if (out->count == SDES_MAX || find_suite(out, suite) != NULL || !is_allowed(suite, o->flags))
        return;
    if (o->flags->sdes.nonew && find_suite(o->theirs, suite) == NULL)
        return;

    struct sdes_key key = {.srtp.suite = suite};
    ask_for(o->flags, &key.srtp);
    if (!parameters_suit(&key.srtp))
        return;

    const struct sdes_key *known = find_suite(o->before, suite);
    if (known != NULL) {
        key.tag = known->tag;
        memcpy(key.srtp.key, known->srtp.key, sizeof(key.srtp.key));
    } else {
        key.tag = o->next_tag++;
        o->random(key.srtp.key, key_size(suite));
    }
    out->keys[out->count++] = key;
}

static uint32_t tag_after(const struct sdes_list *list)
{
    uint32_t highest = 0;
    for (size_t i = 0; i < list->count; i++)
        if (list->keys[i].tag > highest)
            highest = list->keys[i].tag;
    return highest + 1;
}

void sdes_offer(const struct sdes_list *before, const struct sdes_list *theirs,
    const struct call_flags *flags, sdes_random_fn *random, struct sdes_list *out)
{
    struct sdes_list fresh = {.count = 0};
    struct offering o = {.before = before,
        .theirs = theirs,
        .flags = flags,
        .random = random,
        .next_tag = tag_after(before),
        .out = &fresh};

    for (size_t i = 0; i < flags->sdes.order.count; i++) {
        const struct rtpsec_suite *suite = rtpsec_suite_by_name(flags->sdes.order.names[i]);
        if (suite != NULL)
            add_to_offer(&o, suite);
    }
    for (size_t i = 0; i < before->count; i++)
        add_to_offer(&o, before->keys[i].srtp.suite);
    for (size_t id = 0; id < RTPSEC_SUITES; id++)
        add_to_offer(&o, rtpsec_suite((enum rtpsec_suite_id)id));
    *out = fresh;
}

/* --- answering --- */

/* Whether the session parameters of an offer are refused by the flags. */
static bool parameters_allowed(const struct plan_srtp *srtp, const struct call_flags *flags)
{
    return !(srtp->unencrypted_srtp && flags->sdes.encrypted_srtp) &&
           !(srtp->unencrypted_srtcp && flags->sdes.encrypted_srtcp) &&
           !(srtp->unauthenticated_srtp && flags->sdes.authenticated_srtp);
}

static bool is_acceptable(const struct sdes_key *key, const struct call_flags *flags)
{
    return is_allowed(key->srtp.suite, flags) && parameters_allowed(&key->srtp, flags);
}

static const struct sdes_key *choose(
    const struct sdes_list *offered, const struct sdes_pair *before, const struct call_flags *flags)
{
    if (flags->sdes.is_static && before != NULL) {
        const struct sdes_key *same = find_suite(offered, before->theirs.srtp.suite);
        if (same != NULL && is_acceptable(same, flags))
            return same;
    }
    for (size_t i = 0; i < flags->sdes.offerer_pref.count; i++) {
        const struct rtpsec_suite *suite = rtpsec_suite_by_name(flags->sdes.offerer_pref.names[i]);
        const struct sdes_key *key = suite != NULL ? find_suite(offered, suite) : NULL;
        if (key != NULL && is_acceptable(key, flags))
            return key;
    }
    for (size_t i = 0; i < offered->count; i++)
        if (is_acceptable(&offered->keys[i], flags))
            return &offered->keys[i];
    return NULL;
}

bool sdes_answer(const struct sdes_list *offered, const struct sdes_pair *before,
    const struct call_flags *flags, sdes_random_fn *random, struct sdes_pair *out)
{
    const struct sdes_key *chosen = choose(offered, before, flags);
    if (chosen == NULL)
        return false;

    /* RFC 4568, section 6.3: the session parameters of the offer hold for both directions. */
    struct sdes_pair pair = {.theirs = *chosen, .ours = *chosen};
    pair.ours.srtp.mki_len = 0;
    memset(pair.ours.srtp.key, 0, sizeof(pair.ours.srtp.key));
    if (before != NULL && before->ours.srtp.suite == chosen->srtp.suite)
        memcpy(pair.ours.srtp.key, before->ours.srtp.key, sizeof(pair.ours.srtp.key));
    else
        random(pair.ours.srtp.key, key_size(chosen->srtp.suite));
    *out = pair;
    return true;
}

bool sdes_accept(
    const struct sdes_list *our_offer, const struct sdes_list *answered, struct sdes_pair *out)
{
    for (size_t i = 0; i < answered->count; i++) {
        const struct sdes_key *theirs = &answered->keys[i];
        const struct sdes_key *ours = find_suite(our_offer, theirs->srtp.suite);
        if (ours == NULL || ours->tag != theirs->tag)
            continue;
        *out = (struct sdes_pair){.theirs = *theirs, .ours = *ours};
        return true;
    }
    return false;
}

/* --- writing --- */

/* The session parameters, each behind a space. */
static const char *parameters(const struct plan_srtp *srtp, char room[64])
{
    snprintf(room, 64, "%s%s%s", srtp->unencrypted_srtp ? " UNENCRYPTED_SRTP" : "",
        srtp->unencrypted_srtcp ? " UNENCRYPTED_SRTCP" : "",
        srtp->unauthenticated_srtp ? " UNAUTHENTICATED_SRTP" : "");
    return room;
}

void sdes_write_key(struct writer *w, const struct sdes_key *key)
{
    const struct plan_srtp *srtp = &key->srtp;
    char room[64];
    struct sdp_crypto line = {
        .tag = key->tag,
        .suite_name = text_from(srtp->suite->name),
        .key_count = 1,
        .keys[0] = {.len = (uint8_t)key_size(srtp->suite), .mki_len = srtp->mki_len},
        .params = text_trim(text_from(parameters(srtp, room))),
    };
    memcpy(line.keys[0].bytes, srtp->key, key_size(srtp->suite));
    for (size_t i = 0; i < srtp->mki_len; i++)
        line.keys[0].mki = line.keys[0].mki << 8 | srtp->mki[i];
    sdp_write_crypto(w, &line);
}

void sdes_write(struct writer *w, const struct sdes_key *key, const struct call_flags *flags)
{
    const struct plan_srtp *srtp = &key->srtp;
    char base64[BASE64_SIZE];
    struct writer encoded = writer_over(base64, sizeof(base64));
    base64_encode(&encoded, bytes_of(srtp->key, key_size(srtp->suite)));
    struct text inline_key = text_from_bytes(writer_bytes(&encoded));
    while (!flags->sdes.pad && inline_key.len > 0 && inline_key.data[inline_key.len - 1] == '=')
        inline_key.len--;

    char room[64];
    sdp_write_attrf(w, "crypto", "%u %s inline:%.*s%s%s", key->tag, srtp->suite->name,
        TEXT_ARG(inline_key), flags->sdes.lifetime ? "|2^31" : "", parameters(srtp, room));
}
