# SPDX-License-Identifier: Apache-2.0
"""Payload between client and peer (W35-W38), what of the IP header goes along (W42, W43), ICMP (W41)."""
import contextlib
import socket
import struct
import time

import pytest

import turn_message as m
from turn import Peer
from turn_server import ORACLE, ours_alone

IP6 = (m.REQUESTED_FAMILY, m.family(m.IPV6))
FAMILIES = {"127.0.0.1": (), "::1": (IP6,)}


@pytest.fixture(params=FAMILIES)
def pair(request, turn, connect, way, peers):
    """A client with an allocation over each transport, and a peer of each family."""
    client = connect(turn, way).allocated(*FAMILIES[request.param])
    return client, peers(request.param)


def test_w35_send_needs_a_permission(pair):
    client, peer = pair
    client.send_to(peer.address, b"before")
    assert client.permit(peer.address).ok()
    client.send_to(peer.address, b"after")
    assert peer.receive() == (b"after", client.relayed), "what was sent before the permission comes first"


def test_w35_another_address_needs_its_own_permission(turn, connect, way, peers):
    client, peer, stranger = connect(turn, way).allocated(), peers(), peers("127.0.0.2")
    assert client.permit(peer.address).ok()
    client.send_to(stranger.address, b"no")
    stranger.send(client.relayed, b"no")
    client.send_to(peer.address, b"yes")
    assert peer.receive()[0] == b"yes"
    peer.send(client.relayed, b"yes")
    assert client.heard() == (peer.address, b"yes")
    assert stranger.hears_nothing(0.01)


def test_w37_peer_to_client(pair):
    client, peer = pair
    peer.send(client.relayed, b"before")
    assert client.hears_nothing(0.05)
    assert client.permit(peer.address).ok()
    peer.send(client.relayed, b"permitted")
    assert client.heard() == (peer.address, b"permitted")
    assert client.bind(0x4000, peer.address).ok()
    peer.send(client.relayed, b"bound")
    assert client.receive() == (0x4000, b"bound")
    # Another port of the same address has a permission, but no channel.
    other = Peer(peer.address[0])
    with contextlib.closing(other):
        other.send(client.relayed, b"other port")
        assert client.heard() == (other.address, b"other port")


def test_channel_data_to_the_peer_and_back(pair):
    client, peer = pair
    assert client.bind(0x4FFF, peer.address).ok()
    for size in (0, 1, 2, 3, 4, 5, 100, 1200):
        payload = bytes(range(256)) * 5
        client.send_channel(0x4FFF, payload[:size])
        assert peer.receive() == (payload[:size], client.relayed)
        peer.send(client.relayed, payload[:size])
        assert client.receive() == (0x4FFF, payload[:size])


def test_indications_of_every_size(pair):
    client, peer = pair
    assert client.permit(peer.address).ok()
    for size in (0, 1, 2, 3, 4, 5, 100, 1200):
        client.send_to(peer.address, b"x" * size)
        assert peer.receive() == (b"x" * size, client.relayed)
        peer.send(client.relayed, b"y" * size)
        assert client.heard() == (peer.address, b"y" * size)


def test_channels_nobody_bound_lead_nowhere(turn, connect, way, peers):
    client, peer = connect(turn, way).allocated(), peers()
    assert client.bind(0x4001, peer.address).ok()
    for number in (0x4000, 0x4002, 0x4FFF):
        client.send_channel(number, b"lost")
    client.send_channel(0x4001, b"found")
    assert peer.receive()[0] == b"found"


def test_w38_channel_data_that_claims_more_than_it_has(turn, connect, peers):
    client, peer = connect(turn).allocated(), peers()
    assert client.bind(0x4000, peer.address).ok()
    for frame in (b"\x40\x00\x00\x05abcd", b"\x40\x00\xff\xffabcd", b"\x40\x00\x00", b"\x40\x00", b"\x40"):
        client.send(frame)
    client.send_channel(0x4000, b"whole")
    assert peer.receive()[0] == b"whole"


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_w38_padding_in_a_datagram_is_not_payload(turn, connect, peers, size):
    client, peer = connect(turn).allocated(), peers()
    assert client.bind(0x4000, peer.address).ok()
    client.send(m.channel_data(0x4000, b"z" * size, padded=True))
    assert peer.receive()[0] == b"z" * size


