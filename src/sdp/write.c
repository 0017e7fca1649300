/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/sdp_write.h"

#include "sdp/write.h"

#include <stdio.h>

void sdp_put(struct writer *w, struct text t)
{
    for (size_t i = 0; i < t.len; i++)
        if (t.data[i] == '\0' || t.data[i] == '\r' || t.data[i] == '\n')
            w->failed = true;
    writer_put(w, text_bytes(t));
}

void sdp_putv(struct writer *w, const char *format, va_list args)
{
    size_t room = w->capacity - w->len;
    if (w->failed || room == 0) {
        w->failed = true;
        return;
    }
    char *at = (char *)w->data + w->len;
    int len = vsnprintf(at, room, format, args);
    /* The terminator needs a byte as well, but CRLF follows and needs more. */
    if (len < 0 || (size_t)len >= room) {
        w->failed = true;
        return;
    }
    sdp_put(w, text_of(at, (size_t)len));
}

void sdp_putf(struct writer *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sdp_putv(w, format, args);
    va_end(args);
}

void sdp_end_line(struct writer *w)
{
    writer_put(w, bytes_of("\r\n", 2));
}

static void begin_line(struct writer *w, char letter)
{
    writer_u8(w, (uint8_t)letter);
    writer_u8(w, '=');
}

void sdp_begin_attr(struct writer *w, const char *name)
{
    begin_line(w, 'a');
    sdp_put(w, text_from(name));
    writer_u8(w, ':');
}

void sdp_write_line(struct writer *w, char letter, struct text value)
{
    begin_line(w, letter);
    sdp_put(w, value);
    sdp_end_line(w);
}

void sdp_write_linef(struct writer *w, char letter, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    begin_line(w, letter);
    sdp_putv(w, format, args);
    sdp_end_line(w);
    va_end(args);
}

void sdp_write_attr(struct writer *w, const char *name, struct text value)
{
    if (value.len == 0) {
        sdp_write_line(w, 'a', text_from(name));
        return;
    }
    sdp_begin_attr(w, name);
    sdp_put(w, value);
    sdp_end_line(w);
}

void sdp_write_attrf(struct writer *w, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sdp_begin_attr(w, name);
    sdp_putv(w, format, args);
    sdp_end_line(w);
    va_end(args);
}

/* A word of a line made of words: it must not be empty nor fall apart. */
static void put_word(struct writer *w, struct text word)
{
    struct text it = word, first;
    if (!sdp_next_word(&it, &first) || !text_equal(first, word))
        w->failed = true;
    sdp_put(w, word);
}

void sdp_write_origin(struct writer *w, const struct sdp_origin *origin)
{
    const struct text fields[] = {origin->user, origin->session_id, origin->version,
        origin->net_type, origin->addr_type, origin->host};

    begin_line(w, 'o');
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        if (i > 0)
            writer_u8(w, ' ');
        put_word(w, fields[i]);
    }
    sdp_end_line(w);
}

void sdp_write_connection(struct writer *w, const struct address *address)
{
    char ip[ADDRESS_TEXT_SIZE];
    if (address->family == ADDRESS_NONE)
        w->failed = true;
    sdp_write_linef(w, 'c', "IN %s %s", address->family == ADDRESS_IP6 ? "IP6" : "IP4",
        address_ip_text(address, ip));
}

void sdp_write_media(struct writer *w, const struct sdp_media_line *media)
{
    begin_line(w, 'm');
    put_word(w, media->type);
    sdp_putf(w, " %u", media->port);
    if (media->port_count > 1)
        sdp_putf(w, "/%u", media->port_count);
    writer_u8(w, ' ');
    put_word(w, media->protocol);
    writer_u8(w, ' ');
    sdp_put(w, media->formats.len > 0 ? media->formats : TEXT("0"));
    sdp_end_line(w);
}

void sdp_write_bandwidth(struct writer *w, const struct sdp_bandwidth *bandwidth)
{
    begin_line(w, 'b');
    put_word(w, bandwidth->type);
    sdp_putf(w, ":%llu", (unsigned long long)bandwidth->value);
    sdp_end_line(w);
}
