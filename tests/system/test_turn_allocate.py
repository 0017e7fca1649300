# SPDX-License-Identifier: Apache-2.0
"""Allocate and Refresh (W17-W30), quotas and the port range (W45)."""
import time

import pytest

import turn_message as m
from turn import Credentials
from turn_server import ORACLE, ours_alone

WANT_UDP = (m.REQUESTED_TRANSPORT, m.transport(m.UDP))
WANT_TCP = (m.REQUESTED_TRANSPORT, m.transport(m.TCP))
IP6 = (m.REQUESTED_FAMILY, m.family(m.IPV6))
IP4 = (m.REQUESTED_FAMILY, m.family(m.IPV4))
BOTH = (m.ADDITIONAL_FAMILY, m.family(m.IPV6))
EVEN = (m.EVEN_PORT, b"\x00")
EVEN_AND_NEXT = (m.EVEN_PORT, b"\x80")


def refused(client, code, *attributes):
    reply = client.request(m.ALLOCATE, *attributes)
    codes = code if isinstance(code, tuple) else (code,)
    assert reply.kind == m.ERROR and reply.code in codes, repr(reply)
    return reply


def test_allocate_and_what_the_answer_holds(turn, client):
    reply = client.allocate()
    assert reply.ok()
    assert reply.address(m.XOR_MAPPED) == client.transport.local
    ip, port = reply.address(m.XOR_RELAYED)
    assert ip == "127.0.0.1" and turn.min_port <= port <= turn.max_port
    assert reply.number(m.LIFETIME) == 600
    assert m.RESERVATION_TOKEN not in reply and m.SOFTWARE not in reply


@pytest.mark.parametrize("ip", ["127.0.0.1", "::1"])
def test_the_relayed_family_is_ipv4_unless_asked(turn, connect, way, ip):
    """Whatever the family of the control connection (RFC 8656, 7.2)."""
    assert connect(turn, way, ip=ip).allocated().relayed[0] == "127.0.0.1"
    assert connect(turn, way, ip=ip).allocated(IP6).relayed[0] == "::1"
    assert connect(turn, way, ip=ip).allocated(IP4).relayed[0] == "127.0.0.1"


def test_w17_no_requested_transport(client):
    refused(client, 400)


@pytest.mark.parametrize("way", ["udp", "dtls"])
def test_w18_a_tcp_allocation_over_udp(turn, connect, way):
    refused(connect(turn, way), (400, 442), WANT_TCP)


def test_w19_a_transport_nobody_has(client):
    refused(client, (400, 442) if ORACLE else 442, (m.REQUESTED_TRANSPORT, m.transport(99)))


def test_w20_an_address_family_nobody_has(client):
    refused(client, 440, WANT_UDP, (m.REQUESTED_FAMILY, m.family(3)))


def test_w21_ipv6_where_there_is_none(start_turn, connect):
    server = start_turn(ips=("127.0.0.1",))
    refused(connect(server), 440, WANT_UDP, IP6)


@pytest.mark.parametrize("length", [0, 3, 5, 8])
@ours_alone
def test_attributes_of_wrong_length(udp, length):
    refused(udp, 400, (m.REQUESTED_TRANSPORT, bytes([17]) + bytes(length - 1) if length else b""))
    refused(udp, 400, WANT_UDP, (m.REQUESTED_FAMILY, bytes([1]) + bytes(length - 1) if length else b""))
    refused(udp, 400, WANT_UDP, (m.LIFETIME, bytes(length)))


def test_unknown_required_attribute(client):
    reply = client.request(m.ALLOCATE, WANT_UDP, (0x7777, b"?"))
    assert reply.kind == m.ERROR and reply.code == 420
    assert reply.get(m.UNKNOWN_ATTRIBUTES)[:2] == b"\x77\x77"


# EVEN-PORT and reservations


@pytest.mark.parametrize("other", [EVEN, IP4, BOTH] if not ORACLE else [EVEN])
def test_w22_a_reservation_token_with_what_it_excludes(udp, other):
    refused(udp, 400, WANT_UDP, (m.RESERVATION_TOKEN, b"12345678"), other)


@ours_alone  # 404
def test_w23_a_token_nobody_gave(client):
    refused(client, 508, WANT_UDP, (m.RESERVATION_TOKEN, b"\x00\x0112345"[:8].ljust(8, b"\xff")))


@ours_alone
def test_w23_a_token_of_wrong_length(udp):
    refused(udp, 400, WANT_UDP, (m.RESERVATION_TOKEN, b"1234"))


def all_of(server, connect, *attributes):
    """Allocates until there are no more; gives the clients."""
    made = []
    while True:
        client = connect(server)
        reply = client.allocate(*attributes)
        if not reply.ok():
            assert reply.code == 508, repr(reply)
            return made
        made.append(client)
        assert len(made) < 1000


