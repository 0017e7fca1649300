/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/reply.h"

#include "turn/request.h"

void turn_exchange_done(struct turn_exchange *exchange)
{
    auth_result_done(&exchange->auth);
}

static bool begin(struct turn_reply *out, struct turn_server *server, uint16_t type,
    const uint8_t id[STUN_ID_SIZE])
{
    struct packet *p = server->host.packet(server->host.owner);
    if (p == NULL)
        return false;
    out->server = server;
    out->packet = p;
    out->w = writer_over(p->data, PACKET_DATA_MAX);
    stun_begin(&out->w, type, bytes_of(id, STUN_ID_SIZE));
    return true;
}

bool reply_begin(struct turn_reply *out, struct turn_server *server,
    const struct turn_exchange *exchange, enum stun_class kind)
{
    uint16_t type = stun_type((enum stun_method)exchange->method, kind);
    out->exchange = exchange;
    return begin(out, server, type, exchange->id);
}

void indication_id(struct turn_server *server, uint8_t out[STUN_ID_SIZE])
{
    uint64_t number = server->indications++;
    memcpy(out, server->id_seed, sizeof(server->id_seed));
    memcpy(out + sizeof(server->id_seed), &number, sizeof(number));
}

bool indication_begin(struct turn_reply *out, struct turn_server *server, enum stun_method method)
{
    uint8_t id[STUN_ID_SIZE];
    indication_id(server, id);
    out->exchange = NULL;
    return begin(out, server, stun_type(method, STUN_INDICATION), id);
}

/* What ends an answer, in the order of RFC 8489, section 14. */
static void finish(struct turn_reply *reply)
{
    const struct turn_exchange *exchange = reply->exchange;
    const char *software = reply->server->settings->software;
    if (exchange->auth.signature != AUTH_UNSIGNED && software != NULL)
        stun_write_attr(&reply->w, STUN_SOFTWARE, text_bytes(text_from(software)));
    auth_sign(&reply->w, &exchange->auth);
    if (exchange->has_fingerprint)
        stun_write_fingerprint(&reply->w);
}

void reply_send(struct turn_reply *reply, const struct turn_path *path)
{
    const struct turn_host *host = &reply->server->host;
    if (reply->exchange != NULL)
        finish(reply);
    if (!writer_ok(&reply->w)) {
        reply->packet->drop = DROP_TRUNCATED;
        host->discard(host->owner, reply->packet);
        return;
    }
    reply->packet->len = reply->w.len;
    host->to_client(host->owner, path, reply->packet);
}

static void count_error(struct turn_counters *counters, enum stun_error code)
{
    switch ((unsigned)code) {
    case STUN_TRY_ALTERNATE:
        counter_add(&counters->redirects, 1);
        break;
    case STUN_ALLOCATION_QUOTA_REACHED:
        counter_add(&counters->quota_refused, 1);
        break;
    case STUN_INSUFFICIENT_CAPACITY:
        counter_add(&counters->capacity_refused, 1);
        break;
    default:
        counter_add(&counters->errors, 1);
        break;
    }
}

bool reply_begin_error(struct turn_reply *out, struct turn_request *r, enum stun_error code)
{
    const struct turn_host *host = &r->server->host;
    const struct auth_identity *identity = r->exchange.auth.identity;
    count_error(&r->server->counters, code);
    if (host->refused != NULL && identity != NULL)
        host->refused(host->owner, r->arrival->path, r->exchange.method, code, identity);
    if (!reply_begin(out, r->server, &r->exchange, STUN_ERROR))
        return false;
    stun_write_error(&out->w, code, text_of(NULL, 0));
    return true;
}

enum turn_verdict reply_error(struct turn_request *r, enum stun_error code)
{
    struct turn_reply reply;
    if (reply_begin_error(&reply, r, code))
        reply_send(&reply, r->arrival->path);
    return TURN_DONE;
}

enum turn_verdict reply_success(struct turn_request *r)
{
    struct turn_reply reply;
    if (reply_begin(&reply, r->server, &r->exchange, STUN_SUCCESS))
        reply_send(&reply, r->arrival->path);
    return TURN_DONE;
}
