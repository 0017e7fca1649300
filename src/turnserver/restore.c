/* SPDX-License-Identifier: Apache-2.0 */
/* An allocation from a record: checked, given its ports, and handed to a worker. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "turn/record.h"
#include "turnserver/doors.h"
#include "turnserver/relays.h"

/* On the way from bytes to an allocation; from the control thread to the worker. */
struct restoring {
    struct message message;
    struct turnserver *server;
    const struct turnserver_restoring *from; /* of the control thread only */
    uint64_t handle;
    uint64_t age_ms;
    bool has_quota;
    struct relay_port ports[TURN_SAVED_RELAYS]; /* fd -1: none */
    struct turn_saved saved;
};

const char *turnserver_refusal_word(enum turnserver_refusal refusal)
{
#define WORD(constant, word) [constant] = (word),
    static const char *const words[] = {TURNSERVER_REFUSALS(WORD)};
#undef WORD
    return words[refusal];
}

void turnserver_count_refused(struct turnserver *server, enum turnserver_refusal refusal)
{
    server->records.refused[refusal]++;
}

struct turnserver_records turnserver_records(const struct turnserver *server)
{
    return server->records;
}

void turnserver_expect(struct turnserver *server, uint64_t ms)
{
    atomic_store(&server->expects_until_ms, ms == 0 ? 0 : uv_hrtime() / 1000000 + ms);
}

static bool has_path(const struct turn_saved_path *path)
{
    return path->client.family != ADDRESS_NONE;
}

/* Gives back all that was taken, and frees. */
static void give_up(struct restoring *r)
{
    const struct auth_identity *who = r->saved.identity;
    for (size_t i = 0; i < COUNT_OF(r->ports); i++) {
        if (r->ports[i].fd < 0)
            continue;
        close(r->ports[i].fd);
        relay_ports_give(r->server->ports, r->ports[i].address, r->ports[i].port);
    }
    if (r->has_quota)
        quotas_give(r->server->quotas, auth_identity_realm(who), auth_identity_user(who));
    turn_saved_done(&r->saved);
    free(r);
}

/* --- in the worker --- */

/* The proxy has told whom it stands for with its first datagram only. */
static void remember_proxied(struct turn_worker *w, const struct turn_saved_path *path)
{
    struct door *door = has_path(path) ? door_at(w, &path->server) : NULL;
    if (door != NULL && !address_equal(&path->hop, &path->client))
        door_remember(door, &path->hop, &path->client, worker_now_ms(w->worker));
}

static struct packet_socket *socket_of(const struct turn_worker *w, const struct address *server)
{
    const struct door *door = door_at(w, server);
    return door == NULL ? NULL : door->socket;
}

/* Opens the relays, each of which takes its port. */
static bool open_relays(
    struct turn_worker *w, struct restoring *r, struct turn_relay *relays[TURN_SAVED_RELAYS])
{
    for (size_t i = 0; i < COUNT_OF(r->ports); i++) {
        struct relay_port port = r->ports[i];
        if (port.fd < 0)
            continue;
        r->ports[i].fd = -1;
        if (relay_socket_adopt(w, &port, &r->saved.relays[i].relayed, &relays[i]) != 0)
            return false;
    }
    return true;
}

static bool go_on(struct turn_worker *w, struct restoring *r)
{
    struct turn_relay *relays[TURN_SAVED_RELAYS] = {NULL};
    if (w->core == NULL)
        return false;
    bool is_restored = open_relays(w, r, relays);
    const struct turn_restoring restoring = {
        .saved = &r->saved,
        .id = r->handle,
        .relays = {relays[0], relays[1]},
        .link = socket_of(w, &r->saved.path.server),
        .coming_link = socket_of(w, &r->saved.coming.server),
        .age_ms = r->age_ms,
        .now_ms = worker_now_ms(w->worker),
        .unix_s = time(NULL),
    };
    is_restored = is_restored && turn_restore(w->core, &restoring);
    for (size_t i = 0; i < COUNT_OF(relays) && !is_restored; i++)
        if (relays[i] != NULL)
            relay_socket_close(w, relays[i]);
    return is_restored;
}

static void take(struct message *self, void *owner)
{
    struct restoring *r = CONTAINER_OF(self, struct restoring, message);
    struct turn_worker *w = owner;
    if (go_on(w, r)) {
        remember_proxied(w, &r->saved.path);
        remember_proxied(w, &r->saved.coming);
        r->has_quota = false; /* it is the allocation's */
    } else {
        watch_over(w, r->handle, r->saved.id);
    }
    give_up(r);
}

/* --- in the control thread; false with a reason in `out` --- */

__attribute__((format(printf, 3, 4))) static bool refuse(
    struct turnserver_restored *out, enum turnserver_refusal refusal, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out->why, sizeof(out->why), format, arguments);
    va_end(arguments);
    out->refusal = refusal;
    return false;
}

