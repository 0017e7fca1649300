/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/random.h"
#include "daemon/fleet_service.h"
#include "daemon/operation.h"
#include "daemon/restart.h"
#include "daemon/packet_back_end.h"
#include "daemon/turn_service.h"
#include "net/address_class.h"
#include "net/own_sockets.h"
#include "net/udp_socket.h"
#include "ng/listener.h"
#include "relay/relay.h"
#include "rtpsec/session.h"
#include "session/session.h"

/* One thread and its modules. */
struct media_worker {
    struct worker *worker;
    struct relay *relay;
};

struct service {
    uv_loop_t *loop;
    const struct daemon_config *config;
    const struct host_addresses *host;
    struct mailbox control;
    struct own_sockets *own_sockets;
    struct turn_service *turn;
    struct sessions *sessions;
    struct fleet_service *fleet; /* NULL: this node shares nothing */
    struct packet_back_end packets;
    struct media_worker *workers;
    size_t worker_count;
    struct ng_server *server;
    struct ng_listener *listeners[LISTEN_MAX];
    size_t listener_count;
    struct service_owner owner;
    bool is_stopping;
    struct operation *operation;
};

static uint64_t monotonic_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int64_t wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static uint16_t webrtc_port(const struct daemon_config *config, size_t worker)
{
    int64_t first = config->network.webrtc_port;
    return first == 0 ? 0 : (uint16_t)((size_t)first + worker);
}

static int open_sessions(struct service *service)
{
    const struct daemon_config *config = service->config;
    struct sessions_config sessions = {
        .call =
            {
                .plain_sdp = config->calls.plain_sdp,
                .dtls_passive = config->media.dtls_passive,
                .sip_source = config->calls.sip_source,
                .reject_invalid_sdp = config->calls.reject_invalid_sdp,
                .tos = (uint8_t)config->network.tos,
                .learning = config->media.endpoint_learning,
                .loop_id = (int64_t)(random_u64() & 0xffffffffffff),
            },
        .delete_delay_s = (uint32_t)config->calls.delete_delay_s,
        .final_timeout_s = (uint32_t)config->calls.final_timeout_s,
        .silent_timeout_s = (uint32_t)config->calls.silent_timeout_s,
        .max_sessions = config->calls.max_sessions,
        .port_min = (uint16_t)config->network.port_min,
        .port_max = (uint16_t)config->network.port_max,
        .shared_webrtc_port = config->network.webrtc_port != 0,
    };
    return sessions_open(&service->sessions, service->loop, &sessions, config->interfaces);
}

/* What the world sees of a local address. Two interfaces may show it by different ones: then it is
 * the first of them. */
static struct address advertised_by(const struct interfaces *interfaces, size_t bind_index)
{
    for (size_t i = 0; i < interfaces->count; i++)
        for (size_t n = 0; n < interfaces->list[i].count; n++) {
            const struct local_address *local = &interfaces->list[i].addresses[n];
            if (local->bind_index == bind_index &&
                !address_same_ip(&local->advertised, &local->bind))
                return local->advertised;
        }
    return interfaces->binds[bind_index];
}

/* Media of all browsers of a worker waits in one socket while the thread is kept from it. */
enum { SHARED_RECEIVE_BUFFER = 4 << 20 };

/* Opens one shared socket and says so. */
static int open_shared(const struct daemon_config *config, size_t bind_index, size_t worker,
    struct relay_shared_socket *out, struct str *why)
{
    struct udp_socket_config socket = {
        .bind = config->interfaces->binds[bind_index],
        .receive_buffer = SHARED_RECEIVE_BUFFER,
        .free_bind = true, /* a standby gets the shared address when it takes over */
        .tos = (unsigned)config->network.tos,
    };
    char text[ADDRESS_TEXT_SIZE];
    socket.bind.port = webrtc_port(config, worker);
    *out = (struct relay_shared_socket){
        .fd = -1,
        .local = socket.bind,
        .advertised = advertised_by(config->interfaces, bind_index),
        .tos = (uint8_t)config->network.tos,
    };

    int error = udp_socket_open(&socket, &out->fd);
    if (error != 0) {
        str_addf(why, "cannot listen on %s/udp: %s (option 'webrtc-port')",
            address_text(&socket.bind, text), uv_strerror(error));
        return error;
    }
    log_event(LOG_NOTICE, LOG_NO_CALL, "listening",
        "for=webrtc address=%s/udp worker=%zu use=\"ICE, DTLS and SRTP of browsers and apps\"",
        address_text(&socket.bind, text), worker);
    return 0;
}

