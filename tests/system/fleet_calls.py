# SPDX-License-Identifier: Apache-2.0
"""Calls of every kind between a phone outside and a PBX inside, whose media never pauses and is checked packet by
packet: each carries its number, so what is heard twice, changed, or from somewhere else is noticed."""
import itertools
import secrets
import selectors
import socket
import struct
import threading
import time

from cryptography.hazmat.primitives import hashes
from pylibsrtp import Error

import rtp
import srtp
import stun
from fleet_network import PBX, PHONE
from test_dtls_phone import DtlsSocket, certificate

EACH_S = 0.04  # between two packets of one phone
REPORT_S = 0.5
CONSENT_S = 2
MAGIC = b"a call that goes on"
_ssrcs = itertools.count(0x1000)
_identity = certificate()
FINGERPRINT = "a=fingerprint:sha-256 " + _identity[1].fingerprint(hashes.SHA256()).hex(":").upper()

REWRITE = {"replace": ["origin", "session-connection"]}
TO_PBX = {"ICE": "remove", "rtcp_mux": ["demux"], "transport_protocol": "RTP/AVP", **REWRITE}
TO_BROWSER = {"ICE": "force", "rtcp_mux": ["require"], **REWRITE}
BROWSER_IS_CALLED = {"ICE": "force", "DTLS": "passive", "SDES": ["off"], "rtcp_mux": ["require"],
                     "transport_protocol": "UDP/TLS/RTP/SAVPF", "flags": ["generate-mid"], **REWRITE}


class Phone(rtp.Phone):
    """With a port that none has had before: what goes on towards one that has hung up is not taken for another's."""
    ports = itertools.cycle(range(10000, 20000, 2))

    def _bind_pair(self):
        while True:
            port = next(self.ports)
            pair = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
            try:
                for offset, one in enumerate(pair):
                    one.bind((self.host, port + offset))
                    one.settimeout(3)
                return pair
            except OSError:
                for one in pair:
                    one.close()


class Side:
    """A phone in a call: speaks, and keeps what is wrong with what it hears. This one has plain RTP."""

    def __init__(self, host):
        self.phone = Phone(host)
        self.signalled = self.phone  # whom its SDP names
        self.ssrc, self.first_seq = next(_ssrcs), secrets.randbelow(0x10000)
        self.to = None
        self.spoken = itertools.count()
        self.heard, self.reports, self.faults = set(), 0, []
        self.last = self.gap = self.resumed = 0.0  # `resumed`: see Talk.wait_resumed()
        self.is_on_hold = self.is_over = False
        self.report_at = 0.0

    def close(self):
        self.phone.close()

    def sockets(self):
        return [self.phone.rtp, self.phone.rtcp]

    # Signalling

    def sdp(self, *attributes, answer_to=None):
        """An offer, or the answer to one."""
        del answer_to
        return self.signalled.sdp("0", attributes=attributes)

    def learn(self, sdp):
        """The SDP that the relay has sent to it."""
        self.to = rtp.media_address(sdp)

    def ready(self):
        """Its keys are there."""

    # Media

    def protect(self, packet):
        return packet

    def unprotect(self, data):
        return data

    protect_rtcp, unprotect_rtcp = protect, unprotect

    def speak(self, now):
        number = next(self.spoken)
        payload = (struct.pack("!II", self.ssrc, number) + MAGIC).ljust(160, b"\xd5")
        packet = rtp.packet(self.first_seq + number, self.ssrc, payload=payload)
        self._send(self.phone.rtp, self.protect(packet), self.to)
        if now >= self.report_at:
            self.report_at = now + REPORT_S
            self._report(self.protect_rtcp(rtp.sender_report(self.ssrc)))

    def _report(self, compound):
        self._send(self.phone.rtcp, compound, (self.to[0], self.to[1] + 1))

    @staticmethod
    def _send(sock, data, to):
        try:
            sock.sendto(data, to)
        except OSError:
            pass  # the kernel tells what became of an earlier packet; nobody was there

    def hear(self, data, source, now):
        if 200 <= data[1] <= 206:
            self._hear_report(data)
        elif source != self.to:
            self.faults.append(f"from {source}, not {self.to}")
        else:
            self._hear_packet(data, now)

    def _hear_report(self, data):
        try:
            self.unprotect_rtcp(data)
            self.reports += 1
        except Error as error:
            self.faults.append(f"SRTCP: {error}")

    def _hear_packet(self, data, now):
        try:
            self.hear_payload(rtp.parse(self.unprotect(data))["payload"], now)
        except Error as error:
            self.faults.append(f"SRTP: {error}, seq {rtp.parse(data)['seq']}")

    def hear_payload(self, payload, now):
        ssrc, number = struct.unpack("!II", payload[:8])
        if payload[8:8 + len(MAGIC)] != MAGIC or ssrc != self.hears:
            self.faults.append("changed on its way")
        elif number in self.heard:
            self.faults.append(f"number {number} for the second time")
        self.heard.add(number)
        if self.last > 0:
            self.gap = max(self.gap, now - self.last)
        self.last = now
        self.resumed = self.resumed or now


