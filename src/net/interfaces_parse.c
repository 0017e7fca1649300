/* SPDX-License-Identifier: Apache-2.0 */
#include "net/interfaces.h"

#include <errno.h>
#include <stdlib.h>

#include "base/random.h"
#include "net/address_class.h"
#include "net/resolve.h"

/* Bounds what one option may ask for. */
enum { ADDRESSES_MAX = 64 };

#define STUN_SCHEME "stun:"

struct found {
    struct address list[ADDRESSES_MAX];
    size_t count;
};

static void found_add(struct found *found, const struct address *a)
{
    for (size_t i = 0; i < found->count; i++)
        if (address_same_ip(&found->list[i], a))
            return;
    if (found->count == ADDRESSES_MAX)
        return;
    found->list[found->count] = *a;
    found->list[found->count++].port = 0;
}

static bool find_any(const struct host_addresses *host, struct found *out)
{
    for (size_t i = 0; i < host->count; i++)
        if (!host->list[i].is_loopback && !address_is_link_local(&host->list[i].ip))
            found_add(out, &host->list[i].ip);
    return out->count > 0;
}

static bool find_nic(const struct host_addresses *host, struct text name, struct found *out)
{
    for (size_t i = 0; i < host->count; i++)
        if (text_is(name, host->list[i].nic) && !address_is_link_local(&host->list[i].ip))
            found_add(out, &host->list[i].ip);
    return out->count > 0;
}

static bool find_host_name(struct text name, struct found *out)
{
    struct address addresses[ADDRESSES_MAX];
    size_t count = resolve_host(name, addresses, ADDRESSES_MAX);
    for (size_t i = 0; i < count; i++)
        found_add(out, &addresses[i]);
    return count > 0;
}

static bool find_literal(struct text word, struct found *out)
{
    struct address a;
    if (word.len >= 2 && word.data[0] == '[' && word.data[word.len - 1] == ']')
        word = text_of(word.data + 1, word.len - 2);
    if (!address_parse(word, &a))
        return false;
    found_add(out, &a);
    return true;
}

static bool find_bind(const struct host_addresses *host, struct text word, struct found *out)
{
    if (find_literal(word, out))
        return true;
    if (text_is(word, "any"))
        return find_any(host, out);
    return find_nic(host, word, out) || find_host_name(word, out);
}

/* One entry of the option: `entry` is all of it, for messages. */
struct entry {
    struct text all;
    struct text name;
    struct text address;
    struct text advertised;  /* empty when not told */
    struct text stun_server; /* who tells it, where `is_told` */
    bool is_told;
};

static struct entry split_entry(struct text all)
{
    struct entry e = {.all = all, .name = TEXT("default")};
    struct text rest = all;
    struct text head = text_cut(&rest, '/');
    if (rest.len > 0) {
        e.name = text_trim(head);
        head = rest;
    }
    e.address = text_trim(text_cut(&head, '!'));
    e.advertised = text_trim(head);
    e.is_told = text_starts_with(e.advertised, STUN_SCHEME);
    if (e.is_told) {
        e.stun_server = text_skip(e.advertised, strlen(STUN_SCHEME));
        e.advertised = text_of(NULL, 0);
    }
    return e;
}

static int refuse(struct str *why, const char *what, struct text where)
{
    str_addf(why, "%s in '%.*s'", what, TEXT_ARG(where));
    return -EINVAL;
}

static struct interface *find_or_add(struct interfaces *set, struct text name)
{
    for (size_t i = 0; i < set->count; i++)
        if (text_is(name, set->list[i].name))
            return &set->list[i];
    struct interface *list = reallocarray(set->list, set->count + 1, sizeof(*list));
    if (list == NULL)
        return NULL;
    set->list = list;
    struct interface *added = &list[set->count];
    *added = (struct interface){.name = text_dup(name)};
    if (added->name == NULL)
        return NULL;
    set->count++;
    return added;
}

static int bind_index_of(struct interfaces *set, const struct address *bind, unsigned *out)
{
    for (size_t i = 0; i < set->bind_count; i++) {
        if (address_same_ip(&set->binds[i], bind)) {
            *out = (unsigned)i;
            return 0;
        }
    }
    struct address *binds = reallocarray(set->binds, set->bind_count + 1, sizeof(*binds));
    if (binds == NULL)
        return -ENOMEM;
    set->binds = binds;
    binds[set->bind_count] = *bind;
    *out = (unsigned)set->bind_count++;
    return 0;
}

