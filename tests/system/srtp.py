# SPDX-License-Identifier: Apache-2.0
"""SRTP as a phone does it: libsrtp with the keys of the a=crypto lines."""
import base64
import os

from pylibsrtp import Policy, Session

import rtp

PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30),
    "AES_CM_128_HMAC_SHA1_32": (Policy.SRTP_PROFILE_AES128_CM_SHA1_32, 30),
    "AEAD_AES_128_GCM": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28),
    "AEAD_AES_256_GCM": (Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 44),
}


def session(suite, key, inbound):
    kind = Policy.SSRC_ANY_INBOUND if inbound else Policy.SSRC_ANY_OUTBOUND
    return Session(policy=Policy(key=key, ssrc_type=kind, srtp_profile=PROFILES[suite][0]))


def crypto_lines(sdp):
    """{suite: key} of the a=crypto lines."""
    lines = [line.split() for line in sdp.splitlines() if line.startswith("a=crypto:")]
    return {words[1]: base64.b64decode(words[2].removeprefix("inline:").partition("|")[0] + "===") for words in lines}


class SecurePhone:
    """A phone with keys of its own in one suite; `learn` takes the relay's from the SDP it sent."""

    def __init__(self, phone, suite="AES_CM_128_HMAC_SHA1_80"):
        self.phone, self.suite = phone, suite
        self.key = os.urandom(PROFILES[suite][1])
        self.tx, self.rx, self.to = session(suite, self.key, False), None, None

    def crypto(self, tag=1):
        return f"a=crypto:{tag} {self.suite} inline:{base64.b64encode(self.key).decode()}"

    def learn(self, sdp, index=0):
        self.to = rtp.media_address(sdp, index)
        self.rx = session(self.suite, crypto_lines(sdp)[self.suite], True)

    def send(self, packet):
        self.phone.send(self.to, self.tx.protect(packet))

    def receive(self):
        return self.rx.unprotect(self.phone.receive()[0])

    def send_rtcp(self, compound):
        self.phone.rtcp.sendto(self.tx.protect_rtcp(compound), (self.to[0], self.to[1] + 1))

    def receive_rtcp(self, timeout=3):
        self.phone.rtcp.settimeout(timeout)
        return self.rx.unprotect_rtcp(self.phone.rtcp.recv(2048))
