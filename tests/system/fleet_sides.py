# SPDX-License-Identifier: Apache-2.0
"""Phones of every kind in a call that never pauses. Each packet carries its number, so what is heard twice, changed, or
from somewhere else is noticed."""
import itertools
import secrets
import socket
import struct

from cryptography.hazmat.primitives import hashes
from pylibsrtp import Error

import rtp
import srtp
import stun
from test_dtls_phone import DtlsSocket, certificate

REPORT_S = 0.5
CONSENT_S = 2
MAGIC = b"a call that goes on"
_ssrcs = itertools.count(0x1000)
_identity = certificate()
FINGERPRINT = "a=fingerprint:sha-256 " + _identity[1].fingerprint(hashes.SHA256()).hex(":").upper()


class Phone(rtp.Phone):
    """With a port that none has had before: what goes on towards one that has hung up is not taken for another's."""
    ports = itertools.cycle(range(10000, 20000, 2))

    def _bind_pair(self):
        while True:
            port = next(self.ports)
            pair = [socket.socket(self.family, socket.SOCK_DGRAM) for _ in range(2)]
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
        elif source[:2] != self.to:
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
