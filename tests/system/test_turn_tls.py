# SPDX-License-Identifier: Apache-2.0
"""TLS and DTLS to the server (W48): any port, any split, ALPN and SNI, handshakes that never end."""
import os
import socket
import ssl
import struct
import time

import pytest
from OpenSSL import SSL

import turn_message as m
from turn import TurnClient
from turn_server import ours_alone, certificate
from turn_transport import TRANSPORTS, Dtls, Tls, dtls_connection, records, tls_context

BINDING = m.Draft(m.BINDING).bytes()
IP_PKTINFO = 8  # of Linux; Python has no name for it


@pytest.mark.parametrize("way", TRANSPORTS)
@pytest.mark.parametrize("port", ["port", "tls_port"])
def test_every_protocol_on_either_port(turn, way, port):
    transport = TRANSPORTS[way](("127.0.0.1", getattr(turn, port)))
    client = TurnClient(transport)
    assert client.transact(m.Draft(m.BINDING)).address(m.XOR_MAPPED) == transport.local
    client.allocated()
    transport.close()


@ours_alone
def test_tls_versions(turn):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = tls_context()
        context.minimum_version = context.maximum_version = version
        with context.wrap_socket(socket.create_connection(turn.address("tls"), 5)) as one:
            assert one.version() == {ssl.TLSVersion.TLSv1_2: "TLSv1.2", ssl.TLSVersion.TLSv1_3: "TLSv1.3"}[version]


@ours_alone
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tls_versions_of_the_last_century(turn):
    context = tls_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with socket.create_connection(turn.address("tls"), 5) as one, pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(one)


@ours_alone
@pytest.mark.parametrize(("offered", "chosen"), [
    (["stun.turn"], "stun.turn"), (["stun.nat-discovery"], "stun.nat-discovery"), (["h2", "stun.turn"], "stun.turn"),
    (["stun.nat-discovery", "stun.turn"], "stun.nat-discovery"), (None, None)])
def test_alpn(turn, offered, chosen):
    transport = Tls(turn.address("tls"), alpn=offered)
    assert transport.socket.selected_alpn_protocol() == chosen
    TurnClient(transport).allocated()
    transport.close()


@ours_alone
def test_alpn_of_another_protocol(turn):
    with pytest.raises((ssl.SSLError, ConnectionError)):
        Tls(turn.address("tls"), alpn=["h2", "http/1.1"])


@ours_alone
def test_sni_chooses_the_certificate(start_turn, tmp_path):
    pairs = [certificate(tmp_path, name) for name in ("a.example.org", "b.example.net")]
    server = start_turn(cert=pairs)
    for asked, got in (("a.example.org", "a.example.org"), ("b.example.net", "b.example.net"),
                       ("c.example.com", "a.example.org"), (None, "a.example.org")):
        transport = Tls(server.address("tls"), server_name=asked)
        assert got.encode() in transport.socket.getpeercert(True), asked
        transport.close()


def hello(context=None):
    """A TLS client whose ClientHello is ready to be sent: (the TLS object, its way in, its way out)."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = (context or tls_context()).wrap_bio(incoming, outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return tls, incoming, outgoing


def finish(sock, tls, incoming, outgoing):
    """The rest of a handshake."""
    sock.settimeout(5)
    while True:
        incoming.write(sock.recv(65536))
        try:
            tls.do_handshake()
            return sock.sendall(outgoing.read())
        except ssl.SSLWantReadError:
            sock.sendall(outgoing.read())


@ours_alone
@pytest.mark.parametrize("port", ["port", "tls_port"])
def test_w48_a_client_hello_in_pieces_of_one_byte(turn, port):
    with socket.create_connection(("127.0.0.1", getattr(turn, port)), 5) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tls, incoming, outgoing = hello()
        for byte in outgoing.read():
            sock.send(bytes([byte]))
        finish(sock, tls, incoming, outgoing)
        tls.write(BINDING)
        for byte in outgoing.read():
            sock.send(bytes([byte]))
        while True:
            try:
                assert m.Message(tls.read(1000)).ok()
                return
            except ssl.SSLWantReadError:
                incoming.write(sock.recv(65536))


HALF_OPEN = 5000
QUIET_ASAN = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1:thread_local_quarantine_size_kb=64"


@ours_alone
def test_w48_handshakes_that_never_end_do_not_keep_others_out(start_turn, turn_cert, connect):
    # A crowd from one address would be stopped by the limit of connections for each.
    server = start_turn("max-connections-per-ip=0", cert=turn_cert,
                        environment={"ASAN_OPTIONS": QUIET_ASAN.lstrip(":")})
    connect(server, "tls").allocated()
    before, first = server.resident_kib(), hello()[2].read()
    crowd = []
    try:
        for n in range(HALF_OPEN):
            crowd.append(socket.create_connection(server.address("tls"), 5))
            # Nothing, a part of a ClientHello, or all of it and no more.
            crowd[-1].send(first[:(0, 1, 50, len(first))[n % 4]]) if n % 4 else None
        began = time.monotonic()
        connect(server, "tls").allocated()
        connect(server, "tcp").allocated()
        connect(server, "dtls").allocated()
        assert time.monotonic() - began < 20
        grown = server.resident_kib() - before
        assert grown < 64 * HALF_OPEN, f"{grown} KiB for {HALF_OPEN} half-open connections"
    finally:
        for one in crowd:
            one.close()
    connect(server, "tls").allocated()


@ours_alone
def test_connections_of_one_address_have_a_limit(start_turn, turn_cert, connect):
    server = start_turn("max-connections-per-ip=5", cert=turn_cert)
    mine = [connect(server, "tcp").allocated() for _ in range(5)]
    one_more = connect(server, "tcp")
    one_more.send(m.Draft(m.BINDING))
    assert one_more.transport.closed()
    connect(server, "tcp", source=("127.0.0.2", 0)).allocated()
    for client in mine:
        assert client.refresh().ok()
        client.transport.close()
    time.sleep(0.3)
    connect(server, "tcp").allocated()


@ours_alone
def test_an_idle_connection_is_closed(start_turn, connect):
    server = start_turn("tcp-idle-timeout=1")
    idle, busy = connect(server, "tcp"), connect(server, "tcp").allocated()
    assert idle.transact(m.Draft(m.BINDING)).ok()
    assert idle.transport.closed(3)
    assert busy.refresh().ok()


def cookieless_hello():
    connection = dtls_connection()
    with pytest.raises(SSL.WantReadError):
        connection.do_handshake()
    return b"".join(records(connection.bio_read(65535)))


def sources(count):
    """Loopback addresses, each another."""
    return [f"127.{1 + n // 62500}.{n // 250 % 250}.{n % 250 + 1}" for n in range(count)]


def spoof(sock, to, data, source):
    """Sends a datagram from another of our addresses than the socket's."""
    info = struct.pack("=I4s4s", 0, socket.inet_aton(source), bytes(4))
    sock.sendmsg([data], [(socket.IPPROTO_IP, IP_PKTINFO, info)], 0, to)


