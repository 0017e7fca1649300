# SPDX-License-Identifier: Apache-2.0
"""TCP allocations (RFC 6062; W44): the client connects to peers, peers connect to the client."""
import contextlib
import os
import select
import socket
import ssl
import struct
import threading
import time

import pytest

import turn_message as m
from turn import Credentials
from turn_server import ours_alone

WANT_TCP = (m.REQUESTED_TRANSPORT, m.transport(m.TCP))
IP6 = (m.REQUESTED_FAMILY, m.family(m.IPV6))


@pytest.fixture(params=["tcp", "tls"])
def way(request):
    return request.param


class TcpPeer:
    """A TCP server beyond the relay."""

    def __init__(self, host="127.0.0.1"):
        self.listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        self.listener.settimeout(5)
        self.address = self.listener.getsockname()[:2]
        self.accepted = []

    def accept(self):
        connection, source = self.listener.accept()
        connection.settimeout(5)
        self.accepted.append(connection)
        return connection, source[:2]

    def close(self):
        for one in [*self.accepted, self.listener]:
            one.close()


@pytest.fixture
def tcp_peers():
    made = []

    def make(host="127.0.0.1"):
        made.append(TcpPeer(host))
        return made[-1]

    yield make
    for one in made:
        one.close()


def data_connection(server, connect, way, client, credentials=None):
    """A new connection that begins, as clients do, with the nonce of the control connection."""
    data = connect(server, way, credentials)
    data.realm, data.nonce, data.offered = client.realm, client.nonce, client.offered
    return data


def bind(server, connect, way, client, connection_id, credentials=None):
    """The client's side of a peer's connection. Gives the new client and the answer."""
    data = data_connection(server, connect, way, client, credentials)
    return data, data.request(m.CONNECTION_BIND, (m.CONNECTION_ID, connection_id))


def spliced(server, connect, way, client, peer):
    """A connection through the relay from both ends."""
    reply = client.connect(peer.address)
    assert reply.ok(), repr(reply)
    far, source = peer.accept()
    assert source == client.relayed
    data, reply = bind(server, connect, way, client, reply.get(m.CONNECTION_ID))
    assert reply.ok(), repr(reply)
    return data.transport, far


def received(sock, size):
    data = b""
    while len(data) < size and (more := sock.recv(65536)):
        data += more
    return data


def ended(sock, timeout=3):
    sock.settimeout(timeout)
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_w44_connect_bind_and_talk(turn, connect, way, tcp_peers, host):
    client = connect(turn, way).allocated(*([IP6] if host == "::1" else []), protocol=m.TCP)
    near, far = spliced(turn, connect, way, client, tcp_peers(host))
    near.send(b"GET / HTTP/1.0\r\n\r\n")
    assert received(far, 18) == b"GET / HTTP/1.0\r\n\r\n"
    far.sendall(b"\x40\x00\x00\x04 this looks like ChannelData")
    assert near.receive_raw(32) == b"\x40\x00\x00\x04 this looks like ChannelData"


def test_w44_data_that_comes_before_the_bind_waits(turn, connect, way, tcp_peers):
    client, peer = connect(turn, way).allocated(protocol=m.TCP), tcp_peers()
    reply = client.connect(peer.address)
    far, _ = peer.accept()
    far.sendall(b"220 early bird\r\n")
    time.sleep(0.1)
    data, bound = bind(turn, connect, way, client, reply.get(m.CONNECTION_ID))
    assert bound.ok()
    assert data.transport.receive_raw(16) == b"220 early bird\r\n"


@ours_alone  # loses it
def test_w44_data_right_behind_the_bind(turn, connect, way, tcp_peers):
    """What a client sends without waiting for the answer to its ConnectionBind is data already."""
    client, peer = connect(turn, way).allocated(protocol=m.TCP), tcp_peers()
    reply = client.connect(peer.address)
    far, _ = peer.accept()
    data = connect(turn, way)
    data.challenge(m.CONNECTION_BIND)
    draft = data.draft(m.CONNECTION_BIND, (m.CONNECTION_ID, reply.get(m.CONNECTION_ID)))
    data.send(draft.bytes() + b"impatient")
    assert data.answer(draft.transaction).ok()
    assert received(far, 9) == b"impatient"


