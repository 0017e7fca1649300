# SPDX-License-Identifier: Apache-2.0
"""DTLS-SRTP without ICE, as some phones and trunks do it: both roles, RTP and RTCP on ports of their own or on one."""
import datetime
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL import SSL, crypto
from pylibsrtp import Policy, Session

import rtp

KEY, SALT = 16, 14


def certificate():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "phone")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(1).not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(9))
            .sign(key, hashes.SHA256()))
    return key, made


class DtlsSocket:
    """One 5-tuple: shakes hands over the socket, then protects with the keys that came of it."""

    def __init__(self, socket, to, is_client, key, cert):
        context = SSL.Context(SSL.DTLS_METHOD)
        context.use_privatekey(crypto.PKey.from_cryptography_key(key))
        context.use_certificate(crypto.X509.from_cryptography(cert))
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        context.set_tlsext_use_srtp(b"SRTP_AES128_CM_SHA1_80")
        self.socket, self.to, self.is_client = socket, to, is_client
        self.ssl = SSL.Connection(context)
        (self.ssl.set_connect_state if is_client else self.ssl.set_accept_state)()
        self.flight, self.error = [], None
        self.thread = threading.Thread(target=self._shake_hands)
        self.thread.start()

    def _flush(self):
        flight = []
        while True:
            try:
                flight.append(self.ssl.bio_read(2048))
            except SSL.WantReadError:
                break
        self.flight = flight or self.flight
        for datagram in flight:
            self.socket.sendto(datagram, self.to)

    def _hear(self):
        """What comes in; without an answer the flight goes out again: before its SDP the phone is not listened to."""
        try:
            self.ssl.bio_write(self.socket.recv(2048))
        except TimeoutError:
            for datagram in self.flight:
                self.socket.sendto(datagram, self.to)

    def _shake_hands(self):
        try:
            self.socket.settimeout(0.3)
            give_up = time.monotonic() + 10
            while time.monotonic() < give_up:
                try:
                    self.ssl.do_handshake()
                    return self._flush()
                except SSL.WantReadError:
                    self._flush()
                    self._hear()
            raise TimeoutError("no handshake")
        except Exception as error:  # told by ready()
            self.error = error

    def ready(self):
        self.thread.join()
        if self.error:
            raise self.error
        keys = self.ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (KEY + SALT))
        client = keys[:KEY] + keys[2 * KEY:2 * KEY + SALT]
        server = keys[KEY:2 * KEY] + keys[2 * KEY + SALT:]
        ours, theirs = (client, server) if self.is_client else (server, client)
        profile = Policy.SRTP_PROFILE_AES128_CM_SHA1_80
        self.tx = Session(Policy(key=ours, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=profile))
        self.rx = Session(Policy(key=theirs, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile))
        return self


def send_until_heard(sender, to, packet, receiver):
    """The last flight of a handshake may still be under way when the side that sent it is done."""
    for _ in range(10):
        sender.send(to, packet)
        try:
            return receiver.receive(0.5)[0]
        except TimeoutError:
            pass
    raise AssertionError("nothing is heard")


@pytest.mark.parametrize("mux", [False, True], ids=["two ports", "one port"])
@pytest.mark.parametrize("setup", ["active", "passive"])
def test_a_phone_with_dtls_and_no_ice(ng, call, phones, setup, mux):
    a, b = phones(), phones()
    key, cert = certificate()
    offer = ng.offer(call, a.sdp(), transport_protocol="UDP/TLS/RTP/SAVP", SDES=["off"],
                     rtcp_mux=["offer"] if mux else [])
    assert "a=setup:actpass" in offer and "candidate" not in offer and ("a=rtcp-mux" in offer) == mux
    host, port = rtp.media_address(offer)
    fingerprint = cert.fingerprint(hashes.SHA256()).hex(":").upper()
    attributes = [f"a=setup:{setup}", f"a=fingerprint:sha-256 {fingerprint}", *(["a=rtcp-mux"] if mux else [])]
    is_client = setup == "active"
    legs = [DtlsSocket(b.rtp, (host, port), is_client, key, cert)]
    if not mux:
        legs.append(DtlsSocket(b.rtcp, (host, port + 1), is_client, key, cert))
    to_a = rtp.media_address(ng.answer(call, b.sdp(protocol="UDP/TLS/RTP/SAVP", attributes=attributes)))
    for leg in legs:
        leg.ready()
        assert leg.ssl.get_peer_certificate().digest("sha256").decode() in offer

    for seq in (65535, 0):
        sent = rtp.packet(seq, ssrc=0xA, timestamp=seq)
        assert legs[0].rx.unprotect(send_until_heard(a, to_a, sent, b)) == sent
        sent = rtp.packet(seq, ssrc=0xB, timestamp=seq)
        b.send((host, port), legs[0].tx.protect(sent))
        assert a.receive()[0] == sent
    report = rtp.sender_report(0xA)
    a.rtcp.sendto(report, (to_a[0], to_a[1] + 1))
    leg = legs[-1]
    leg.socket.settimeout(3)
    assert leg.rx.unprotect_rtcp(leg.socket.recv(2048)) == report
    report = rtp.receiver_report(0xB)
    leg.socket.sendto(leg.tx.protect_rtcp(report), leg.to)
    assert a.rtcp.recv(2048) == report
    assert "DTLS-SRTP" in ng.query(call)["tags"]["B"]["medias"][0]["flags"]


def test_another_certificate_than_the_sdp_said_gets_no_media(ng, call, phones):
    a, b = phones(), phones()
    key, cert = certificate()
    offer = ng.offer(call, a.sdp(), transport_protocol="UDP/TLS/RTP/SAVP", SDES=["off"], rtcp_mux=["require"])
    other = certificate()[1].fingerprint(hashes.SHA256()).hex(":").upper()
    to_a = rtp.media_address(ng.answer(call, b.sdp(protocol="UDP/TLS/RTP/SAVP", attributes=[
        "a=setup:active", f"a=fingerprint:sha-256 {other}", "a=rtcp-mux"])))
    leg = DtlsSocket(b.rtp, rtp.media_address(offer), True, key, cert)
    leg.thread.join()
    while not b.hears_nothing(0.2):
        pass  # what is left of the handshake, and the alert
    a.send(to_a, rtp.packet(1))
    assert b.hears_nothing()
