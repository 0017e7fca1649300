# SPDX-License-Identifier: Apache-2.0
"""Several workers: each allocation lives on one, and is found wherever its packets come in."""
import contextlib
import socket

import pytest

import turn_message as m
from test_turn_tcp_allocations import TcpPeer, attempt, bind, received, spliced
from turn import TurnClient
from turn_server import TurnServer, ours_alone
from turn_transport import TRANSPORTS, Udp

pytestmark = ours_alone
WORKERS = 4


@pytest.fixture(scope="module")
def server(turn_cert):
    one = TurnServer(ips=("127.0.0.1", "::1"), cert=turn_cert, daemon_options=[f"--num-threads={WORKERS}"])
    yield one
    one.stop()


@pytest.fixture
def intruder(server):
    """One more socket on the server's UDP port: from now on the kernel spreads the flows otherwise. It is closed
    at once again, as its share of the packets would be lost; closing moves flows as well."""

    @contextlib.contextmanager
    def disturb():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            one.bind(("127.0.0.1", server.port))
            one.settimeout(0.05)
            yield one

    return disturb


def relays_both_ways(client, peer, text):
    client.send_channel(0x4000, text)
    assert peer.receive() == (text, client.relayed)
    peer.send(client.relayed, text)
    assert client.receive() == (0x4000, text)


@pytest.mark.parametrize("way", TRANSPORTS)
def test_many_clients_on_all_workers(server, connect, peers, way):
    peer = peers()
    clients = [connect(server, way).allocated() for _ in range(24)]
    assert len({client.relayed for client in clients}) == 24
    for n, client in enumerate(clients):
        assert client.bind(0x4000, peer.address).ok()
        relays_both_ways(client, peer, b"%d" % n)
    for client in clients:
        assert client.refresh(0).ok()


def test_two_clients_of_different_workers_talk(server, connect):
    clients = [connect(server).allocated() for _ in range(12)]
    for one, two in zip(clients, clients[1:]):
        assert one.permit(two.relayed).ok() and two.permit(one.relayed).ok()
        one.send_to(two.relayed, b"over")
        assert two.heard() == (one.relayed, b"over")
        two.send_to(one.relayed, b"and out")
        assert one.heard() == (two.relayed, b"and out")


def test_a_reservation_made_on_another_worker(server, connect):
    for _ in range(12):
        first = connect(server)
        reply = first.allocate((m.EVEN_PORT, b"\x80"))
        second = connect(server).allocated((m.RESERVATION_TOKEN, reply.get(m.RESERVATION_TOKEN)))
        assert second.relayed[1] == first.relayed[1] + 1


def forwarding(intruder, data):
    """A packet that the kernel gave to the intruder is lost there; say so."""
    try:
        return intruder.recv(2000) == data
    except TimeoutError:
        return False


def test_flows_that_move_to_another_worker_find_their_allocation(server, connect, peers, intruder):
    """A rehash of the kernel, as after a restart with another number of workers: nothing is lost but what the
    intruder itself swallows."""
    peer = peers()
    clients = [connect(server).allocated() for _ in range(24)]
    for client in clients:
        assert client.bind(0x4000, peer.address).ok()
    moved = 0
    with intruder() as extra:
        for n, client in enumerate(clients):
            text = b"moved %d" % n
            client.send_channel(0x4000, text)
            got = peer.receive(0.3)
            if got is None:
                assert forwarding(extra, m.channel_data(0x4000, text)), "lost in the server"
                continue
            moved += 1
            assert got == (text, client.relayed)
            peer.send(client.relayed, text)
            assert client.receive() == (0x4000, text)
            assert client.refresh().ok()
            assert client.permit(("127.0.0.9", 9)).ok()
        assert moved > 8
    for n, client in enumerate(clients):
        relays_both_ways(client, peer, b"back %d" % n)
        assert client.allocate().code == 437, "the allocation is known on this worker too"
        assert client.refresh(0).ok()
        assert client.refresh().code == 437


def test_an_allocate_repeated_on_another_worker_is_the_same(server, connect, intruder):
    """The retransmission comes in elsewhere: one allocation, not two."""
    for _ in range(12):
        client = connect(server)
        client.challenge()
        draft = client.draft(m.ALLOCATE, (m.REQUESTED_TRANSPORT, m.transport(m.UDP)))
        first = client.transact(draft)
        with intruder():
            again = client.transact(draft, 0.5)
        again = again or client.transact(draft)
        assert first.address(m.XOR_RELAYED) == again.address(m.XOR_RELAYED)


