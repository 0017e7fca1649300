/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/stun_address.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "daemon/config_build.h"

/* A server that is there answers in the first of them, else one of three tries reaches it. */
enum { WAIT_MS = 3000 };

int stun_address_ask(struct daemon_config *config, struct str *why)
{
    struct str problem = {0};
    int error = interfaces_ask(config->interfaces, WAIT_MS, &problem);
    if (error == -EINVAL)
        config_blame(config, &config->network.interface, why, "%s", str_string(&problem));
    else if (error == -ENOMEM)
        str_add_string(why, "out of memory");
    str_done(&problem);
    return error;
}

struct request {
    uv_work_t work;
    struct daemon_config *config;
    struct outside_question *questions; /* borrow from the interfaces, which do not change */
    size_t count;
};

static void ask(uv_work_t *work)
{
    struct request *request = CONTAINER_OF(work, struct request, work);
    outside_ask(request->questions, request->count, WAIT_MS);
}

static void say_moved(void *owner, const struct interface *interface,
    const struct local_address *local, const struct address *before)
{
    char bind[ADDRESS_TEXT_SIZE], advertised[ADDRESS_TEXT_SIZE], was[ADDRESS_TEXT_SIZE];
    (void)owner;
    log_event(LOG_NOTICE, LOG_NO_CALL, "interface-moved",
        "name=%s address=%s advertised=%s was=%s why=\"%s tells so; it is for new calls, and for "
        "TURN after a restart\"",
        LOG_QUOTED(text_from(interface->name)), address_ip_text(&local->bind, bind),
        address_ip_text(&local->advertised, advertised), address_ip_text(before, was),
        local->stun_server);
}

static void say_unanswered(const struct request *request)
{
    for (size_t i = 0; i < request->count; i++) {
        const struct outside_question *question = &request->questions[i];
        char bind[ADDRESS_TEXT_SIZE];
        if (question->seen.family == ADDRESS_NONE && question->bind.family == ADDRESS_IP4)
            log_event(LOG_WARNING, LOG_NO_CALL, "interface-unknown",
                "address=%s why=\"the STUN server %.*s %s; it is advertised as before\"",
                address_ip_text(&question->bind, bind), TEXT_ARG(question->server),
                question->problem);
    }
}

static void on_asked(uv_work_t *work, int status)
{
    struct request *request = CONTAINER_OF(work, struct request, work);
    if (status == 0) {
        interfaces_answer(request->config->interfaces, request->questions, say_moved, NULL);
        say_unanswered(request);
    }
    free(request->questions);
    free(request);
}

void stun_address_ask_again(uv_loop_t *loop, struct daemon_config *config)
{
    struct request *request = calloc(1, sizeof(*request));
    if (request == NULL)
        return;
    request->config = config;
    request->questions = interfaces_questions(config->interfaces, &request->count);
    if (request->questions != NULL && uv_queue_work(loop, &request->work, ask, on_asked) == 0)
        return;
    free(request->questions);
    free(request);
}