class SdesSide(Side):
    """SRTP with keys in the SDP."""

    def __init__(self, host, suite="AES_CM_128_HMAC_SHA1_80"):
        super().__init__(host)
        self.secure = srtp.SecurePhone(self.phone, suite)

    def sdp(self, *attributes, answer_to=None):
        tag = 1
        if answer_to:
            tag = next(int(line.partition(":")[2].split()[0]) for line in answer_to.splitlines()
                       if line.startswith("a=crypto:") and f" {self.secure.suite} " in line)
        return self.phone.sdp("0", protocol="RTP/SAVP", attributes=[self.secure.crypto(tag), *attributes])

    def learn(self, sdp):
        before = self.secure.to and srtp.crypto_lines(sdp)[self.secure.suite] == self.key
        self.to = self.secure.to = rtp.media_address(sdp)
        if not before:
            self.key = srtp.crypto_lines(sdp)[self.secure.suite]
            self.secure.learn(sdp)

    def protect(self, packet):
        return self.secure.tx.protect(packet)

    def unprotect(self, data):
        return self.secure.rx.unprotect(data)

    def protect_rtcp(self, compound):
        return self.secure.tx.protect_rtcp(compound)

    def unprotect_rtcp(self, data):
        return self.secure.rx.unprotect_rtcp(data)


class _WebHandshake(DtlsSocket):
    """Checks go on until the handshake is over: the first may come before the relay has the SDP of this side."""

    def __init__(self, side, is_client):
        self.side = side
        side.check()
        super().__init__(side.phone.rtp, side.to, is_client, *_identity)

    def _hear(self):
        try:
            data = self.socket.recv(2048)
        except TimeoutError:
            self.side.check()
            for datagram in self.flight:
                self.socket.sendto(datagram, self.to)
            return
        if data[0] >= 20:
            self.ssl.bio_write(data)


class WebSide(Side):
    """What a browser is to a relay: ICE, DTLS-SRTP, everything on one port. It counts the answers to its checks."""

    def __init__(self, host):
        super().__init__(host)
        self.ufrag, self.password = secrets.token_hex(4), secrets.token_hex(12)
        self.handshake, self.is_ready = None, False
        self.checks, self.check_at = 0, 0.0

    def sdp(self, *attributes, answer_to=None):
        port, setup = self.phone.port, "active" if answer_to else "actpass"
        return "\r\n".join([
            "v=0", f"o=- 1 1 IN IP4 {self.phone.host}", "s=-", "t=0 0", f"m=audio {port} UDP/TLS/RTP/SAVPF 0",
            f"c=IN IP4 {self.phone.host}", "a=mid:0", "a=rtcp-mux", f"a=setup:{setup}", FINGERPRINT,
            f"a=ice-ufrag:{self.ufrag}", f"a=ice-pwd:{self.password}",
            f"a=candidate:1 1 udp 2130706431 {self.phone.host} {port} typ host", *attributes, ""])

    def learn(self, sdp):
        remote = rtp.attribute(sdp, "ice-ufrag"), rtp.attribute(sdp, "ice-pwd"), rtp.attribute(sdp, "fingerprint")
        if self.handshake:
            assert remote == self.remote, "other ICE credentials, or another certificate"
            return
        self.to, self.remote = rtp.media_address(sdp), remote
        self.handshake = _WebHandshake(self, is_client=rtp.attribute(sdp, "setup") != "active")

    def ready(self):
        if not self.is_ready:
            self.handshake.ready()
            self.is_ready = True

    def check(self):
        ufrag, password, _ = self.remote
        self._send(self.phone.rtp, stun.check(f"{ufrag}", password, own=self.ufrag), self.to)

    def protect(self, packet):
        return self.handshake.tx.protect(packet)

    def unprotect(self, data):
        return self.handshake.rx.unprotect(data)

    def protect_rtcp(self, compound):
        return self.handshake.tx.protect_rtcp(compound)

    def unprotect_rtcp(self, data):
        return self.handshake.rx.unprotect_rtcp(data)

    def _report(self, compound):
        self._send(self.phone.rtp, compound, self.to)

    def speak(self, now):
        if now >= self.check_at:
            self.check_at = now + CONSENT_S
            self.check()
        super().speak(now)

    def hear(self, data, source, now):
        if data[0] < 4:
            self._hear_stun(data)
        elif data[0] < 64:
            # Before, it may be the last flight once more, and afterwards a farewell.
            if self.heard and not self.is_over:
                self.faults.append(f"DTLS in the middle of the call: {data[:16].hex()}")
        else:
            super().hear(data, source, now)

    def _hear_stun(self, data):
        kind, _, attributes = stun.parse(data)
        if kind == stun.BINDING_SUCCESS and stun.signed_with(data, self.remote[1]):
            self.checks += 1
        elif kind != stun.BINDING_REQUEST:
            self.faults.append(f"STUN {kind:#x} {attributes}")