static bool open_record(struct restoring *r, struct bytes bytes, struct turnserver_restored *out)
{
    char why[FIELDS_WHY_SIZE] = "";
    enum turn_record_status status = turn_record_read(bytes, &r->saved, why);
    memcpy(out->id, r->saved.id, sizeof(out->id));
    if (status == TURN_RECORD_OK)
        return true;
    return refuse(out,
        status == TURN_RECORD_OTHER_VERSION ? TURNSERVER_REFUSED_VERSION
                                            : TURNSERVER_REFUSED_MALFORMED,
        "%s", why);
}

static bool is_new(struct restoring *r, struct turnserver_restored *out)
{
    const struct watched *watched = watch_find_id(&r->server->watch, r->saved.id);
    if (watched == NULL || watched->is_dropped)
        return true;
    out->handle = watched_handle(watched);
    return refuse(out, TURNSERVER_REFUSED_KNOWN, "it is here already");
}

/* A clock that was set back makes nothing younger than it was. */
static bool is_alive(struct restoring *r, struct turnserver_restored *out)
{
    int64_t now_us = turn_wall_clock_us();
    int64_t saved_us = r->saved.saved_us, made_us = r->saved.made_us;
    uint64_t elapsed_ms = now_us > saved_us ? (uint64_t)(now_us - saved_us) / 1000 : 0;
    r->age_ms = now_us > made_us ? (uint64_t)(now_us - made_us) / 1000 : 0;
    uint64_t limit_ms = r->from->age_limit_ms;
    if (limit_ms != 0 && elapsed_ms > limit_ms)
        return refuse(
            out, TURNSERVER_REFUSED_OLD, "saved %llu s ago", (unsigned long long)elapsed_ms / 1000);
    return turn_saved_age(&r->saved, elapsed_ms) ||
           refuse(out, TURNSERVER_REFUSED_OLD, "it has expired; saved %llu s ago",
               (unsigned long long)elapsed_ms / 1000);
}

static bool may_user(struct restoring *r, struct turnserver_restored *out)
{
    const struct auth *auth = r->server->config.settings->turn->auth;
    if (auth == NULL)
        return refuse(out, TURNSERVER_REFUSED_USER, "there is no TURN here");
    return !auth_identity_is_revoked(auth, r->saved.identity) ||
           refuse(out, TURNSERVER_REFUSED_USER, "its user is revoked");
}

static bool is_here(struct restoring *r, const struct address *a, struct turnserver_restored *out)
{
    char text[ADDRESS_TEXT_SIZE];
    return address_is_unspecified(a) || r->from->is_here == NULL ||
           r->from->is_here(r->from->owner, a) ||
           refuse(out, TURNSERVER_REFUSED_ADDRESS, "%s is not on this machine now",
               address_ip_text(a, text));
}

static bool is_door(const struct turnserver_config *config, const struct address *a)
{
    for (size_t i = 0; i < config->listen_count && config->udp; i++)
        if (address_equal(&config->listen[i], a))
            return true;
    return false;
}

static bool find_door(struct restoring *r, struct turnserver_restored *out)
{
    const struct turnserver_config *config = &r->server->config;
    struct turn_saved *saved = &r->saved;
    char text[ADDRESS_TEXT_SIZE];
    unsigned owner;
    if (has_path(&saved->coming) && !is_door(config, &saved->coming.server))
        saved->coming = (struct turn_saved_path){.client = {.family = ADDRESS_NONE}};
    if (!has_path(&saved->path))
        return true;
    struct turn_path path = turn_saved_path(&saved->path, NULL);
    if (!is_here(r, &path.server, out))
        return false;
    if (!is_door(config, &path.server))
        return refuse(out, TURNSERVER_REFUSED_INTERFACE, "nobody listens on %s/udp",
            address_text(&path.server, text));
    return !directory_find(r->server->directory, &path, &owner) ||
           refuse(out, TURNSERVER_REFUSED_CLIENT, "its client has another allocation");
}

static bool refuse_port(const struct address *local, int error, struct turnserver_restored *out)
{
    char text[ADDRESS_TEXT_SIZE];
    address_text(local, text);
    switch (error) {
    case -ERANGE:
        return refuse(out, TURNSERVER_REFUSED_PORTS, "%s is not within the range of ports", text);
    case -EBUSY:
        return refuse(out, TURNSERVER_REFUSED_PORTS, "%s belongs to another allocation", text);
    case -ENOMEM:
        return refuse(out, TURNSERVER_REFUSED_MEMORY, "out of memory");
    case -EADDRNOTAVAIL:
        return refuse(out, TURNSERVER_REFUSED_ADDRESS, "%s is not on this machine now", text);
    default:
        return refuse(out, TURNSERVER_REFUSED_PORTS, "%s: %s", text, uv_strerror(error));
    }
}

