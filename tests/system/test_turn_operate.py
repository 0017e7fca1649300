# SPDX-License-Identifier: Apache-2.0
"""What an operator does (W46): issue credentials, look, end sessions, drain, read numbers, start with mistakes."""
import subprocess
import time

import pytest

import turn_message as m
from daemon import BINARY, free_port
from turn import Credentials, TurnClient
from turn_admin import TOKEN, Admin
from turn_server import ORACLE, REALM, TurnServer, ours_alone
from turn_transport import Udp

pytestmark = ours_alone


def administered(start, *options, **keys):
    port = free_port()
    more = [f"--listen-admin=127.0.0.1:{port}", f"--admin-token={TOKEN}", "--num-threads=2"]
    server = start(*options, daemon_options=[*more, *keys.pop("daemon_options", [])], **keys)
    return server, Admin(port)


@pytest.fixture(scope="module")
def operated(turn_cert):
    if ORACLE:
        pytest.skip("coturn differs")
    server, admin = administered(TurnServer, "static-auth-secret=north", "static-auth-secret=south", "mobility",
                                 "server-name=turn.example.org", ips=("127.0.0.1", "::1"), cert=turn_cert)
    yield server, admin
    server.stop()


@pytest.fixture
def server(operated):
    return operated[0]


@pytest.fixture
def admin(operated):
    return operated[1]


# Credentials


def test_issued_credentials_work(server, admin, connect, way):
    reply = admin.get("/turn-credentials", user="jabber wocky&co")
    ice = reply["iceServers"][0]
    assert ice["username"] == reply["username"] and ice["credential"] == reply["password"]
    assert ice["username"].partition(":")[2] == "jabber wocky&co"
    assert abs(int(ice["username"].partition(":")[0]) - time.time() - reply["ttl"]) < 5
    connect(server, way, Credentials(ice["username"], ice["credential"])).allocated()


def test_the_uris_name_every_door(server, admin):
    urls = admin.get("/turn-credentials", user="x")["iceServers"][0]["urls"]
    for uri in (f"turn:turn.example.org:{server.port}?transport=udp", f"turn:turn.example.org:{server.port}?transport=tcp",
                f"turns:turn.example.org:{server.tls_port}?transport=tcp"):
        assert uri in urls


def test_a_shorter_life_may_be_asked_for(admin):
    assert admin.get("/turn-credentials", user="x", ttl=120)["ttl"] == 120
    assert admin.get("/turn-credentials", user="x", ttl=10 ** 6)["ttl"] == 86400


def test_uris_of_the_configuration(start_turn):
    _, admin = administered(start_turn, "static-auth-secret=north", "uris=turn:relay.example.net?transport=udp",
                            "uris=turns:relay.example.net:443", "credentials-ttl=600")
    reply = admin.get("/turn-credentials", user="x")
    assert reply["uris"] == ["turn:relay.example.net?transport=udp", "turns:relay.example.net:443"]
    assert reply["ttl"] == 600


def test_without_a_token_there_is_nothing(server, admin):
    for token in (None, "wrong", TOKEN + "x", TOKEN[:-1], ""):
        stranger = Admin(admin.port, token)
        for path in ("/turn-credentials?user=x", "/turn/allocations", "/metrics"):
            assert stranger.ask("GET", path)[0] in (401, 429)
    assert Admin(admin.port, None).ask("GET", "/healthz")[0] == 200
    assert server.alive()


def test_the_admin_port_is_no_peer(server, admin, connect):
    client = connect(server).allocated()
    assert client.bind(0x4000, ("127.0.0.1", admin.port)).code == 403


# Allocations


def of(admin, client):
    """The row of a client's allocation, or None."""
    local = "%s:%d" % client.transport.local
    return next((row for row in admin.allocations(limit=1000) if row["client"] == local), None)


def test_what_is_told_of_an_allocation(server, admin, connect, peers, way):
    client, peer = connect(server, way).allocated(), peers()
    assert client.bind(0x4000, peer.address).ok() and client.permit(("127.0.0.2", 1)).ok()
    for _ in range(3):
        client.send_channel(0x4000, b"12345")
        peer.receive()
    peer.send(client.relayed, b"1234567")
    client.receive()
    row = of(admin, client)
    assert row["user"] == "alice" and row["realm"] == REALM and row["transport"] == way
    assert row["relayed"] == ["%s:%d" % client.relayed]
    assert row["channels"] == 1 and row["permissions"] == 2
    assert row["from_client"] == {"packets": 3, "bytes": 15}
    assert row["from_peers"] == {"packets": 1, "bytes": 7}
    assert 590 <= row["expires_in"] <= 600 and row["age"] < 5
    assert client.refresh(0).ok()
    assert of(admin, client) is None


