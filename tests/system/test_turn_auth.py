# SPDX-License-Identifier: Apache-2.0
"""Credentials and nonces (W8, W10-W16, W39, W40): RFC 5389's and RFC 8489's long-term mechanism, the REST form."""
import base64
import hmac
import itertools
import time

import pytest

import turn_message as m
from turn import Credentials
from turn_server import ORACLE, REALM, TurnServer, ours_alone
from turn_transport import TRANSPORTS

WANT_UDP = (m.REQUESTED_TRANSPORT, m.transport(m.UDP))


def test_w08_a_bare_allocate_is_challenged(client):
    reply = client.transact(m.Draft(m.ALLOCATE, attributes=[WANT_UDP]))
    assert reply.kind == m.ERROR and reply.code == 401
    assert reply.get(m.REALM) == REALM.encode()
    assert 0 < len(reply.get(m.NONCE)) <= 40
    assert m.MESSAGE_INTEGRITY not in reply and m.INTEGRITY_SHA256 not in reply
    assert m.SOFTWARE not in reply and m.USERNAME not in reply
    # What an unproven source can make us send: small (RFC 8489's list of algorithms is 12 bytes of it).
    assert ORACLE or len(reply.data) <= (80 if m.PASSWORD_ALGORITHMS not in reply else 100)


def test_w08_the_challenge_of_each_method(turn, connect):
    for method in (m.ALLOCATE, m.REFRESH, m.CREATE_PERMISSION, m.CHANNEL_BIND):
        reply = connect(turn).transact(m.Draft(method))
        assert reply.kind == m.ERROR and reply.code in ((401,) if method == m.ALLOCATE else (401, 437))


def bare_answers(client, count):
    for _ in range(count):
        client.send(m.Draft(m.ALLOCATE, attributes=[WANT_UDP]))
    answers = 0
    while client.receive(0.2):
        answers += 1
    return answers


@ours_alone
def test_w08_challenges_of_one_source_are_capped(start_turn, connect):
    server = start_turn("unauthorized-ratelimit-rps=10")
    assert 1 <= bare_answers(connect(server), 60) <= 25
    # Other ports of the same address are the same source, another address is not.
    crowd = [connect(server) for _ in range(30)]
    for client in crowd:
        for _ in range(5):
            client.send(m.Draft(m.ALLOCATE, attributes=[WANT_UDP]))
    assert sum(client.receive(0.01) is not None for client in crowd * 5) <= 25
    assert bare_answers(connect(server, source=("127.77.0.1", 0)), 3) == 3


@ours_alone
def test_w08_the_cap_is_on_by_default_and_spares_who_proves_itself(start_turn, connect):
    server = start_turn("unauthorized-ratelimit-rps=10", ips=("127.0.0.1",))
    proven = connect(server).allocated()
    bare_answers(connect(server), 100)
    for _ in range(50):
        assert proven.refresh().ok()


def test_w10_a_nonce_that_was_never_issued(client):
    client.challenge()
    client.nonce = b"0123456789abcdef01234567"
    reply = client.transact(client.draft(m.ALLOCATE, WANT_UDP))
    assert reply.kind == m.ERROR and reply.code == 438
    assert reply.get(m.NONCE) not in (None, client.nonce) and reply.get(m.REALM) == REALM.encode()
    client.learn(reply)
    client.allocated()


@ours_alone
def test_w10_a_nonce_with_one_letter_changed(udp):
    udp.challenge()
    good = udp.nonce
    for at in range(len(good)):
        udp.nonce = good[:at] + (b"A" if good[at:at + 1] != b"A" else b"B") + good[at + 1:]
        reply = udp.transact(udp.draft(m.ALLOCATE, WANT_UDP))
        assert reply.kind == m.ERROR and reply.code in (400, 438), f"letter {at}: {reply!r}"
    udp.nonce = good
    udp.allocated()


