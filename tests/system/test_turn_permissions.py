# SPDX-License-Identifier: Apache-2.0
"""CreatePermission and ChannelBind (W31-W33), and the peers nobody may reach through us (W34)."""
import ipaddress
import itertools

import pytest

import turn_message as m
from turn_server import LIMITS_OFF, ORACLE, TurnServer, ours_alone
from turn_transport import TRANSPORTS

IP6 = (m.REQUESTED_FAMILY, m.family(m.IPV6))
PEER = ("127.0.0.1", 4000)


METHODS = {"refresh": m.REFRESH, "permission": m.CREATE_PERMISSION, "channel": m.CHANNEL_BIND, "connect": m.CONNECT}


@pytest.mark.parametrize(("way", "method"), [
    (way, method) for way in TRANSPORTS for method in METHODS if way in ("tcp", "tls") or method != "connect"])
def test_w31_without_an_allocation(turn, connect, way, method):
    client = connect(turn, way)
    reply = client.request(METHODS[method], (m.CHANNEL_NUMBER, m.channel_number(0x4000)), peers=[PEER])
    assert reply.kind == m.ERROR and reply.code in ((400, 403, 437) if ORACLE else (437,))


def test_w32_a_permission_for_nobody(client):
    client.allocated()
    assert client.permit().code == 400


@ours_alone
def test_w32_permissions_are_given_all_or_none(client, peers):
    client.allocated()
    peer = peers()
    reply = client.permit(peer.address, ("169.254.169.254", 80))
    assert reply.kind == m.ERROR and reply.code == 403
    client.send_to(peer.address, b"not permitted")
    assert client.permit(peer.address).ok()
    client.send_to(peer.address, b"permitted")
    assert peer.receive()[0] == b"permitted"


def test_w32_several_peers_in_one_request(client, peers):
    client.allocated()
    several = [peers("127.0.0.1"), peers("127.0.0.2"), peers("127.0.0.3")]
    assert client.permit(*(peer.address for peer in several)).ok()
    for peer in several:
        client.send_to(peer.address, b"to all")
        assert peer.receive()[0] == b"to all"


def test_the_port_of_a_permission_does_not_count(client, peers):
    client.allocated()
    peer = peers()
    assert client.permit(("127.0.0.1", 0)).ok()
    client.send_to(peer.address, b"any port")
    assert peer.receive()[0] == b"any port"


@pytest.mark.parametrize("number", [0, 0x3FFF, 0x5000, 0x7FFF, 0x8000, 0xFFFF])
def test_w33_channel_numbers_out_of_range(client, number):
    if ORACLE and number in (0x5000, 0x7FFF):
        pytest.skip("RFC 5766's range")
    client.allocated()
    assert client.bind(number, PEER).code == 400


@ours_alone
def test_w33_the_range_of_rfc_5766_is_an_option(start_turn, connect):
    server = start_turn("rfc5766-channel-numbers")
    client = connect(server).allocated()
    assert client.bind(0x5000, PEER).ok() and client.bind(0x7FFE, ("127.0.0.1", 4001)).ok()
    assert client.bind(0x3FFF, ("127.0.0.1", 4002)).code == client.bind(0x8000, ("127.0.0.1", 4002)).code == 400


@pytest.mark.parametrize("number", [0x4000, 0x4FFF])
def test_w33_channel_numbers_at_the_ends_of_the_range(client, number):
    client.allocated()
    assert client.bind(number, PEER).ok()


def test_w33_a_channel_and_its_peer_are_one(client):
    client.allocated()
    assert client.bind(0x4000, PEER).ok()
    assert client.bind(0x4000, ("127.0.0.1", 4001)).code == 400
    assert client.bind(0x4000, ("127.0.0.2", 4000)).code == 400
    assert client.bind(0x4001, PEER).code == 400
    assert client.bind(0x4000, PEER).ok()
    assert client.bind(0x4001, ("127.0.0.1", 4001)).ok()


