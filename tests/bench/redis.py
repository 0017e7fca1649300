# SPDX-License-Identifier: Apache-2.0
"""A redis-server beside the load, for servers that share their calls, and its own account of what they ask of it."""
import contextlib
import dataclasses
import shutil
import socket
import subprocess
import tempfile
import time

from . import measure, net
from .measure import BenchError

PORT = 6379
READY_S = 10
QUIET_S, QUIET_BYTES, SETTLE_S = 0.3, 20000, 30  # what nodes tell of themselves all the time is less than that
_PROGRAM = "redis-server"


def is_installed():
    return shutil.which(_PROGRAM) is not None


@dataclasses.dataclass(frozen=True)
class Account:
    """Since its start: commands carried out, those inside of scripts too; bytes that came; processor time."""
    commands: int
    bytes: int
    cpu_ns: int

    def __sub__(self, before):
        return Account(self.commands - before.commands, self.bytes - before.bytes, self.cpu_ns - before.cpu_ns)


class Redis:
    """One that runs, with a connection to it. `option` makes a server use it, of either kind."""

    option = f"--redis={net.LOAD}:{PORT}/0"

    def __init__(self, pid, connection):
        self.pid, self._connection, self._replies = pid, connection, connection.makefile("rb")
        self._asked = 0

    def ask(self, words):
        """The reply as text: that of a command which has one number or one text to say."""
        self._asked += 1
        self._connection.sendall(f"{words}\r\n".encode())
        said = self._replies.readline().strip().decode()
        if said.startswith("$"):
            return self._replies.read(int(said[1:]) + 2)[:-2].decode()
        if not said or said.startswith("-"):
            raise BenchError(f"Redis: {words}: {said or 'it has gone'}")
        return said[1:]

    def account(self):
        """What is asked here does not count."""
        said = dict(line.split(":", 1) for line in self.ask("info stats").splitlines() if ":" in line)
        return Account(int(said["total_commands_processed"]) - self._asked + 1, int(said["total_net_input_bytes"]),
                       measure.cpu_ns(self.pid))

    def wait_quiet(self):
        """Until all is written that was to be."""
        deadline, before = time.monotonic() + SETTLE_S, self.account()
        while time.monotonic() < deadline:
            time.sleep(QUIET_S)
            now = self.account()
            if (now - before).bytes < QUIET_BYTES:
                return
            before = now
        raise BenchError(f"Redis is still written to after {SETTLE_S} s")


def _connect(namespace, process):
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), namespace.inside():
            return socket.create_connection((net.LOAD, PORT), timeout=READY_S)
        time.sleep(0.02)
    raise BenchError(f"{_PROGRAM} does not become ready")


@contextlib.contextmanager
def running(namespace, cpus):
    """An empty one, which keeps nothing on a disk."""
    with tempfile.TemporaryDirectory(prefix="mediaferry-bench-") as folder:
        process = namespace.start([_PROGRAM, "--bind", net.LOAD, "--port", PORT, "--protected-mode", "no", "--save", "",
                                   "--appendonly", "no", "--dir", folder], cpus, stdout=subprocess.DEVNULL)
        try:
            with _connect(namespace, process) as connection:
                yield Redis(process.pid, connection)
        finally:
            process.kill()
            process.wait()
