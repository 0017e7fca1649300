/* SPDX-License-Identifier: Apache-2.0 */
/* The answers to what the HTTP port asks about TURN. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "daemon/turn_state.h"

enum { MAX_URIS = 64, MAX_ROWS = 1000 };

/* A question that workers answer later. */
struct waiting {
    struct turn_service *service;
    uint64_t request;
    struct admin_allocation_filter filter;
    struct row *rows;
    size_t count, total;
};

/* What the texts of a row point to. */
struct row {
    struct admin_allocation allocation;
    char user[LONG_TERM_MAX_NAME + 1], realm[LONG_TERM_MAX_REALM + 1];
    char client[ADDRESS_TEXT_SIZE], server[ADDRESS_TEXT_SIZE];
    char relayed[2][ADDRESS_TEXT_SIZE];
};

static struct waiting *waiting_new(struct turn_service *s, uint64_t request)
{
    struct waiting *w = calloc(1, sizeof(*w));
    if (w != NULL)
        *w = (struct waiting){.service = s, .request = request};
    else
        admin_answer_error(s->admin, request, ADMIN_UNAVAILABLE, TEXT("out of memory"));
    return w;
}

static void waiting_free(struct waiting *w)
{
    free(w->rows);
    free(w);
}

static void is_unavailable(struct waiting *w)
{
    admin_answer_error(w->service->admin, w->request, ADMIN_UNAVAILABLE, TEXT("out of memory"));
    waiting_free(w);
}

/* --- credentials -------------------------------------------------------------------------------
 */

struct uris {
    struct str memory[MAX_URIS];
    struct text list[MAX_URIS];
    size_t count;
};

static void add_uri(
    struct uris *u, const char *scheme, const char *host, uint16_t port, const char *transport)
{
    if (u->count == MAX_URIS)
        return;
    struct str *text = &u->memory[u->count];
    str_addf(text, "%s:%s:%u?transport=%s", scheme, host, port, transport);
    u->list[u->count++] = str_text(text);
}

/* As configured; else every door, by the server's name when there is one. */
static void make_uris(const struct turn_service *s, struct uris *u)
{
    const struct daemon_config *config = s->own.config;
    const struct turn_options *turn = &config->turn;
    struct turnserver_relay relays[TURN_ENDPOINTS_MAX];
    bool has_tls = s->tls != NULL;
    /* TLS is told from the rest on either port. */
    int64_t tls_port =
        turn->tls_listening_port != 0 ? turn->tls_listening_port : turn->listening_port;

    for (size_t i = 0; i < config->turn_lists.uris.count && i < MAX_URIS; i++)
        u->list[u->count++] = config->turn_lists.uris.list[i];
    if (u->count > 0)
        return;
    size_t count = turn_seen_addresses(config, relays, COUNT_OF(relays));
    if (turn->server_name[0] != '\0')
        count = count > 0 ? 1 : 0;
    for (size_t i = 0; i < count; i++) {
        char ip[ADDRESS_TEXT_SIZE], host[ADDRESS_TEXT_SIZE + 2];
        const struct address *a = &relays[i].external;
        snprintf(
            host, sizeof(host), a->family == ADDRESS_IP6 ? "[%s]" : "%s", address_ip_text(a, ip));
        const char *name = turn->server_name[0] != '\0' ? turn->server_name : host;
        if (turn->listening_port != 0 && !turn->no_udp)
            add_uri(u, "turn", name, (uint16_t)turn->listening_port, "udp");
        if (turn->listening_port != 0 && !turn->no_tcp)
            add_uri(u, "turn", name, (uint16_t)turn->listening_port, "tcp");
        if (has_tls && !turn->no_tls && tls_port != 0)
            add_uri(u, "turns", name, (uint16_t)tls_port, "tcp");
    }
}

static void answer_credentials(struct turn_service *s, uint64_t request,
    const struct admin_credentials_query *query, uint32_t ttl_s)
{
    const struct auth *auth = s->settings->turn->auth;
    struct rest_credentials made;
    int64_t expires_s = time(NULL) + ttl_s;
    struct text realm = query->realm.len > 0 ? query->realm : auth_default_realm(auth);

    if (!auth_issue(auth, realm, query->user, expires_s, &made)) {
        admin_answer_error(s->admin, request, ADMIN_REFUSED,
            TEXT("no secret to issue with in this realm (static-auth-secret), or the name is too "
                 "long"));
        return;
    }
    struct uris uris = {.count = 0};
    make_uris(s, &uris);
    struct admin_credentials answer = {
        .username = text_of(made.username, made.username_len),
        .password = text_of(made.password, sizeof(made.password)),
        .realm = realm,
        .uris = uris.list,
        .uri_count = uris.count,
        .ttl_s = ttl_s,
        .expires_s = expires_s,
    };
    admin_answer_credentials(s->admin, request, &answer);
    for (size_t i = 0; i < MAX_URIS; i++)
        str_done(&uris.memory[i]);
    explicit_bzero(&made, sizeof(made));
}

