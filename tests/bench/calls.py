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


class Call:
    """One that is offered, then answered."""

    def __init__(self, number, kind, how):
        make, self.offering, self.answering = how
        port = FIRST_PORT + 4 * number
        self.number, self.name = number, f"bench-{number}"
        self.a, self.b = make(port), PlainPhone(port + 2, "video" if kind == "video" else "audio")
        self.to_a = self.to_b = ""  # SDP of the relay

    def offer(self, ng):
        self.to_b = ng.offer(self.name, self.a.phone.sdp(), **self.offering)

    def answer(self, ng):
        self.to_a = ng.answer(self.name, self.b.phone.sdp(), **self.answering)

    def lines(self):
        """Those of the load for both phones."""
        return [self.a.flow(f"a{self.number}", self.to_a), self.b.flow(f"b{self.number}", self.to_b)]


class Calls:
    """Sets up calls of any kind on one relay; no two of them share a port."""

    def __init__(self, ng, fingerprint):
        self.ng, self.kinds, self.count = ng, kinds(fingerprint), 0

    def new(self, kind, count):
        """Calls that the relay does not know yet."""
        self.count += count
        return [Call(n, kind, self.kinds[kind]) for n in range(self.count - count, self.count)]

    def set_up(self, kind, count):
        """The lines of the load for both phones of each of `count` new calls."""
        lines = []
        for call in self.new(kind, count):
            call.offer(self.ng)
            call.answer(self.ng)
            lines += call.lines()
        return lines

    def delete(self, count):
        """The last `count` of them."""
        for _ in range(count):
            self.count -= 1
            self.ng.delete(f"bench-{self.count}", flags=["fast"])