def test_a_quota_counts_over_all_workers(start_turn, connect):
    server = start_turn("user-quota=5", daemon_options=[f"--num-threads={WORKERS}"])
    clients = [connect(server) for _ in range(20)]
    replies = [client.allocate() for client in clients]
    assert sum(reply.ok() for reply in replies) == 5
    assert {reply.code for reply in replies if not reply.ok()} == {486}
    for client, reply in zip(clients, replies):
        if reply.ok():
            assert client.refresh(0).ok()
    assert sum(connect(server).allocate().ok() for _ in range(8)) == 5


def test_a_port_range_is_shared_by_all_workers(start_turn, connect):
    server = start_turn(block=10, daemon_options=[f"--num-threads={WORKERS}"])
    for _ in range(2):
        clients = [connect(server) for _ in range(14)]
        replies = [client.allocate() for client in clients]
        assert sum(reply.ok() for reply in replies) == 10
        assert {reply.code for reply in replies if not reply.ok()} == {508}
        for client, reply in zip(clients, replies):
            if reply.ok():
                assert client.refresh(0).ok()


@pytest.mark.parametrize("way", ["tcp", "tls"])
def test_data_connections_come_in_on_any_worker(server, connect, way):
    """RFC 6062: the stream moves to the worker of its allocation, with what was read ahead of it."""
    peer = TcpPeer()
    try:
        client = connect(server, way).allocated(protocol=m.TCP)
        for n in range(8):
            near, far = spliced(server, connect, way, client, peer)
            near.send(b"%d out" % n)
            assert received(far, 5) == b"%d out" % n
            far.sendall(b"%d back" % n)
            assert near.receive_raw(6) == b"%d back" % n
            near.close()
            far.close()
            assert client.refresh().ok()
            peer.close()
            peer = TcpPeer()
    finally:
        peer.close()


@pytest.mark.parametrize("way", ["tcp", "tls"])
def test_payload_behind_a_bind_moves_along(server, connect, way):
    client = connect(server, way).allocated(protocol=m.TCP)
    for n in range(8):
        peer = TcpPeer()
        reply = client.connect(peer.address)
        far, _ = peer.accept()
        data = connect(server, way)
        data.challenge(m.CONNECTION_BIND)
        draft = data.draft(m.CONNECTION_BIND, (m.CONNECTION_ID, reply.get(m.CONNECTION_ID)))
        data.send(draft.bytes() + b"impatient %d" % n)
        assert data.answer(draft.transaction).ok()
        assert received(far, 11) == b"impatient %d" % n
        peer.close()


def test_peers_that_connect_are_told_on_any_worker(server, connect):
    client = connect(server, "tcp").allocated(protocol=m.TCP)
    assert client.permit(("127.0.0.1", 0)).ok()
    for _ in range(8):
        with socket.create_connection(client.relayed, 5) as far:
            data, reply = bind(server, connect, "tcp", client, attempt(client).get(m.CONNECTION_ID))
            assert reply.ok()
            data.transport.send(b"hello")
            assert received(far, 5) == b"hello"


def test_a_client_whose_nat_forgot_it_starts_anew(server, connect, peers):
    """Another port, the same user: an allocation of its own; the old one lives on until it expires."""
    peer = peers()
    old = connect(server).allocated()
    new = connect(server).allocated()
    assert new.relayed != old.relayed
    assert new.bind(0x4000, peer.address).ok()
    relays_both_ways(new, peer, b"new port")


def test_strangers_cannot_use_the_directory(server):
    """Data and requests from a path without an allocation go nowhere, on whatever worker they come in."""
    for _ in range(30):
        one = Udp(server.address(), source=("127.0.0.88", 0))
        client = TurnClient(one)
        one.send(m.channel_data(0x4000, b"whose?"))
        one.send(m.Draft(m.SEND, m.INDICATION).peer(("127.0.0.1", 9)).add(m.DATA_VALUE, b"x").bytes())
        assert client.refresh().code == 437
        one.close()
