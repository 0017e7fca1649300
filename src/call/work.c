/* SPDX-License-Identifier: Apache-2.0 */
#include "call/work.h"

#include <stdarg.h>
#include <stdio.h>

enum call_status work_fail(struct work *w, enum call_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(w->out->why, sizeof(w->out->why), format, args);
    va_end(args);
    return status;
}

void work_random_text(const struct work *w, char *out, size_t len)
{
    static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    enum { LETTERS = sizeof(alphabet) - 1, FAIR = 256 / LETTERS * LETTERS };
    for (size_t i = 0; i < len;) {
        uint8_t random[32];
        w->env->random(random, sizeof(random));
        /* Values at the top of the range would make the first letters likelier. */
        for (size_t k = 0; k < sizeof(random) && i < len; k++)
            if (random[k] < FAIR)
                out[i++] = alphabet[random[k] % LETTERS];
    }
    out[len] = '\0';
}

const struct sdp_media *work_source(const struct work *w, uint32_t section)
{
    if (section >= w->sender->section_count)
        return NULL;
    int line = w->sender->sections[section].line;
    return line >= 0 && (size_t)line < w->sdp.media_count ? &w->sdp.media[line] : NULL;
}

struct side *work_lead(const struct party *p, struct side *side)
{
    if (side->bundle == 0 || side->is_bundle_tag)
        return side;
    for (uint32_t i = 0; i < p->section_count; i++) {
        struct side *other = p->sections[i].pending;
        if (other != NULL && other->is_bundle_tag && other->bundle == side->bundle)
            return other;
    }
    return side;
}

const struct link *work_link(const struct party *p, const struct side *side)
{
    for (uint32_t i = 0; side->bundle != 0 && !side->is_bundle_tag && i < p->section_count; i++) {
        const struct side *other = section_side(&p->sections[i]);
        if (other != NULL && other->is_bundle_tag && other->bundle == side->bundle)
            return &other->link;
    }
    return &side->link;
}
