# SPDX-License-Identifier: Apache-2.0
"""Users, secrets, peer lists and revocations in Redis, under coturn's keys."""
import base64
import hmac
import time

import pytest

import turn_message as m
from turn import Credentials
from turn_redis import Redis
from turn_server import REALM, TurnServer, ours_alone

pytestmark = ours_alone
PREFIX = f"turn/realm/{REALM}"


@pytest.fixture(scope="module")
def redis():
    one = Redis()
    yield one
    one.close()


@pytest.fixture(scope="module")
def server(redis, turn_cert):
    redis("set", f"{PREFIX}/user/carol/key", m.long_term_key("carol", REALM, "cheshire").hex())
    one = TurnServer(f"redis-userdb=127.0.0.1:{redis.port}/0", "redis-refresh-interval=1", users=False, cert=turn_cert,
                     daemon_options=["--num-threads=2"])
    yield one
    one.stop()


def soon(what, seconds=3):
    """Waits until the condition holds: what is in Redis is read again every second."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def rest(secret, name):
    user = f"{int(time.time()) + 600}:{name}"
    return Credentials(user, base64.b64encode(hmac.digest(secret.encode(), user.encode(), "sha1")).decode())


def refused(server, connect, credentials, code=401):
    reply = connect(server, credentials=credentials).allocate()
    return reply.kind == m.ERROR and reply.code == code


def test_a_user_whose_key_is_stored(server, connect, way):
    for _ in range(3):
        connect(server, way, Credentials("carol", "cheshire")).allocated()
    assert connect(server, way, Credentials("carol", "wrong")).allocate().code == 401


def test_a_user_whose_password_is_stored(server, redis, connect):
    redis("set", f"{PREFIX}/user/dora/key", "open sesame")
    connect(server, credentials=Credentials("dora", "open sesame")).allocated()
    # With the password itself there is a SHA-256 key too.
    connect(server, credentials=Credentials("dora", "open sesame", algorithm=m.SHA256)).allocated()


def test_unknown_users(server, connect):
    for name in ("nobody", "no body", "turn/realm/x", "%s%n", "a\r\nSET x y", "*", "carol/key"):
        assert connect(server, credentials=Credentials(name, "x")).allocate().code == 401, name


def test_a_user_that_is_added_while_it_runs(server, redis, connect):
    late = Credentials("late", "white rabbit")
    assert connect(server, credentials=late).allocate().code == 401
    redis("set", f"{PREFIX}/user/late/key", m.long_term_key("late", REALM, "white rabbit").hex())
    soon(lambda: connect(server, credentials=late).allocate().ok(), 8)


def test_secrets_are_rotated_while_it_runs(server, redis, connect):
    redis("sadd", f"{PREFIX}/secret", "monday")
    soon(lambda: connect(server, credentials=rest("monday", "eve")).allocate().ok())
    running = connect(server, credentials=rest("monday", "eve")).allocated()
    redis("sadd", f"{PREFIX}/secret", "tuesday")
    soon(lambda: connect(server, credentials=rest("tuesday", "eve")).allocate().ok())
    redis("srem", f"{PREFIX}/secret", "monday")
    soon(lambda: refused(server, connect, rest("monday", "eve")))
    assert running.refresh().ok(), "a running session keeps its key"


def test_peer_lists_of_the_realm(server, redis, connect):
    client = connect(server, credentials=Credentials("carol", "cheshire")).allocated()
    assert client.permit(("8.8.8.8", 1)).ok()
    redis("sadd", f"{PREFIX}/denied-peer-ip", "8.8.8.0/24")
    soon(lambda: client.permit(("8.8.8.8", 1)).kind == m.ERROR)
    assert client.permit(("8.8.4.4", 1)).ok()
    redis("del", f"{PREFIX}/denied-peer-ip")
    soon(lambda: client.permit(("8.8.8.8", 1)).ok())


def test_quota_of_the_realm(server, redis, connect):
    redis("set", f"{PREFIX}/user/quentin/key", "queue")
    quentin = Credentials("quentin", "queue")
    redis("set", f"{PREFIX}/user-quota", "2")

    def capped():
        clients = [connect(server, credentials=quentin) for _ in range(3)]
        good = [client for client in clients if client.allocate().ok()]
        for client in good:
            client.refresh(0)
        return len(good) == 2

    soon(capped)
    redis("del", f"{PREFIX}/user-quota")
    soon(lambda: not capped())


def test_a_user_that_is_revoked(server, redis, connect, peers):
    redis("set", f"{PREFIX}/user/mallory/key", "malice")
    mallory, carol = Credentials("mallory", "malice"), Credentials("carol", "cheshire")
    bad, good, peer = connect(server, credentials=mallory).allocated(), connect(server, credentials=carol).allocated(), peers()
    assert bad.bind(0x4000, peer.address).ok()
    redis("sadd", f"{PREFIX}/revoked", "mallory")
    soon(lambda: connect(server, credentials=mallory).allocate().kind == m.ERROR)
    bad.send_channel(0x4000, b"still here?")
    assert peer.hears_nothing(), "the allocation has ended"
    assert good.refresh().ok()
    redis("srem", f"{PREFIX}/revoked", "mallory")
    soon(lambda: connect(server, credentials=mallory).allocate().ok(), 8)


def test_a_kick_over_pubsub(server, redis, connect, peers):
    redis("set", f"{PREFIX}/user/kicked/key", "out")
    client, peer = connect(server, credentials=Credentials("kicked", "out")).allocated(), peers()
    assert client.bind(0x4000, peer.address).ok()
    client.send_channel(0x4000, b"here")
    assert peer.receive()[0] == b"here"
    redis("publish", f"{PREFIX}/revoke", "kicked")

    def gone():
        client.send_channel(0x4000, b"and now?")
        return peer.receive(0.2) is None

    soon(gone)
    assert client.refresh().code == 437


def test_redis_itself_is_no_peer(server, redis, connect):
    client = connect(server, credentials=Credentials("carol", "cheshire")).allocated()
    assert client.bind(0x4000, ("127.0.0.1", redis.port)).code == 403


def test_redis_away_delays_nobody(start_turn, connect, peers):
    own = Redis()
    try:
        own("set", f"{PREFIX}/user/carol/key", "cheshire")
        own("sadd", f"{PREFIX}/secret", "monday")
        server = start_turn(f"redis-userdb=127.0.0.1:{own.port}/0", "redis-refresh-interval=1")
        client, peer = connect(server, credentials=Credentials("carol", "cheshire")).allocated(), peers()
        soon(lambda: connect(server, credentials=rest("monday", "eve")).allocate().ok())
        own.stop()
        began = time.monotonic()
        assert client.bind(0x4000, peer.address).ok() and client.refresh().ok()
        client.send_channel(0x4000, b"no Redis")
        assert peer.receive()[0] == b"no Redis"
        connect(server).allocated()  # a static user
        connect(server, credentials=rest("monday", "eve")).allocated()
        assert time.monotonic() - began < 2
        # Whoever must be looked up is told to try again, or gets no answer and tries again by itself.
        unseen = connect(server, credentials=Credentials("unseen", "x"))
        unseen.challenge()
        reply = unseen.transact(unseen.draft(m.ALLOCATE, (m.REQUESTED_TRANSPORT, m.transport(m.UDP))), 0.5)
        assert reply is None or reply.kind == m.ERROR and reply.code == 500
        own.start()
        own("set", f"{PREFIX}/user/unseen/key", "x")
        draft = unseen.draft(m.ALLOCATE, (m.REQUESTED_TRANSPORT, m.transport(m.UDP)))
        soon(lambda: (reply := unseen.transact(draft, 0.5)) is not None and reply.ok(), 15)
    finally:
        own.close()
