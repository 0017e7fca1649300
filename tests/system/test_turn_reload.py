# SPDX-License-Identifier: Apache-2.0
"""SIGHUP (W47): users, secrets, peer lists, limits and certificates change under load, and nothing is lost."""
import base64
import hmac
import threading
import time

import pytest

import turn_message as m
from turn import Credentials, echo_peer
from turn_server import certificate, ours_alone
from turn_transport import Tls

pytestmark = ours_alone


@pytest.fixture
def configured(start_turn, tmp_path, turn_cert):
    """Starts a server whose options are in a file."""

    def begin(*options, **keys):
        return start_turn(*options, cert=turn_cert, in_file=tmp_path / "mediaferry.conf", **keys)

    return begin


def without(start):
    return lambda options: [option for option in options if not option.startswith(start)]


def also(*more):
    return lambda options: [*options, *more]


def soon(what, seconds=3):
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def allocates(server, connect, credentials=None):
    return connect(server, credentials=credentials).allocate().ok()


def rest(secret):
    user = f"{int(time.time()) + 600}:eve"
    return Credentials(user, base64.b64encode(hmac.digest(secret.encode(), user.encode(), "sha1")).decode())


def test_w47_users_come_and_go(configured, connect):
    server = configured()
    running = connect(server).allocated()
    server.reload(also("user=carol:cheshire"))
    soon(lambda: allocates(server, connect, Credentials("carol", "cheshire")))
    server.reload(without("user=alice"))
    soon(lambda: not allocates(server, connect))
    assert allocates(server, connect, Credentials("bob", "builder"))
    assert running.refresh().ok(), "a running session keeps its key"


def test_w47_secrets_are_rotated(configured, connect):
    server = configured("static-auth-secret=monday", users=False)
    running = connect(server, credentials=rest("monday")).allocated()
    server.reload(also("static-auth-secret=tuesday"))
    soon(lambda: allocates(server, connect, rest("tuesday")))
    assert allocates(server, connect, rest("monday"))
    server.reload(without("static-auth-secret=monday"))
    soon(lambda: not allocates(server, connect, rest("monday")))
    assert running.refresh().ok()


def test_w47_peer_lists_act_on_permissions_that_exist(configured, connect, peers):
    server = configured()
    client, peer, other = connect(server).allocated(), peers(), peers("127.0.0.2")
    assert client.bind(0x4000, peer.address).ok() and client.permit(other.address).ok()
    server.reload(lambda options: [*without("allowed-peer-ip")(options), "allowed-peer-ip=127.0.0.2"])
    soon(lambda: client.permit(peer.address).kind == m.ERROR)
    client.send_channel(0x4000, b"no longer")
    client.send_to(other.address, b"still")
    assert other.receive()[0] == b"still"
    assert peer.hears_nothing(0.05)


def test_w47_quotas(configured, connect):
    server = configured("user-quota=1")
    first = connect(server).allocated()
    assert not allocates(server, connect)
    server.reload(lambda options: [*without("user-quota")(options), "user-quota=2"])
    soon(lambda: allocates(server, connect))
    assert first.refresh().ok()


def test_w47_a_wrong_file_changes_nothing(configured, connect):
    server = configured()
    running = connect(server).allocated()
    server.reload(also("user=carol:cheshire", "denied-peer-ip=300.1.2.3"))
    soon(lambda: "denied-peer-ip" in server.log())
    assert not allocates(server, connect, Credentials("carol", "cheshire"))
    assert allocates(server, connect) and running.refresh().ok()
    server.reload(without("user="))
    time.sleep(0.3)
    assert server.alive() and allocates(server, connect), "TURN without authentication is no valid configuration"


def served(server):
    """The certificate that a new connection sees."""
    transport = Tls(server.address("tls"))
    name = transport.socket.getpeercert(True)
    transport.close()
    return name


def test_w47_certificates(configured, connect, tmp_path):
    server = configured()
    tls, dtls = connect(server, "tls").allocated(), connect(server, "dtls").allocated()
    renewed = certificate(tmp_path, "renewed.example.org")
    server.reload(lambda options: [*without("pkey=")(without("cert=")(options)), f"cert={renewed[0]}", f"pkey={renewed[1]}"])
    soon(lambda: b"renewed.example.org" in served(server))
    for client in (tls, dtls, connect(server, "dtls").allocated()):
        assert client.refresh().ok()


def test_certificates_are_read_again_when_their_files_change(start_turn, connect, tmp_path):
    """Without a signal, as certbot and kubelet renew them."""
    pair = certificate(tmp_path)
    server = start_turn(cert=pair)
    running = connect(server, "tls").allocated()
    before = served(server)
    certificate(tmp_path)  # the same names
    soon(lambda: served(server) != before, 15)
    assert running.refresh().ok()


def test_a_broken_certificate_leaves_the_old_one(start_turn, connect, tmp_path):
    pair = certificate(tmp_path)
    server = start_turn(cert=pair)
    before = served(server)
    with open(pair[0], "w", encoding="ascii") as file:
        file.write("-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n")
    time.sleep(5)
    assert served(server) == before
    assert server.log().count("reloaded=no") == 1  # not with each look at the file
    connect(server, "tls").allocated()


@pytest.mark.parametrize("way", ["udp", "tls"])
def test_w47_no_packet_is_lost(configured, connect, way, tmp_path):
    server = configured(daemon_options=["--num-threads=2"])
    client = connect(server, way).allocated()
    lost = []
    with echo_peer() as peer:
        assert client.bind(0x4000, peer.address).ok()
        over = threading.Event()

        def talk():
            n = 0
            while not over.is_set():
                text = b"%d" % n
                client.send_channel(0x4000, text)
                if client.receive(1) != (0x4000, text):
                    lost.append(n)
                n += 1
                time.sleep(0.002)
            lost.append(f"of {n}")

        talker = threading.Thread(target=talk)
        talker.start()
        for n in range(6):
            pair = certificate(tmp_path, f"n{n}.example.org")
            server.reload(lambda options, pair=pair, n=n: [
                *without("pkey=")(without("cert=")(without("user=extra")(options))), f"user=extra{n}:x", f"cert={pair[0]}",
                f"pkey={pair[1]}"])
            soon(lambda n=n: allocates(server, connect, Credentials(f"extra{n}", "x")))
        over.set()
        talker.join()
    assert len(lost) == 1, lost
    assert client.refresh().ok()


def test_a_changed_nonce_key_costs_no_session(configured, connect):
    first, second = "stateless-nonce-secret=0123456789abcdef", "stateless-nonce-secret=fedcba9876543210"
    server = configured(first)
    client = connect(server).allocated()
    nonce = client.nonce
    server.reload(lambda options: [*without("stateless-nonce-secret")(options), second, first])
    soon(lambda: "reload" in server.log())
    time.sleep(0.2)
    reply = client.transact(client.draft(m.REFRESH))
    assert reply.ok(), "the old key is accepted"
    server.reload(lambda options: [*without("stateless-nonce-secret")(options), second])
    soon(lambda: client.transact(client.draft(m.REFRESH)).kind == m.ERROR)
    assert client.nonce == nonce
    assert client.refresh().ok()
