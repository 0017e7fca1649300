/* SPDX-License-Identifier: Apache-2.0 */
/* /metrics but for TURN's part: real sessions on two workers that do not run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/drops.h"
#include "base/log.h"
#include "daemon/metrics_sources.h"
#include "prometheus.h"
#include "rtpsec/session.h"

static const char sdp[] = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n"
                          "t=0 0\r\nm=audio 5000 RTP/AVP 8\r\n";

struct world {
    uv_loop_t loop;
    struct mailbox control;
    struct host_addresses host;
    struct interfaces *interfaces;
    struct sessions *sessions;
    struct worker *workers[2];
    struct relay *relays[2];
    struct ng_counters ng;
    struct admin_counters admin;
    struct str text;
};

static void add_worker(struct world *w, unsigned index)
{
    struct worker_config config = {.index = index};
    struct relay_config relay = {
        .software_id = "",
        .srtp_engine = "auto",
        .dtls_mtu = 1200,
        .control = &w->control,
        .listener = sessions_listener(w->sessions),
    };
    assert_int_equal(worker_new(&config, &w->workers[index]), 0);
    assert_int_equal(relay_open(&w->relays[index], w->workers[index], &relay, NULL, 0), 0);
    struct session_worker session = {
        .relay = w->relays[index], .counters = worker_counters(w->workers[index])};
    assert_int_equal(sessions_add_worker(w->sessions, session), 0);
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct str why = {0};
    struct sessions_config config = {
        .max_sessions = 1, .port_min = 24000, .port_max = 24099, .call = {.plain_sdp = true}};
    log_set_level(LOG_ERR);
    assert_true(rtpsec_init());
    assert_int_equal(uv_loop_init(&w->loop), 0);
    assert_int_equal(mailbox_open(&w->control, &w->loop, NULL), 0);
    assert_int_equal(host_addresses_read(&w->host), 0);
    assert_int_equal(interfaces_parse(TEXT("in/127.0.0.1;out/127.0.0.1!192.0.2.1;out/127.0.0.2"),
                         &w->host, &w->interfaces, &why),
        0);
    assert_int_equal(sessions_open(&w->sessions, &w->loop, &config, w->interfaces), 0);
    add_worker(w, 0);
    add_worker(w, 1);
    str_done(&why);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < COUNT_OF(w->workers); i++)
        worker_stop(w->workers[i]);
    for (size_t i = 0; i < COUNT_OF(w->relays); i++)
        relay_close(w->relays[i]);
    mailbox_close(&w->control, NULL);
    sessions_close(w->sessions);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    interfaces_free(w->interfaces);
    host_addresses_done(&w->host);
    str_done(&w->text);
    rtpsec_done();
    free(w);
    return 0;
}

static void offer(struct world *w, const char *id)
{
    struct call_command command = {
        .verb = CALL_OFFER, .call_id = text_from(id), .from_tag = TEXT("a"), .sdp = text_from(sdp)};
    (void)sessions_exchange(w->sessions, &command);
}

static void put(struct world *w)
{
    const struct metrics_sources from = {
        .sessions = w->sessions,
        .ng = &w->ng,
        .admin = &w->admin,
        .packets = &(struct packet_back_end){.name = "epoll"},
        .srtp_engine = "openssl",
    };
    str_reset(&w->text);
    metrics_process(&from, &w->text);
    metrics_calls(&from, &w->text);
    metrics_packets(&from, &w->text);
    metrics_control(&from, &w->text);
    metrics_rtpengine(&from, &w->text);
}

static void expect_line(const struct world *w, const char *line)
{
    if (strstr(str_string(&w->text), line) == NULL)
        fail_msg("no line %s", line);
}

static void prometheus_can_read_it(void **state)
{
    struct world *w = *state;
    struct address proxies[2];
    put(w);
    assert_true(prometheus_read(str_text(&w->text)) > 40);
    assert_null(strstr(str_string(&w->text), "rtpengine_requests_total"));
    assert_true(address_parse(TEXT("192.0.2.1"), &proxies[0]));
    assert_true(address_parse(TEXT("2001:db8::1"), &proxies[1]));
    for (size_t i = 0; i < COUNT_OF(proxies); i++)
        ng_counters_add(&w->ng, &proxies[i], &(enum ng_verb){NG_VERB_OFFER}, i == 1, 250000);
    offer(w, "one");
    put(w);
    assert_true(prometheus_read(str_text(&w->text)) > 43);
    expect_line(w, "\nmediaferry_ng_requests_total{command=\"offer\"} 2\n");
    expect_line(w, "\nmediaferry_ng_errors_total{command=\"offer\"} 1\n");
    expect_line(w, "\nmediaferry_ng_seconds_total{command=\"offer\"} 0.500000\n");
    expect_line(w, "\nrtpengine_requests_total{proxy=\"2001:db8::1\",request=\"offer\"} 1\n");
    expect_line(
        w, "\nrtpengine_request_seconds_total{proxy=\"192.0.2.1\",request=\"offer\"} 0.250000\n");
    expect_line(w, "\nrtpengine_errors_total{proxy=\"2001:db8::1\"} 1\n");
}

static void the_names_are_what_dashboards_ask_for(void **state)
{
    struct world *w = *state;
    put(w);
    expect_line(w, "mediaferry_info{version=\"" MEDIAFERRY_VERSION
                   "\",packet_io=\"epoll\",srtp_engine=\"openssl\"} 1\n");
    expect_line(w, "\nmediaferry_draining 0\n");
    expect_line(w, "\nmediaferry_calls 0\n");
    expect_line(w, "\nmediaferry_received_packets_total 0\n");
    expect_line(w, "\nmediaferry_dropped_packets_total{reason=\"turn_no_allocation\"} 0\n");
    expect_line(w, "\nmediaferry_worker_calls{worker=\"1\"} 0\n");
    expect_line(w, "\nmediaferry_admin_requests_total{result=\"unauthorized\"} 0\n");
    expect_line(w, "\nrtpengine_sessions{type=\"own\"} 0\n");
    expect_line(w, "\nrtpengine_sessions_total 0\n");
    expect_line(w, "\nrtpengine_closed_sessions_total{reason=\"silent_timeout\"} 0\n");
    expect_line(w, "\nrtpengine_packets_total{type=\"userspace\"} 0\n");
    expect_line(w, "\nrtpengine_ports_free{name=\"out\",address=\"127.0.0.2\"} 100\n");
}

static void calls_and_ports_are_counted(void **state)
{
    struct world *w = *state;
    offer(w, "one");
    offer(w, "two"); /* one too many */
    put(w);
    expect_line(w, "\nmediaferry_calls 1\n");
    expect_line(w, "\nmediaferry_calls_begun_total 1\n");
    expect_line(w, "\nmediaferry_calls_refused_total 1\n");
    expect_line(w, "\nmediaferry_ports{interface=\"in\",address=\"127.0.0.1\"} 100\n");
    /* Both names have the one address. */
    expect_line(w, "\nmediaferry_ports_used{interface=\"in\",address=\"127.0.0.1\"} 4\n");
    expect_line(w, "\nmediaferry_ports_used{interface=\"out\",address=\"127.0.0.1\"} 4\n");
    expect_line(w, "\nmediaferry_ports_used{interface=\"out\",address=\"127.0.0.2\"} 0\n");
    expect_line(w, "\nrtpengine_closed_sessions_total{reason=\"rejected\"} 1\n");
    assert_true(sessions_terminate(w->sessions, TEXT("one")));
    put(w);
    expect_line(w, "\nmediaferry_calls 0\n");
    expect_line(w, "\nmediaferry_calls_ended_total{reason=\"forced\"} 1\n");
    expect_line(w, "\nrtpengine_closed_sessions_total{reason=\"force_terminated\"} 1\n");
}

