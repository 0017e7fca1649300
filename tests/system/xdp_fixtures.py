# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests of XDP; conftest.py takes them in."""
import contextlib
import os
import subprocess

import pytest

import bpf
import turn_message as m
import xdp_network
from daemon import BINARY
from rtp import Phone
from turn import Peer, TurnClient
from turn_transport import TRANSPORTS
from xdp_relay import Call, XdpRelay

HOSTS = {("near", 4): xdp_network.NEAR, ("near", 6): xdp_network.NEAR6, ("far", 4): xdp_network.FAR,
         ("far", 6): xdp_network.FAR6}
# Address and attributes of an Allocate
PEERS = {4: (xdp_network.FAR, ()), 6: (xdp_network.FAR6, ((m.REQUESTED_FAMILY, m.family(m.IPV6)),))}
needs_xdp = pytest.mark.usefixtures("xdp_is_there")


@pytest.fixture(scope="session")
def xdp_is_there():
    """Skips where nobody could use it; what the relay alone cannot do is a failure."""
    if os.geteuid() != 0:
        pytest.skip("makes network namespaces: run as root")
    told = subprocess.run([BINARY, "--help"], capture_output=True, text=True, check=False).stdout
    if why := bpf.why_not() or ("" if "xdp" in told else "built without XDP"):
        pytest.skip(why)


@pytest.fixture(scope="module")
def net(xdp_is_there):
    """The network of a file's tests; each leaves it as it was."""
    with xdp_network.network() as made:
        yield made


@pytest.fixture(scope="module")
def xdp(net):
    """One relay for the tests of a file."""
    relay = XdpRelay(net)
    yield relay
    relay.stop()


@pytest.fixture
def start_xdp(net):
    """Starts relays with options of the test's own."""
    with contextlib.ExitStack() as stack:

        def begin(*options, **keys):
            relay = XdpRelay(net, *options, **keys)
            stack.callback(relay.stop)
            return relay

        yield begin


@pytest.fixture
def phone_in(net):
    """Makes phones in namespaces and closes them."""
    with contextlib.ExitStack() as stack:

        def make(space, family=4):
            with net.inside(space):
                phone = Phone(HOSTS[space, family])
            stack.callback(phone.close)
            return phone

        yield make


@pytest.fixture
def between(phone_in):
    """Makes calls between phones, which are in a namespace or given; they are deleted afterwards."""
    calls = []

    def make(relay, one, other, family=4, other_family=None, **offering):
        a = phone_in(one, family) if isinstance(one, str) else one
        b = phone_in(other, other_family or family) if isinstance(other, str) else other
        calls.append(Call(relay, a, b, **offering))
        return calls[-1]

    yield make
    for call in calls:
        if call.relay.alive():
            call.relay.ng.request(command="delete", call_id=call.name, flags=["fast"])


@pytest.fixture
def turn_ends(net):
    """Makes a TURN client in one namespace and a peer in another; the client is bound to the peer."""
    with contextlib.ExitStack() as stack:

        def make(relay, peer_family=4, ip=xdp_network.RELAY, way="udp", space="near"):
            host, attributes = PEERS[peer_family]
            with net.inside(space):
                client = TurnClient(TRANSPORTS[way](relay.address(ip=ip)))
            with net.inside("far"):
                peer = Peer(host)
            stack.callback(peer.close)
            stack.callback(client.close)
            assert client.allocated(*attributes).bind(0x4000, peer.address).ok()
            return client, peer

        yield make
