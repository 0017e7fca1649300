# SPDX-License-Identifier: Apache-2.0
"""What a hostile reading of the TURN server found, each as the attack it was."""
import base64
import contextlib
import os
import resource
import socket
import struct
import threading
import time

import pytest
from OpenSSL import SSL
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import turn_message as m
import turn_network as net
from test_turn_tcp_allocations import TcpPeer, received, spliced
from daemon import free_port
from turn import Credentials, Peer, TokenCredentials, TurnClient
from turn_admin import TOKEN, Admin
from turn_redis import Redis
from turn_server import LIMITS_OFF, REALM, TurnServer, free_block, ours_alone
from turn_transport import Udp, dtls_connection

pytestmark = ours_alone
UDP = (m.REQUESTED_TRANSPORT, m.transport(m.UDP))


@pytest.fixture
def redis():
    one = Redis()
    yield one
    one.close()


@pytest.fixture
def tcp_peer():
    one = TcpPeer()
    yield one
    one.close()


def test_a_request_that_waits_for_redis_while_its_connection_is_bound(start_turn, connect, redis, tcp_peer):
    """Allocate of a user to be looked up, and right behind it a ConnectionBind: what comes back from Redis finds
    a connection that is the peer's by now."""
    for name in ("carol", "dora"):
        redis("set", f"turn/realm/{REALM}/user/{name}/key", m.long_term_key(name, REALM, "secret").hex())
    server = start_turn(f"redis-userdb=127.0.0.1:{redis.port}/0", users=False)
    client = connect(server, "tcp", Credentials("carol", "secret")).allocated(protocol=m.TCP)
    number = client.connect(tcp_peer.address).get(m.CONNECTION_ID)
    far, _ = tcp_peer.accept()

    data = connect(server, "tcp", Credentials("dora", "secret"))
    data.challenge()
    allocate = data.draft(m.ALLOCATE, UDP)
    data.credentials = Credentials("carol", "secret")
    bind = data.draft(m.CONNECTION_BIND, (m.CONNECTION_ID, number))
    data.send(allocate.bytes() + bind.bytes())
    assert data.answer(bind.transaction).ok()
    data.transport.send(b"to the peer")
    assert received(far, 11) == b"to the peer"
    assert data.hears_nothing(0.5), "an answer to a request in the peer's data"
    far.sendall(b"back")
    assert data.transport.receive_raw(4) == b"back"
    data.transport.close()
    assert client.refresh().ok()


def test_a_listening_port_is_no_relayed_one(start_turn, connect):
    """A TCP allocation would share it by SO_REUSEPORT, and with it the connections of other clients."""
    port = free_block(2)
    server = start_turn(daemon_options=[f"--turn-listening-port={port}", f"--turn-min-port={port}",
                                        f"--turn-max-port={port + 1}"])
    server.port = port
    first = connect(server, "tcp").allocated(protocol=m.TCP)
    assert first.relayed[1] == port + 1
    for _ in range(8):
        assert connect(server, "tcp").allocate(protocol=m.TCP).code == 508


def flood(sock, over):
    """Sends until told to stop, or nobody takes it."""
    sock.settimeout(0.2)
    while not over.is_set():
        try:
            sock.send(bytes(65536))
        except TimeoutError:
            continue
        except OSError:
            return


def test_the_last_words_of_a_peer_while_the_client_talks(turn, connect, tcp_peer):
    """The peer has ended, and a slow client has yet to read it all; that its own words are through to the peer
    is no reason to hang up."""
    size = 16 << 20
    client = connect(turn, "tcp").allocated(protocol=m.TCP)
    near, far = spliced(turn, connect, "tcp", client, tcp_peer)
    over = threading.Event()

    def listen():
        with contextlib.suppress(OSError):
            while far.recv(65536):
                time.sleep(0.001)

    def talk():
        far.sendall(bytes(size))
        far.shutdown(1)

    far.settimeout(30)
    threads = [threading.Thread(target=flood, args=(near.socket, over)), threading.Thread(target=talk)]
    threads.append(threading.Thread(target=listen))
    for one in threads:
        one.start()
    got = 0
    try:
        while more := near.socket.recv(32768):
            got += len(more)
            time.sleep(0.002)
    finally:
        over.set()
        near.close()
        for one in threads:
            one.join()
    assert got == size