static void credentials(void *owner, uint64_t request, const struct admin_credentials_query *query)
{
    struct turn_service *s = owner;
    uint32_t longest = (uint32_t)s->own.config->turn.credentials_ttl_s;
    uint32_t ttl_s = query->ttl_s == 0 || query->ttl_s > longest ? longest : query->ttl_s;
    if (s->settings->turn->auth == NULL)
        admin_answer_error(
            s->admin, request, ADMIN_REFUSED, TEXT("TURN is off: no authentication is configured"));
    else
        answer_credentials(s, request, query, ttl_s);
}

/* --- allocations -------------------------------------------------------------------------------
 */

static struct text keep_text(struct text from, char *to, size_t capacity)
{
    size_t len = from.len < capacity ? from.len : capacity - 1;
    memcpy(to, from.data, len);
    to[len] = '\0';
    return text_of(to, len);
}

static struct text keep_address(const struct address *a, char to[ADDRESS_TEXT_SIZE])
{
    return a->family == ADDRESS_NONE ? TEXT("") : text_from(address_text(a, to));
}

static void fill_row(struct row *row, const struct turnserver_allocation *from)
{
    const struct turn_report *r = from->report;
    bool has_first = r->relayed[0].family != ADDRESS_NONE;
    row->allocation = (struct admin_allocation){
        .id = r->id,
        .user = keep_text(auth_identity_username(r->identity), row->user, sizeof(row->user)),
        .realm = keep_text(auth_identity_realm(r->identity), row->realm, sizeof(row->realm)),
        .client = keep_address(&r->path->client, row->client),
        .server = keep_address(&r->path->server, row->server),
        .transport = text_from(turn_transport_name(r->path->transport)),
        .relayed = keep_address(&r->relayed[has_first ? 0 : 1], row->relayed[0]),
        .relayed_second = has_first ? keep_address(&r->relayed[1], row->relayed[1]) : TEXT(""),
        .is_tcp = r->is_tcp,
        .is_mobile = r->is_mobile,
        .worker = from->worker,
        .age_s = r->age_ms / 1000,
        .expires_in_s = r->expires_in_ms / 1000,
        .permissions = r->permissions,
        .channels = r->channels,
        .connections = r->connections,
        .from_client = {.packets = r->client_packets, .bytes = r->client_bytes},
        .from_peers = {.packets = r->peer_packets, .bytes = r->peer_bytes},
    };
}

static void finish_list(struct waiting *w)
{
    struct admin_allocation *list = calloc(w->count + 1, sizeof(*list));
    if (list == NULL) {
        is_unavailable(w);
        return;
    }
    for (size_t i = 0; i < w->count; i++)
        list[i] = w->rows[i].allocation;
    admin_answer_allocations(w->service->admin, w->request, list, w->count, w->total);
    free(list);
    waiting_free(w);
}

static void on_allocation(void *owner, const struct turnserver_allocation *allocation)
{
    struct waiting *w = owner;
    if (allocation == NULL) {
        finish_list(w);
        return;
    }
    w->total++;
    if (w->count < w->filter.limit)
        fill_row(&w->rows[w->count++], allocation);
}

static void allocations(void *owner, uint64_t request, const struct admin_allocation_filter *filter)
{
    struct turn_service *s = owner;
    struct waiting *w = waiting_new(s, request);
    if (w == NULL)
        return;
    w->filter.limit = filter->limit < MAX_ROWS ? filter->limit : MAX_ROWS;
    w->rows = calloc(w->filter.limit, sizeof(*w->rows));
    if (w->rows == NULL ||
        turnserver_list(s->server, filter->user, SIZE_MAX, on_allocation, w) != 0)
        is_unavailable(w);
}

static void on_ended(void *owner, size_t count)
{
    struct waiting *w = owner;
    admin_answer_ended(w->service->admin, w->request, count);
    waiting_free(w);
}

