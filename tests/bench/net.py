# SPDX-License-Identifier: Apache-2.0
"""Two network namespaces with a veth pair between them: one for the server, one for the load.

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


@contextlib.contextmanager
def network():
    """The namespaces of the server and of the load, linked."""
    server, load = Namespace(), Namespace()
    try:
        server.ip("link", "add", "bench", "type", "veth", "peer", "name", "bench", "netns", load.path)
        for namespace, address in ((server, SERVER), (load, LOAD)):
            namespace.ip("link", "set", "lo", "up")
            namespace.ip("addr", "add", f"{address}/24", "dev", "bench")
            namespace.ip("link", "set", "bench", "up")
        server.ip("route", "add", SOURCES, "via", LOAD)
        load.ip("route", "add", "local", SOURCES, "dev", "lo")
        yield server, load
    finally:
        server.close()
        load.close()
