/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/turn_service.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "daemon/turn_state.h"

enum { HOUSEKEEPING_MS = 2000, CACHED_USERS = 65536, ALLOCATIONS_OF_A_WORKER = 1 << 16 };

/* --- settings ----------------------------------------------------------------------------------
 */

static int make_settings(
    const struct turn_service *s, struct turnserver_settings **out, struct str *why)
{
    return turn_settings_make(s->own.config, &s->circumstances, s->tls, out, why);
}

/* Gives them to the workers; takes the reference. */
static int put_in_force(
    struct turn_service *s, struct turnserver_settings *settings, struct str *why)
{
    int error = s->server == NULL ? 0 : turnserver_apply(s->server, settings);
    if (error != 0) {
        str_add_string(why, "out of memory");
        turnserver_settings_unref(settings);
        return error;
    }
    turnserver_settings_unref(s->settings);
    s->settings = settings;
    return 0;
}

int turn_service_apply(struct turn_service *s, struct str *why)
{
    struct turnserver_settings *settings;
    int error = make_settings(s, &settings, why);
    return error != 0 ? error : put_in_force(s, settings, why);
}

void turn_service_refresh(struct turn_service *s, const char *cause)
{
    struct str why = {0};
    if (turn_service_apply(s, &why) != 0)
        log_event(LOG_ERR, LOG_NO_CALL, "turn-settings", "cause=%s why=%s", cause,
            LOG_QUOTED(str_text(&why)));
    str_done(&why);
}

int turn_service_reload(struct turn_service *s, const struct daemon_config *config,
    const struct host_addresses *host, struct str *why)
{
    struct turn_service_config former = s->own;
    struct tls_context *tls = NULL, *former_tls = s->tls;
    struct turnserver_settings *settings = NULL;
    int error = turn_tls_make(config, &tls, why);
    if (error != 0)
        return error;
    s->own.config = config;
    s->own.host = s->circumstances.host = host;
    s->tls = tls;
    error = make_settings(s, &settings, why);
    if (error == 0)
        error = put_in_force(s, settings, why);
    if (error != 0) {
        s->own = former;
        s->circumstances.host = former.host;
        s->tls = former_tls;
        tls_context_unref(tls);
        return error;
    }
    tls_context_unref(former_tls);
    return 0;
}

/* Certificates are renewed by others, at any time; a half-written file is tried again. */
static void follow_certificates(struct turn_service *s)
{
    struct tls_context *tls = NULL;
    struct str why = {0};
    if (s->tls == NULL || !tls_files_changed(s->tls))
        return;
    if (turn_tls_make(s->own.config, &tls, &why) == 0 && tls != NULL) {
        tls_context_unref(s->tls);
        s->tls = tls;
        str_reset(&s->certificate_problem);
        turn_service_refresh(s, "certificates");
        log_event(LOG_NOTICE, LOG_NO_CALL, "turn-certificates", "reloaded=yes");
    } else if (!text_equal(str_text(&why), str_text(&s->certificate_problem))) {
        str_reset(&s->certificate_problem);
        str_add(&s->certificate_problem, str_text(&why));
        log_event(LOG_WARNING, LOG_NO_CALL, "turn-certificates", "reloaded=no why=%s",
            LOG_QUOTED(str_text(&why)));
    }
    str_done(&why);
}

/* Clients may not reach what listens on this machine, on an address that has come since either. */
static void follow_addresses(struct turn_service *s)
{
    struct host_addresses fresh = {.list = NULL};
    if (host_addresses_read(&fresh) != 0)
        return;
    if (host_addresses_equal(&fresh, s->circumstances.host)) {
        host_addresses_done(&fresh);
        return;
    }
    host_addresses_done(&s->host);
    s->host = fresh;
    s->circumstances.host = &s->host;
    turn_service_refresh(s, "addresses");
}

static void keep_house(uv_timer_t *timer)
{
    struct turn_service *s = timer->data;
    follow_certificates(s);
    follow_addresses(s);
    turn_revoked_sweep(&s->revoked, time(NULL));
}

/* --- life --------------------------------------------------------------------------------------
 */

static int make_server(struct turn_service *s)
{
    const struct daemon_config *config = s->own.config;
    const struct turn_options *turn = &config->turn;
    const struct turn_lists *lists = &config->turn_lists;
    struct address endpoints[TURN_ENDPOINTS_MAX];
    size_t relay_capacity = lists->relay.count + lists->listening.count;
    struct turnserver_relay *relays = calloc(relay_capacity + 1, sizeof(*relays));
    if (relays == NULL)
        return -ENOMEM;
    struct turnserver_config server = {
        .listen = endpoints,
        .listen_count = turn_endpoints(config, endpoints),
        .udp = !turn->no_udp,
        .tcp = !turn->no_tcp,
        .tls = !turn->no_tls && s->tls != NULL,
        .dtls = !turn->no_dtls && s->tls != NULL,
        .relays = relays,
        .relay_count = turn_relays(config, relays, relay_capacity),
        .port_min = (uint16_t)turn->min_port,
        .port_max = (uint16_t)turn->max_port,
        .tos = (unsigned)config->network.tos,
        .workers = (size_t)config->process.num_threads,
        .max_allocations = ALLOCATIONS_OF_A_WORKER,
        .control = s->own.control,
        .listener = {.owner = s,
            .lookup = turn->redis_userdb[0] == '\0' ? NULL : turn_redis_lookup},
        .settings = s->settings,
    };
    s->server = turnserver_new(&server);
    free(relays);
    return s->server == NULL ? -ENOMEM : 0;
}

