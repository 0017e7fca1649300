# SPDX-License-Identifier: Apache-2.0
"""Options that no other file is about: realms by origin, kinds of service, client certificates, capacity."""
import socket
import ssl

import pytest

import turn_message as m
from turn import TurnClient
from turn_server import certificate, ours_alone
from turn_transport import Tcp, Udp, tls_context

pytestmark = ours_alone
WANT_UDP = (m.REQUESTED_TRANSPORT, m.transport(m.UDP))
BINDING = m.Draft(m.BINDING)


def test_the_realm_follows_the_origin(start_turn, connect):
    server = start_turn("realm=example.org", "realm=example.net", "origin=https://www.example.net=example.net")
    for origin, realm in ((None, "example.org"), (b"https://www.example.net", "example.net"),
                          (b"https://elsewhere.example", "example.org")):
        client = connect(server)
        attributes = [WANT_UDP] + ([(m.ORIGIN, origin)] if origin else [])
        reply = client.transact(m.Draft(m.ALLOCATE, attributes=attributes))
        assert reply.get(m.REALM).decode() == realm
        client.learn(reply)
        draft = client.draft(m.ALLOCATE, *attributes)
        assert client.transact(draft).ok(), realm


def answers(transport, address):
    try:
        one = transport(address)
    except OSError:
        return False
    try:
        one.send(BINDING.bytes())
        return one.receive(0.3) is not None
    finally:
        one.close()


@pytest.mark.parametrize(("option", "open_ways"), [
    ("no-udp", {"tcp", "tls", "dtls"}), ("no-tcp", {"udp", "tls", "dtls"}), ("no-tls", {"udp", "tcp", "dtls"}),
    ("no-dtls", {"udp", "tcp", "tls"})])
def test_transports_can_be_left_out(start_turn, turn_cert, connect, option, open_ways):
    server = start_turn(option, cert=turn_cert)
    found = set()
    for way in ("udp", "tcp", "tls", "dtls"):
        try:
            # A server without DTLS is as silent as a handshake that was lost.
            client = connect(server, way, **({"patience": 0.5} if way == "dtls" else {}))
            if (reply := client.transact(BINDING, 0.3)) is not None and reply.ok():
                found.add(way)
        except (OSError, TimeoutError, ssl.SSLError):
            pass
    assert found == open_ways


def test_kinds_of_relays_can_be_left_out(start_turn, connect):
    server = start_turn("no-tcp-relay")
    assert connect(server, "tcp").allocate(protocol=m.TCP).code == 442
    connect(server, "tcp").allocated()
    server = start_turn("no-udp-relay")
    assert connect(server, "tcp").allocate().code == 442
    connect(server, "tcp").allocated(protocol=m.TCP)


def test_stun_alone_and_turn_alone(start_turn, connect):
    server = start_turn("stun-only")
    client = connect(server)
    assert client.transact(BINDING).ok()
    reply = client.transact(m.Draft(m.ALLOCATE, attributes=[WANT_UDP]), 0.3)
    assert reply is None or reply.kind == m.ERROR and reply.code != 401
    server = start_turn("no-stun")
    client = connect(server)
    assert client.transact(BINDING, 0.3) is None
    client.allocated()


def test_capacity_is_promised_to_so_many(start_turn, connect):
    server = start_turn("max-bps=1000", "bps-capacity=2500")
    first = connect(server).allocated()
    connect(server).allocated()
    late = connect(server)
    assert late.allocate().code == 486
    assert first.refresh(0).ok()
    late.allocated()


def test_clients_must_show_a_certificate(start_turn, turn_cert, tmp_path):
    trusted, stranger = certificate(tmp_path, "client.example.org"), certificate(tmp_path, "stranger.example.org")
    server = start_turn(f"ca-file={trusted[0]}", cert=turn_cert)

    def comes_in(pair):
        context = tls_context()
        if pair:
            context.load_cert_chain(*pair)
        with socket.create_connection(server.address("tls"), 5) as raw:
            try:
                with context.wrap_socket(raw) as tls:
                    tls.sendall(BINDING.bytes())
                    tls.settimeout(2)
                    return bool(tls.recv(100))
            except (ssl.SSLError, ConnectionError):
                return False

    assert comes_in(trusted)
    assert not comes_in(stranger) and not comes_in(None)


def test_software_is_shown_to_those_who_are_known(start_turn, connect):
    server = start_turn("software-attribute")
    client = connect(server)
    assert m.SOFTWARE not in client.transact(BINDING) and m.SOFTWARE not in client.challenge()
    assert m.SOFTWARE in client.allocate()


def test_relays_on_another_address(start_turn, connect, peers):
    server = start_turn("relay-ip=127.0.0.3")
    client, peer = connect(server).allocated(), peers()
    assert client.relayed[0] == "127.0.0.3"
    assert client.permit(peer.address).ok()
    client.send_to(peer.address, b"from there")
    assert peer.receive() == (b"from there", client.relayed)


def test_several_listening_addresses_each_with_its_relays(start_turn, connect):
    server = start_turn(ips=("127.0.0.1", "127.0.0.2", "::1"))
    for ip in server.ips[:2]:
        for way in ("udp", "tcp"):
            assert connect(server, way, ip=ip).allocated().relayed[0] == ip
    six = (m.REQUESTED_FAMILY, m.family(m.IPV6))
    assert connect(server, ip="127.0.0.2").allocated(six).relayed[0] == "::1"


def test_an_external_address_for_each(start_turn, connect):
    server = start_turn("external-ip=192.0.2.1/127.0.0.1", "external-ip=192.0.2.2/127.0.0.2",
                        ips=("127.0.0.1", "127.0.0.2"))
    for ip, seen in zip(server.ips, ("192.0.2.1", "192.0.2.2")):
        assert connect(server, ip=ip).allocated().relayed[0] == seen


@pytest.mark.parametrize("transport", [Udp, Tcp])
def test_every_listening_address_answers(start_turn, transport):
    server = start_turn(ips=("127.0.0.1", "127.0.0.2", "::1"))
    assert all(answers(transport, (ip, server.port)) for ip in server.ips)
    one = transport(("127.0.0.2", server.port))
    TurnClient(one).allocated()
    one.close()
