/* SPDX-License-Identifier: Apache-2.0 */
/* What the fleet does, as lines of the log. */
#include "base/log.h"
#include "daemon/fleet_state.h"

static void log_of_node(int level, const char *event, const struct fleet_event *e)
{
    log_event(level, LOG_NO_CALL, event, "node=%s records=%llu", LOG_QUOTED(e->node),
        (unsigned long long)e->count);
}

/* An item is found in the log by the id of the call; that of an allocation is a word more. */
static void log_of_item(int level, const char *event, const struct fleet_event *e)
{
    if (e->item == STORE_CALL)
        log_event(level, e->id, event, "node=%s", LOG_QUOTED(e->node));
    else
        log_event(level, LOG_NO_CALL, event, "allocation=%s node=%s", LOG_QUOTED(e->id),
            LOG_QUOTED(e->node));
}

void fleet_log_event(void *owner, const struct fleet_event *e)
{
    const struct fleet_service *s = owner;
    switch (e->kind) {
    case FLEET_STORE_UP:
        log_event(LOG_NOTICE, LOG_NO_CALL, "fleet-store", "state=ready");
        break;
    case FLEET_STORE_DOWN:
        log_event(LOG_WARNING, LOG_NO_CALL, "fleet-store",
            "state=away effect=\"calls go on; what a dead node leaves waits\"");
        break;
    case FLEET_NAME_TAKEN:
        log_event(LOG_WARNING, LOG_NO_CALL, "fleet-name-taken",
            "node=%s effect=\"nothing is shared\" why=\"another process of that name is alive, or "
            "was until just now (option 'node-name')\"",
            LOG_QUOTED(text_from(s->own.config->fleet.node_name)));
        break;
    case FLEET_JOINED:
        log_event(LOG_NOTICE, LOG_NO_CALL, "fleet-joined", "node=%s",
            LOG_QUOTED(text_from(s->own.config->fleet.node_name)));
        break;
    case FLEET_NODE_UP:
        log_of_node(LOG_NOTICE, "node-up", e);
        break;
    case FLEET_NODE_DOWN:
        log_of_node(LOG_WARNING, "node-down", e);
        break;
    case FLEET_TAKING:
        log_of_node(LOG_NOTICE, "taking-over", e);
        break;
    case FLEET_TOOK:
        log_of_item(LOG_INFO, "taken-over", e);
        break;
    case FLEET_TAKEN_ALL:
        log_event(LOG_NOTICE, LOG_NO_CALL, "taken-over", "node=%s records=%llu ms=%llu",
            LOG_QUOTED(e->node), (unsigned long long)e->count, (unsigned long long)e->ms);
        break;
    case FLEET_TAKE_REFUSED:
        log_of_item(LOG_WARNING, "not-taken-over", e);
        break;
    case FLEET_LOST:
        log_of_item(LOG_WARNING, "lost-to-node", e);
        break;
    case FLEET_RELEASED:
        log_of_item(LOG_NOTICE, "released", e);
        break;
    case FLEET_USURPED:
        log_of_item(LOG_NOTICE, "replaced", e);
        break;
    case FLEET_WRITE_FAILED:
        log_event(LOG_ERR, LOG_NO_CALL, "fleet-write",
            "state=refused effect=\"calls go on, but not in another node\"");
        break;
    case FLEET_WRITES_WORK:
        log_event(LOG_NOTICE, LOG_NO_CALL, "fleet-write", "state=ok");
        break;
    }
}

void fleet_log_trouble(void *owner, struct text why)
{
    (void)owner;
    log_event(LOG_ERR, LOG_NO_CALL, "fleet-store", "why=%s", LOG_QUOTED(why));
}
