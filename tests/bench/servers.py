# SPDX-License-Identifier: Apache-2.0
"""The servers that are measured: mediaferry, Debian's rtpengine and coturn, and the bare loop."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

from ng import NgClient

from . import net
from .measure import BenchError

NG = ("127.0.0.1", 2223)
TURN_PORT = 3478
BARE_PORT = 10000
READY_S = 15

# Warnings and worse; mediaferry's start tells at level 5 what it uses, and nothing more is said of a call.
QUIET, TELLING = "--log-level=4", "--log-level=5"
# Options that mediaferry and rtpengine share.
_MEDIA = ["--config-file=none", f"--listen-ng={NG[0]}:{NG[1]}", "--port-min=10000", "--port-max=39999",
          "--delete-delay=0"]
_TURN = [f"--listening-ip={net.SERVER}", f"--listening-port={TURN_PORT}", "--user=bench:bench", "--realm=bench",
         "--stale-nonce=600", "--min-port=10000", "--max-port=65000"]
# One relay thread, and nothing that it does beside relaying: no CLI, no statistics, no log.
_COTURN = [f"--relay-ip={net.SERVER}", "--relay-threads=1", "--lt-cred-mech", "--no-cli", "--no-tls", "--no-dtls",
           "--no-software-attribute", "--no-rfc5780", "--no-stun-backward-compatibility",
           "--response-origin-only-with-rfc5780", "--log-file=/dev/null", "--no-stdout-log"]


class Kind:
    """A server as it can be started: `media(workers, address, options)` and `turn(workers)` give commands, or None."""

    def __init__(self, name, media=None, turn=None, version="", is_ours=False, is_xdp=False):
        self.name, self.media, self.turn, self.version = name, media, turn, version
        self.is_ours, self.is_xdp = is_ours, is_xdp
        self.uses, self.why = {}, ""  # what it says at its start that it uses, and why these packets


def _version(program):
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=False)
    found = re.search(r"\d+\.[\w.+~-]+", done.stdout + done.stderr)
    return found[0] if found else ""


def mediaferry(name, program, options=(), is_xdp=False):
    def media(workers, address, more):
        return [program, *_MEDIA, TELLING, f"--interface={address}", f"--num-threads={workers}",
                "--webrtc-port=40000", "--turn-listening-port=0", *options, *more]

    def turn(workers):
        own = [option.replace("--", "--turn-", 1) for option in _TURN]
        return [program, "--config-file=none", f"--interface={net.SERVER}", f"--listen-ng={NG[0]}:{NG[1]}",
                f"--num-threads={workers}", "--webrtc-port=0", TELLING, *own,
                f"--turn-allowed-peer-ip={net.LOAD}", *options]

    return Kind(name, media, turn, _version(program), is_ours=True, is_xdp=is_xdp)


def mediaferry_xdp(name, program, options=()):
    """Past the kernel's sockets. Whether it can be is found out by why_not_xdp()."""
    return mediaferry(name, program, [*options, "--packet-io=xdp"], is_xdp=True)


def rtpengine():
    """None when it is not installed."""
    program = shutil.which("rtpengine", path="/usr/bin:/usr/sbin")
    if program is None:
        return None
    own = ["--table=-1", "--foreground", "--log-stderr", "--endpoint-learning=immediate"]

    def media(workers, address, more):
        return [program, *_MEDIA, QUIET, f"--interface={address}", f"--num-threads={workers}", *own, *more]

    return Kind("rtpengine", media, version=_version(program))


def coturn(folder):
    """None when it is not installed. It keeps its files in `folder`."""
    program = shutil.which("turnserver", path="/usr/bin:/usr/sbin")
    if program is None:
        return None
    files = [f"--userdb={folder}/coturn.db", f"--pidfile={folder}/coturn.pid"]
    return Kind("coturn", turn=lambda workers: [program, "-n", *_TURN, *_COTURN, *files],
                version=_version(program))


def bare(load_program, streams):
    """The reference: a loop of epoll_wait, recvfrom and sendto, which gives each packet back to its sender."""
    return Kind("bare loop", lambda workers, address, more: [load_program, "bare", address, BARE_PORT, streams])


class Server:
    """One that runs. `ng` is its control connection; None for the bare loop and for TURN."""

    def __init__(self, process, kind, log, ng=None):
        self.process, self.kind, self.log, self.ng, self.pid = process, kind, log, ng, process.pid

    def said(self):
        """What it has logged."""
        return _said(self.log)

    def kill(self):
        """Without a word; it must have been started with `ends_with=-signal.SIGKILL`."""
        self.process.kill()
        self.process.wait()


def _wait_for_pong(process, ng):
    deadline = time.monotonic() + READY_S
    ng.socket.settimeout(0.2)
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if ng.request(command="ping")["result"] == "pong":
                ng.socket.settimeout(5)
                return
        except OSError:
            time.sleep(0.05)
    raise BenchError("the server does not become ready")


def _stop(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdin.close()


def _said(log):
    """What it has logged. The place in the file is left alone: the process writes there."""
    return os.pread(log.fileno(), 1 << 20, 0).decode(errors="replace")


def _end(process, log):
    """How it has ended, as text."""
    return f"{pathlib.Path(process.args[0]).name} has ended with {process.returncode}: {_said(log)[-2000:].strip()}"


@contextlib.contextmanager
def _running(namespace, kind, command, cpus, ends_with=0):
    """The process; what it has said comes with an error if it has ended by itself."""
    with tempfile.TemporaryFile() as log:
        process = namespace.start(command, cpus, stdin=subprocess.PIPE, stdout=log, stderr=log)
        try:
            yield process, log
        except (BenchError, OSError) as error:
            if process.poll() is None or process.returncode == ends_with != 0:
                raise
            raise BenchError(_end(process, log)) from error
        finally:
            _stop(process)
        if kind.is_ours and process.returncode != ends_with:
            raise BenchError(_end(process, log))


@contextlib.contextmanager
def media_server(namespace, kind, cpus, workers=1, address=net.SERVER, options=(), ends_with=0):
    with _running(namespace, kind, kind.media(workers, address, options), cpus, ends_with) as (process, log):
        if kind.name == "bare loop":
            time.sleep(0.5)
            yield Server(process, kind, log)
            return
        with namespace.inside():
            ng = NgClient(NG)
        try:
            _wait_for_pong(process, ng)
            if kind.is_ours:
                said = _said(log)
                kind.uses = dict(re.findall(r"event=(packet-io|srtp-engine) use=(\S+)", said))
                kind.why = next(iter(re.findall(r'event=packet-io .*?why="?([^"\n]*)', said)), "")
            yield Server(process, kind, log, ng)
        finally:
            ng.close()


@contextlib.contextmanager
def turn_server(namespace, kind, cpus, workers=1):
    """The load asks until it is answered, so nobody waits here."""
    with _running(namespace, kind, kind.turn(workers), cpus) as (process, log):
        yield Server(process, kind, log)


def why_not_xdp(namespace, kind, cpus):
    """Why packets of this server would not go by XDP here; empty when they do."""
    try:
        with media_server(namespace, kind, cpus):
            pass
    except (BenchError, OSError) as error:
        return str(error).strip() or type(error).__name__
    used = kind.uses.get("packet-io")
    return "" if used == "xdp" else f"it takes {used}: {kind.why}"
