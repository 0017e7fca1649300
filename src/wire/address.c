/* SPDX-License-Identifier: Apache-2.0 */
#include "mediaferry/address.h"

#include <arpa/inet.h>
#include <stdio.h>

bool address_parse(struct text literal, struct address *out)
{
    char string[INET6_ADDRSTRLEN];
    struct address a = {.family = ADDRESS_NONE};

    if (literal.len == 0 || literal.len >= sizeof(string))
        return false;
    memcpy(string, literal.data, literal.len);
    string[literal.len] = '\0';
    if (strlen(string) != literal.len)
        return false;

    if (inet_pton(AF_INET, string, a.ip) == 1)
        a.family = ADDRESS_IP4;
    else if (inet_pton(AF_INET6, string, a.ip) == 1)
        a.family = ADDRESS_IP6;
    else
        return false;
    *out = a;
    return true;
}

/* Splits "[ip]:port" or "ip:port"; a bare IPv6 literal has more than one colon and no port. */
static struct text split_port(struct text *literal)
{
    struct text rest = *literal;
    if (rest.len > 0 && rest.data[0] == '[') {
        rest = text_skip(rest, 1);
        *literal = text_cut(&rest, ']');
        return rest.len > 0 && rest.data[0] == ':' ? text_skip(rest, 1) : rest;
    }
    struct text ip = text_cut(&rest, ':');
    if (rest.len > 0 && memchr(rest.data, ':', rest.len) != NULL)
        return text_of(NULL, 0);
    *literal = ip;
    return rest;
}

bool address_parse_with_port(struct text literal, uint16_t default_port, struct address *out)
{
    struct text ip = literal;
    struct text port = split_port(&ip);
    uint64_t number = default_port;
    struct address a;

    if (port.len > 0 && !text_to_u64(port, UINT16_MAX, &number))
        return false;
    if (!address_parse(ip, &a))
        return false;
    a.port = (uint16_t)number;
    *out = a;
    return true;
}

const char *address_ip_text(const struct address *a, char out[ADDRESS_TEXT_SIZE])
{
    int family = a->family == ADDRESS_IP6 ? AF_INET6 : AF_INET;
    if (a->family == ADDRESS_NONE || inet_ntop(family, a->ip, out, ADDRESS_TEXT_SIZE) == NULL)
        snprintf(out, ADDRESS_TEXT_SIZE, "-");
    return out;
}

const char *address_text(const struct address *a, char out[ADDRESS_TEXT_SIZE])
{
    char ip[ADDRESS_TEXT_SIZE];
    const char *form = a->family == ADDRESS_IP6 ? "[%.45s]:%u" : "%.45s:%u";
    snprintf(out, ADDRESS_TEXT_SIZE, form, address_ip_text(a, ip), a->port);
    return out;
}

bool address_is_unspecified(const struct address *a)
{
    static const uint8_t zeros[16];
    return memcmp(a->ip, zeros, sizeof(zeros)) == 0;
}

static uint64_t mix(uint64_t h)
{
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    return h ^ (h >> 31);
}

uint64_t address_hash(const struct address *a, uint64_t seed)
{
    uint64_t halves[2];
    memcpy(halves, a->ip, sizeof(halves));
    uint64_t h = mix(seed ^ halves[0]);
    h = mix(h ^ halves[1]);
    return mix(h ^ ((uint64_t)a->family << 16 | a->port));
}
