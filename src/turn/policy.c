/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/policy.h"

#include <stdlib.h>

#include "net/own_sockets.h"

struct peer_policy {
    struct address_ranges allowed;
    struct address_ranges denied;
    struct address_ranges own;
    struct address *endpoints; /* protected */
    size_t endpoint_count;
    const struct own_sockets *own_sockets;
    bool allow_loopback;
};

static const char *const reason_names[PEER_REASON_COUNT] = {
    [PEER_REASON_NONE] = "allowed",
    [PEER_REASON_LIST] = "denied-list",
    [PEER_REASON_CLASS] = "class",
    [PEER_REASON_SPELLING] = "spelling",
    [PEER_REASON_PROTECTED] = "protected",
    [PEER_REASON_NOT_OURS] = "not-ours",
};

const char *peer_reason_name(enum peer_reason reason)
{
    return reason_names[reason];
}

static int copy_ranges(struct address_ranges *to, const struct address_ranges *from)
{
    int error = from != NULL ? address_ranges_add_all(to, from) : 0;
    address_ranges_seal(to);
    return error;
}

static int copy_own(struct address_ranges *to, const struct policy_config *config)
{
    int error = 0;
    for (size_t i = 0; i < config->own_count && error == 0; i++) {
        struct address_range one = {.first = config->own[i], .last = config->own[i]};
        if (!address_is_unspecified(&config->own[i]))
            error = address_ranges_add(to, &one);
    }
    address_ranges_seal(to);
    return error;
}

static int copy_endpoints(struct peer_policy *policy, const struct policy_config *config)
{
    if (config->protected_count == 0)
        return 0;
    policy->endpoints = calloc(config->protected_count, sizeof(struct address));
    if (policy->endpoints == NULL)
        return -1;
    memcpy(policy->endpoints, config->protected_endpoints,
        config->protected_count * sizeof(struct address));
    policy->endpoint_count = config->protected_count;
    return 0;
}

struct peer_policy *policy_new(const struct policy_config *config)
{
    struct peer_policy *policy = calloc(1, sizeof(*policy));
    if (policy == NULL)
        return NULL;
    policy->allow_loopback = config->allow_loopback;
    policy->own_sockets = config->own_sockets;
    if (copy_ranges(&policy->allowed, config->allowed) != 0 ||
        copy_ranges(&policy->denied, config->denied) != 0 || copy_own(&policy->own, config) != 0 ||
        copy_endpoints(policy, config) != 0) {
        policy_free(policy);
        return NULL;
    }
    return policy;
}

void policy_free(struct peer_policy *policy)
{
    if (policy == NULL)
        return;
    address_ranges_done(&policy->allowed);
    address_ranges_done(&policy->denied);
    address_ranges_done(&policy->own);
    free(policy->endpoints);
    free(policy);
}

static bool class_is_local(enum address_class class)
{
    return class == ADDRESS_CLASS_LOOPBACK || class == ADDRESS_CLASS_THIS_NETWORK;
}

/* Whether what is sent there stays on this host; 0.0.0.0 and :: do, on Linux. */
static bool is_this_host(const struct peer_policy *policy, const struct address *ip)
{
    return class_is_local(address_classify(ip)) || address_ranges_contain(&policy->own, ip);
}

/* Whether the endpoint is at the IP of `peer`, whatever its port. */
static bool endpoint_is_at(
    const struct peer_policy *policy, const struct address *endpoint, const struct address *peer)
{
    struct address plain = address_canonical(endpoint);
    if (address_is_unspecified(&plain))
        return is_this_host(policy, peer);
    if (class_is_local(address_classify(&plain)) && class_is_local(address_classify(peer)))
        return true; /* 0.0.0.0 leads to 127.0.0.1 */
    return address_same_ip(&plain, peer) || address_same_ip(endpoint, peer);
}

static bool ip_has_endpoint(const struct peer_policy *policy, const struct address *peer)
{
    for (size_t i = 0; i < policy->endpoint_count; i++)
        if (endpoint_is_at(policy, &policy->endpoints[i], peer))
            return true;
    return false;
}

static bool is_endpoint(const struct peer_policy *policy, const struct address *peer)
{
    for (size_t i = 0; i < policy->endpoint_count; i++) {
        const struct address *endpoint = &policy->endpoints[i];
        if ((endpoint->port == 0 || endpoint->port == peer->port) &&
            endpoint_is_at(policy, endpoint, peer))
            return true;
    }
    return false;
}

