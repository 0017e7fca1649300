# SPDX-License-Identifier: Apache-2.0
"""Calls as a SIP proxy sets them up by ng, and the lines that tell the load of their phones.

In each call `a` makes the offer and `b`, a phone with plain RTP, answers.
"""
import base64
import dataclasses
import os
import secrets

from . import net
from .measure import BenchError

FIRST_PORT = 10000
SUITE = "AES_CM_128_HMAC_SHA1_80"
KEY_SIZE = 30  # master key and salt
CODECS = {"audio": "0", "video": "96"}
TO_PBX = {"transport_protocol": "RTP/AVP", "ICE": "remove", "rtcp_mux": ["demux"],
          "replace": ["origin", "session-connection"]}
TO_BROWSER = {"ICE": "force", "rtcp_mux": ["require"], "replace": ["origin", "session-connection"]}


@dataclasses.dataclass
class Phone:
    """An end of a call: its port, and what its SDP says beside."""
    port: int
    media: str = "audio"
    protocol: str = "RTP/AVP"
    lines: tuple = ()

    def sdp(self):
        return "\r\n".join([
            "v=0", f"o=- 1 1 IN IP4 {net.LOAD}", "s=-", f"c=IN IP4 {net.LOAD}", "t=0 0",
            f"m={self.media} {self.port} {self.protocol} {CODECS[self.media]}",
            *(["a=rtpmap:96 VP8/90000"] if self.media == "video" else []), *self.lines, ""])


def _value(sdp, start):
    """What follows in the first line that starts so."""
    for line in sdp.splitlines():
        if line.lower().startswith(start):
            return line[len(start):].strip()
    raise BenchError(f"no {start} in the relay's SDP:\n{sdp}")


def address(sdp):
    """Where the relay wants the media: "IP PORT"."""
    return f"{_value(sdp, 'c=in ip4 ')} {_value(sdp, 'm=').split()[1]}"


class PlainPhone:
    """Plain RTP. `kind` of media: audio or video."""

    def __init__(self, port, media="audio"):
        self.phone = Phone(port, media)

    def flow(self, name, sdp):
        return f"flow {name} {net.LOAD} {self.phone.port} {address(sdp)} plain"


class SdesPhone:
    """SRTP with keys in the SDP."""

    def __init__(self, port):
        self.key = base64.b64encode(os.urandom(KEY_SIZE)).decode()
        self.phone = Phone(port, protocol="RTP/SAVP", lines=(f"a=crypto:1 {SUITE} inline:{self.key}",))

    def flow(self, name, sdp):
        tag, suite, inline = _value(sdp, "a=crypto:").split()[:3]
        if (tag, suite) != ("1", SUITE):
            raise BenchError(f"the relay has chosen {suite}")
        theirs = inline.removeprefix("inline:").partition("|")[0]
        return f"flow {name} {net.LOAD} {self.phone.port} {address(sdp)} sdes {suite} {self.key} {theirs}"


class Browser:
    """ICE and DTLS-SRTP, RTP and RTCP on one port."""

    def __init__(self, port, fingerprint):
        self.ufrag, self.password = secrets.token_hex(4), secrets.token_hex(12)
        self.phone = Phone(port, protocol="UDP/TLS/RTP/SAVPF", lines=(
            "a=mid:0", "a=rtcp-mux", "a=setup:actpass", f"a=fingerprint:sha-256 {fingerprint}",
            f"a=ice-ufrag:{self.ufrag}", f"a=ice-pwd:{self.password}",
            f"a=candidate:1 1 udp 2130706431 {net.LOAD} {port} typ host", "a=sendrecv"))

    def flow(self, name, sdp):
        role = "active" if _value(sdp, "a=setup:") == "passive" else "passive"
        remote = f"{_value(sdp, 'a=ice-ufrag:')} {_value(sdp, 'a=ice-pwd:')}"
        fingerprint = _value(sdp, "a=fingerprint:sha-256 ")
        return (f"flow {name} {net.LOAD} {self.phone.port} {address(sdp)} dtls {role} {self.ufrag} {self.password} "
                f"{remote} {fingerprint}")


def kinds(fingerprint):
    """What makes the phone `a` of a call, and the flags of offer and answer, for each kind of call."""
    return {
        "plain": (PlainPhone, {}, {}),
        "video": (lambda port: PlainPhone(port, "video"), {}, {}),
        "sdes": (SdesPhone, {"transport_protocol": "RTP/AVP"}, {}),
        "webrtc": (lambda port: Browser(port, fingerprint), TO_PBX, TO_BROWSER),
    }


class Calls:
    """Sets up calls of any kind on one relay; no two of them share a port."""

    def __init__(self, ng, fingerprint):
        self.ng, self.kinds, self.count = ng, kinds(fingerprint), 0

    def set_up(self, kind, count):
        """The lines of the load for both phones of each of `count` new calls."""
        make, offering, answering = self.kinds[kind]
        lines = []
        for _ in range(count):
            n, port = self.count, FIRST_PORT + 4 * self.count
            a, b = make(port), PlainPhone(port + 2, "video" if kind == "video" else "audio")
            to_b = self.ng.offer(f"bench-{n}", a.phone.sdp(), **offering)
            to_a = self.ng.answer(f"bench-{n}", b.phone.sdp(), **answering)
            lines += [a.flow(f"a{n}", to_a), b.flow(f"b{n}", to_b)]
            self.count += 1
        return lines

    def delete(self, count):
        """The last `count` of them."""
        for _ in range(count):
            self.count -= 1
            self.ng.delete(f"bench-{self.count}", flags=["fast"])
