/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/fleet_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/random.h"
#include "daemon/config_fleet.h"
#include "turnserver/turnserver.h"

enum {
    STEP_ASIDE_MS = 5000,  /* so long a restart may take before others take over */
    LEAVE_MS = 3000,       /* so long the end waits for Redis */
    EXPECT_MORE_MS = 3000, /* behind a lease: what is on an address that came has been taken */
    EXPECT_STEP_MS = 1000,
    HOST_AGE_MS = 10, /* less than from the beginning of a call to the look at its addresses */
    INSTANCE_SIZE = 17,
};

uint64_t fleet_now_ms(const struct fleet_service *s)
{
    return uv_now(s->own.loop);
}

/* --- time --- */

static void look(struct fleet_service *s)
{
    if (s->store != NULL)
        fleet_tick(s->fleet, fleet_now_ms(s));
}

/* Clients of TURN that follow an address must not be told that they have no allocation before its
 * owner counts as dead. */
static void expect_items(struct fleet_service *s)
{
    s->expect_until_ms =
        fleet_now_ms(s) + (uint64_t)s->own.config->fleet.node_lease_ms + EXPECT_MORE_MS;
}

static bool has_address(const struct fleet_service *s, const struct address *ip)
{
    for (size_t i = 0; i < s->host.count; i++)
        if (address_same_ip(&s->host.list[i].ip, ip))
            return true;
    return false;
}

static bool has_new(const struct fleet_service *s, const struct host_addresses *now)
{
    for (size_t i = 0; i < now->count; i++)
        if (!has_address(s, &now->list[i].ip))
            return true;
    return false;
}

/* Addresses come and go; one that is not read keeps what it was. */
static void read_host(struct fleet_service *s)
{
    struct host_addresses now = {.list = NULL};
    s->host_read_ms = fleet_now_ms(s);
    if (host_addresses_read(&now) != 0)
        return;
    if (has_new(s, &now))
        expect_items(s);
    host_addresses_done(&s->host);
    s->host = now;
}

/* A call may begin on an address that has come since the last tick. */
bool fleet_is_here(void *owner, const struct address *ip)
{
    struct fleet_service *s = owner;
    if (has_address(s, ip))
        return true;
    if (fleet_now_ms(s) - s->host_read_ms < HOST_AGE_MS)
        return false;
    read_host(s);
    return has_address(s, ip);
}

static void on_tick(uv_timer_t *timer)
{
    struct fleet_service *s = timer->data;
    read_host(s);
    if (fleet_now_ms(s) < s->expect_until_ms)
        turnserver_expect(s->own.turnserver, EXPECT_STEP_MS);
    look(s);
}

static void on_soon(uv_timer_t *timer)
{
    look(timer->data);
}

