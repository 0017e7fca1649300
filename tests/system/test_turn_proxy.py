# SPDX-License-Identifier: Apache-2.0
"""Behind a load balancer (W49): the PROXY protocol, version 2, on streams and on datagrams."""
import socket
import struct

import pytest

import turn_message as m
from turn import TurnClient
from turn_server import ORACLE, TurnServer, ours_alone
from turn_transport import Tcp, Tls, Udp, tls_context

pytestmark = ours_alone
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
CLIENT = ("198.51.100.7", 40001)
CLIENT6 = ("2001:db8::7", 40001)


def header(source, destination, stream, command=1, extensions=b""):
    family = socket.AF_INET6 if ":" in source[0] else socket.AF_INET
    body = socket.inet_pton(family, source[0]) + socket.inet_pton(family, destination[0])
    body += struct.pack("!HH", source[1], destination[1]) + extensions
    kind = (0x20 if ":" in source[0] else 0x10) | (1 if stream else 2)
    return SIGNATURE + struct.pack("!BBH", 0x20 | command, kind, len(body)) + body


class ProxiedUdp(Udp):
    """Each datagram carries the header."""

    def __init__(self, server, client=CLIENT, source=None):
        super().__init__(server, source)
        self.head = header(client, server if ":" not in client[0] else ("::1", server[1]), False)

    def send(self, data):
        super().send(self.head + data)


class ProxiedTcp(Tcp):
    def __init__(self, server, client=CLIENT, source=None, extensions=b"", split=False):
        super().__init__(server, source)
        head = header(client, server if ":" not in client[0] else ("::1", server[1]), True, 1, extensions)
        if split:
            for byte in head:
                self.socket.send(bytes([byte]))
        else:
            self.socket.sendall(head)


class ProxiedTls(ProxiedTcp):
    def __init__(self, server, client=CLIENT, source=None):
        super().__init__(server, client, source)
        self.socket = tls_context().wrap_socket(self.socket)


PROXIED = {"udp": ProxiedUdp, "tcp": ProxiedTcp, "tls": ProxiedTls}


@pytest.fixture(scope="module")
def balanced(turn_cert):
    if ORACLE:
        pytest.skip("coturn differs")
    server = TurnServer("proxy-protocol=127.0.0.2", cert=turn_cert)
    yield server
    server.stop()


@pytest.fixture
def proxied(balanced):
    made = []

    def make(kind, source=("127.0.0.2", 0), **keys):
        made.append(kind(balanced.address(kind.name), source=source, **keys))
        return TurnClient(made[-1])

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize("way", PROXIED)
@pytest.mark.parametrize("client_address", [CLIENT, CLIENT6])
def test_w49_the_client_is_who_the_header_says(proxied, peers, way, client_address):
    client = proxied(PROXIED[way], client=client_address)
    assert client.transact(m.Draft(m.BINDING)).address(m.XOR_MAPPED) == client_address
    reply = client.allocate()
    assert reply.ok() and reply.address(m.XOR_MAPPED) == client_address
    peer = peers()
    assert client.bind(0x4000, peer.address).ok()
    client.send_channel(0x4000, b"through the balancer")
    assert peer.receive() == (b"through the balancer", client.relayed)
    peer.send(client.relayed, b"and back")
    assert client.receive() == (0x4000, b"and back")
    assert client.refresh(0).ok()


@pytest.mark.parametrize("way", PROXIED)
def test_w49_two_clients_behind_one_balancer(proxied, way):
    one, two = (proxied(PROXIED[way], client=("198.51.100.7", port)) for port in (40001, 40002))
    one.allocated()
    two.allocated()
    assert one.relayed != two.relayed
    assert one.refresh(0).ok() and two.refresh().ok()


def test_w49_over_udp_the_first_datagram_may_be_the_only_one_with_a_header(proxied, peers):
    """As balancers do that keep a port for each client."""
    client, peer = proxied(ProxiedUdp), peers()
    assert client.transact(m.Draft(m.BINDING)).address(m.XOR_MAPPED) == CLIENT
    client.transport.head = b""
    client.allocated()
    assert client.bind(0x4000, peer.address).ok()
    client.send_channel(0x4000, b"bare")
    assert peer.receive() == (b"bare", client.relayed)
    # A new header from the same port is a new client.
    client.transport.head = header(("198.51.100.8", 40009), client.transport.server, False)
    assert client.transact(m.Draft(m.BINDING)).address(m.XOR_MAPPED) == ("198.51.100.8", 40009)


def test_w49_a_header_from_somebody_else_is_not_believed(balanced):
    """Over UDP it is no message, a stream that begins with it is closed."""
    stranger = ProxiedUdp(balanced.address())
    stranger.send(m.Draft(m.BINDING).bytes())
    assert stranger.receive(0.2) is None
    stranger.close()
    stranger = ProxiedTcp(balanced.address("tcp"))
    assert stranger.closed()
    stranger.close()


@pytest.mark.parametrize("transport", [Udp, Tcp, Tls])
def test_w49_others_come_without_a_header(balanced, connect, transport):
    client = connect(balanced, transport.name)
    assert client.transact(m.Draft(m.BINDING)).address(m.XOR_MAPPED) == client.transport.local


def test_w49_a_balancer_without_a_header_is_refused(balanced):
    """Otherwise a client could pass for the balancer's own address."""
    bare = Tcp(balanced.address("tcp"), source=("127.0.0.2", 0))
    bare.send(m.Draft(m.BINDING).bytes())
    assert bare.receive(0.5) is None
    bare.close()


def test_w49_a_header_in_pieces(proxied):
    client = proxied(ProxiedTcp, split=True)
    assert client.transact(m.Draft(m.BINDING)).address(m.XOR_MAPPED) == CLIENT


def test_w49_extensions_are_skipped(proxied):
    client = proxied(ProxiedTcp, extensions=b"\x02\x00\x0bexample.org\x04\x00\x03\x00\x00\x00")
    assert client.transact(m.Draft(m.BINDING)).address(m.XOR_MAPPED) == CLIENT


def test_w49_a_health_check_speaks_for_itself(balanced):
    """LOCAL: the balancer's own address counts."""
    own = Tcp(balanced.address("tcp"), source=("127.0.0.2", 0))
    own.socket.sendall(SIGNATURE + b"\x20\x00\x00\x00")
    own.send(m.Draft(m.BINDING).bytes())
    assert m.Message(own.receive()).address(m.XOR_MAPPED) == own.local
    own.close()


@pytest.mark.parametrize("head", [
    SIGNATURE + b"\x31\x11\x00\x0c" + bytes(12), SIGNATURE + b"\x21\x11\x00\x04" + bytes(4),
    SIGNATURE + b"\x21\x11\xff\xff" + bytes(100), SIGNATURE[:-1] + b"X" + bytes(20), b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"])
def test_w49_broken_headers(balanced, proxied, head):
    for transport in (Tcp(balanced.address("tcp"), source=("127.0.0.2", 0)),
                      Udp(balanced.address(), source=("127.0.0.2", 0))):
        transport.send(head + m.Draft(m.BINDING).bytes())
        assert transport.receive(0.2) is None
        transport.close()
    assert proxied(ProxiedUdp).transact(m.Draft(m.BINDING)).ok()
