# SPDX-License-Identifier: Apache-2.0
"""TURN allocations over a restart: their clients notice nothing but a gap."""
import re
import signal
import threading
import time

import pytest

import turn_message as m
from daemon import free_port
from test_restart import PlainCall
from test_turn_auth import rest
from test_turn_mobility import ASK, ticket_of
from turn import Peer
from turn_admin import TOKEN, Admin
from turn_server import ours_alone

pytestmark = ours_alone


@pytest.fixture
def house(start_turn, tmp_path):
    """Starts servers that leave what they carry to the next one."""
    def make(*options, more=(), **keys):
        port = free_port()
        server = start_turn(*options, daemon_options=[
            f"--restart-file={tmp_path}/calls", f"--listen-admin=127.0.0.1:{port}", f"--admin-token={TOKEN}", *more],
            **keys)
        server.admin, server.spool = Admin(port), tmp_path / "calls"
        return server

    return make


def outcome(server):
    """Allocations taken and refused by the process that runs now."""
    found = re.findall(r"event=restored .*allocations=(\d+) allocations-refused=(\d+)", server.log())
    return tuple(int(n) for n in found[-1]) if found else None


def restart(server, *more, taken=1, refused=0):
    server.end()
    assert server.spool.stat().st_mode & 0o777 == 0o600
    server.begin(*more)
    assert not server.spool.exists()
    assert outcome(server) == (taken, refused), server.log()[-4000:]
    assert server.admin.metric("turn_records_restored_total") == taken
    assert server.admin.metric("turn_records_refused_total") == refused


def exchanges(client, peer, number=None):
    """Both ways, by a channel or by indications, and without a request."""
    if number is None:
        client.send_to(peer.address, b"to the peer")
    else:
        client.send_channel(number, b"to the peer")
    if peer.receive() != (b"to the peer", client.relayed):
        return False
    peer.send(client.relayed, b"to the client")
    return client.receive() == (number, b"to the client") if number else \
        client.heard() == (peer.address, b"to the client")


# --- what goes on ---

def test_a_client_goes_on(house, connect, peers):
    server, peer, other, stranger = house(), peers(), peers(), peers()
    client = connect(server).allocated()
    assert client.permit(peer.address).ok() and client.bind(0x4001, other.address).ok()
    before = server.admin.allocations()[0]
    restart(server)
    assert exchanges(client, peer) and exchanges(client, other, 0x4001)
    stranger.send(client.relayed, b"let me in")  # its IP address has a permission: RFC 8656, section 9
    assert client.heard() == (stranger.address, b"let me in")
    after = server.admin.allocations()[0]
    for name in ("user", "realm", "client", "transport", "relayed", "permissions", "channels"):
        assert after[name] == before[name], name
    assert client.refresh(700).number(m.LIFETIME) == 700
    assert client.allocate().code == 437
    assert client.refresh(0).ok()
    assert server.admin.metric("turn_relay_ports_used") == 0


def test_both_families_and_what_was_counted(house, connect, peers):
    server, peer, peer6 = house(ips=("127.0.0.1", "::1")), peers(), peers("::1")
    client = connect(server)
    assert client.allocate((m.ADDITIONAL_FAMILY, m.family(m.IPV6))).ok()
    assert client.permit(peer.address, peer6.address).ok()
    assert exchanges(client, peer)
    restart(server)
    assert exchanges(client, peer)
    client.send_to(peer6.address, b"six")
    assert peer6.receive()[0] == b"six"
    assert server.admin.metric("turn_relay_ports_used") == 2
    row = server.admin.allocations()[0]
    assert row["from_client"] == {"packets": 3, "bytes": 25} and row["from_peers"]["packets"] == 2


def test_two_restarts_in_a_row(house, connect, peers):
    server, peer = house(), peers()
    client = connect(server).allocated()
    assert client.bind(0x4001, peer.address).ok()
    for _ in range(3):
        restart(server)
        assert exchanges(client, peer, 0x4001)
    assert client.refresh().ok()


@pytest.mark.parametrize("after", [3, 1, 4])
def test_clients_of_several_workers(house, connect, peers, after):
    """Also with another number of workers, to which the kernel gives the packets otherwise."""
    server, peer = house(more=["--num-threads=3"]), peers()
    clients = [connect(server).allocated() for _ in range(12)]
    for client in clients:
        assert client.bind(0x4001, peer.address).ok()
    restart(server, f"--num-threads={after}", taken=12)
    assert all(exchanges(client, peer, 0x4001) for client in clients)
    assert all(client.refresh().ok() for client in clients)


def test_time_limited_credentials(house, connect, peers):
    server, peer = house("static-auth-secret=sesame", users=False), peers()
    client = connect(server, credentials=rest("sesame", "carol")).allocated()
    assert client.permit(peer.address).ok()
    restart(server)
    assert exchanges(client, peer)
    assert client.refresh().ok()
    assert server.admin.allocations(user="carol")


@pytest.mark.parametrize("way", ["udp", "tls"])
def test_a_mobile_client_comes_with_its_ticket(house, connect, peers, turn_cert, way):
    """Also one whose connection ended with the process."""
    server, peer = house("mobility", cert=turn_cert), peers()
    client = connect(server, way)
    ticket = ticket_of(client.allocate(ASK))
    assert client.permit(peer.address).ok()
    restart(server)
    row = server.admin.allocations()[0]
    assert row["relayed"] == ["%s:%d" % client.relayed] and row["permissions"] == 1
    moved = connect(server)
    moved.relayed = client.relayed
    reply = moved.request(m.REFRESH, (m.MOBILITY_TICKET, ticket))
    assert reply.ok() and ticket_of(reply) != ticket
    assert exchanges(moved, peer)