@ours_alone
@pytest.mark.parametrize("other", [("127.0.0.2", 0), ("127.0.0.1", 0)])
def test_w11_a_nonce_of_another_source(turn, connect, other):
    first, second = connect(turn), connect(turn, source=other)
    first.challenge()
    second.realm, second.nonce, second.offered = first.realm, first.nonce, first.offered
    reply = second.transact(second.draft(m.ALLOCATE, WANT_UDP))
    assert reply.kind == m.ERROR and reply.code == 438
    second.learn(reply)
    second.allocated()


def test_w12_a_nonce_too_old_costs_one_round_trip_and_no_allocation(start_turn, turn_cert, connect):
    server = start_turn("stale-nonce=1", cert=turn_cert)
    clients = {way: connect(server, way).allocated() for way in TRANSPORTS}
    time.sleep(2.1)
    for way, client in clients.items():
        old = client.nonce
        reply = client.transact(client.draft(m.REFRESH))
        assert reply.kind == m.ERROR and reply.code == 438 and reply.get(m.NONCE) != old, way
        client.learn(reply)
        assert client.refresh().ok(), way


def test_w13_wrong_password(turn, connect, way):
    client = connect(turn, way, Credentials(password="looking-glass"))
    reply = client.request(m.ALLOCATE, WANT_UDP)
    assert reply.code == 401 and m.REALM in reply and m.NONCE in reply


def test_w14_unknown_user(turn, connect, way):
    client = connect(turn, way, Credentials(user="mallory"))
    reply = client.request(m.ALLOCATE, WANT_UDP)
    assert reply.code == 401 and m.REALM in reply and m.NONCE in reply


@pytest.mark.parametrize("missing", [m.USERNAME, m.REALM, m.NONCE])
def test_w15_an_attribute_of_the_credentials_missing(client, missing):
    client.challenge()
    have = [(m.USERNAME, b"alice"), (m.REALM, client.realm.encode()), (m.NONCE, client.nonce)]
    draft = m.Draft(m.ALLOCATE, attributes=[WANT_UDP, *(one for one in have if one[0] != missing)])
    reply = client.transact(draft.sign(client.credentials.key(client.realm)))
    assert reply.kind == m.ERROR and reply.code == 400
    assert m.MESSAGE_INTEGRITY not in reply


def test_w16_wrong_realm(client):
    client.challenge()
    client.realm = "example.net"
    reply = client.transact(client.draft(m.ALLOCATE, WANT_UDP))
    assert reply.kind == m.ERROR and reply.code in (401, 437, 441)


@ours_alone  # newer versions of it do
def test_w39_attributes_after_the_integrity_are_ignored(client):
    draft = client.draft(m.ALLOCATE, WANT_UDP).add(m.LIFETIME, m.u32(1800))
    reply = client.transact(draft)
    assert reply.ok() and reply.number(m.LIFETIME) == 600
    draft = client.draft(m.CREATE_PERMISSION).peer(("127.0.0.1", 4000))
    assert client.transact(draft).code == 400
    draft = client.draft(m.REFRESH).add(m.LIFETIME, m.u32(0)).fingerprint()
    reply = client.transact(draft)
    assert reply.ok() and reply.number(m.LIFETIME) == 600
    # A required attribute that nobody knows is ignored there too.
    assert client.transact(client.draft(m.REFRESH).add(0x7F00, b"what")).ok()


def test_a_fingerprint_is_answered_with_one(client):
    reply = client.transact(client.draft(m.ALLOCATE, WANT_UDP).fingerprint())
    assert reply.ok() and reply.fingerprint_right()
    assert client.credentials.signed(reply, client)


# RFC 8489


@pytest.fixture(scope="module")
def modern(turn_cert):
    if ORACLE:
        pytest.skip("coturn has nothing of RFC 8489's security")
    server = TurnServer("username-anonymity", cert=turn_cert)
    yield server
    server.stop()


