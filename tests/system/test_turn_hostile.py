# SPDX-License-Identifier: Apache-2.0
"""Random and damaged messages on every port of the TURN side: it lives, and no port or descriptor is lost."""
import contextlib
import random
import socket
import time

import pytest
from OpenSSL import SSL

import turn_message as m
from turn import Peer, TurnClient
from turn_server import ours_alone
from turn_transport import TRANSPORTS

pytestmark = ours_alone
PORTS = 40
METHODS = [m.BINDING, m.ALLOCATE, m.REFRESH, m.CREATE_PERMISSION, m.CHANNEL_BIND, m.CONNECT, m.CONNECTION_BIND,
           m.SEND, m.DATA, 0x80, 0xFFF]
ATTRIBUTES = [m.CHANGE_REQUEST, m.USERNAME, m.ERROR_CODE, m.UNKNOWN_ATTRIBUTES, m.CHANNEL_NUMBER, m.LIFETIME, m.XOR_PEER,
              m.DATA_VALUE, m.REALM, m.NONCE, m.XOR_RELAYED, m.REQUESTED_FAMILY, m.EVEN_PORT, m.REQUESTED_TRANSPORT,
              m.DONT_FRAGMENT, m.ACCESS_TOKEN, m.PASSWORD_ALGORITHM, m.USERHASH, m.RESERVATION_TOKEN, m.PADDING,
              m.RESPONSE_PORT, m.CONNECTION_ID, m.ADDITIONAL_FAMILY, m.PASSWORD_ALGORITHMS, m.ICMP, m.FINGERPRINT,
              m.MOBILITY_TICKET, m.ORIGIN, m.THIRD_PARTY, 0x7777, 0xFFFF]
# Values that have a meaning somewhere, so that the next check is reached.
VALUES = [b"", b"\x11\0\0\0", b"\x06\0\0\0", b"\x01\0\0\0", b"\x02\0\0\0", b"\x80", b"\0", bytes(4), b"\x40\0\0\0",
          b"\xff" * 4, b"\0\0\x02\x58", bytes(8), b"alice", b"example.org", bytes(12), bytes(32), bytes(600)]


def attributes(rng):
    for _ in range(rng.randrange(6)):
        name = rng.choice(ATTRIBUTES)
        value = rng.choice(VALUES) if rng.random() < 0.8 else rng.randbytes(rng.choice([1, 4, 8, 20, 700]))
        # A reservation would keep its port for half a minute.
        yield name, b"\0" if name == m.EVEN_PORT and len(value) == 1 else value


def signed(rng, client):
    """Odd attributes under a good signature: past the door, into the machine."""
    method = rng.choice(METHODS)
    draft = m.Draft(method, attributes=[(m.REQUESTED_TRANSPORT, m.transport(m.UDP))] if rng.random() < 0.5 else [])
    for name, value in attributes(rng):
        draft.add(name, value)
    if rng.random() < 0.6:
        ip, port = rng.choice(["127.0.0.1", "::1", "10.0.0.1", "8.8.8.8"]), rng.choice([0, 9, 4000, client.transport.server[1]])
        draft.peer((ip, port))
    if rng.random() < 0.4:
        draft.add(m.CHANNEL_NUMBER, m.channel_number(rng.choice([0x3FFF, 0x4000, 0x4001, 0x4FFF, 0x5000])))
    client.credentials.sign(draft, client)
    if rng.random() < 0.3:
        draft.add(*next(attributes(rng), (m.LIFETIME, bytes(4))))
    if rng.random() < 0.3:
        draft.fingerprint()
    return draft.bytes()


def unsigned(rng, _client):
    draft = m.Draft(rng.choice(METHODS), rng.choice([m.REQUEST, m.INDICATION, m.SUCCESS, m.ERROR]),
                    attributes=attributes(rng))
    return draft.bytes()


def damaged(rng, client):
    data = bytearray(rng.choice([signed, unsigned])(rng, client))
    for _ in range(rng.randrange(1, 4)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data[:rng.randrange(len(data) + 1)] if rng.random() < 0.3 else data)


def channel(rng, _client):
    number, size = rng.choice([0x4000, 0x4001, 0x4FFF, rng.randrange(0x4000, 0x8000)]), rng.randrange(60)
    frame = bytearray(m.channel_data(number, rng.randbytes(size), padded=True))
    if rng.random() < 0.3:
        frame[2:4] = rng.randbytes(2)
    return bytes(frame)


def noise(rng, _client):
    return bytes([rng.choice([0, 1, 0x16, 0x14, 0x40, 0x4F, 0x80, rng.randrange(256)])]) + rng.randbytes(rng.randrange(300))


def reopened(server, client, way, made):
    """The client, or a new one when the server has closed its stream."""
    transport = client.transport
    if not transport.reliable or not transport.ended:
        return client
    made.append(TRANSPORTS[way](server.address(way)))
    fresh = TurnClient(made[-1])
    fresh.challenge()
    return fresh