def pump(sock, out, size):
    """Writes `out` and reads `size` bytes at the same time; gives what was read."""
    sock.setblocking(False)
    got, view, deadline = bytearray(), memoryview(out), time.monotonic() + 60
    while (view or len(got) < size) and time.monotonic() < deadline:
        busy = False
        with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            view = view[sock.send(view[:65536]) if view else 0:]
            busy = bool(view)
        with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError):
            more = sock.recv(65536)
            got += more
            busy = True
            if not more:
                break
        if not busy:
            select.select([sock], [sock] if view else [], [], 0.05)
    return bytes(got)


@pytest.mark.parametrize("direction", ["out", "back", pytest.param("both", marks=ours_alone)])
def test_w44_ten_megabytes(turn, connect, way, tcp_peers, direction):
    client = connect(turn, way).allocated(protocol=m.TCP)
    near, far = spliced(turn, connect, way, client, tcp_peers())
    size = 10 * 1024 * 1024
    out = os.urandom(size) if direction != "back" else b""
    back = os.urandom(size) if direction != "out" else b""
    seen = {}
    other_end = threading.Thread(target=lambda: seen.update(out=pump(far, back, len(out))))
    other_end.start()
    seen["back"] = pump(near.socket, out, len(back))
    other_end.join()
    assert (len(seen["out"]), len(seen["back"])) == (len(out), len(back))
    assert seen["out"] == out and seen["back"] == back
    assert client.refresh().ok()


def test_w44_the_same_peer_twice(turn, connect, way, tcp_peers):
    client, peer = connect(turn, way).allocated(protocol=m.TCP), tcp_peers()
    assert client.connect(peer.address).ok()
    assert client.connect(peer.address).code == 446
    assert client.connect(tcp_peers().address).ok()


def test_w44_nobody_listens(turn, connect, way):
    client = connect(turn, way).allocated(protocol=m.TCP)
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = gone.getsockname()
    assert client.connect(address).code == 447
    assert client.connect(address).code == 447, "a failed connection is forgotten"


def test_w44_closing_one_side_closes_the_other(turn, connect, way, tcp_peers):
    client, peer = connect(turn, way).allocated(protocol=m.TCP), tcp_peers()
    near, far = spliced(turn, connect, way, client, peer)
    near.send(b"last words")
    near.close()
    assert received(far, 10) == b"last words" and ended(far)
    # Another peer, as a pair of addresses rests for a minute after an orderly end (RFC 9293, 3.6.1).
    near, far = spliced(turn, connect, way, client, tcp_peers())
    far.sendall(b"last words")
    far.close()
    assert near.receive_raw(10) == b"last words" and near.closed()
    assert client.refresh().ok()


@pytest.mark.parametrize("end", ["refresh", "close"])
def test_w44_the_end_of_the_allocation_closes_everything(turn, connect, way, tcp_peers, end):
    client, peer = connect(turn, way).allocated(protocol=m.TCP), tcp_peers()
    near, far = spliced(turn, connect, way, client, peer)
    waiting = tcp_peers()
    assert client.connect(waiting.address).ok()
    unbound, _ = waiting.accept()
    if end == "refresh":
        assert client.refresh(0).ok()
    else:
        client.transport.close()
    assert near.closed() and ended(far) and ended(unbound)


def attempt(client):
    message = client.receive()
    assert (message.method, message.kind) == (m.CONNECTION_ATTEMPT, m.INDICATION), repr(message)
    return message


def test_w44_a_peer_connects(turn, connect, way):
    client = connect(turn, way).allocated(protocol=m.TCP)
    assert client.permit(("127.0.0.1", 0)).ok()
    with socket.create_connection(client.relayed, 5) as far:
        far.sendall(b"hello from outside")
        message = attempt(client)
        assert message.address(m.XOR_PEER) == far.getsockname()
        data, reply = bind(turn, connect, way, client, message.get(m.CONNECTION_ID))
        assert reply.ok()
        assert data.transport.receive_raw(18) == b"hello from outside"
        data.transport.send(b"and back")
        assert received(far, 8) == b"and back"


def test_w44_several_peers_connect(turn, connect, way):
    client = connect(turn, way).allocated(protocol=m.TCP)
    assert client.permit(("127.0.0.1", 0)).ok()
    far = [socket.create_connection(client.relayed, 5) for _ in range(5)]
    by_peer = {}
    for _ in far:
        message = attempt(client)
        by_peer[message.address(m.XOR_PEER)] = message.get(m.CONNECTION_ID)
    assert len(set(by_peer.values())) == 5
    for n, one in enumerate(far):
        data, reply = bind(turn, connect, way, client, by_peer[one.getsockname()])
        assert reply.ok()
        data.transport.send(b"%d" % n)
        assert received(one, 1) == b"%d" % n
        one.close()


