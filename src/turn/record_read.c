/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a record. */
#include <stdio.h>
#include <stdlib.h>

#include "mediaferry/bencode.h"
#include "mediaferry/channel_data.h"
#include "turn/record_words.h"

/* Milliseconds: more than any lifetime that can be configured. */
#define MAX_LEFT_MS (UINT32_MAX * INT64_C(1000))

/* Raw bytes of just this length; false when they are missing. */
static bool read_bytes(const struct fields *f, const char *name, void *out, size_t len)
{
    struct text text = fields_text(f, name, len);
    if (!fields_has(f, name))
        return false;
    if (text.len != len)
        fields_refuse(f, name, "not %zu bytes", len);
    else
        memcpy(out, text.data, len);
    return true;
}

static uint64_t read_left(const struct fields *f)
{
    return (uint64_t)fields_number(f, "left", 0, MAX_LEFT_MS, 0);
}

static struct turn_saved_path read_path(const struct fields *f)
{
    struct turn_saved_path path = {.client = fields_address(f, "client"),
        .server = fields_address(f, "server"),
        .hop = fields_address(f, "hop")};
    if (path.client.family == ADDRESS_NONE)
        return (struct turn_saved_path){.client = {.family = ADDRESS_NONE}};
    if (path.hop.family == ADDRESS_NONE)
        path.hop = path.client;
    if (path.server.family != path.hop.family)
        fields_refuse(f, "server", "not of the family of the client");
    return path;
}

/* The part of `name` without a time; `user` is it, or is none. */
static struct text part_of(const struct fields *f, struct text name, struct text user)
{
    if (user.len == 0)
        return user;
    const char *at = name.len > 0 ? memmem(name.data, name.len, user.data, user.len) : NULL;
    if (at == NULL)
        fields_refuse(f, "user", "not in the name");
    return at == NULL ? user : text_of(at, user.len);
}

static struct auth_identity *read_identity(const struct fields *record)
{
    const struct fields f = fields_inner(record, "user");
    fields_require(&f, "name");
    struct text name = fields_text(&f, "name", LONG_TERM_MAX_NAME);
    struct text user = fields_text(&f, "user", LONG_TERM_MAX_NAME);
    struct identity_config config = {
        .kind = (enum identity_kind)fields_choice(
            &f, "kind", turn_record_identities, TURN_RECORD_IDENTITIES, IDENTITY_STATIC),
        .username = name,
        .user = fields_has(&f, "user") ? part_of(&f, name, user) : name,
        .realm = fields_text(&f, "realm", LONG_TERM_MAX_REALM),
        .expires_s = fields_number(&f, "expires", 0, INT64_MAX / 1000, 0),
        .mac_key = text_bytes(fields_text(&f, "mac-key", IDENTITY_MAX_MAC_KEY)),
    };
    struct long_term_keys *keys = &config.keys;
    keys->has_md5 = read_bytes(&f, "md5", keys->md5, sizeof(keys->md5));
    keys->has_sha256 = read_bytes(&f, "sha256", keys->sha256, sizeof(keys->sha256));
    bool has_key = keys->has_md5 || keys->has_sha256;
    if (config.kind == IDENTITY_OAUTH)
        has_key = config.mac_key.len > 0;
    if (!has_key)
        fields_refuse(&f, NULL, "without a key");
    struct auth_identity *identity = f.reader->failed ? NULL : auth_identity_new(&config);
    if (identity == NULL)
        fields_refuse(&f, NULL, "out of memory");
    long_term_wipe(keys);
    return identity;
}

static bool has_family(const struct turn_saved *saved, enum address_family family)
{
    for (size_t i = 0; i < COUNT_OF(saved->relays); i++)
        if (family != ADDRESS_NONE && saved->relays[i].local.family == family)
            return true;
    return false;
}

