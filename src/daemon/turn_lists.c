/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of addresses and files, and what all lists have in common. */
#include "daemon/turn_lists.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/turn_list.h"
#include "net/address_class.h"
#include "net/resolve.h"

bool turn_list_next(struct text *rest, struct text *entry)
{
    while (rest->len > 0) {
        *entry = text_cut(rest, '\n');
        if (entry->len > 0)
            return true;
    }
    return false;
}

size_t turn_list_count(struct text list)
{
    struct text entry;
    size_t count = 0;
    while (turn_list_next(&list, &entry))
        count++;
    return count;
}

int turn_list_refuse(struct str *why, struct text entry, const char *problem)
{
    str_addf(why, "'%.*s' %s", TEXT_ARG(entry), problem);
    return -EINVAL;
}

static int add_address(struct turn_addresses *out, const struct address *a)
{
    for (size_t i = 0; i < out->count; i++)
        if (address_equal(&out->list[i], a))
            return 0;
    struct address *larger = reallocarray(out->list, out->count + 1, sizeof(*larger));
    if (larger == NULL)
        return -ENOMEM;
    out->list = larger;
    out->list[out->count++] = *a;
    return 0;
}

/* Adds the addresses of one network interface, or (nic empty) of all, that are of the family, or
 * (NONE) of any; link-local ones mean nothing to clients. `found` tells whether there was one. */
static int add_of_host(struct turn_addresses *out, const struct host_addresses *host,
    struct text nic, enum address_family family, bool *found)
{
    int error = 0;
    *found = false;
    for (size_t i = 0; error == 0 && i < host->count; i++) {
        const struct host_address *h = &host->list[i];
        bool is_meant = (nic.len == 0 || text_is(nic, h->nic)) &&
                        (family == ADDRESS_NONE || family == h->ip.family) &&
                        address_classify(&h->ip) != ADDRESS_CLASS_LINK_LOCAL;
        if (!is_meant)
            continue;
        *found = true;
        error = add_address(out, &h->ip);
    }
    return error;
}

static int add_local(struct text entry, const struct host_addresses *host,
    struct turn_addresses *out, struct str *why)
{
    struct address a = {.family = ADDRESS_NONE};
    bool is_ip = address_parse(entry, &a), found;

    if (is_ip && !address_is_unspecified(&a))
        return add_address(out, &a);
    struct text nic = is_ip || text_is(entry, "any") ? text_of(NULL, 0) : entry;
    int error = add_of_host(out, host, nic, a.family, &found);
    if (error == 0 && !found)
        return turn_list_refuse(
            why, entry, "is no IP address, and no network interface that has one");
    return error;
}

int turn_read_addresses(struct text list, const struct host_addresses *host,
    struct turn_addresses *out, struct str *why)
{
    struct text entry;
    int error = 0;
    while (error == 0 && turn_list_next(&list, &entry))
        error = add_local(entry, host, out, why);
    return error;
}

int turn_read_endpoints(
    struct text list, uint16_t default_port, struct turn_addresses *out, struct str *why)
{
    struct text entry;
    int error = 0;
    while (error == 0 && turn_list_next(&list, &entry)) {
        struct address a;
        if (!address_parse_with_port(entry, default_port, &a) || a.port == 0 ||
            address_is_unspecified(&a))
            return turn_list_refuse(why, entry, "is no IP address with or without a port");
        error = add_address(out, &a);
    }
    return error;
}

/* The address that `name` stands for, of the family of `like` if that has one. */
static bool look_up(struct text name, const struct address *like, struct address *out)
{
    enum { ENOUGH = 16 };
    struct address found[ENOUGH];
    if (address_parse(name, out))
        return like->family == ADDRESS_NONE || like->family == out->family;
    size_t count = resolve_host(name, found, ENOUGH);
    for (size_t i = 0; i < count; i++) {
        if (like->family == ADDRESS_NONE || like->family == found[i].family) {
            *out = found[i];
            return true;
        }
    }
    return false;
}

