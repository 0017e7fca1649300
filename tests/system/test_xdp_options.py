# SPDX-License-Identifier: Apache-2.0
"""XDP beside other options and on other interfaces: the class of packets, several workers and queues."""
import socket

import pytest

import rtp
from test_turn_data import want_class
from xdp_fixtures import needs_xdp
from xdp_network import RELAY6, RELAY_NETS
from xdp_relay import channel_both_ways, settle_turn

pytestmark = needs_xdp

GENERIC = 2  # as `ip` tells of the mode
# IP_RECVTTL, IPV6_RECVHOPLIMIT
WANT_HOP_LIMIT = {4: (socket.IPPROTO_IP, 12), 6: (socket.IPPROTO_IPV6, 51)}


def heard_as(call, expected):
    """Hop limit and class of what B hears."""
    call.b.rtp.settimeout(3)
    for seq in range(20):
        call.a.send(call.a_to, rtp.packet(seq))
        _, ancillary, _, _ = call.b.rtp.recvmsg(4096, 128)
        assert sorted(data[0] for _, _, data in ancillary) == expected


@pytest.mark.parametrize("family", [4, 6])
def test_tos_and_hop_limit_are_those_of_a_socket(start_xdp, between, family):
    relay = start_xdp("--tos=184")
    call = between(relay, "near", "near", family)
    want_class(call.b.rtp)
    call.b.rtp.setsockopt(*WANT_HOP_LIMIT[family], 1)
    call.settle()
    with relay.carries(20, 20):
        heard_as(call, [64, 184])
    again = {"call_id": call.name, "from_tag": "A", "to_tag": "B", "sdp": call.a.sdp()}
    relay.ng.command("offer", TOS=96, **again)
    relay.ng.answer(call.name, call.b.sdp())
    heard_as(call, [64, 96])


def test_calls_of_two_workers_go_by_xdp(start_xdp, between):
    relay = start_xdp("--num-threads=2")
    calls = [between(relay, "near", other) for other in ("near", "far") * 4]
    for call in calls:
        call.by_xdp(10)
    assert all(f"event=call-created worker={n}" in relay.log() for n in (0, 1))
    with relay.carries(8 * 20, 8 * 20, by_kernel=20):
        for call in calls:
            call.both_ways(10)


def test_turn_of_two_workers(start_xdp, turn_ends):
    """Clients share a port, which the kernel spreads; relayed addresses are each of one worker."""
    relay = start_xdp("--num-threads=2")
    ends = [turn_ends(relay) for _ in range(6)]
    for client, peer in ends:
        settle_turn(client, peer)
    before = relay.carried()
    with relay.carries(6 * 10, 6 * 10, by_kernel=20):
        for client, peer in ends:
            channel_both_ways(client, peer, 10)
    assert relay.carried().received - before.received == 6 * 10, "those of peers, and none of clients"


# Interfaces


@pytest.fixture
def replug(net):
    """Gives the relay another cable; afterwards it has the usual one again."""

    def make(*addresses, **keys):
        net.plug("relay", *addresses, **keys)
        net.forget("near", "gate1", "gate2")

    yield make
    make(*RELAY_NETS)
    net.routes()


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_an_interface_with_queues(net, replug, start_xdp, between, workers):
    replug(*RELAY_NETS, queues=2)
    net.routes()
    relay = start_xdp(f"--num-threads={workers}")
    assert "2 queues" in relay.log()
    calls = [between(relay, "near", other, family) for other in ("near", "far") for family in (4, 6)]
    for call in calls:
        call.by_xdp(10)


def test_behind_the_driver(net, start_xdp, between):
    """What may be several packets in one is left to the kernel: on veth pairs, all without a checksum."""
    relay = start_xdp("--xdp-attach=generic")
    assert net.link("relay")["xdp"]["mode"] == GENERIC
    calls = [between(relay, "near", "far", family) for family in (4, 6)]
    for call in calls:
        call.both_ways(10)
    assert relay.carried().received == 0
    with net.whole_checksums():
        for call in calls:
            call.by_xdp()


def test_a_jumbo_network(net, replug, start_xdp, between):
    """Too long for the driver of a veth pair, and so behind it."""
    replug(*RELAY_NETS, mtu=9000)
    net.routes()
    relay = start_xdp()
    assert net.link("relay")["xdp"]["mode"] == GENERIC
    with net.whole_checksums():
        between(relay, "near", "near").by_xdp()


def test_an_address_that_comes_later(net, replug, start_xdp, between):
    """As one that moves between machines: the interface has to be named."""
    replug(RELAY_NETS[1])
    relay = start_xdp("--xdp-interface=eth0", ips=(RELAY6,))
    net.address("relay", RELAY_NETS[0])
    between(relay, "near", "near").by_xdp()
    net.ip("relay", "addr", "del", RELAY_NETS[0], "dev", "eth0")
    between(relay, "near", "near", 6).by_xdp()
    net.address("relay", RELAY_NETS[0])
    between(relay, "near", "near").by_xdp()


def test_an_address_on_a_bridge(net, replug, start_xdp, between):
    """As hosts of containers have it; taken behind the driver."""
    replug()
    net.ip("relay", "link", "add", "br0", "type", "bridge", "forward_delay", "0")
    net.ip("relay", "link", "set", "eth0", "master", "br0")
    net.ip("relay", "link", "set", "br0", "up")
    net.address("relay", *RELAY_NETS, device="br0")
    net.routes()
    relay = start_xdp()
    assert net.link("relay", "br0")["xdp"]["mode"] == GENERIC
    with net.whole_checksums():
        for family in (4, 6):
            between(relay, "near", "far", family).by_xdp()
    relay.stop()
    net.ip("relay", "link", "del", "br0")
