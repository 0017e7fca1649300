/* SPDX-License-Identifier: Apache-2.0 */
#include "scenario_world.h"

#include <stdio.h>

bool scenario_set(struct world *w, struct text words)
{
    struct text name = text_word(&words, ' ');
    const struct {
        const char *name;
        bool *field;
    } switches[] = {
        {"shared-port", &w->has_shared_port},
        {"plain-sdp", &w->config.plain_sdp},
        {"sip-source", &w->config.sip_source},
        {"dtls-passive", &w->config.dtls_passive},
        {"reject-invalid-sdp", &w->config.reject_invalid_sdp},
        {"bind-fails", &w->bind_fails},
    };
    for (size_t i = 0; i < COUNT_OF(switches); i++)
        if (text_is(name, switches[i].name)) {
            *switches[i].field = text_is(words, "on");
            return true;
        }
    uint64_t number = 0;
    bool is_number = text_to_u64(words, 1000, &number);
    if (text_is(name, "ports-left"))
        w->ports_left = is_number ? (int)number : -1;
    else if (text_is(name, "told-shift"))
        w->told_shift = (uint16_t)number;
    else
        return false;
    return true;
}

bool scenario_interface(struct world *w, struct text words)
{
    char name[32], address[128];
    struct text word = text_word(&words, ' ');
    snprintf(name, sizeof(name), "%.*s", TEXT_ARG(word));
    while (words.len > 0) {
        word = text_word(&words, ' ');
        snprintf(address, sizeof(address), "%.*s", TEXT_ARG(word));
        if (!world_add_address(w, name, address))
            return false;
    }
    return true;
}
