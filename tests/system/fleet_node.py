# SPDX-License-Identifier: Apache-2.0
"""A relay as one node of several that share their calls, in its namespace of fleet_network.py."""
import os
import pathlib
import signal
import subprocess
import tempfile

from ctl import Ctl
from daemon import BINARY, Daemon
from fleet_network import ALL, CONTROL, PLACES, PLACES6
from fleet_redis import wait_for
from ng import NgClient
from prometheus import Scrape
from turn_admin import TOKEN, Admin

NG, TURN, WEBRTC, ADMIN = 2223, 3478, 40000, 9900
PORTS = range(20000, 30000)
LEASE_MS = int(os.environ.get("MEDIAFERRY_FLEET_LEASE_MS", "1000"))
INTERFACES = ";".join(f"out{n}/{outside};in{n}/{inside};six{n}/{PLACES6[n]}"
                      for n, (outside, inside) in PLACES.items())


class Node(Daemon):
    """All nodes have the same interfaces: the places of all calls, wherever they are now."""

    def __init__(self, net, name, *options, wait=True):
        self.net, self.name = net, name
        self.folder = tempfile.TemporaryDirectory(prefix=f"mediaferry-{name}-")
        self.ng_address = (CONTROL[name], NG)
        self.log_file = tempfile.NamedTemporaryFile(prefix=f"mediaferry-{name}-", suffix=".log", delete=False)
        self.command = [
            BINARY, "--config-file=none", f"--interface={INTERFACES}", f"--listen-ng={CONTROL[name]}:{NG}",
            f"--listen-admin=127.0.0.1:{ADMIN}", f"--admin-token={TOKEN}",
            f"--listen-control={self.folder.name}/socket", f"--turn-listening-port={TURN}", f"--webrtc-port={WEBRTC}",
            "--num-threads=1", f"--port-min={PORTS[0]}", f"--port-max={PORTS[-1]}", "--log-level=7", "--delete-delay=0",
            "--turn-user=alice:wonderland", "--turn-realm=example.org", f"--turn-allowed-peer-ip={ALL}", *options,
        ]
        self.environment = dict(os.environ)
        self.ctl, self.admin = Ctl(f"{self.folder.name}/socket"), Admin(ADMIN)
        with net.inside("proxy"):
            self.ng = NgClient(self.ng_address)
        self.is_killed = False
        self.begin(wait=wait)

    def begin(self, *more, wait=True):
        self.is_killed = False
        with self.net.inside(self.name):
            super().begin(*more, wait=wait)

    def kill(self):
        """As a machine dies: it says nothing to anybody."""
        self.is_killed = True
        self.process.kill()
        self.process.wait()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self, expected=0):
        try:
            if self.alive():
                self.thaw()
            super().stop(-signal.SIGKILL if self.is_killed else expected)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.folder.cleanup()

    # What it says of itself

    def scrape(self):
        with self.net.inside(self.name):
            return Scrape(self.admin.get("/metrics"))

    def metric(self, name):
        """The sum over its labels."""
        return self.scrape().sum(f"mediaferry_{name}")

    def wait_metric(self, name, value, seconds=20, **labels):
        def is_so():
            scrape = self.scrape()
            return (scrape.get(f"mediaferry_{name}", **labels) if labels else scrape.sum(f"mediaferry_{name}")) == value

        wait_for(is_so, seconds, f"{name} of {value} at {self.name}")

    def wait_log(self, text, seconds=20, times=1):
        wait_for(lambda: self.log().count(text) >= times, seconds, f"{text!r} at {self.name}")

    def bound_ports(self):
        """Those for media of calls that are bound in this namespace, by whomever."""
        with self.net.inside(self.name):
            lines = pathlib.Path("/proc/thread-self/net/udp").read_text().splitlines()[1:]
        return sorted(port for port in (int(line.split()[1].partition(":")[2], 16) for line in lines) if port in PORTS)

    def has(self, call_id):
        """Whether the call is carried here: asked past ng, which would look elsewhere."""
        return call_id in self.ctl.calls()

    def carries(self):
        """Call-ids."""
        return set(self.ctl.calls())
