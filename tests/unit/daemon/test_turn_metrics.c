/* SPDX-License-Identifier: Apache-2.0 */
/* The part of /metrics that is about TURN. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "daemon/turn_state.h"
#include "prometheus.h"

struct world {
    struct mailbox control;
    uv_loop_t loop;
    struct worker *workers[2];
    struct turn_service service;
    struct str text;
};

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct address relay;
    assert_true(address_parse(TEXT("127.18.33.3"), &relay));
    const struct turnserver_relay relays[] = {{.bind = relay, .external = relay}};
    struct str why = {0};
    assert_int_equal(uv_loop_init(&w->loop), 0);
    assert_int_equal(mailbox_open(&w->control, &w->loop, NULL), 0);
    w->service.settings = turnserver_settings_new(turn_settings_new());
    struct turnserver_config config = {
        .relays = relays,
        .relay_count = 1,
        .port_min = 50000,
        .port_max = 50099,
        .workers = COUNT_OF(w->workers),
        .max_allocations = 16,
        .control = &w->control,
        .settings = w->service.settings,
    };
    w->service.server = turnserver_new(&config);
    for (unsigned i = 0; i < COUNT_OF(w->workers); i++) {
        struct worker_config worker = {.index = i};
        assert_int_equal(worker_new(&worker, &w->workers[i]), 0);
        assert_int_equal(turnserver_add_worker(w->service.server, w->workers[i], &why), 0);
    }
    turn_service_metrics(&w->service, &w->text);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < COUNT_OF(w->workers); i++)
        worker_stop(w->workers[i]);
    mailbox_close(&w->control, NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    turnserver_free(w->service.server);
    turnserver_settings_unref(w->service.settings);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    str_done(&w->text);
    free(w);
    return 0;
}

static void prometheus_can_read_it(void **state)
{
    const struct world *w = *state;
    assert_true(prometheus_read(str_text(&w->text)) > 25);
}

static void expect_line(const struct world *w, const char *line)
{
    if (strstr(str_string(&w->text), line) == NULL)
        fail_msg("no line %s", line);
}

static void the_names_are_what_dashboards_ask_for(void **state)
{
    const struct world *w = *state;
    expect_line(w, "\nmediaferry_turn_allocations 0\n");
    expect_line(w, "\nmediaferry_turn_allocations_made_total 0\n");
    expect_line(w, "\nmediaferry_turn_client_bytes_total 0\n");
    expect_line(w, "\nmediaferry_turn_connections 0\n");
    expect_line(w, "\nmediaferry_turn_handed_over_total 0\n");
    expect_line(w, "\nmediaferry_turn_relay_ports 100\n");
    expect_line(w, "\nmediaferry_turn_relay_ports_used 0\n");
    assert_null(strstr(str_string(&w->text), "mediaferry_redis")); /* there is none */
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(prometheus_can_read_it),
        WITH_WORLD(the_names_are_what_dashboards_ask_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
