# SPDX-License-Identifier: Apache-2.0
"""SRTP with keys from SDES toward a phone, plain RTP on the other side; libsrtp is the phone's engine."""
import base64
import os

import pytest

import rtp
from srtp import PROFILES, crypto_lines, session


class SecureCall:
    """A plain phone A calls; the phone B answers with one suite."""

    def __init__(self, ng, call, phones, suite):
        self.a, self.b = phones(), phones()
        to_b = ng.offer(call, self.a.sdp(), transport_protocol="RTP/SAVP", DTLS="off")
        assert "m=audio" in to_b and "RTP/SAVP" in to_b
        offered = crypto_lines(to_b)
        assert suite in offered
        tag = next(line for line in to_b.splitlines() if line.startswith("a=crypto:") and f" {suite} " in line)
        tag = tag.partition(":")[2].partition(" ")[0]
        key = os.urandom(PROFILES[suite][1])
        inline = base64.b64encode(key).decode()
        to_a = ng.answer(call, self.b.sdp(protocol="RTP/SAVP", attributes=[f"a=crypto:{tag} {suite} inline:{inline}"]))
        assert "RTP/AVP" in to_a and "a=crypto" not in to_a
        self.a_to, self.b_to = rtp.media_address(to_a), rtp.media_address(to_b)
        self.tx, self.rx = session(suite, key, False), session(suite, offered[suite], True)


@pytest.mark.parametrize("suite", PROFILES)
def test_both_ways_in_every_suite(ng, call, phones, suite):
    c = SecureCall(ng, call, phones, suite)
    for seq in (65534, 65535, 0, 1, 2):  # over a wrap: the rollover counter must follow on both sides
        sent = rtp.packet(seq, ssrc=0xA, timestamp=seq * 160)
        c.a.send(c.a_to, sent)
        assert c.rx.unprotect(c.b.receive()[0]) == sent
        sent = rtp.packet(seq, ssrc=0xB, timestamp=seq * 160)
        c.b.send(c.b_to, c.tx.protect(sent))
        assert c.a.receive()[0] == sent


def test_rtcp_is_protected_too(ng, call, phones):
    c = SecureCall(ng, call, phones, "AES_CM_128_HMAC_SHA1_80")
    report = rtp.sender_report(0xA)
    c.a.rtcp.sendto(report, (c.a_to[0], c.a_to[1] + 1))
    assert c.rx.unprotect_rtcp(c.b.rtcp.recv(2048)) == report
    report = rtp.sender_report(0xB)
    c.b.rtcp.sendto(c.tx.protect_rtcp(report), (c.b_to[0], c.b_to[1] + 1))
    assert c.a.rtcp.recv(2048) == report


def test_replayed_and_forged_packets_are_dropped_and_counted(ng, call, phones):
    c = SecureCall(ng, call, phones, "AES_CM_128_HMAC_SHA1_80")
    good = c.tx.protect(rtp.packet(10, ssrc=0xB))
    c.b.send(c.b_to, good)
    assert rtp.parse(c.a.receive()[0])["seq"] == 10
    c.b.send(c.b_to, good)
    assert c.a.hears_nothing()
    forged = bytearray(c.tx.protect(rtp.packet(11, ssrc=0xB)))
    forged[20] ^= 1
    c.b.send(c.b_to, bytes(forged))
    assert c.a.hears_nothing()
    c.b.send(c.b_to, rtp.packet(12, ssrc=0xB))  # not encrypted at all
    assert c.a.hears_nothing()
    c.b.send(c.b_to, c.tx.protect(rtp.packet(13, ssrc=0xB)))
    assert rtp.parse(c.a.receive()[0])["seq"] == 13
    stream = ng.query(call)["tags"]["B"]["medias"][0]["streams"][0]
    assert stream["stats"]["errors"] >= 3
    assert stream["crypto suite"] == "AES_CM_128_HMAC_SHA1_80"


def test_an_srtp_offer_is_answered_with_one_crypto_line(ng, call, phones):
    a, b = phones(), phones()
    key = os.urandom(30)
    line = "a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:" + base64.b64encode(key).decode()
    other = "a=crypto:8 AES_CM_128_HMAC_SHA1_32 inline:" + base64.b64encode(os.urandom(30)).decode()
    to_b = ng.offer(call, a.sdp(protocol="RTP/SAVP", attributes=[line, other]), transport_protocol="RTP/AVP")
    assert "RTP/AVP" in to_b and "crypto" not in to_b
    to_a = ng.answer(call, b.sdp())
    assert to_a.count("a=crypto:") == 1 and rtp.attribute(to_a, "crypto").startswith("7 AES_CM_128_HMAC_SHA1_80 ")
    rx = session("AES_CM_128_HMAC_SHA1_80", crypto_lines(to_a)["AES_CM_128_HMAC_SHA1_80"], True)
    tx = session("AES_CM_128_HMAC_SHA1_80", key, False)
    sent = rtp.packet(1, ssrc=0xA)
    a.send(rtp.media_address(to_a), tx.protect(sent))
    assert b.receive()[0] == sent
    b.send(rtp.media_address(to_b), sent)
    assert rx.unprotect(a.receive()[0]) == sent


def test_sdes_flags_choose_the_suites(ng, call, phones):
    to_b = ng.offer(call, phones().sdp(), transport_protocol="RTP/SAVP", DTLS="off",
                    SDES=["only-AES_CM_128_HMAC_SHA1_80", "pad"])
    assert list(crypto_lines(to_b)) == ["AES_CM_128_HMAC_SHA1_80"]