def test_one_allocation_is_ended(server, admin, connect, peers, way):
    victim, other, peer = connect(server, way).allocated(), connect(server, way).allocated(), peers()
    assert victim.bind(0x4000, peer.address).ok()
    status, reply = admin.ask("DELETE", f"/turn/allocations/{of(admin, victim)['id']}")
    assert (status, reply) == (200, {"ended": 1})
    assert of(admin, victim) is None
    if victim.transport.name == "udp":
        victim.send_channel(0x4000, b"nothing")
        assert victim.refresh().code == 437
    else:
        assert victim.transport.closed()
    assert peer.hears_nothing(0.05)
    assert other.refresh().ok()
    connect(server, way).allocated()


def test_a_user_is_ended(server, admin, connect):
    bob = Credentials("bob", "builder")
    victims = [connect(server, way, bob).allocated() for way in ("udp", "udp", "tcp", "tls")]
    other = connect(server).allocated()
    assert len(admin.allocations(user="bob")) == 4
    status, reply = admin.ask("DELETE", "/turn/users/bob")
    assert status == 200 and reply["ended"] == 4
    assert admin.allocations(user="bob") == []
    assert other.refresh().ok() and victims[0].refresh().code == 437
    connect(server, credentials=bob).allocated()


def test_a_user_is_ended_and_kept_out(server, admin, connect):
    issued = admin.get("/turn-credentials", user="oyster")
    oyster = Credentials(issued["username"], issued["password"])
    victim = connect(server, credentials=oyster).allocated()
    assert admin.ask("DELETE", f"/turn/users/{issued['username']}", revoke=2)[1]["ended"] == 1
    assert connect(server, credentials=oyster).allocate().code in (401, 403)
    reply = victim.transact(victim.draft(m.REFRESH))
    assert reply.kind == m.ERROR and reply.code in (401, 403, 437)
    deadline = time.monotonic() + 6
    while not connect(server, credentials=oyster).allocate().ok():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_what_is_not_there(admin):
    assert admin.ask("DELETE", "/turn/allocations/123456789")[1].get("ended") == 0
    assert admin.ask("DELETE", "/turn/users/nobody")[1]["ended"] == 0
    assert admin.ask("GET", "/turn")[0] == 404
    assert admin.ask("PUT", "/turn/drain")[0] == 405
    assert admin.ask("GET", "/turn-credentials")[0] == 400


# Draining


def test_w46_draining(start_turn, turn_cert, connect, peers, way):
    server, admin = administered(start_turn, cert=turn_cert)
    running, peer = connect(server, way).allocated(), peers()
    assert running.bind(0x4000, peer.address).ok()
    status, reply = admin.ask("POST", "/turn/drain")
    assert status == 200 and reply == {"draining": True, "allocations": 1}
    assert admin.ask("GET", "/readyz")[0] == 503 and admin.ask("GET", "/healthz")[0] == 200
    assert connect(server, way).allocate().code == 403
    running.send_channel(0x4000, b"still talking")
    assert peer.receive() == (b"still talking", running.relayed)
    assert running.refresh().ok() and running.permit(("127.0.0.2", 1)).ok()
    assert admin.ask("DELETE", "/turn/drain")[1]["draining"] is False
    connect(server, way).allocated()
    assert admin.ask("GET", "/readyz")[0] == 200


@pytest.mark.parametrize("ip", ["127.0.0.1", "::1"])
def test_w46_draining_to_another_server(start_turn, connect, ip):
    server, admin = administered(start_turn, ips=("127.0.0.1", "::1"))
    running = connect(server, ip=ip).allocated()
    alternates = ["192.0.2.1:3478", "192.0.2.2:3478", "[2001:db8::1]:3478"]
    assert admin.ask("POST", "/turn/drain", {"alternate-server": alternates})[0] == 200
    told = set()
    for _ in range(4):
        reply = connect(server, ip=ip).allocate()
        assert reply.code == 300
        told.add(m.address_of(reply.get(m.ALTERNATE_SERVER)))
    expected = {("192.0.2.1", 3478), ("192.0.2.2", 3478)} if ip == "127.0.0.1" else {("2001:db8::1", 3478)}
    assert told == expected
    assert running.refresh().ok()


def test_a_server_that_always_sends_elsewhere(start_turn, turn_cert, connect):
    server = start_turn("alternate-server=192.0.2.1:3478", "tls-alternate-server=192.0.2.9:5349", cert=turn_cert)
    for way, address in (("udp", "192.0.2.1"), ("tcp", "192.0.2.1"), ("tls", "192.0.2.9"), ("dtls", "192.0.2.9")):
        # Only after its credentials are proven: a bare request still gets the challenge.
        client = connect(server, way)
        client.challenge()
        reply = client.allocate()
        assert reply.code == 300 and m.address_of(reply.get(m.ALTERNATE_SERVER))[0] == address


