# SPDX-License-Identifier: Apache-2.0
"""The relay as a process: started with options, watched, and stopped by its own pid."""
import os
import pathlib
import random
import signal
import socket
import subprocess
import tempfile
import time

from ng import NgClient

BINARY = os.environ.get("MEDIAFERRY_BIN", str(pathlib.Path(__file__).parents[2] / "build" / "mediaferry"))

# The block that holds the ports of the peers who are only named, never there; TURN refuses its own ports as peers.
_NAMED_PEERS = 4000
_given = set()


def is_free(port, host):
    """Whether both UDP and TCP can have the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(family, kind) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True


def free_port(host="127.0.0.1"):
    """One that no client gets from the kernel meanwhile, and that no test uses for media. The seven after it are left
    alone: several workers and RFC 5780 take the next ones."""
    if len(_given) > 500:
        _given.clear()
    while True:
        port = random.randrange(3000, 10000, 8)
        if port != _NAMED_PEERS and port not in _given and is_free(port, host):
            _given.add(port)
            return port


class Daemon:
    def __init__(self, *options, interface="127.0.0.1", environment=None, wait=True, config="none", wrapper=()):
        """`wrapper`: the words of a command that becomes the one behind it."""
        self.ng_address = ("127.0.0.1", free_port())
        self.stun_port = free_port()
        self.webrtc_port = free_port()
        self.log_file = tempfile.NamedTemporaryFile(prefix="mediaferry-", suffix=".log", delete=False)
        self.command = [
            *wrapper, BINARY, f"--config-file={config}", *([f"--interface={interface}"] if interface else []),
            f"--listen-ng={self.ng_address[0]}:{self.ng_address[1]}", "--num-threads=1",
            f"--turn-listening-port={self.stun_port}", f"--webrtc-port={self.webrtc_port}",
            "--port-min=20000", "--port-max=29999", "--log-level=7", "--delete-delay=0", "--listen-control=", *options,
        ]
        self.environment = {**os.environ, **(environment or {})}
        self.ng = NgClient(self.ng_address)
        self.begin(wait=wait)

    def begin(self, *more, wait=True):
        """A process; `more` options win over those it always has. All of them write into one log."""
        self.process = subprocess.Popen([*self.command, *more], stderr=self.log_file, stdout=self.log_file,
                                        env=self.environment)
        if wait:
            self.wait_ready()

    def end(self, number=signal.SIGTERM, expected=0):
        """Ends the process; another may begin after it."""
        self.process.send_signal(number)
        assert self.process.wait(60) == expected, self.log()[-6000:]

    def wait_ready(self, seconds=20):
        deadline = time.monotonic() + seconds
        self.ng.socket.settimeout(0.2)
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.ng.request(command="ping")["result"] == "pong":
                    self.ng.socket.settimeout(5)
                    return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"the relay did not become ready:\n{self.log()}")

    def log(self):
        return pathlib.Path(self.log_file.name).read_text(errors="replace")

    def alive(self):
        return self.process.poll() is None

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def resident_kib(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise RuntimeError("no VmRSS")

    def stop(self, expected=0):
        """Stops it as systemd would; a sanitizer's finding or a wrong exit code fails the test."""
        self.ng.close()
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = "none: it had to be killed"
        log = self.log()
        os.unlink(self.log_file.name)
        assert code == expected, f"exit code {code}\n{log[-6000:]}"
        assert "Sanitizer" not in log and "runtime error" not in log, log[-6000:]