def test_calls_and_allocations_go_together(house, connect, peers, phones):
    server, peer = house(), peers()
    client = connect(server).allocated()
    assert client.permit(peer.address).ok()
    call = PlainCall(server, phones)
    assert call.talks()
    restart(server)
    assert call.talks() and exchanges(client, peer)
    assert "event=saved calls=1 lost=0 allocations=1 allocations-lost=0" in server.log()
    assert "event=restored calls=1 refused=0 allocations=1 allocations-refused=0" in server.log()


def test_the_gap_is_short_and_nobody_is_sent_away(house, connect, peers):
    """A client that refreshes all the time gets no 437, and its data flows again at once."""
    server, peer = house(), peers()
    client, asker = connect(server).allocated(), connect(server).allocated()
    assert client.bind(0x4001, peer.address).ok()
    over, heard = threading.Event(), []

    def listen():
        while not over.is_set():
            if peer.receive(0.05):
                heard.append(time.monotonic())

    def talk():
        while not over.is_set():
            try:
                client.send_channel(0x4001, b"on and on")
            except ConnectionRefusedError:
                pass
            time.sleep(0.005)

    threads = [threading.Thread(target=listen), threading.Thread(target=talk)]
    for thread in threads:
        thread.start()
    codes = set()
    try:
        time.sleep(0.3)
        server.end()
        server.begin(wait=False)
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            try:
                reply = asker.transact(asker.draft(m.REFRESH), 0.05)
            except ConnectionRefusedError:
                continue
            if reply is not None and reply.kind == m.ERROR and reply.code == 438:
                asker.learn(reply)
            if reply is not None:
                codes.add(reply.code if reply.kind == m.ERROR else 0)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    server.wait_ready()
    assert outcome(server) == (2, 0)
    assert 437 not in codes and 0 in codes
    gap = max(later - sooner for sooner, later in zip(heard, heard[1:]))
    print(f"gap: {gap * 1000:.0f} ms")
    assert gap < 2


# --- what does not ---

@pytest.mark.parametrize("way", ["tcp", "tls", "dtls"])
def test_others_end_with_their_connections(house, connect, turn_cert, way):
    server = house(cert=turn_cert)
    connect(server, way).allocated()
    server.end()
    assert "event=saved calls=0 lost=0 allocations=0 allocations-lost=0" in server.log()
    server.begin()
    assert server.admin.metric("turn_allocations") == 0


def test_what_is_left_too_long_is_not_taken(house, connect, peers):
    server, peer = house(more=["--restart-max-age=1"]), peers()
    client = connect(server).allocated()
    assert client.permit(peer.address).ok()
    server.end()
    time.sleep(2.2)
    server.begin()
    assert outcome(server) == (0, 1)
    assert "event=turn-record-refused" in server.log() and "reason=old" in server.log()
    assert client.refresh().code == 437


def test_an_allocation_whose_time_is_over_is_not_taken(house, connect):
    server = house("static-auth-secret=north", "strict-expiry", users=False)
    connect(server, credentials=rest("north", ttl=3)).allocated()
    server.end()
    assert b"d4:kind10:allocation" in server.spool.read_bytes()
    time.sleep(3)
    server.begin()
    assert outcome(server) == (0, 1)
    assert 'why="it has expired' in server.log()


@pytest.mark.parametrize("option, reason", [("--turn-relay-ip=127.0.0.5", "interface"), ("--turn-max-port=49999", "ports"),
                                            ("--turn-listening-port=", "interface")])
def test_what_is_not_served_any_more_is_not_taken(house, connect, option, reason):
    server = house()
    connect(server).allocated()
    server.end()
    if "listening" in option:
        option = f"--turn-listening-port={free_port()}"
    more = ["--turn-min-port=49000"] if "max-port" in option else []
    server.begin(option, *more)
    assert outcome(server) == (0, 1)
    assert f"reason={reason}" in server.log()
    assert server.admin.metric("turn_relay_ports_used") == 0


def test_a_port_that_somebody_has_is_refused(house, connect):
    server = house()
    client, other = connect(server).allocated(), connect(server).allocated()
    server.end()
    squatter = Peer(port=client.relayed[1])
    server.begin()
    assert outcome(server) == (1, 1)
    assert "reason=ports" in server.log()
    assert client.refresh().code == 437 and other.refresh().ok()
    squatter.close()


def test_nothing_is_left_by_a_process_that_was_killed(house, connect):
    server = house()
    client = connect(server).allocated()
    server.end(signal.SIGKILL, -signal.SIGKILL)
    server.begin()
    assert not server.spool.exists() and outcome(server) is None
    assert client.refresh().code == 437


def test_allocations_end_without_the_option(start_turn, connect):
    server = start_turn()
    client = connect(server).allocated()
    server.end()
    server.begin()
    assert client.refresh().code == 437


def test_it_is_quick_with_many(house, connect):
    server = house(more=["--num-threads=2"])
    clients = [connect(server).allocated() for _ in range(200)]
    restart(server, taken=200)
    assert all(client.refresh().ok() for client in clients[::20])
    print(re.findall(r"event=(?:saved|restored) .*", server.log()))
