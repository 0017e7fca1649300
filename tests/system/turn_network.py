# SPDX-License-Identifier: Apache-2.0
"""A small network of namespaces: server -- router -- peer, with a narrow link behind the router. Needs root."""
import contextlib
import ctypes
import os
import subprocess

SERVER, PEER = "10.99.1.1", "10.99.2.1"
SERVER6, PEER6 = "fd99:1::1", "fd99:2::1"
WIDE, NARROW = 1500, 1280
CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _enter(path):
    with open(path) as file:
        if _libc.setns(file.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def inside(namespace):
    """Sockets made and processes started in here belong to the namespace."""
    with open("/proc/thread-self/ns/net") as before:
        _enter(f"/run/netns/{namespace}")
        try:
            yield
        finally:
            _libc.setns(before.fileno(), CLONE_NEWNET)


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _link(one, two, device, address_one, address_two, mtu):
    """A pair of devices between two namespaces; addresses as (IPv4, IPv6)."""
    ip("-n", one, "link", "add", device, "type", "veth", "peer", "name", device, "netns", two)
    for namespace, addresses in ((one, address_one), (two, address_two)):
        ip("-n", namespace, "addr", "add", f"{addresses[0]}/24", "dev", device)
        ip("-n", namespace, "addr", "add", f"{addresses[1]}/64", "dev", device, "nodad")
        ip("-n", namespace, "link", "set", device, "mtu", str(mtu), "up")


def add_address(namespace, network):
    """Gives the namespace one more address."""
    ip("-n", namespace, "addr", "add", network, "dev", "lo")


@contextlib.contextmanager
def network():
    """Names of the namespaces of server and peer."""
    server, router, peer = (f"mf-{name}-{os.getpid()}" for name in ("server", "router", "peer"))
    try:
        for name in (server, router, peer):
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        _link(server, router, "wide", (SERVER, SERVER6), ("10.99.1.2", "fd99:1::2"), WIDE)
        _link(router, peer, "narrow", ("10.99.2.2", "fd99:2::2"), (PEER, PEER6), NARROW)
        # A host that does not answer ARP is given up after 3 * 200 ms.
        for setting in ("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
                        "net.ipv4.neigh.narrow.retrans_time_ms=200"):
            subprocess.run(["ip", "netns", "exec", router, "sysctl", "-qw", setting], check=True)
        for namespace, via4, via6 in ((server, "10.99.1.2", "fd99:1::2"), (peer, "10.99.2.2", "fd99:2::2")):
            ip("-n", namespace, "route", "add", "default", "via", via4)
            ip("-n", namespace, "-6", "route", "add", "default", "via", via6)
        yield server, peer
    finally:
        for name in (server, router, peer):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
