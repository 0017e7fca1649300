# SPDX-License-Identifier: Apache-2.0
"""Dialogues that no proxy would make up, while packets of every kind come to the announced ports: nothing breaks."""
import os
import random
import socket

import pytest

import rtp
import stun

COMMANDS = 3000
PROFILES = ["RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF"]
OTHERS = ["udptl", "TCP/MSRP", "UDP/DTLS/SCTP", "X/Y"]
KINDS = ["audio", "audio", "video", "image", "message", "application"]
FINGERPRINT = "a=fingerprint:sha-256 " + ":".join(["AB"] * 32)
CRYPTO = ["a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40, "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:" + "B" * 40]
SWITCHES = ["generate-mid", "strict-source", "media-handover", "asymmetric", "port-latching", "no-port-latching", "reset",
            "WebRTC", "loop-protect", "original-sendrecv", "trickle-ICE", "ICE-reject", "single-codec",
            "no-rtcp-attribute", "fragment", "new-branch", "provisional"]
KEYS = {
    "ICE": ["force", "remove", "default", "optional"],
    "transport-protocol": PROFILES,
    "rtcp-mux": [["offer"], ["demux"], ["require"], ["accept"], ["reject"], ["offer", "accept"], ["demux", "reject"]],
    "SDES": [["off"], ["nonew"], ["static"], ["pad"]],
    "DTLS": ["off", "passive", "active"],
    "bundle": [["accept"], ["offer"], ["require"], ["strict"], ["reject"]],
    "direction": [["one", "two"], ["two", "one"], ["one", "one"], ["x", "y"]],
    "address-family": ["IP4", "IP6"],
    "replace": [["origin"], ["origin-full"], ["sdp-version", "username"], ["zero-address"]],
    "sdp-media-remove": [["video"], ["audio"]],
    "codec": [{"strip": ["all"], "offer": ["PCMU"]}, {"strip": ["PCMA"]}, {"mask": ["all"]}],
    "via-branch": ["x", "y", "z"],
    "sip-code": [183, 200, 488],
}


class Dice(random.Random):
    def likely(self, probability):
        return self.random() < probability

    def section(self, number, port, bundled):
        lines = [f"m={self.choice(KINDS)} {self.choice([port, port, port, 0, 9])} "
                 f"{self.choice(PROFILES if self.likely(.9) else OTHERS)} {self.choice(['0 8 101', '0', '96 97', '8', 't38'])}"]
        optional = [
            (.2, ["c=IN IP4 127.0.0.1"]), (.5, ["a=rtpmap:96 VP8/90000"]), (1 if bundled else .2, [f"a=mid:{number}"]),
            (.4, [f"a=ice-ufrag:{self.choice('abc')}bcd", "a=ice-pwd:" + "p" * 24]),
            (.3, [f"a=candidate:1 1 UDP 2130706431 127.0.0.1 {port} typ host"]),
            (.5, [FINGERPRINT, "a=setup:" + self.choice(["actpass", "active", "passive", "holdconn"])]),
            (.4, [self.choice(CRYPTO)]), (.4, ["a=rtcp-mux"]), (.1, ["a=bundle-only"]), (.1, [f"a=rtcp:{port}"]),
            (.3, ["a=" + self.choice(["sendonly", "recvonly", "inactive"])]), (.1, [f"a=ssrc:{number} cname:x"]),
            (.1, ["a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid"]),
        ]
        return lines + [line for probability, some in optional if self.likely(probability) for line in some]

    def sdp(self, port):
        count = self.choice([1, 1, 1, 2, 2, 3, 5])
        bundled = self.likely(.4)
        address = self.choice(["IP4 127.0.0.1", "IP4 127.0.0.1", "IP4 0.0.0.0", "IP6 ::1"])
        lines = ["v=0", f"o=- 1 {self.randint(1, 9)} IN IP4 127.0.0.1", "s=-", f"c=IN {address}", "t=0 0"]
        if bundled:
            lines.append("a=group:BUNDLE " + " ".join(str(n) for n in range(count) if self.likely(.9)))
        for number in range(count):
            lines += self.section(number, port, bundled)
        return "\r\n".join([*lines, ""])

    def keys(self):
        keys = {name: self.choice(values) for name, values in KEYS.items() if self.likely(.2)}
        if self.likely(.3):
            keys["flags"] = self.sample(SWITCHES, self.randint(1, 3))
        return keys

    def command(self, port):
        verb = self.choices(["offer", "answer", "query", "delete"], [50, 35, 8, 7])[0]
        sender, receiver = self.sample("ABCD", 2)
        if verb in ("offer", "answer"):
            whom = {"to-tag": receiver} if verb == "answer" or self.likely(.5) else {}
            return {"command": verb, "from-tag": sender, **whom, "sdp": self.sdp(port), **self.keys()}
        if verb == "delete" and self.likely(.9):
            return {"command": verb, "from-tag": sender, "via-branch": self.choice("xyz")}
        return {"command": verb}

    def datagram(self, number):
        return self.choice([
            rtp.packet(number, ssrc=self.randint(1, 5), pt=self.choice([0, 8, 96])), rtp.sender_report(1),
            rtp.receiver_report(2, [rtp.report_block(1)]), rtp.picture_loss(1, 2), stun.message(),
            b"\x16\xfe\xff" + os.urandom(60), os.urandom(self.randint(1, 200)), stun.check("a", "b")])


def announced(sdp):
    return [int(line.split()[1]) for line in sdp.splitlines() if line.startswith("m=") and " TCP/" not in line]


@pytest.mark.parametrize("seed", range(4))
def test_random_dialogues(start, seed):
    dice = Dice(seed)
    relay = start("--num-threads=2", "--log-level=4", *(["--webrtc-port=0"] if seed % 2 else []),
                  interface="one/127.0.0.1;one/::1;two/127.0.0.2")
    descriptors = relay.descriptors()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        ports = []
        for number in range(COMMANDS):
            reply = relay.ng.request(call_id=f"random-{dice.randint(0, 15)}", **dice.command(peer.getsockname()[1]))
            assert reply["result"] in ("ok", "error")
            ports = (announced(reply.get("sdp", "")) + ports)[:200]
            for port in dice.sample(ports, min(4, len(ports))):
                if 20000 <= port < 30000 or port >= relay.webrtc_port > 0:
                    peer.sendto(dice.datagram(number), ("127.0.0.1", port))
    for call in relay.ng.calls():
        relay.ng.request(command="delete", call_id=call)
    assert relay.ng.calls() == []
    interfaces = relay.ng.command("statistics")["statistics"]["interfaces"]
    assert [one["ports"]["used"] for one in interfaces] == [0] * len(interfaces)
    assert relay.descriptors() <= descriptors
