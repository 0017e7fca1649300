/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/turn_lists.h"

#include <stdlib.h>

bool turn_list_next(struct text *rest, struct text *entry)
{
    while (rest->len > 0) {
        *entry = text_cut(rest, '\n');
        if (entry->len > 0)
            return true;
    }
    return false;
}

static void wipe(void *secret, size_t len)
{
    explicit_bzero(secret, len);
}

static void free_secret(char *secret)
{
    if (secret != NULL)
        wipe(secret, strlen(secret));
    free(secret);
}

void turn_lists_done(struct turn_lists *lists)
{
    for (size_t i = 0; i < lists->origin_count; i++) {
        free(lists->origins[i].origin);
        free(lists->origins[i].realm);
    }
    for (size_t i = 0; i < lists->user_count; i++) {
        free(lists->users[i].name);
        free_secret(lists->users[i].password);
        wipe(lists->users[i].key, sizeof(lists->users[i].key));
    }
    for (size_t i = 0; i < lists->oauth_key_count; i++) {
        free(lists->oauth_keys[i].kid);
        wipe(lists->oauth_keys[i].key, sizeof(lists->oauth_keys[i].key));
    }
    free(lists->listening.list);
    free(lists->relay.list);
    free(lists->mappings);
    free(lists->origins);
    free(lists->users);
    free(lists->oauth_keys);
    free(lists->alternates.list);
    free(lists->tls_alternates.list);
    free(lists->allowed.list);
    free(lists->denied.list);
    free(lists->proxies.list);
    *lists = (struct turn_lists){0};
}