static void wake(void *owner, uint64_t due_ms)
{
    struct fleet_service *s = owner;
    uint64_t now_ms = fleet_now_ms(s);
    if (s->store != NULL)
        uv_timer_start(&s->soon, on_soon, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

static uint64_t this_moment_ms(void *owner)
{
    (void)owner;
    return uv_hrtime() / 1000000;
}

static void on_ready(void *owner, bool is_ready)
{
    struct fleet_service *s = owner;
    if (s->store != NULL && s->fleet != NULL)
        fleet_store_ready(s->fleet, is_ready, fleet_now_ms(s));
}

/* --- opening --- */

/* NULL without a file. */
static int read_seal(const struct fleet_service *s, struct seal **out, struct str *why)
{
    const char *path = s->own.config->fleet.seal_key_file;
    struct str problem = {0};
    *out = NULL;
    int error = path[0] != '\0' ? seal_load(path, out, &problem) : 0;
    if (error != 0)
        str_addf(why, "%s (option 'seal-key-file')", str_string(&problem));
    str_done(&problem);
    return error;
}

static int open_store_at(
    struct fleet_service *s, const struct redis_target *target, struct str *why)
{
    const struct fleet_settings *f = &s->own.config->fleet;
    const struct redis_tls_files files = {
        .ca = f->redis_tls_ca, .certificate = f->redis_tls_certificate, .key = f->redis_tls_key};
    const struct redis_store_config store = {
        .target = target,
        .tls = &files,
        .name = "fleet",
        .command_timeout_ms = (unsigned)f->redis_cmd_timeout_ms,
        .connect_timeout_ms = (unsigned)f->redis_connect_timeout_ms,
        .prefix = text_from(f->redis_prefix),
        .expires_s = (unsigned)f->redis_expires_s,
        .seal = s->seal,
        .on_ready = on_ready,
        .on_trouble = fleet_log_trouble,
        .owner = s,
    };
    int error = redis_store_open(s->own.loop, &store, &s->redis, why);
    if (error == 0)
        s->store = redis_store_base(s->redis);
    return error;
}

static int open_store(struct fleet_service *s, struct str *why)
{
    const struct fleet_settings *f = &s->own.config->fleet;
    struct redis_target target = {.topology = REDIS_SINGLE};
    int error = redis_target_parse(text_from(f->redis), &target, why);
    if (error == 0)
        error =
            redis_target_set_login(&target, text_from(f->redis_user), text_from(f->redis_password));
    if (error == 0)
        error = read_seal(s, &s->seal, why);
    if (error == 0)
        error = open_store_at(s, &target, why);
    redis_target_done(&target);
    return error;
}

static int open_fleet(struct fleet_service *s)
{
    const struct daemon_config *config = s->own.config;
    char instance[INSTANCE_SIZE];
    snprintf(instance, sizeof(instance), "%016llx", (unsigned long long)random_u64());
    const struct fleet_config fleet = {
        .store = s->store,
        .name = text_from(config->fleet.node_name),
        .instance = text_from(instance),
        .ng = config->node_address,
        .version = text_from(MEDIAFERRY_VERSION),
        .lease_ms = (uint64_t)config->fleet.node_lease_ms,
        .holders =
            {
                [STORE_CALL] = fleet_holder_of_calls(s),
                [STORE_ALLOCATION] = fleet_holder_of_allocations(s),
            },
        .host = {.owner = s,
            .is_here = fleet_is_here,
            .event = fleet_log_event,
            .now_ms = this_moment_ms,
            .wake = wake},
    };
    s->fleet = fleet_new(&fleet, fleet_now_ms(s));
    return s->fleet != NULL ? 0 : -ENOMEM;
}

static void say(const struct fleet_service *s)
{
    const struct daemon_config *config = s->own.config;
    char text[ADDRESS_TEXT_SIZE] = "";
    if (config->node_address.family != ADDRESS_NONE)
        address_text(&config->node_address, text);
    log_event(LOG_NOTICE, LOG_NO_CALL, "fleet", "node=%s address=%s sealed=%s",
        LOG_QUOTED(text_from(config->fleet.node_name)), text[0] != '\0' ? text : "none",
        config->fleet.seal_key_file[0] != '\0' ? "yes" : "no");
    if (text[0] == '\0')
        log_event(LOG_WARNING, LOG_NO_CALL, "fleet-no-address",
            "why=\"ng listens on loopback only, so other nodes cannot forward commands about calls "
            "of this one (options 'listen-ng', 'node-address')\"");
}

int fleet_service_open(
    struct fleet_service **out, const struct fleet_service_config *config, struct str *why)
{
    *out = NULL;
    if (!config_has_fleet(config->config))
        return 0;
    struct fleet_service *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return -ENOMEM;
    s->own = *config;
    list_init(&s->searches);
    uv_timer_init(config->loop, &s->tick); /* these cannot fail on a loop that is open */
    uv_timer_init(config->loop, &s->soon);
    s->tick.data = s->soon.data = s;
    s->open_handles = 2;
    s->elsewhere = fleet_elsewhere(s);
    read_host(s);
    int error = open_store(s, why);
    if (error == 0)
        error = open_fleet(s);
    if (error != 0) {
        fleet_service_close(s);
        fleet_service_free(s);
        return error;
    }
    fleet_watch(s);
    uv_timer_start(&s->tick, on_tick, FLEET_TICK_MS, FLEET_TICK_MS);
    say(s);
    *out = s;
    return 0;
}

/* --- what others of the daemon ask --- */

const struct ng_elsewhere *fleet_service_elsewhere(struct fleet_service *s)
{
    return s != NULL ? &s->elsewhere : NULL;
}

int fleet_service_reload(struct fleet_service *s, struct str *why)
{
    struct seal *seal;
    if (s == NULL || s->redis == NULL)
        return 0;
    int error = read_seal(s, &seal, why);
    if (error != 0)
        return error;
    redis_store_reseal(s->redis, seal);
    seal_free(s->seal);
    s->seal = seal;
    return 0;
}

int64_t fleet_service_restart_age_s(const struct fleet_service *s, int64_t max_age_s)
{
    const int64_t aside_s = STEP_ASIDE_MS / 1000;
    return s != NULL && aside_s < max_age_s ? aside_s : max_age_s;
}

void fleet_service_returned_call(struct fleet_service *s, uint64_t handle, struct text call_id)
{
    if (s != NULL)
        fleet_returned(s->fleet, STORE_CALL, handle, call_id, fleet_now_ms(s));
}

void fleet_service_returned_allocation(struct fleet_service *s, uint64_t handle, struct text id)
{
    if (s != NULL)
        fleet_returned(s->fleet, STORE_ALLOCATION, handle, id, fleet_now_ms(s));
}

void fleet_service_hold(struct fleet_service *s, bool holds)
{
    if (s != NULL)
        fleet_hold(s->fleet, holds);
}

void fleet_service_leave(struct fleet_service *s, void (*done)(void *owner), void *owner)
{
    if (s != NULL && s->store != NULL)
        fleet_leave(s->fleet, LEAVE_MS, fleet_now_ms(s), done, owner);
    else
        done(owner);
}

void fleet_service_step_aside(struct fleet_service *s, void (*done)(void *owner), void *owner)
{
    if (s != NULL && s->store != NULL)
        fleet_step_aside(s->fleet, STEP_ASIDE_MS, LEAVE_MS, fleet_now_ms(s), done, owner);
    else
        done(owner);
}

/* --- the end --- */

void fleet_service_close(struct fleet_service *s)
{
    struct store *store = s != NULL ? s->store : NULL;
    if (store == NULL)
        return;
    uv_timer_stop(&s->tick);
    uv_timer_stop(&s->soon);
    store->ops->close(store);
    s->store = NULL;
    s->redis = NULL;
}

static void on_closed(uv_handle_t *handle)
{
    struct fleet_service *s = handle->data;
    if (--s->open_handles == 0)
        free(s);
}

void fleet_service_free(struct fleet_service *s)
{
    if (s == NULL)
        return;
    fleet_forget_searches(s);
    fleet_free(s->fleet);
    host_addresses_done(&s->host);
    seal_free(s->seal);
    uv_close((uv_handle_t *)&s->tick, on_closed);
    uv_close((uv_handle_t *)&s->soon, on_closed);
}
