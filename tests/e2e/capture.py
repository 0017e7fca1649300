# SPDX-License-Identifier: Apache-2.0
"""Every UDP datagram of an interface, as it passes, without an outside program.

A machine does not see the frames that it takes or sends by AF_XDP: look at the other end of the cable.
"""

import socket
import struct
import threading
import time
from dataclasses import dataclass

ETH_P_ALL = 3
ETHERTYPE_IPV4 = 0x0800
PROTOCOL_UDP = 17
PACKET_OUTGOING = 4


@dataclass(frozen=True)
class Datagram:
    at: float
    source: tuple
    target: tuple
    size: int  # of the UDP payload, also when only its first fragment was caught
    payload: bytes

    @property
    def is_rtp(self):
        return self.size >= 12 and self.payload[0] >> 6 == 2 and not self.is_rtcp

    @property
    def is_rtcp(self):
        return self.size >= 8 and self.payload[0] >> 6 == 2 and 192 <= self.payload[1] <= 223

    @property
    def is_sip(self):
        return b"SIP/2.0" in self.payload.split(b"\r\n", 1)[0]


def _parse(frame, now):
    """The datagram in an Ethernet frame; None if it holds no (first fragment of a) datagram."""
    if len(frame) < 42 or struct.unpack_from("!H", frame, 12)[0] != ETHERTYPE_IPV4:
        return None
    header = (frame[14] & 15) * 4
    offset = struct.unpack_from("!H", frame, 20)[0] & 0x1FFF
    if frame[23] != PROTOCOL_UDP or offset != 0:
        return None
    udp = 14 + header
    source_port, target_port, length = struct.unpack_from("!HHH", frame, udp)
    return Datagram(
        at=now,
        source=(socket.inet_ntoa(frame[26:30]), source_port),
        target=(socket.inet_ntoa(frame[30:34]), target_port),
        size=length - 8,
        payload=frame[udp + 8:udp + length])


class Capture:
    """Collects from its making until stop()."""

    def __init__(self, namespace, *interfaces):
        self.datagrams = []
        self.interfaces = interfaces
        self.socket = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        if len(interfaces) == 1:
            self.socket.bind((interfaces[0], ETH_P_ALL))
        self.socket.settimeout(0.2)
        self.stopped = False
        self.thread = threading.Thread(target=self._collect, daemon=True)
        self.thread.start()

    def _collect(self):
        while not self.stopped:
            try:
                frame, address = self.socket.recvfrom(65600)
            except TimeoutError:
                continue
            interface, _, kind = address[:3]
            # The loopback interface shows each packet going out and coming in.
            if interface not in self.interfaces or (interface == "lo" and kind == PACKET_OUTGOING):
                continue
            datagram = _parse(frame, time.monotonic())
            if datagram:
                self.datagrams.append(datagram)

    def since(self, start):
        return [d for d in self.datagrams if d.at >= start]

    def forget(self):
        self.datagrams.clear()

    def stop(self):
        self.stopped = True
        self.thread.join()
        self.socket.close()