int turn_service_new(
    struct turn_service **out, const struct turn_service_config *config, struct str *why)
{
    struct turn_service *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return -ENOMEM;
    list_init(&s->redis_hosts);
    s->own = *config;
    turn_circumstances_init(&s->circumstances);
    s->circumstances.cache = user_cache_new(CACHED_USERS);
    s->circumstances.own_sockets = config->own_sockets;
    s->circumstances.host = config->host;
    turn_revoked_init(&s->revoked, s->circumstances.cache);
    uv_timer_init(config->loop, &s->housekeeping);
    s->housekeeping.data = s;

    int error =
        s->circumstances.cache == NULL ? -ENOMEM : turn_tls_make(config->config, &s->tls, why);
    if (error == 0)
        error = turn_service_apply(s, why);
    if (error == 0)
        error = make_server(s);
    if (error != 0) {
        turn_service_free(s);
        return error;
    }
    *out = s;
    return 0;
}

int turn_service_add_worker(struct turn_service *s, struct worker *worker, struct str *why)
{
    return turnserver_add_worker(s->server, worker, why);
}

static void say_doors(const struct turn_service *s)
{
    const struct daemon_config *config = s->own.config;
    struct address endpoints[TURN_ENDPOINTS_MAX];
    size_t count = turn_endpoints(config, endpoints);
    for (size_t i = 0; i < count; i++) {
        char text[ADDRESS_TEXT_SIZE];
        log_event(LOG_NOTICE, LOG_NO_CALL, "listening",
            "for=%s address=%s udp=%s tcp=%s use=\"%s\"", config->turn_is_on ? "turn" : "stun",
            address_text(&endpoints[i], text),
            config->turn.no_udp                       ? "no"
            : s->tls != NULL && !config->turn.no_dtls ? "udp,dtls"
                                                      : "udp",
            config->turn.no_tcp                      ? "no"
            : s->tls != NULL && !config->turn.no_tls ? "tcp,tls"
                                                     : "tcp",
            config->turn_is_on ? "STUN and TURN of clients" : "STUN Binding requests of clients");
    }
}

static void say_relays(const struct turn_service *s)
{
    const struct daemon_config *config = s->own.config;
    struct turnserver_relay relays[TURN_ENDPOINTS_MAX];
    size_t count = config->turn_is_on ? turn_relays(config, relays, COUNT_OF(relays)) : 0;
    for (size_t i = 0; i < count; i++) {
        char bind[ADDRESS_TEXT_SIZE], external[ADDRESS_TEXT_SIZE];
        log_event(LOG_NOTICE, LOG_NO_CALL, "relay",
            "address=%s advertised=%s ports=%lld-%lld realm=%s use=\"relayed addresses of TURN\"",
            address_ip_text(&relays[i].bind, bind), address_ip_text(&relays[i].external, external),
            (long long)config->turn.min_port, (long long)config->turn.max_port,
            LOG_QUOTED(config->turn_lists.realms.list[0]));
    }
}

struct turnserver *turn_service_server(struct turn_service *s)
{
    return s->server;
}

int turn_service_start(struct turn_service *s, struct str *why)
{
    say_doors(s);
    say_relays(s);
    int error = turn_redis_open(s, why);
    if (error == 0 && s->circumstances.redis_count > 0)
        error = turn_service_apply(s, why);
    if (error == 0)
        uv_timer_start(&s->housekeeping, keep_house, HOUSEKEEPING_MS, HOUSEKEEPING_MS);
    return error;
}

void turn_service_close(struct turn_service *s)
{
    if (s == NULL)
        return;
    uv_timer_stop(&s->housekeeping);
    turn_redis_close(s);
}

static void on_closed(uv_handle_t *timer)
{
    free(timer->data);
}

void turn_service_free(struct turn_service *s)
{
    if (s == NULL)
        return;
    turnserver_free(s->server);
    turnserver_settings_unref(s->settings);
    tls_context_unref(s->tls);
    turn_revoked_done(&s->revoked);
    str_done(&s->certificate_problem);
    user_cache_unref(s->circumstances.cache);
    turn_circumstances_done(&s->circumstances);
    host_addresses_done(&s->host);
    uv_close((uv_handle_t *)&s->housekeeping, on_closed);
}
