/* SPDX-License-Identifier: Apache-2.0 */
#include "net/outside.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#include "base/random.h"
#include "mediaferry/stun.h"
#include "net/address_class.h"
#include "net/resolve.h"
#include "net/udp_socket.h"

enum { FIRST_RETRY_MS = 500, SERVER_ADDRESSES = 8, ANSWER_SIZE = 1500 };

/* One question under way. */
struct asking {
    struct outside_question *question;
    struct address server; /* family NONE until its name is known */
    uint8_t id[STUN_ID_SIZE];
    int fd; /* -1: none */
    uint64_t next_ms;
    uint64_t retry_ms;
    bool is_over;
};

__attribute__((format(printf, 2, 3))) static void blame(
    struct outside_question *question, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(question->problem, sizeof(question->problem), format, arguments);
    va_end(arguments);
}

/* --- the server --------------------------------------------------------------------------------
 */

struct server_name {
    struct address address; /* family NONE: `host` is a name */
    struct text host;
    uint16_t port;
};

static bool read_server(struct text text, struct server_name *out)
{
    *out = (struct server_name){.host = text, .port = OUTSIDE_STUN_PORT};
    if (address_parse_with_port(text, OUTSIDE_STUN_PORT, &out->address))
        return out->address.port != 0;

    uint64_t port = OUTSIDE_STUN_PORT;
    out->address = (struct address){.family = ADDRESS_NONE};
    struct text rest = text;
    out->host = text_cut(&rest, ':');
    if (out->host.len < text.len && (!text_to_u64(rest, UINT16_MAX, &port) || port == 0))
        return false;
    out->port = (uint16_t)port;
    return out->host.len > 0 && memchr(out->host.data, '[', out->host.len) == NULL;
}

bool outside_is_server(struct text server)
{
    struct server_name name;
    return read_server(server, &name);
}

static void look_up(struct asking *a)
{
    struct server_name name;
    struct address found[SERVER_ADDRESSES];
    size_t count = 1;
    if (!read_server(a->question->server, &name)) {
        blame(a->question, "is not HOST[:PORT]");
        return;
    }
    if (name.address.family != ADDRESS_NONE)
        found[0] = name.address;
    else
        count = resolve_host(name.host, found, SERVER_ADDRESSES);
    for (size_t i = 0; i < count && a->server.family == ADDRESS_NONE; i++)
        if (found[i].family == a->question->bind.family)
            a->server = found[i];
    a->server.port = name.address.family != ADDRESS_NONE ? name.address.port : name.port;
    if (count == 0)
        blame(a->question, "is not known by that name");
    else if (a->server.family == ADDRESS_NONE)
        blame(a->question, "has no address of the family of the one to ask for");
}

/* --- one exchange ------------------------------------------------------------------------------
 */

static void start(struct asking *a)
{
    struct udp_socket_config socket = {.bind = a->question->bind};
    socket.bind.port = 0;
    random_bytes(a->id, sizeof(a->id));
    a->retry_ms = FIRST_RETRY_MS;
    int error = udp_socket_open(&socket, &a->fd);
    if (error == 0)
        return;
    a->fd = -1;
    a->is_over = true;
    blame(a->question, "cannot be asked from there: %s", uv_strerror(error));
}

/* A network that is not there yet is as a packet that is lost: the next try may do. */
static void send_request(struct asking *a, uint64_t now_ms)
{
    uint8_t buffer[STUN_HEADER_SIZE];
    struct writer w = writer_over(buffer, sizeof(buffer));
    a->next_ms = now_ms + a->retry_ms;
    a->retry_ms *= 2;
    if (a->server.family == ADDRESS_NONE)
        look_up(a);
    if (a->server.family == ADDRESS_NONE)
        return;
    stun_begin(&w, stun_type(STUN_BINDING, STUN_REQUEST), bytes_of(a->id, sizeof(a->id)));
    int error = udp_socket_send(a->fd, writer_bytes(&w), NULL, &a->server);
    if (error != 0)
        blame(a->question, "cannot be reached: %s", uv_strerror(error));
    else
        blame(a->question, "does not answer");
}

static bool read_mapped(const struct stun_message *m, struct address *out)
{
    struct bytes value;
    if (stun_find(m, STUN_XOR_MAPPED_ADDRESS, &value))
        return stun_read_xor_address(m, value, out);
    return stun_find(m, STUN_MAPPED_ADDRESS, &value) && stun_read_address(value, out);
}