static void end_allocation(void *owner, uint64_t request, uint64_t id)
{
    struct turn_service *s = owner;
    struct waiting *w = waiting_new(s, request);
    log_event(
        LOG_NOTICE, LOG_NO_CALL, "turn-end", "allocation=%llu by=admin", (unsigned long long)id);
    if (w != NULL && turnserver_kill(s->server, id, TEXT(""), TEXT(""), on_ended, w) != 0)
        is_unavailable(w);
}

/* Refuses first, so that he is not back before he has gone. */
static bool refuse(struct turn_service *s, const struct admin_end_user *what)
{
    const struct turn_texts *realms = &s->own.config->turn_lists.realms;
    bool ok = true;
    for (size_t i = 0; i < realms->count; i++)
        if (what->realm.len == 0 || text_equal(what->realm, realms->list[i]))
            ok = turn_revoked_add(
                     &s->revoked, realms->list[i], what->user, time(NULL) + what->revoke_s) &&
                 ok;
    return ok;
}

static void end_user(void *owner, uint64_t request, const struct admin_end_user *what)
{
    struct turn_service *s = owner;
    struct waiting *w = waiting_new(s, request);
    if (w == NULL)
        return;
    log_event(LOG_NOTICE, LOG_NO_CALL, "turn-end", "user=%s realm=%s revoke-s=%u by=admin",
        LOG_QUOTED(what->user), LOG_QUOTED(what->realm), what->revoke_s);
    if ((what->revoke_s > 0 && !refuse(s, what)) ||
        turnserver_kill(s->server, 0, what->user, what->realm, on_ended, w) != 0)
        is_unavailable(w);
}

/* --- draining ----------------------------------------------------------------------------------
 */

bool turn_service_drain(
    struct turn_service *s, const struct text *alternates, size_t alternate_count)
{
    struct turn_circumstances *c = &s->circumstances;
    struct address read[TURN_MAX_ALTERNATES];
    if (alternate_count > COUNT_OF(read))
        return false;
    for (size_t i = 0; i < alternate_count; i++)
        if (!address_parse_with_port(
                alternates[i], (uint16_t)s->own.config->turn.listening_port, &read[i]))
            return false;
    c->draining = true;
    c->alternate_count = alternate_count;
    memcpy(c->alternates, read, alternate_count * sizeof(read[0]));
    turn_service_refresh(s, "drain");
    return true;
}

void turn_service_undrain(struct turn_service *s)
{
    s->circumstances.draining = false;
    s->circumstances.alternate_count = 0;
    turn_service_refresh(s, "drain");
}

bool turn_service_is_draining(const struct turn_service *s)
{
    return s->circumstances.draining;
}

void turn_service_totals(const struct turn_service *s, struct turnserver_totals *out)
{
    turnserver_totals(s->server, out);
}

uint64_t turn_service_allocations(const struct turn_service *s)
{
    struct turnserver_totals totals;
    turn_service_totals(s, &totals);
    return totals.allocations;
}

static void answer_drain(struct turn_service *s, uint64_t request)
{
    uint64_t left = turn_service_allocations(s);
    log_event(LOG_NOTICE, LOG_NO_CALL, "turn-drain", "draining=%s allocations=%llu by=admin",
        s->circumstances.draining ? "yes" : "no", (unsigned long long)left);
    admin_answer_drain(s->admin, request, s->circumstances.draining, left);
}

static void drain(void *owner, uint64_t request, const struct admin_drain *how)
{
    struct turn_service *s = owner;
    if (turn_service_drain(s, how->alternates, how->alternate_count))
        answer_drain(s, request);
    else
        admin_answer_error(s->admin, request, ADMIN_BAD_REQUEST,
            TEXT("alternate-server: IP:PORT is wanted, at most eight of them"));
}

static void undrain(void *owner, uint64_t request)
{
    struct turn_service *s = owner;
    turn_service_undrain(s);
    answer_drain(s, request);
}

void turn_service_api(struct turn_service *s, struct admin_turn_api *out)
{
    *out = (struct admin_turn_api){
        .owner = s,
        .credentials = credentials,
        .allocations = allocations,
        .end_allocation = end_allocation,
        .end_user = end_user,
        .drain = drain,
        .undrain = undrain,
    };
}

void turn_service_answer_to(struct turn_service *s, struct admin *admin)
{
    s->admin = admin;
}
