/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/operation_state.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/tokens.h"
#include "base/log.h"
#include "base/paths.h"
#include "daemon/fleet_service.h"
#include "daemon/process.h"
#include "rtpsec/session.h"
#include "session/session.h"

enum { LOOK_EACH_MS = 200, SECOND_MS = 1000 };

/* --- draining ----------------------------------------------------------------------------------
 */

struct drain_left operation_left(const struct operation *o)
{
    return (struct drain_left){.calls = sessions_totals(o->own.sessions).current,
        .allocations = turn_service_allocations(o->own.turn)};
}

const char *operation_drain_word(const struct operation *o)
{
    static const char *const words[] = {
        [DRAIN_WORKING] = "working",
        [DRAIN_HOLDING] = "holding",
        [DRAIN_LEAVING] = "leaving",
        [DRAIN_ENDED] = "leaving",
    };
    return words[o->drain.phase];
}

static void say(const struct operation *o, const char *state)
{
    struct drain_left left = operation_left(o);
    log_event(LOG_NOTICE, LOG_NO_CALL, "drain", "state=%s calls=%llu allocations=%llu seconds=%llu",
        state, (unsigned long long)left.calls, (unsigned long long)left.allocations,
        (unsigned long long)(uv_now(o->own.loop) - o->drain.since_ms) / 1000);
}

static void end(struct operation *o, const struct drain_left *left)
{
    bool is_empty = left->calls == 0 && left->allocations == 0;
    uv_timer_stop(&o->look);
    if (uv_now(o->own.loop) > o->drain.since_ms)
        say(o, is_empty ? "empty" : "over");
    o->own.drained(o->own.owner);
}

static void look(uv_timer_t *timer)
{
    struct operation *o = timer->data;
    struct drain_left left = operation_left(o);
    process_notify_draining(left.calls, left.allocations);
    switch (drain_look(&o->drain, &left, uv_now(o->own.loop))) {
    case DRAIN_WAIT:
        break;
    case DRAIN_SAY:
        say(o, "waiting");
        break;
    case DRAIN_END:
        end(o, &left);
        break;
    }
}

static void refuse_work(struct operation *o, bool refuse)
{
    sessions_refuse_new(o->own.sessions, refuse);
    fleet_service_hold(o->own.fleet, refuse);
}

static void begin_to_leave(struct operation *o)
{
    refuse_work(o, true);
    /* Where clients of TURN were sent before, they are still sent. */
    if (!turn_service_is_draining(o->own.turn) && !turn_service_drain(o->own.turn, NULL, 0))
        log_event(LOG_ERR, LOG_NO_CALL, "drain", "state=turn-goes-on");
    uv_timer_start(&o->look, look, LOOK_EACH_MS, LOOK_EACH_MS);
}

void operation_leave(struct operation *o)
{
    uint64_t wait_ms = (uint64_t)o->own.config->process.drain_timeout_s * 1000;
    if (o->drain.phase == DRAIN_ENDED)
        return;
    drain_leave(&o->drain, true, wait_ms, uv_now(o->own.loop));
    begin_to_leave(o);
    if (wait_ms > 0)
        say(o, "leaving");
    look(&o->look);
}

static void drain_state(void *owner, uint64_t request)
{
    struct operation *o = owner;
    struct drain_left left = operation_left(o);
    uint64_t now_ms = uv_now(o->own.loop);
    json_t *document = json_pack("{s:s, s:b, s:I, s:I}", "state", operation_drain_word(o),
        "draining", drain_refuses_work(&o->drain), "calls", (json_int_t)left.calls, "allocations",
        (json_int_t)left.allocations);
    if (drain_refuses_work(&o->drain))
        json_object_set_new(
            document, "seconds", json_integer((json_int_t)(now_ms - o->drain.since_ms) / 1000));
    if (o->drain.phase == DRAIN_LEAVING && o->drain.until_ms != UINT64_MAX)
        json_object_set_new(document, "seconds_left",
            json_integer(
                o->drain.until_ms > now_ms ? (json_int_t)(o->drain.until_ms - now_ms) / 1000 : 0));
    operation_answer(o, request, document);
}

