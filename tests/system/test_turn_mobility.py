# SPDX-License-Identifier: Apache-2.0
"""Mobility (RFC 8016): an allocation follows its client to another address, port or transport."""
import time

import pytest

import turn_message as m
from turn import Credentials
from turn_server import ORACLE, TurnServer, ours_alone
from turn_transport import TRANSPORTS

ASK = (m.MOBILITY_TICKET, b"")


@pytest.fixture(scope="module")
def mobile(turn_cert):
    server = TurnServer("mobility", cert=turn_cert)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def spread(turn_cert):
    """The same with several workers."""
    if ORACLE:
        pytest.skip("coturn differs")
    server = TurnServer("mobility", cert=turn_cert, daemon_options=["--num-threads=3"])
    yield server
    server.stop()


def ticket_of(reply):
    ticket = reply.get(m.MOBILITY_TICKET)
    assert ticket, repr(reply)
    return ticket


def begin(server, connect, way="udp"):
    client = connect(server, way)
    reply = client.allocate(ASK)
    assert reply.ok(), repr(reply)
    return client, ticket_of(reply)


def move(server, connect, client, ticket, way="udp", source=None, credentials=None):
    """The same client on another path. Gives it and the answer."""
    moved = connect(server, way, credentials or client.credentials, source=source)
    moved.relayed = client.relayed
    return moved, moved.request(m.REFRESH, (m.MOBILITY_TICKET, ticket))


def test_mobility_is_off_unless_asked_for(turn, connect, way):
    reply = connect(turn, way).allocate(ASK)
    assert reply.kind == m.ERROR and reply.code == 405


def test_a_ticket_is_asked_for_with_an_empty_one(mobile, connect):
    assert connect(mobile).allocate((m.MOBILITY_TICKET, b"something")).code == 400
    reply = connect(mobile).allocate()
    assert reply.ok() and m.MOBILITY_TICKET not in reply


@pytest.mark.parametrize("target", TRANSPORTS)
def test_an_allocation_moves_to_another_transport(mobile, connect, peers, way, target):
    client, ticket = begin(mobile, connect, way)
    peer = peers()
    assert client.bind(0x4000, peer.address).ok()
    moved, reply = move(mobile, connect, client, ticket, target)
    assert reply.ok(), repr(reply)
    assert ticket_of(reply) != ticket
    assert reply.number(m.LIFETIME) == 600
    # Permission and channel came along.
    moved.send_channel(0x4000, b"from elsewhere")
    assert peer.receive() == (b"from elsewhere", client.relayed)
    peer.send(client.relayed, b"to elsewhere")
    assert moved.receive() == (0x4000, b"to elsewhere")


@ours_alone
def test_the_old_path_hears_until_the_new_one_sends(mobile, connect, peers):
    client, ticket = begin(mobile, connect)
    peer = peers()
    assert client.bind(0x4000, peer.address).ok()
    moved, reply = move(mobile, connect, client, ticket)
    assert reply.ok()
    peer.send(client.relayed, b"not yet moved")
    assert client.receive() == (0x4000, b"not yet moved")
    client.send_channel(0x4000, b"old path")
    assert peer.receive()[0] == b"old path"
    moved.send_channel(0x4000, b"new path")
    assert peer.receive()[0] == b"new path"
    peer.send(client.relayed, b"moved")
    assert moved.receive() == (0x4000, b"moved")
    assert client.hears_nothing()


@pytest.mark.parametrize("target", ["udp", "tcp", "tls"])
def test_moves_from_many_ports_find_the_allocation(spread, connect, peers, target):
    """Each port may be another worker's. Over DTLS only a path to the same worker will do."""
    client, ticket = begin(spread, connect)
    peer = peers()
    assert client.permit(peer.address).ok()
    for n in range(12):
        client, reply = move(spread, connect, client, ticket, target, source=(f"127.0.0.{n + 1}", 0))
        assert reply.ok(), f"move {n}: {reply!r}"
        ticket = ticket_of(reply)
        client.send_to(peer.address, b"%d" % n)
        assert peer.receive() == (b"%d" % n, client.relayed)
        peer.send(client.relayed, b"back")
        assert client.heard() == (peer.address, b"back")
        assert client.refresh().ok()


