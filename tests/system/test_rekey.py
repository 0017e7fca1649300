# SPDX-License-Identifier: Apache-2.0
"""SRTP over the life of a call: re-INVITEs with the same keys, with new ones, a new SSRC, a moved phone."""
import os

import pytest

import rtp
from srtp import SecurePhone, crypto_lines, session


class Call:
    """A plain phone A, and B with SRTP."""

    def __init__(self, ng, call, phones):
        self.ng, self.call = ng, call
        self.a, self.b = phones(), SecurePhone(phones())
        self.offer_to_b()
        self.answer_from_b()

    def offer_to_b(self, **keys):
        self.to_b = self.ng.command("offer", call_id=self.call, from_tag="A", sdp=self.a.sdp(),
                                    transport_protocol="RTP/SAVP", DTLS="off", **keys)["sdp"]
        self.b.to = rtp.media_address(self.to_b)

    def tag(self):
        line = next(line for line in self.to_b.splitlines() if f" {self.b.suite} " in line)
        return line.partition(":")[2].partition(" ")[0]

    def answer_from_b(self):
        sdp = self.b.phone.sdp(protocol="RTP/SAVP", attributes=[self.b.crypto(self.tag())])
        self.a_to = rtp.media_address(self.ng.answer(self.call, sdp))
        key = crypto_lines(self.to_b)[self.b.suite]
        if getattr(self, "key", None) != key:
            self.key, self.b.rx = key, session(self.b.suite, key, True)

    def talks(self, seq, ssrc=0):
        sent = rtp.packet(seq, ssrc=0xA + ssrc, timestamp=seq * 160)
        self.a.send(self.a_to, sent)
        assert self.b.receive() == sent
        sent = rtp.packet(seq, ssrc=0xB + ssrc, timestamp=seq * 160)
        self.b.send(sent)
        assert self.a.receive()[0] == sent


@pytest.fixture
def secure(ng, call, phones):
    return Call(ng, call, phones)


def test_the_same_keys_again_keep_the_rollover_counter(secure):
    for seq in (65534, 65535, 0, 1):
        secure.talks(seq)
    key = secure.key
    secure.offer_to_b(to_tag="B")
    secure.answer_from_b()
    assert secure.key == key
    for seq in (2, 3):
        secure.talks(seq)


def test_new_keys_of_the_phone_are_taken(secure):
    secure.talks(1000)
    secure.offer_to_b(to_tag="B")
    secure.b.key = os.urandom(30)
    secure.b.tx = session(secure.b.suite, secure.b.key, False)
    secure.answer_from_b()
    for seq in (5, 6):  # it starts anew
        secure.talks(seq, ssrc=0x10)


def test_the_phone_offers_new_keys_itself(secure):
    secure.talks(1)
    b = secure.b
    b.key = os.urandom(30)
    b.tx = session(b.suite, b.key, False)
    to_a = secure.ng.command("offer", call_id=secure.call, from_tag="B", to_tag="A", transport_protocol="RTP/AVP",
                             sdp=b.phone.sdp(protocol="RTP/SAVP", attributes=[b.crypto(3)]))["sdp"]
    assert rtp.media_address(to_a) == secure.a_to and "crypto" not in to_a
    to_b = secure.ng.answer(secure.call, secure.a.sdp(), tag="B", to="A")
    assert rtp.attribute(to_b, "crypto").startswith("3 ")
    b.learn(to_b)
    for seq in (2, 3):
        secure.talks(seq)


def test_a_new_ssrc_in_mid_call(secure):
    for seq in (65000, 65001):
        secure.talks(seq)
    for seq in (7, 8):
        secure.talks(seq, ssrc=0x100)
    secure.talks(65002)


def test_hold_and_unhold_keep_the_context(secure):
    secure.talks(65535)
    secure.talks(0)
    for direction, back in (("sendonly", "recvonly"), ("sendrecv", "sendrecv")):
        hold = secure.a.sdp(attributes=[f"a={direction}"])
        secure.ng.command("offer", call_id=secure.call, from_tag="A", to_tag="B", sdp=hold,
                          transport_protocol="RTP/SAVP", DTLS="off")
        secure.ng.answer(secure.call, secure.b.phone.sdp(
            protocol="RTP/SAVP", attributes=[f"a={back}", secure.b.crypto(secure.tag())]))
    secure.talks(1)