static bool take_port(struct restoring *r, size_t i, struct turnserver_restored *out)
{
    const struct turnserver_config *config = &r->server->config;
    const struct address *local = &r->saved.relays[i].local;
    char text[ADDRESS_TEXT_SIZE];
    if (!is_here(r, local, out))
        return false;
    for (size_t k = 0; k < config->relay_count; k++) {
        if (!address_same_ip(&config->relays[k].bind, local))
            continue;
        int error = relay_ports_take_at(r->server->ports, k, local->port, &r->ports[i]);
        return error == 0 || refuse_port(local, error, out);
    }
    return refuse(
        out, TURNSERVER_REFUSED_INTERFACE, "%s is no relay address", address_ip_text(local, text));
}

/* Also the quota, whatever its limit is now: the allocation was granted. */
static bool take_ports(struct restoring *r, struct turnserver_restored *out)
{
    const struct quota_limits none = {.user = 0};
    const struct auth_identity *who = r->saved.identity;
    for (size_t i = 0; i < COUNT_OF(r->ports); i++)
        if (r->saved.relays[i].left_ms > 0 && !take_port(r, i, out))
            return false;
    r->has_quota =
        quotas_take(r->server->quotas, &none, auth_identity_realm(who), auth_identity_user(who));
    return r->has_quota || refuse(out, TURNSERVER_REFUSED_MEMORY, "out of memory");
}

static bool prepare(struct restoring *r, struct bytes record, struct turnserver_restored *out)
{
    return open_record(r, record, out) && is_new(r, out) && is_alive(r, out) && may_user(r, out) &&
           find_door(r, out) && take_ports(r, out);
}

/* The same worker as before, if it runs: the kernel gives the client's packets to that. Takes `r`
 * when it succeeds. */
static bool begin(struct restoring *r, struct turnserver_restored *out)
{
    struct turnserver *server = r->server;
    const size_t count = server->worker_count;
    const unsigned first = r->saved.worker;
    const uint64_t number = ++server->restored_count;
    r->from = NULL;
    r->message.deliver = take;
    for (size_t i = 0; i < count; i++) {
        unsigned worker = (unsigned)((first + i) % count);
        r->handle = out->handle = turn_restored_id(worker, number);
        if (post_to_worker(server, worker, &r->message))
            return true;
    }
    return refuse(out, TURNSERVER_REFUSED_WORKER, "no worker runs");
}

/* Without memory it is as one that was never told of. */
static void note(struct turnserver *server, const struct turnserver_restored *out)
{
    if (atomic_load(&server->watch.is_on) && watch_add(server, out->handle, out->id) == NULL)
        log_event(LOG_ERR, LOG_NO_CALL, "turn-not-watched", "id=%llu why=\"out of memory\"",
            (unsigned long long)out->handle);
}

static void tell(const struct turnserver_restored *out)
{
    if (out->ok)
        log_event(LOG_INFO, LOG_NO_CALL, "turn-restored", "id=%llu name=%s worker=%u",
            (unsigned long long)out->handle, LOG_QUOTED(text_from(out->id)),
            worker_of_handle(out->handle));
    else
        log_event(LOG_WARNING, LOG_NO_CALL, "turn-record-refused", "name=%s reason=%s why=%s",
            LOG_QUOTED(text_from(out->id)), turnserver_refusal_word(out->refusal),
            LOG_QUOTED(text_from(out->why)));
}

struct turnserver_restored turnserver_restore(
    struct turnserver *server, struct bytes record, const struct turnserver_restoring *restoring)
{
    struct turnserver_restored out = {.refusal = TURNSERVER_REFUSED_MEMORY, .why = "out of memory"};
    struct restoring *r = calloc(1, sizeof(*r));
    if (r != NULL) {
        r->server = server;
        r->from = restoring;
        for (size_t i = 0; i < COUNT_OF(r->ports); i++)
            r->ports[i].fd = -1;
        out.ok = prepare(r, record, &out) && begin(r, &out);
        if (!out.ok)
            give_up(r);
    }
    if (out.ok)
        note(server, &out);
    if (out.ok)
        server->records.restored++;
    else
        turnserver_count_refused(server, out.refusal);
    tell(&out);
    return out;
}

/* --- the end --- */

static void dropped(struct message *self, void *owner)
{
    struct watched *watched = CONTAINER_OF(self, struct watched, dropping);
    (void)owner;
    watch_remove(&watched->server->watch, watched);
}

static void drop(struct message *self, void *owner)
{
    struct watched *watched = CONTAINER_OF(self, struct watched, dropping);
    struct turn_worker *w = owner;
    if (w->core != NULL)
        turn_hand_on(w->core, watched_handle(watched), TURN_END_TAKEN);
    watched->dropping.deliver = dropped;
    mailbox_post(watched->server->config.control, &watched->dropping);
}

void turnserver_drop(struct turnserver *server, uint64_t handle)
{
    struct watched *watched = watch_find(&server->watch, handle);
    if (watched == NULL || watched->is_dropped)
        return;
    watched->is_dropped = true;
    watched->dropping.deliver = drop;
    if (!post_to_worker(server, worker_of_handle(handle), &watched->dropping))
        watch_remove(&server->watch, watched);
}
