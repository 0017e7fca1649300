/* SPDX-License-Identifier: Apache-2.0 */
#include "net/interfaces.h"

#include <stdlib.h>

void interfaces_free(struct interfaces *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->count; i++) {
        for (size_t n = 0; n < set->list[i].count; n++)
            free(set->list[i].addresses[n].stun_server);
        free(set->list[i].name);
        free(set->list[i].addresses);
    }
    for (size_t i = 0; i < set->alias_count; i++) {
        free(set->aliases[i].name);
        free(set->aliases[i].target);
    }
    free(set->list);
    free(set->aliases);
    free(set->binds);
    free(set);
}

static bool is_member(const struct interface *interface, struct text group)
{
    struct text name = text_from(interface->name);
    return name.len > group.len && name.data[group.len] == ':' &&
           text_equal(text_of(name.data, group.len), group);
}

/* An alias is resolved once: it names an interface or a group, not another alias. */
static struct text resolve_alias(const struct interfaces *set, struct text name)
{
    for (size_t i = 0; i < set->alias_count; i++)
        if (text_is(name, set->aliases[i].name))
            return text_from(set->aliases[i].target);
    return name;
}

static const struct interface *find_exact(const struct interfaces *set, struct text name)
{
    for (size_t i = 0; i < set->count; i++)
        if (text_is(name, set->list[i].name))
            return &set->list[i];
    return NULL;
}

const struct interface *interfaces_find(const struct interfaces *set, struct text name)
{
    const struct interface *exact = find_exact(set, name);
    return exact != NULL ? exact : find_exact(set, resolve_alias(set, name));
}

const struct interface *interfaces_pick(const struct interfaces *set, struct text name,
    unsigned turn, bool (*suits)(const struct interface *interface, void *arg), void *arg)
{
    const struct interface *exact = interfaces_find(set, name);
    if (exact != NULL)
        return suits == NULL || suits(exact, arg) ? exact : NULL;

    struct text group = resolve_alias(set, name);
    size_t members = 0;
    for (size_t i = 0; i < set->count; i++)
        members += is_member(&set->list[i], group);
    for (size_t tried = 0; tried < members; tried++) {
        size_t wanted = (turn + tried) % members;
        for (size_t i = 0; i < set->count; i++) {
            const struct interface *interface = &set->list[i];
            if (!is_member(interface, group) || wanted-- > 0)
                continue;
            if (suits == NULL || suits(interface, arg))
                return interface;
            break;
        }
    }
    return NULL;
}

const struct local_address *interface_address(
    const struct interface *interface, enum address_family family)
{
    for (size_t i = 0; i < interface->count; i++)
        if (family == ADDRESS_NONE || interface->addresses[i].bind.family == family)
            return &interface->addresses[i];
    return NULL;
}
