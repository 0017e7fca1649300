/* SPDX-License-Identifier: Apache-2.0 */
/* The new plan of a call on its way to the worker. */
#include <stdlib.h>

#include "base/str.h"
#include "dtls/certificate.h"
#include "plan/share.h"
#include "relay/call_media.h"
#include "relay/resume.h"

struct parcel {
    struct message message;
    struct relay_update update;
};

static void parcel_free(struct parcel *parcel)
{
    struct relay_update *update = &parcel->update;
    plan_unref(update->plan);
    dtls_certificate_unref(update->certificate);
    free(update->call_id);
    free(update->sockets);
    relay_resume_free(update->resume);
    free(parcel);
}

struct relay_update *relay_update_new(uint64_t call, struct text call_id, const struct plan *plan,
    struct dtls_certificate *certificate, const struct relay_sockets *sockets, size_t socket_count)
{
    struct parcel *parcel = calloc(1, sizeof(*parcel));
    if (parcel == NULL)
        return NULL;
    struct relay_update *update = &parcel->update;
    *update = (struct relay_update){
        .call = call,
        .call_id = text_dup(call_id),
        .plan = plan_ref(plan),
        .socket_count = socket_count,
        .sockets = malloc(socket_count * sizeof(*sockets) + 1),
    };
    if (certificate != NULL)
        update->certificate = dtls_certificate_ref(certificate);
    if (update->call_id == NULL || update->sockets == NULL) {
        parcel_free(parcel);
        return NULL;
    }
    if (socket_count > 0)
        memcpy(update->sockets, sockets, socket_count * sizeof(*sockets));
    return update;
}

static void deliver(struct message *self, void *owner)
{
    struct parcel *parcel = CONTAINER_OF(self, struct parcel, message);
    struct relay *relay = owner;
    call_media_update(relay, &parcel->update, worker_now_ms(relay->worker));
    parcel_free(parcel);
}

void relay_post_update(struct relay *relay, struct relay_update *update)
{
    struct parcel *parcel = CONTAINER_OF(update, struct parcel, update);
    parcel->message.deliver = deliver;
    worker_post(relay->module, &parcel->message);
}
