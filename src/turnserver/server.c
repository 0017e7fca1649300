/* SPDX-License-Identifier: Apache-2.0 */
/* What the workers share, and the life of each worker's part. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/cache_line.h"
#include "dtls/server.h"
#include "net/tcp_listener.h"
#include "turn/former_tickets.h"
#include "turn/source_limit.h"
#include "turnserver/datagrams.h"
#include "turnserver/doors.h"
#include "turnserver/dtls_clients.h"
#include "turnserver/host.h"
#include "turnserver/state.h"
#include "turnserver/stream_clients.h"

/* --- links -------------------------------------------------------------------------------------
 */

void link_add(struct turn_worker *w, struct link *link)
{
    link->worker = w;
    link->path.link = link;
    link->path.link_id = (uint64_t)w->index << 48 | ++w->links_made;
    u64_map_put(&w->links, &link->by_id, link->path.link_id);
}

void link_remove(struct link *link)
{
    u64_map_remove(&link->worker->links, &link->by_id);
}

struct link *link_find(const struct turn_worker *w, uint64_t id)
{
    struct u64_node *node = u64_map_find(&w->links, id);
    return node == NULL ? NULL : CONTAINER_OF(node, struct link, by_id);
}

/* --- the process -------------------------------------------------------------------------------
 */

static void *copy_of(const void *from, size_t count, size_t size)
{
    void *copy = calloc(count + 1, size);
    if (copy != NULL && count > 0)
        memcpy(copy, from, count * size);
    return copy;
}

static struct relay_ports *make_ports(const struct turnserver_config *config)
{
    struct address *binds = calloc(config->relay_count + 1, sizeof(*binds));
    if (binds == NULL)
        return NULL;
    for (size_t i = 0; i < config->relay_count; i++)
        binds[i] = config->relays[i].bind;
    struct relay_ports *ports = relay_ports_new(
        binds, config->relay_count, config->port_min, config->port_max, config->tos);
    free(binds);
    for (size_t i = 0; ports != NULL && i < config->listen_count; i++)
        relay_ports_keep_out(ports, config->listen[i].port);
    return ports;
}

struct turnserver *turnserver_new(const struct turnserver_config *config)
{
    struct turnserver *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    s->config = *config;
    turnserver_settings_ref(config->settings);
    pthread_rwlock_init(&s->running_lock, NULL);
    s->config.listen = copy_of(config->listen, config->listen_count, sizeof(*config->listen));
    s->config.relays = copy_of(config->relays, config->relay_count, sizeof(*config->relays));
    s->running = calloc(config->workers + 1, sizeof(struct turn_worker *));
    s->all = calloc(config->workers + 1, sizeof(struct turn_worker *));
    s->handed = calloc(config->workers + 1, sizeof(*s->handed));
    s->ports = make_ports(config);
    s->quotas = quotas_new();
    s->directory = directory_new();
    s->callers = callers_new();
    s->sources = source_limit_new();
    s->bindings = source_limit_new();
    s->beginners = source_limit_new();
    s->former_tickets = former_tickets_new();
    atomic_init(&s->expects_until_ms, 0);
    watch_init(&s->watch);
    if (s->config.listen != NULL && s->config.relays != NULL && s->running != NULL &&
        s->all != NULL && s->handed != NULL && s->ports != NULL && s->quotas != NULL &&
        s->directory != NULL && s->callers != NULL && s->sources != NULL && s->bindings != NULL &&
        s->beginners != NULL && s->former_tickets != NULL)
        return s;
    turnserver_free(s);
    return NULL;
}

static void worker_free(struct turn_worker *w)
{
    turnserver_settings_unref(w->settings);
    map_done(&w->links);
    map_done(&w->dtls_by_path);
    free(w->doors);
    free(w->listeners);
    free(w);
}

void turnserver_free(struct turnserver *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < s->worker_count; i++)
        worker_free(s->all[i]);
    free(s->all);
    free(s->running);
    free(s->handed);
    relay_ports_free(s->ports);
    quotas_free(s->quotas);
    directory_free(s->directory);
    callers_free(s->callers);
    source_limit_free(s->sources);
    source_limit_free(s->bindings);
    source_limit_free(s->beginners);
    former_tickets_free(s->former_tickets);
    watch_done(&s->watch);
    turnserver_settings_unref(s->config.settings);
    free((void *)s->config.listen);
    free((void *)s->config.relays);
    pthread_rwlock_destroy(&s->running_lock);
    free(s);
}

bool post_to_worker(struct turnserver *s, unsigned index, struct message *message)
{
    pthread_rwlock_rdlock(&s->running_lock);
    struct turn_worker *w = index < s->config.workers ? s->running[index] : NULL;
    if (w != NULL)
        worker_post(w->module, message);
    pthread_rwlock_unlock(&s->running_lock);
    return w != NULL;
}

int64_t turn_wall_clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void set_running(struct turn_worker *w, bool is_running)
{
    struct turnserver *s = w->server;
    pthread_rwlock_wrlock(&s->running_lock);
    s->running[w->index] = is_running ? w : NULL;
    pthread_rwlock_unlock(&s->running_lock);
}