static uint64_t wait_of(const struct operation *o, const struct admin_drain *how)
{
    uint64_t seconds =
        how->has_timeout ? how->timeout_s : (uint64_t)o->own.config->process.drain_timeout_s;
    return seconds == 0 ? DRAIN_WITHOUT_LIMIT : seconds * 1000;
}

static void drain(void *owner, uint64_t request, const struct admin_drain *how)
{
    struct operation *o = owner;
    uint64_t now_ms = uv_now(o->own.loop);
    if (!turn_service_drain(o->own.turn, how->alternates, how->alternate_count)) {
        admin_answer_error(o->admin, request, ADMIN_BAD_REQUEST,
            TEXT("alternate-server: IP:PORT is wanted, at most eight of them"));
        return;
    }
    refuse_work(o, true);
    if (how->exit) {
        drain_leave(&o->drain, false, wait_of(o, how), now_ms);
        begin_to_leave(o);
    } else {
        drain_hold(&o->drain, now_ms);
    }
    say(o, operation_drain_word(o));
    drain_state(o, request);
}

static void undrain(void *owner, uint64_t request)
{
    struct operation *o = owner;
    if (!drain_cancel(&o->drain)) {
        admin_answer_error(o->admin, request, ADMIN_REFUSED,
            TEXT("a signal has told the process to end: that is not taken back"));
        return;
    }
    uv_timer_stop(&o->look);
    refuse_work(o, false);
    turn_service_undrain(o->own.turn);
    log_event(LOG_NOTICE, LOG_NO_CALL, "drain", "state=working");
    drain_state(o, request);
}

/* --- numbers -----------------------------------------------------------------------------------
 */

static void metrics(void *owner, struct str *out)
{
    const struct operation *o = owner;
    const struct metrics_sources from = {
        .sessions = o->own.sessions,
        .ng = o->own.ng,
        .admin = admin_counters(o->admin),
        .packets = o->own.packets,
        .srtp_engine = o->srtp_engine,
        .is_draining = drain_refuses_work(&o->drain),
    };
    metrics_process(&from, out);
    metrics_calls(&from, out);
    metrics_records(&from, out);
    metrics_packets(&from, out);
    packet_back_end_metrics(from.packets, out);
    metrics_control(&from, out);
    turn_service_metrics(o->own.turn, out);
    fleet_service_metrics(o->own.fleet, out);
    metrics_rtpengine(&from, out);
}

static bool ready(void *owner, struct str *why)
{
    const struct operation *o = owner;
    bool is_draining = drain_refuses_work(&o->drain) || turn_service_is_draining(o->own.turn);
    if (is_draining)
        str_add_string(why, "draining");
    return !is_draining;
}

static void each_second(uv_timer_t *timer)
{
    operation_look_at_rates(timer->data);
}

/* --- the HTTP port -----------------------------------------------------------------------------
 */

static size_t read_tokens(const struct daemon_config *config, struct text out[TOKENS_MAX])
{
    struct text rest = text_from(config->admin_tokens != NULL ? config->admin_tokens : ""), token;
    size_t count = 0;
    while (count < TOKENS_MAX && turn_list_next(&rest, &token))
        out[count++] = token;
    return count;
}

static void say_listening(const struct operation *o, const char *local)
{
    for (size_t i = 0; i < admin_address_count(o->admin); i++) {
        char text[ADDRESS_TEXT_SIZE];
        log_event(LOG_NOTICE, LOG_NO_CALL, "listening",
            "for=admin address=%s/tcp use=\"HTTP of operators and Prometheus\"",
            address_text(admin_address(o->admin, i), text));
    }
    if (local != NULL)
        log_event(LOG_NOTICE, LOG_NO_CALL, "listening", "for=control path=%s use=mediaferryctl",
            LOG_QUOTED(text_from(local)));
}