class HiddenSide(Side):
    """Behind a NAT: its SDP names an address that nothing comes from."""

    def __init__(self, host):
        super().__init__(host)
        self.signalled = Phone(host)

    def close(self):
        super().close()
        self.signalled.close()


class DtlsSide(WebSide):
    """DTLS-SRTP without ICE, RTP and RTCP on one port."""

    def sdp(self, *attributes, answer_to=None):
        setup = "active" if answer_to else "actpass"
        return self.phone.sdp("0", protocol="UDP/TLS/RTP/SAVP",
                              attributes=[f"a=setup:{setup}", FINGERPRINT, "a=rtcp-mux", *attributes])

    def check(self):
        """It has none to make."""


def _gcm(host):
    return SdesSide(host, "AEAD_AES_256_GCM")


# Who calls from outside, and the flags of offer and answer; a PBX with plain RTP is inside.
KINDS = {
    "plain": (Side, {}, {}),
    "nat": (HiddenSide, {}, {}),
    "sdes": (SdesSide, {"transport_protocol": "RTP/AVP"}, {}),
    "gcm": (_gcm, {"transport_protocol": "RTP/AVP"}, {}),
    "dtls": (DtlsSide, {"transport_protocol": "RTP/AVP", "rtcp_mux": ["demux"]}, {"rtcp_mux": ["require"]}),
    "web": (WebSide, TO_PBX, TO_BROWSER),
}
# Here the PBX calls.
INWARD = {
    "plain-in": (Side, {}, {}),
    "sdes-in": (SdesSide, {"transport_protocol": "RTP/SAVP", "DTLS": "off"}, {}),
    "web-in": (WebSide, BROWSER_IS_CALLED, {"ICE": "remove", "rtcp_mux": ["demux"]}),
}
EVERY_KIND = [*KINDS, *INWARD]


class Call:
    """Set up by one node, at a place; `sides` are caller and called."""

    def __init__(self, net, ng, name, kind="plain", place=1):
        self.net, self.name, self.kind = net, name, kind
        make, self.offering, self.answering = (KINDS | INWARD)[kind]
        with net.inside("phone"):
            phone = make(PHONE)
        with net.inside("pbx"):
            pbx = Side(PBX)
        directions = [f"out{place}", f"in{place}"]
        self.sides = [phone, pbx]
        self.outside, self.inside = phone, pbx
        if kind in INWARD:
            self.sides.reverse()
            directions.reverse()
        self.offering = {**self.offering, "direction": directions}
        self.sides[0].hears, self.sides[1].hears = self.sides[1].ssrc, self.sides[0].ssrc
        try:
            self.invite(ng)
        except BaseException:
            self.close()
            raise

    def close(self):
        for side in self.sides:
            side.close()

    def invite(self, ng, *attributes, answer=()):
        """An offer and its answer, the first or one more; the SDP of each."""
        a, b = self.sides
        again = {"to_tag": "B"} if a.to else {}
        before = a.to, b.to
        to_b = ng.offer(self.name, a.sdp(*attributes), **again, **self.offering)
        b.learn(to_b)
        to_a = ng.answer(self.name, b.sdp(*answer, answer_to=to_b), **self.answering)
        a.learn(to_a)
        if again:
            assert (a.to, b.to) == before, "the relay's ports have changed"
        for side in self.sides:
            side.ready()
        return to_b, to_a

    def hold(self, ng):
        """The called side only listens."""
        self.invite(ng, "a=sendonly", answer=["a=recvonly"])
        self.sides[0].is_on_hold = True

    def resume(self, ng):
        self.invite(ng)
        self.sides[0].is_on_hold = False

    def delete(self, ng):
        """It does not matter what is heard from now on, or is not."""
        for side in self.sides:
            side.is_over = True
        return ng.delete(self.name)

    def faults(self):
        return [f"{self.name}: {who} hears {fault}" for who, side in (("phone", self.outside), ("PBX", self.inside))
                for fault in side.faults[:5]]


