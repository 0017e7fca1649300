/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a parsed session again, and compares two sessions: for the property that both agree. */
#ifndef REWRITE_H
#define REWRITE_H

#include "mediaferry/sdp_write.h"

static void rewrite_text(struct writer *w, char letter, struct text value)
{
    if (value.len > 0)
        sdp_write_line(w, letter, value);
}

static void rewrite_connection(struct writer *w, const struct sdp_connection *c)
{
    if (c->address.family != ADDRESS_NONE)
        sdp_write_connection(w, &c->address);
    else if (c->family != ADDRESS_NONE)
        sdp_write_linef(
            w, 'c', "IN %s %.*s", c->family == ADDRESS_IP6 ? "IP6" : "IP4", TEXT_ARG(c->host));
}

static void rewrite_lines(struct writer *w, struct text lines)
{
    struct text it = lines;
    struct sdp_bandwidth b;
    struct sdp_attr attr;
    while (sdp_next_bandwidth(&it, &b))
        sdp_write_bandwidth(w, &b);
    it = lines;
    while (sdp_next_attr(&it, &attr))
        sdp_write_line(w, 'a', attr.whole);
}

static void rewrite(struct writer *w, const struct sdp *sdp)
{
    sdp_write_line(w, 'v', TEXT("0"));
    if (sdp->origin.user.len > 0)
        sdp_write_origin(w, &sdp->origin);
    rewrite_text(w, 's', sdp->name);
    rewrite_text(w, 'i', sdp->info);
    rewrite_text(w, 'u', sdp->uri);
    rewrite_text(w, 'e', sdp->email);
    rewrite_text(w, 'p', sdp->phone);
    rewrite_connection(w, &sdp->connection);
    rewrite_text(w, 't', sdp->time);
    rewrite_lines(w, sdp->lines);
    for (size_t i = 0; i < sdp->media_count; i++) {
        const struct sdp_media *m = &sdp->media[i];
        sdp_write_media(w, &(struct sdp_media_line){.type = m->type,
                               .port = m->port,
                               .port_count = m->port_count,
                               .protocol = m->protocol_name,
                               .formats = m->formats});
        rewrite_text(w, 'i', m->info);
        if (m->has_own_connection)
            rewrite_connection(w, &m->connection);
        rewrite_lines(w, m->lines);
    }
}

static bool same_connection(const struct sdp_connection *a, const struct sdp_connection *b)
{
    if (a->address.family == ADDRESS_NONE && !text_equal(a->host, b->host))
        return false;
    return a->family == b->family && address_equal(&a->address, &b->address);
}

static bool same_bandwidths(struct text a, struct text b)
{
    struct sdp_bandwidth x, y;
    while (sdp_next_bandwidth(&a, &x))
        if (!sdp_next_bandwidth(&b, &y) || !text_equal(x.type, y.type) || x.value != y.value)
            return false;
    return !sdp_next_bandwidth(&b, &y);
}

static bool same_attrs(struct text a, struct text b)
{
    struct sdp_attr x, y;
    while (sdp_next_attr(&a, &x))
        if (!sdp_next_attr(&b, &y) || x.kind != y.kind || !text_equal(x.whole, y.whole))
            return false;
    return !sdp_next_attr(&b, &y);
}

static bool same_lines(struct text a, struct text b)
{
    return same_bandwidths(a, b) && same_attrs(a, b);
}

static bool same_media(const struct sdp_media *a, const struct sdp_media *b)
{
    bool same_formats =
        text_equal(a->formats, b->formats) || (a->formats.len == 0 && text_is(b->formats, "0"));
    return text_equal(a->type, b->type) && a->port == b->port && a->port_count == b->port_count &&
           a->protocol == b->protocol && text_equal(a->protocol_name, b->protocol_name) &&
           same_formats && text_equal(a->info, b->info) &&
           a->has_own_connection == b->has_own_connection &&
           same_connection(&a->connection, &b->connection) && same_lines(a->lines, b->lines);
}

static bool same_session(const struct sdp *a, const struct sdp *b)
{
    const struct sdp_origin *o = &a->origin, *p = &b->origin;
    if (!text_equal(o->user, p->user) || !text_equal(o->session_id, p->session_id) ||
        !text_equal(o->version, p->version) || !text_equal(o->net_type, p->net_type) ||
        !text_equal(o->addr_type, p->addr_type) || !text_equal(o->host, p->host))
        return false;
    if (!text_equal(a->name, b->name) || !text_equal(a->info, b->info) ||
        !text_equal(a->uri, b->uri) || !text_equal(a->email, b->email) ||
        !text_equal(a->phone, b->phone) || !text_equal(a->time, b->time))
        return false;
    if (!same_connection(&a->connection, &b->connection) || !same_lines(a->lines, b->lines) ||
        a->media_count != b->media_count)
        return false;
    for (size_t i = 0; i < a->media_count; i++)
        if (!same_media(&a->media[i], &b->media[i]))
            return false;
    return true;
}

#endif
