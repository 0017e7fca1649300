/* SPDX-License-Identifier: Apache-2.0 */
#include "flow.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/random.h"
#include "base/str.h"
#include "udp.h"

const struct flow_kind flow_plain = {.name = "plain"};

static bool read_address(struct text *words, struct address *out)
{
    uint64_t port;
    struct text ip = text_word(words, ' ');
    if (!address_parse(ip, out) || !text_to_u64(text_word(words, ' '), UINT16_MAX, &port))
        return false;
    out->port = (uint16_t)port;
    return true;
}

static const struct flow_kind *find_kind(const struct flow_kind *const *kinds, struct text name)
{
    for (; *kinds != NULL; kinds++)
        if (text_is(name, (*kinds)->name))
            return *kinds;
    return NULL;
}

static void flow_free(struct flow *flow)
{
    if (flow == NULL)
        return;
    if (flow->kind != NULL && flow->kind->close != NULL)
        flow->kind->close(flow);
    if (flow->fd >= 0)
        close(flow->fd);
    if (flow->rtcp_fd >= 0)
        close(flow->rtcp_fd);
    rtpsec_session_free(flow->tx);
    rtpsec_session_free(flow->rx);
    free(flow->name);
    free(flow);
}

static const char *parse_flow(
    struct flow *flow, struct text words, const struct flow_kind *const *kinds)
{
    flow->name = text_dup(text_word(&words, ' '));
    if (flow->name == NULL)
        return "out of memory";
    if (!read_address(&words, &flow->local) || !read_address(&words, &flow->remote))
        return "a flow needs its own IP and port and those of the relay";
    flow->kind = find_kind(kinds, text_word(&words, ' '));
    if (flow->kind == NULL)
        return "no such kind of flow";
    return flow->kind->parse == NULL ? NULL : flow->kind->parse(flow, words);
}

static bool make_room(struct flow_set *set)
{
    if (set->count < set->capacity)
        return true;
    size_t capacity = set->capacity == 0 ? 64 : 2 * set->capacity;
    struct flow **list = realloc(set->list, capacity * sizeof(*list));
    if (list == NULL)
        return false;
    set->list = list;
    set->capacity = capacity;
    return true;
}

const char *flow_set_add(
    struct flow_set *set, struct text words, const struct flow_kind *const *kinds)
{
    struct flow *flow = calloc(1, sizeof(*flow));
    if (flow == NULL || !make_room(set)) {
        free(flow);
        return "out of memory";
    }
    flow->fd = flow->rtcp_fd = -1;
    flow->index = (uint32_t)set->count;
    flow->ssrc = random_u32();
    const char *wrong = parse_flow(flow, words, kinds);
    if (wrong != NULL) {
        flow_free(flow);
        return wrong;
    }
    set->list[set->count++] = flow;
    return NULL;
}

int flow_open(struct flow *flow, uint64_t now_ns)
{
    flow->fd = udp_connect(&flow->local, &flow->remote);
    if (flow->fd < 0)
        return flow->fd;
    if (flow->kind->start == NULL)
        flow->is_ready = true;
    else
        flow->kind->start(flow, now_ns);
    return 0;
}

int flow_open_rtcp(struct flow *flow)
{
    struct address local = flow->local, remote = flow->remote;
    if (flow->is_muxed || flow->rtcp_fd >= 0)
        return 0;
    local.port++;
    remote.port++;
    flow->rtcp_fd = udp_connect(&local, &remote);
    return flow->rtcp_fd < 0 ? flow->rtcp_fd : 0;
}

void flow_set_done(struct flow_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        flow_free(set->list[i]);
    free(set->list);
    *set = (struct flow_set){0};
}
