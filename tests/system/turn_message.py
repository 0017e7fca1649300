# SPDX-License-Identifier: Apache-2.0
"""STUN and TURN messages for tests: built in any shape, also broken ones, and taken apart in order."""
import hashlib
import hmac
import ipaddress
import os
import struct
import zlib

COOKIE = 0x2112A442
MAGIC = struct.pack("!I", COOKIE)

# Methods
BINDING, ALLOCATE, REFRESH, SEND, DATA, CREATE_PERMISSION, CHANNEL_BIND = 1, 3, 4, 6, 7, 8, 9
CONNECT, CONNECTION_BIND, CONNECTION_ATTEMPT = 0xA, 0xB, 0xC
# Classes
REQUEST, INDICATION, SUCCESS, ERROR = 0x000, 0x010, 0x100, 0x110
# Attributes
MAPPED_ADDRESS, CHANGE_REQUEST, USERNAME, MESSAGE_INTEGRITY, ERROR_CODE = 0x01, 0x03, 0x06, 0x08, 0x09
UNKNOWN_ATTRIBUTES, CHANNEL_NUMBER, LIFETIME, XOR_PEER, DATA_VALUE = 0x0A, 0x0C, 0x0D, 0x12, 0x13
REALM, NONCE, XOR_RELAYED, REQUESTED_FAMILY, EVEN_PORT = 0x14, 0x15, 0x16, 0x17, 0x18
REQUESTED_TRANSPORT, DONT_FRAGMENT, ACCESS_TOKEN, INTEGRITY_SHA256 = 0x19, 0x1A, 0x1B, 0x1C
PASSWORD_ALGORITHM, USERHASH, XOR_MAPPED, RESERVATION_TOKEN = 0x1D, 0x1E, 0x20, 0x22
PADDING, RESPONSE_PORT, CONNECTION_ID = 0x26, 0x27, 0x2A
ADDITIONAL_FAMILY, ADDRESS_ERROR_CODE, PASSWORD_ALGORITHMS, ICMP = 0x8000, 0x8001, 0x8002, 0x8004
SOFTWARE, ALTERNATE_SERVER, FINGERPRINT = 0x8022, 0x8023, 0x8028
RESPONSE_ORIGIN, OTHER_ADDRESS, THIRD_PARTY, ORIGIN, MOBILITY_TICKET = 0x802B, 0x802C, 0x802E, 0x802F, 0x8030

MD5, SHA256 = 1, 2  # password algorithms (RFC 8489, 18.5)
IPV4, IPV6 = 1, 2
UDP, TCP = 17, 6


def u32(value):
    return struct.pack("!I", value)


def family(value):
    """The value of REQUESTED-ADDRESS-FAMILY and its like."""
    return bytes([value, 0, 0, 0])


def transport(protocol):
    return bytes([protocol, 0, 0, 0])


def channel_number(number):
    return struct.pack("!HH", number, 0)


def xor_address(address, transaction):
    ip, port = ipaddress.ip_address(address[0]), address[1]
    mask = MAGIC + transaction
    packed = bytes(a ^ b for a, b in zip(ip.packed, mask))
    return struct.pack("!BBH", 0, IPV4 if ip.version == 4 else IPV6, port ^ (COOKIE >> 16)) + packed


def address_of(value, transaction=None):
    """(ip, port) of a MAPPED-ADDRESS, or of an XORed one when the transaction is given."""
    size = {IPV4: 4, IPV6: 16}[value[1]]
    assert len(value) == 4 + size
    port, packed = struct.unpack("!H", value[2:4])[0], value[4:]
    if transaction is not None:
        port ^= COOKIE >> 16
        packed = bytes(a ^ b for a, b in zip(packed, MAGIC + transaction))
    return str(ipaddress.ip_address(packed)), port


def long_term_key(user, realm, password, algorithm=MD5):
    digest = hashlib.md5 if algorithm == MD5 else hashlib.sha256
    return digest(f"{user}:{realm}:{password}".encode()).digest()


def userhash(user, realm):
    return hashlib.sha256(f"{user}:{realm}".encode()).digest()


def algorithms(*names):
    """The value of PASSWORD-ALGORITHMS, or of PASSWORD-ALGORITHM with one name."""
    return b"".join(struct.pack("!HH", name, 0) for name in names)


def attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def method_type(method, kind):
    return (method & 0xF) | (method & 0x70) << 1 | (method & 0xF80) << 2 | kind


class Draft:
    """A message being written; every step may be left out or done twice, to make wrong ones."""

    def __init__(self, method, kind=REQUEST, transaction=None, attributes=()):
        self.type = method_type(method, kind)
        self.transaction = transaction or os.urandom(12)
        self.body = b""
        for name, value in attributes:
            self.add(name, value)

    def add(self, name, value=b""):
        self.body += attribute(name, value)
        return self

    def peer(self, address, name=XOR_PEER):
        return self.add(name, xor_address(address, self.transaction))

    def head(self, more=0):
        return struct.pack("!HHI", self.type, len(self.body) + more, COOKIE) + self.transaction

    def sign(self, key):
        return self.add(MESSAGE_INTEGRITY, hmac.digest(key, self.head(24) + self.body, "sha1"))

    def sign_sha256(self, key, size=32):
        mac = hmac.digest(key, self.head(4 + size) + self.body, "sha256")
        return self.add(INTEGRITY_SHA256, mac[:size])

    def fingerprint(self):
        return self.add(FINGERPRINT, u32(zlib.crc32(self.head(8) + self.body) ^ 0x5354554E))

    def bytes(self):
        return self.head() + self.body


class Message:
    """A received message; wrong form of any kind fails the test."""

    def __init__(self, data):
        self.data = data
        self.type, length, cookie = struct.unpack("!HHI", data[:8])
        assert cookie == COOKIE and len(data) == 20 + length and self.type < 0x4000, data.hex()
        self.kind = self.type & 0x110
        self.method = (self.type & 0xF) | (self.type & 0xE0) >> 1 | (self.type & 0x3E00) >> 2
        self.transaction = data[8:20]
        self.attributes, at = [], 20
        while at < len(data):
            name, size = struct.unpack("!HH", data[at:at + 4])
            padded = data[at + 4 + size:at + 4 + size + (-size % 4)]
            assert not any(padded), "padding is sent as zeros (RFC 8489, 14)"
            self.attributes.append((name, data[at + 4:at + 4 + size]))
            at += 4 + size + len(padded)
        assert at == len(data)

    def __repr__(self):
        names = [f"{name:04x}" for name, _ in self.attributes]
        return f"<{self.method}/{self.kind:#05x} {self.code if self.kind == ERROR else ''} {names}>"

    def get(self, name):
        return next((value for key, value in self.attributes if key == name), None)

    def __contains__(self, name):
        return self.get(name) is not None

    def addresses(self, name):
        return [address_of(value, self.transaction) for key, value in self.attributes if key == name]

    def address(self, name):
        found = self.addresses(name)
        assert found, f"no attribute {name:#06x} in {self!r}"
        return found[0]

    def number(self, name):
        return struct.unpack("!I", self.get(name))[0]

    @property
    def code(self):
        value = self.get(ERROR_CODE)
        return value[2] * 100 + value[3]

    def ok(self):
        return self.kind == SUCCESS

    def _until(self, name):
        """The message up to an integrity attribute, its length as it was when that was computed."""
        at = 20
        for key, value in self.attributes:
            size = 4 + len(value) + (-len(value) % 4)
            if key == name:
                return self.data[:2] + struct.pack("!H", at + size - 20) + self.data[4:at], value
            at += size
        return None, None

    def signed_by(self, key):
        text, mac = self._until(MESSAGE_INTEGRITY)
        return text is not None and mac == hmac.digest(key, text, "sha1")

    def signed_sha256_by(self, key):
        text, mac = self._until(INTEGRITY_SHA256)
        return text is not None and len(mac) == 32 and mac == hmac.digest(key, text, "sha256")

    def fingerprint_right(self):
        text, crc = self._until(FINGERPRINT)
        return text is not None and self.data.endswith(crc) and crc == u32(zlib.crc32(text) ^ 0x5354554E)


def channel_data(number, payload, padded=False):
    frame = struct.pack("!HH", number, len(payload)) + payload
    return frame + bytes(-len(frame) % 4) if padded else frame
