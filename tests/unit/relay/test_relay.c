/* SPDX-License-Identifier: Apache-2.0 */
/* A relay as the daemon runs it: a real worker, real sockets on loopback, a real control loop. */
#include "relay/resume.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "mediaferry/stun.h"
#include "net/sockaddr.h"
#include "net/udp_socket.h"
#include "plan/share.h"
#include "relay/counters.h"
#include "../../sim/resume_copy.h"

enum { WAIT_MS = 5000, CALL = 3 };

static uv_loop_t loop;
static struct mailbox control;
static struct worker *worker;
static struct own_sockets *own_sockets;
static struct relay *relay;
static unsigned closed[3], snapshots, saves, changes;
static struct relay_resume *saved;
static uint64_t packets_in;

#define ADVERTISED "203.0.113.1" /* by the relay */

/* Another module of the worker, as the TURN server is one: a socket that talks to the relay. */
static struct client {
    struct worker_module *module;
    struct packet_socket *socket;
    struct address advertised;
    uv_mutex_t lock;
    unsigned heard; /* the rest is of the last one */
    struct address peer;
    uint8_t tos;
    uint8_t data[200];
    size_t len;
} client;

struct errand {
    struct message message;
    struct address to;
    size_t len;
    uint8_t data[200];
};

struct end {
    int fd;
    struct address address;
};

static struct end shared_end;

static struct end open_end_at(uint16_t port)
{
    struct end end;
    struct udp_socket_config config = {
        .bind = {.family = ADDRESS_IP4, .port = port, .ip = {127, 0, 0, 1}}};
    assert_int_equal(udp_socket_open(&config, &end.fd), 0);
    assert_int_equal(udp_socket_local(end.fd, &end.address), 0);
    return end;
}

static struct end open_end(void)
{
    return open_end_at(0);
}

static void on_closed(void *owner, uint32_t lease)
{
    (void)owner;
    closed[lease]++;
}

static void on_timeout(void *owner, uint64_t call, enum plan_timeout why)
{
    (void)owner, (void)call, (void)why;
}

static void on_snapshot(void *owner, uint64_t token, const struct relay_snapshot *snapshot)
{
    (void)owner, (void)token;
    snapshots++;
    packets_in = snapshot->found ? snapshot->streams[0].in[0].packets : 0;
}

static void on_saved(void *owner, uint64_t token, const struct relay_resume *resume)
{
    (void)owner, (void)token;
    saves++;
    saved = resume != NULL ? resume_copy(resume) : NULL;
}

static void on_changed(void *owner, uint64_t call)
{
    (void)owner;
    assert_int_equal(call, CALL);
    changes++;
}

static void on_client_packets(void *state, struct packet_batch *batch, uint64_t now_ms)
{
    const struct packet *p = batch->packets[batch->count - 1];
    (void)state, (void)now_ms;
    uv_mutex_lock(&client.lock);
    client.heard += (unsigned)batch->count;
    client.peer = p->peer;
    client.tos = p->tos;
    client.len = p->len < sizeof(client.data) ? p->len : sizeof(client.data);
    memcpy(client.data, p->data, client.len);
    uv_mutex_unlock(&client.lock);
}

static const struct worker_hooks client_hooks = {.packets = on_client_packets};

static void open_client(void)
{
    struct end own = open_end();
    struct packet_socket_config config = {
        .fd = own.fd, .local = own.address, .user = &client, .want_tos = true, .reachable = true};
    assert_true(address_parse(TEXT("203.0.113.2"), &config.advertised));
    client = (struct client){.module = worker_add(worker, &client_hooks, &client)};
    assert_int_equal(uv_mutex_init(&client.lock), 0);
    assert_int_equal(worker_open_socket(client.module, &config, &client.socket), 0);
    client.advertised = config.advertised;
    client.advertised.port = own.address.port;
}

static void run_errand(struct message *message, void *owner)
{
    struct errand *errand = (struct errand *)message;
    struct packet *p = worker_packet(worker);
    (void)owner;
    if (p == NULL || !packet_set(p, bytes_of(errand->data, errand->len)))
        abort();
    p->socket = client.socket;
    p->peer = errand->to;
    worker_send(worker, p);
    free(errand);
}