@ours_alone
def test_a_ticket_is_for_its_user(mobile, connect):
    client, ticket = begin(mobile, connect)
    _, reply = move(mobile, connect, client, ticket, credentials=Credentials("bob", "builder"))
    assert reply.code == 441
    assert client.refresh().ok()
    assert move(mobile, connect, client, ticket)[1].ok()


def test_a_move_over_dtls_to_another_worker_costs_an_allocation(spread, connect):
    """A DTLS session stays where its keys are: the client is told that there is nothing, and allocates anew."""
    codes = set()
    for _ in range(8):
        client, ticket = begin(spread, connect)
        moved, reply = move(spread, connect, client, ticket, "dtls")
        codes.add(0 if reply.ok() else reply.code)
        if not reply.ok():
            moved.allocated()
            assert client.refresh().ok()
    assert codes <= {0, 437}


@ours_alone
def test_tickets_that_are_none(mobile, connect):
    client, ticket = begin(mobile, connect)
    wrong = [bytes(len(ticket)), b"x", ticket[:-1], ticket + b"\x00", b"\xff" * 600,
             *(ticket[:at] + bytes([ticket[at] ^ 1]) + ticket[at + 1:] for at in range(0, len(ticket), 3))]
    for one in wrong:
        reply = move(mobile, connect, client, one)[1]
        assert reply.kind == m.ERROR and reply.code in (400, 437), f"{one.hex()}: {reply!r}"
    assert client.refresh().ok()


@ours_alone
def test_a_ticket_of_an_allocation_that_ended(mobile, connect):
    client, ticket = begin(mobile, connect)
    assert client.refresh(0).ok()
    assert move(mobile, connect, client, ticket)[1].code == 437


@ours_alone
def test_an_old_ticket_ends_with_the_move(mobile, connect, peers):
    client, ticket = begin(mobile, connect)
    moved, reply = move(mobile, connect, client, ticket)
    assert reply.ok()
    peer = peers()
    assert moved.permit(peer.address).ok()
    moved.send_to(peer.address, b"settled")
    assert peer.receive()[0] == b"settled"
    assert move(mobile, connect, client, ticket)[1].code == 437


@ours_alone
def test_a_move_that_ends_the_allocation(mobile, connect):
    client, ticket = begin(mobile, connect)
    other = connect(mobile)
    reply = other.request(m.REFRESH, (m.LIFETIME, m.u32(0)), (m.MOBILITY_TICKET, ticket))
    assert reply.ok() and reply.number(m.LIFETIME) == 0
    assert client.refresh().code == 437


@ours_alone
@pytest.mark.parametrize("way", ["tcp", "tls", "dtls"])
def test_a_mobile_allocation_outlives_its_connection(mobile, connect, peers, way):
    client, ticket = begin(mobile, connect, way)
    peer = peers()
    assert client.bind(0x4000, peer.address).ok()
    client.transport.close()
    time.sleep(0.3)
    moved, reply = move(mobile, connect, client, ticket, way)
    assert reply.ok(), repr(reply)
    moved.send_channel(0x4000, b"again")
    assert peer.receive() == (b"again", client.relayed)
    peer.send(client.relayed, b"welcome back")
    assert moved.receive() == (0x4000, b"welcome back")


@ours_alone
def test_a_quota_stays_charged_while_its_allocation_moves(start_turn, connect):
    server = start_turn("mobility", "user-quota=1")
    client, ticket = begin(server, connect)
    for _ in range(5):
        client, reply = move(server, connect, client, ticket)
        assert reply.ok()
        ticket = ticket_of(reply)
        client.send_to(("127.0.0.1", 9), b"x")
    assert connect(server).allocate().code == 486
    assert client.refresh(0).ok()
    connect(server).allocated()
