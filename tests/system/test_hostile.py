# SPDX-License-Identifier: Apache-2.0
"""Broken and hostile input on every port: a clear error or a counted drop, and the relay goes on."""
import os
import random
import socket

import pytest

import bencode
import rtp
import stun
from ng import NgError

BROWSER = """v=0
o=- 3977025094351361097 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS stream
m=audio 45744 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 127.0.0.1
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:3321428803 1 udp 2122260223 127.0.0.1 45744 typ host generation 0 network-id 1
a=candidate:1 1 udp 2122260223 0f1c9b7e-5d5a-4b2e-8a7c-a6a7c9a1b2c3.local 45744 typ host
a=candidate:995241943 1 tcp 1518280447 127.0.0.1 9 typ host tcptype active generation 0
a=ice-ufrag:4S3m
a=ice-pwd:+b5btJW277HAh+hKWf6cTj4U
a=ice-options:trickle
a=fingerprint:sha-256 1A:CD:93:1E:55:FC:37:76:52:8E:72:31:EB:FF:EF:81:6E:37:78:95:93:17:23:D5:74:C4:0F:49:1A:F4:3B:E0
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=sendrecv
a=msid:stream track
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:0 PCMU/8000
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:4
a=ssrc:3751843558 cname:GIHCAccFZDkxhwt9
""".replace("\n", "\r\n")


def ping(relay):
    assert relay.ng.request(command="ping") == {"result": "pong"}


def damaged_lines():
    """Each line of the SDP in turn: gone, cut, doubled, garbled, endless."""
    lines = BROWSER.split("\r\n")[:-1]
    rng = random.Random(7)
    for n, line in enumerate(lines):
        garbled = bytearray(line.encode())
        garbled[rng.randrange(len(garbled))] = rng.randrange(1, 256)
        for bad in ("", line[:len(line) // 2], f"{line} {line}", garbled.decode("latin-1"),
                    line + "9" * 5000, line.replace("=", "=\x01\t", 1), line[:2]):
            yield "\r\n".join([*lines[:n], bad, *lines[n + 1:], ""])


def test_sdp_with_every_line_damaged(relay):
    accepted = refused = 0
    for n, sdp in enumerate(damaged_lines()):
        reply = relay.ng.request(command="offer", call_id=f"damaged-{n}", from_tag="a", sdp=sdp.encode("latin-1"),
                                 ICE="remove", transport_protocol="RTP/AVP")
        if reply["result"] == "ok":
            accepted += 1
            assert reply["sdp"][:5] in ("v=0\r\n", b"v=0\r\n")
            assert relay.ng.request(command="delete", call_id=f"damaged-{n}", from_tag="a", flags=["fast"])["result"] == "ok"
        else:
            refused += 1
            assert reply["error-reason"] in (
                "Failed to parse SDP", "Incomplete SDP specification", "Error rewriting SDP", "No SDP body in message")
    assert accepted > 50 and refused > 10
    assert relay.ng.calls() == []
    ping(relay)


def test_a_refused_offer_leaves_no_call_and_no_port(relay, ng, phones):
    before = relay.descriptors()
    for n in range(50):
        with pytest.raises(NgError, match="Failed to parse SDP"):
            ng.offer(f"refused-{n}", phones().sdp() + "x=what is this\r\n" if n == 0 else "v=0\r\nx=1\r\n")
    assert ng.calls() == []
    assert relay.descriptors() <= before


def test_a_refused_reinvite_leaves_the_call_as_it_was(ng, call, phones):
    a, b = phones(), phones()
    to_b = ng.offer(call, a.sdp())
    to_a = ng.answer(call, b.sdp())
    with pytest.raises(NgError):
        ng.command("offer", call_id=call, from_tag="A", to_tag="B", sdp="v=0\r\nnonsense")
    a.send(rtp.media_address(to_a), rtp.packet(1, ssrc=0xA))
    assert rtp.parse(b.receive()[0])["ssrc"] == 0xA
    assert to_b


def garbage(seed, count=400):
    rng = random.Random(seed)
    seeds = [rtp.packet(1), rtp.sender_report(1), stun.message(), stun.check("x" * 8, "y" * 26),
             b"\x16\xfe\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", b"\x40\x00\x00\x04abcd", b""]
    for _ in range(count):
        data = bytearray(rng.choice(seeds) + rng.randbytes(rng.choice([0, 0, 1, 4, 30, 1400])))
        for _ in range(rng.randrange(4)):
            if data:
                data[rng.randrange(len(data))] = rng.randrange(256)
        yield bytes(data[:rng.randrange(len(data) + 1)] if rng.random() < 0.4 else data)


def test_garbage_on_every_port(relay, ng, call, phones):
    a, b = phones(), phones()
    to_b = ng.offer(call, a.sdp())
    to_a = ng.answer(call, b.sdp())
    host, port = rtp.media_address(to_a)
    targets = [(host, port), (host, port + 1), (host, relay.webrtc_port), (host, relay.stun_port), relay.ng_address]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attacker:
        for n, to in enumerate(targets):
            for data in garbage(n):
                attacker.sendto(data, to)
    ping(relay)
    # The call has survived: whoever the SDP names is heard again.
    a.send((host, port), rtp.packet(1, ssrc=0xA))
    heard = [rtp.parse(b.receive()[0])["ssrc"]]
    while heard[-1] != 0xA:
        heard.append(rtp.parse(b.receive()[0])["ssrc"])
    assert to_b


def test_truncated_ng_messages(relay):
    whole = b"trunc " + bencode.encode({"command": "offer", "call-id": "t", "from-tag": "a", "sdp": BROWSER,
                                        "flags": ["WebRTC"], "replace": ["origin"]})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as proxy:
        for size in range(0, len(whole), 3):
            proxy.sendto(b"t%d " % size + whole[6:size + 6], relay.ng_address)
    ping(relay)


def client_hello():
    """A real ClientHello, made by aiortc's own DTLS library."""
    from OpenSSL import SSL
    context = SSL.Context(SSL.DTLS_METHOD)
    connection = SSL.Connection(context, None)
    connection.set_connect_state()
    try:
        connection.do_handshake()
    except SSL.WantReadError:
        pass
    return connection.bio_read(2048)


def test_client_hellos_from_unvalidated_addresses_cost_nothing(relay, ng, call, phones):
    answer = ng.offer(call, phones().sdp(), ICE="force", DTLS="passive", rtcp_mux=["require"],
                      transport_protocol="UDP/TLS/RTP/SAVPF", SDES=["off"])
    to = rtp.media_address(answer)
    hello = client_hello()
    before = relay.resident_kib()
    senders = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(50)]
    for sender in senders:
        for _ in range(40):
            sender.sendto(hello, to)
    ping(relay)
    for sender in senders:
        sender.settimeout(0.01)
        with pytest.raises(TimeoutError):
            sender.recv(2048)  # not one byte back
        sender.close()
    assert relay.resident_kib() - before < 8192


def test_nested_and_huge_documents(relay):
    deep = b"l" * 30000
    assert b"result" in relay.ng.raw(b"deep_1 d1:a" + deep)
    reply = bencode.decode(relay.ng.raw(b"deep_2 d1:a99999999999999999999:xe").partition(b" ")[2])
    assert reply["result"] == "error"
    reply = relay.ng.request("json", command="offer", **{"call-id": "j", "from-tag": "a", "sdp": "v=0\r\n" + "a=x\r\n" * 9000})
    assert reply["result"] == "error"
    assert os.path.exists(f"/proc/{relay.process.pid}")
