/* SPDX-License-Identifier: Apache-2.0 */
/* A question for a resume on its way to the worker and back. */
#include <errno.h>
#include <stdlib.h>

#include "dtls/association.h"
#include "relay/call_media.h"
#include "relay/resume_media.h"

struct save_request {
    struct message message;
    struct relay *relay;
    struct relay_listener listener;
    uint64_t call, token;
    enum relay_save how;
    struct relay_resume *resume; /* the answer */
};

static void tell(struct message *self, void *owner)
{
    struct save_request *request = CONTAINER_OF(self, struct save_request, message);
    (void)owner;
    request->listener.saved(request->listener.owner, request->token, request->resume);
    relay_resume_free(request->resume);
    free(request);
}

/* What OpenSSL would say at the end is kept for another process to say. */
static void prepare_farewell(struct call_media *call)
{
    list_for_each (at, &call->transports) {
        struct transport *t = CONTAINER_OF(at, struct transport, link);
        for (unsigned i = 0; i < COUNT_OF(t->components); i++)
            if (t->components[i].dtls != NULL)
                dtls_release(t->components[i].dtls);
    }
}

static void save(struct message *self, void *owner)
{
    struct save_request *request = CONTAINER_OF(self, struct save_request, message);
    struct relay *relay = owner;
    struct call_media *call = call_media_find(relay, request->call);
    bool ends = call != NULL && request->how == RELAY_SAVE_AND_END;

    if (ends)
        prepare_farewell(call);
    if (call != NULL)
        request->resume = resume_save(call, worker_now_ms(relay->worker));
    ends = ends && request->resume != NULL;
    if (ends)
        request->resume->exact = true;
    if (request->resume != NULL)
        call_media_saved(call);
    request->message.deliver = tell;
    mailbox_post(relay->config.control, &request->message);
    if (!ends)
        return;
    call_media_leave(call);
}

int relay_post_save(struct relay *relay, uint64_t call, uint64_t token, enum relay_save how)
{
    struct save_request *request = calloc(1, sizeof(*request));
    if (request == NULL)
        return -ENOMEM;
    *request = (struct save_request){
        .message.deliver = save,
        .relay = relay,
        .listener = relay->config.listener,
        .call = call,
        .token = token,
        .how = how,
    };
    worker_post(relay->module, &request->message);
    return 0;
}