/* Whether only our own media and relay ports may be reached there: rule 5. */
static bool is_for_own_sockets(
    const struct peer_policy *policy, const struct address *ip, enum address_class class)
{
    return class != ADDRESS_CLASS_LOOPBACK && class != ADDRESS_CLASS_LINK_LOCAL &&
           class != ADDRESS_CLASS_THIS_NETWORK && address_ranges_contain(&policy->own, ip);
}

/* Rules 2 to 7, for an address that is no spelling. */
static enum peer_verdict judge(
    const struct peer_policy *policy, const struct address *ip, enum peer_reason *reason)
{
    enum address_class class = address_classify(ip);

    if (!address_ranges_contain(&policy->allowed, ip)) {
        if (address_ranges_contain(&policy->denied, ip)) {
            *reason = PEER_REASON_LIST;
            return PEER_DENIED;
        }
        if (is_for_own_sockets(policy, ip, class))
            return PEER_ALLOWED_CHECK_PORT;
        if (class != ADDRESS_CLASS_PUBLIC &&
            !(class == ADDRESS_CLASS_LOOPBACK && policy->allow_loopback)) {
            *reason = PEER_REASON_CLASS;
            return PEER_DENIED;
        }
    }
    return ip_has_endpoint(policy, ip) ? PEER_ALLOWED_CHECK_PORT : PEER_ALLOWED;
}

/* Rule 1: nobody reaches by a spelling what he could not reach without. */
static enum peer_verdict judge_spelling(const struct peer_policy *policy,
    const struct address *peer, const struct address *inner, size_t count, enum peer_reason *reason)
{
    enum peer_verdict verdict =
        ip_has_endpoint(policy, peer) ? PEER_ALLOWED_CHECK_PORT : PEER_ALLOWED;
    bool allowed = address_ranges_contain(&policy->allowed, peer);

    for (size_t i = 0; i < count; i++) {
        enum peer_verdict one = judge(policy, &inner[i], reason);
        if (one == PEER_DENIED)
            return PEER_DENIED;
        allowed = allowed && address_ranges_contain(&policy->allowed, &inner[i]);
        verdict = one < verdict ? one : verdict;
    }
    if (allowed)
        return verdict;
    *reason = PEER_REASON_SPELLING;
    return PEER_DENIED;
}

enum peer_verdict policy_peer(
    const struct peer_policy *policy, const struct address *peer, enum peer_reason *reason)
{
    struct address inner[ADDRESS_INNER_MAX];
    size_t count = address_inner(peer, inner);
    enum peer_reason why = PEER_REASON_NONE;
    enum peer_verdict verdict =
        count > 0 ? judge_spelling(policy, peer, inner, count, &why) : judge(policy, peer, &why);
    if (reason != NULL)
        *reason = why;
    return verdict;
}

/* `own_sockets` NULL: no port of this host by rule 5. */
static enum peer_reason judge_port(const struct peer_policy *policy,
    const struct own_sockets *own_sockets, const struct address *peer)
{
    if (is_endpoint(policy, peer))
        return PEER_REASON_PROTECTED;
    if (address_ranges_contain(&policy->own, peer) &&
        !address_ranges_contain(&policy->allowed, peer) &&
        !(policy->allow_loopback && address_classify(peer) == ADDRESS_CLASS_LOOPBACK) &&
        (own_sockets == NULL || !own_sockets_have(own_sockets, peer)))
        return PEER_REASON_NOT_OURS;
    return PEER_REASON_NONE;
}

static bool judge_ports(const struct peer_policy *policy, const struct own_sockets *own_sockets,
    const struct address *peer, enum peer_reason *reason)
{
    struct address inner[ADDRESS_INNER_MAX];
    size_t count = address_inner(peer, inner);
    enum peer_reason why = judge_port(policy, own_sockets, peer);

    for (size_t i = 0; i < count && why == PEER_REASON_NONE; i++)
        why = judge_port(policy, own_sockets, &inner[i]);
    if (reason != NULL)
        *reason = why;
    return why == PEER_REASON_NONE;
}

bool policy_peer_port(
    const struct peer_policy *policy, const struct address *peer, enum peer_reason *reason)
{
    return judge_ports(policy, policy->own_sockets, peer, reason);
}

bool policy_peer_tcp_port(
    const struct peer_policy *policy, const struct address *peer, enum peer_reason *reason)
{
    return judge_ports(policy, NULL, peer, reason);
}
