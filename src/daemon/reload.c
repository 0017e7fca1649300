/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/reload.h"

#include <errno.h>
#include <uv.h>

#include "base/log.h"
#include "daemon/option_value.h"

int reload_read(const struct reload_source *source, const struct host_addresses *host,
    struct daemon_config **out, struct str *why)
{
    struct daemon_config *config = NULL;
    enum config_action action;
    int error = config_load(source->argc, source->argv, source->envp, &action, &config, why);
    if (error != 0)
        return error;
    error = config_resolve(config, host, source->cores, why);
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
    if (current->listen_admin.count > 0 && fresh->listen_admin.count > 0)
        SWAP(current->admin_tokens, fresh->admin_tokens);
    SWAP(current->warnings, fresh->warnings);
    SWAP(current->warning_count, fresh->warning_count);
}

struct changes {
    struct str now, after_restart; /* names of options */
};

static void note_change(void *owner, const struct option *option)
{
    struct changes *changes = owner;
    struct str *names = option->reloadable ? &changes->now : &changes->after_restart;
    str_addf(names, "%s%s", names->len > 0 ? " " : "", option->name);
}

static void say_done(const struct daemon_config *config, const struct changes *changes)
{
    log_event(LOG_NOTICE, LOG_NO_CALL, "reload", "result=ok changed=%s",
        LOG_QUOTED(str_text(&changes->now)));
    if (changes->after_restart.len > 0)
        log_event(LOG_WARNING, LOG_NO_CALL, "reload-incomplete",
            "options=%s why=\"they count after a restart only\"",
            LOG_QUOTED(str_text(&changes->after_restart)));
    for (size_t i = 0; i < config->warning_count; i++)
        log_event(LOG_WARNING, LOG_NO_CALL, "configuration", "warning=%s",
            LOG_QUOTED(text_from(config->warnings[i])));
}

static void swap(struct daemon_config *current, struct host_addresses *host,
    struct daemon_config *fresh, struct host_addresses *fresh_host)
{
    reload_adopt(current, fresh);
    SWAP(*host, *fresh_host);
}

void reload_now(const struct reload_source *source, struct daemon_config *current,
    struct host_addresses *host, int (*apply)(void *owner, struct str *why), void *owner)
{
    struct host_addresses fresh_host = {.list = NULL};
    struct daemon_config *fresh = NULL;
    struct changes changes = {0};
    struct str why = {0};

    int error = host_addresses_read(&fresh_host);
    if (error != 0)
        str_addf(&why, "cannot list the addresses of this machine: %s", uv_strerror(error));
    else
        error = reload_read(source, &fresh_host, &fresh, &why);
    if (error == 0) {
        reload_changes(current, fresh, note_change, &changes);
        swap(current, host, fresh, &fresh_host);
        error = apply(owner, &why);
        if (error != 0)
            swap(current, host, fresh, &fresh_host);
    }
    if (error == 0)
        say_done(current, &changes);
    else
        log_event(
            LOG_ERR, LOG_NO_CALL, "reload", "result=error why=%s", LOG_QUOTED(str_text(&why)));
    config_free(fresh);
    host_addresses_done(&fresh_host);
    str_done(&changes.now);
    str_done(&changes.after_restart);
    str_done(&why);
}