static int open_admin_at(struct operation *o, const char *local, struct str *why)
{
    const struct daemon_config *config = o->own.config;
    struct text tokens[TOKENS_MAX];
    struct admin_config admin = {
        .listen = &config->listen_admin,
        .local = local,
        .tokens = tokens,
        .token_count = read_tokens(config, tokens),
        .api =
            {
                .owner = o,
                .status = operation_status,
                .calls = operation_calls,
                .call = operation_call,
                .end_call = operation_end_call,
                .drain_state = drain_state,
                .drain = drain,
                .undrain = undrain,
                .metrics = metrics,
                .ready = ready,
            },
    };
    turn_service_api(o->own.turn, &admin.api.turn);
    int error = admin_open(o->own.loop, &admin, &o->admin, why);
    if (error == 0) {
        turn_service_answer_to(o->own.turn, o->admin);
        say_listening(o, local);
    }
    return error;
}

/* The default is there for whoever can have it; its folder is made, as systemd would. */
static int open_admin_by_default(struct operation *o, const char *path, struct str *why)
{
    struct str problem = {0};
    mkdir(CONTROL_FOLDER, 0700);
    int error = open_admin_at(o, path, &problem);
    if (error != 0) {
        error = o->own.config->listen_admin.count == 0 ? 0 : open_admin_at(o, NULL, why);
        if (error == 0)
            log_event(
                LOG_NOTICE, LOG_NO_CALL, "no-control", "why=%s", LOG_QUOTED(str_text(&problem)));
    }
    str_done(&problem);
    return error;
}

static int open_admin(struct operation *o, struct str *why)
{
    const char *path = o->own.config->admin.control;
    if (strcmp(path, CONTROL_PATH) == 0)
        return open_admin_by_default(o, path, why);
    if (path[0] == '\0' && o->own.config->listen_admin.count == 0)
        return 0;
    return open_admin_at(o, path[0] != '\0' ? path : NULL, why);
}

int operation_reload(struct operation *o, struct str *why)
{
    const struct daemon_config *config = o->own.config;
    struct text tokens[TOKENS_MAX];
    if (o->admin == NULL || admin_address_count(o->admin) == 0 || config->listen_admin.count == 0)
        return 0; /* opening and closing it needs a restart */
    return admin_set_tokens(o->admin, tokens, read_tokens(config, tokens), why);
}

/* --- life --------------------------------------------------------------------------------------
 */

int operation_open(struct operation **out, const struct operation_config *config, struct str *why)
{
    struct operation *o = calloc(1, sizeof(*o));
    if (o == NULL)
        return -ENOMEM;
    o->own = *config;
    o->srtp_engine = rtpsec_engine_choose(config->config->media.srtp_engine).engine->name;
    list_init(&o->questions);
    uv_timer_init(config->loop, &o->look); /* these two cannot fail on a loop that is open */
    uv_timer_init(config->loop, &o->each_second);
    o->look.data = o->each_second.data = o;
    o->open_handles = 2;
    int error = operation_rates_open(o);
    if (error == 0)
        error = open_admin(o, why);
    if (error != 0) {
        operation_close(o);
        operation_free(o);
        return error;
    }
    if (o->admin != NULL)
        uv_timer_start(&o->each_second, each_second, 0, SECOND_MS);
    *out = o;
    return 0;
}

void operation_close(struct operation *o)
{
    if (o == NULL)
        return;
    turn_service_answer_to(o->own.turn, NULL);
    admin_close(o->admin);
    o->admin = NULL;
    uv_timer_stop(&o->look);
    uv_timer_stop(&o->each_second);
}

static void on_closed(uv_handle_t *handle)
{
    struct operation *o = handle->data;
    if (--o->open_handles == 0)
        free(o);
}

void operation_free(struct operation *o)
{
    if (o == NULL)
        return;
    operation_forget_questions(o);
    operation_rates_close(o);
    uv_close((uv_handle_t *)&o->look, on_closed);
    uv_close((uv_handle_t *)&o->each_second, on_closed);
}
