# SPDX-License-Identifier: Apache-2.0
"""A TURN client (RFC 8656, 6062, 8016; credentials of RFC 5389 and 8489) and the peers it talks to.

It is strict where a browser is lenient: it repeats nothing, and an answer must come from where the
request went, be the answer to it, and be signed with the key and the algorithm of the request.
"""
import contextlib
import socket
import threading
import time

import turn_message as m
from turn_transport import family_of

# Answers that an unproven client gets, and so without integrity.
UNSIGNED = {400, 401, 420, 438}


class Credentials:
    """Who the client says it is. `algorithm` None: RFC 5389 (MD5 and SHA-1), else RFC 8489."""

    def __init__(self, user="alice", password="wonderland", algorithm=None, hashed=False, legacy_integrity=False):
        self.user, self.password, self.algorithm, self.hashed = user, password, algorithm, hashed
        self.legacy_integrity = legacy_integrity

    def key(self, realm):
        return m.long_term_key(self.user, realm, self.password, self.algorithm or m.MD5)

    def sign(self, draft, client):
        if self.hashed:
            draft.add(m.USERHASH, m.userhash(self.user, client.realm))
        else:
            draft.add(m.USERNAME, self.user.encode())
        draft.add(m.REALM, client.realm.encode()).add(m.NONCE, client.nonce)
        key = self.key(client.realm)
        if self.algorithm is None:
            return draft.sign(key)
        draft.add(m.PASSWORD_ALGORITHMS, client.offered or b"")
        draft.add(m.PASSWORD_ALGORITHM, m.algorithms(self.algorithm))
        if self.legacy_integrity:
            draft.sign(key)
        return draft.sign_sha256(key)

    def signed(self, reply, client):
        key = self.key(client.realm)
        return reply.signed_by(key) if self.algorithm is None else reply.signed_sha256_by(key)


class TokenCredentials:
    """RFC 7635: a key id, the sealed token and the key inside it."""

    def __init__(self, key_id, token, mac_key):
        self.key_id, self.token, self.mac_key = key_id, token, mac_key

    def sign(self, draft, client):
        draft.add(m.USERNAME, self.key_id.encode()).add(m.REALM, client.realm.encode())
        draft.add(m.NONCE, client.nonce).add(m.ACCESS_TOKEN, self.token)
        return draft.sign(self.mac_key)

    def signed(self, reply, _client):
        return reply.signed_by(self.mac_key)