static int add_address(struct interfaces *set, struct interface *interface,
    const struct address *bind, const struct address *advertised, struct text stun_server)
{
    for (size_t i = 0; i < interface->count; i++)
        if (address_same_ip(&interface->addresses[i].bind, bind) &&
            address_same_ip(&interface->addresses[i].advertised, advertised))
            return 0;
    struct local_address local = {.bind = *bind, .advertised = *advertised};
    random_alphanumeric(local.foundation, FOUNDATION_LEN);
    int error = bind_index_of(set, bind, &local.bind_index);
    if (error != 0)
        return error;
    struct local_address *addresses =
        reallocarray(interface->addresses, interface->count + 1, sizeof(*addresses));
    if (addresses == NULL)
        return -ENOMEM;
    interface->addresses = addresses;
    if (stun_server.len > 0 && (local.stun_server = text_dup(stun_server)) == NULL)
        return -ENOMEM;
    addresses[interface->count++] = local;
    return 0;
}

/* The advertised address of the same family; NULL when there is none. */
static const struct address *advertised_for(const struct address *bind, const struct found *found)
{
    for (size_t i = 0; i < found->count; i++)
        if (found->list[i].family == bind->family)
            return &found->list[i];
    return NULL;
}

static int add_entry(struct interfaces *set, const struct entry *e,
    const struct host_addresses *host, struct str *why)
{
    struct found binds = {.count = 0};
    struct found advertised = {.count = 0};

    if (e->name.len == 0)
        return refuse(why, "no interface name before '/'", e->all);
    if (e->address.len == 0)
        return refuse(why, "no address", e->all);
    if (!find_bind(host, e->address, &binds))
        return refuse(why, "no address of this host, network interface or host name", e->all);
    if (e->advertised.len > 0 && !find_literal(e->advertised, &advertised) &&
        !find_host_name(e->advertised, &advertised))
        return refuse(why, "no address or host name after '!'", e->all);
    if (e->is_told && !outside_is_server(e->stun_server))
        return refuse(why, "no HOST[:PORT] after 'stun:'", e->all);

    struct interface *interface = find_or_add(set, e->name);
    if (interface == NULL)
        return -ENOMEM;
    size_t used = 0;
    for (size_t i = 0; i < binds.count; i++) {
        const struct address *bind = &binds.list[i];
        const struct address *shown =
            e->advertised.len > 0 ? advertised_for(bind, &advertised) : bind;
        if (shown == NULL)
            continue; /* a network interface has both families, its public address only one */
        int error = add_address(set, interface, bind, shown, e->stun_server);
        if (error != 0)
            return error;
        used++;
    }
    return used > 0 ? 0 : refuse(why, "the advertised address is of another family", e->all);
}

static int add_alias(struct interfaces *set, struct text name, struct text target)
{
    struct interface_alias *aliases =
        reallocarray(set->aliases, set->alias_count + 1, sizeof(*aliases));
    if (aliases == NULL)
        return -ENOMEM;
    set->aliases = aliases;
    struct interface_alias *added = &aliases[set->alias_count++];
    *added = (struct interface_alias){.name = text_dup(name), .target = text_dup(target)};
    return added->name != NULL && added->target != NULL ? 0 : -ENOMEM;
}

/* Splits ALIAS=NAME; false when the entry is no alias. */
static bool split_alias(struct text all, struct text *name, struct text *target)
{
    struct text rest = all;
    *name = text_trim(text_cut(&rest, '='));
    *target = text_trim(rest);
    return name->len > 0 && target->len > 0;
}

static int add_all(
    struct interfaces *set, struct text spec, const struct host_addresses *host, struct str *why)
{
    while (spec.len > 0) {
        struct text all = text_trim(text_cut(&spec, ';'));
        struct text name, target;
        if (all.len == 0)
            continue;
        struct entry e = split_entry(all);
        int error = split_alias(all, &name, &target) ? add_alias(set, name, target)
                                                     : add_entry(set, &e, host, why);
        if (error != 0)
            return error;
    }
    return 0;
}

static bool is_known(const struct interfaces *set, struct text name)
{
    return interfaces_pick(set, name, 0, NULL, NULL) != NULL;
}

static int check_whole(const struct interfaces *set, struct str *why)
{
    if (set->count == 0) {
        str_add_string(why, "no interface");
        return -EINVAL;
    }
    for (size_t i = 0; i < set->alias_count; i++) {
        struct text target = text_from(set->aliases[i].target);
        if (!is_known(set, target))
            return refuse(why, "an alias of an unknown interface", target);
    }
    return 0;
}

int interfaces_parse(
    struct text spec, const struct host_addresses *host, struct interfaces **out, struct str *why)
{
    struct interfaces *set = calloc(1, sizeof(*set));
    if (set == NULL)
        return -ENOMEM;
    int error = add_all(set, spec, host, why);
    if (error == 0)
        error = check_whole(set, why);
    if (error != 0) {
        interfaces_free(set);
        return error;
    }
    *out = set;
    return 0;
}