@pytest.mark.parametrize("way", ["tcp", "tls"])
def test_a_client_that_says_something_long_and_closes(turn, connect, tcp_peer, way):
    """Its words arrive whole, and nothing of the connection is left soon after."""
    client = connect(turn, way).allocated(protocol=m.TCP)
    near, far = spliced(turn, connect, way, client, tcp_peer)
    before = turn.descriptors()
    near.send(bytes(3 << 20))
    near.close()
    assert len(received(far, 3 << 20)) == 3 << 20
    far.close()
    deadline = time.monotonic() + 10
    while turn.descriptors() > before - 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert client.refresh().ok()


class DtlsHello:
    """A DTLS client that has got its cookie and has its second ClientHello ready."""

    def __init__(self, server, source=("127.0.0.1", 0)):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(source)
        self.socket.connect(server.address("dtls"))
        self.socket.settimeout(2)
        self.connection = dtls_connection()
        self.socket.send(self.go_on())
        self.connection.bio_write(self.socket.recv(2000))
        self.hello = self.go_on()

    def go_on(self):
        """Takes a step of the handshake; gives what is to be sent."""
        with contextlib.suppress(SSL.WantReadError):
            self.connection.do_handshake()
        try:
            return self.connection.bio_read(65535)
        except SSL.WantReadError:
            return b""

    def begin(self, random=None):
        """Sends the hello, with another random if need be: a client that starts anew."""
        self.socket.send(self.hello[:27] + random + self.hello[59:] if random else self.hello)

    def served(self, seconds=0.3):
        """The randoms of the ServerHellos that come: one for each beginning, however often it is repeated."""
        randoms = set()
        self.socket.settimeout(seconds)
        with contextlib.suppress(TimeoutError):
            while data := self.socket.recv(4000):
                if data[13] == 2:
                    randoms.add(data[27:59])
        return randoms


def test_dtls_handshakes_that_never_end_are_bounded(start_turn, turn_cert, connect):
    server = start_turn("max-half-open=8", cert=turn_cert)
    hellos = [DtlsHello(server) for _ in range(24)]
    randoms = []
    for one in hellos:
        one.begin()
        randoms.append(one.served(0.05))
        assert len(randoms[-1]) == 1
    for n, is_there in ((0, False), (15, False), (23, True)):
        hellos[n].begin()
        assert (hellos[n].served() <= randoms[n]) == is_there
    for one in hellos:
        one.socket.close()
    connect(server, "dtls").allocated()


def test_dtls_handshakes_of_one_source_are_limited(start_turn, turn_cert, connect):
    """A cookie is good for a minute: whoever has one may not have a signature for each datagram he sends."""
    server = start_turn(cert=turn_cert)
    one = DtlsHello(server)
    served = 0
    for _ in range(500):
        one.begin(os.urandom(32))
        served += len(one.served(0.002))
    assert served < 100
    began = time.monotonic()
    connect(server, "dtls", source=("127.1.0.1", 0)).allocated()
    assert time.monotonic() - began < 3
    one.socket.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces: run as root")
def test_an_address_that_comes_later_is_our_own_too():
    """A shared address that moves here, or one of IPv6 that changes daily: what listens on all addresses of this
    host is not for clients."""
    with net.network() as (space, _), contextlib.ExitStack() as stack:
        with net.inside(space):
            server = TurnServer(*LIMITS_OFF, ips=(net.SERVER,), defaults=False, interface=net.SERVER)
            stack.callback(server.stop)
            secret = Peer("0.0.0.0")
            stack.callback(secret.close)
            transport = Udp(server.address())
            stack.callback(transport.close)
            client = TurnClient(transport).allocated()
            far = ("8.8.8.8", secret.address[1])
            assert client.bind(0x4000, far).ok()
            net.add_address(space, "8.8.8.8/32")

            deadline = time.monotonic() + 10
            while client.bind(0x4000, far).ok():
                assert time.monotonic() < deadline
                time.sleep(0.2)
            client.send_channel(0x4000, b"GET /")
            client.send_to(far, b"GET /")
            assert secret.hears_nothing()


def token_of(key_id, key, server_name="turn.example.org", lifetime=600):
    """RFC 7635, 6.2: credentials with a token as an authorization server makes it."""
    mac_key, nonce = os.urandom(20), os.urandom(12)
    block = struct.pack("!H", len(mac_key)) + mac_key + struct.pack("!QI", int(time.time()) << 16, lifetime)
    token = struct.pack("!H", len(nonce)) + nonce + AESGCM(key).encrypt(nonce, block, server_name.encode())
    return TokenCredentials(key_id, token, mac_key)


