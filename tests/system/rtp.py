# SPDX-License-Identifier: Apache-2.0
"""RTP and RTCP packets, and the sockets of a phone."""
import socket
import struct


def packet(seq, ssrc=0x11223344, pt=0, timestamp=None, payload=b"\xd5" * 160, marker=False, extension=b""):
    first = 0x90 if extension else 0x80
    timestamp = seq * 160 if timestamp is None else timestamp
    head = struct.pack("!BBHII", first, (0x80 if marker else 0) | pt, seq & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)
    return head + extension + payload


def extension_one_byte(elements):
    """Header extension of RFC 8285, one-byte form, from {id: value}."""
    body = b"".join(bytes([(i << 4) | (len(v) - 1)]) + v for i, v in elements.items())
    body += bytes(-len(body) % 4)
    return struct.pack("!HH", 0xBEDE, len(body) // 4) + body


def parse(data):
    first, second, seq, timestamp, ssrc = struct.unpack("!BBHII", data[:12])
    offset = 12 + 4 * (first & 0x0F)
    if first & 0x10:
        offset += 4 + 4 * struct.unpack("!H", data[offset + 2:offset + 4])[0]
    return {"pt": second & 0x7F, "marker": bool(second & 0x80), "seq": seq, "timestamp": timestamp,
            "ssrc": ssrc, "has_extension": bool(first & 0x10), "payload": data[offset:]}


def sender_report(ssrc, ntp=0x1234567890ABCDEF, reports=()):
    blocks = b"".join(reports)
    body = struct.pack("!IQIII", ssrc, ntp, 160, 1, 160) + blocks
    return struct.pack("!BBH", 0x80 | len(reports), 200, len(body) // 4) + body


def receiver_report(ssrc, reports=()):
    body = struct.pack("!I", ssrc) + b"".join(reports)
    return struct.pack("!BBH", 0x80 | len(reports), 201, len(body) // 4) + body


def report_block(ssrc, fraction=0, lost=0, highest=0, jitter=0, lsr=0, dlsr=0):
    return struct.pack("!IIIIII", ssrc, (fraction << 24) | (lost & 0xFFFFFF), highest, jitter, lsr, dlsr)


def picture_loss(sender, media):
    return struct.pack("!BBHII", 0x81, 206, 2, sender, media)


def generic_nack(sender, media, lost):
    return struct.pack("!BBHIIHH", 0x81, 205, 3, sender, media, lost, 0)


def rtcp_types(compound):
    """Packet types of a compound, in order."""
    types, at = [], 0
    while at < len(compound):
        kind, words = struct.unpack("!BH", compound[at + 1:at + 4])
        types.append(kind)
        at += 4 + 4 * words
    return types


class Phone:
    """A plain RTP endpoint: an even RTP port and the next one for RTCP."""

    def __init__(self, host="127.0.0.1"):
        self.host = host
        self.family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.rtp, self.rtcp = self._bind_pair()
        self.port = self.rtp.getsockname()[1]

    def _bind_pair(self):
        for port in range(10000, 20000, 2):
            pair = [socket.socket(self.family, socket.SOCK_DGRAM) for _ in range(2)]
            try:
                for offset, one in enumerate(pair):
                    one.bind((self.host, port + offset))
                    one.settimeout(3)
                return pair
            except OSError:
                for one in pair:
                    one.close()
        raise RuntimeError("no free pair of ports")

    def close(self):
        self.rtp.close()
        self.rtcp.close()

    def sdp(self, formats="0 8 101", protocol="RTP/AVP", attributes=(), address=None, media="audio"):
        address = address or self.host
        kind = "IP6" if ":" in address else "IP4"
        lines = ["v=0", f"o=- 1 1 IN {kind} {address}", "s=-", f"c=IN {kind} {address}", "t=0 0",
                 f"m={media} {self.port} {protocol} {formats}"]
        if "101" in formats.split():
            lines += ["a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15"]
        return "\r\n".join([*lines, *attributes, ""])

    def send(self, to, data):
        self.rtp.sendto(data, to)

    def receive(self, timeout=3):
        self.rtp.settimeout(timeout)
        return self.rtp.recvfrom(4096)

    def hears_nothing(self, seconds=0.3):
        try:
            self.receive(seconds)
            return False
        except TimeoutError:
            return True


def media_address(sdp, index=0):
    """Where the m= section of the SDP wants its RTP: (address, port)."""
    address, found = None, []
    for line in sdp.splitlines():
        if line.startswith("c="):
            address = line.split()[2]
            if found:
                found[-1] = (address, found[-1][1])
        elif line.startswith("m="):
            found.append((address, int(line.split()[1])))
    return found[index]


def attribute(sdp, name, index=0):
    """Values of the attribute in the SDP: the index-th, or None."""
    values = [line[2:].partition(":")[2] for line in sdp.splitlines()
              if line.startswith("a=") and line[2:].partition(":")[0] == name]
    return values[index] if index < len(values) else None