class Talk:
    """The media of calls, on a thread of its own, from add() to remove()."""

    def __init__(self):
        self.calls, self.is_over = [], False
        self.spoken_for, self.changes = [], []  # the thread's own, and what is to become of it
        self.selector = selectors.DefaultSelector()
        self.lock = threading.Lock()
        self.late = 0.0  # the longest that this thread itself was late
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def add(self, *calls):
        for call in calls:
            for side in call.sides:
                for sock in side.sockets():
                    sock.setblocking(False)
        with self.lock:
            self.changes += [(self._begin, call) for call in calls]
            self.calls += calls
        return calls[0]

    def remove(self, *calls):
        """Its media ends; afterwards its sockets are closed."""
        with self.lock:
            self.changes += [(self._end, call) for call in calls]
            self.calls = [call for call in self.calls if call not in calls]

    def close(self):
        self.is_over = True
        self.thread.join()
        for call in self.spoken_for:
            call.close()
        self.selector.close()

    def _begin(self, call):
        self.spoken_for.append(call)
        for side in call.sides:
            for sock in side.sockets():
                self.selector.register(sock, selectors.EVENT_READ, side)

    def _end(self, call):
        self.spoken_for.remove(call)
        for side in call.sides:
            for sock in side.sockets():
                self.selector.unregister(sock)
        call.close()

    def _run(self):
        due = time.monotonic()
        while not self.is_over:
            with self.lock:
                changes, self.changes = self.changes, []
            for change, call in changes:
                change(call)
            now = time.monotonic()
            self.late = max(self.late, now - due)
            due = max(due + EACH_S, now)
            for call in self.spoken_for:
                for side in call.sides:
                    side.speak(now)
            while (left := due - time.monotonic()) > 0:
                for key, _ in self.selector.select(left):
                    self._receive(key.fileobj, key.data)

    @staticmethod
    def _receive(sock, side):
        for _ in range(50):
            try:
                data, source = sock.recvfrom(2048)
            except OSError:  # nothing more, or an ICMP error
                return
            side.hear(data, source, time.monotonic())

    # What is heard

    def sides(self, calls=None):
        return [side for call in (self.calls if calls is None else calls) for side in call.sides 
                if not side.is_on_hold]

    def silent_since(self, moment, calls=None):
        return [f"{call.name} {'phone' if side is call.outside else 'PBX'}"
                for call in (self.calls if calls is None else calls) for side in call.sides
                if side.last < moment and not side.is_on_hold]

    def all_heard(self, calls=None, seconds=20, since=None):
        """Everybody hears the other one, from now on or that moment; in both directions and with RTCP."""
        moment = time.monotonic() if since is None else since
        deadline = time.monotonic() + seconds
        while silent := self.silent_since(moment, calls):
            assert time.monotonic() < deadline, f"silent: {silent}"
            time.sleep(0.02)

    def reports_go_on(self, calls=None, seconds=20):
        before = [(side, side.reports) for side in self.sides(calls) if side.reports]
        deadline = time.monotonic() + seconds
        while silent := [side for side, count in before if side.reports <= count]:
            assert time.monotonic() < deadline, f"{len(silent)} of {len(before)} hear no RTCP"
            time.sleep(0.02)

    def checks_go_on(self, seconds=20):
        """Browsers' checks are answered."""
        before = [(side, side.checks) for side in self.sides() if type(side) is WebSide]
        deadline = time.monotonic() + seconds
        while any(side.checks <= count for side, count in before):
            assert time.monotonic() < deadline, "checks without an answer"
            time.sleep(0.02)

    def mark(self):
        """Silence is told from now on."""
        for side in self.sides():
            side.gap = 0.0
        self.late = 0.0

    def wait_resumed(self, seconds=30):
        """Until all have heard something after this moment; how long that took."""
        began = time.monotonic()
        for side in self.sides():
            side.resumed = 0.0
        deadline = began + seconds
        while not all(side.resumed for side in self.sides()):
            assert time.monotonic() < deadline, f"silent: {self.silent_since(began)}"
            time.sleep(0.01)
        return max(side.resumed for side in self.sides()) - began

    def gaps(self, calls=None):
        """The longest silence that each side has heard, in ascending order."""
        return sorted(side.gap for side in self.sides(calls))

    def faults(self):
        return [fault for call in list(self.calls) for fault in call.faults()]