def test_a_quota_follows_the_user_of_a_new_token(start_turn, connect):
    """The charge goes from the key's name of the first token to that of the next, and is given back there."""
    keys = {name: os.urandom(32) for name in ("north", "south")}
    server = start_turn("oauth", "server-name=turn.example.org", "user-quota=1", "total-quota=3", users=False,
                        *[f"oauth-key={name}:A256GCM:{base64.b64encode(key).decode()}" for name, key in keys.items()])
    tokens = {name: lambda name=name: token_of(name, keys[name]) for name in keys}
    for _ in range(4):
        client = connect(server, credentials=tokens["north"]()).allocated()
        assert connect(server, credentials=tokens["north"]()).allocate().code == 486
        client.credentials = tokens["south"]()
        assert client.refresh().ok()
        assert connect(server, credentials=tokens["south"]()).allocate().code == 486
        other = connect(server, credentials=tokens["north"]()).allocated()
        client.credentials = tokens["north"]()
        assert client.refresh().code == 486
        client.credentials = tokens["north"]()
        assert client.refresh(0).ok() and other.refresh(0).ok()


def test_connections_leave_descriptors_for_ports(start_turn, connect, tmp_path):
    """Whoever opens connections and says nothing has them for a minute; calls go on."""
    server = start_turn("max-connections-per-ip=0", in_file=tmp_path / "mediaferry.conf")
    limit = server.descriptors() + 120
    resource.prlimit(server.process.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
    server.reload(lambda options: [*options, "denied-peer-ip=192.0.2.0/24"])
    time.sleep(0.5)
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            with contextlib.suppress(OSError):
                one = socket.create_connection(server.address("tcp"), 1)
                stack.callback(one.close)
                one.send(b"\x00")
        for _ in range(10):
            connect(server).allocated()


def test_moving_to_and_fro_does_not_keep_a_connection(start_turn, connect):
    """A CONNECTION-ID names a worker, and the connection goes there before anybody has proved anything."""
    server = start_turn("tcp-idle-timeout=2", daemon_options=["--num-threads=2"])
    client = connect(server, "tcp")
    began = time.monotonic()
    with contextlib.suppress(OSError):
        for n in range(100):
            draft = m.Draft(m.CONNECTION_BIND, attributes=[(m.CONNECTION_ID, bytes([n % 2, 0, 0, 1]))])
            client.send(draft.sign(b"no key"))
            if client.transport.closed(0.1):
                break
    assert 1.5 < time.monotonic() - began < 4


def test_limits_and_counts_of_what_goes_over_tcp(start_turn, connect, tcp_peer):
    """max-bps is for the bytes of RFC 6062 too, each way, and they are on the bill."""
    port, rate = free_port(), 400000
    server = start_turn(f"max-bps={rate}", daemon_options=[f"--listen-admin=127.0.0.1:{port}", f"--admin-token={TOKEN}"])
    client = connect(server, "tcp").allocated(protocol=m.TCP)
    near, far = spliced(server, connect, "tcp", client, tcp_peer)
    out, back = os.urandom(3 * rate), os.urandom(3 * rate)
    writers = [threading.Thread(target=far.sendall, args=(back,)), threading.Thread(target=near.send, args=(out,))]
    began = time.monotonic()
    for one in writers:
        one.start()
    got = []
    reader = threading.Thread(target=lambda: got.append(near.receive_raw(len(back))))
    reader.start()
    assert received(far, len(out)) == out
    reader.join()
    assert got == [back]
    assert 1.8 < time.monotonic() - began < 6
    for one in writers:
        one.join()
    row = Admin(port).allocations()[0]
    assert row["from_client"]["bytes"] == len(out) and row["from_peers"]["bytes"] == len(back), row


def test_reserved_ports_are_within_the_quota(start_turn, connect):
    """A port that EVEN-PORT keeps is kept for half a minute, also when the allocation beside it has ended: a user
    who takes one after the other shall not have the range."""
    server = start_turn("user-quota=2", block=40)
    ask = (m.EVEN_PORT, b"\x80")
    for n in range(6):
        client = connect(server)
        reply = client.allocate(ask)
        assert reply.ok() if n < 2 else reply.code == 508, f"{n}: {reply!r}"
        if reply.ok():
            token = reply.get(m.RESERVATION_TOKEN)
            assert client.refresh(0).ok()
    assert connect(server, credentials=Credentials("bob", "builder")).allocate(ask).ok()
    # Whoever takes what he has reserved may reserve again.
    second = connect(server)
    assert second.allocate((m.RESERVATION_TOKEN, token)).ok()
    assert connect(server).allocate(ask).ok()
