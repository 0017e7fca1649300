# SPDX-License-Identifier: Apache-2.0
"""NAT behaviour discovery (RFC 5780; W7): two addresses, two ports, answers from the one asked for."""
import itertools
import socket

import pytest

import turn_message as m
from turn_server import ORACLE, TurnServer, ours_alone

IPS = ("127.0.0.1", "127.0.0.2")


@pytest.fixture(scope="module")
def discovery(turn_cert):
    server = TurnServer("rfc5780", ips=IPS, cert=turn_cert)
    yield server
    server.stop()


class Asker:
    """A socket that takes answers from anywhere."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(2)

    def ask(self, to, *attributes):
        draft = m.Draft(m.BINDING, attributes=attributes)
        self.socket.sendto(draft.bytes(), to)
        data, source = self.socket.recvfrom(4096)
        reply = m.Message(data)
        assert reply.transaction == draft.transaction
        return reply, source


@pytest.fixture
def asker():
    one = Asker()
    yield one
    one.socket.close()


def other(server, address):
    """The address with the other IP and the other port."""
    ports = (server.port, server.port + 1)
    return IPS[1 - IPS.index(address[0])], ports[1 - ports.index(address[1])]


# coturn mistakes itself about its second address when that is on loopback.
@pytest.mark.parametrize(("ip", "port"), itertools.product((0,) if ORACLE else (0, 1), (0, 1)))
@pytest.mark.parametrize("flags", [0, 2, 4, 6])
def test_w07_answers_come_from_the_address_asked_for(discovery, asker, ip, port, flags):
    to = (IPS[ip], discovery.port + port)
    elsewhere = other(discovery, to)
    wanted = (elsewhere[0] if flags & 4 else to[0], elsewhere[1] if flags & 2 else to[1])
    reply, source = asker.ask(to, *([(m.CHANGE_REQUEST, m.u32(flags))] if flags else []))
    assert reply.ok() and source == wanted
    assert reply.address(m.XOR_MAPPED) == asker.socket.getsockname()
    assert m.address_of(reply.get(m.RESPONSE_ORIGIN)) == wanted
    assert m.address_of(reply.get(m.OTHER_ADDRESS)) == elsewhere


def test_w07_response_port(discovery, asker):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
        elsewhere.bind(("127.0.0.1", 0))
        elsewhere.settimeout(2)
        draft = m.Draft(m.BINDING, attributes=[(m.RESPONSE_PORT, m.channel_number(elsewhere.getsockname()[1]))])
        asker.socket.sendto(draft.bytes(), (IPS[0], discovery.port))
        reply = m.Message(elsewhere.recv(2000))
        assert reply.ok() and reply.address(m.XOR_MAPPED) == asker.socket.getsockname()


def test_w07_padding_is_answered_with_padding(discovery, asker):
    reply, _ = asker.ask((IPS[0], discovery.port), (m.PADDING, bytes(1400)))
    assert reply.ok() and len(reply.get(m.PADDING)) >= 1000
    assert len(reply.data) <= 1600


def test_w07_padding_with_response_port(discovery, asker):
    reply, _ = asker.ask((IPS[0], discovery.port), (m.PADDING, bytes(100)), (m.RESPONSE_PORT, m.channel_number(4000)))
    assert reply.kind == m.ERROR and reply.code == 400


@ours_alone
def test_a_broken_change_request(discovery, asker):
    reply, source = asker.ask((IPS[0], discovery.port), (m.CHANGE_REQUEST, b"\x06"))
    assert reply.kind == m.ERROR and reply.code == 400 and source == (IPS[0], discovery.port)


@ours_alone
@pytest.mark.parametrize("way", ["tcp", "tls"])
def test_w07_over_a_stream_nothing_can_change(discovery, connect, way):
    reply = connect(discovery, way).transact(m.Draft(m.BINDING, attributes=[(m.CHANGE_REQUEST, m.u32(6))]))
    assert reply.kind == m.ERROR and reply.code in (400, 420)


def test_turn_goes_on_beside_it(discovery, connect, way):
    connect(discovery, way).allocated()