class TurnClient:
    def __init__(self, transport, credentials=None):
        self.transport = transport
        self.credentials = credentials or Credentials()
        self.realm = self.nonce = self.offered = None
        self.relayed = None
        self.inbox = []  # what came while an answer was awaited

    def close(self):
        """Leaves nothing behind: another test's socket may get the same port, and so the same 5-tuple."""
        if self.relayed and self.transport.name == "udp":
            with contextlib.suppress(OSError):
                self.send(self.draft(m.REFRESH, (m.LIFETIME, m.u32(0))))
        self.transport.close()

    # The wire

    def send(self, data):
        self.transport.send(data.bytes() if isinstance(data, m.Draft) else data)

    def transact(self, draft, timeout=5.0):
        """Sends a request and gives its answer; None when there is none."""
        self.send(draft)
        return self.answer(draft.transaction, timeout)

    def answer(self, transaction, timeout=5.0):
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            data = self.transport.receive(left)
            if data is None:
                return None
            if data[0] < 4 and m.Message(data).transaction == transaction:
                return m.Message(data)
            self.inbox.append(data)
        return None

    def receive(self, timeout=3.0):
        """The next thing that is no answer: a Message or (channel, payload); None when none comes."""
        data = self.inbox.pop(0) if self.inbox else self.transport.receive(timeout)
        if data is None:
            return None
        if data[0] < 4:
            return m.Message(data)
        number, length = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")
        assert length <= len(data) - 4
        return number, data[4:4 + length]

    def hears_nothing(self, seconds=0.2):
        return self.receive(seconds) is None

    def heard(self, timeout=3.0):
        """(peer, payload) of a Data indication."""
        message = self.receive(timeout)
        assert isinstance(message, m.Message), f"no Data indication: {message!r}"
        assert (message.method, message.kind) == (m.DATA, m.INDICATION), repr(message)
        return message.address(m.XOR_PEER), message.get(m.DATA_VALUE)

    # Requests

    def challenge(self, method=m.ALLOCATE):
        """Asks without credentials and keeps what the 401 says."""
        wanted = [(m.REQUESTED_TRANSPORT, m.transport(m.UDP))] if method == m.ALLOCATE else []
        reply = self.transact(m.Draft(method, attributes=wanted))
        assert reply is not None and reply.kind == m.ERROR and reply.code == 401, repr(reply)
        self.learn(reply)
        return reply

    def learn(self, reply):
        self.realm, self.nonce = reply.get(m.REALM).decode(), reply.get(m.NONCE)
        self.offered = reply.get(m.PASSWORD_ALGORITHMS)

    def draft(self, method, *attributes, peers=()):
        """A signed request."""
        if self.nonce is None:
            self.challenge(m.CONNECTION_BIND if method == m.CONNECTION_BIND else m.ALLOCATE)
        draft = m.Draft(method, attributes=attributes)
        for peer in peers:
            draft.peer(peer)
        return self.credentials.sign(draft, self)

    def request(self, method, *attributes, peers=(), timeout=5.0):
        """A signed request and its answer; a stale nonce is renewed once."""
        for _ in range(2):
            reply = self.transact(self.draft(method, *attributes, peers=peers), timeout)
            if reply is None or reply.kind != m.ERROR or reply.code != 438:
                break
            self.learn(reply)
        assert reply is not None, "no answer"
        assert reply.method == method
        if reply.ok() or reply.code not in UNSIGNED:
            assert self.credentials.signed(reply, self), f"not signed: {reply!r}"
        return reply

    def allocate(self, *attributes, protocol=m.UDP):
        reply = self.request(m.ALLOCATE, (m.REQUESTED_TRANSPORT, m.transport(protocol)), *attributes)
        if reply.ok():
            self.relayed = reply.address(m.XOR_RELAYED)
        return reply

    def allocated(self, *attributes, **keys):
        """Allocates, which must work; gives itself."""
        reply = self.allocate(*attributes, **keys)
        assert reply.ok(), repr(reply)
        return self

    def refresh(self, lifetime=None, *attributes):
        wanted = [] if lifetime is None else [(m.LIFETIME, m.u32(lifetime))]
        return self.request(m.REFRESH, *wanted, *attributes)

    def permit(self, *peers):
        return self.request(m.CREATE_PERMISSION, peers=peers)

    def bind(self, number, peer):
        return self.request(m.CHANNEL_BIND, (m.CHANNEL_NUMBER, m.channel_number(number)), peers=[peer])

    def connect(self, peer):
        return self.request(m.CONNECT, peers=[peer], timeout=40)

    # Payload

    def send_to(self, peer, payload, *attributes):
        draft = m.Draft(m.SEND, m.INDICATION, attributes=attributes).peer(peer)
        self.send(draft.add(m.DATA_VALUE, payload))

    def send_channel(self, number, payload):
        self.send(m.channel_data(number, payload, padded=self.transport.reliable))


class Peer:
    """A UDP endpoint beyond the relay."""

    def __init__(self, host="127.0.0.1", port=0):
        self.socket = socket.socket(family_of((host, port)), socket.SOCK_DGRAM)
        self.socket.bind((host, port))
        self.address = self.socket.getsockname()[:2]

    def receive(self, timeout=3.0):
        """(payload, source) or None."""
        self.socket.settimeout(timeout)
        try:
            data, source = self.socket.recvfrom(65535)
        except TimeoutError:
            return None
        return data, source[:2]

    def hears_nothing(self, seconds=0.2):
        return self.receive(seconds) is None

    def send(self, to, payload):
        self.socket.sendto(payload, to)

    def close(self):
        self.socket.close()


@contextlib.contextmanager
def echo_peer(host="127.0.0.1"):
    """A peer that sends everything back, on a thread of its own."""
    peer, over = Peer(host), threading.Event()

    def run():
        while not over.is_set():
            got = peer.receive(0.1)
            if got:
                peer.send(got[1], got[0])

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield peer
    finally:
        over.set()
        thread.join()
        peer.close()