def test_w33_attributes_of_a_channel_bind(udp):
    udp.allocated()
    assert udp.request(m.CHANNEL_BIND, peers=[PEER]).code == 400
    assert udp.request(m.CHANNEL_BIND, (m.CHANNEL_NUMBER, m.channel_number(0x4000))).code == 400
    assert ORACLE or udp.bind(0x4000, ("127.0.0.1", 0)).code == 400
    assert ORACLE or udp.request(m.CHANNEL_BIND, (m.CHANNEL_NUMBER, b"\x40\x00"), peers=[PEER]).code == 400
    assert ORACLE or udp.request(m.CHANNEL_BIND, (m.CHANNEL_NUMBER, m.channel_number(0x4000)),
                                 (m.XOR_PEER, b"\x00\x01\x00")).code == 400


@pytest.mark.parametrize("relay_family", ["v4", "v6"])
def test_w33_a_peer_of_the_other_family(client, relay_family):
    client.allocated(*([IP6] if relay_family == "v6" else []))
    other = ("127.0.0.1", 4000) if relay_family == "v6" else ("2606:4700::1", 4000)
    assert client.permit(other).code == 443
    assert client.bind(0x4000, other).code == 443


@ours_alone
def test_permissions_have_a_limit(udp):
    udp.allocated()
    codes = set()
    for n in range(1100):
        reply = udp.permit((f"127.1.{n // 250}.{n % 250 + 1}", 4000))
        if not reply.ok():
            codes.add(reply.code)
            break
    assert codes <= {508, 486}
    assert udp.refresh().ok()


# W34: classes of addresses that are denied unless allowed

FORBIDDEN_4 = [
    "0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.254", "169.254.0.1", "169.254.169.254", "10.0.0.1", "172.16.0.1",
    "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
]
OPEN_4 = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "172.15.255.255", "100.128.0.1", "169.253.255.255", "192.167.255.255",
          "128.0.0.1", "223.255.255.254", "198.20.0.1", "9.255.255.255", "11.0.0.0"]
FORBIDDEN_6 = ["::", "::1", "fe80::1", "fe80:ffff::1", "febf::1", "fec0::1", "fc00::1", "fd00:ec2::254", "fdff::1",
               "ff02::1", "ff0e::1", "2001:0:1:2::3", "2001:db8::1", "100::1"]
OPEN_6 = ["2606:4700::1111", "2a00:1450::1", "2001:4860:4860::8888"]


def spellings(ip):
    """The IPv6 forms of an IPv4 address (RFC 4291, 3056, 4380, 6052, 8215, 5214)."""
    packed = ipaddress.IPv4Address(ip).packed
    inverted = bytes(byte ^ 0xFF for byte in packed)
    forms = {
        "mapped": bytes(10) + b"\xff\xff" + packed,
        "compatible": bytes(12) + packed,
        "6to4": b"\x20\x02" + packed + bytes(10),
        "teredo": bytes.fromhex("20010000" "c0000201" "0000" "ffff") + inverted,
        "nat64": bytes.fromhex("0064ff9b") + bytes(8) + packed,
        "nat64-local": bytes.fromhex("0064ff9b0001") + bytes(6) + packed,
        "isatap": bytes.fromhex("2606470000000000" "00005efe") + packed,
        "translated": bytes(8) + b"\xff\xff\x00\x00" + packed,
    }
    return {name: str(ipaddress.IPv6Address(value)) for name, value in forms.items()}


@pytest.fixture(scope="module")
def guarded(turn_cert):
    """A server with the classes at their defaults: nothing is allowed by an option."""
    if ORACLE:
        pytest.skip("coturn denies less")
    server = TurnServer(*LIMITS_OFF, ips=("127.0.0.1", "::1"), cert=turn_cert, defaults=False)
    yield server
    server.stop()


channels = itertools.cycle(range(0x4000, 0x5000))


def verdicts(client, ip):
    """The codes of a permission and of a channel; 0 for success."""
    replies = client.permit((ip, 4000)), client.bind(next(channels), (ip, 4000))
    return [0 if reply.ok() else reply.code for reply in replies]


