/* SPDX-License-Identifier: Apache-2.0 */
/* Who may ask. */
#include <stdio.h>
#include <unistd.h>

#include "admin/state.h"
#include "base/log.h"

enum { WARNINGS_PER_SECOND = 1 };

const char *admin_source(const struct http_exchange *exchange, char out[ADMIN_SOURCE_SIZE])
{
    uid_t uid;
    if (!http_exchange_local_peer(exchange, &uid))
        return address_text(http_exchange_peer(exchange), out);
    snprintf(out, ADMIN_SOURCE_SIZE, "uid:%lu", (unsigned long)uid);
    return out;
}

static void warn(struct admin *admin, const struct http_exchange *exchange, const char *why)
{
    char source[ADMIN_SOURCE_SIZE];
    unsigned suppressed;
    if (log_limit_passes(&admin->warnings, WARNINGS_PER_SECOND, uv_now(admin->loop), &suppressed))
        log_event(LOG_WARNING, LOG_NO_CALL, "admin-unauthorized",
            "source=%s path=%s why=\"%s\" suppressed=%u", admin_source(exchange, source),
            LOG_QUOTED(http_exchange_request(exchange)->path), why, suppressed);
}

/* Answers those who may not. */
static bool has_token(struct admin *admin, struct http_exchange *exchange)
{
    const struct address *source = http_exchange_peer(exchange);
    uint64_t now_ms = uv_now(admin->loop);
    if (!admin_throttle_may_try(&admin->throttle, source, now_ms)) {
        warn(admin, exchange, "too many wrong tokens from this source");
        admin_respond_error(admin, exchange, 429, (struct http_field){"Retry-After", "1"},
            TEXT("too many wrong tokens from this address"));
        return false;
    }
    switch (admin_tokens_check(&admin->tokens, http_exchange_request(exchange)->authorization)) {
    case TOKENS_RIGHT:
        return true;
    case TOKENS_WRONG:
        admin_throttle_failed(&admin->throttle, source, now_ms);
        warn(admin, exchange, "wrong token");
        admin_respond_error(admin, exchange, 401,
            (struct http_field){"WWW-Authenticate", "Bearer error=\"invalid_token\""},
            TEXT("wrong token"));
        return false;
    case TOKENS_NONE:
        break;
    }
    warn(admin, exchange, "no token");
    admin_respond_error(admin, exchange, 401, (struct http_field){"WWW-Authenticate", "Bearer"},
        TEXT("a bearer token is needed"));
    return false;
}

/* The mode of the file has let him in; but a socket can be handed on. */
static bool is_our_user(struct admin *admin, struct http_exchange *exchange, uid_t uid)
{
    if (uid == 0 || uid == geteuid())
        return true;
    warn(admin, exchange, "neither root nor the user of this process");
    admin_respond_error(admin, exchange, 403, admin_no_field,
        TEXT("this socket is for root and for the user that mediaferry runs as"));
    return false;
}

bool admin_may_ask(struct admin *admin, struct http_exchange *exchange)
{
    uid_t uid;
    if (admin_route_is_open(http_exchange_request(exchange)))
        return true;
    return http_exchange_local_peer(exchange, &uid) ? is_our_user(admin, exchange, uid)
                                                    : has_token(admin, exchange);
}
