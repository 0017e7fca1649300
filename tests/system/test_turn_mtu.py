# SPDX-License-Identifier: Apache-2.0
"""DONT-FRAGMENT and the path MTU (W42), on a network whose router says "fragmentation needed"."""
import contextlib
import os
import struct
import subprocess

import pytest

import turn_message as m
import turn_network as net
from turn import Peer, TurnClient
from turn_server import LIMITS_OFF, ORACLE, TurnServer, ours_alone
from turn_transport import Udp

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces: run as root")
DF = (m.DONT_FRAGMENT, b"")
IP6 = (m.REQUESTED_FAMILY, m.family(m.IPV6))
HEADERS = 28  # IPv4 and UDP


@pytest.fixture(scope="module")
def place():
    """A server on one side of the router; clients are made beside it, peers on the other side."""
    with net.network() as (server_space, peer_space):
        with net.inside(server_space):
            server = TurnServer(*LIMITS_OFF, "allowed-peer-ip=10.99.2.0/24", "allowed-peer-ip=fd99:2::/64",
                                ips=(net.SERVER, net.SERVER6), defaults=False,
                                **({} if ORACLE else {"interface": net.SERVER}))
        yield server, server_space, peer_space
        server.stop()


@pytest.fixture
def forget(place):
    """Each test starts without what the kernel has learnt of the path."""
    for family in ("-4", "-6"):
        subprocess.run(["ip", "-n", place[1], family, "route", "flush", "cache"], check=False, capture_output=True)


@pytest.fixture
def ends(place, forget):
    del forget
    server, server_space, peer_space = place
    with contextlib.ExitStack() as stack:

        def make(host, *attributes):
            with net.inside(server_space):
                transport = Udp(server.address(ip=net.SERVER))
            with net.inside(peer_space):
                peer = Peer(host)
            stack.callback(transport.close)
            stack.callback(peer.close)
            client = TurnClient(transport).allocated(*attributes)
            assert client.permit(peer.address).ok()
            return client, peer

        yield make


@ours_alone  # sets DF all the same, and loses the first
def test_w42_without_dont_fragment_everything_arrives(ends):
    client, peer = ends(net.PEER)
    for size in (1000, net.NARROW - HEADERS, net.NARROW - HEADERS + 1, 1472, 1473, 3000):
        client.send_to(peer.address, bytes(size))
        assert peer.receive() == (bytes(size), client.relayed), size


def test_w42_dont_fragment_on_what_fits(ends):
    client, peer = ends(net.PEER)
    for size in (100, net.NARROW - HEADERS):
        client.send_to(peer.address, bytes(size), DF)
        assert peer.receive() == (bytes(size), client.relayed)


@ours_alone
def test_w42_dont_fragment_on_what_does_not_fit_the_path(ends):
    client, peer = ends(net.PEER)
    client.send_to(peer.address, bytes(net.NARROW - HEADERS + 1), DF)
    told = client.receive()
    assert told is not None and m.ICMP in told, repr(told)
    kind, mtu = struct.unpack("!xxHI", told.get(m.ICMP))
    assert (kind >> 9, kind & 0x1FF, mtu) == (3, 4, net.NARROW)
    assert told.address(m.XOR_PEER) == peer.address
    assert peer.hears_nothing()
    # Once told, the next is not sent in pieces either, but one without the attribute is.
    client.send_to(peer.address, bytes(1400), DF)
    client.send_to(peer.address, bytes(1401))
    assert peer.receive()[0] == bytes(1401)


@ours_alone
def test_w42_dont_fragment_on_what_does_not_fit_the_first_link(ends):
    client, peer = ends(net.PEER)
    client.send_to(peer.address, bytes(1473), DF)
    told = client.receive(0.5)
    if told is not None:
        kind, mtu = struct.unpack("!xxHI", told.get(m.ICMP))
        assert (kind >> 9, kind & 0x1FF, mtu) == (3, 4, net.WIDE)
    assert peer.hears_nothing()
    client.send_to(peer.address, b"goes on", DF)
    assert peer.receive()[0] == b"goes on"


@ours_alone
def test_w42_packet_too_big(ends):
    client, peer = ends(net.PEER6, IP6)
    client.send_to(peer.address, bytes(1400), DF)
    told = client.receive()
    assert told is not None and m.ICMP in told, repr(told)
    kind, mtu = struct.unpack("!xxHI", told.get(m.ICMP))
    assert (kind >> 9, kind & 0x1FF, mtu) == (2, 0, net.NARROW)


@ours_alone
def test_w41_a_host_that_is_not_there(ends):
    """The router says so after it has asked for it in vain."""
    client, _ = ends(net.PEER)
    nobody = ("10.99.2.77", 4000)
    assert client.permit(nobody).ok()
    client.send_to(nobody, b"anybody?")
    told = client.receive(4)
    assert told is not None and m.ICMP in told
    kind, _ = struct.unpack("!xxHI", told.get(m.ICMP))
    assert (kind >> 9, kind & 0x1FF) == (3, 1) and told.address(m.XOR_PEER) == nobody