def test_a_send_indication_that_lacks_something(turn, connect, way, peers):
    client, peer = connect(turn, way).allocated(), peers()
    assert client.permit(peer.address).ok()
    client.send(m.Draft(m.SEND, m.INDICATION).peer(peer.address))
    client.send(m.Draft(m.SEND, m.INDICATION).add(m.DATA_VALUE, b"to nobody"))
    client.send(m.Draft(m.SEND, m.INDICATION).add(m.XOR_PEER, b"\x00\x01").add(m.DATA_VALUE, b"half an address"))
    if not ORACLE:
        client.send(m.Draft(m.SEND, m.INDICATION).peer(peer.address).add(0x7777).add(m.DATA_VALUE, b"unknown attribute"))
    client.send_to(peer.address, b"whole")
    assert peer.receive()[0] == b"whole"
    assert client.refresh().ok() and not client.inbox


def test_a_send_request_is_no_method(turn, connect):
    client = connect(turn).allocated()
    client.send(client.draft(m.SEND, (m.DATA_VALUE, b"x"), peers=[("127.0.0.1", 9)]))
    reply = client.receive(0.3)
    assert reply is None or reply.kind == m.ERROR


def test_two_clients_of_the_server_talk_over_their_relays(turn, connect, way):
    one, two = connect(turn, way).allocated(), connect(turn).allocated()
    assert one.permit(two.relayed).ok() and two.bind(0x4005, one.relayed).ok()
    one.send_to(two.relayed, b"ping")
    assert two.receive() == (0x4005, b"ping")
    two.send_channel(0x4005, b"pong")
    assert one.heard() == (two.relayed, b"pong")


def test_a_client_talks_to_itself_over_its_relay(udp):
    udp.allocated()
    assert udp.permit(udp.relayed).ok()
    udp.send_to(udp.relayed, b"hello me")
    assert udp.heard() == (udp.relayed, b"hello me")


# Expiry, with the lifetimes lowered


