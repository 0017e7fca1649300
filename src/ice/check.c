/* SPDX-License-Identifier: Apache-2.0 */
/* Connectivity checks: who sent it, what to answer, what it teaches (RFC 8445, section 7.3). */
#include "ice/agent.h"

#include <assert.h>

#include "ice/candidate.h"
#include "ice/pairs.h"
#include "ice/select.h"
#include "ice/username.h"
#include "stun/integrity.h"

enum { MAX_UNKNOWN = 8 };

/* What a check may carry that must be understood (RFC 8445, section 16.1; RFC 8489). */
static const uint16_t known[] = {
    STUN_USERNAME,
    STUN_MESSAGE_INTEGRITY,
    STUN_MESSAGE_INTEGRITY_SHA256,
    STUN_PRIORITY,
    STUN_USE_CANDIDATE,
};

struct check {
    struct stun_message message;
    struct text sender; /* remote ufrag */
    const struct ice_generation *generation;
};

static struct text name_text(const struct ice_name *name)
{
    return text_of(name->data, name->len);
}

/* Lets pass what is worth an answer. */
static enum ice_verdict read_request(struct bytes datagram, struct stun_message *out)
{
    if (stun_parse(datagram, out) != STUN_OK)
        return ICE_IGNORED_NOT_STUN;
    if (stun_method_of(out->type) != STUN_BINDING)
        return ICE_IGNORED_METHOD;
    switch (stun_class_of(out->type)) {
    case STUN_REQUEST:
        break;
    case STUN_INDICATION:
        return ICE_IGNORED_INDICATION;
    case STUN_SUCCESS:
    case STUN_ERROR:
        return ICE_IGNORED_RESPONSE; /* a lite agent asks nothing */
    }
    switch (stun_check_fingerprint(out)) {
    case STUN_CHECK_ABSENT:
        return ICE_IGNORED_NO_FINGERPRINT;
    case STUN_CHECK_WRONG:
        return ICE_IGNORED_BAD_FINGERPRINT;
    case STUN_CHECK_RIGHT:
        break;
    }
    return ICE_ANSWERED;
}

static bool is_meant(const struct ice_generation *g, struct text receiver, struct text sender)
{
    if (!text_equal(name_text(&g->local_ufrag), receiver))
        return false;
    if (g->remote_ufrag.len == 0)
        return sender.len > 0 && sender.len <= ICE_EARLY_UFRAG_MAX;
    return text_equal(name_text(&g->remote_ufrag), sender);
}

static const struct ice_generation *find_generation(
    const struct ice_agent *agent, struct text receiver, struct text sender, uint64_t now_ms)
{
    if (is_meant(&agent->current, receiver, sender))
        return &agent->current;
    if (now_ms < agent->previous_until_ms && is_meant(&agent->previous, receiver, sender))
        return &agent->previous;
    return NULL;
}

/* Short-term credentials (RFC 8489, section 9.1.3). */
static enum ice_verdict authenticate(
    const struct ice_agent *agent, struct check *check, uint64_t now_ms)
{
    struct bytes username;
    struct text receiver;
    if (!stun_find(&check->message, STUN_USERNAME, &username) ||
        !stun_has(&check->message, STUN_MESSAGE_INTEGRITY))
        return ICE_REFUSED_BAD_REQUEST;
    if (!ice_split_username(username, &receiver, &check->sender))
        return ICE_REFUSED_UNAUTHORIZED;
    check->generation = find_generation(agent, receiver, check->sender, now_ms);
    if (check->generation == NULL)
        return ICE_REFUSED_UNAUTHORIZED;

    struct bytes key = text_bytes(name_text(&check->generation->local_pwd));
    return stun_check_integrity(&check->message, key) == STUN_CHECK_RIGHT
               ? ICE_ANSWERED
               : ICE_REFUSED_UNAUTHORIZED;
}

/* A peer that calls itself controlled is wrong (RFC 8445, section 7.3.1.1): a lite agent cannot
 * take the other role, so no tie-breaker is compared. The first check of a pair must tell its
 * priority (section 7.1.1). */
static enum ice_verdict judge(
    const struct stun_message *m, bool is_first, uint16_t *unknown, size_t *count)
{
    *count = stun_unknown_required(m, known, COUNT_OF(known), unknown, MAX_UNKNOWN);
    if (*count > 0)
        return ICE_REFUSED_UNKNOWN_ATTRIBUTE;
    if (stun_has(m, STUN_ICE_CONTROLLED))
        return ICE_REFUSED_ROLE_CONFLICT;
    return is_first && !stun_has(m, STUN_PRIORITY) ? ICE_REFUSED_BAD_REQUEST : ICE_ANSWERED;
}

/* Says no more than the code to somebody unproven, whose address may be forged: the reply is no
 * longer than a request that gets here. */
static void refuse_stranger(struct writer *reply, struct bytes id, enum ice_verdict verdict)
{
    bool is_bad = verdict == ICE_REFUSED_BAD_REQUEST;
    stun_begin(reply, stun_type(STUN_BINDING, STUN_ERROR), id);
    stun_write_error(reply, is_bad ? STUN_BAD_REQUEST : STUN_UNAUTHORIZED, text_of(NULL, 0));
    stun_write_fingerprint(reply);
}