def test_w40_the_nonce_says_what_is_offered(modern, connect):
    client = connect(modern)
    client.challenge()
    assert client.nonce.startswith(b"obMatJos2") and len(client.nonce) >= 13
    features = int.from_bytes(base64.b64decode(client.nonce[9:13]), "big")
    # The erratum to RFC 8489 leaves the order of the bits open; both of the features are on.
    assert features & 1 or features & 1 << 23
    assert m.algorithms(m.SHA256) in client.offered and m.algorithms(m.MD5) in client.offered


KINDS = {
    "md5": {"algorithm": m.MD5},
    "sha256": {"algorithm": m.SHA256},
    "sha256-userhash": {"algorithm": m.SHA256, "hashed": True},
    "md5-userhash": {"algorithm": m.MD5, "hashed": True},
    "userhash-sha1": {"hashed": True},
    "both-integrities": {"algorithm": m.SHA256, "legacy_integrity": True},
}


@pytest.mark.parametrize("kind", KINDS)
def test_w40_every_form_of_credentials(modern, connect, peers, way, kind):
    client = connect(modern, way, Credentials(**KINDS[kind])).allocated()
    peer = peers()
    assert client.permit(peer.address).ok()
    assert client.bind(0x4000, peer.address).ok()
    client.send_channel(0x4000, b"modern")
    assert peer.receive() == (b"modern", client.relayed)
    assert client.refresh(0).ok()


@pytest.mark.parametrize("kind", KINDS)
def test_w40_a_wrong_password_in_every_form(modern, connect, kind):
    client = connect(modern, credentials=Credentials(password="x", **KINDS[kind]))
    assert client.request(m.ALLOCATE, WANT_UDP).code == 401


def stripped(client, offered, chosen, key_algorithm=m.SHA256):
    """A request with a list and a choice of the test's own; None leaves the attribute out."""
    draft = m.Draft(m.ALLOCATE, attributes=[WANT_UDP, (m.USERNAME, b"alice"), (m.REALM, client.realm.encode()),
                                            (m.NONCE, client.nonce)])
    if offered is not None:
        draft.add(m.PASSWORD_ALGORITHMS, offered)
    if chosen is not None:
        draft.add(m.PASSWORD_ALGORITHM, chosen)
    return draft.sign_sha256(m.long_term_key("alice", client.realm, "wonderland", key_algorithm))


@pytest.mark.parametrize(("offered", "chosen"), [
    (m.algorithms(m.MD5), m.algorithms(m.MD5)),  # the list was stripped on the way
    (m.algorithms(m.SHA256), m.algorithms(m.SHA256)),
    ("ours", None), (None, m.algorithms(m.SHA256)),
    ("ours", m.algorithms(77)), ("ours", b""), (b"", m.algorithms(m.MD5)), (b"\x00\x01", m.algorithms(m.MD5)),
], ids=["only-md5", "only-sha256", "no-choice", "no-list", "unknown-choice", "empty-choice", "empty-list", "half-list"])
def test_w40_bidding_down_is_refused(modern, connect, offered, chosen):
    client = connect(modern)
    client.challenge()
    list_sent = client.offered if offered == "ours" else offered
    algorithm = m.MD5 if chosen == m.algorithms(m.MD5) else m.SHA256
    reply = client.transact(stripped(client, list_sent, chosen, algorithm))
    assert reply.kind == m.ERROR and reply.code == 400


def test_w40_bits_of_the_nonce_cannot_be_cleared(modern, connect):
    """Without the cookie's bit a client would be free to take MD5: the nonce must not verify then."""
    client = connect(modern)
    client.challenge()
    client.nonce = client.nonce[:9] + b"AAAA" + client.nonce[13:]
    reply = client.transact(client.draft(m.ALLOCATE, WANT_UDP))
    assert reply.kind == m.ERROR and reply.code == 438


