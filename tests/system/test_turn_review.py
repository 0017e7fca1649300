# SPDX-License-Identifier: Apache-2.0
"""What a hostile reading of the TURN server found, each as the attack it was."""
import pytest

import turn_message as m
from test_turn_tcp_allocations import TcpPeer, received
from turn import Credentials
from turn_redis import Redis
from turn_server import REALM, free_block, ours_alone

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