static void close_shared(const struct relay_shared_socket *sockets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (sockets[i].fd >= 0)
            close(sockets[i].fd);
}

/* The WebRTC sockets of one worker on every local address. */
static int open_all_shared(const struct daemon_config *config, size_t worker,
    struct relay_shared_socket *sockets, size_t *count, struct str *why)
{
    const struct interfaces *interfaces = config->interfaces;
    *count = 0;
    if (config->network.webrtc_port == 0)
        return 0;
    for (size_t i = 0; i < interfaces->bind_count; i++) {
        int error = open_shared(config, i, worker, &sockets[*count], why);
        if (error != 0) {
            close_shared(sockets, *count);
            return error;
        }
        ++*count;
    }
    return 0;
}

static int open_relay(struct service *service, size_t index, struct str *why)
{
    const struct daemon_config *config = service->config;
    struct media_worker *media = &service->workers[index];
    struct relay_config relay = {
        .software_id = config->network.software_id,
        .timeout_s = (uint32_t)config->calls.timeout_s,
        .silent_timeout_s = (uint32_t)config->calls.silent_timeout_s,
        .offer_timeout_s = (uint32_t)config->calls.offer_timeout_s,
        .dtls_mtu = (uint16_t)config->media.dtls_mtu,
        .mos_without_rtt = config->media.mos == MOS_LQ,
        .srtp_engine = config->media.srtp_engine,
        .control = &service->control,
        .listener = sessions_listener(service->sessions),
    };
    struct relay_shared_socket *sockets = calloc(config->interfaces->bind_count, sizeof(*sockets));
    size_t count;
    if (sockets == NULL)
        return -ENOMEM;
    int error = open_all_shared(config, index, sockets, &count, why);
    if (error == 0) {
        error = relay_open(&media->relay, media->worker, &relay, sockets, count);
        if (error != 0)
            str_addf(why, "cannot open the relay of worker %zu: %s", index, uv_strerror(error));
    }
    free(sockets);
    return error;
}

static int open_worker(struct service *service, size_t index, struct str *why)
{
    const struct daemon_config *config = service->config;
    struct media_worker *media = &service->workers[index];
    struct worker_config worker = {
        .index = (unsigned)index,
        .make_io = service->packets.make,
        .io_context = packet_back_end_context(&service->packets, index),
        .batch_wait_us = (unsigned)config->media.batch_wait_us,
        .own = service->own_sockets,
    };
    if (config->worker_cores.count > 0) {
        worker.is_pinned = true;
        worker.cpu = worker_core(&config->worker_cores, index);
    }
    int error = worker_new(&worker, &media->worker);
    if (error != 0)
        return error;
    service->worker_count++;
    error = open_relay(service, index, why);
    if (error == 0)
        error = turn_service_add_worker(service->turn, media->worker, why);
    if (error == 0)
        error = worker_start(media->worker);
    if (error != 0)
        return error;
    return sessions_add_worker(service->sessions, (struct session_worker){.relay = media->relay,
                                                      .counters = worker_counters(media->worker),
                                                      .webrtc_port = webrtc_port(config, index)});
}

static int open_workers(struct service *service, struct str *why)
{
    size_t count = (size_t)service->config->process.num_threads;
    packet_back_end_open(&service->packets, service->loop, service->config, service->host);
    service->workers = calloc(count, sizeof(*service->workers));
    if (service->workers == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        int error = open_worker(service, i, why);
        if (error != 0)
            return error;
    }
    return 0;
}

/* What a newcomer needs next is the line for the proxy, so it is given. */
static void say_listener(const struct address *address)
{
    char text[ADDRESS_TEXT_SIZE], line[128] = "";
    address_text(address, text);
    if (address->family == ADDRESS_IP4 && !address_is_unspecified(address))
        snprintf(line, sizeof(line),
            " kamailio=\"modparam('rtpengine', 'rtpengine_sock', 'udp:%s')\"", text);
    log_event(LOG_NOTICE, LOG_NO_CALL, "listening",
        "for=ng address=%s/udp use=\"commands of the SIP proxy\"%s", text, line);
    if (!address_is_loopback(address))
        log_event(LOG_WARNING, LOG_NO_CALL, "ng-exposed",
            "address=%s/udp why=\"no authentication: who reaches this address controls all calls\"",
            text);
}