static void every_reason_of_a_drop_is_told(void **state)
{
    struct world *w = *state;
    put(w);
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
    put(w);
    struct str line = {0};
    str_addf(&line, "{reason=\"%s\"} 3\n", drop_name(DROP_TRUNCATED));
    expect_line(w, str_string(&line));
    str_done(&line);
    expect_line(w, "\nrtpengine_packet_errors_total{type=\"userspace\"} 3\n");
}

static void labels_are_escaped(void **state)
{
    struct str out = {0};
    (void)state;
    struct metric m = metric_begin(&out, METRIC_GAUGE, "mediaferry_x", "help");
    metric_add(&m, UINT64_MAX, 2,
        (struct metric_label[]){{"a", TEXT("q\" b\\ n\n")}, {"b", TEXT("\xff")}});
    metric_add_real(&m, 1.5, 0, NULL);
    assert_string_equal(str_string(&out),
        "# HELP mediaferry_x help\n# TYPE mediaferry_x gauge\n"
        "mediaferry_x{a=\"q\\\" b\\\\ n\\n\",b=\"?\"} 18446744073709551615\n"
        "mediaferry_x 1.500000\n");
    assert_int_equal(prometheus_read(str_text(&out)), 1);
    str_done(&out);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(prometheus_can_read_it),
        WITH_WORLD(the_names_are_what_dashboards_ask_for),
        WITH_WORLD(calls_and_ports_are_counted),
        WITH_WORLD(every_reason_of_a_drop_is_told),
        WITH_WORLD(workers_are_added_up),
        cmocka_unit_test(labels_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