def test_w44_a_peer_without_permission_is_turned_away(turn, connect, way):
    client = connect(turn, way).allocated(protocol=m.TCP)
    with contextlib.suppress(ConnectionResetError), socket.create_connection(client.relayed, 5) as far:
        assert ended(far)
    assert client.refresh().ok() and not client.inbox


@ours_alone
def test_w44_a_port_that_somebody_else_has_is_passed_over(start_turn, connect):
    server = start_turn(block=4)
    taken = [socket.create_server(("127.0.0.1", server.min_port + n)) for n in range(3)]
    try:
        for _ in range(5):
            client = connect(server, "tcp").allocated(protocol=m.TCP)
            assert client.relayed[1] == server.max_port
            assert connect(server, "tcp").allocate(protocol=m.TCP).code == 508
            assert client.refresh(0).ok()
    finally:
        for one in taken:
            one.close()


@ours_alone
@pytest.mark.parametrize("attribute", [(m.EVEN_PORT, b"\x00"), (m.DONT_FRAGMENT, b""), (m.RESERVATION_TOKEN, bytes(8))])
def test_w44_attributes_that_do_not_go_with_tcp(turn, connect, way, attribute):
    reply = connect(turn, way).request(m.ALLOCATE, WANT_TCP, attribute)
    assert reply.kind == m.ERROR and reply.code == 400


def test_w44_methods_of_the_other_kind_of_allocation(turn, connect, way, tcp_peers):
    peer = tcp_peers().address
    over_tcp = connect(turn, way).allocated(protocol=m.TCP)
    assert over_tcp.bind(0x4000, peer).code in (400, 403)
    over_udp = connect(turn, way).allocated()
    assert over_udp.connect(peer).code in (400, 403, 437)
    assert over_tcp.refresh().ok() and over_udp.refresh().ok()


def test_w44_connect_without_a_peer(turn, connect, way):
    client = connect(turn, way).allocated(protocol=m.TCP)
    assert client.request(m.CONNECT).code == 400


@ours_alone
def test_w44_a_peer_of_the_other_family(turn, connect, way):
    client = connect(turn, way).allocated(protocol=m.TCP)
    assert client.connect(("::1", 4000)).code == 443


@ours_alone  # closes without an answer
def test_w44_connection_ids_nobody_gave(turn, connect, way):
    client = connect(turn, way).allocated(protocol=m.TCP)
    for value in (bytes(4), b"\xff" * 4, struct.pack("!I", 1)):
        _, reply = bind(turn, connect, way, client, value)
        assert reply.code == 400
    assert data_connection(turn, connect, way, client).request(m.CONNECTION_BIND).code == 400
    assert client.refresh().ok()


@ours_alone
def test_w44_a_connection_is_bound_once(turn, connect, way, tcp_peers):
    client, peer = connect(turn, way).allocated(protocol=m.TCP), tcp_peers()
    reply = client.connect(peer.address)
    assert bind(turn, connect, way, client, reply.get(m.CONNECTION_ID))[1].ok()
    assert bind(turn, connect, way, client, reply.get(m.CONNECTION_ID))[1].code == 400


@ours_alone
def test_w44_a_connection_is_bound_by_its_user(turn, connect, way, tcp_peers):
    client, peer = connect(turn, way).allocated(protocol=m.TCP), tcp_peers()
    reply = client.connect(peer.address)
    _, other = bind(turn, connect, way, client, reply.get(m.CONNECTION_ID), Credentials("bob", "builder"))
    assert other.kind == m.ERROR and other.code in (400, 401, 441)
    assert bind(turn, connect, way, client, reply.get(m.CONNECTION_ID))[1].ok(), "another's attempt spoils nothing"


@pytest.mark.parametrize("datagrams", ["udp", "dtls"])
@ours_alone
def test_w44_connection_bind_over_datagrams(turn, connect, datagrams):
    client = connect(turn, datagrams)
    client.challenge()
    reply = client.transact(client.draft(m.CONNECTION_BIND, (m.CONNECTION_ID, bytes(4))))
    assert reply.kind == m.ERROR and reply.code == 400