static int make_ng_server(struct service *service)
{
    struct ng_server_config server = {
        .sessions = service->sessions,
        .now_us = monotonic_us,
        .wall_us = wall_us,
        .port_min = (uint16_t)service->config->network.port_min,
        .port_max = (uint16_t)service->config->network.port_max,
        .ssrc_reporting = service->config->media.ssrc_reporting,
        .elsewhere = fleet_service_elsewhere(service->fleet),
        .loop = service->loop,
    };
    service->server = ng_server_new(&server);
    return service->server != NULL ? 0 : -ENOMEM;
}

static int open_listeners(struct service *service, struct str *why)
{
    const struct listen_addresses *wanted = &service->config->listen_ng;
    char text[ADDRESS_TEXT_SIZE];
    for (size_t i = 0; i < wanted->count; i++) {
        const struct address *address = &wanted->list[i].address;
        int error =
            ng_listener_open(service->loop, address, (unsigned)service->config->network.control_tos,
                service->server, &service->listeners[service->listener_count]);
        if (error != 0 && wanted->list[i].is_optional)
            continue;
        if (error != 0) {
            str_addf(why, "cannot listen on %s/udp: %s (option 'listen-ng')",
                address_text(address, text), uv_strerror(error));
            return error;
        }
        say_listener(ng_listener_address(service->listeners[service->listener_count++]));
    }
    return 0;
}

static void say_interfaces(const struct daemon_config *config)
{
    char bind[ADDRESS_TEXT_SIZE], advertised[ADDRESS_TEXT_SIZE];
    for (size_t i = 0; i < config->interfaces->count; i++) {
        const struct interface *interface = &config->interfaces->list[i];
        for (size_t n = 0; n < interface->count; n++) {
            const char *server = interface->addresses[n].stun_server;
            log_event(LOG_NOTICE, LOG_NO_CALL, "interface",
                "name=%s address=%s advertised=%s%s%s ports=%lld-%lld use=\"RTP, and SRTP with "
                "SDES\"",
                LOG_QUOTED(text_from(interface->name)),
                address_ip_text(&interface->addresses[n].bind, bind),
                address_ip_text(&interface->addresses[n].advertised, advertised),
                server != NULL ? " told-by=" : "", server != NULL ? server : "",
                (long long)config->network.port_min, (long long)config->network.port_max);
        }
    }
}

static int open_turn(struct service *service, struct str *why)
{
    struct turn_service_config turn = {
        .loop = service->loop,
        .control = &service->control,
        .own_sockets = service->own_sockets,
        .config = service->config,
        .host = service->host,
    };
    return turn_service_new(&service->turn, &turn, why);
}

static int open_fleet(struct service *service, struct str *why)
{
    const struct fleet_service_config fleet = {
        .loop = service->loop,
        .config = service->config,
        .sessions = service->sessions,
        .turnserver = turn_service_server(service->turn),
    };
    return fleet_service_open(&service->fleet, &fleet, why);
}

static void returned(void *owner, enum store_kind kind, uint64_t handle, struct text id)
{
    const struct service *service = owner;
    if (kind == STORE_CALL)
        fleet_service_returned_call(service->fleet, handle, id);
    else
        fleet_service_returned_allocation(service->fleet, handle, id);
}

/* What was put into the file longer ago than other nodes wait is theirs by now. */
static struct restart restart_of(struct service *service)
{
    const struct process_settings *process = &service->config->process;
    return (struct restart){
        .settings = process,
        .max_age_s = fleet_service_restart_age_s(service->fleet, process->restart_max_age_s),
        .sessions = service->sessions,
        .turnserver = turn_service_server(service->turn),
        .owner = service,
        .returned = returned,
    };
}

static void expect_allocations(struct service *service)
{
    const struct restart restart = restart_of(service);
    restart_expect(&restart);
}

/* Told while the service stops, too, which then waits for nothing. */
static void left(void *owner)
{
    struct service *service = owner;
    if (!service->is_stopping)
        service->owner.drained(service->owner.owner);
}

/* What is in the file now is this node's still. */
static void saved(void *owner)
{
    struct service *service = owner;
    if (!service->is_stopping)
        fleet_service_step_aside(service->fleet, left, service);
}

/* Commands that come from now on wait in the sockets: what they are about may be saved already. */
static void drained(void *owner)
{
    struct service *service = owner;
    for (size_t i = 0; i < service->listener_count; i++)
        ng_listener_pause(service->listeners[i]);
    ng_server_drop_held(service->server);
    const struct restart restart = restart_of(service);
    if (restart.settings->restart_file[0] != '\0')
        restart_save(&restart, saved, service);
    else
        fleet_service_leave(service->fleet, left, service);
}

