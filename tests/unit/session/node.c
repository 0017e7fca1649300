/* SPDX-License-Identifier: Apache-2.0 */
#include "node.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "dtls/certificate.h"
#include "plan/share.h"
#include "relay/counters.h"
#include "relay/resume.h"

/* --- the relay --- */

struct noted noted;

struct relay_update *relay_update_new(uint64_t call, struct text id, const struct plan *plan,
    struct dtls_certificate *certificate, const struct relay_sockets *sockets, size_t count)
{
    struct relay_update *update = noted.no_memory ? NULL : calloc(1, sizeof(*update));
    (void)id;
    if (update == NULL)
        return NULL;
    update->call = call;
    update->plan = plan_ref(plan);
    update->certificate = certificate != NULL ? dtls_certificate_ref(certificate) : NULL;
    update->socket_count = count;
    update->sockets = calloc(count + 1, sizeof(*update->sockets));
    for (size_t i = 0; i < count; i++)
        update->sockets[i] = sockets[i];
    return update;
}

static void update_free(struct relay_update *update)
{
    for (size_t i = 0; i < update->socket_count; i++) {
        close(update->sockets[i].rtp_fd);
        if (update->sockets[i].rtcp_fd >= 0)
            close(update->sockets[i].rtcp_fd);
    }
    plan_unref(update->plan);
    dtls_certificate_unref(update->certificate);
    relay_resume_free(update->resume);
    free(update->sockets);
    free(update);
}

void relay_post_update(struct relay *relay, struct relay_update *update)
{
    if (update->plan->transport_count == 0) {
        noted.ended++;
        noted.silenced += update->ends_silently;
        update_free(update);
        return;
    }
    assert_true(noted.count < MAX_RECORDS);
    noted.relays[noted.count] = relay;
    noted.updates[noted.count++] = update;
}

int relay_post_query(struct relay *relay, uint64_t call, uint64_t token)
{
    (void)relay, (void)call, (void)token;
    return 0;
}

int relay_post_save(struct relay *relay, uint64_t call, uint64_t token, enum relay_save how)
{
    (void)relay;
    if (noted.no_memory)
        return -ENOMEM;
    noted.hows[noted.asked_count] = how;
    noted.calls[noted.asked_count] = call;
    noted.asked[noted.asked_count++] = token;
    return 0;
}

const struct relay_counters *relay_counters(const struct relay *relay)
{
    static const struct relay_counters none;
    (void)relay;
    return &none;
}

const struct worker *relay_worker(const struct relay *relay)
{
    (void)relay;
    return NULL;
}

void forget_updates(void)
{
    for (size_t i = 0; i < noted.count; i++)
        update_free(noted.updates[i]);
    noted.count = 0;
}

/* --- a node --- */

const struct node_config usual = {"127.0.0.1", 1, WEBRTC_PORT, 0};

void node_open(struct node *n, struct node_config own)
{
    struct str why = {0};
    struct sessions_config config = {
        .call = {.plain_sdp = true, .loop_id = 1},
        .delete_delay_s = 30,
        .final_timeout_s = own.final_timeout_s,
        .max_sessions = -1,
        .port_min = PORT_MIN,
        .port_max = PORT_MAX,
        .shared_webrtc_port = own.webrtc_port != 0,
    };
    assert_int_equal(uv_loop_init(&n->loop), 0);
    assert_int_equal(host_addresses_read(&n->host), 0);
    assert_int_equal(interfaces_parse(text_from(own.interface), &n->host, &n->interfaces, &why), 0);
    assert_int_equal(sessions_open(&n->sessions, &n->loop, &config, n->interfaces), 0);
    for (size_t i = 0; i < own.workers; i++) {
        uint16_t port = own.webrtc_port == 0 ? 0 : (uint16_t)(own.webrtc_port + i);
        /* Told apart, never looked into. */
        struct session_worker worker = {
            .relay = (struct relay *)(uintptr_t)(0x1000 * (i + 1)), .webrtc_port = port};
        assert_int_equal(sessions_add_worker(n->sessions, worker), 0);
    }
    n->listener = sessions_listener(n->sessions);
    str_done(&why);
}

void node_close(struct node *n)
{
    sessions_close(n->sessions);
    assert_int_equal(uv_run(&n->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&n->loop), 0);
    interfaces_free(n->interfaces);
    host_addresses_done(&n->host);
}

static void over(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

void pass(struct node *n, uint64_t ms)
{
    uv_timer_t timer;
    assert_int_equal(uv_timer_init(&n->loop, &timer), 0);
    assert_int_equal(uv_timer_start(&timer, over, ms, 0), 0);
    uv_run(&n->loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&n->loop, UV_RUN_NOWAIT);
}

unsigned used_ports(const struct node *n)
{
    return sessions_ports(n->sessions, 0).used;
}

uint64_t calls(const struct node *n)
{
    return sessions_totals(n->sessions).current;
}

void give_ports_back(struct node *n)
{
    uint32_t leases[MAX_RECORDS];
    size_t count = 0;
    for (size_t i = 0; i < noted.count; i++)
        for (size_t k = 0; k < noted.updates[i]->socket_count; k++)
            leases[count++] = noted.updates[i]->sockets[k].lease;
    forget_updates();
    for (size_t i = 0; i < count; i++)
        n->listener.lease_closed(n->listener.owner, leases[i]);
}

void answer_save(struct node *n, size_t index, bool found)
{
    struct relay_resume *media = relay_resume_new();
    media->exact = noted.hows[index] == RELAY_SAVE_AND_END;
    media->stream_count = 1;
    media->streams = relay_resume_alloc(media, 1, sizeof(*media->streams));
    media->streams[0].stream = 1;
    media->streams[0].in[0].packets = 4711;
    n->listener.saved(n->listener.owner, noted.asked[index], found ? media : NULL);
    relay_resume_free(media);
}

/* --- commands --- */

struct session_outcome command(
    struct node *n, const char *id, enum call_verb verb, const char *sdp, struct call_flags flags)
{
    struct call_command command = {.verb = verb,
        .call_id = text_from(id),
        .from_tag = TEXT("a"),
        .to_tag = verb == CALL_OFFER ? TEXT("") : TEXT("b"),
        .sdp = text_from(sdp),
        .flags = flags};
    return sessions_exchange(n->sessions, &command);
}

void plain_call(struct node *n, const char *id)
{
    const struct call_flags flags = {.delete_delay = -1};
    assert_int_equal(command(n, id, CALL_OFFER, PLAIN_SDP("4000"), flags).status, SESSION_OK);
    assert_int_equal(command(n, id, CALL_ANSWER, PLAIN_SDP("5000"), flags).status, SESSION_OK);
}

void browser_call(struct node *n, const char *id)
{
    struct call_flags flags = {.delete_delay = -1, .web_rtc = true, .tos = -1};
    assert_int_equal(command(n, id, CALL_OFFER, PLAIN_SDP("4000"), flags).status, SESSION_OK);
}

static void ignore(void *owner, const struct session_report *report)
{
    (void)owner, (void)report;
}

void delete_call(struct node *n, const char *id, int delay_s)
{
    struct call_command command = {.verb = CALL_DELETE,
        .call_id = text_from(id),
        .from_tag = TEXT("a"),
        .flags = {.delete_delay = delay_s, .fast = true}};
    assert_int_equal(sessions_delete(n->sessions, &command, ignore, NULL), 0);
}
