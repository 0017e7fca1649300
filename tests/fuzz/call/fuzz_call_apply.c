/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands on one call, told as text: `offer from=a ice=force`, then the SDP up to a line with a
 * dot; words that mean nothing are skipped. The first line chooses the world.
 *
 * Claims: what world_apply() checks after each command (ids unique, sinks exist, leases outstanding
 * are those the plan names, the SDP written can be read); the same delete twice is no error; a copy
 * of a call has the same parties.
 */
#include "../require.h"

#include "scenario_flags.h"
#include "world.h"

enum { MAX_COMMANDS = 40, MAX_SDP = 1 << 16 };

static struct text until_dot(struct text *rest, char *room)
{
    size_t len = 0;
    while (rest->len > 0) {
        struct text line = text_cut(rest, '\n');
        if (text_is(line, "."))
            break;
        if (len + line.len + 2 > MAX_SDP)
            continue;
        if (line.len > 0)
            memcpy(room + len, line.data, line.len);
        memcpy(room + len + line.len, "\r\n", 2);
        len += line.len + 2;
    }
    return text_of(room, len);
}

static void make_world(struct world *w, struct text settings)
{
    world_init(w);
    require(world_add_address(w, "external", "203.0.113.10"));
    require(world_add_address(w, "external", "2001:db8::10"));
    require(world_add_address(w, "internal", "10.20.0.10"));
    while (settings.len > 0) {
        struct text word = text_word(&settings, ' ');
        w->has_shared_port = w->has_shared_port && !text_is(word, "own-ports");
        w->config.plain_sdp = w->config.plain_sdp && !text_is(word, "not-plain");
        if (text_is(word, "few-ports"))
            w->ports_left = 9;
    }
}

static bool read_verb(struct text word, enum call_verb *out)
{
    static const char *const verbs[] = {"offer", "answer", "delete"};
    for (size_t i = 0; i < COUNT_OF(verbs); i++)
        if (text_is(word, verbs[i])) {
            *out = (enum call_verb)i;
            return true;
        }
    return false;
}

static void check_copy(const struct world *w)
{
    struct folded_call *folded = call_fold(w->call);
    require(folded != NULL);
    struct call *copy = call_unfold(folded);
    require(copy != NULL);
    folded_call_free(folded);
    require(call_party_count(copy) == call_party_count(w->call));
    for (uint32_t i = 0; i < call_party_count(copy); i++) {
        struct call_party_info is = call_party(copy, i), was = call_party(w->call, i);
        require(text_equal(is.tag, was.tag) && is.peer_count == was.peer_count);
        for (uint32_t k = 0; k < is.section_count; k++)
            require(call_section(copy, i, k).stream == call_section(w->call, i, k).stream);
    }
    call_free(copy);
}

static void run(struct world *w, enum call_verb verb, struct text words, struct text sdp)
{
    struct call_command command = {.verb = verb, .call_id = TEXT("call"), .sdp = sdp};
    struct call_result result;
    scenario_default_flags(&command.flags);
    while (words.len > 0 && command.flags.edit_count < CALL_MAX_NAMES)
        (void)!scenario_flag(&command, text_word(&words, ' '));
    enum call_status status = world_apply(w, &command, &result);
    if (w->broken != NULL)
        fprintf(stderr, "this must hold: %s\n", w->broken);
    require(w->broken == NULL);
    if (status != CALL_OK || w->call == NULL)
        return;
    check_copy(w);
    if (verb == CALL_DELETE && result.ended)
        require(world_apply(w, &command, &result) == CALL_OK && result.ended);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char room[MAX_SDP];
    static struct world w;
    struct text rest = text_from_bytes(bytes_of(data, size));
    make_world(&w, text_cut(&rest, '\n'));
    for (unsigned n = 0; n < MAX_COMMANDS && rest.len > 0;) {
        struct text words = text_cut(&rest, '\n');
        struct text word = text_word(&words, ' ');
        enum call_verb verb;
        if (!read_verb(word, &verb))
            continue;
        n++;
        struct text sdp = text_of(NULL, 0);
        if (verb != CALL_DELETE)
            sdp = until_dot(&rest, room);
        run(&w, verb, words, sdp);
    }
    world_done(&w);
    return 0;
}