static void send_from_client(struct address to, struct bytes data)
{
    struct errand *errand = calloc(1, sizeof(*errand));
    assert_non_null(errand);
    *errand = (struct errand){.message.deliver = run_errand, .to = to, .len = data.len};
    memcpy(errand->data, data.data, data.len);
    worker_post(client.module, &errand->message);
}

/* What the client heard last, when it has heard `count` in all. */
static struct client client_heard(unsigned count)
{
    struct client now = {.heard = 0};
    for (int waited_ms = 0; now.heard < count && waited_ms < WAIT_MS; waited_ms++) {
        usleep(1000);
        uv_mutex_lock(&client.lock);
        now = client;
        uv_mutex_unlock(&client.lock);
    }
    assert_int_equal(now.heard, count);
    return now;
}

static struct address advertised(const struct end *end)
{
    struct address a;
    assert_true(address_parse(TEXT(ADVERTISED), &a));
    a.port = end->address.port;
    return a;
}

static void start(const char *engine, int expected)
{
    struct relay_config config = {
        .software_id = "test",
        .timeout_s = 60,
        .srtp_engine = engine,
        .control = &control,
        .listener = {.lease_closed = on_closed,
            .timed_out = on_timeout,
            .snapshot = on_snapshot,
            .saved = on_saved,
            .changed = on_changed},
    };
    own_sockets = own_sockets_new(1);
    struct worker_config config_of_worker = {.index = 0, .own = own_sockets};
    shared_end = open_end();
    struct relay_shared_socket shared = {
        .fd = shared_end.fd, .local = shared_end.address, .advertised = advertised(&shared_end)};

    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(mailbox_open(&control, &loop, NULL), 0);
    assert_int_equal(worker_new(&config_of_worker, &worker), 0);
    assert_int_equal(relay_open(&relay, worker, &config, &shared, 1), expected);
    if (expected != 0)
        assert_int_equal(fcntl(shared_end.fd, F_GETFD), -1); /* taken all the same */
    open_client();
    if (expected == 0)
        assert_int_equal(worker_start(worker), 0);
}

