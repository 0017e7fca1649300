/* SPDX-License-Identifier: Apache-2.0 */
/* The text of /metrics, read as Prometheus does (text format 0.0.4). */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/drops.h"
#include "daemon/turn_state.h"

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
    w->service.workers = w->workers;
    w->service.worker_count = COUNT_OF(w->workers);
    turn_metrics(&w->service, &w->text);
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

static bool is_metric_name(struct text name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!islower((unsigned char)name.data[i]) && !isdigit((unsigned char)name.data[i]) &&
            name.data[i] != '_')
            return false;
    return name.len > 0 && text_starts_with(name, "mediaferry_");
}

static bool ends_with(struct text name, const char *end)
{
    size_t len = strlen(end);
    return name.len >= len && text_is(text_skip(name, name.len - len), end);
}

enum { METRICS_MAX = 256 };

struct reading {
    struct text names[METRICS_MAX];
    size_t count;
    struct text name; /* of the metric being read */
    bool has_type;
    size_t samples; /* of it */
};

static void begin_metric(struct reading *r, struct text name)
{
    assert_true(r->count == 0 || r->samples > 0);
    assert_true(is_metric_name(name));
    for (size_t i = 0; i < r->count; i++)
        assert_false(text_equal(r->names[i], name));
    assert_true(r->count < METRICS_MAX);
    r->names[r->count++] = name;
    r->name = name;
    r->has_type = false;
    r->samples = 0;
}

static void read_type(struct reading *r, struct text line)
{
    struct text name = text_cut(&line, ' ');
    assert_true(text_equal(name, r->name));
    assert_false(r->has_type);
    assert_int_equal(r->samples, 0);
    assert_true(text_is(line, "counter") || text_is(line, "gauge"));
    assert_int_equal(ends_with(name, "_total"), text_is(line, "counter"));
    r->has_type = true;
}

static void read_sample(struct reading *r, struct text line)
{
    uint64_t value;
    struct text name = text_cut(&line, ' ');
    struct text labels = name;
    name = text_cut(&labels, '{');
    assert_true(text_equal(name, r->name));
    assert_true(r->has_type);
    assert_true(text_to_u64(line, UINT64_MAX, &value));
    if (labels.len > 0) {
        assert_true(text_starts_with(labels, "reason=\"") && ends_with(labels, "\"}"));
        struct text reason = text_skip(labels, strlen("reason=\""));
        reason.len -= strlen("\"}");
        assert_true(reason.len > 0);
        for (size_t i = 0; i < reason.len; i++)
            assert_true(islower((unsigned char)reason.data[i]) || reason.data[i] == '_');
    }
    r->samples++;
}

static void prometheus_can_read_it(void **state)
{
    struct world *w = *state;
    static struct reading r;
    struct text rest = str_text(&w->text);
    assert_int_equal(rest.data[rest.len - 1], '\n');
    while (rest.len > 0) {
        struct text line = text_cut(&rest, '\n');
        if (text_starts_with(line, "# HELP ")) {
            line = text_skip(line, strlen("# HELP "));
            begin_metric(&r, text_cut(&line, ' '));
            assert_true(line.len > 0);
            assert_null(memchr(line.data, '\\', line.len));
        } else if (text_starts_with(line, "# TYPE ")) {
            read_type(&r, text_skip(line, strlen("# TYPE ")));
        } else {
            read_sample(&r, line);
        }
    }
    assert_true(r.samples > 0);
    assert_true(r.count > 40);
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
    expect_line(w, "\nmediaferry_received_packets_total 0\n");
    expect_line(w, "\nmediaferry_dropped_packets_total{reason=\"turn_no_allocation\"} 0\n");
    assert_null(strstr(str_string(&w->text), "mediaferry_redis")); /* there is none */
}

static void every_reason_of_a_drop_is_told(void **state)
{
    const struct world *w = *state;
    for (int reason = DROP_NONE + 1; reason < DROP_REASON_COUNT; reason++) {
        struct str line = {0};
        str_addf(&line, "\nmediaferry_dropped_packets_total{reason=\"%s\"} 0\n",
            drop_name((enum drop_reason)reason));
        expect_line(w, str_string(&line));
        str_done(&line);
    }
}

static void workers_are_added_up(void **state)
{
    struct world *w = *state;
    worker_count_drop(w->workers[0], DROP_TRUNCATED);
    worker_count_drop(w->workers[1], DROP_TRUNCATED);
    worker_count_drop(w->workers[1], DROP_TRUNCATED);
    str_done(&w->text);
    turn_metrics(&w->service, &w->text);
    struct str line = {0};
    str_addf(&line, "{reason=\"%s\"} 3\n", drop_name(DROP_TRUNCATED));
    expect_line(w, str_string(&line));
    str_done(&line);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(prometheus_can_read_it),
        WITH_WORLD(the_names_are_what_dashboards_ask_for),
        WITH_WORLD(every_reason_of_a_drop_is_told),
        WITH_WORLD(workers_are_added_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
