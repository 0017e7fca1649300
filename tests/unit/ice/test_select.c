/* SPDX-License-Identifier: Apache-2.0 */
/* Which pair carries media, told as scripts: who checks when, and where media goes then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "browser.h"
#include "ice/agent.h"

enum { LOW = 1000, MIDDLE = 2000, HIGH = 3000 };
enum act { END, CHECK, NOMINATE, MEDIA };

struct step {
    uint64_t at_ms;
    enum act act;
    char who;      /* A, B, C: an address of the browser */
    char expected; /* the selected one afterwards, '-' for none */
};

struct script {
    const char *name;
    uint32_t priorities[3]; /* of A, B, C */
    struct step steps[16];
};

static const struct script scripts[] = {
    {"regular nomination: checks first, one is nominated, then plain checks", {HIGH, LOW, LOW},
        {
            {0, CHECK, 'A', '-'},
            {20, CHECK, 'B', '-'},
            {120, NOMINATE, 'A', 'A'},
            {2600, CHECK, 'A', 'A'},
            {2700, CHECK, 'B', 'A'},
            {5100, CHECK, 'A', 'A'},
        }},
    {"regular: nominated again on another network, of lower priority", {HIGH, LOW, LOW},
        {
            {0, NOMINATE, 'A', 'A'},
            {2500, CHECK, 'A', 'A'},
            {4000, CHECK, 'B', 'A'},
            {4100, NOMINATE, 'B', 'B'},
            {4200, CHECK, 'A', 'B'},
        }},
    {"regular: nominated again soon after, while the first is checked plainly", {HIGH, LOW, LOW},
        {
            {0, NOMINATE, 'A', 'A'},
            {1000, CHECK, 'A', 'A'},
            {1500, NOMINATE, 'B', 'B'},
        }},
    {"aggressive: the highest priority wins, whatever the order", {LOW, HIGH, MIDDLE},
        {
            {0, NOMINATE, 'A', 'A'},
            {20, NOMINATE, 'B', 'B'},
            {40, NOMINATE, 'C', 'B'},
            {500, NOMINATE, 'A', 'B'},
            {520, NOMINATE, 'B', 'B'},
            {540, NOMINATE, 'C', 'B'},
            {2500, NOMINATE, 'A', 'B'},
            {2520, NOMINATE, 'B', 'B'},
        }},
    {"aggressive, then plain consent checks of the winner", {HIGH, LOW, LOW},
        {
            {0, NOMINATE, 'A', 'A'},
            {20, NOMINATE, 'B', 'A'},
            {5000, CHECK, 'A', 'A'},
            {10000, CHECK, 'A', 'A'},
        }},
    {"a NAT gives the browser a new port: same priority", {MIDDLE, MIDDLE, LOW},
        {
            {0, NOMINATE, 'A', 'A'},
            {2500, NOMINATE, 'A', 'A'},
            {5000, NOMINATE, 'B', 'B'},
            {7500, NOMINATE, 'B', 'B'},
        }},
    {"a browser facing lite roams to mobile: the old one is pinged plainly", {HIGH, LOW, LOW},
        {
            {0, NOMINATE, 'A', 'A'},
            {2500, NOMINATE, 'A', 'A'},
            {2600, CHECK, 'B', 'A'},
            {2700, NOMINATE, 'B', 'A'}, /* could be aggressive */
            {2900, CHECK, 'A', 'B'},    /* it is not */
            {3200, NOMINATE, 'B', 'B'},
            {3300, CHECK, 'A', 'B'},
            {4000, NOMINATE, 'A', 'A'}, /* and back */
            {4100, CHECK, 'B', 'A'},
        }},
    {"it roams and the old network is gone: no check there any more", {HIGH, LOW, LOW},
        {
            {0, NOMINATE, 'A', 'A'}, {2500, NOMINATE, 'A', 'A'}, {4000, NOMINATE, 'B', 'A'},
            {4500, NOMINATE, 'B', 'A'}, {5400, NOMINATE, 'B', 'A'},
            {5600, NOMINATE, 'B', 'B'}, /* more than 3 s after the last check of A */
        }},
    {"it roams, and media shows it sooner", {HIGH, LOW, LOW},
        {
            {0, NOMINATE, 'A', 'A'}, {2500, NOMINATE, 'A', 'A'}, {2800, MEDIA, 'A', 'A'},
            {2900, NOMINATE, 'B', 'A'}, {2920, MEDIA, 'B', 'A'}, {3300, MEDIA, 'B', 'A'},
            {3301, MEDIA, 'B', 'B'}, {3400, MEDIA, 'A', 'B'}, /* a straggler */
        }},
    {"media from a pair that was not nominated moves nothing", {HIGH, LOW, LOW},
        {
            {0, NOMINATE, 'A', 'A'},
            {100, CHECK, 'B', 'A'},
            {5000, MEDIA, 'B', 'A'},
            {5100, MEDIA, 'C', 'A'},
        }},
    {"media alone selects nothing", {HIGH, LOW, LOW},
        {
            {0, CHECK, 'A', '-'},
            {10, MEDIA, 'A', '-'},
            {20, MEDIA, 'B', '-'},
        }},
    {"aggressive with media on the lower pair settles there", {HIGH, LOW, LOW},
        {
            {0, NOMINATE, 'A', 'A'},
            {10, NOMINATE, 'B', 'A'},
            {600, MEDIA, 'B', 'B'},
            {2500, NOMINATE, 'A', 'B'},
            {2510, NOMINATE, 'B', 'B'},
            {2520, MEDIA, 'B', 'B'},
            {5000, NOMINATE, 'A', 'B'},
        }},
};

static struct address address_of(char who)
{
    struct address a = address_at("198.51.100.20:40000");
    a.port = (uint16_t)(a.port + who);
    return a;
}

static void act_out(struct ice_agent *agent, const struct script *script, const struct step *step)
{
    const struct ice_local rtp = {.component = 1};
    struct address source = address_of(step->who);
    struct browser_check check = good_check;
    uint8_t memory[512], room[ICE_REPLY_MAX];
    struct writer reply = writer_over(room, sizeof(room));

    if (step->act == MEDIA) {
        const struct ice_pair *before = ice_agent_selected(agent, 1);
        bool moved = ice_agent_saw_media(agent, &source, rtp, step->at_ms);
        assert_int_equal(moved, ice_agent_selected(agent, 1) != before);
        return;
    }
    check.use_candidate = step->act == NOMINATE;
    check.priority = script->priorities[step->who - 'A'];
    assert_int_equal(
        ice_agent_receive(agent, browser_write(&check, memory), &source, rtp, step->at_ms, &reply),
        ICE_ANSWERED);
}

static void follows_the_peer(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(scripts); i++) {
        struct ice_config config = {
            .local = {.ufrag = TEXT(LOCAL_UFRAG), .pwd = TEXT(LOCAL_PWD)},
            .remote_ufrag = TEXT(REMOTE_UFRAG),
        };
        struct ice_agent agent;
        assert_true(ice_agent_init(&agent, &config));
        for (const struct step *step = scripts[i].steps; step->act != END; step++) {
            act_out(&agent, &scripts[i], step);
            const struct ice_pair *s = ice_agent_selected(&agent, 1);
            char selected = s == NULL ? '-' : (char)(s->remote.port - 40000);
            if (selected != step->expected)
                print_message("# %s, at %u ms\n", scripts[i].name, (unsigned)step->at_ms);
            assert_int_equal(selected, step->expected);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(follows_the_peer)};
    return cmocka_run_group_tests_name("ice selection", tests, NULL, NULL);
}