/* --- a worker ----------------------------------------------------------------------------------
 */

static void on_tick(void *state, uint64_t now_ms)
{
    struct turn_worker *w = state;
    turn_tick(w->core, now_ms, time(NULL));
    if (w->index == 0)
        relay_ports_sweep(w->server->ports, now_ms);
    doors_sweep(w, now_ms);
}

/* What other workers have posted by now is delivered after this: it finds no core and no doors. The
 * control thread, which stops us, has posted nothing meanwhile. */
static void on_stop(void *state)
{
    struct turn_worker *w = state;
    set_running(w, false);
    turn_server_free(w->core);
    w->core = NULL;
    stream_clients_close(w);
    dtls_clients_close(w);
    doors_close(w);
    dtls_server_free(w->dtls);
    stream_hub_close(w->hub);
}

static const struct worker_hooks hooks = {
    .on_stop = on_stop, .on_tick = on_tick, .packets = datagrams_receive};

static int open_parts(struct turn_worker *w, struct str *why)
{
    struct turnserver *s = w->server;
    const struct turnserver_settings *settings = w->settings;
    struct turn_config core = {
        .host = host_of(w),
        .timers = worker_timers(w->worker),
        .settings = settings->turn,
        .binding_limit = s->bindings,
        .unauthorized_limit = s->sources,
        .former_tickets = s->former_tickets,
        .worker = w->index,
        .max_allocations = s->config.max_allocations,
    };
    w->core = turn_server_new(&core);
    if (w->core == NULL)
        return -ENOMEM;
    if (settings->tls != NULL && s->config.dtls) {
        w->dtls = dtls_server_new(tls_context_datagram(settings->tls), 0);
        if (w->dtls == NULL)
            return -ENOMEM;
    }
    int error = stream_hub_open(worker_loop(w->worker), &w->hub);
    return error != 0 ? error : doors_open(w, why);
}

int turnserver_add_worker(struct turnserver *s, struct worker *worker, struct str *why)
{
    assert(s->worker_count < s->config.workers);
    struct turn_worker *w = cache_line_calloc(1, sizeof(*w));
    if (w == NULL)
        return -ENOMEM;
    w->server = s;
    w->worker = worker;
    w->index = (unsigned)s->worker_count;
    w->settings = turnserver_settings_ref(s->config.settings);
    map_init(&w->links);
    list_init(&w->half_open);
    map_init(&w->dtls_by_path);
    list_init(&w->handshakes);
    w->module = worker_add(worker, &hooks, w);
    s->all[s->worker_count++] = w;
    int error = open_parts(w, why);
    if (error == 0)
        set_running(w, true);
    return error;
}

/* --- settings ----------------------------------------------------------------------------------
 */

struct new_settings {
    struct message message;
    struct turnserver_settings *settings;
};

static void take_settings(struct message *self, void *owner)
{
    struct new_settings *m = CONTAINER_OF(self, struct new_settings, message);
    struct turn_worker *w = owner;
    turnserver_settings_unref(w->settings);
    w->settings = m->settings;
    turn_server_set_settings(w->core, w->settings->turn);
    if (w->dtls != NULL && w->settings->tls != NULL)
        dtls_server_set_context(w->dtls, tls_context_datagram(w->settings->tls));
    free(m);
}

int turnserver_apply(struct turnserver *s, struct turnserver_settings *settings)
{
    turnserver_settings_unref(s->config.settings);
    s->config.settings = turnserver_settings_ref(settings);
    for (unsigned i = 0; i < s->worker_count; i++) {
        struct new_settings *m = calloc(1, sizeof(*m));
        if (m == NULL)
            return -ENOMEM;
        m->message.deliver = take_settings;
        m->settings = turnserver_settings_ref(settings);
        if (!post_to_worker(s, i, &m->message)) {
            turnserver_settings_unref(m->settings);
            free(m);
        }
    }
    return 0;
}

/* --- numbers -----------------------------------------------------------------------------------
 */

static void add_counters(const struct turn_worker *w, struct turnserver_totals *out)
{
    const struct turn_counters *turn = turn_server_counters(w->core);
#define X(field, type, help) out->field += counter_get(&turn->field);
    TURN_COUNTERS(X)
#undef X
#define X(field, type, help) out->field += counter_get(&w->counters.field);
    TURNSERVER_COUNTERS(X)
#undef X
}

void turnserver_totals(struct turnserver *s, struct turnserver_totals *out)
{
    *out = (struct turnserver_totals){0};
    pthread_rwlock_rdlock(&s->running_lock);
    for (size_t i = 0; i < s->config.workers; i++)
        if (s->running[i] != NULL)
            add_counters(s->running[i], out);
    pthread_rwlock_unlock(&s->running_lock);
    struct relay_ports_usage usage = relay_ports_usage(s->ports);
    out->relay_ports = usage.total;
    out->relay_ports_used = usage.used;
    out->reservations = usage.reserved;
}