static void read_relays(const struct fields *record, struct turn_saved *out)
{
    struct fields_list it = fields_list(record, "relays", NG_DICT, TURN_SAVED_RELAYS);
    struct fields f;
    size_t count = 0;
    while (fields_next(record, &it, &f)) {
        struct turn_saved_relay relay = {.local = fields_address(&f, "local"),
            .relayed = fields_address(&f, "told"),
            .left_ms = read_left(&f)};
        if (relay.relayed.family == ADDRESS_NONE)
            relay.relayed = relay.local;
        if (relay.local.family == ADDRESS_NONE)
            fields_refuse(&f, "local", "missing");
        else if (relay.relayed.family != relay.local.family || has_family(out, relay.local.family))
            fields_refuse(&f, NULL, "one too many of a family");
        out->relays[count++] = relay;
    }
    if (count == 0)
        fields_refuse(record, "relays", "missing");
}

static void read_permissions(const struct fields *record, struct turn_saved *out)
{
    struct fields_list it = fields_list(record, "permissions", NG_DICT, TURN_SAVED_MAX_PEERS);
    struct fields f;
    out->permissions = calloc(it.count + 1, sizeof(*out->permissions));
    if (out->permissions == NULL)
        fields_refuse(record, "permissions", "out of memory");
    while (fields_next(record, &it, &f)) {
        struct turn_saved_permission *p = &out->permissions[out->permission_count++];
        if (!address_parse(fields_text(&f, "ip", ADDRESS_TEXT_SIZE), &p->ip) ||
            !has_family(out, p->ip.family))
            fields_refuse(&f, "ip", "not an address of a family that is relayed");
        p->left_ms = read_left(&f);
        fields_flags(&f, turn_record_permission_flags, TURN_RECORD_PERMISSION_FLAGS, p);
    }
}

static void read_channels(const struct fields *record, struct turn_saved *out)
{
    struct fields_list it = fields_list(record, "channels", NG_DICT, TURN_SAVED_MAX_PEERS);
    struct fields f;
    out->channels = calloc(it.count + 1, sizeof(*out->channels));
    if (out->channels == NULL)
        fields_refuse(record, "channels", "out of memory");
    while (fields_next(record, &it, &f)) {
        struct turn_saved_channel *c = &out->channels[out->channel_count++];
        c->number = (uint16_t)fields_number(&f, "number", CHANNEL_FIRST, CHANNEL_LAST_RFC5766, 0);
        c->peer = fields_address(&f, "peer");
        c->left_ms = read_left(&f);
        if (c->number == 0)
            fields_refuse(&f, "number", "missing");
        if (!has_family(out, c->peer.family))
            fields_refuse(&f, "peer", "not an address of a family that is relayed");
    }
}

static void read_tickets(const struct fields *record, struct turn_saved *out)
{
    struct fields_list it = fields_list(record, "tickets", NG_DICT, TURN_SAVED_TICKETS);
    struct fields f;
    while (fields_next(record, &it, &f)) {
        struct turn_saved_ticket *ticket = &out->tickets[out->ticket_count++];
        fields_require(&f, "key");
        read_bytes(&f, "key", ticket->key, sizeof(ticket->key));
        ticket->allocation = (uint64_t)fields_number(&f, "allocation", INT64_MIN, INT64_MAX, 0);
    }
}

static void read_mobility(const struct fields *f, struct turn_saved *out)
{
    fields_flags(f, turn_record_flags, TURN_RECORD_FLAGS, out);
    out->ticket_serial = (uint32_t)fields_number(f, "ticket-serial", 0, UINT32_MAX, 0);
    read_tickets(f, out);
    if (!out->is_mobile && out->path.client.family == ADDRESS_NONE)
        fields_refuse(f, "client", "missing");
    if (out->coming.client.family == ADDRESS_NONE)
        return;
    if (!out->is_mobile || out->path.client.family == ADDRESS_NONE)
        fields_refuse(f, "coming", "there is nowhere to come from");
    else if (address_equal(&out->coming.client, &out->path.client) &&
             address_equal(&out->coming.server, &out->path.server))
        fields_refuse(f, "coming", "there already");
}

