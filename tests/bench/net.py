# SPDX-License-Identifier: Apache-2.0
"""Two network namespaces with a veth pair between them: one for the server, one for the load. A third one, for a
second server, when an address is to move from one to the other.

They have no names: each lives as long as this process and those that it started in there, so nothing is left behind
however the bench ends.
"""
import contextlib
import ctypes
import os
import resource
import signal
import subprocess

SERVER, LOAD = "10.63.0.1", "10.63.0.2"
# The load may send from each of these; the server reaches them all by the one link.
SOURCES = "10.64.0.0/10"
# The second server, the load's end of the way to it, and an address that either server can have.
STANDBY, STANDBY_LOAD, MOVING = "10.62.0.1", "10.62.0.2", "10.61.0.1"
DESCRIPTORS = 65536

_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _call(name, *arguments):
    if getattr(_libc, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")


def _own_namespace():
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _allow_descriptors():
    """As many as the bench wants, or as the host allows."""
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    except (OSError, ValueError):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Namespace:
    def __init__(self):
        before = _own_namespace()
        _call("unshare", _CLONE_NEWNET)
        self.descriptor = _own_namespace()
        _call("setns", before, _CLONE_NEWNET)
        os.close(before)

    @property
    def path(self):
        return f"/proc/{os.getpid()}/fd/{self.descriptor}"

    @contextlib.contextmanager
    def inside(self):
        """Sockets made in here belong to the namespace."""
        before = _own_namespace()
        _call("setns", self.descriptor, _CLONE_NEWNET)
        try:
            yield
        finally:
            _call("setns", before, _CLONE_NEWNET)
            os.close(before)

    def start(self, command, cpus, **keys):
        """Starts a process in here, on these processors; it ends with this one."""

        def prepare():
            _call("setns", self.descriptor, _CLONE_NEWNET)
            _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            os.sched_setaffinity(0, cpus)
            _allow_descriptors()

        return subprocess.Popen([str(word) for word in command], preexec_fn=prepare, **keys)

    def ip(self, *words):
        process = self.start(["ip", *words], os.sched_getaffinity(0), stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
        said = process.communicate(timeout=10)[0]
        if process.returncode != 0:
            raise OSError(f"ip {' '.join(words)}: {said.strip()}")

    def close(self):
        os.close(self.descriptor)


def _link(namespace, load, device, addresses):
    """A veth pair from its device "bench" to that device of the load."""
    namespace.ip("link", "add", "bench", "type", "veth", "peer", "name", device, "netns", load.path)
    for one, name, address in ((namespace, "bench", addresses[0]), (load, device, addresses[1])):
        one.ip("link", "set", "lo", "up")
        one.ip("addr", "add", f"{address}/24", "dev", name)
        one.ip("link", "set", name, "up")


@contextlib.contextmanager
def network():
    """The namespaces of the server and of the load, linked."""
    server, load = Namespace(), Namespace()
    try:
        _link(server, load, "bench", (SERVER, LOAD))
        server.ip("route", "add", SOURCES, "via", LOAD)
        load.ip("route", "add", "local", SOURCES, "dev", "lo")
        yield server, load
    finally:
        server.close()
        load.close()


@contextlib.contextmanager
def standby(load):
    """The namespace of a second server, which the load reaches, and which reaches the load, by a link of its own."""
    namespace = Namespace()
    try:
        _link(namespace, load, "standby", (STANDBY, STANDBY_LOAD))
        namespace.ip("route", "add", LOAD, "via", STANDBY_LOAD)
        yield namespace
    finally:
        namespace.close()


class MovingAddress:
    """MOVING: one server has it, and the load reaches it there."""

    def __init__(self, load):
        self.load, self.owner = load, None

    def move(self, owner, via):
        """To that namespace, whose own address is `via`; None: to nobody."""
        if self.owner:
            self.owner.ip("addr", "del", f"{MOVING}/32", "dev", "bench")
        self.owner = owner
        if owner:
            owner.ip("addr", "add", f"{MOVING}/32", "dev", "bench")
            self.load.ip("route", "replace", MOVING, "via", via)