@ours_alone  # leaked the odd ports until 4.17
def test_w24_even_ports_leave_the_odd_ones_free(start_turn, connect):
    server = start_turn(block=20)
    even = all_of(server, connect, EVEN)
    assert sorted(one.relayed[1] for one in even) == list(range(server.min_port, server.max_port + 1, 2))
    odd = all_of(server, connect)
    assert sorted(one.relayed[1] for one in odd) == list(range(server.min_port + 1, server.max_port + 1, 2))


def test_w25_the_port_reserved_is_the_next_one(turn, connect, way):
    first = connect(turn, way)
    reply = first.allocate(EVEN_AND_NEXT)
    assert reply.ok() and first.relayed[1] % 2 == 0
    token = reply.get(m.RESERVATION_TOKEN)
    assert len(token) == 8 and token != bytes(8)
    second = connect(turn, way).allocated((m.RESERVATION_TOKEN, token))
    assert second.relayed == (first.relayed[0], first.relayed[1] + 1)
    if not ORACLE:
        refused(connect(turn, way), 508, WANT_UDP, (m.RESERVATION_TOKEN, token))


@ours_alone
def test_w25_a_reserved_port_is_kept_for_its_token(start_turn, connect):
    server = start_turn(block=4)
    first = connect(server)
    token = first.allocate(EVEN_AND_NEXT).get(m.RESERVATION_TOKEN)
    others = all_of(server, connect)
    assert len(others) == 2
    # Also when the one who reserved it has gone.
    assert first.refresh(0).ok()
    assert len(all_of(server, connect)) == 1
    assert connect(server).allocated((m.RESERVATION_TOKEN, token)).relayed[1] == first.relayed[1] + 1


# Dual allocations


@ours_alone  # knows this attribute by its draft's number
@pytest.mark.parametrize("pair", [(IP4, BOTH), (IP6, BOTH)])
def test_w26_both_family_attributes(udp, pair):
    refused(udp, 400, WANT_UDP, *pair)


@ours_alone
def test_w26_the_additional_family_can_only_be_ipv6(udp):
    refused(udp, 400, WANT_UDP, (m.ADDITIONAL_FAMILY, m.family(m.IPV4)))


@ours_alone
def test_w26_additional_family_with_a_reserved_port(udp):
    refused(udp, 400, WANT_UDP, BOTH, EVEN_AND_NEXT)


@ours_alone
def test_w26_dual_allocation(turn, connect, peers, way):
    client = connect(turn, way)
    reply = client.allocate(BOTH)
    assert reply.ok()
    relayed = reply.addresses(m.XOR_RELAYED)
    assert sorted(ip for ip, _ in relayed) == ["127.0.0.1", "::1"]
    assert m.ADDRESS_ERROR_CODE not in reply
    for number, (relay, peer) in enumerate([(one, peers(one[0])) for one in relayed]):
        assert client.permit(peer.address).ok()
        client.send_to(peer.address, b"to " + relay[0].encode())
        assert peer.receive() == (b"to " + relay[0].encode(), relay)
        assert client.bind(0x4000 + number, peer.address).ok()
        peer.send(relay, b"back")
        assert client.receive() == (0x4000 + number, b"back")


def test_w26_by_the_number_that_drafts_gave_it(udp):
    """As coturn 4.6 and clients of that time have it."""
    reply = udp.allocate((0x8032, m.family(m.IPV6)))
    assert reply.ok() and len(reply.addresses(m.XOR_RELAYED)) == 2


@ours_alone
def test_w26_one_family_of_two(start_turn, connect):
    server = start_turn(ips=("127.0.0.1",))
    reply = connect(server).allocate(BOTH)
    assert reply.ok() and reply.addresses(m.XOR_RELAYED)[0][0] == "127.0.0.1"
    assert len(reply.addresses(m.XOR_RELAYED)) == 1
    error = reply.get(m.ADDRESS_ERROR_CODE)
    assert error[0] == m.IPV6 and error[2] * 100 + error[3] == 440


@ours_alone
def test_refresh_of_a_dual_allocation_can_end_one_family(turn, connect, peers):
    client = connect(turn)
    relayed = dict(client.allocate(BOTH).addresses(m.XOR_RELAYED))
    assert client.refresh(0, IP6).ok()
    peer4, peer6 = peers(), peers("::1")
    assert client.permit(peer4.address).ok()
    assert client.permit(peer6.address).code == 443
    client.send_to(peer4.address, b"the other lives")
    assert peer4.receive() == (b"the other lives", ("127.0.0.1", relayed["127.0.0.1"]))


# Lifetimes


@pytest.mark.parametrize(("asked", "granted"), [(None, 600), (1, 600), (600, 600), (1234, 1234), (3600, 3600),
                                               (7200, 3600), (0xFFFFFFFF, 3600)])
def test_w27_lifetimes(turn, connect, asked, granted):
    wanted = [] if asked is None else [(m.LIFETIME, m.u32(asked))]
    client = connect(turn)
    reply = client.allocate(*wanted)
    if not (ORACLE and asked == 1):
        assert reply.ok() and reply.number(m.LIFETIME) == granted
        assert client.refresh(asked).number(m.LIFETIME) == granted