def storm(server, way, rng, count, made):
    """Sends `count` messages, some over a new client; gives all clients."""
    kinds = [signed, signed, unsigned, damaged, channel] if way in ("tcp", "tls") else [signed, signed, unsigned, damaged,
                                                                                       channel, noise]
    made.append(TRANSPORTS[way](server.address(way)))
    client = TurnClient(made[-1])
    clients = [client]
    client.challenge()
    for n in range(count):
        data = rng.choice(kinds)(rng, client)
        with contextlib.suppress(OSError, SSL.Error):  # an empty record, one too long for a datagram
            client.send(data)
        if n % 5 == 0:
            data = client.transport.receive(0.002)
            if data and data[0] < 4:
                reply = m.Message(data)
                if reply.kind == m.ERROR and reply.code == 438:
                    client.learn(reply)
            client = reopened(server, client, way, made)
            if client is not clients[-1]:
                clients.append(client)
    return clients


def all_ports_are_free(server, connect):
    """Every port of the range can be allocated again, soon."""
    deadline = time.monotonic() + 3
    while True:
        clients = [connect(server) for _ in range(PORTS)]
        good = [client for client in clients if client.allocate().ok()]
        for client in good:
            client.refresh(0)
        if len(good) == PORTS or time.monotonic() > deadline:
            return len(good)
        time.sleep(0.2)


@pytest.mark.parametrize("way", TRANSPORTS)
@pytest.mark.parametrize("seed", [1, 2])
def test_storms_of_odd_messages(start_turn, turn_cert, connect, way, seed):
    key = "oauth-key=k:A256GCM:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEK"
    server = start_turn("mobility", "username-anonymity", "oauth", key, cert=turn_cert, block=PORTS,
                        daemon_options=["--num-threads=2", "--log-level=5"])
    connect(server, way).allocated().refresh(0)
    connect(server).transport.close()
    time.sleep(0.1)
    before, made = server.descriptors(), []
    try:
        for client in storm(server, way, random.Random(seed), 2000, made):
            if not client.transport.reliable:  # a stream ends its allocation when it is closed
                with contextlib.suppress(AssertionError, OSError):
                    client.refresh(0)
    finally:
        for transport in made:
            with contextlib.suppress(Exception):
                transport.close()
    assert server.alive(), server.log()[-3000:]
    assert all_ports_are_free(server, connect) == PORTS
    deadline = time.monotonic() + 3
    while server.descriptors() > before + PORTS and time.monotonic() < deadline:
        time.sleep(0.1)
    assert server.process.ng.request(command="ping") == {"result": "pong"}


def test_streams_of_noise(turn, connect):
    rng = random.Random(5)
    for n in range(200):
        to = ("127.0.0.1", rng.choice([turn.port, turn.tls_port]))
        with contextlib.suppress(OSError), socket.create_connection(to, 5) as one:
            for _ in range(rng.randrange(1, 5)):
                one.sendall(noise(rng, None) if n % 2 else rng.randbytes(rng.randrange(1, 4000)))
    assert connect(turn, "tls").allocate().ok() and connect(turn, "tcp").allocate().ok()


def test_connections_that_end_anywhere(turn, connect):
    """At each byte of a request, and with a reset."""
    request = m.Draft(m.ALLOCATE, attributes=[(m.REQUESTED_TRANSPORT, m.transport(m.UDP))]).bytes()
    for cut in range(len(request) + 1):
        for reset in (False, True):
            one = socket.create_connection(("127.0.0.1", turn.port), 5)
            one.sendall(request[:cut])
            if reset:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            one.close()
    assert connect(turn, "tcp").allocate().ok()


def test_storms_from_peers(turn, connect, peers):
    """What peers send is payload, whatever it looks like."""
    rng = random.Random(9)
    client, peer = connect(turn).allocated(), peers()
    assert client.permit(peer.address).ok()
    for _ in range(300):
        data = rng.choice([unsigned, channel, noise])(rng, None)
        peer.send(client.relayed, data)
        assert client.heard() == (peer.address, data)


def test_strangers_at_a_relayed_address(turn, connect):
    rng = random.Random(10)
    client = connect(turn).allocated()
    stranger = Peer("127.0.0.77")
    for _ in range(300):
        stranger.send(client.relayed, noise(rng, None))
    assert client.refresh().ok() and not client.inbox
    stranger.close()


def test_allocations_by_the_thousand_leave_nothing_behind(start_turn, turn_cert, connect):
    server = start_turn(cert=turn_cert, block=PORTS, daemon_options=["--log-level=5"])
    client = connect(server).allocated()
    assert client.refresh(0).ok()
    before = server.descriptors()
    for n in range(3000):
        client.allocated()
        client.permit(("127.0.0.1", 9))
        client.bind(0x4000 + n % 0x1000, ("127.0.0.1", 9))
        assert client.refresh(0).ok()
    assert server.descriptors() <= before
    assert all_ports_are_free(server, connect) == PORTS
