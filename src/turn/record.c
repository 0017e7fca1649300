/* SPDX-License-Identifier: Apache-2.0 */
#include "turn/record.h"

#include <stddef.h>

#include "turn/record_words.h"

const char turn_record_kind[] = "allocation";
const char *const turn_record_families[TURN_RECORD_FAMILIES] = {"none", "IP4", "IP6"};
const char *const turn_record_identities[TURN_RECORD_IDENTITIES] = {
    "static", "REST", "database", "OAuth"};
const struct fields_flag turn_record_permission_flags[TURN_RECORD_PERMISSION_FLAGS] = {
    {"known", offsetof(struct turn_saved_permission, is_known)}};
const struct fields_flag turn_record_flags[TURN_RECORD_FLAGS] = {
    {"mobile", offsetof(struct turn_saved, is_mobile)},
    {"old-ticket", offsetof(struct turn_saved, old_ticket_counts)},
};

bool turn_record_is_one(struct bytes bytes)
{
    static const char begin[] = "d4:kind10:allocation";
    return bytes.len >= sizeof(begin) - 1 && memcmp(bytes.data, begin, sizeof(begin) - 1) == 0;
}

static void put_bytes(
    struct ng_arena *arena, struct ng_value *dict, const char *name, struct bytes bytes)
{
    fields_put_text(arena, dict, name, text_from_bytes(bytes));
}

static void put_path(
    struct ng_arena *arena, struct ng_value *dict, const struct turn_saved_path *path)
{
    fields_put_address(arena, dict, "client", &path->client);
    fields_put_address(arena, dict, "server", &path->server);
    if (!address_equal(&path->hop, &path->client))
        fields_put_address(arena, dict, "hop", &path->hop);
}

static void put_identity(
    struct ng_arena *arena, struct ng_value *record, const struct auth_identity *identity)
{
    struct ng_value *dict = ng_dict(arena);
    struct text name = auth_identity_username(identity), user = auth_identity_user(identity);
    bool is_oauth = auth_identity_kind(identity) == IDENTITY_OAUTH;
    fields_put_choice(
        arena, dict, "kind", turn_record_identities, auth_identity_kind(identity), IDENTITY_STATIC);
    ng_put_string(arena, dict, TEXT("name"), name);
    if (!text_equal(user, name))
        ng_put_string(arena, dict, TEXT("user"), user);
    fields_put_text(arena, dict, "realm", auth_identity_realm(identity));
    fields_put_number(arena, dict, "expires", auth_identity_expires_s(identity), 0);
    struct bytes key = auth_identity_key(identity, PASSWORD_MD5);
    put_bytes(arena, dict, is_oauth ? "mac-key" : "md5", key);
    if (!is_oauth)
        put_bytes(arena, dict, "sha256", auth_identity_key(identity, PASSWORD_SHA256));
    fields_put(arena, record, "user", dict);
}

static void put_relays(
    struct ng_arena *arena, struct ng_value *record, const struct turn_saved *saved)
{
    struct ng_value *list = ng_put_list(arena, record, TEXT("relays"));
    for (size_t i = 0; i < COUNT_OF(saved->relays); i++) {
        const struct turn_saved_relay *relay = &saved->relays[i];
        if (relay->local.family == ADDRESS_NONE)
            continue;
        struct ng_value *dict = ng_add_dict(arena, list);
        fields_put_address(arena, dict, "local", &relay->local);
        if (!address_equal(&relay->local, &relay->relayed))
            fields_put_address(arena, dict, "told", &relay->relayed);
        fields_put_number(arena, dict, "left", (int64_t)relay->left_ms, 0);
    }
}

static void put_permissions(
    struct ng_arena *arena, struct ng_value *record, const struct turn_saved *saved)
{
    struct ng_value *list = ng_list(arena);
    for (size_t i = 0; i < saved->permission_count; i++) {
        const struct turn_saved_permission *permission = &saved->permissions[i];
        struct ng_value *dict = ng_add_dict(arena, list);
        char text[ADDRESS_TEXT_SIZE];
        fields_put_text(arena, dict, "ip", text_from(address_ip_text(&permission->ip, text)));
        fields_put_number(arena, dict, "left", (int64_t)permission->left_ms, 0);
        fields_put_flags(
            arena, dict, turn_record_permission_flags, TURN_RECORD_PERMISSION_FLAGS, permission);
    }
    fields_put(arena, record, "permissions", list);
}