static void finish(const struct ice_agent *agent, const struct check *check, struct writer *reply)
{
    if (agent->software_len > 0)
        stun_write_attr(reply, STUN_SOFTWARE, bytes_of(agent->software, agent->software_len));
    stun_write_integrity(reply, text_bytes(name_text(&check->generation->local_pwd)));
    stun_write_fingerprint(reply);
}

static void refuse(struct writer *reply, struct bytes id, enum ice_verdict verdict,
    const uint16_t *unknown, size_t count)
{
    stun_begin(reply, stun_type(STUN_BINDING, STUN_ERROR), id);
    if (verdict == ICE_REFUSED_ROLE_CONFLICT) {
        stun_write_error(reply, STUN_ROLE_CONFLICT, TEXT("Role Conflict"));
        return;
    }
    if (verdict == ICE_REFUSED_BAD_REQUEST) {
        stun_write_error(reply, STUN_BAD_REQUEST, TEXT("Bad Request"));
        return;
    }
    stun_write_error(reply, STUN_UNKNOWN_ATTRIBUTE, TEXT("Unknown Attribute"));
    stun_write_unknown(reply, unknown, count);
}

/* A later check without PRIORITY, as some send to refresh consent, leaves the priority as it is. */
static void learn_priority(struct ice_pair *p, const struct stun_message *m)
{
    struct bytes value;
    uint32_t priority;
    if (stun_find(m, STUN_PRIORITY, &value) && stun_read_u32(value, &priority))
        p->priority =
            ice_pair_priority(priority, ice_priority(ICE_HOST, p->local.index, p->local.component));
}

/* An address proven in the old generation starts over when it is proven in the new one. */
static void enter_generation(const struct ice_agent *agent, struct ice_pair *p)
{
    if (p->generation == agent->generation)
        return;
    p->generation = agent->generation;
    p->nominated = false;
    p->nominating = false;
}

static void remember_sender(struct ice_pair *p, struct text sender)
{
    p->sender_len = sender.len <= ICE_EARLY_UFRAG_MAX ? (uint8_t)sender.len : 0;
    memcpy(p->sender, sender.data, p->sender_len);
}

static void learn(struct ice_agent *agent, const struct check *check, const struct address *source,
    struct ice_local local, uint64_t now_ms)
{
    bool is_new = ice_pairs_find(agent, source, local) < 0;
    int index = ice_pairs_enter(agent, source, local);
    struct ice_pair *p = &agent->pairs[index];
    uint32_t generation =
        check->generation == &agent->current ? agent->generation : agent->previous_generation;

    p->checked_ms = now_ms;
    if (is_new)
        p->generation = generation;
    else if (generation < p->generation)
        return; /* a straggler of the old generation shows life, and no more */
    else if (generation == agent->generation)
        enter_generation(agent, p);

    bool nominates = stun_has(&check->message, STUN_USE_CANDIDATE);
    bool anew = nominates && (!p->nominating || ice_nomination_is_stale(p->nominated_ms, now_ms));
    learn_priority(p, &check->message);
    remember_sender(p, check->sender);
    p->nominating = nominates;
    if (nominates) {
        p->nominated = true;
        p->nominated_ms = now_ms;
        agent->stats.nominations++;
    }
    ice_select_after_check(agent, index, anew, now_ms);
    ice_select_settle(agent, now_ms);
}

static enum ice_verdict answer(struct ice_agent *agent, struct bytes datagram,
    const struct address *source, struct ice_local local, uint64_t now_ms, struct writer *reply)
{
    struct check check;
    uint16_t unknown[MAX_UNKNOWN];
    size_t count;

    enum ice_verdict verdict = read_request(datagram, &check.message);
    if (verdict != ICE_ANSWERED)
        return verdict;
    verdict = authenticate(agent, &check, now_ms);
    if (verdict != ICE_ANSWERED) {
        refuse_stranger(reply, check.message.id, verdict);
        return writer_ok(reply) ? verdict : ICE_IGNORED_NO_ROOM;
    }

    bool is_first = ice_pairs_find(agent, source, local) < 0;
    verdict = judge(&check.message, is_first, unknown, &count);
    if (verdict == ICE_ANSWERED) {
        stun_begin(reply, stun_type(STUN_BINDING, STUN_SUCCESS), check.message.id);
        stun_write_xor_address(reply, STUN_XOR_MAPPED_ADDRESS, source);
    } else {
        refuse(reply, check.message.id, verdict, unknown, count);
    }
    finish(agent, &check, reply);
    if (!writer_ok(reply))
        return ICE_IGNORED_NO_ROOM;
    if (verdict == ICE_ANSWERED)
        learn(agent, &check, source, local, now_ms);
    return verdict;
}

enum ice_verdict ice_agent_receive(struct ice_agent *agent, struct bytes datagram,
    const struct address *source, struct ice_local local, uint64_t now_ms, struct writer *reply)
{
    assert(local.component >= 1 && local.component <= ICE_COMPONENTS);
    enum ice_verdict verdict = answer(agent, datagram, source, local, now_ms, reply);
    agent->stats.verdicts[verdict]++;
    return verdict;
}
