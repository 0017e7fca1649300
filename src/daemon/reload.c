/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/reload.h"

#include <errno.h>

#include "daemon/option_value.h"

int reload_read(const struct reload_source *source, struct daemon_config **out, struct str *why)
{
    struct daemon_config *config = NULL;
    enum config_action action;
    int error = config_load(source->argc, source->argv, source->envp, &action, &config, why);
    if (error != 0)
        return error;
    error = config_resolve(config, source->host, source->cores, why);
    if (error != 0) {
        config_free(config);
        if (error == -ENOMEM)
            str_add_string(why, "out of memory");
        return error;
    }
    *out = config;
    return 0;
}

static bool is_same(
    const struct option *option, const struct daemon_config *a, const struct daemon_config *b)
{
    struct str one = {0}, other = {0};
    option_get(option, a, &one);
    option_get(option, b, &other);
    bool same = text_equal(str_text(&one), str_text(&other));
    str_done(&one);
    str_done(&other);
    return same;
}

void reload_changes(const struct daemon_config *current, const struct daemon_config *fresh,
    void (*tell)(void *owner, const struct option *option), void *owner)
{
    for (size_t i = 0; i < option_count; i++)
        if (!is_same(&options[i], current, fresh))
            tell(owner, &options[i]);
}

#define SWAP(a, b)                                                                                 \
    do {                                                                                           \
        __typeof__(a) swapped = (a);                                                               \
        (a) = (b);                                                                                 \
        (b) = swapped;                                                                             \
    } while (0)

/* The parsed lists of the options that are reloadable: both go together, for the lists are views
 * into the options' texts. */
static void swap_lists(struct turn_lists *a, struct turn_lists *b)
{
    SWAP(a->allowed, b->allowed);
    SWAP(a->denied, b->denied);
    SWAP(a->alternates, b->alternates);
    SWAP(a->tls_alternates, b->tls_alternates);
    SWAP(a->certificates, b->certificates);
    SWAP(a->realms, b->realms);
    SWAP(a->origins, b->origins);
    SWAP(a->users, b->users);
    SWAP(a->secrets, b->secrets);
    SWAP(a->nonce_secrets, b->nonce_secrets);
    SWAP(a->oauth_keys, b->oauth_keys);
    SWAP(a->uris, b->uris);
}

void reload_adopt(struct daemon_config *current, struct daemon_config *fresh)
{
    for (size_t i = 0; i < option_count; i++) {
        if (!options[i].reloadable)
            continue;
        option_swap(&options[i], current, fresh);
        SWAP(current->origins[i], fresh->origins[i]);
    }
    swap_lists(&current->turn_lists, &fresh->turn_lists);
    SWAP(current->turn_is_on, fresh->turn_is_on);
    SWAP(current->admin_tokens, fresh->admin_tokens);
    SWAP(current->warnings, fresh->warnings);
    SWAP(current->warning_count, fresh->warning_count);
}
