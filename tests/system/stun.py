# SPDX-License-Identifier: Apache-2.0
"""STUN messages (RFC 8489), enough of them to be a client of the public service and of ICE checks."""
import hashlib
import hmac
import os
import socket
import struct
import zlib

COOKIE = 0x2112A442
BINDING_REQUEST, BINDING_SUCCESS, BINDING_ERROR = 0x0001, 0x0101, 0x0111
USERNAME, INTEGRITY, ERROR_CODE, UNKNOWN_ATTRIBUTES = 0x0006, 0x0008, 0x0009, 0x000A
XOR_MAPPED, PRIORITY, USE_CANDIDATE, FINGERPRINT = 0x0020, 0x0024, 0x0025, 0x8028
ICE_CONTROLLED, ICE_CONTROLLING = 0x8029, 0x802A


def _attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def message(kind=BINDING_REQUEST, attributes=(), transaction=None, password=None, fingerprint=False):
    body = b"".join(_attribute(k, v) for k, v in attributes)
    transaction = transaction or os.urandom(12)

    def head(extra):
        return struct.pack("!HHI", kind, len(body) + extra, COOKIE) + transaction

    if password is not None:
        mac = hmac.new(password.encode(), head(24) + body, hashlib.sha1).digest()
        body += _attribute(INTEGRITY, mac)
    if fingerprint:
        crc = zlib.crc32(head(8) + body) ^ 0x5354554E
        body += _attribute(FINGERPRINT, struct.pack("!I", crc))
    return head(0) + body


def check(ufrag, password, own="me", controlling=True, nominate=True):
    """A connectivity check as a browser sends it."""
    role = ICE_CONTROLLING if controlling else ICE_CONTROLLED
    attributes = [(USERNAME, f"{ufrag}:{own}".encode()), (PRIORITY, struct.pack("!I", 1853824767)),
                  (role, os.urandom(8))]
    if nominate:
        attributes.append((USE_CANDIDATE, b""))
    return message(attributes=attributes, password=password, fingerprint=True)


def parse(data):
    kind, length, cookie = struct.unpack("!HHI", data[:8])
    assert cookie == COOKIE and len(data) == 20 + length
    attributes, at = {}, 20
    while at < len(data):
        name, size = struct.unpack("!HH", data[at:at + 4])
        attributes[name] = data[at + 4:at + 4 + size]
        at += 4 + size + (-size % 4)
    return kind, data[8:20], attributes


def mapped_address(attributes):
    value = attributes[XOR_MAPPED]
    port = struct.unpack("!H", value[2:4])[0] ^ (COOKIE >> 16)
    assert value[1] == 1
    return socket.inet_ntoa(struct.pack("!I", struct.unpack("!I", value[4:8])[0] ^ COOKIE)), port


def error_code(attributes):
    return attributes[ERROR_CODE][2] * 100 + attributes[ERROR_CODE][3]


def signed_with(data, password):
    """Whether MESSAGE-INTEGRITY is there and right."""
    at = 20
    while at + 4 <= len(data):
        kind, size = struct.unpack("!HH", data[at:at + 4])
        if kind == INTEGRITY:
            signed = data[:2] + struct.pack("!H", at + 24 - 20) + data[4:at]
            return hmac.new(password.encode(), signed, hashlib.sha1).digest() == data[at + 4:at + 24]
        at += 4 + size + (-size % 4)
    return False
