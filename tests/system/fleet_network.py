# SPDX-License-Identifier: Apache-2.0
"""A network of namespaces for nodes that share their calls. Needs root.

    redis --+            +-- a --+            +-- phone  (outside, 10.96.1.200)
            +-- control--+       +-- media ---+
    proxy --+            +-- b --+            +-- pbx    (inside, 10.96.2.200)

Each node has addresses of its own, and places of calls that move: place 1 is 10.96.1.101 outside, 10.96.2.101 inside
and fd96::101 on both sides, place 2 likewise. A place is at one node, or nowhere, as with VRRP.
"""
import contextlib
import os
import socket
import struct
import subprocess
import time

import turn_network
from turn_network import ip

REDIS, PROXY = "10.96.0.10", "10.96.0.20"
PHONE, PBX = "10.96.1.200", "10.96.2.200"
CONTROL = {"a": "10.96.0.1", "b": "10.96.0.2"}
PHONE6, PBX6 = "fd96::200", "fd96::201"
PLACES = {1: ("10.96.1.101", "10.96.2.101"), 2: ("10.96.1.102", "10.96.2.102")}
PLACES6 = {1: "fd96::101", 2: "fd96::102"}
OUTSIDE = {"a": "10.96.1.1", "b": "10.96.1.2"}
ALL = "10.96.0.0/16"
# What each has on the control network (eth0) and on that of media (eth1).
SPACES = {
    "a": ([CONTROL["a"]], [OUTSIDE["a"], "10.96.2.1", "fd96::1"]),
    "b": ([CONTROL["b"]], [OUTSIDE["b"], "10.96.2.2", "fd96::2"]),
    "redis": ([REDIS], []),
    "proxy": ([PROXY], []),
    "phone": ([], [PHONE, PHONE6]),
    "pbx": ([], [PBX, PBX6]),
}
NETS = {"control": "eth0", "media": "eth1"}
SETTLE_S = 0.3  # until the ports of the switches forward


def _whole(place):
    return [*(f"{address}/32" for address in PLACES[place]), f"{PLACES6[place]}/128"]


class Network:
    def __init__(self):
        self.names = {name: f"mf-fleet-{name}-{os.getpid()}" for name in ("switch", *SPACES)}
        self.at = dict.fromkeys(PLACES)  # which node has it

    def inside(self, space):
        return turn_network.inside(self.names[space])

    def ip(self, space, *words):
        ip("-n", self.names[space], *words)

    # Places

    def withdraw(self, place):
        """No node has it any more."""
        if self.at[place]:
            for address in _whole(place):
                self.ip(self.at[place], "addr", "del", address, "dev", "eth1")
        self.at[place] = None

    def move(self, place, node):
        """As keepalived does it: away from where it was, whatever lives there; and all are told."""
        if self.at[place] == node:
            return
        self.withdraw(place)
        for address in _whole(place):
            self.ip(node, "addr", "add", address, "dev", "eth1", *(["nodad"] if ":" in address else []))
        self.at[place] = node
        self._announce(node, PLACES[place])
        for space in ("phone", "pbx"):
            self.ip(space, "-6", "neigh", "flush", "to", PLACES6[place], "dev", "eth1")

    def _announce(self, node, addresses):
        """Gratuitous ARP, so that nobody goes on sending to the node before."""
        with self.inside(node), socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
            wire.bind(("eth1", 0x0806))
            mac = wire.getsockname()[4]
            for address in addresses:
                own = mac + socket.inet_aton(address)
                request = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + own + bytes(6) + own[6:]
                wire.send(b"\xff" * 6 + mac + b"\x08\x06" + request)

    # Cables

    def cut(self, space, net="control"):
        """Nothing passes any more, and nobody is told."""
        self.ip("switch", "link", "set", f"{space}-{net[0]}", "nomaster")

    def heal(self, space, net="control"):
        self.ip("switch", "link", "set", f"{space}-{net[0]}", "master", net)

    def _plug(self, space, net, addresses):
        device, port = NETS[net], f"{space}-{net[0]}"
        self.ip(space, "link", "add", device, "type", "veth", "peer", "name", port, "netns", self.names["switch"])
        self.ip("switch", "link", "set", port, "master", net, "up")
        self.ip(space, "link", "set", device, "up")
        for address in addresses:
            words = [f"{address}/64", "nodad"] if ":" in address else [f"{address}/24"]
            self.ip(space, "addr", "add", words[0], "dev", device, *words[1:])

    def make(self):
        for name in self.names.values():
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        for net in NETS:
            self.ip("switch", "link", "add", net, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
            self.ip("switch", "link", "set", net, "up")
        for space, addresses in SPACES.items():
            for net, wanted in zip(NETS, addresses):
                if wanted:
                    self._plug(space, net, wanted)
        time.sleep(SETTLE_S)

    def reset(self):
        """Whole again, and nobody has a place."""
        for place in PLACES:
            self.withdraw(place)
        for space, addresses in SPACES.items():
            for net, wanted in zip(NETS, addresses):
                if wanted:
                    self.heal(space, net)

    def remove(self):
        for name in self.names.values():
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


@contextlib.contextmanager
def network():
    made = Network()
    try:
        made.make()
        yield made
    finally:
        made.remove()
