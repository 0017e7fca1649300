# SPDX-License-Identifier: Apache-2.0
"""A network of namespaces for the tests of XDP, on a switch and behind two gateways. Needs root.

    relay --+            +-- gate1 --+
    near  --+-- switch --+           +-- far
    twin  --+            +-- gate2 --+

`twin` has no address of its own: it is there to take that of `near`.
"""
import array
import contextlib
import fcntl
import json
import os
import pathlib
import socket
import struct
import subprocess
import time

import turn_network
from turn_network import ip

RELAY, NEAR, GATE1, GATE2, FAR = "10.98.1.1", "10.98.1.2", "10.98.1.11", "10.98.1.12", "10.98.2.2"
RELAY6, NEAR6, GATE1_6, GATE2_6, FAR6 = "fd98:1::1", "fd98:1::2", "fd98:1::11", "fd98:1::12", "fd98:2::2"
RELAY_NETS = (f"{RELAY}/24", f"{RELAY6}/64")
ALL, ALL6 = "10.98.0.0/16", "fd98::/16"
SETTLE_S = 0.3  # until the ports of the switch forward and IPv6 has joined its groups
SPACES = ("switch", "relay", "near", "twin", "gate1", "gate2", "far")


class Network:
    """Names of namespaces are those of the picture; each but the switch has its device to it as eth0."""

    def __init__(self):
        self.names = {name: f"mf-{name}-{os.getpid()}" for name in SPACES}

    def inside(self, space):
        return turn_network.inside(self.names[space])

    def ip(self, space, *words):
        ip("-n", self.names[space], *words)

    def run(self, space, *words, text=None):
        subprocess.run(["ip", "netns", "exec", self.names[space], *words], input=text, text=True, check=True,
                       capture_output=True)

    def sysctl(self, space, **settings):
        """Dots as in `net__ipv4__ip_forward`."""
        with self.inside(space):
            for name, value in settings.items():
                pathlib.Path("/proc/sys", *name.split("__")).write_text(str(value))

    def link(self, space, device="eth0"):
        """What `ip` tells of a device."""
        done = subprocess.run(["ip", "-n", self.names[space], "-j", "-d", "-s", "link", "show", device], check=True,
                              capture_output=True, text=True)
        return json.loads(done.stdout)[0]

    def _checksums_by_card(self, space, device, leave):
        """ETHTOOL_STXCSUM of <linux/ethtool.h>, by SIOCETHTOOL."""
        value = array.array("B", struct.pack("=II", 0x17, leave))
        with self.inside(space), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            fcntl.ioctl(asking, 0x8946, struct.pack("16sP16x", device.encode(), value.buffer_info()[0]))

    @contextlib.contextmanager
    def whole_checksums(self):
        """The relay hears as it does from a wire: otherwise, checksums within one machine are left to a card."""
        self._checksums_by_card("switch", "relay", 0)
        try:
            yield
        finally:
            self._checksums_by_card("switch", "relay", 1)

    def received(self, space, device="eth0"):
        """Frames that have come in."""
        return self.link(space, device)["stats64"]["rx"]["packets"]

    def address(self, space, *addresses, device="eth0"):
        for one in addresses:
            self.ip(space, "addr", "add", one, "dev", device, *(["nodad"] if ":" in one else []))

    def plug(self, space, *addresses, queues=1, mtu=1500):
        """A cable from the switch, instead of the one that there may be."""
        subprocess.run(["ip", "-n", self.names[space], "link", "del", "eth0"], check=False, capture_output=True)
        many = ("numrxqueues", str(queues), "numtxqueues", str(queues), "mtu", str(mtu))
        self.ip(space, "link", "add", "eth0", *many, "type", "veth", "peer", "name", space, *many, "netns",
                self.names["switch"])
        self.ip("switch", "link", "set", space, "master", "lan", "up")
        self.ip(space, "link", "set", "eth0", "up")
        self.address(space, *addresses)

    def neighbour_state(self, space, host):
        """What the kernel thinks of it; empty when it does not know it."""
        done = subprocess.run(["ip", "-n", self.names[space], "-j", "neigh", "show", host], check=True,
                              capture_output=True, text=True)
        return "".join(state for one in json.loads(done.stdout or "[]") for state in one["state"])

    def forget(self, *spaces):
        """They ask for their neighbours anew."""
        for space in spaces:
            self.ip(space, "neigh", "flush", "dev", "eth0")
            self.ip(space, "-6", "neigh", "flush", "dev", "eth0")

    def routes(self, gate=GATE1, gate6=GATE1_6):
        """The relay's way to what is not on the switch."""
        self.ip("relay", "route", "replace", "default", "via", gate)
        self.ip("relay", "-6", "route", "replace", "default", "via", gate6)

    def _connect_far(self, gate, number):
        """A gateway's link to `far`; its device has the same name on both ends."""
        self.ip(gate, "link", "add", gate, "type", "veth", "peer", "name", gate, "netns", self.names["far"])
        for space, last in ((gate, 1), ("far", 2)):
            self.address(space, f"10.98.{number}.{last}/24", f"fd98:{number}::{last}/64", device=gate)
            self.ip(space, "link", "set", gate, "up")
        self.ip(gate, "route", "add", f"{FAR}/32", "via", f"10.98.{number}.2")
        self.ip(gate, "-6", "route", "add", f"{FAR6}/128", "via", f"fd98:{number}::2")
        self.sysctl(gate, net__ipv4__ip_forward=1, net__ipv6__conf__all__forwarding=1,
                    net__ipv4__conf__all__send_redirects=0, net__ipv4__conf__eth0__send_redirects=0)

    def make(self):
        for name in self.names.values():
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        for space in SPACES:  # link-local addresses count at once, too
            self.sysctl(space, net__ipv6__conf__default__accept_dad=0)
        self.ip("switch", "link", "add", "lan", "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
        self.ip("switch", "link", "set", "lan", "up")
        for space, *addresses in (("relay", RELAY, RELAY6), ("near", NEAR, NEAR6), ("twin",),
                                  ("gate1", GATE1, GATE1_6), ("gate2", GATE2, GATE2_6)):
            self.plug(space, *(f"{one}/64" if ":" in one else f"{one}/24" for one in addresses))
        self._connect_far("gate1", 11)
        self._connect_far("gate2", 12)
        self.address("far", f"{FAR}/32", f"{FAR6}/128", device="lo")
        self.ip("far", "route", "add", "default", "via", "10.98.11.1")
        self.ip("far", "-6", "route", "add", "default", "via", "fd98:11::1")
        self.routes()
        time.sleep(SETTLE_S)

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
