/* SPDX-License-Identifier: Apache-2.0 */
#include "turnserver/log_lines.h"

#include "base/log.h"

enum { REFUSALS_PER_SECOND = 5 /* of one worker: strangers must not fill the disk */ };

static const char *end_name(enum turn_end why)
{
    static const char *const names[] = {
        [TURN_END_DELETED] = "deleted",
        [TURN_END_EXPIRED] = "expired",
        [TURN_END_CLOSED] = "connection-closed",
        [TURN_END_KILLED] = "killed",
        [TURN_END_REVOKED] = "revoked",
        [TURN_END_CREDENTIALS] = "credentials-over",
        [TURN_END_STOPPED] = "server-stops",
        [TURN_END_SAVED] = "saved",
        [TURN_END_TAKEN] = "taken-by-another-node",
    };
    return names[why];
}

static const char *method_name(unsigned method)
{
    switch (method) {
    case STUN_ALLOCATE:
        return "Allocate";
    case STUN_REFRESH:
        return "Refresh";
    case STUN_CREATE_PERMISSION:
        return "CreatePermission";
    case STUN_CHANNEL_BIND:
        return "ChannelBind";
    case STUN_CONNECT:
        return "Connect";
    case STUN_CONNECTION_BIND:
        return "ConnectionBind";
    default:
        return "other";
    }
}

static const char *why_refused(unsigned code)
{
    switch (code) {
    case STUN_TRY_ALTERNATE:
        return "sent to another server";
    case STUN_FORBIDDEN:
        return "forbidden: peer denied, wrong kind of allocation, or draining";
    case STUN_UNKNOWN_ATTRIBUTE:
        return "attribute not known";
    case STUN_ALLOCATION_MISMATCH:
        return "allocation missing, or there already";
    case STUN_WRONG_CREDENTIALS:
        return "allocation of another user";
    case STUN_ADDRESS_FAMILY_NOT_SUPPORTED:
        return "no relayed address of this family";
    case STUN_UNSUPPORTED_TRANSPORT:
        return "kind of relay not offered";
    case STUN_PEER_FAMILY_MISMATCH:
        return "peer of another family";
    case STUN_ALLOCATION_QUOTA_REACHED:
        return "quota reached";
    case STUN_INSUFFICIENT_CAPACITY:
        return "no port or room left";
    default:
        return "bad request";
    }
}

static const char *relayed_text(const struct turn_report *report, char out[ADDRESS_TEXT_SIZE])
{
    return address_text(&report->relayed[report->relayed[0].family == ADDRESS_NONE ? 1 : 0], out);
}

void log_made(void *owner, const struct turn_report *r)
{
    char client[ADDRESS_TEXT_SIZE], relayed[ADDRESS_TEXT_SIZE];
    (void)owner;
    log_event(LOG_INFO, LOG_NO_CALL, "turn-allocated",
        "id=%llu user=%s realm=%s client=%s transport=%s relayed=%s%s%s expires-in-s=%llu",
        (unsigned long long)r->id, LOG_QUOTED(auth_identity_username(r->identity)),
        LOG_QUOTED(auth_identity_realm(r->identity)), address_text(&r->path->client, client),
        turn_transport_name(r->path->transport), relayed_text(r, relayed),
        r->is_tcp ? " tcp=yes" : "", r->is_mobile ? " mobile=yes" : "",
        (unsigned long long)(r->expires_in_ms / 1000));
}

void log_ended(void *owner, const struct turn_report *r, enum turn_end why)
{
    char client[ADDRESS_TEXT_SIZE], relayed[ADDRESS_TEXT_SIZE];
    (void)owner;
    log_event(LOG_INFO, LOG_NO_CALL, "turn-ended",
        "id=%llu why=%s user=%s client=%s relayed=%s age-s=%llu client-packets=%llu "
        "client-bytes=%llu peer-packets=%llu peer-bytes=%llu",
        (unsigned long long)r->id, end_name(why), LOG_QUOTED(auth_identity_username(r->identity)),
        address_text(&r->path->client, client), relayed_text(r, relayed),
        (unsigned long long)(r->age_ms / 1000), (unsigned long long)r->client_packets,
        (unsigned long long)r->client_bytes, (unsigned long long)r->peer_packets,
        (unsigned long long)r->peer_bytes);
}

static bool may_log(struct turn_worker *w, unsigned *suppressed)
{
    return log_get_level() >= LOG_NOTICE && log_limit_passes(&w->log_limit, REFUSALS_PER_SECOND,
                                                worker_now_ms(w->worker), suppressed);
}

void log_refused(void *owner, const struct turn_path *path, unsigned method, unsigned code,
    const struct auth_identity *identity)
{
    char client[ADDRESS_TEXT_SIZE];
    unsigned suppressed;
    if (may_log(owner, &suppressed))
        log_event(LOG_NOTICE, LOG_NO_CALL, "turn-refused",
            "method=%s code=%u user=%s client=%s transport=%s why=\"%s\" suppressed=%u",
            method_name(method), code, LOG_QUOTED(auth_identity_username(identity)),
            address_text(&path->client, client), turn_transport_name(path->transport),
            why_refused(code), suppressed);
}

void log_unproven(void *owner, const struct turn_path *path, struct text username)
{
    char client[ADDRESS_TEXT_SIZE];
    unsigned suppressed;
    if (may_log(owner, &suppressed))
        log_event(LOG_NOTICE, LOG_NO_CALL, "turn-refused",
            "code=401 user=%s client=%s transport=%s why=\"unknown user, wrong password or expired "
            "credentials\" suppressed=%u",
            LOG_QUOTED(username), address_text(&path->client, client),
            turn_transport_name(path->transport), suppressed);
}