# Numbers


def test_numbers_move_while_sessions_live(server, admin, connect, peers):
    names = ("turn_allocations", "turn_allocations_made_total", "turn_client_packets_total", "turn_client_bytes_total",
             "turn_peer_packets_total", "turn_channels", "turn_relay_ports_used")
    before = {name: admin.metric(name) for name in names}
    client, peer = connect(server).allocated(), peers()
    assert client.bind(0x4000, peer.address).ok()
    for _ in range(10):
        client.send_channel(0x4000, bytes(100))
        peer.receive()
        peer.send(client.relayed, b"y")
        client.receive()
    moved = {name: admin.metric(name) - before[name] for name in names}
    assert moved == {"turn_allocations": 1, "turn_allocations_made_total": 1, "turn_client_packets_total": 10,
                     "turn_client_bytes_total": 1000, "turn_peer_packets_total": 10, "turn_channels": 1,
                     "turn_relay_ports_used": 1}
    assert client.refresh(0).ok()
    after = {name: admin.metric(name) - before[name] for name in names}
    assert after["turn_allocations"] == after["turn_channels"] == after["turn_relay_ports_used"] == 0


def test_metrics_have_no_labels_of_users(server, admin, connect):
    connect(server).allocated()
    assert "alice" not in admin.get("/metrics")


# Starting


def start_fails(*options):
    done = subprocess.run([BINARY, "--config-file=none", "--interface=127.0.0.1", f"--listen-ng=127.0.0.1:{free_port()}",
                           "--webrtc-port=0", f"--turn-listening-port={free_port()}", *options],
                          capture_output=True, text=True, timeout=20)
    assert done.returncode not in (0, -6, -11), done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("option", ["realm=example.org", "lt-cred-mech", "min-port=50000", "user-quota=3", "mobility",
                                    "allowed-peer-ip=10.0.0.0/8", "oauth"])
def test_there_is_no_anonymous_turn_by_accident(option):
    assert "authentication" in start_fails(f"--turn-{option}") or option in ("lt-cred-mech", "oauth")


@pytest.mark.parametrize("options", [
    ["user=nopassword"], ["user=a:b", "denied-peer-ip=1.2.3.4/33"], ["user=a:b", "min-port=60000", "max-port=50000"],
    ["user=a:b", "pkey=/nonexistent", "cert=/nonexistent"], ["user=a:b", "external-ip=nowhere"],
    ["user=a:b", "stale-nonce=-1"], ["user=a:b", "no-such-option=1"], ["user=a:b", "rfc5780"], ["user=a:0xnothex"]])
def test_mistakes_are_named(options):
    output = start_fails(*(f"--turn-{option}" for option in options))
    assert options[-1].partition("=")[0] in output


def test_a_port_that_is_taken_is_named(server):
    output = start_fails("--turn-user=a:b", f"--turn-listening-port={server.port}")
    assert str(server.port) in output


def test_stun_alone_needs_nothing(start, connect):
    relay = start()
    transport = Udp(("127.0.0.1", relay.stun_port))
    client = TurnClient(transport)
    assert client.transact(m.Draft(m.BINDING)).ok()
    reply = client.transact(m.Draft(m.ALLOCATE, attributes=[(m.REQUESTED_TRANSPORT, m.transport(m.UDP))]), 0.3)
    assert reply is None or reply.kind == m.ERROR
    transport.close()


def test_coturns_configuration_is_converted(tmp_path, connect, start_turn):
    theirs = tmp_path / "turnserver.conf"
    theirs.write_text("# a site\nlistening-port=3478\nrealm=example.org\nuser=alice:wonderland\nlt-cred-mech\nfingerprint\n"
                      "min-port=50000\nmax-port=50100\nno-cli\ndenied-peer-ip=10.0.0.0-10.255.255.255\nmongo-userdb=x\n")
    done = subprocess.run([BINARY, "--check-config", f"--turnserver-conf={theirs}"], capture_output=True, text=True,
                          timeout=20)
    assert done.returncode == 0, done.stderr
    assert "[turn]" in done.stdout and "mongo-userdb" in done.stdout + done.stderr
    ours = tmp_path / "ours.conf"
    ours.write_text("[mediaferry]\n" + done.stdout)
    checked = subprocess.run([BINARY, "--check-config", f"--config-file={ours}", "--interface=127.0.0.1"],
                             capture_output=True, text=True, timeout=20)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "50100" in done.stdout and "alice:wonderland" in done.stdout
