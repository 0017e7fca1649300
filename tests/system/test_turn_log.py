# SPDX-License-Identifier: Apache-2.0
"""What the log tells of allocations: who made which, how it ended, and why somebody was refused."""
import re
import time

import pytest

import turn_message as m
from turn import Credentials
from turn_server import TurnServer, ours_alone

pytestmark = ours_alone


@pytest.fixture(scope="module")
def server():
    one = TurnServer("user-quota=1")
    yield one
    one.stop()


def line(server, event, **wanted):
    """The last line of this event with these values, waited for."""
    for _ in range(50):
        for text in reversed(server.log().splitlines()):
            pairs = dict(re.findall(r'(\S+?)=("[^"]*"|\S+)', text))
            if pairs.get("event") == event and all(pairs.get(k.replace("_", "-")) == v for k, v in wanted.items()):
                return pairs
        time.sleep(0.05)
    raise AssertionError(f"no {event} with {wanted}:\n{server.log()}")


def test_the_life_of_an_allocation(server, connect, peers):
    peer = peers()
    client = connect(server).allocated()
    made = line(server, "turn-allocated", client="%s:%d" % client.transport.socket.getsockname()[:2])
    assert made["user"] == "alice" and made["transport"] == "udp" and made["relayed"] == "%s:%d" % client.relayed
    assert client.bind(0x4000, peer.address).ok()
    client.send_channel(0x4000, b"four")
    assert peer.receive()[0] == b"four"
    assert client.refresh(0).ok()
    ended = line(server, "turn-ended", id=made["id"])
    assert ended["why"] == "deleted" and ended["client-packets"] == "1" and ended["client-bytes"] == "4"


def test_refusals_say_why(server, connect):
    client = connect(server).allocated()
    assert connect(server).allocate().code == 486
    assert "quota" in line(server, "turn-refused", code="486", method="Allocate")["why"]
    assert client.permit(("169.254.169.254", 80)).code == 403
    assert "denied" in line(server, "turn-refused", code="403", method="CreatePermission")["why"]
    assert client.refresh(0).ok()


def test_a_wrong_password_is_told_but_no_secret(server, connect):
    client = connect(server, credentials=Credentials("alice", "guess-what"))
    assert client.request(m.ALLOCATE, (m.REQUESTED_TRANSPORT, b"\x11\0\0\0")).code == 401
    assert "password" in line(server, "turn-refused", code="401", user="alice")["why"]
    assert "guess-what" not in server.log() and "wonderland" not in server.log().replace("--turn-user=", "")


def test_strangers_do_not_fill_the_log(server, connect):
    before = len(server.log().splitlines())
    client = connect(server, credentials=Credentials("nobody", "x"))
    for _ in range(40):
        client.request(m.ALLOCATE, (m.REQUESTED_TRANSPORT, b"\x11\0\0\0"))
    assert len(server.log().splitlines()) - before < 30
