/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/worker_cores.h"

#include <errno.h>

static bool add(struct worker_cores *cores, unsigned core)
{
    if (cores->count == WORKER_CORES_MAX)
        return false;
    cores->list[cores->count++] = core;
    return true;
}

static void add_all(const cpu_set_t *allowed, struct worker_cores *out)
{
    for (unsigned core = 0; core < CPU_SETSIZE; core++)
        if (CPU_ISSET(core, allowed) && !add(out, core))
            return;
}

static bool has(struct text text, char c)
{
    return text.len > 0 && memchr(text.data, c, text.len) != NULL;
}

/* "3" or "0-3". */
static bool parse_range(struct text range, uint64_t *first, uint64_t *last)
{
    bool is_one = !has(range, '-');
    struct text head = text_trim(text_cut(&range, '-'));
    if (!text_to_u64(head, CPU_SETSIZE - 1, first))
        return false;
    *last = *first;
    return is_one || (text_to_u64(text_trim(range), CPU_SETSIZE - 1, last) && *last >= *first);
}

static int add_range(
    struct text range, const cpu_set_t *allowed, struct worker_cores *out, struct str *why)
{
    uint64_t first, last;
    if (!parse_range(range, &first, &last)) {
        str_addf(why, "'%.*s' is neither off, auto, a core nor a range of cores", TEXT_ARG(range));
        return -EINVAL;
    }
    for (uint64_t core = first; core <= last; core++) {
        if (!CPU_ISSET(core, allowed)) {
            str_addf(why, "core %u is not there, or not for this process", (unsigned)core);
            return -EINVAL;
        }
        if (!add(out, (unsigned)core)) {
            str_addf(why, "more than %d cores", WORKER_CORES_MAX);
            return -EINVAL;
        }
    }
    return 0;
}

int worker_cores_parse(
    struct text text, const cpu_set_t *allowed, struct worker_cores *out, struct str *why)
{
    *out = (struct worker_cores){.count = 0};
    if (text_is_nocase(text, "off"))
        return 0;
    if (text_is_nocase(text, "auto")) {
        add_all(allowed, out);
        return 0;
    }
    for (bool is_last = false; !is_last;) {
        is_last = !has(text, ',');
        int error = add_range(text_trim(text_cut(&text, ',')), allowed, out, why);
        if (error != 0)
            return error;
    }
    return 0;
}