@ours_alone
def test_w48_client_hellos_without_a_cookie_cost_no_memory(start_turn, turn_cert, connect):
    server = start_turn(cert=turn_cert, environment={"ASAN_OPTIONS": QUIET_ASAN.lstrip(":")})
    connect(server, "dtls").allocated()
    data, before = cookieless_hello(), 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
        flood.bind(("0.0.0.0", 0))
        for n, source in enumerate(sources(25000)):
            if n == 5000:  # packet buffers of a busy worker are there
                before = server.resident_kib()
            spoof(flood, server.address("dtls"), data, source)
            if n % 5000 == 0:
                connect(server, "dtls").allocated()
        flood.settimeout(0.5)
        assert len(flood.recv(2000)) <= len(data), "a cookie is no longer than what it answers"
    assert server.resident_kib() - before < 4096


@ours_alone
def test_a_dtls_cookie_is_good_for_its_own_address_only(turn):
    """The second ClientHello from elsewhere gets another cookie, never a handshake."""
    connection, sock = dtls_connection(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sock, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        for one in (sock, other):
            one.connect(turn.address("dtls"))
            one.settimeout(2)
        with pytest.raises(SSL.WantReadError):
            connection.do_handshake()
        sock.send(b"".join(records(connection.bio_read(65535))))
        answer = sock.recv(2000)
        assert answer[0] == 22 and answer[13] == 3, "HelloVerifyRequest"
        connection.bio_write(answer)
        with pytest.raises(SSL.WantReadError):
            connection.do_handshake()
        second = b"".join(records(connection.bio_read(65535)))
        other.send(second)
        assert other.recv(2000)[13] == 3
        sock.send(second)
        assert sock.recv(2000)[13] == 2, "ServerHello"


@ours_alone
def test_a_dtls_client_that_starts_anew(turn, connect):
    """From the same port, as after a crash: the old session ends with its allocation (RFC 6347, 4.2.8)."""
    first = connect(turn, "dtls").allocated()
    local = first.transport.local
    first.transport.socket.close()
    again = TurnClient(Dtls(turn.address("dtls"), source=local))
    again.allocated()
    again.transport.close()


def test_dtls_records_that_are_forged_or_repeated(turn, connect):
    client = connect(turn, "dtls").allocated()
    raw = client.transport.socket
    for junk in (b"\x15\xfe\xfd" + bytes(8) + b"\x00\x02\x02\x28", b"\x17\xfe\xfd\x00\x01" + bytes(6) + b"\x00\x10" + bytes(16),
                 b"\x16\xfe\xfd" + bytes(10), b"\x14\xfe\xfd" + bytes(8) + b"\x00\x01\x01", bytes([20]) * 5):
        raw.send(junk)
    assert client.refresh().ok()


def test_garbage_instead_of_a_handshake(turn, connect):
    for data in (b"\x16\x03\x01\xff\xff" + os.urandom(500), b"\x16\x03\x01\x00\x05hello", b"\x16" * 600,
                 b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", os.urandom(3000)):
        for port in (turn.port, turn.tls_port):
            with socket.create_connection(("127.0.0.1", port), 5) as one:
                one.sendall(data)
    connect(turn, "tls").allocated()
