/* SPDX-License-Identifier: Apache-2.0 */
/* A relay as the daemon runs it: a real worker, real sockets on loopback, a real control loop. */
#include "relay/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "mediaferry/stun.h"
#include "net/sockaddr.h"
#include "net/udp_socket.h"
#include "relay/counters.h"

enum { WAIT_MS = 5000, CALL = 3 };

static uv_loop_t loop;
static struct mailbox control;
static struct worker *worker;
static struct relay *relay;
static unsigned closed[3], snapshots;
static uint64_t packets_in;

struct end {
    int fd;
    struct address address;
};

static struct end open_end(void)
{
    struct end end;
    struct udp_socket_config config = {.bind = {.family = ADDRESS_IP4, .ip = {127, 0, 0, 1}}};
    assert_int_equal(udp_socket_open(&config, &end.fd), 0);
    assert_int_equal(udp_socket_local(end.fd, &end.address), 0);
    return end;
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

static void start(const char *engine, int expected)
{
    struct relay_config config = {
        .software_id = "test",
        .timeout_s = 60,
        .srtp_engine = engine,
        .control = &control,
        .listener = {.lease_closed = on_closed, .timed_out = on_timeout, .snapshot = on_snapshot},
    };
    struct worker_config config_of_worker = {.index = 0};
    struct end stun = open_end();
    struct relay_shared_socket shared = {.fd = stun.fd, .local = stun.address};

    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(mailbox_open(&control, &loop, NULL), 0);
    assert_int_equal(worker_new(&config_of_worker, &worker), 0);
    assert_int_equal(relay_open(&relay, worker, &config, &shared, 1), expected);
    if (expected == 0)
        assert_int_equal(worker_start(worker), 0);
    else
        assert_int_equal(fcntl(stun.fd, F_GETFD), -1); /* taken all the same */
}

static void stop(void)
{
    worker_stop(worker);
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
    return (struct plan_transport){
        .id = id,
        .local_count = 1,
        .locals = {{.rtp = own->address, .lease = id}},
        .remote_rtp = party->address,
        .rtcp_mux = true,
        .tos = 0xb8,
    };
}

static struct plan_stream stream(uint32_t id, uint32_t sink)
{
    return (struct plan_stream){.id = id,
        .transport = id,
        .party_sends = true,
        .party_receives = true,
        .sink_count = 1,
        .sinks = {sink}};
}

static void post(const struct plan *plan, const struct relay_sockets *sockets, size_t count)
{
    struct relay_update *update = relay_update_new(CALL, TEXT("unit"), plan, NULL, sockets, count);
    assert_non_null(update);
    relay_post_update(relay, update);
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
    struct relay_sockets sockets[] = {{1, own[0].fd, -1}, {2, own[1].fd, -1}};
    uint8_t buffer[100];
    int tos = 0;
    socklen_t len = sizeof(tos);

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

    plan.transport_count = plan.stream_count = 0;
    post(&plan, NULL, 0);
    wait_for(&closed[1]);
    wait_for(&closed[2]);
    assert_int_equal(fcntl(own[0].fd, F_GETFD), -1);
    stop();
    close(party[0].fd);
    close(party[1].fd);
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
        cmocka_unit_test(refuses_an_engine_nobody_has),
    };
    return cmocka_run_group_tests_name("relay", tests, NULL, NULL);
}