static int open_operation(struct service *service, struct str *why)
{
    struct operation_config config = {
        .loop = service->loop,
        .config = service->config,
        .sessions = service->sessions,
        .turn = service->turn,
        .ng = ng_server_counters(service->server),
        .packets = &service->packets,
        .fleet = service->fleet,
        .drained = drained,
        .owner = service,
    };
    return operation_open(&service->operation, &config, why);
}

static void load(struct service *service)
{
    const struct restart restart = restart_of(service);
    restart_load(&restart);
}

static int open_all(struct service *service, struct str *why)
{
    const struct daemon_config *config = service->config;
    service->own_sockets = own_sockets_new((unsigned)config->process.num_threads);
    if (service->own_sockets == NULL)
        return -ENOMEM;
    int error = open_sessions(service);
    if (error != 0)
        return error;
    say_interfaces(config);
    error = open_turn(service, why);
    if (error == 0)
        expect_allocations(service);
    if (error == 0)
        error = open_workers(service, why);
    if (error == 0)
        error = turn_service_start(service->turn, why);
    if (error == 0)
        error = open_fleet(service, why);
    if (error == 0)
        error = make_ng_server(service);
    if (error == 0)
        error = open_operation(service, why);
    if (error == 0)
        error = open_listeners(service, why);
    if (error == 0) /* commands that have come by now are looked at when the loop runs */
        load(service);
    return error;
}

/* The relays choose once more, and the same. What belongs to no engine that is used is not started:
 * the 50 ms that libsrtp2 takes would be a third of the silence of a restart. */
static bool engine_is_here(const struct daemon_config *config, struct str *why)
{
    struct rtpsec_choice choice = rtpsec_engine_choose(config->media.srtp_engine);
    if (choice.engine == NULL) {
        str_addf(why, "srtp-engine=%s: %s", config->media.srtp_engine, choice.why);
        return false;
    }
    log_event(LOG_NOTICE, LOG_NO_CALL, "srtp-engine", "use=%s why=\"%s\"", choice.engine->name,
        choice.why);
    if (choice.engine != &rtpsec_engine_libsrtp2 || rtpsec_init())
        return true;
    str_add_string(why, "cannot start libsrtp2");
    return false;
}

int service_start(struct service **out, uv_loop_t *loop, const struct daemon_config *config,
    const struct host_addresses *host, const struct service_owner *owner, struct str *why)
{
    struct service *service = calloc(1, sizeof(*service));
    if (service == NULL)
        return -ENOMEM;
    service->loop = loop;
    service->config = config;
    service->host = host;
    service->owner = *owner;
    int error =
        engine_is_here(config, why) ? mailbox_open(&service->control, loop, service) : -ENOTSUP;
    if (error != 0) {
        rtpsec_done();
        free(service);
        return error;
    }
    error = open_all(service, why);
    if (error != 0) {
        if (str_text(why).len == 0)
            str_addf(why, "cannot start: %s", uv_strerror(error));
        service_stop(service);
        return error;
    }
    *out = service;
    return 0;
}

int service_reload(struct service *service, const struct daemon_config *config,
    const struct host_addresses *host, struct str *why)
{
    int error = turn_service_reload(service->turn, config, host, why);
    if (error == 0)
        error = operation_reload(service->operation, why);
    return error != 0 ? error : fleet_service_reload(service->fleet, why);
}

void service_leave(struct service *service)
{
    operation_leave(service->operation);
}

static void control_closed(struct mailbox *box)
{
    free(CONTAINER_OF(box, struct service, control));
    rtpsec_done();
}

/* Posters stop before the mailbox, and the mailbox delivers its last before those it tells go. */
void service_stop(struct service *service)
{
    service->is_stopping = true;
    if (service->sessions != NULL)
        sessions_stop_saving(service->sessions);
    fleet_service_close(service->fleet);
    operation_close(service->operation);
    turn_service_close(service->turn);
    for (size_t i = 0; i < service->worker_count; i++)
        worker_stop(service->workers[i].worker);
    packet_back_end_close(&service->packets);
    for (size_t i = 0; i < service->worker_count; i++)
        relay_close(service->workers[i].relay);
    free(service->workers);
    mailbox_close(&service->control, control_closed);
    turn_service_free(service->turn);
    own_sockets_free(service->own_sockets);
    if (service->sessions != NULL)
        sessions_close(service->sessions);
    operation_free(service->operation);
    ng_server_free(service->server);
    fleet_service_free(service->fleet);
    for (size_t i = 0; i < service->listener_count; i++)
        ng_listener_close(service->listeners[i]);
}
