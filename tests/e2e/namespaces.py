# SPDX-License-Identifier: Apache-2.0
"""Network namespaces: making them, joining them, running commands and opening sockets in them.

Their names carry the pid of the test run, so that two runs never meet and what a killed run left
behind can be told from what is in use.
"""

import ctypes
import os
import re
import signal
import socket
import subprocess
import threading
from pathlib import Path

PREFIX = "mfe2e"
CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


def run(*argv, stdin=None):
    """Runs a command to its end; its output is part of the error when it fails."""
    done = subprocess.run(argv, input=stdin, text=True, capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.stdout}{done.stderr}")
    return done.stdout


class Namespace:
    _count = 0

    def __init__(self, label):
        Namespace._count += 1
        self.label = label
        self.name = f"{PREFIX}{os.getpid()}-{Namespace._count}-{label}"
        run("ip", "netns", "add", self.name)
        self.run("ip", "link", "set", "lo", "up")

    def wrap(self, argv):
        return ["ip", "netns", "exec", self.name, *argv]

    def run(self, *argv, stdin=None):
        return run(*self.wrap(argv), stdin=stdin)

    def sysctl(self, key, value):
        self.run("sysctl", "-q", "-w", f"{key}={value}")

    def address(self, interface, *addresses):
        """Addresses are usable at once: no duplicate address detection for IPv6."""
        for address in addresses:
            nodad = ["nodad"] if ":" in address else []
            self.run("ip", "addr", "add", address, "dev", interface, *nodad)
        self.run("ip", "link", "set", interface, "up")

    def route(self, *gateways):
        for gateway in gateways:
            self.run("ip", "route", "add", "default", "via", gateway)

    def bridge(self, interface, *addresses):
        self.run("ip", "link", "add", interface, "type", "bridge", "forward_delay", "0")
        self.address(interface, *addresses)

    def socket(self, family, kind, protocol=0):
        """A socket of this namespace, usable from anywhere in this process."""
        made = []

        def enter_and_open():
            try:
                with open(f"/run/netns/{self.name}", "rb") as handle:
                    if _libc.setns(handle.fileno(), CLONE_NEWNET) != 0:
                        raise OSError(ctypes.get_errno(), "setns")
                made.append(socket.socket(family, kind, protocol))
            except OSError as error:
                made.append(error)

        # The thread enters the namespace alone and ends; the socket stays there.
        thread = threading.Thread(target=enter_and_open)
        thread.start()
        thread.join()
        if isinstance(made[0], OSError):
            raise made[0]
        return made[0]

    def remove(self):
        remove(self.name)


def link(a, interface_a, b, interface_b, bridge_b=None):
    """A cable between two namespaces; its far end may be a port of a bridge."""
    run("ip", "link", "add", interface_a, "netns", a.name, "type", "veth",
        "peer", "name", interface_b, "netns", b.name)
    if bridge_b:
        b.run("ip", "link", "set", interface_b, "master", bridge_b, "up")


def remove(name):
    """Ends what still runs inside a namespace of ours, then removes it."""
    for pid in run("ip", "netns", "pids", name).split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            pass
    run("ip", "netns", "del", name)


def remove_stale():
    """Removes the namespaces of runs that were killed before they could do it."""
    directory = Path("/run/netns")
    for path in sorted(directory.glob(f"{PREFIX}*-*")) if directory.exists() else []:
        match = re.fullmatch(rf"{PREFIX}(\d+)-.*", path.name)
        if match and not Path(f"/proc/{match[1]}").exists():
            remove(path.name)