@ours_alone
def test_w27_lifetime_zero_in_an_allocate(udp):
    reply = udp.allocate((m.LIFETIME, m.u32(0)))
    assert reply.ok() and reply.number(m.LIFETIME) == 600


@ours_alone  # drops what comes on the path of an allocation just ended
def test_w28_refresh_with_zero_ends_it(client):
    client.allocated()
    reply = client.refresh(0)
    assert reply.ok() and reply.number(m.LIFETIME) == 0
    assert client.refresh(0).code == 437
    assert client.refresh().code == 437
    client.allocated()


def test_w29_the_user_of_an_allocation_stays(client):
    client.allocated()
    other = Credentials("bob", "builder")
    client.credentials, own = other, client.credentials
    for method, attributes in ((m.REFRESH, [(m.LIFETIME, m.u32(0))]), (m.CREATE_PERMISSION, []), (m.CHANNEL_BIND, [])):
        draft = m.Draft(method, attributes=attributes).peer(("127.0.0.1", 4000))
        draft.add(m.CHANNEL_NUMBER, m.channel_number(0x4000)) if method == m.CHANNEL_BIND else None
        reply = client.transact(client.credentials.sign(draft, client))
        assert reply.kind == m.ERROR and reply.code == 441, f"{method}: {reply!r}"
    client.credentials = own
    assert client.refresh().ok()


def test_w30_allocate_again(client):
    client.challenge()
    draft = client.draft(m.ALLOCATE, WANT_UDP)
    first, again = client.transact(draft), client.transact(draft)
    assert first.ok() and again.ok()
    assert first.address(m.XOR_RELAYED) == again.address(m.XOR_RELAYED)
    assert client.credentials.signed(again, client)
    assert ORACLE or client.allocate().code == 437


def test_refresh_of_another_family(turn, connect):
    client = connect(turn).allocated()
    reply = client.refresh(None, IP6)
    assert reply.kind == m.ERROR and reply.code == 443
    assert client.refresh(None, IP4).ok()


@pytest.mark.parametrize("way", ["tcp", "tls"])
def test_the_end_of_the_connection_ends_the_allocation(start_turn, turn_cert, connect, way):
    server = start_turn(cert=turn_cert, block=2)
    clients = all_of(server, lambda _: connect(server, way))
    assert len(clients) == 2
    for client in clients:
        client.transport.close()
    deadline = time.monotonic() + 2
    while not connect(server).allocate().ok():
        assert time.monotonic() < deadline, "the ports are still taken"
        time.sleep(0.1)


# Quotas and capacity


@ours_alone  # gives back a quota only after seconds
@pytest.mark.parametrize("count", [1, 3])
def test_w45_user_quota(start_turn, connect, count):
    server = start_turn(f"user-quota={count}")
    mine = [connect(server).allocated() for _ in range(count)]
    over = connect(server)
    assert over.allocate().code == 486
    connect(server, credentials=Credentials("bob", "builder")).allocated()
    assert mine[0].refresh(0).ok()
    over.allocated()


@ours_alone
def test_w45_total_quota(start_turn, connect):
    server = start_turn("total-quota=3")
    mine = [connect(server).allocated() for _ in range(3)]
    other = connect(server, credentials=Credentials("bob", "builder"))
    assert other.allocate().code in (486, 508)
    assert mine[0].refresh(0).ok()
    other.allocated()


@ours_alone
def test_w45_a_port_range_used_up(start_turn, connect):
    server = start_turn(block=6)
    for _ in range(3):
        clients = all_of(server, connect)
        assert len({one.relayed for one in clients}) == 6
        for client in clients:
            assert client.refresh(0).ok()


@ours_alone
def test_w45_refusals_cost_nothing(start_turn, connect):
    """What was charged for an Allocate that failed is given back."""
    server = start_turn("user-quota=2", block=2)
    for _ in range(5):
        refused(connect(server), 400, WANT_UDP, (m.RESERVATION_TOKEN, b"12345678"), EVEN)
        refused(connect(server), 508, WANT_UDP, (m.RESERVATION_TOKEN, b"12345678"))
        refused(connect(server), 440, WANT_UDP, IP6)
    assert len([connect(server).allocated() for _ in range(2)]) == 2


@ours_alone
def test_the_default_family_is_an_option(start_turn, connect):
    for value, families in (("ipv6", ("::1", "::1")), ("keep", ("127.0.0.1", "::1"))):
        server = start_turn(f"allocation-default-address-family={value}", ips=("127.0.0.1", "::1"))
        for ip, family in zip(server.ips, families):
            assert connect(server, ip=ip).allocated().relayed[0] == family


def test_external_ip_is_what_clients_see(start_turn, connect, peers):
    server = start_turn("external-ip=192.0.2.9/127.0.0.1")
    client, peer = connect(server).allocated(), peers()
    assert client.relayed[0] == "192.0.2.9"
    assert client.permit(peer.address).ok()
    client.send_to(peer.address, b"out")
    payload, source = peer.receive()
    assert payload == b"out" and source == ("127.0.0.1", client.relayed[1])
