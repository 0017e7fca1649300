# SPDX-License-Identifier: Apache-2.0
"""What one end of a plain RTP leg received: sound and gaps."""

import struct
from dataclasses import dataclass

from . import tones


@dataclass(frozen=True)
class RtpPacket:
    at: float
    target: tuple
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    has_extension: bool
    payload: bytes


def parse(datagram):
    data = datagram.payload
    first, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", data)
    start = 12 + 4 * (first & 15)
    if first & 0x10:
        start += 4 + 4 * struct.unpack_from("!H", data, start + 2)[0]
    return RtpPacket(datagram.at, datagram.target, second & 127, sequence, timestamp, ssrc,
                     bool(first & 0x10), data[start:])


def received(datagrams, address):
    """The RTP packets among `datagrams` that went to `address`, in order of arrival."""
    return [parse(d) for d in datagrams if d.target[0] == address and d.is_rtp]


def sound(packets):
    """The samples of the G.711 packets."""
    samples = []
    for packet in packets:
        if packet.payload_type in tones.DECODERS:
            samples += tones.decode(packet.payload_type, packet.payload)
    return samples


def lost(packets):
    """Sequence numbers missing within each stream (RFC 3550, section 6.4.1)."""
    missing = 0
    for stream in {(p.target, p.ssrc) for p in packets}:
        numbers = [p.sequence for p in packets if (p.target, p.ssrc) == stream]
        span = ((numbers[-1] - numbers[0]) & 0xFFFF) + 1
        missing += span - len(set(numbers))
    return missing