def repeat(seconds, *actions):
    """Does the actions every 100 ms for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for action in actions:
            action()
        time.sleep(0.1)


def drain(receive):
    while receive(0.02):
        pass


def test_w35_neither_payload_nor_peer_keeps_a_permission(start_turn, connect, peers):
    server = start_turn("permission-lifetime=1")
    sender, receiver, peer, talker = connect(server).allocated(), connect(server).allocated(), peers(), peers()
    assert sender.permit(peer.address).ok() and receiver.permit(talker.address).ok()
    repeat(2.2, lambda: sender.send_to(peer.address, b"early"), lambda: talker.send(receiver.relayed, b"early"))
    drain(peer.receive)
    drain(receiver.receive)
    sender.send_to(peer.address, b"late")
    talker.send(receiver.relayed, b"late")
    assert peer.hears_nothing() and receiver.hears_nothing()


@ours_alone  # a permission made by ChannelBind lives as long as the channel there
def test_w36_channel_data_keeps_neither_channel_nor_permission(start_turn, connect, peers):
    server = start_turn("permission-lifetime=1", "channel-lifetime=2")
    client, peer = connect(server).allocated(), peers()
    assert client.bind(0x4000, peer.address).ok()
    repeat(2.2, lambda: client.send_channel(0x4000, b"early"))
    drain(peer.receive)
    client.send_channel(0x4000, b"late")
    assert peer.hears_nothing()
    # With the permission again, the channel is still gone.
    repeat(0.8, lambda: client.permit(peer.address))
    client.send_channel(0x4000, b"no channel")
    assert peer.hears_nothing()
    peer.send(client.relayed, b"by indication")
    assert client.heard() == (peer.address, b"by indication")


def test_w36_asking_again_keeps_channel_and_permission(start_turn, connect, peers):
    server = start_turn("permission-lifetime=2", "channel-lifetime=2")
    client, peer, other = connect(server).allocated(), peers(), peers("127.0.0.2")
    for _ in range(4):
        assert client.bind(0x4000, peer.address).ok() and client.permit(other.address).ok()
        time.sleep(0.7)
        client.send_channel(0x4000, b"still")
        assert peer.receive()[0] == b"still"
        peer.send(client.relayed, b"still")
        assert client.receive() == (0x4000, b"still")
        client.send_to(other.address, b"still")
        assert other.receive()[0] == b"still"


# W43: the class of a datagram


def send_with_class(sock, to, payload, value):
    if sock.family == socket.AF_INET:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, value)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, value)
    sock.sendto(payload, to) if to else sock.send(payload)


def receive_with_class(sock):
    """(payload, class) of the next datagram."""
    sock.settimeout(3)
    payload, ancillary, _, _ = sock.recvmsg(4096, 64)
    return payload, next(data[0] for _, _, data in ancillary)


def want_class(sock):
    if sock.family == socket.AF_INET:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)


@pytest.mark.parametrize("host", FAMILIES)
def test_w43_dscp_and_ecn_go_along_both_ways(turn, connect, peers, host):
    client, peer = connect(turn, ip=host).allocated(*FAMILIES[host]), peers(host)
    assert client.bind(0x4000, peer.address).ok()
    want_class(peer.socket)
    want_class(client.transport.socket)
    for value in (46 << 2, 46 << 2 | 1, 46 << 2 | 2, 46 << 2 | 3, 0, 10 << 2):
        send_with_class(client.transport.socket, None, m.channel_data(0x4000, b"out"), value)
        assert receive_with_class(peer.socket) == (b"out", value)
        send_with_class(peer.socket, client.relayed, b"in", value)
        assert receive_with_class(client.transport.socket) == (m.channel_data(0x4000, b"in"), value)


# W41: ICMP


@ours_alone
@pytest.mark.parametrize("host", FAMILIES)
def test_w41_port_unreachable_is_told(turn, connect, way, host):
    client, peer = connect(turn, way).allocated(*FAMILIES[host]), Peer(host)
    peer.close()
    assert client.permit(peer.address).ok()
    client.send_to(peer.address, b"anybody there?")
    told = client.receive()
    assert (told.method, told.kind) == (m.DATA, m.INDICATION)
    assert told.address(m.XOR_PEER) == peer.address and m.DATA_VALUE not in told
    reserved, kind, data = struct.unpack("!HHI", told.get(m.ICMP))
    kind, code = kind >> 9, kind & 0x1FF
    assert reserved == 0 and data == 0
    assert (kind, code) == ((3, 3) if host == "127.0.0.1" else (1, 4))


@ours_alone
def test_w41_is_told_over_a_channel_too_and_not_endlessly(turn, connect):
    client, peer = connect(turn).allocated(), Peer()
    peer.close()
    assert client.bind(0x4000, peer.address).ok()
    for _ in range(200):
        client.send_channel(0x4000, b"x")
    told = []
    while (message := client.receive(0.2)) is not None:
        assert m.ICMP in message
        told.append(message)
    assert 1 <= len(told) <= 100


@ours_alone
def test_w41_an_unreachable_peer_does_not_disturb_another(turn, connect, peers):
    client, gone, here = connect(turn).allocated(), Peer(), peers()
    gone.close()
    assert client.bind(0x4000, gone.address).ok() and client.bind(0x4001, here.address).ok()
    for n in range(50):
        client.send_channel(0x4000, b"lost")
        client.send_channel(0x4001, b"%d" % n)
        assert here.receive()[0] == b"%d" % n


# W42


def test_w42_dont_fragment_is_understood(turn, connect, way, peers):
    client, peer = connect(turn, way).allocated((m.DONT_FRAGMENT, b"")), peers()
    assert client.permit(peer.address).ok()
    client.send_to(peer.address, b"whole or not at all", (m.DONT_FRAGMENT, b""))
    assert peer.receive()[0] == b"whole or not at all"