def test_w40_a_truncated_integrity_is_refused(modern, connect):
    """TURN does not name a shorter length, so only the whole HMAC will do (RFC 8489, 14.6)."""
    client = connect(modern, credentials=Credentials(algorithm=m.SHA256))
    client.challenge()
    for size in (16, 20, 28):
        draft = m.Draft(m.ALLOCATE, attributes=[WANT_UDP, (m.USERNAME, b"alice"), (m.REALM, client.realm.encode()),
                                                (m.NONCE, client.nonce), (m.PASSWORD_ALGORITHMS, client.offered),
                                                (m.PASSWORD_ALGORITHM, m.algorithms(m.SHA256))])
        draft.sign_sha256(client.credentials.key(client.realm), size)
        reply = client.transact(draft, 0.5)
        assert reply is None or reply.kind == m.ERROR and reply.code in (400, 401)


# REST API: a time-limited name and the HMAC of it


def rest(secret, name="1:carol", ttl=600):
    user = f"{int(time.time()) + ttl}:{name}"
    return Credentials(user, base64.b64encode(hmac.digest(secret.encode(), user.encode(), "sha1")).decode())


def test_rest_credentials_of_each_secret(start_turn, turn_cert, connect, way):
    server = start_turn("static-auth-secret=north", "static-auth-secret=south", users=False, cert=turn_cert)
    for secret in ("north", "south"):
        assert connect(server, way, rest(secret)).allocate().ok()
    assert connect(server, way, rest("east")).allocate().code == 401


def test_rest_credentials_expire(start_turn, connect):
    server = start_turn("static-auth-secret=north", users=False)
    assert connect(server, credentials=rest("north", ttl=-5)).allocate().code == 401
    for name in ("carol", ":", "999999999999999999999", "-1:carol", "0x7fffffff:carol"):
        user = Credentials(name, base64.b64encode(hmac.digest(b"north", name.encode(), "sha1")).decode())
        assert ORACLE or connect(server, credentials=user).allocate().code == 401, name


@ours_alone
def test_rest_credentials_of_rfc8489(start_turn, connect):
    server = start_turn("static-auth-secret=north", users=False)
    for algorithm in (m.MD5, m.SHA256):
        credentials = rest("north")
        credentials.algorithm = algorithm
        connect(server, credentials=credentials).allocated()


@ours_alone
def test_strict_expiry_ends_a_running_allocation(start_turn, connect, peers):
    server = start_turn("static-auth-secret=north", "strict-expiry", users=False)
    client, peer = connect(server, credentials=rest("north", ttl=2)).allocated(), peers()
    assert client.permit(peer.address).ok()
    client.send_to(peer.address, b"in time")
    assert peer.receive()[0] == b"in time"
    deadline = time.monotonic() + 6
    for n in itertools.count():
        client.send_to(peer.address, b"late %d" % n)
        if peer.receive(0.2) is None:
            break
        assert time.monotonic() < deadline, "the allocation outlives its credentials"
    reply = client.transact(client.draft(m.REFRESH))
    assert reply.kind == m.ERROR and reply.code in (401, 437)


@ours_alone
def test_without_strict_expiry_an_allocation_outlives_its_credentials(start_turn, connect, peers):
    server = start_turn("static-auth-secret=north", users=False)
    client, peer = connect(server, credentials=rest("north", ttl=1)).allocated(), peers()
    time.sleep(2.1)
    assert client.permit(peer.address).ok()
    client.send_to(peer.address, b"still here")
    assert peer.receive()[0] == b"still here"


@ours_alone
def test_a_key_in_place_of_a_password(start_turn, connect):
    """coturn's form of a user whose password is not in the file."""
    key = m.long_term_key("dave", REALM, "secret").hex()
    server = start_turn(f"user=dave:0x{key}")
    connect(server, credentials=Credentials("dave", "secret")).allocated()


def test_names_of_many_bytes(start_turn, connect):
    name, password = "ж" * 120, "密码:with:colons " * 5
    server = start_turn(f"user={name}:{password.strip()}")
    connect(server, credentials=Credentials(name, password.strip())).allocated()
