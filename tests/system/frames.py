# SPDX-License-Identifier: Apache-2.0
"""Ethernet frames of UDP, byte for byte, and a raw socket to send them: what no UDP socket would send."""
import socket
import struct

IP4, IP6, UDP = 0x0800, 0x86DD, 17


def checksum(data):
    """The Internet checksum (RFC 1071)."""
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def _packed(host):
    return socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)


def udp(source, to, payload, sum_by=None, length=None):
    """A UDP datagram between (host, port)s. `sum_by` makes another checksum of the right one."""
    length = 8 + len(payload) if length is None else length
    head = struct.pack("!HHHH", source[1], to[1], length, 0)
    pseudo = _packed(source[0]) + _packed(to[0]) + struct.pack("!IBBBB", 8 + len(payload), 0, 0, 0, UDP)
    right = checksum(pseudo + head + payload) or 0xFFFF
    return head[:6] + struct.pack("!H", sum_by(right) if sum_by else right) + payload


def ip4(source, to, payload, options=b"", fragment=0, ttl=64, tos=0, total=None, sum_by=None, protocol=UDP, version=4):
    words = 5 + len(options) // 4
    total = 4 * words + len(payload) if total is None else total
    head = struct.pack("!BBHHHBBH", version << 4 | words, tos, total, 7, fragment, ttl, protocol, 0)
    head += _packed(source[0]) + _packed(to[0]) + options
    right = checksum(head)
    return head[:10] + struct.pack("!H", sum_by(right) if sum_by else right) + head[12:] + payload


def ip6(source, to, payload, next_header=UDP, length=None, extension=b""):
    length = len(extension) + len(payload) if length is None else length
    head = struct.pack("!IHBB", 6 << 28, length, next_header, 64)
    return head + _packed(source[0]) + _packed(to[0]) + extension + payload


def ethernet(to, source, kind, payload, tag=b"", padding=b""):
    return to + source + tag + struct.pack("!H", kind) + payload + padding


class Wire:
    """The end of a cable: eth0 of the namespace it is made in."""

    def __init__(self, to, device="eth0"):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.bind((device, 0))
        self.own, self.to = self.socket.getsockname()[4], to

    def send(self, kind, packet, **keys):
        self.socket.send(ethernet(self.to, self.own, kind, packet, **keys))

    def send_raw(self, frame):
        self.socket.send(frame)

    def close(self):
        self.socket.close()
