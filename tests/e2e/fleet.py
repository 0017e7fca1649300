# SPDX-License-Identifier: Apache-2.0
"""Two relays with one address, which moves from the one that dies to the other:

    clients --- isp ---+--- media1 ---+--- edge (Kamailio, web backend, Redis) --- PBXes
                       +--- media2 ---+

Outside the address is routed to where it is, inside it is one of the same network.
"""

import signal
import subprocess
import time

from .namespaces import link
from .processes import Process, eventually
from .relay import Relay
from .world import INSIDE, OpenWorld

SHARED, SHARED_INSIDE = "203.0.113.30", "10.20.0.30"
NODES = {"media1": ("192.0.2.1", "192.0.2.2", "10.20.0.31"),
         "media2": ("192.0.2.5", "192.0.2.6", "10.20.0.32")}
REDIS_PORT = 6379
NG_PORT = 2223
LEASE_MS = 1500


class Node(Relay):
    """One of the relays, with these options beside the usual ones."""

    def __init__(self, namespace, interfaces, config, directory, options):
        self.options = options
        directory = directory / namespace.label
        directory.mkdir()
        super().__init__(namespace, interfaces, config, directory)
        self.name = namespace.label

    def _argv(self, threads=2):
        return [*super()._argv(threads), *self.options]

    def kill(self):
        """As a machine dies."""
        self.popen.send_signal(signal.SIGKILL)
        # What was started is `ip netns exec`, which has become the relay.
        self.popen.wait()

    def again(self):
        self.launch(self._argv())
        self._wait()

    def stop(self):
        self.ng.close()
        return Process.stop(self)


class FleetWorld(OpenWorld):
    interfaces = [f"external/{SHARED}", f"internal/{SHARED_INSIDE}"]
    turn_ips = [SHARED]
    media_relay = f"udp:{SHARED_INSIDE}:{NG_PORT}"

    def _connect(self):
        super()._connect()
        self.nodes = {name: self._namespace(name) for name in NODES}
        for name, (ours, theirs, _) in NODES.items():
            link(self.nodes[name], "out", self.isp, name)
            self.isp.address(name, f"{ours}/30")
            self.nodes[name].address("out", f"{theirs}/30")
            self.nodes[name].route(ours)
            self.nodes[name].sysctl("net.ipv4.ip_local_port_range", "50000 60999")

    def _connect_inside(self):
        super()._connect_inside()
        for name, (_, _, inside) in NODES.items():
            link(self.nodes[name], "eth0", self.edge, name, bridge_b="in")
            self.nodes[name].address("eth0", f"{inside}/24")
        self.at = None
        self.move("media1")

    def _start_relay(self):
        self.redis = self._keep(Process("redis", self.edge, [
            "redis-server", "--bind", INSIDE, "--port", REDIS_PORT, "--protected-mode", "no",
            "--save", "", "--appendonly", "no"], self.directory))
        self.relays = [self._keep(Node(
            self.nodes[name], self.interfaces, self.relay_config(), self.directory,
            self._options(name))) for name in NODES]
        self.unsettle()
        return self.relays[0]

    @staticmethod
    def _options(name):
        return [f"--listen-ng={SHARED_INSIDE}:{NG_PORT}", f"--listen-ng={NODES[name][2]}:{NG_PORT}",
                f"--redis={INSIDE}:{REDIS_PORT}/0", f"--node-name={name}",
                f"--node-lease={LEASE_MS}"]

    def _turn_server(self, name):
        return SHARED

    def _processes(self):
        return [*self.relays, *super()._processes()[1:]]

    # The address

    def move(self, name):
        """It leaves the node that has it, and is at this one from now on."""
        if self.at:
            node = self.nodes[self.at]
            node.run("ip", "addr", "del", f"{SHARED}/32", "dev", "lo")
            node.run("ip", "addr", "del", f"{SHARED_INSIDE}/24", "dev", "eth0")
        self.nodes[name].address("lo", f"{SHARED}/32")
        self.nodes[name].address("eth0", f"{SHARED_INSIDE}/24")
        self.isp.run("ip", "route", "replace", f"{SHARED}/32", "via", NODES[name][1])
        for namespace, device in ((self.edge, "in"), *((one, "eth0") for one in self.pbx_sides.values())):
            subprocess.run(namespace.wrap(["ip", "neigh", "del", SHARED_INSIDE, "dev", device]),
                           check=False, capture_output=True)
        self.at = name

    def unsettle(self):
        """A relay has begun: it takes nobody for dead before that time."""
        self.settled_at = time.monotonic() + LEASE_MS / 1000 + 2

    def _change(self, end):
        """The active relay ends in that way, and its address moves to the other one."""
        dead, heir = sorted(self.relays, key=lambda relay: relay is not self.relay)
        self.relay, self.metrics = heir, heir.metrics()
        self.log_marks[heir] = heir.log_size()
        end(dead)
        self.move(heir.name)
        eventually(lambda: "event=taken-over" in heir.log(self.log_marks[heir]),
                   lambda: f"taken over\n{heir.log(self.log_marks[heir])[-4000:]}", timeout=20)
        return dead

    def fail_over(self):
        time.sleep(max(0.0, self.settled_at - time.monotonic()))
        return self._change(Node.kill)

    def hand_over(self):
        return self._change(Process.stop)

    def end(self):
        """Both are there for the next test."""
        super().end()
        for relay in self.relays:
            if not relay.running():
                relay.again()
                self.unsettle()
