# SPDX-License-Identifier: Apache-2.0
"""A TURN client whose allocation outlives the node, and its peer: a call in the sense of fleet_calls.py."""
import queue
import socket
import struct

import turn_message as m
from fleet_network import PHONE, PLACES
from fleet_node import TURN
from fleet_sides import MAGIC, Side
from turn import TurnClient

CHANNEL = 0x4000


class _SharedUdp:
    """The transport of a TURN client whose socket somebody else reads."""
    name, reliable = "udp", False

    def __init__(self, server):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((PHONE, 0))
        self.socket.settimeout(3)
        self.server, self.answers, self.is_shared = server, queue.Queue(), False

    def send(self, data):
        self.socket.sendto(data, self.server)

    def receive(self, timeout=3.0):
        try:
            return self.answers.get(timeout=timeout) if self.is_shared else self.socket.recv(2048)
        except (queue.Empty, OSError):
            return None

    def close(self):
        self.socket.close()


class _End(Side):
    """Numbered payloads over a socket, without RTP around them. It hears no reports."""

    def __init__(self, sock):
        super().__init__(PHONE)
        self.socket = sock

    def sockets(self):
        return [self.socket]

    def close(self):
        super().close()
        self.socket.close()

    def speak(self, now):
        self.say(struct.pack("!II", self.ssrc, next(self.spoken)) + MAGIC)

    def say(self, payload):
        self._send(self.socket, payload, self.to)

    def hear(self, data, source, now):
        if source != self.to:
            self.faults.append(f"from {source}, not {self.to}")
        else:
            self.hear_payload(data, now)


class _ClientEnd(_End):
    def __init__(self, transport):
        super().__init__(transport.socket)
        self.transport, self.to = transport, transport.server

    def say(self, payload):
        super().say(m.channel_data(CHANNEL, payload))

    def hear(self, data, source, now):
        if data[0] < 4:
            self.transport.answers.put(data)
            return
        number, length = struct.unpack("!HH", data[:4])
        if number != CHANNEL or length != len(data) - 4:
            self.faults.append(f"channel {number:#x} with {length} of {len(data) - 4} bytes")
        else:
            super().hear(data[4:], source, now)


class Allocation:
    """What Talk wants of a call."""

    def __init__(self, net, name, place=1):
        self.name, self.kind = name, "turn"
        with net.inside("phone"):
            self.transport = _SharedUdp((PLACES[place][0], TURN))
            peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            peer.bind((PHONE, 0))
            self.sides = [_ClientEnd(self.transport), _End(peer)]
        self.outside, self.inside = self.sides
        self.client, self.peer = TurnClient(self.transport), peer.getsockname()
        self.outside.hears, self.inside.hears = self.inside.ssrc, self.outside.ssrc
        try:
            self.client.allocated()
            self.inside.to = self.client.relayed
            assert self.client.bind(CHANNEL, self.peer).ok()
        except BaseException:
            self.close()
            raise
        self.transport.is_shared = True

    def close(self):
        for side in self.sides:
            side.close()

    def faults(self):
        return [f"{self.name}: {who} hears {fault}" for who, side in (("client", self.outside), ("peer", self.inside))
                for fault in side.faults[:5]]

    def delete(self, _ng=None):
        for side in self.sides:
            side.is_over = True
        assert self.client.refresh(0).ok()