@pytest.mark.parametrize("way", ["udp", "tls"])
def test_w34_ipv4_classes(guarded, connect, way):
    client = connect(guarded, way).allocated()
    assert {ip: verdicts(client, ip) for ip in FORBIDDEN_4} == dict.fromkeys(FORBIDDEN_4, [403, 403])
    assert {ip: verdicts(client, ip) for ip in OPEN_4} == dict.fromkeys(OPEN_4, [0, 0])


@pytest.mark.parametrize("way", ["udp", "tls"])
def test_w34_ipv6_classes(guarded, connect, way):
    client = connect(guarded, way).allocated(IP6)
    assert {ip: verdicts(client, ip) for ip in FORBIDDEN_6} == dict.fromkeys(FORBIDDEN_6, [403, 403])
    assert {ip: verdicts(client, ip) for ip in OPEN_6} == dict.fromkeys(OPEN_6, [0, 0])


@pytest.mark.parametrize("form", spellings("127.0.0.1"))
def test_w34_every_spelling_of_a_forbidden_ipv4_address(guarded, connect, form):
    client = connect(guarded).allocated(IP6)
    wanted = {}
    for ip in FORBIDDEN_4:
        alias = spellings(ip)[form]
        wanted[alias] = verdicts(client, alias)
    assert wanted == dict.fromkeys(wanted, [403, 403])


@pytest.mark.parametrize("form", spellings("127.0.0.1"))
def test_w34_on_an_ipv4_allocation_no_spelling_passes(guarded, connect, form):
    client = connect(guarded).allocated()
    for ip in ("127.0.0.1", "10.0.0.1", "169.254.169.254"):
        assert all(code in (403, 443) for code in verdicts(client, spellings(ip)[form]))


@pytest.mark.parametrize("way", ["tcp", "tls"])
def test_w34_connect(guarded, connect, way):
    client = connect(guarded, way).allocated(protocol=m.TCP)
    for ip in FORBIDDEN_4:
        assert client.connect((ip, 4000)).code == 403
    client = connect(guarded, way).allocated(IP6, protocol=m.TCP)
    for ip in [*FORBIDDEN_6, *spellings("127.0.0.1").values(), *spellings("10.0.0.1").values()]:
        assert client.connect((ip, 4000)).code == 403


@ours_alone
def test_ranges_that_are_denied_and_allowed(start_turn, connect):
    server = start_turn("allowed-peer-ip=10.1.0.0/16", "allowed-peer-ip=10.7.0.3-10.7.0.9", "denied-peer-ip=8.8.0.0/16",
                        "denied-peer-ip=9.9.9.5-9.9.9.9", "denied-peer-ip=10.1.2.3", "allowed-peer-ip=8.8.4.4",
                        defaults=False)
    client = connect(server).allocated()
    allowed = ["10.1.0.1", "10.1.255.255", "10.7.0.3", "10.7.0.9", "8.8.4.4", "8.9.0.1", "9.9.9.4", "9.9.9.10",
               "10.1.2.3"]  # an allowed address stays allowed
    denied = ["10.2.0.1", "10.7.0.2", "10.7.0.10", "8.8.8.8", "9.9.9.5", "9.9.9.7", "127.0.0.1"]
    assert {ip: client.permit((ip, 1)).ok() for ip in allowed} == dict.fromkeys(allowed, True)
    assert {ip: client.permit((ip, 1)).ok() for ip in denied} == dict.fromkeys(denied, False)


@ours_alone
def test_w34_our_own_control_ports_are_never_peers(turn, connect, peers):
    """Loopback is allowed here; the ng port is still not to be reached, nor the port we listen on."""
    client, peer = connect(turn).allocated(), peers()
    ng = turn.process.ng_address
    assert client.permit(peer.address).ok()
    for number, target in enumerate((ng, ("127.0.0.1", turn.port))):
        assert client.bind(0x4100 + number, target).code == 403
        client.send_to(target, b"1_1 d7:command4:pinge" if target == ng else m.Draft(m.BINDING).bytes())
    assert client.hears_nothing()
    assert turn.process.ng.request(command="ping") == {"result": "pong"}