static void put_channels(
    struct ng_arena *arena, struct ng_value *record, const struct turn_saved *saved)
{
    struct ng_value *list = ng_list(arena);
    for (size_t i = 0; i < saved->channel_count; i++) {
        const struct turn_saved_channel *channel = &saved->channels[i];
        struct ng_value *dict = ng_add_dict(arena, list);
        fields_put_number(arena, dict, "number", channel->number, 0);
        fields_put_address(arena, dict, "peer", &channel->peer);
        fields_put_number(arena, dict, "left", (int64_t)channel->left_ms, 0);
    }
    fields_put(arena, record, "channels", list);
}

static void put_tickets(
    struct ng_arena *arena, struct ng_value *record, const struct turn_saved *saved)
{
    struct ng_value *list = ng_list(arena);
    for (size_t i = 0; i < saved->ticket_count; i++) {
        const struct turn_saved_ticket *ticket = &saved->tickets[i];
        struct ng_value *dict = ng_add_dict(arena, list);
        put_bytes(arena, dict, "key", bytes_of(ticket->key, sizeof(ticket->key)));
        fields_put_number(arena, dict, "allocation", (int64_t)ticket->allocation, 0);
    }
    fields_put(arena, record, "tickets", list);
}

static void put_traffic(struct ng_arena *arena, struct ng_value *record, const char *name,
    uint64_t packets, uint64_t bytes)
{
    struct ng_value *dict = ng_dict(arena);
    fields_put_number(arena, dict, "packets", (int64_t)packets, 0);
    fields_put_number(arena, dict, "bytes", (int64_t)bytes, 0);
    fields_put(arena, record, name, dict);
}

static struct ng_value *make_tree(struct ng_arena *arena, const struct turn_saved *saved)
{
    struct ng_value *record = ng_dict(arena), *coming = ng_dict(arena);
    ng_put_string(
        arena, record, TEXT("kind"), text_from(turn_record_kind)); /* first: turn_record_is_one() */
    ng_put_int(arena, record, TEXT("version"), TURN_RECORD_VERSION);
    ng_put_string(arena, record, TEXT("id"), text_from(saved->id));
    ng_put_int(arena, record, TEXT("created"), saved->made_us);
    ng_put_int(arena, record, TEXT("saved"), saved->saved_us);
    fields_put_number(arena, record, "worker", saved->worker, 0);
    put_path(arena, record, &saved->path);
    put_path(arena, coming, &saved->coming);
    fields_put(arena, record, "coming", coming);
    put_identity(arena, record, saved->identity);
    put_relays(arena, record, saved);
    put_permissions(arena, record, saved);
    put_channels(arena, record, saved);
    fields_put_flags(arena, record, turn_record_flags, TURN_RECORD_FLAGS, saved);
    fields_put_number(arena, record, "ticket-serial", saved->ticket_serial, 0);
    put_tickets(arena, record, saved);
    put_bytes(
        arena, record, "transaction", bytes_of(saved->transaction, sizeof(saved->transaction)));
    fields_put_choice(arena, record, "missing", turn_record_families, saved->missing, ADDRESS_NONE);
    fields_put_number(arena, record, "missing-code", saved->missing_code, 0);
    put_traffic(arena, record, "from-client", saved->client_packets, saved->client_bytes);
    put_traffic(arena, record, "from-peers", saved->peer_packets, saved->peer_bytes);
    return ng_arena_ok(arena) ? record : NULL;
}

struct bytes turn_record_write(struct record_buffer *buffer, const struct turn_saved *saved)
{
    struct bytes record = bytes_of(NULL, 0);
    struct ng_arena arena;
    ng_arena_init(&arena, TURN_RECORD_MAX_MEMORY);
    const struct ng_value *tree = make_tree(&arena, saved);
    if (tree != NULL)
        record = record_buffer_write(buffer, tree, TURN_RECORD_MAX_SIZE);
    ng_arena_wipe(&arena);
    return record;
}
