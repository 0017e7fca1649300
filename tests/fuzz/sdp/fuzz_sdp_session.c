/* SPDX-License-Identifier: Apache-2.0 */
#include "../require.h"
#include "rewrite.h"

static bool within(struct text part, struct text whole)
{
    return lies_within(text_bytes(part), text_bytes(whole));
}

static bool connection_within(const struct sdp_connection *c, struct text whole)
{
    require(c->address.family == ADDRESS_NONE || c->address.family == c->family);
    return within(c->host, whole);
}

static void check_spans(const struct sdp *sdp, struct text text)
{
    require(within(sdp->origin.user, text) && within(sdp->origin.host, text));
    require(within(sdp->name, text) && within(sdp->time, text));
    require(within(sdp->lines, text) && within(sdp->rest, text));
    require(connection_within(&sdp->connection, text));
    require(sdp->media_count <= SDP_MAX_MEDIA);
    for (size_t i = 0; i < sdp->media_count; i++) {
        const struct sdp_media *m = &sdp->media[i];
        struct text it = m->lines;
        struct sdp_attr attr;

        require(within(m->type, text) && within(m->protocol_name, text));
        require(within(m->formats, text) && within(m->info, text) && within(m->lines, text));
        require(m->port_count > 0 && connection_within(&m->connection, text));
        while (sdp_next_attr(&it, &attr)) {
            require(attr.whole.len > 0 && within(attr.whole, m->lines));
            require(within(attr.name, attr.whole) && within(attr.value, attr.whole));
        }
    }
}

/* What was refused was refused at the start of a line. */
static void check_error(const struct sdp_error *error, struct text text)
{
    require(error->offset <= text.len);
    if (error->status == SDP_OK)
        return;
    require(error->offset == 0 || text.data[error->offset - 1] == '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sdp sdp, again;
    static char buffer[1 << 18];
    struct text text = text_from_bytes(bytes_of(data, size));
    struct sdp_error error;

    if (sdp_parse_fragment(text, &sdp, &error) == SDP_OK)
        check_spans(&sdp, text);
    check_error(&error, text);

    enum sdp_status status = sdp_parse(text, &sdp, &error);
    check_error(&error, text);
    if (status != SDP_OK)
        return 0;
    check_spans(&sdp, text);
    if (size > sizeof(buffer) / 4)
        return 0;

    struct writer w = writer_over(buffer, sizeof(buffer));
    rewrite(&w, &sdp);
    require(writer_ok(&w));
    require(sdp_parse(text_from_bytes(writer_bytes(&w)), &again, NULL) == SDP_OK);
    require(same_session(&sdp, &again));
    return 0;
}