static void read_traffic(
    const struct fields *record, const char *name, uint64_t *packets, uint64_t *bytes)
{
    const struct fields f = fields_inner(record, name);
    *packets = (uint64_t)fields_number(&f, "packets", INT64_MIN, INT64_MAX, 0);
    *bytes = (uint64_t)fields_number(&f, "bytes", INT64_MIN, INT64_MAX, 0);
}

static void read_rest(const struct fields *f, struct turn_saved *out)
{
    fields_require(f, "created");
    fields_require(f, "saved");
    out->made_us = fields_number(f, "created", 0, INT64_MAX, 0);
    out->saved_us = fields_number(f, "saved", 0, INT64_MAX, 0);
    out->worker = (unsigned)fields_number(f, "worker", 0, UINT16_MAX, 0);
    out->path = read_path(f);
    const struct fields coming = fields_inner(f, "coming");
    out->coming = read_path(&coming);
    read_relays(f, out);
    read_permissions(f, out);
    read_channels(f, out);
    read_mobility(f, out);
    read_bytes(f, "transaction", out->transaction, sizeof(out->transaction));
    out->missing = (enum address_family)fields_choice(
        f, "missing", turn_record_families, TURN_RECORD_FAMILIES, ADDRESS_NONE);
    out->missing_code = (unsigned)fields_number(f, "missing-code", 300, 699, 0);
    if ((out->missing != ADDRESS_NONE) != (out->missing_code != 0))
        fields_refuse(f, "missing", "a family and a code, or neither");
    read_traffic(f, "from-client", &out->client_packets, &out->client_bytes);
    read_traffic(f, "from-peers", &out->peer_packets, &out->peer_bytes);
    out->identity = read_identity(f);
}

static void read_id(const struct fields *f, struct turn_saved *out)
{
    struct text id = fields_line(f, "id", TURN_ID_SIZE - 1);
    if (id.len > 0)
        memcpy(out->id, id.data, id.len);
    else
        fields_refuse(f, "id", "missing");
}

static enum turn_record_status read_tree(
    const struct ng_value *tree, struct turn_saved *out, char why[FIELDS_WHY_SIZE])
{
    struct fields_reader reader = {.why = why};
    const struct fields f = {.reader = &reader, .index = -1, .value = tree};
    if (!text_is(fields_text(&f, "kind", 64), turn_record_kind))
        fields_refuse(&f, "kind", "not '%s'", turn_record_kind);
    fields_require(&f, "version");
    read_id(&f, out);
    int64_t version = fields_number(&f, "version", 1, INT64_MAX, 0);
    if (!reader.failed && version != TURN_RECORD_VERSION) {
        fields_refuse(&f, "version", "%lld, known is %d", (long long)version, TURN_RECORD_VERSION);
        return TURN_RECORD_OTHER_VERSION;
    }
    read_rest(&f, out);
    return reader.failed ? TURN_RECORD_MALFORMED : TURN_RECORD_OK;
}

enum turn_record_status turn_record_read(
    struct bytes bytes, struct turn_saved *out, char why[FIELDS_WHY_SIZE])
{
    enum turn_record_status status = TURN_RECORD_MALFORMED;
    struct ng_value *tree;
    struct ng_arena arena;
    *out = (struct turn_saved){.worker = 0};
    ng_arena_init(&arena, TURN_RECORD_MAX_MEMORY);
    enum bencode_status parsed =
        bencode_parse_up_to(bytes, TURN_RECORD_MAX_SIZE, &arena, &tree, NULL);
    if (parsed != BENCODE_OK)
        snprintf(why, FIELDS_WHY_SIZE, "not bencode: %s", bencode_status_text(parsed));
    else if (tree->kind != NG_DICT)
        snprintf(why, FIELDS_WHY_SIZE, "not a dictionary");
    else
        status = read_tree(tree, out, why);
    ng_arena_wipe(&arena);
    return status;
}