static void read_success(struct asking *a, const struct stun_message *m)
{
    static const uint16_t known[] = {STUN_XOR_MAPPED_ADDRESS, STUN_MAPPED_ADDRESS};
    uint16_t unknown[1];
    struct address seen;
    if (stun_unknown_required(m, known, COUNT_OF(known), unknown, COUNT_OF(unknown)) > 0) {
        blame(a->question, "answers what is not understood"); /* section 6.3.3 */
        return;
    }
    if (!read_mapped(m, &seen) || seen.family != a->question->bind.family ||
        address_is_unspecified(&seen) || address_classify(&seen) == ADDRESS_CLASS_MULTICAST) {
        blame(a->question, "answers without an address");
        return;
    }
    seen.port = 0;
    a->question->seen = seen;
}

static void read_error(struct asking *a, const struct stun_message *m)
{
    struct bytes value;
    struct text reason;
    unsigned code = 0;
    if (stun_find(m, STUN_ERROR_CODE, &value) && stun_read_error(value, &code, &reason))
        blame(a->question, "refuses with %u", code);
    else
        blame(a->question, "refuses");
}

/* Only what comes from the server and names the request counts. */
static void read_answer(struct asking *a, const struct udp_datagram *datagram)
{
    struct stun_message m;
    if (datagram->truncated || !address_equal(&datagram->remote, &a->server) ||
        stun_parse(datagram->bytes, &m) != STUN_OK ||
        !bytes_equal(m.id, bytes_of(a->id, sizeof(a->id))) ||
        stun_method_of(m.type) != STUN_BINDING)
        return;
    enum stun_class class = stun_class_of(m.type);
    a->is_over = class == STUN_SUCCESS || class == STUN_ERROR;
    if (class == STUN_SUCCESS)
        read_success(a, &m);
    else if (class == STUN_ERROR)
        read_error(a, &m);
}

static void receive(struct asking *a)
{
    uint8_t buffer[ANSWER_SIZE];
    struct udp_datagram datagram;
    while (!a->is_over && udp_socket_receive(a->fd, buffer, sizeof(buffer), &datagram) == 0)
        read_answer(a, &datagram);
}

/* --- all of them -------------------------------------------------------------------------------
 */

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

/* Sends what is due; returns until when there is nothing to do, `end_ms` at the latest; 0 when all
 * are over. */
static uint64_t send_due(struct asking *list, size_t count, uint64_t end_ms)
{
    uint64_t next_ms = 0;
    for (size_t i = 0; i < count; i++) {
        struct asking *a = &list[i];
        if (!a->is_over && a->next_ms <= now_ms())
            send_request(a, now_ms());
        if (!a->is_over && (next_ms == 0 || a->next_ms < next_ms))
            next_ms = a->next_ms;
    }
    return next_ms < end_ms ? next_ms : end_ms;
}

static void exchange(struct asking *list, struct pollfd *polled, size_t count, unsigned wait_ms)
{
    uint64_t end_ms = now_ms() + wait_ms;
    uint64_t until_ms;
    while ((until_ms = send_due(list, count, end_ms)) != 0 && now_ms() < end_ms) {
        for (size_t i = 0; i < count; i++)
            polled[i] = (struct pollfd){.fd = list[i].is_over ? -1 : list[i].fd, .events = POLLIN};
        uint64_t before_ms = now_ms();
        int left_ms = until_ms > before_ms ? (int)(until_ms - before_ms) : 0;
        if (poll(polled, count, left_ms) < 0 && errno != EINTR)
            return;
        for (size_t i = 0; i < count; i++)
            if (polled[i].fd >= 0 && polled[i].revents != 0)
                receive(&list[i]);
    }
}

size_t outside_ask(struct outside_question *questions, size_t count, unsigned wait_ms)
{
    size_t answered = 0;
    struct asking *list = calloc(count + 1, sizeof(*list));
    struct pollfd *polled = calloc(count + 1, sizeof(*polled));
    bool has_memory = list != NULL && polled != NULL;
    for (size_t i = 0; i < count; i++) {
        questions[i].seen = (struct address){.family = ADDRESS_NONE};
        blame(&questions[i], "is not asked: out of memory");
        if (has_memory) {
            list[i].question = &questions[i];
            start(&list[i]);
        }
    }
    if (has_memory)
        exchange(list, polled, count, wait_ms);
    for (size_t i = 0; i < count; i++) {
        if (has_memory && list[i].fd >= 0)
            close(list[i].fd);
        answered += questions[i].seen.family != ADDRESS_NONE;
    }
    free(list);
    free(polled);
    return answered;
}
