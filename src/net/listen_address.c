/* SPDX-License-Identifier: Apache-2.0 */
#include "net/listen_address.h"

#include <errno.h>

#include "net/resolve.h"

static int refuse(struct str *why, const char *what, struct text where)
{
    str_addf(why, "%s in '%.*s'", what, TEXT_ARG(where));
    return -EINVAL;
}

static bool add(struct listen_addresses *set, const struct address *a, uint64_t port, bool optional)
{
    if (set->count == LISTEN_MAX)
        return false;
    struct listen_address *added = &set->list[set->count++];
    *added = (struct listen_address){.address = *a, .is_optional = optional};
    added->address.port = (uint16_t)port;
    return true;
}

/* Both families; a machine without IPv6 is no error. */
static bool add_wildcards(struct listen_addresses *set, uint64_t port)
{
    const struct address ip4 = {.family = ADDRESS_IP4};
    const struct address ip6 = {.family = ADDRESS_IP6};
    return add(set, &ip4, port, false) && add(set, &ip6, port, true);
}

/* What the name stands for; of several, each but the first may be missing here. */
static size_t add_host(struct listen_addresses *set, struct text host, uint64_t port)
{
    struct address found[LISTEN_MAX];
    size_t count = resolve_host(host, found, LISTEN_MAX);
    for (size_t i = 0; i < count; i++)
        if (!add(set, &found[i], port, found[i].family == ADDRESS_IP6 && count > 1))
            return 0;
    return count;
}

/* Splits off the port behind the last colon; all of it when there is none. */
static struct text split_port(struct text *word)
{
    size_t at = word->len;
    while (at > 0 && word->data[at - 1] != ':')
        at--;
    struct text port = text_skip(*word, at);
    word->len = at > 0 ? at - 1 : 0;
    return port;
}

static int add_word(struct listen_addresses *set, struct text word, struct str *why)
{
    struct text host = word;
    struct text port_text = split_port(&host);
    uint64_t port;
    struct address a;

    if (!text_to_u64(port_text, UINT16_MAX, &port) || port == 0)
        return refuse(why, "no port number (1-65535)", word);
    if (host.len == 0)
        return add_wildcards(set, port) ? 0 : refuse(why, "too many addresses", word);
    if (host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']')
        host = text_of(host.data + 1, host.len - 2);
    if (address_parse(host, &a))
        return add(set, &a, port, false) ? 0 : refuse(why, "too many addresses", word);
    return add_host(set, host, port) > 0 ? 0 : refuse(why, "unknown host", word);
}

int listen_addresses_parse(struct text spec, struct listen_addresses *out, struct str *why)
{
    struct listen_addresses set = {.count = 0};
    while (spec.len > 0) {
        struct text word = text_trim(text_cut(&spec, ';'));
        int error = word.len > 0 ? add_word(&set, word, why) : 0;
        if (error != 0)
            return error;
    }
    if (set.count == 0) {
        str_add_string(why, "no address to listen on");
        return -EINVAL;
    }
    *out = set;
    return 0;
}
