/* SPDX-License-Identifier: Apache-2.0 */
#include "ng/counters.h"

const char *ng_verb_short_name(enum ng_verb verb)
{
    static const char *const names[NG_VERBS] = {
        [NG_VERB_PING] = "ping",
        [NG_VERB_OFFER] = "offer",
        [NG_VERB_ANSWER] = "answer",
        [NG_VERB_DELETE] = "delete",
        [NG_VERB_QUERY] = "query",
        [NG_VERB_LIST] = "list",
        [NG_VERB_STATISTICS] = "stats",
    };
    return names[verb];
}

static struct ng_proxy_counters *proxy_of(struct ng_counters *counters, const struct address *ip)
{
    uint64_t count = counter_get(&counters->proxy_count);
    for (size_t i = 0; i < count; i++)
        if (address_same_ip(&counters->proxies[i].ip, ip))
            return &counters->proxies[i];
    if (count == NG_MAX_PROXIES)
        return NULL;
    struct ng_proxy_counters *proxy = &counters->proxies[count];
    proxy->ip = *ip;
    counter_add(&counters->proxy_count, 1);
    return proxy;
}

static void add(struct ng_verb_counters *verb, bool failed, uint64_t us)
{
    counter_add(&verb->requests, 1);
    counter_add(&verb->errors, failed);
    counter_add(&verb->microseconds, us);
}

void ng_counters_add(struct ng_counters *counters, const struct address *source,
    const enum ng_verb *verb, bool failed, uint64_t us)
{
    struct ng_proxy_counters *proxy = proxy_of(counters, source);
    counter_add(&counters->errors, failed);
    if (proxy != NULL)
        counter_add(&proxy->errors, failed);
    if (verb == NULL)
        return;
    add(&counters->verbs[*verb], failed, us);
    if (proxy != NULL)
        add(&proxy->verbs[*verb], failed, us);
}
