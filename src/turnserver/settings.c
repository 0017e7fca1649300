/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "turnserver/turnserver.h"

struct turnserver_settings *turnserver_settings_new(struct turn_settings *turn)
{
    struct turnserver_settings *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        turn_settings_unref(turn);
        return NULL;
    }
    atomic_init(&s->references, 1);
    s->turn = turn;
    return s;
}

struct turnserver_settings *turnserver_settings_ref(struct turnserver_settings *s)
{
    atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
    return s;
}

void turnserver_settings_unref(struct turnserver_settings *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1)
        return;
    turn_settings_unref(s->turn);
    tls_context_unref(s->tls);
    address_ranges_done(&s->proxies);
    free(s);
}