static void stop(void)
{
    worker_stop(worker);
    own_sockets_free(own_sockets);
    uv_mutex_destroy(&client.lock);
    relay_close(relay);
    relay = NULL;
    mailbox_close(&control, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void send_to(const struct end *from, const struct address *to, struct bytes bytes)
{
    assert_int_equal(udp_socket_send(from->fd, bytes, &(struct address){0}, to), 0);
}

/* The length of what comes within the time, or 0. */
static size_t receive(const struct end *at, uint8_t *buffer, size_t capacity)
{
    struct udp_datagram datagram;
    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms++) {
        if (udp_socket_receive(at->fd, buffer, capacity, &datagram) == 0)
            return datagram.bytes.len;
        usleep(1000);
    }
    return 0;
}

static struct plan_transport transport(uint32_t id, const struct end *own, const struct end *party)
{
    static struct plan_local locals[3];
    locals[id] = (struct plan_local){.rtp = own->address, .lease = id};
    return (struct plan_transport){
        .id = id,
        .local_count = 1,
        .locals = &locals[id],
        .remote_rtp = party->address,
        .rtcp_mux = true,
        .tos = 0xb8,
    };
}

static struct plan_stream stream(uint32_t id, uint32_t sink)
{
    static uint32_t sinks[] = {0, 1, 2};
    return (struct plan_stream){.id = id,
        .transport = id,
        .party_sends = true,
        .party_receives = true,
        .sink_count = 1,
        .sinks = &sinks[sink]};
}

static void post_resume(const struct plan *plan, const struct relay_sockets *sockets, size_t count,
    struct relay_resume *resume)
{
    const struct plan *shared = plan_share(plan);
    assert_non_null(shared);
    struct relay_update *update =
        relay_update_new(CALL, TEXT("unit"), shared, NULL, sockets, count);
    assert_non_null(update);
    plan_unref(shared);
    update->resume = resume;
    relay_post_update(relay, update);
}

static void post(const struct plan *plan, const struct relay_sockets *sockets, size_t count)
{
    post_resume(plan, sockets, count, NULL);
}

static void wait_for(const unsigned *counter)
{
    for (int waited_ms = 0; *counter == 0 && waited_ms < WAIT_MS; waited_ms++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    assert_int_equal(*counter, 1);
}

static void carries_packets_between_real_sockets(void **state)
{
    (void)state;
    static const uint8_t rtp[20] = {
        0x80, 0, 0, 1, 0, 0, 0, 160, 0, 0, 0, 5, 'h', 'e', 'l', 'l', 'o'};
    struct end own[2] = {open_end(), open_end()}, party[2] = {open_end(), open_end()};
    struct plan_transport transports[] = {
        transport(1, &own[0], &party[0]), transport(2, &own[1], &party[1])};
    struct plan_stream streams[] = {stream(1, 2), stream(2, 1)};
    struct plan plan = {2, transports, 2, streams};
    struct relay_sockets sockets[] = {{.lease = 1, .rtp_fd = own[0].fd, .rtcp_fd = -1},
        {.lease = 2, .rtp_fd = own[1].fd, .rtcp_fd = -1}};
    uint8_t buffer[100];
    int tos = 0;
    socklen_t len = sizeof(tos);

    changes = 0;
    start(NULL, 0);
    post(&plan, sockets, 2);
    send_to(&party[0], &own[0].address, bytes_of(rtp, sizeof(rtp)));
    assert_int_equal(receive(&party[1], buffer, sizeof(buffer)), sizeof(rtp));
    assert_memory_equal(buffer, rtp, sizeof(rtp));
    send_to(&party[1], &own[1].address, bytes_of(rtp, sizeof(rtp)));
    assert_int_equal(receive(&party[0], buffer, sizeof(buffer)), sizeof(rtp));
    assert_int_equal(getsockopt(own[0].fd, IPPROTO_IP, 1 /* IP_TOS */, &tos, &len), 0);
    assert_int_equal(tos, 0xb8);

    assert_int_equal(relay_post_query(relay, CALL, 1), 0);
    wait_for(&snapshots);
    assert_int_equal(packets_in, 1);
    assert_int_equal(counter_get(&relay_counters(relay)->relayed_packets), 2);
    assert_int_equal(changes, 1); /* it has come on the same way, and before */

    plan.transport_count = plan.stream_count = 0;
    post(&plan, NULL, 0);
    wait_for(&closed[1]);
    wait_for(&closed[2]);
    assert_int_equal(fcntl(own[0].fd, F_GETFD), -1);
    stop();
    close(party[0].fd);
    close(party[1].fd);
}

/* Who asks from inside sees and is seen as if all had gone out to the world and back. */
static void answers_checks_of_its_own_process(void **state)
{
    (void)state;
    static const uint8_t id[12] = "transaction";
    uint8_t request[100];
    struct stun_message answer;
    struct bytes value;
    struct address mapped, from;

    start(NULL, 0);
    const struct address to[] = {shared_end.address, advertised(&shared_end)};
    const struct address expected[] = {client.socket->local, client.advertised};
    for (unsigned i = 0; i < COUNT_OF(to); i++) {
        struct writer w = writer_over(request, sizeof(request));
        stun_begin(&w, stun_type(STUN_BINDING, STUN_REQUEST), bytes_of(id, sizeof(id)));
        send_from_client(to[i], writer_bytes(&w));
        struct client heard = client_heard(i + 1);
        from = heard.peer;
        assert_true(address_equal(&from, &to[i]));
        assert_int_equal(stun_parse(bytes_of(heard.data, heard.len), &answer), STUN_OK);
        assert_true(stun_find(&answer, STUN_XOR_MAPPED_ADDRESS, &value));
        assert_true(stun_read_xor_address(&answer, value, &mapped));
        assert_true(address_equal(&mapped, &expected[i]));
    }
    assert_int_equal(counter_get(&worker_counters(worker)->delivered_inside), 4);
    stop();
}

/* A phone whose address is a relayed one of the same process. */
static void carries_packets_to_its_own_process_and_back(void **state)
{
    (void)state;
    static const uint8_t rtp[20] = {
        0x80, 0, 0, 1, 0, 0, 0, 160, 0, 0, 0, 5, 'h', 'e', 'l', 'l', 'o'};
    struct end own[2] = {open_end(), open_end()}, party = open_end();
    struct end at_client;
    uint8_t buffer[100];

    start(NULL, 0);
    at_client.address = client.advertised;
    struct plan_transport transports[] = {
        transport(1, &own[0], &party), transport(2, &own[1], &at_client)};
    struct plan_stream streams[] = {stream(1, 2), stream(2, 1)};
    struct plan plan = {2, transports, 2, streams};
    struct relay_sockets sockets[] = {{.lease = 1, .rtp_fd = own[0].fd, .rtcp_fd = -1},
        {.lease = 2, .rtp_fd = own[1].fd, .rtcp_fd = -1, .advertised = advertised(&own[1])}};
    transports[1].strict_source = true;
    post(&plan, sockets, 2);

    send_to(&party, &own[0].address, bytes_of(rtp, sizeof(rtp)));
    struct client heard = client_heard(1);
    struct address from = advertised(&own[1]);
    assert_true(address_equal(&heard.peer, &from));
    assert_int_equal(heard.len, sizeof(rtp));
    assert_int_equal(heard.tos, 0xb8); /* the class of the call */
    send_from_client(from, bytes_of(rtp, sizeof(rtp)));
    assert_int_equal(receive(&party, buffer, sizeof(buffer)), sizeof(rtp));
    assert_int_equal(counter_get(&worker_counters(worker)->delivered_inside), 2);

    closed[1] = closed[2] = 0;
    plan.transport_count = plan.stream_count = 0;
    post(&plan, NULL, 0);
    wait_for(&closed[2]);
    assert_false(own_sockets_have(own_sockets, &own[1].address));
    assert_false(own_sockets_have(own_sockets, &from));
    stop();
    close(party.fd);
}

/* What one worker has learned, another one knows; meanwhile the ports are free. */
static void a_call_goes_on_with_another_worker(void **state)
{
    (void)state;
    static const uint8_t rtp[20] = {
        0x80, 0, 0, 1, 0, 0, 0, 160, 0, 0, 0, 5, 'h', 'e', 'l', 'l', 'o'};
    struct end own[2] = {open_end(), open_end()}, party[2] = {open_end(), open_end()};
    struct end elsewhere = open_end();
    struct plan_transport transports[] = {
        transport(1, &own[0], &elsewhere), transport(2, &own[1], &party[1])};
    struct plan_stream streams[] = {stream(1, 2), stream(2, 1)};
    struct plan plan = {2, transports, 2, streams};
    uint8_t buffer[100];

    transports[0].learning = PLAN_LEARN_IMMEDIATE;
    closed[1] = closed[2] = 0;
    for (int moved = 0; moved < 2; moved++) {
        struct relay_sockets sockets[] = {{.lease = 1, .rtp_fd = own[0].fd, .rtcp_fd = -1},
            {.lease = 2, .rtp_fd = own[1].fd, .rtcp_fd = -1}};
        start(NULL, 0);
        post_resume(&plan, sockets, 2, saved);
        saved = NULL;
        if (!moved) {
            send_to(&party[0], &own[0].address, bytes_of(rtp, sizeof(rtp)));
            assert_int_equal(receive(&party[1], buffer, sizeof(buffer)), sizeof(rtp));
        }
        send_to(&party[1], &own[1].address, bytes_of(rtp, sizeof(rtp)));
        assert_int_equal(receive(&party[0], buffer, sizeof(buffer)), sizeof(rtp));
        assert_memory_equal(buffer, rtp, sizeof(rtp));

        saves = 0;
        assert_int_equal(relay_post_save(relay, CALL, 1, RELAY_SAVE_AND_END), 0);
        wait_for(&saves);
        assert_non_null(saved);
        assert_int_equal(saved->streams[0].in[0].packets, 1);
        assert_int_equal(saved->streams[1].in[0].packets, 1 + (unsigned)moved);
        wait_for(&closed[1]);
        wait_for(&closed[2]);
        closed[1] = closed[2] = 0;
        stop();
        for (int i = 0; i < 2 && !moved; i++)
            own[i] = open_end_at(own[i].address.port);
    }
    relay_resume_free(saved);
    close(party[0].fd);
    close(party[1].fd);
    close(elsewhere.fd);
}

static void refuses_an_engine_nobody_has(void **state)
{
    (void)state;
    start("nonesuch", -EINVAL);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_packets_between_real_sockets),
        cmocka_unit_test(answers_checks_of_its_own_process),
        cmocka_unit_test(carries_packets_to_its_own_process_and_back),
        cmocka_unit_test(a_call_goes_on_with_another_worker),
        cmocka_unit_test(refuses_an_engine_nobody_has),
    };
    return cmocka_run_group_tests_name("relay", tests, NULL, NULL);
}