static const char *read_mapping(struct text entry, struct turn_mapping *out)
{
    struct text inner = entry;
    struct text outer = text_trim(text_cut(&inner, '/'));
    bool has_inner = outer.len < entry.len;

    *out = (struct turn_mapping){.inner.family = ADDRESS_NONE};
    if (has_inner && !address_parse(text_trim(inner), &out->inner))
        return "has no IP address behind the '/'";
    if (!look_up(outer, &out->inner, &out->outer))
        return has_inner ? "has no IP address or host name of the same family before the '/'"
                         : "is no IP address or host name";
    if (address_is_unspecified(&out->outer))
        return "does not say which address";
    return NULL;
}

/* An address of this machine is seen as one address from outside. */
static bool is_mapped(const struct turn_mappings *mappings, const struct turn_mapping *m)
{
    for (size_t i = 0; i < mappings->count; i++) {
        const struct turn_mapping *known = &mappings->list[i];
        if (known->outer.family == m->outer.family && address_same_ip(&known->inner, &m->inner))
            return true;
    }
    return false;
}

int turn_read_mappings(struct text list, struct turn_mappings *out, struct str *why)
{
    struct text entry;
    out->list = calloc(turn_list_count(list) + 1, sizeof(out->list[0]));
    if (out->list == NULL)
        return -ENOMEM;
    while (turn_list_next(&list, &entry)) {
        struct turn_mapping *mapping = &out->list[out->count];
        const char *problem = read_mapping(entry, mapping);
        if (problem == NULL && is_mapped(out, mapping))
            problem = "maps an address that is mapped already";
        if (problem != NULL)
            return turn_list_refuse(why, entry, problem);
        out->count++;
    }
    return 0;
}

int turn_read_ranges(struct text list, struct address_ranges *out, struct str *why)
{
    struct text entry;
    while (turn_list_next(&list, &entry)) {
        struct address_range range;
        const char *problem = address_range_parse(entry, &range);
        if (problem != NULL)
            return turn_list_refuse(why, entry, problem);
        int error = address_ranges_add(out, &range);
        if (error != 0)
            return error;
    }
    address_ranges_seal(out);
    return 0;
}

int turn_read_certificates(
    struct text certificates, struct text keys, struct turn_certificates *out, struct str *why)
{
    size_t count = turn_list_count(certificates), key_count = turn_list_count(keys);
    struct text certificate, key;
    if (count != key_count) {
        str_addf(why, "there are %zu certificates and %zu private keys", count, key_count);
        return -EINVAL;
    }
    out->list = calloc(count + 1, sizeof(out->list[0]));
    if (out->list == NULL)
        return -ENOMEM;
    while (turn_list_next(&certificates, &certificate) && turn_list_next(&keys, &key)) {
        struct tls_pair *pair = &out->list[out->count++];
        pair->certificate = text_dup(certificate);
        pair->key = text_dup(key);
        if (pair->certificate == NULL || pair->key == NULL)
            return -ENOMEM;
    }
    return 0;
}

int turn_read_texts(struct text list, struct turn_texts *out)
{
    out->list = calloc(turn_list_count(list) + 1, sizeof(out->list[0]));
    if (out->list == NULL)
        return -ENOMEM;
    while (turn_list_next(&list, &out->list[out->count]))
        out->count++;
    return 0;
}

static void certificates_done(struct turn_certificates *certificates)
{
    for (size_t i = 0; i < certificates->count; i++) {
        free((char *)certificates->list[i].certificate);
        free((char *)certificates->list[i].key);
    }
    free(certificates->list);
}

void turn_lists_done(struct turn_lists *lists)
{
    if (lists->oauth_keys.list != NULL)
        explicit_bzero(
            lists->oauth_keys.list, lists->oauth_keys.count * sizeof(lists->oauth_keys.list[0]));
    free(lists->listening.list);
    free(lists->relay.list);
    free(lists->external.list);
    address_ranges_done(&lists->proxies);
    address_ranges_done(&lists->allowed);
    address_ranges_done(&lists->denied);
    free(lists->alternates.list);
    free(lists->tls_alternates.list);
    certificates_done(&lists->certificates);
    free(lists->realms.list);
    free(lists->origins.list);
    free(lists->users.list);
    free(lists->secrets.list);
    free(lists->nonce_secrets.list);
    free(lists->oauth_keys.list);
    free(lists->uris.list);
    *lists = (struct turn_lists){0};
}
